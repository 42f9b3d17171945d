//! A response in TTLV, as the client reads it.
#![no_main]

use keybridge_kmip::Limits;
use keybridge_kmip::message::ResponseMessage;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = ResponseMessage::decode(bytes, &Limits::default());
});
