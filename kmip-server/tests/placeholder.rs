//! The ID Placeholder (1.4 section 4; 2.1 section 6.1): which operations fill it, and which take what is in
//! it; and Maximum Response Size, which no answer exceeds.

use keybridge_kmip::attributes::{
    Attribute, AttributeName, AttributeValue as A, Name, RevocationReason, TemplateAttribute,
    UniqueIdentifier,
};
use keybridge_kmip::enums::{
    CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask, DerivationMethod,
    KeyFormatType, ObjectType, ResultReason, RevocationReasonCode, SplitKeyMethod,
};
use keybridge_kmip::message::{Outcome, RequestMessage, ResponseMessage};
use keybridge_kmip::objects::{KeyBlock, ManagedObject};
use keybridge_kmip::operations::derive_key::DerivationParameters;
use keybridge_kmip::operations::*;
use keybridge_kmip::wire::DateTime;
use keybridge_kmip::{Tag, Version};

use crate::harness::{House, payload};

fn attributes(more: impl IntoIterator<Item = A>) -> TemplateAttribute {
    let usable = [
        A::CryptographicAlgorithm(Algorithm::AES),
        A::CryptographicLength(128),
        A::CryptographicUsageMask(Mask::Encrypt | Mask::Decrypt | Mask::DeriveKey),
    ];
    usable.into_iter().chain(more).collect()
}

fn create(more: impl IntoIterator<Item = A>) -> CreateRequest {
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes(more),
        protection_storage_masks: None,
    }
}

fn key(house: &House) -> UniqueIdentifier {
    let request = create([A::ActivationDate(DateTime(1))]);
    payload!(house.ok(Version::V1_0, request), Create).unique_identifier
}

fn object() -> ManagedObject {
    let block = KeyBlock::from_bytes(KeyFormatType::Raw, vec![7; 16], Some((Algorithm::AES, 128)));
    ManagedObject::SymmetricKey(block.into())
}

/// Whose identifier the item after an operation answers with, that names none itself.
fn what_follows(house: &House, version: Version, payload: RequestPayload) -> UniqueIdentifier {
    let next = GetAttributesRequest {
        unique_identifier: None,
        attribute_names: vec![AttributeName::Standard(Tag::ObjectType)],
    };
    let operation = payload.operation();
    let mut request = RequestMessage::new(version, vec![payload, next.into()]);
    request.header.batch_order_option = Some(true);
    let mut answer = house.send(&request);
    match answer.items.pop().map(|item| item.outcome) {
        Some(Outcome::Success(Some(ResponsePayload::GetAttributes(found)))) => {
            found.unique_identifier
        }
        other => panic!("{operation} in {version}: {other:?}, {:?}", answer.items),
    }
}

/// Operations that say an object's identifier, and fill the placeholder with it.
#[test]
fn what_was_made_or_found_stands_in_it() {
    let house = House::new();
    for version in Version::SUPPORTED {
        let some = || Some(key(&house));
        let name = A::Name(Name::text(format!("found {version}")));
        let found = payload!(house.ok(version, create([name.clone()])), Create).unique_identifier;
        let locate = LocateRequest {
            attributes: vec![Attribute::from(name)].into(),
            ..Default::default()
        };
        assert_eq!(what_follows(&house, version, locate.into()), found);
        let own: [RequestPayload; 2] = [
            RecoverRequest {
                unique_identifier: Some(found.clone()),
            }
            .into(),
            ExportRequest {
                unique_identifier: Some(found.clone()),
                ..Default::default()
            }
            .into(),
        ];
        let exists = |payload: &RequestPayload| payload.operation().exists_in(version);
        for payload in own.into_iter().filter(exists) {
            assert_eq!(what_follows(&house, version, payload), found);
        }
        let split = CreateSplitKeyRequest {
            object_type: ObjectType::SplitKey,
            unique_identifier: None,
            parts: 3,
            threshold: 2,
            method: SplitKeyMethod::PolynomialSharingGF2_8,
            prime_field_size: None,
            attributes: attributes([]),
            protection_storage_masks: None,
        };
        let makers: Vec<RequestPayload> = vec![
            create([]).into(),
            CreateKeyPairRequest {
                common: Some(
                    [
                        A::CryptographicAlgorithm(Algorithm::ECDSA),
                        A::CryptographicLength(256),
                        A::CryptographicUsageMask(Mask::Sign),
                    ]
                    .into_iter()
                    .collect(),
                ),
                ..Default::default()
            }
            .into(),
            RegisterRequest {
                object_type: ObjectType::SymmetricKey,
                attributes: attributes([]),
                object: object().into(),
                protection_storage_masks: None,
            }
            .into(),
            ReKeyRequest {
                unique_identifier: some(),
                ..Default::default()
            }
            .into(),
            DeriveKeyRequest {
                object_type: ObjectType::SymmetricKey,
                unique_identifiers: some().into_iter().collect(),
                derivation_method: DerivationMethod::HMAC,
                derivation_parameters: DerivationParameters {
                    cryptographic_parameters: Some(
                        keybridge_kmip::attributes::CryptographicParameters {
                            hashing_algorithm: Some(
                                keybridge_kmip::enums::HashingAlgorithm::SHA_256,
                            ),
                            ..Default::default()
                        },
                    ),
                    derivation_data: vec![vec![1; 16].into()],
                    ..Default::default()
                },
                attributes: attributes([]),
            }
            .into(),
            split.into(),
            ImportRequest {
                unique_identifier: UniqueIdentifier::Text(format!(
                    "01a1fc2d-8fb2-7c88-a0f9-4f2b8c3a00{}{}",
                    version.major, version.minor
                )),
                object_type: Some(ObjectType::SymmetricKey),
                replace_existing: None,
                key_wrap_type: None,
                attributes: attributes([]).attributes.into(),
                object: object().into(),
            }
            .into(),
        ];
        for payload in makers.into_iter().filter(exists) {
            // What it is, is what no request before has said.
            let operation = payload.operation();
            let before = located(&house);
            let made = what_follows(&house, version, payload);
            assert!(!before.contains(&made), "{operation} in {version}");
        }
    }
}

fn located(house: &House) -> Vec<UniqueIdentifier> {
    let all = LocateRequest::default();
    payload!(house.ok(Version::V1_0, all), Locate).unique_identifiers
}

/// Operations that may name no object: then it is the one in the placeholder, and an error without.
fn users() -> Vec<RequestPayload> {
    let name = || Some(AttributeName::Standard(Tag::ContactInformation));
    let contact = || Attribute::from(A::ContactInformation("Joe".into()));
    vec![
        CheckRequest::default().into(),
        GetRequest::default().into(),
        ExportRequest::default().into(),
        GetAttributesRequest::default().into(),
        GetAttributeListRequest::default().into(),
        AddAttributeRequest {
            unique_identifier: None,
            attribute: contact().into(),
        }
        .into(),
        ModifyAttributeRequest {
            unique_identifier: None,
            current_attribute: Default::default(),
            attribute: contact().into(),
        }
        .into(),
        DeleteAttributeRequest {
            attribute_name: name(),
            ..Default::default()
        }
        .into(),
        SetAttributeRequest {
            unique_identifier: None,
            attribute: contact().into(),
        }
        .into(),
        ObtainLeaseRequest::default().into(),
        ArchiveRequest::default().into(),
        RecoverRequest::default().into(),
        ActivateRequest::default().into(),
        ReKeyRequest::default().into(),
        RevokeRequest {
            unique_identifier: None,
            revocation_reason: RevocationReason {
                code: RevocationReasonCode::Unspecified,
                message: None,
            },
            compromise_occurrence_date: None,
        }
        .into(),
        DestroyRequest::default().into(),
    ]
}

#[test]
fn whoever_names_no_object_means_it() {
    let house = House::new();
    for version in Version::SUPPORTED {
        let exists = |payload: &RequestPayload| payload.operation().exists_in(version);
        // One after the other on one key: what the one leaves, the next finds.
        let name = A::Name(Name::text(format!("used {version}")));
        house.ok(version, create([name.clone()]));
        for payload in users().into_iter().filter(exists) {
            let operation = payload.operation();
            let locate = LocateRequest {
                attributes: vec![Attribute::from(name.clone())].into(),
                storage_status_mask: Some(
                    keybridge_kmip::enums::StorageStatusMask::OnLineStorage
                        | keybridge_kmip::enums::StorageStatusMask::ArchivalStorage,
                ),
                ..Default::default()
            };
            let alone = house.refused(version, payload.clone());
            let missing = if version.major == 1 {
                ResultReason::ItemNotFound
            } else {
                ResultReason::ObjectNotFound
            };
            assert_eq!(alone, missing, "{operation} in {version}");
            let request = RequestMessage::new(version, vec![locate.into(), payload]);
            let answer = house.send(&request);
            let outcome = &answer.items[1].outcome;
            assert!(
                matches!(outcome, Outcome::Success(_)),
                "{operation} in {version}: {outcome:?}"
            );
        }
    }
}

/// "If the response … exceeds the Maximum Response Size" (1.4 section 6.3): whatever is asked.
#[test]
fn no_answer_is_longer_than_the_client_takes() {
    let house = House::new();
    let id = key(&house);
    let questions: Vec<RequestPayload> = vec![
        create([]).into(),
        LocateRequest::default().into(),
        GetRequest {
            unique_identifier: Some(id.clone()),
            ..Default::default()
        }
        .into(),
        GetAttributesRequest {
            unique_identifier: Some(id.clone()),
            attribute_names: Vec::new(),
        }
        .into(),
        QueryRequest {
            query_functions: vec![keybridge_kmip::enums::QueryFunction::QueryOperations],
            ..Default::default()
        }
        .into(),
        ActivateRequest {
            unique_identifier: Some("nobody".into()),
        }
        .into(),
    ];
    for version in Version::SUPPORTED {
        for payload in &questions {
            let mut request = RequestMessage::new(version, vec![payload.clone()]);
            let whole = house.bytes(&request.encode(Vec::new()).unwrap()).len();
            for limit in [whole - 1, 256] {
                request.header.maximum_response_size = i32::try_from(limit).ok();
                let answer = house.bytes(&request.encode(Vec::new()).unwrap());
                let operation = payload.operation();
                assert!(answer.len() <= limit, "{operation} in {version}");
                let read = ResponseMessage::decode(&answer, &keybridge_kmip::Limits::default());
                let outcome = &read.unwrap().items[0].outcome;
                let too_large = matches!(
                    outcome,
                    Outcome::Failed { reason, .. } if *reason == ResultReason::ResponseTooLarge
                );
                // In 2.1 an answer may be short enough without the server's correlation value.
                let fits = whole <= limit || version == Version::V2_1;
                assert!(too_large || fits, "{operation} in {version}: {outcome:?}");
            }
        }
    }
}
