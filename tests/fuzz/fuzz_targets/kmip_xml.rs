//! Items in XML.
#![no_main]

use keybridge_kmip::Limits;
use keybridge_kmip::item::Item;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = Item::from_xml(text, &Limits::default());
});
