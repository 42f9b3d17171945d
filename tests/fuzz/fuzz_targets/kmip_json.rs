//! Items in JSON.
#![no_main]

use keybridge_kmip::Limits;
use keybridge_kmip::item::Item;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = Item::from_json(text, &Limits::default());
});
