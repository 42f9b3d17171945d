//! Bytes that mean harm: cut, spoiled, too deep, too many. Nothing may panic, and every answer must
//! be a message that can be sent.

use keybridge_kmip::attributes::{AttributeValue, Name};
use keybridge_kmip::enums::{
    CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, ResultReason,
};
use keybridge_kmip::message::{
    Authentication, Credential, Outcome, PayloadError, RequestMessage, ResponseMessage,
};
use keybridge_kmip::objects::{KeyBlock, ManagedObject};
use keybridge_kmip::operations::{EncryptRequest, GetRequest, RegisterRequest, RequestPayload};
use keybridge_kmip::ttlv::{TtlvError, Writer, check};
use keybridge_kmip::wire::DateTime;
use keybridge_kmip::{DecodeError, Item, Limits, Tag, Value, Version, frame};

fn register() -> RequestPayload {
    let key = KeyBlock::from_bytes(
        KeyFormatType::Raw,
        vec![9; 16],
        Some((CryptographicAlgorithm::AES, 128)),
    );
    RegisterRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: [AttributeValue::Name(Name::text("n"))]
            .into_iter()
            .collect(),
        object: ManagedObject::SymmetricKey(key.into()).into(),
        protection_storage_masks: None,
    }
    .into()
}

fn message(version: Version) -> Vec<u8> {
    let mut request = RequestMessage::new(version, vec![register(), GetRequest::default().into()]);
    let credentials = vec![Credential::password("user", "secret")];
    request.header.authentication = Some(Authentication { credentials });
    request.encode(Vec::new()).unwrap()
}

/// What a server does with bytes; panics if the answer is none.
fn serve(bytes: &[u8]) -> Result<RequestMessage, DecodeError> {
    RequestMessage::decode(bytes, &Limits::default()).map_err(|failure| {
        let answer = failure.response(DateTime(0)).encode(Vec::new()).unwrap();
        let answer = ResponseMessage::decode(&answer, &Limits::default()).unwrap();
        assert_eq!(answer.items.len(), 1);
        assert!(matches!(answer.items[0].outcome, Outcome::Failed { .. }));
        assert!(answer.header.protocol_version.is_supported());
        failure.error
    })
}

#[test]
fn a_message_cut_anywhere_is_refused() {
    for version in Version::SUPPORTED {
        let whole = message(version);
        assert!(serve(&whole).is_ok());
        for length in 0..whole.len() {
            assert!(
                serve(&whole[..length]).is_err(),
                "{version}, {length} bytes"
            );
        }
    }
}

#[test]
fn a_message_cut_anywhere_is_answered_in_its_version_where_that_can_be_read() {
    let whole = message(Version::V1_2);
    // Message head, header head, and the protocol version's 40 bytes with its own head.
    let readable = 8 + 8 + 40;
    let header = 8 + u32::from_be_bytes(whole[12..16].try_into().unwrap()) as usize + 8;
    for length in header..whole.len() {
        let failure = RequestMessage::decode(&whole[..length], &Limits::default()).unwrap_err();
        assert_eq!(failure.version, Version::V1_2, "{length} of {readable}");
    }
}

#[test]
fn every_byte_spoiled_is_survived() {
    for version in [Version::V1_0, Version::V2_1] {
        let whole = message(version);
        for at in 0..whole.len() {
            for spoiled in [0x00, 0x01, 0x42, 0x7F, 0x80, 0xFF, whole[at] ^ 0x01] {
                let mut bytes = whole.clone();
                bytes[at] = spoiled;
                let _ = serve(&bytes);
                let _ = ResponseMessage::decode(&bytes, &Limits::default());
                let _ = Item::from_ttlv(&bytes, &Limits::default());
            }
        }
    }
}

/// Offsets of the length fields of a message's items.
fn lengths(bytes: &[u8], at: usize, found: &mut Vec<usize>) {
    let mut at = at;
    while at < bytes.len() {
        found.push(at + 4);
        let length = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let end = at + 8 + length.next_multiple_of(8);
        if bytes[at + 3] == 1 {
            lengths(&bytes[..end], at + 8, found);
        }
        at = end;
    }
}

#[test]
fn every_length_spoiled_is_refused() {
    let whole = message(Version::V1_4);
    let mut fields = Vec::new();
    lengths(&whole, 0, &mut fields);
    assert!(fields.len() > 20);
    for field in fields {
        let length = u32::from_be_bytes(whole[field..field + 4].try_into().unwrap());
        for spoiled in [
            length ^ 0x8000_0000,
            u32::MAX,
            u32::MAX - 7,
            length + 8,
            length | 0x10_0000,
        ] {
            let mut bytes = whole.clone();
            bytes[field..field + 4].copy_from_slice(&spoiled.to_be_bytes());
            assert!(
                serve(&bytes).is_err(),
                "length {length} at {field} as {spoiled}"
            );
        }
    }
}

fn nested(depth: usize) -> Vec<u8> {
    let mut out = Writer::default();
    let marks: Vec<_> = (0..depth).map(|_| out.begin(Tag::RequestMessage)).collect();
    marks.into_iter().rev().for_each(|mark| out.end(mark));
    out.finish().unwrap()
}

#[test]
fn depth_is_limited() {
    let limits = Limits {
        depth: 5,
        ..Limits::default()
    };
    assert!(check(&nested(5), &limits).is_ok());
    assert_eq!(
        check(&nested(6), &limits).err(),
        Some(TtlvError::TooDeep { limit: 5 })
    );
    // Limits beyond the ceiling do not make the checker's stack too small.
    let limits = Limits {
        depth: usize::MAX,
        ..Limits::default()
    };
    assert!(check(&nested(64), &limits).is_ok());
    assert!(check(&nested(65), &limits).is_err());
    assert!(serve(&nested(100_000)).is_err());
    let xml = "<KeyBlock>".repeat(100_000);
    assert!(Item::from_xml(&xml, &Limits::default()).is_err());
    let json = r#"{"tag":"KeyBlock","value":["#.repeat(30_000);
    assert!(Item::from_json(&json, &Limits::default()).is_err());
}

#[test]
fn items_are_limited() {
    let mut out = Writer::default();
    let mark = out.begin(Tag::RequestMessage);
    (0..9).for_each(|_| out.integer(Tag::BatchCount, 1));
    out.end(mark);
    let bytes = out.finish().unwrap();
    assert!(
        check(
            &bytes,
            &Limits {
                items: 10,
                ..Limits::default()
            }
        )
        .is_ok()
    );
    let error = check(
        &bytes,
        &Limits {
            items: 9,
            ..Limits::default()
        },
    )
    .err();
    assert_eq!(error, Some(TtlvError::TooManyItems { limit: 9 }));
}

#[test]
fn bytes_are_limited_before_they_are_read() {
    let limits = Limits {
        bytes: 1000,
        ..Limits::default()
    };
    let head = |length: u32| {
        let mut head = *b"\x42\x00\x78\x01\x00\x00\x00\x00";
        head[4..].copy_from_slice(&length.to_be_bytes());
        head
    };
    assert_eq!(frame::read_length(&head(992), &limits), Ok(1000));
    assert!(frame::read_length(&head(993), &limits).is_err());
    assert!(frame::read_length(&head(u32::MAX), &Limits::default()).is_err());
    assert!(frame::read_length(b"GET / HT", &limits).is_err());
    assert!(frame::read_length(b"\x42\x00\x78\x02\0\0\0\x04", &limits).is_err());
}

#[test]
fn padding_and_lengths_are_exact() {
    let mut out = Writer::default();
    out.text(Tag::NameValue, "abc");
    let good = out.finish().unwrap();
    assert!(check(&good, &Limits::default()).is_ok());
    for at in 11..16 {
        let mut bad = good.clone();
        bad[at] = 1;
        assert_eq!(
            check(&bad, &Limits::default()).err(),
            Some(TtlvError::Padding {
                tag: Tag::NameValue
            })
        );
    }
    let wrong_length = b"\x42\x00\x0D\x02\x00\x00\x00\x08\0\0\0\0\0\0\0\x01";
    assert!(matches!(
        check(wrong_length, &Limits::default()).err(),
        Some(TtlvError::WrongLength { length: 8, .. })
    ));
    let not_boolean = b"\x42\x00\x10\x06\x00\x00\x00\x08\0\0\0\0\0\0\0\x02";
    assert!(Item::from_ttlv(not_boolean, &Limits::default()).is_err());
    let not_utf8 = b"\x42\x00\x55\x07\x00\x00\x00\x02\xFF\xFE\0\0\0\0\0\0";
    assert!(Item::from_ttlv(not_utf8, &Limits::default()).is_err());
}

#[test]
fn a_malformed_payload_fails_its_batch_item_only() {
    let mut bytes = message(Version::V1_4);
    // The first payload's Object Type becomes another tag of the version.
    let at = bytes
        .windows(4)
        .position(|window| window == b"\x42\x00\x57\x05")
        .unwrap();
    bytes[at + 2] = 0x98;
    let request = serve(&bytes).unwrap();
    let error = request.items[0].payload.as_ref().unwrap_err();
    assert_eq!(error.reason(Version::V1_4), ResultReason::InvalidField);
    assert_eq!(error.reason(Version::V2_1), ResultReason::InvalidMessage);
    assert!(request.items[1].payload.is_ok());
}

#[test]
fn unknown_and_foreign_operations_are_told_as_such() {
    let mut request = RequestMessage::new(Version::V1_2, vec![EncryptRequest::default().into()]);
    let encrypt = request.encode(Vec::new()).unwrap();
    request.items[0].operation = Operation::Get;
    let at = encrypt
        .windows(4)
        .position(|window| window == b"\x42\x00\x5C\x05")
        .unwrap();
    let with_operation = |operation: u32, minor: u8| {
        let mut bytes = encrypt.clone();
        bytes[at + 8..at + 12].copy_from_slice(&operation.to_be_bytes());
        let version = bytes
            .windows(4)
            .position(|w| w == b"\x42\x00\x6B\x02")
            .unwrap();
        bytes[version + 11] = minor;
        serve(&bytes).unwrap().items.remove(0)
    };
    for (operation, minor) in [(0x1F, 1), (0x2A, 2), (0x99, 4), (0x8000_0001, 4)] {
        let item = with_operation(operation, minor);
        assert_eq!(item.operation, Operation(operation));
        let error = item.payload.unwrap_err();
        assert!(matches!(error, PayloadError::OperationNotSupported { .. }));
        assert_eq!(
            error.reason(Version::V1_1),
            ResultReason::OperationNotSupported
        );
    }
    // In 1.2 its Data would be missing.
    assert!(with_operation(0x1F, 3).payload.is_ok());
}

#[test]
fn versions_that_nobody_speaks_are_answered_in_the_nearest() {
    for (major, minor, nearest) in [
        (9, 9, Version::V2_1),
        (1, 7, Version::V1_4),
        (0, 3, Version::V1_0),
        (-1, 0, Version::V2_1),
        (300, 0, Version::V2_1),
    ] {
        let mut bytes = message(Version::V1_0);
        let at = bytes
            .windows(4)
            .position(|window| window == b"\x42\x00\x6A\x02")
            .unwrap();
        bytes[at + 8..at + 12].copy_from_slice(&i32::to_be_bytes(major));
        bytes[at + 24..at + 28].copy_from_slice(&i32::to_be_bytes(minor));
        let failure = RequestMessage::decode(&bytes, &Limits::default()).unwrap_err();
        assert!(matches!(
            failure.error,
            DecodeError::UnsupportedVersion { .. }
        ));
        assert_eq!(failure.version, nearest, "{major}.{minor}");
        serve(&bytes).unwrap_err();
    }
}

#[test]
fn batch_counts_must_be_right() {
    let whole = message(Version::V1_3);
    let at = whole
        .windows(4)
        .position(|window| window == b"\x42\x00\x0D\x02")
        .unwrap();
    for count in [0_i32, 1, 3, -1, i32::MAX] {
        let mut bytes = whole.clone();
        bytes[at + 8..at + 12].copy_from_slice(&count.to_be_bytes());
        let error = serve(&bytes).unwrap_err();
        assert_eq!(error, DecodeError::BatchCount { count, items: 2 });
    }
}

#[test]
fn secrets_are_never_printed() {
    let mut request = RequestMessage::new(Version::V1_4, vec![register()]);
    let credentials = vec![Credential::password("user", "hunter2")];
    request.header.authentication = Some(Authentication { credentials });
    let printed = format!("{request:?}");
    assert!(
        printed.contains("user") && !printed.contains("hunter2"),
        "{printed}"
    );
    assert!(!printed.contains("9, 9, 9"), "{printed}");
    let item = Item::from_ttlv(&request.encode(Vec::new()).unwrap(), &Limits::default()).unwrap();
    let printed = format!("{item:?}");
    assert!(
        printed.contains("user") && !printed.contains("hunter2"),
        "{printed}"
    );
}

#[test]
fn a_response_that_is_too_large_fails_instead() {
    let response = |count: usize| {
        let payload = keybridge_kmip::operations::LocateResponse {
            located_items: None,
            unique_identifiers: (0..count).map(|n| n.to_string().into()).collect(),
        };
        let item = keybridge_kmip::message::ResponseBatchItem {
            operation: Some(Operation::Locate),
            unique_batch_item_id: None,
            outcome: keybridge_kmip::operations::ResponsePayload::from(payload).into(),
            message_extension: None,
        };
        ResponseMessage::new(Version::V1_4, DateTime(0), vec![item])
    };
    let (bytes, is_whole) = response(500).encode_within(Vec::new(), 400).unwrap();
    assert!(!is_whole);
    assert!(bytes.len() <= 400);
    let read = ResponseMessage::decode(&bytes, &Limits::default()).unwrap();
    let Outcome::Failed { reason, .. } = read.items[0].outcome else {
        panic!("{read:?}")
    };
    assert_eq!(reason, ResultReason::ResponseTooLarge);
    assert!(response(1).encode_within(Vec::new(), 400).unwrap().1);
    assert!(response(500).encode_within(Vec::new(), 100).is_err());
}

#[test]
fn xml_and_json_that_are_no_items_are_refused() {
    let integer = r#"<BatchCount type="Integer" value="1"/>"#;
    assert!(Item::from_xml(integer, &Limits::default()).is_ok());
    for xml in [
        "",
        "<BatchCount/",
        "<BatchItem>",
        "</BatchItem>",
        "<BatchItem></BatchCount>",
        "<NoSuchTag/>",
        "<BatchItem>text</BatchItem>",
        "<BatchItem/><BatchItem/>",
        r#"<BatchCount type="Integer"/>"#,
        r#"<BatchCount type="Integer" value="1"><BatchItem/></BatchCount>"#,
        r#"<BatchCount type="Integer" value="2147483648"/>"#,
        r#"<BatchCount type="Whole" value="1"/>"#,
        r#"<Operation type="Enumeration" value="Fly"/>"#,
        r#"<CryptographicUsageMask type="Integer" value="Encrypt Fly"/>"#,
        r#"<BatchOrderOption type="Boolean" value="yes"/>"#,
        r#"<TimeStamp type="DateTime" value="2020-01-01T00:00:00"/>"#,
        r#"<KeyMaterial type="ByteString" value="0"/>"#,
        r#"<KeyMaterial type="ByteString" value="é1"/>"#,
        r#"<D type="BigInteger" value=""/>"#,
        r#"<NameValue type="TextString" value="&undeclared;"/>"#,
        r#"<!DOCTYPE a [<!ENTITY b "c">]><NameValue type="TextString" value="&b;"/>"#,
    ] {
        assert!(Item::from_xml(xml, &Limits::default()).is_err(), "{xml}");
    }
    for json in [
        "",
        "1",
        "[]",
        "{}",
        r#"{"tag":1}"#,
        r#"{"tag":"NoSuchTag","value":[]}"#,
        r#"{"tag":"BatchItem","value":1}"#,
        r#"{"tag":"BatchCount","type":"Integer"}"#,
        r#"{"tag":"BatchCount","type":"Integer","value":2147483648}"#,
        r#"{"tag":"BatchCount","type":"Integer","value":1.5}"#,
        r#"{"tag":"BatchCount","type":"Integer","value":"one"}"#,
        r#"{"tag":"BatchOrderOption","type":"Boolean","value":1}"#,
        r#"{"tag":"KeyMaterial","type":"ByteString","value":"0x"}"#,
        r#"{"tag":"BatchItem","value":[]} {}"#,
    ] {
        assert!(Item::from_json(json, &Limits::default()).is_err(), "{json}");
    }
}

#[test]
fn numbers_in_xml_and_json_may_be_hexadecimal_or_names() {
    let read = |xml: &str| Item::from_xml(xml, &Limits::default()).unwrap().value;
    let mask = "<CryptographicUsageMask type=\"Integer\" value=\"Encrypt 0x00000008\"/>";
    assert_eq!(read(mask), Value::Integer(12));
    let minus = r#"<BatchCount type="Integer" value="0xffffffff"/>"#;
    assert_eq!(read(minus), Value::Integer(-1));
    let operation = r#"<Operation type="Enumeration" value="0x00000018"/>"#;
    assert_eq!(read(operation), Value::Enumeration(Operation::Query.0));
    let vendors = r#"<TTLV tag="0x540001" type="Interval" value="7"/>"#;
    assert_eq!(
        Item::from_xml(vendors, &Limits::default()).unwrap().tag,
        Tag(0x54_0001)
    );
    let older = r#"<HashingAlgorithm type="Enumeration" value="SHA_3_256"/>"#;
    assert_eq!(read(older), Value::Enumeration(15));
    let json = r#"{"tag":"CryptographicUsageMask","type":"Integer","value":"Encrypt|Decrypt"}"#;
    assert_eq!(
        Item::from_json(json, &Limits::default()).unwrap().value,
        Value::Integer(12)
    );
}
