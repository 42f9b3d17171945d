//! A request in TTLV: decodes, or gives a failure that can be answered.
#![no_main]

use keybridge_kmip::Limits;
use keybridge_kmip::message::RequestMessage;
use keybridge_kmip::wire::DateTime;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(failure) = RequestMessage::decode(bytes, &Limits::default()) {
        assert!(failure.response(DateTime(0)).encode(Vec::new()).is_ok());
    }
});
