//! Spoiled messages in all three encodings: cut, doubled, missing, of a wrong type, at the ends of their
//! range. What is a request in one encoding is one in the others, and what is none is none.

use std::time::{Duration, Instant};

use keybridge_kmip::attributes::{AttributeValue, Name};
use keybridge_kmip::enums::{CryptographicAlgorithm, KeyFormatType, ObjectType};
use keybridge_kmip::message::{Authentication, Credential, Outcome, RequestMessage};
use keybridge_kmip::objects::{KeyBlock, ManagedObject};
use keybridge_kmip::operations::{GetRequest, RegisterRequest, RequestPayload};
use keybridge_kmip::wire::DateTime;
use keybridge_kmip::{BigInteger, Encoding, Item, Limits, Tag, Value, Version};

const ENCODINGS: [Encoding; 3] = [Encoding::Ttlv, Encoding::Xml, Encoding::Json];

/// No message of a few hundred bytes may take longer, on however slow a machine.
const PATIENCE: Duration = Duration::from_secs(5);

fn register() -> RequestPayload {
    let key = KeyBlock::from_bytes(
        KeyFormatType::Raw,
        vec![9; 16],
        Some((CryptographicAlgorithm::AES, 128)),
    );
    RegisterRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: [
            AttributeValue::Name(Name::text("n")),
            AttributeValue::ActivationDate(DateTime(1_600_000_000)),
        ]
        .into_iter()
        .collect(),
        object: ManagedObject::SymmetricKey(key.into()).into(),
        protection_storage_masks: None,
    }
    .into()
}

fn request(version: Version) -> Item {
    let mut request = RequestMessage::new(version, vec![register(), GetRequest::default().into()]);
    request.header.maximum_response_size = Some(4096);
    request.header.batch_order_option = Some(true);
    let credentials = vec![Credential::password("user", "secret")];
    request.header.authentication = Some(Authentication { credentials });
    let bytes = request.encode(Vec::new()).unwrap();
    Item::from_ttlv(&bytes, &Limits::default()).unwrap()
}

fn written(item: &Item, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Ttlv => item.to_ttlv().unwrap(),
        Encoding::Xml => item.to_xml().into_bytes(),
        Encoding::Json => item.to_json().into_bytes(),
    }
}

/// What a server makes of a message; the answer to what is no request must be one that can be sent.
fn read(encoding: Encoding, bytes: &[u8]) -> Result<RequestMessage, String> {
    let began = Instant::now();
    let read = RequestMessage::decode_from(encoding, bytes, &Limits::default());
    assert!(began.elapsed() < PATIENCE, "{encoding:?}: {bytes:?}");
    read.map_err(|failure| {
        assert!(failure.response(DateTime(0)).encode(Vec::new()).is_ok());
        failure.error.to_string()
    })
}

/// Reads an item in every encoding: all agree, whether it is a request, and which of its payloads are
/// ones.
fn verdict(item: &Item, what: &str) -> Result<Vec<bool>, String> {
    let verdicts = ENCODINGS.map(|encoding| {
        let read = read(encoding, &written(item, encoding))?;
        Ok(read.items.iter().map(|item| item.payload.is_ok()).collect())
    });
    let [ttlv, xml, json] = verdicts;
    assert_eq!(ttlv, xml, "{what}");
    assert_eq!(ttlv, json, "{what}");
    ttlv
}

/// Makes the whole message of a structure's changed items.
type Rebuild<'a> = dyn FnMut(Vec<Item>) -> Item + 'a;

/// A message as it is with one thing changed: `change` is given each structure in turn.
fn each_structure(item: &Item, change: &mut dyn FnMut(&Item, &mut Rebuild<'_>)) {
    fn walk(
        item: &Item,
        rebuild: &mut dyn FnMut(Item) -> Item,
        change: &mut dyn FnMut(&Item, &mut Rebuild<'_>),
    ) {
        let Value::Structure(children) = &item.value else {
            return;
        };
        change(item, &mut |children| {
            rebuild(Item::new(item.tag, Value::Structure(children)))
        });
        for (index, child) in children.iter().enumerate() {
            let mut within = |changed: Item| {
                let mut all = children.clone();
                all[index] = changed;
                rebuild(Item::new(item.tag, Value::Structure(all)))
            };
            walk(child, &mut within, change);
        }
    }
    walk(item, &mut |item| item, change);
}

fn children(item: &Item) -> &[Item] {
    match &item.value {
        Value::Structure(children) => children,
        _ => &[],
    }
}

#[test]
fn a_message_cut_anywhere_is_none() {
    for version in [Version::V1_0, Version::V1_4, Version::V2_1] {
        let whole = request(version);
        for encoding in ENCODINGS {
            let bytes = written(&whole, encoding);
            assert!(read(encoding, &bytes).is_ok());
            // White space at the end of a text is no part of it.
            let end = bytes.trim_ascii_end().len();
            for length in 0..end {
                assert!(
                    read(encoding, &bytes[..length]).is_err(),
                    "{encoding:?} {length}"
                );
            }
        }
    }
}

#[test]
fn every_byte_spoiled_is_survived() {
    for encoding in ENCODINGS {
        let mut bytes = written(&request(Version::V2_1), encoding);
        for at in 0..bytes.len() {
            let was = bytes[at];
            for spoiled in [0, 0xFF, was ^ 1, was ^ 0x80, b'"', b'<', b'0'] {
                bytes[at] = spoiled;
                let _ = read(encoding, &bytes);
            }
            bytes[at] = was;
        }
    }
}

#[test]
fn what_is_there_twice_or_not_at_all_is_judged_alike() {
    for version in [Version::V1_0, Version::V1_4, Version::V2_1] {
        let whole = request(version);
        let fine = verdict(&whole, "as it is").unwrap();
        assert_eq!(fine, [true, true]);
        let (mut doubled, mut refused) = (0, 0);
        each_structure(&whole, &mut |structure, rebuild| {
            for (index, child) in children(structure).iter().enumerate() {
                let what = format!("{} in {}", child.tag, structure.tag);
                let mut twice = children(structure).to_vec();
                twice.insert(index, child.clone());
                doubled += 1;
                if verdict(&rebuild(twice), &what) != Ok(fine.clone()) {
                    refused += 1;
                } else {
                    // Lists: a second one is another one. What an object may have twice is the
                    // server's question.
                    let lists = [Tag::Attribute, Tag::Name, Tag::Credential];
                    let listed = structure.tag == Tag::Attributes || lists.contains(&child.tag);
                    assert!(listed, "{version} {what} twice");
                }
                let mut missing = children(structure).to_vec();
                missing.remove(index);
                let _ = verdict(&rebuild(missing), &what);
            }
        });
        assert!(doubled > 20 && refused > doubled / 2, "{doubled} {refused}");
        for tag in [
            Tag::RequestHeader,
            Tag::ProtocolVersion,
            Tag::BatchCount,
            Tag::BatchItem,
        ] {
            let mut removed = false;
            each_structure(&whole, &mut |structure, rebuild| {
                let Some(at) = children(structure)
                    .iter()
                    .position(|child| child.tag == tag)
                else {
                    return;
                };
                let mut missing = children(structure).to_vec();
                missing.remove(at);
                removed = true;
                assert!(
                    verdict(&rebuild(missing), "missing").is_err(),
                    "without {tag}"
                );
            });
            assert!(removed, "{tag}");
        }
    }
}

/// A value of each type, at both ends where it has ends.
fn values() -> Vec<Value> {
    let big = |bytes: &[u8]| Value::BigInteger(BigInteger::from_signed(bytes));
    vec![
        Value::Structure(Vec::new()),
        Value::Integer(i32::MIN),
        Value::Integer(-1),
        Value::Integer(i32::MAX),
        Value::LongInteger(i64::MIN),
        Value::LongInteger(i64::MAX),
        big(&[0]),
        big(&[0x80]),
        big(&[0xFF; 8]),
        big(&[0x7F; 600]),
        Value::Enumeration(0),
        Value::Enumeration(0x8000_0000),
        Value::Enumeration(u32::MAX),
        Value::Boolean(false),
        Value::Boolean(true),
        Value::TextString(String::new()),
        Value::TextString("\u{10FFFF}\"<&>'\\\n\r\t".to_owned()),
        Value::ByteString(Vec::new().into()),
        Value::ByteString(vec![0xFF; 9].into()),
        Value::DateTime(i64::MIN),
        Value::DateTime(-1),
        Value::DateTime(i64::MAX),
        Value::Interval(0),
        Value::Interval(u32::MAX),
        Value::DateTimeExtended(i64::MIN),
        Value::DateTimeExtended(i64::MAX),
    ]
}

#[test]
fn values_of_any_type_and_at_their_ends_are_judged_alike() {
    for version in [Version::V1_4, Version::V2_1] {
        let whole = request(version);
        each_structure(&whole, &mut |structure, rebuild| {
            for (index, child) in children(structure).iter().enumerate() {
                for value in values() {
                    let what = format!("{} in {}: {value:?}", child.tag, structure.tag);
                    let other = value.kind() != child.value.kind();
                    let mut changed = children(structure).to_vec();
                    changed[index] = Item::new(child.tag, value);
                    let judged = verdict(&rebuild(changed), &what);
                    // Attributes of 1.x may have any type until it is known what they are; a Key Value
                    // is bytes where it is wrapped.
                    let any = [Tag::AttributeValue, Tag::KeyValue];
                    if other && !any.contains(&child.tag) {
                        assert_ne!(judged, Ok(vec![true, true]), "{version} {what}");
                    }
                }
            }
        });
    }
}

#[test]
fn values_at_their_ends_survive_every_encoding() {
    let limits = Limits::default();
    for value in values() {
        let item = Item::new(Tag(0x54_0001), value);
        assert_eq!(
            Item::from_ttlv(&item.to_ttlv().unwrap(), &limits).as_ref(),
            Ok(&item)
        );
        let xml = item.to_xml();
        assert_eq!(Item::from_xml(&xml, &limits).as_ref(), Ok(&item), "{xml}");
        let json = item.to_json();
        assert_eq!(
            Item::from_json(&json, &limits).as_ref(),
            Ok(&item),
            "{json}"
        );
    }
}

#[test]
fn tags_that_nobody_knows_are_judged_alike() {
    for version in [Version::V1_0, Version::V1_4, Version::V2_1] {
        let whole = request(version);
        for tag in [Tag(0x42_FFFF), Tag(0x54_0001)] {
            each_structure(&whole, &mut |structure, rebuild| {
                for index in 0..=children(structure).len() {
                    let mut more = children(structure).to_vec();
                    more.insert(index, Item::new(tag, Value::Integer(1)));
                    let judged = verdict(&rebuild(more), "a tag that nobody knows");
                    // Nothing that a client says is dropped in silence.
                    assert_ne!(judged, Ok(vec![true, true]), "{version} {}", structure.tag);
                }
            });
        }
    }
}

#[test]
fn text_that_is_no_utf_8_is_refused() {
    for encoding in ENCODINGS {
        let bytes = written(&request(Version::V1_4), encoding);
        let name = bytes.windows(4).position(|four| four == b"user").unwrap();
        for wrong in [&b"\xFFser"[..], b"us\xC0\x80", b"\xED\xA0\x80r", b"use\xF0"] {
            let mut spoiled = bytes.clone();
            spoiled[name..name + 4].copy_from_slice(wrong);
            assert!(read(encoding, &spoiled).is_err(), "{encoding:?} {wrong:?}");
        }
    }
}

#[test]
fn bombs_cost_nothing() {
    let deep = 200_000;
    let xml = "<BatchItem>".repeat(deep);
    let json = r#"{"tag":"BatchItem","value":["#.repeat(deep);
    let ttlv = [0x42, 0x00, 0x0F, 0x01, 0x00, 0x10, 0x00, 0x00].repeat(deep);
    assert!(read(Encoding::Xml, xml.as_bytes()).is_err());
    assert!(read(Encoding::Json, json.as_bytes()).is_err());
    assert!(read(Encoding::Ttlv, &ttlv).is_err());
    // More items than the limit, in a message of no more bytes than the limit.
    let wide = 100_000;
    let xml = format!("<BatchItem>{}</BatchItem>", "<D/>".repeat(wide));
    let json = format!(
        r#"{{"tag":"BatchItem","value":[{}{{"tag":"D"}}]}}"#,
        r#"{"tag":"D"},"#.repeat(wide)
    );
    assert!(read(Encoding::Xml, xml.as_bytes()).is_err());
    assert!(read(Encoding::Json, json.as_bytes()).is_err());
    // Entities, and attributes without end.
    let entities = r#"<!DOCTYPE a [<!ENTITY b "&c;&c;"><!ENTITY c "&b;&b;">]><BatchItem/>"#;
    assert!(read(Encoding::Xml, entities.as_bytes()).is_err());
    let attributes = (0..50_000)
        .map(|n| format!(" a{n}=\"\""))
        .collect::<String>();
    let attributes = format!("<BatchItem{attributes}/>");
    let _ = read(Encoding::Xml, attributes.as_bytes());
    let members = (0..50_000)
        .map(|n| format!("\"a{n}\":0,"))
        .collect::<String>();
    let members = format!("{{{members}\"tag\":\"BatchItem\"}}");
    let _ = read(Encoding::Json, members.as_bytes());
    // A length that is only claimed.
    assert!(
        read(
            Encoding::Ttlv,
            &[0x42, 0x00, 0x78, 0x01, 0x7F, 0xFF, 0xFF, 0xF8]
        )
        .is_err()
    );
}

#[test]
fn failures_are_answered_even_so() {
    let failure = RequestMessage::decode(&[0x42], &Limits::default()).unwrap_err();
    let response = failure.response(DateTime(0));
    assert!(matches!(response.items[0].outcome, Outcome::Failed { .. }));
}
