//! Items of any shape are the same after every encoding, and no bytes at all do harm.

use keybridge_kmip::message::{RequestMessage, ResponseMessage};
use keybridge_kmip::{BigInteger, Item, Limits, Tag, Value};
use proptest::prelude::*;

/// Text that XML can carry: it has no control characters but tab and line ends.
fn text() -> impl Strategy<Value = String> {
    "[\\t\\n\\r -\u{D7FF}\u{E000}-\u{FFFD}]{0,20}"
}

fn tag() -> impl Strategy<Value = Tag> {
    prop_oneof![
        (0..Tag::ROWS.len()).prop_map(|at| Tag::ROWS[at].tag),
        (0x54_0000_u32..=0x54_FFFF).prop_map(Tag),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        any::<i32>().prop_map(Value::Integer),
        any::<i64>().prop_map(Value::LongInteger),
        bytes().prop_map(|bytes| Value::BigInteger(BigInteger::from_signed(&bytes))),
        any::<u32>().prop_map(Value::Enumeration),
        (0..40_u32).prop_map(Value::Enumeration),
        any::<bool>().prop_map(Value::Boolean),
        text().prop_map(Value::TextString),
        bytes().prop_map(|bytes| Value::ByteString(bytes.into())),
        any::<i64>().prop_map(Value::DateTime),
        (-62_135_596_800_i64..253_402_300_799).prop_map(Value::DateTime),
        any::<u32>().prop_map(Value::Interval),
        any::<i64>().prop_map(Value::DateTimeExtended),
        (0..4_000_000_000_000_000_i64).prop_map(Value::DateTimeExtended),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let leaf = (tag(), value()).prop_map(|(tag, value)| Item::new(tag, value));
    leaf.prop_recursive(4, 40, 6, |inner| {
        (tag(), proptest::collection::vec(inner, 0..6))
            .prop_map(|(tag, items)| Item::new(tag, Value::Structure(items)))
    })
}

proptest! {
    #[test]
    fn items_survive_all_three_encodings(item in item()) {
        let limits = Limits::default();
        let bytes = item.to_ttlv().unwrap();
        prop_assert_eq!(&Item::from_ttlv(&bytes, &limits).unwrap(), &item);
        prop_assert_eq!(&Item::from_xml(&item.to_xml(), &limits).unwrap(), &item);
        prop_assert_eq!(&Item::from_json(&item.to_json(), &limits).unwrap(), &item);
    }

    #[test]
    fn what_is_read_is_written_the_same(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        // Mostly not TTLV at all; a plausible head makes some of it TTLV.
        if let Some(head) = bytes.get_mut(..4) {
            head.copy_from_slice(b"\x42\x00\x78\x01");
        }
        if let Ok(item) = Item::from_ttlv(&bytes, &Limits::default()) {
            prop_assert_eq!(item.to_ttlv().unwrap(), bytes);
        }
    }

    #[test]
    fn items_in_the_place_of_messages_do_no_harm(items in proptest::collection::vec(item(), 0..5)) {
        for tag in [Tag::RequestMessage, Tag::ResponseMessage] {
            let message = Item::new(tag, Value::Structure(items.clone()));
            let bytes = message.to_ttlv().unwrap();
            let _ = RequestMessage::decode(&bytes, &Limits::default());
            let _ = ResponseMessage::decode(&bytes, &Limits::default());
        }
    }

    #[test]
    fn texts_of_any_kind_do_no_harm(text in "\\PC{0,200}") {
        let _ = Item::from_xml(&text, &Limits::default());
        let _ = Item::from_json(&text, &Limits::default());
    }

    #[test]
    fn numbers_keep_their_value(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let number = BigInteger::from_unsigned(&bytes);
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        prop_assert_eq!(number.as_unsigned().unwrap(), &bytes[start..]);
        prop_assert!(number.as_signed().len().is_multiple_of(8) && !number.as_signed().is_empty());
        let signed = BigInteger::from_signed(&bytes);
        prop_assert!(signed.as_signed().len().is_multiple_of(8));
        let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
        prop_assert_eq!(signed.as_unsigned().is_none(), negative);
    }
}
