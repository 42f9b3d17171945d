//! Messages as a whole: batches, versions, sizes, and bytes that are none.

use keybridge_kmip::attributes::{
    AttributeValue, CryptographicParameters, Name, TemplateAttribute, UniqueIdentifier,
};
use keybridge_kmip::enums::{
    BatchErrorContinuationOption, BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask,
    ObjectType, Operation, ResultReason, ResultStatus, UniqueIdentifierEnumeration, WrappingMethod,
};
use keybridge_kmip::item::Value;
use keybridge_kmip::message::{MessageExtension, Outcome, RequestMessage, ResponseMessage};
use keybridge_kmip::objects::{KeyInformation, KeyWrappingSpecification, WrappedAttributeNames};
use keybridge_kmip::operations::{
    CreateRequest, DestroyRequest, DiscoverVersionsRequest, EncryptRequest, GetRequest,
    LocateRequest, RequestPayload,
};
use keybridge_kmip::{Limits, Version};

use crate::harness::{House, payload};

fn create(name: &str) -> RequestPayload {
    let attributes: TemplateAttribute = [
        AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::AES),
        AttributeValue::CryptographicLength(128),
        AttributeValue::CryptographicUsageMask(CryptographicUsageMask::Encrypt),
        AttributeValue::Name(Name::text(name)),
    ]
    .into_iter()
    .collect();
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        protection_storage_masks: None,
    }
    .into()
}

fn get() -> RequestPayload {
    GetRequest::default().into()
}

fn locate(name: &str) -> RequestPayload {
    let name = AttributeValue::Name(Name::text(name));
    LocateRequest {
        attributes: vec![name.into()].into(),
        ..Default::default()
    }
    .into()
}

fn statuses(response: &ResponseMessage) -> Vec<ResultStatus> {
    response
        .items
        .iter()
        .map(|item| item.outcome.status())
        .collect()
}

const SUCCESS: ResultStatus = ResultStatus::Success;
const FAILED: ResultStatus = ResultStatus::OperationFailed;

#[test]
fn the_placeholder_goes_from_create_and_locate_to_get() {
    let house = House::new();
    for version in Version::SUPPORTED {
        let name = format!("k{version}");
        let batch = vec![create(&name), get(), locate(&name), get()];
        let mut request = RequestMessage::new(version, batch);
        let identifier = b"\x00odd identifier\xFF".to_vec();
        request.items[2].unique_batch_item_id = Some(identifier.clone());
        let mut response = house.send(&request);
        assert_eq!(statuses(&response), [SUCCESS; 4], "{version}");
        assert_eq!(response.items[2].unique_batch_item_id, Some(identifier));
        let mut object = || match response.items.pop().unwrap().outcome {
            Outcome::Success(Some(payload)) => payload!(payload, Get).unique_identifier,
            other => panic!("{other:?}"),
        };
        let located = object();
        response.items.pop();
        let mut object = || match response.items.pop().unwrap().outcome {
            Outcome::Success(Some(payload)) => payload!(payload, Get).unique_identifier,
            other => panic!("{other:?}"),
        };
        assert_eq!(located, object());
    }
}

#[test]
fn the_placeholder_is_empty_without_a_hit_or_with_two() {
    let house = House::new();
    house.send(&RequestMessage::new(
        Version::V1_0,
        vec![create("a"), create("b")],
    ));
    let everything: RequestPayload = LocateRequest::default().into();
    for search in [locate("nothing"), everything] {
        let response = house.send(&RequestMessage::new(Version::V1_0, vec![search, get()]));
        assert_eq!(statuses(&response), [SUCCESS, FAILED]);
    }
    // No hit is a success, and a batch of its own starts with an empty placeholder.
    let response = house.send(&RequestMessage::new(Version::V1_0, vec![get()]));
    assert_eq!(statuses(&response), [FAILED]);
}

/// 2.x names the objects of earlier batch items by what made them (2.1 section 11.58).
#[test]
fn later_items_refer_to_earlier_ones() {
    let house = House::new();
    let get = |kind| -> RequestPayload {
        let unique_identifier = Some(UniqueIdentifier::Enumeration(kind));
        GetRequest {
            unique_identifier,
            ..Default::default()
        }
        .into()
    };
    let batch = vec![
        create("first"),
        locate("first"),
        get(UniqueIdentifierEnumeration::Create),
        get(UniqueIdentifierEnumeration::Locate),
        get(UniqueIdentifierEnumeration::IDPlaceholder),
        get(UniqueIdentifierEnumeration::Register),
    ];
    let response = house.send(&RequestMessage::new(Version::V2_1, batch));
    assert_eq!(
        statuses(&response),
        [SUCCESS, SUCCESS, SUCCESS, SUCCESS, SUCCESS, FAILED]
    );
}

/// Ceph's way: one Locate by Name and type with a Maximum Response Size, exactly one answer.
#[test]
fn a_name_finds_one_object_after_a_rotation_too() {
    let house = House::new();
    house.send(&RequestMessage::new(Version::V1_0, vec![create("bucket")]));
    let key = house.kms.resolve_key(&house.caller(), "bucket").unwrap();
    house.kms.rotate_key(&house.caller(), key).unwrap();
    let mut request = RequestMessage::new(Version::V1_0, vec![locate("bucket")]);
    request.header.maximum_response_size = Some(4096);
    let mut response = house.send(&request);
    let Outcome::Success(Some(found)) = response.items.remove(0).outcome else {
        panic!("{response:?}");
    };
    let found = payload!(found, Locate).unique_identifiers;
    assert_eq!(found.len(), 1);
    let newest = house.kms.key(&house.caller(), key).unwrap();
    let newest = newest
        .primary_version()
        .unwrap()
        .secret
        .unwrap()
        .to_string();
    assert_eq!(found[0].as_text(), Some(newest.as_str()));
}

#[test]
fn a_batch_stops_at_a_failure_unless_told_to_go_on() {
    let house = House::new();
    let mut request = RequestMessage::new(Version::V1_4, vec![get(), create("a")]);
    assert_eq!(statuses(&house.send(&request)), [FAILED]);
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Continue);
    assert_eq!(statuses(&house.send(&request)), [FAILED, SUCCESS]);
}

#[test]
fn a_batch_can_be_undone() {
    let house = House::new();
    let mut request = RequestMessage::new(
        Version::V1_4,
        vec![create("u"), get(), locate("none"), get()],
    );
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Undo);
    let undone = ResultStatus::OperationUndone;
    assert_eq!(
        statuses(&house.send(&request)),
        [undone, undone, undone, FAILED]
    );
    // The name is free again, and nothing is found.
    let everything: RequestPayload = LocateRequest::default().into();
    let found = payload!(house.ok(Version::V1_4, everything), Locate);
    assert!(found.unique_identifiers.is_empty());
    let mut request = RequestMessage::new(Version::V1_4, vec![create("u"), get()]);
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Undo);
    assert_eq!(statuses(&house.send(&request)), [SUCCESS; 2]);
}

#[test]
fn answers_are_not_larger_than_the_client_takes() {
    let house = House::new();
    let mut request = RequestMessage::new(Version::V1_4, vec![create("a"), get()]);
    request.header.maximum_response_size = Some(256);
    let bytes = house.bytes(&request.encode(Vec::new()).unwrap());
    let response = ResponseMessage::decode(&bytes, &Limits::default()).unwrap();
    for item in &response.items {
        assert!(matches!(
            item.outcome,
            Outcome::Failed {
                reason: ResultReason::ResponseTooLarge,
                ..
            }
        ));
    }
}

/// What the client is told has failed has not happened, whatever the operation; with room for the answer it has.
#[test]
fn what_is_answered_too_large_has_not_happened() {
    let house = House::new();
    let everything = || {
        let request: RequestPayload = LocateRequest::default().into();
        payload!(house.ok(Version::V1_4, request), Locate).unique_identifiers
    };
    let send = |payloads: Vec<RequestPayload>, size| {
        let mut request = RequestMessage::new(Version::V1_4, payloads);
        request.header.maximum_response_size = Some(size);
        statuses(&house.send(&request))
    };
    for size in [0, 1, 100, 160] {
        assert_eq!(send(vec![create("a")], size), [FAILED], "{size}");
        assert_eq!(send(vec![create("a"), get()], size)[0], FAILED, "{size}");
        assert_eq!(everything(), []);
    }
    // The name is free, too.
    assert_eq!(send(vec![create("a")], 4096), [SUCCESS]);
    let id = everything();
    let destroy = || DestroyRequest {
        unique_identifier: id.first().cloned(),
    };
    assert_eq!(send(vec![destroy().into()], 100), [FAILED]);
    assert_eq!(everything(), id);
    assert_eq!(send(vec![destroy().into()], 4096), [SUCCESS]);
    assert_eq!(everything(), []);
}

/// "the receiver SHALL reject the entire message": also what stands before the extension.
#[test]
fn a_critical_extension_rejects_the_whole_message() {
    let house = House::new();
    for critical in [true, false] {
        let mut request = RequestMessage::new(Version::V1_4, vec![create("a"), get()]);
        request.items[1].message_extensions = vec![MessageExtension {
            vendor_identification: "acme".into(),
            criticality_indicator: critical,
            vendor_extension: Value::Structure(Vec::new()),
        }];
        let expected: &[_] = if critical {
            &[FAILED]
        } else {
            &[SUCCESS, SUCCESS]
        };
        assert_eq!(statuses(&house.send(&request)), expected);
        let everything: RequestPayload = LocateRequest::default().into();
        let found = payload!(house.ok(Version::V1_4, everything), Locate);
        assert_eq!(found.unique_identifiers.len(), usize::from(!critical));
    }
}

#[test]
fn discovery_answers_what_both_have() {
    let house = House::new();
    let asked = |versions: &[Version]| {
        let request = DiscoverVersionsRequest {
            protocol_versions: versions.to_vec(),
        };
        payload!(house.ok(Version::V1_4, request), DiscoverVersions).protocol_versions
    };
    assert_eq!(asked(&[]), Version::SUPPORTED);
    assert_eq!(asked(&[Version::V1_4]), [Version::V1_4]);
    assert_eq!(asked(&[Version::new(9, 9)]), []);
}

#[test]
fn versions_nobody_speaks_get_a_header_and_one_failed_item() {
    let house = House::new();
    let mut bytes = RequestMessage::new(Version::V1_4, vec![get()])
        .encode(Vec::new())
        .unwrap();
    // The major version is the first integer of the message.
    let at = bytes
        .windows(3)
        .position(|tag| tag == [0x42, 0x00, 0x6A])
        .unwrap();
    bytes[at + 11] = 3;
    let response = ResponseMessage::decode(&house.bytes(&bytes), &Limits::default()).unwrap();
    assert_eq!(statuses(&response), [FAILED]);
    assert_eq!(response.items[0].operation, None);
}

/// Every request cut at every length gets an answer that can be read, and changes nothing.
#[test]
fn cut_messages_are_answered() {
    let house = House::new();
    let bytes = RequestMessage::new(Version::V2_1, vec![create("cut"), get()]);
    let bytes = bytes.encode(Vec::new()).unwrap();
    for length in 0..bytes.len() {
        let answer = house.bytes(&bytes[..length]);
        let response = ResponseMessage::decode(&answer, &Limits::default()).unwrap();
        assert_eq!(statuses(&response), [FAILED], "cut at {length}");
    }
    let everything: RequestPayload = LocateRequest::default().into();
    let found = payload!(house.ok(Version::V2_1, everything), Locate);
    assert!(found.unique_identifiers.is_empty());
}

#[test]
fn operations_nobody_has_are_refused() {
    let house = House::new();
    let mut request = RequestMessage::new(Version::V1_2, vec![get()]);
    request.items[0].unique_batch_item_id = Some(vec![1]);
    let mut bytes = request.encode(Vec::new()).unwrap();
    let at = bytes
        .windows(3)
        .position(|tag| tag == [0x42, 0x00, 0x5C])
        .unwrap();
    bytes[at + 11] = 0x0B_u8.wrapping_add(0x80);
    let response = ResponseMessage::decode(&house.bytes(&bytes), &Limits::default()).unwrap();
    let item = &response.items[0];
    assert_eq!(item.operation, Some(Operation(0x8B)));
    assert_eq!(item.unique_batch_item_id, Some(vec![1]));
    assert!(matches!(
        item.outcome,
        Outcome::Failed {
            reason: ResultReason::OperationNotSupported,
            ..
        }
    ));
}

/// Requests with a wrong byte anywhere are answered, whatever it makes of them.
#[test]
fn mutated_messages_are_answered() {
    let house = House::new();
    let parameters = CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::GCM),
        tag_length: Some(16),
        ..Default::default()
    };
    let encrypt = EncryptRequest {
        cryptographic_parameters: Some(parameters),
        data: Some(vec![1; 20].into()),
        iv_counter_nonce: Some(vec![2; 12]),
        additional_data: Some(vec![3; 5]),
        ..Default::default()
    };
    let wrapped = GetRequest {
        key_wrapping_specification: Some(KeyWrappingSpecification {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key: Some(KeyInformation {
                unique_identifier: "nobody".into(),
                cryptographic_parameters: None,
            }),
            mac_signature_key: None,
            attribute_names: WrappedAttributeNames::default(),
            encoding_option: None,
        }),
        ..Default::default()
    };
    let batch = vec![
        create("m"),
        get(),
        locate("m"),
        encrypt.into(),
        wrapped.into(),
    ];
    let mut request = RequestMessage::new(Version::V1_4, batch);
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Continue);
    let bytes = request.encode(Vec::new()).unwrap();
    for at in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xFF] {
            let mut mutated = bytes.clone();
            mutated[at] ^= mask;
            let answer = house.bytes(&mutated);
            let response = ResponseMessage::decode(&answer, &Limits::default());
            assert!(
                response.is_ok_and(|it| !it.items.is_empty()),
                "byte {at} changed by {mask}"
            );
        }
    }
}

/// A Create of an AES key, with its usage mask and algorithm as numbers.
fn raw_create(version: Version, mask: u32, algorithm: u32) -> Vec<u8> {
    let request = RequestMessage::new(version, vec![create("raw")]);
    let mut bytes = request.encode(Vec::new()).unwrap();
    let value_of = |bytes: &[u8], tag: [u8; 3], kind: u8, title: &str| {
        // By its tag from 2.0 on, after its name before.
        let at = if version.has_tagged_attributes() {
            let head = [tag[0], tag[1], tag[2], kind];
            bytes.windows(4).position(|window| window == head).unwrap()
        } else {
            let name = bytes
                .windows(title.len())
                .position(|window| window == title.as_bytes())
                .unwrap();
            let head = [0x42, 0x00, 0x0B, kind];
            let rest = &bytes[name..];
            name + rest.windows(4).position(|window| window == head).unwrap()
        };
        at + 8
    };
    let at = value_of(&bytes, [0x42, 0, 0x2C], 2, "Cryptographic Usage Mask");
    bytes[at..at + 4].copy_from_slice(&mask.to_be_bytes());
    let at = value_of(&bytes, [0x42, 0, 0x28], 5, "Cryptographic Algorithm");
    bytes[at..at + 4].copy_from_slice(&algorithm.to_be_bytes());
    bytes
}

#[test]
fn flags_that_the_version_does_not_have_are_dropped() {
    let house = House::new();
    // Export and Content Commitment ended with 1.4; Unrestricted began with 2.0.
    for (version, foreign) in [
        (Version::V2_0, 0x40),
        (Version::V2_1, 0x40),
        (Version::V2_1, 0x400),
        (Version::V1_0, 0x200000),
        (Version::V1_4, 0x200000),
    ] {
        let answer = house.bytes(&raw_create(version, 4 | foreign, 3));
        ResponseMessage::decode(&answer, &Limits::default()).unwrap();
        let id = located(&house);
        let get = keybridge_kmip::operations::GetAttributesRequest {
            unique_identifier: Some(id.clone()),
            attribute_names: vec![keybridge_kmip::attributes::AttributeName::Standard(
                keybridge_kmip::Tag::CryptographicUsageMask,
            )],
        };
        let mask = payload!(house.ok(version, get), GetAttributes).attributes;
        let values: Vec<_> = mask.0.into_iter().map(|one| one.value).collect();
        let encrypt = AttributeValue::CryptographicUsageMask(CryptographicUsageMask::Encrypt);
        assert_eq!(values, [encrypt], "{version}");
        let destroy = keybridge_kmip::operations::DestroyRequest {
            unique_identifier: Some(id),
        };
        house.ok(version, destroy);
    }
}

#[test]
fn values_that_the_version_does_not_have_are_refused() {
    let house = House::new();
    let reason = |version, mask, algorithm| {
        let answer = house.bytes(&raw_create(version, mask, algorithm));
        let mut answer = ResponseMessage::decode(&answer, &Limits::default()).unwrap();
        match answer.items.remove(0).outcome {
            Outcome::Failed { reason, .. } => Some(reason),
            _ => None,
        }
    };
    // Ed25519 began with 2.0.
    let ed25519 = CryptographicAlgorithm::Ed25519.0;
    let refused = reason(Version::V1_4, 4, ed25519);
    assert_eq!(refused, Some(ResultReason::InvalidField));
    let refused = reason(Version::V2_1, 4, 0x5555);
    assert!(refused.is_some());
}

/// The object of [`raw_create`].
fn located(house: &House) -> UniqueIdentifier {
    let mut found = payload!(house.ok(Version::V1_4, locate("raw")), Locate);
    found.unique_identifiers.remove(0)
}

#[test]
fn an_unrestricted_key_does_what_its_kind_can() {
    let house = House::new();
    let answer = house.bytes(&raw_create(Version::V2_1, 0x200000, 3));
    ResponseMessage::decode(&answer, &Limits::default()).unwrap();
    let id = located(&house);
    let activate = keybridge_kmip::operations::ActivateRequest {
        unique_identifier: Some(id.clone()),
    };
    house.ok(Version::V2_1, activate);
    let encrypt = EncryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::ECB),
            ..Default::default()
        }),
        data: Some(vec![0; 16].into()),
        ..Default::default()
    };
    house.ok(Version::V2_1, encrypt);
}
