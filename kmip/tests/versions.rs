//! Nothing newer than its version may ever be in a message: the whole corpus of 2.1 and 1.4 is
//! written for every version, and what comes out is searched.

use keybridge_kmip::message::{Outcome, RequestMessage, ResponseMessage};
use keybridge_kmip::tags::Values;
use keybridge_kmip::{Item, ItemType, Limits, Tag, Value, Version};

use crate::corpus::cases;

/// Everything in the item that `version` does not have.
fn foreign(item: &Item, version: Version, found: &mut Vec<String>) {
    if !item.tag.exists_in(version) {
        found.push(format!("tag {}", item.tag));
    }
    if item.value.kind() == ItemType::DateTimeExtended && version < Version::V2_0 {
        found.push(format!("type of {}", item.tag));
    }
    let values = item.tag.row().map_or(Values::Plain, |row| row.values);
    match (&item.value, values) {
        (Value::Structure(items), _) => {
            items.iter().for_each(|item| foreign(item, version, found));
        }
        // The operation of a request is returned as it was asked.
        (Value::Enumeration(_), _) if item.tag == Tag::Operation => {}
        (Value::Enumeration(value), Values::Enumeration(table)) => {
            if version < Version::V2_0 && item.tag == Tag::UniqueIdentifier {
                found.push("an enumerated identifier".to_owned());
            }
            if !table.exists_in(*value, version) {
                found.push(format!("{} {value:#x}", table.name));
            }
        }
        (Value::Integer(value), Values::Mask(table)) => {
            let bits = table.rows.iter().filter(|row| !row.span.contains(version));
            if bits
                .into_iter()
                .any(|row| row.value & value.cast_unsigned() != 0)
            {
                found.push(format!("{} {value:#x}", table.name));
            }
        }
        _ => {}
    }
}

#[test]
fn nothing_foreign_is_written_for_a_version() {
    let limits = Limits::default();
    let (mut written, mut refused) = (0, 0);
    for case in cases() {
        let bytes = case.item.to_ttlv().unwrap();
        for version in Version::SUPPORTED {
            let converted = if case.item.tag == Tag::RequestMessage {
                let mut message = RequestMessage::decode(&bytes, &limits).unwrap();
                message.header.protocol_version = version;
                message.encode(Vec::new())
            } else {
                let mut message = ResponseMessage::decode(&bytes, &limits).unwrap();
                message.header.protocol_version = version;
                message.encode(Vec::new())
            };
            let Ok(converted) = converted else {
                refused += 1;
                continue;
            };
            written += 1;
            let item = Item::from_ttlv(&converted, &limits).unwrap();
            let mut found = Vec::new();
            foreign(&item, version, &mut found);
            assert!(
                found.is_empty(),
                "{} in {version}: {found:?}\n{}",
                case.name,
                item.to_xml()
            );
        }
    }
    println!("{written} messages written, {refused} requests refused for their version");
}

#[test]
fn what_is_written_for_a_version_is_read_in_it() {
    let limits = Limits::default();
    for case in cases() {
        if case.item.tag != Tag::RequestMessage {
            continue;
        }
        let bytes = case.item.to_ttlv().unwrap();
        for version in Version::SUPPORTED {
            let mut message = RequestMessage::decode(&bytes, &limits).unwrap();
            message.header.protocol_version = version;
            let Ok(converted) = message.encode(Vec::new()) else {
                continue;
            };
            let read = RequestMessage::decode(&converted, &limits).unwrap();
            for item in read.items {
                // A payload that lost the only thing it was about is no longer one.
                if let Err(error) = item.payload {
                    assert!(
                        error.to_string().contains("lacks"),
                        "{} {version}: {error}",
                        case.name
                    );
                }
            }
        }
    }
}

#[test]
fn a_response_that_a_version_cannot_express_fails_its_item() {
    use keybridge_kmip::enums::{ObjectType, Operation, ResultReason};
    use keybridge_kmip::message::ResponseBatchItem;
    use keybridge_kmip::operations::{GetResponse, ResponsePayload};
    let payload = GetResponse {
        object_type: ObjectType::PGPKey,
        unique_identifier: "1".into(),
        object: Default::default(),
    };
    let item = ResponseBatchItem {
        operation: Some(Operation::Get),
        unique_batch_item_id: Some(vec![1]),
        outcome: ResponsePayload::from(payload).into(),
        message_extension: None,
    };
    let time = keybridge_kmip::wire::DateTime(0);
    let encode = |version| {
        let bytes = ResponseMessage::new(version, time, vec![item.clone()]).encode(Vec::new());
        ResponseMessage::decode(&bytes.unwrap(), &Limits::default())
            .unwrap()
            .items
            .remove(0)
    };
    assert_eq!(encode(Version::V1_2), item);
    let failed = encode(Version::V1_1);
    assert_eq!(failed.unique_batch_item_id, Some(vec![1]));
    assert!(matches!(
        failed.outcome,
        Outcome::Failed {
            reason: ResultReason::GeneralFailure,
            ..
        }
    ));
}
