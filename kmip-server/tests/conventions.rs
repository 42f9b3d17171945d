//! Set Defaults, Set Constraints, Get Constraints, and how Query shows them.

use std::sync::Arc;

use keybridge_core::authorize::{Caller, Door, Origin};
use keybridge_core::kms::{CreateKey, NewClient, NewCredential};
use keybridge_core::model::Role;
use keybridge_core::time::Timestamp;
use keybridge_core::{Error, KeySpec};
use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeValue as A, Name, TemplateAttribute, UniqueIdentifier};
use keybridge_kmip::enums::{
    BatchErrorContinuationOption, CryptographicAlgorithm as Algorithm,
    CryptographicUsageMask as Mask, KeyFormatType, ObjectType, QueryFunction, ResultReason,
    SecretDataType, State,
};
use keybridge_kmip::message::{Outcome, RequestMessage, ResponseMessage};
use keybridge_kmip::objects::{KeyBlock, ManagedObject, SecretData};
use keybridge_kmip::operations::get_constraints::{Constraint, Constraints};
use keybridge_kmip::operations::query::{
    DefaultsInformation, ObjectDefaults, ObjectGroups, ObjectTypes,
};
use keybridge_kmip::operations::{
    CreateKeyPairRequest, CreateRequest, GetAttributesRequest, GetConstraintsRequest, QueryRequest,
    ReKeyRequest, RegisterRequest, RequestPayload, SetConstraintsRequest, SetDefaultsRequest,
};
use keybridge_kmip::wire::DateTime;
use keybridge_server::identity::Peer;

use crate::harness::{House, payload};

const V2_1: Version = Version::V2_1;

fn attributes(values: impl IntoIterator<Item = A>) -> TemplateAttribute {
    values.into_iter().collect()
}

fn groups(names: &[&str]) -> ObjectGroups {
    ObjectGroups {
        object_groups: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn types(types: &[ObjectType]) -> ObjectTypes {
    ObjectTypes {
        object_types: types.to_vec(),
    }
}

fn aes(bits: i32) -> [A; 3] {
    [
        A::CryptographicAlgorithm(Algorithm::AES),
        A::CryptographicLength(bits),
        A::CryptographicUsageMask(Mask::Encrypt | Mask::Decrypt),
    ]
}

fn create(values: impl IntoIterator<Item = A>) -> CreateRequest {
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes(values),
        protection_storage_masks: None,
    }
}

fn defaults(kind: ObjectType, values: impl IntoIterator<Item = A>) -> ObjectDefaults {
    ObjectDefaults {
        object_type: Some(kind),
        object_types: None,
        attributes: attributes(values),
        object_groups: None,
    }
}

fn set_defaults(rows: Vec<ObjectDefaults>) -> SetDefaultsRequest {
    SetDefaultsRequest {
        defaults_information: Some(DefaultsInformation {
            object_defaults: rows,
        }),
    }
}

fn set_constraints(constraints: Vec<Constraint>) -> SetConstraintsRequest {
    SetConstraintsRequest {
        constraints: Constraints { constraints },
    }
}

fn demand(values: impl IntoIterator<Item = A>) -> Constraint {
    Constraint {
        attributes: Some(attributes(values)),
        ..Constraint::default()
    }
}

/// The attributes of an object.
fn seen(house: &House, id: &UniqueIdentifier) -> Vec<A> {
    let request = GetAttributesRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    };
    let answer = payload!(house.ok(V2_1, request), GetAttributes);
    let values = answer.attributes.0.into_iter();
    values.map(|attribute| attribute.value).collect()
}

#[track_caller]
fn made(house: &House, version: Version, values: impl IntoIterator<Item = A>) -> Vec<A> {
    let id = payload!(house.ok(version, create(values)), Create).unique_identifier;
    seen(house, &id)
}

fn asked(house: &House, version: Version, wanted: Option<ObjectGroups>) -> Vec<ObjectDefaults> {
    let request = QueryRequest {
        query_functions: vec![QueryFunction::QueryDefaultsInformation],
        object_groups: wanted,
    };
    let answer = payload!(house.ok(version, request), Query);
    let information = answer.defaults_information.unwrap_or_default();
    information.object_defaults
}

/// A client that is no administrator.
fn user(house: &House) -> Arc<Caller> {
    let client = NewClient {
        name: "app".into(),
        role: Role::User,
        credential: NewCredential::Certificate {
            fingerprint: "ab".repeat(32),
            subject: "CN=app".into(),
            serial: "1".into(),
            expires: Timestamp(i64::MAX),
        },
    };
    house.kms.add_client(&house.caller(), client).unwrap();
    let origin = Origin::this_process();
    let known = house
        .kms
        .authenticate_certificate(&"ab".repeat(32), origin, Door::Kmip);
    known.unwrap()
}

#[track_caller]
fn as_user(house: &House, payload: impl Into<RequestPayload>) -> Outcome {
    let request = RequestMessage::new(V2_1, vec![payload.into()]);
    let request = request.encode(Vec::new()).unwrap();
    let peer = Peer::known(user(house));
    let answer = house.processor.answer(&peer, &request, Vec::new());
    let limits = keybridge_kmip::Limits::default();
    let mut answer = ResponseMessage::decode(&answer, &limits).unwrap();
    answer.items.remove(0).outcome
}

#[test]
fn defaults_fill_in_what_a_request_leaves_out() {
    let house = House::new();
    let of_all = defaults(
        ObjectType::SymmetricKey,
        aes(256).into_iter().chain([
            A::ActivationDate(DateTime(1)),
            A::Sensitive(true),
            A::ObjectGroup("made by default".into()),
        ]),
    );
    let of_backups = ObjectDefaults {
        object_groups: Some(groups(&["backups"])),
        ..defaults(
            ObjectType::SymmetricKey,
            [A::CryptographicUsageMask(Mask::WrapKey)],
        )
    };
    house.ok(V2_1, set_defaults(vec![of_all, of_backups]));

    // Nothing is said: everything is of the defaults. Older versions get them too.
    for version in [Version::V1_0, Version::V1_4, V2_1] {
        let key = made(&house, version, []);
        for expected in aes(256) {
            assert!(key.contains(&expected), "{version}: {key:?}");
        }
        assert!(key.contains(&A::State(State::Active)), "{version}");
        assert!(key.contains(&A::Sensitive(true)), "{version}");
        assert!(key.contains(&A::ObjectGroup("made by default".into())));
    }
    // What is said stands, and the length goes with the algorithm.
    let key = made(
        &house,
        V2_1,
        [
            A::CryptographicAlgorithm(Algorithm::ChaCha20),
            A::Sensitive(false),
            A::ObjectGroup("backups".into()),
        ],
    );
    assert!(key.contains(&A::CryptographicAlgorithm(Algorithm::ChaCha20)));
    assert!(key.contains(&A::Sensitive(false)));
    assert!(key.contains(&A::CryptographicUsageMask(Mask::WrapKey)));
    assert!(!key.contains(&A::ObjectGroup("made by default".into())));
    let key = made(
        &house,
        V2_1,
        [
            A::CryptographicAlgorithm(Algorithm::HMAC_SHA1),
            A::CryptographicUsageMask(Mask::MACGenerate),
        ],
    );
    assert!(key.contains(&A::CryptographicLength(160)));
    // Nothing of it is for other types.
    let secret = SecretData {
        kind: SecretDataType::Password,
        key_block: KeyBlock::from_bytes(KeyFormatType::Opaque, b"secret".to_vec(), None),
    };
    let request = RegisterRequest {
        object_type: ObjectType::SecretData,
        attributes: attributes([]),
        object: ManagedObject::SecretData(secret).into(),
        protection_storage_masks: None,
    };
    let id = payload!(house.ok(V2_1, request), Register).unique_identifier;
    assert!(seen(&house, &id).contains(&A::Sensitive(false)));

    // Without information all are removed.
    house.ok(V2_1, SetDefaultsRequest::default());
    assert_eq!(
        house.refused(V2_1, create([])),
        ResultReason::InvalidMessage
    );
    assert!(asked(&house, V2_1, None).is_empty());
}

#[test]
fn registered_keys_and_pairs_are_filled_in_too() {
    let house = House::new();
    let pair = ObjectDefaults {
        object_type: None,
        object_types: Some(types(&[ObjectType::PrivateKey, ObjectType::PublicKey])),
        attributes: attributes([
            A::CryptographicAlgorithm(Algorithm::EC),
            A::CryptographicLength(384),
            A::ActivationDate(DateTime(1)),
        ]),
        object_groups: None,
    };
    let symmetric = defaults(
        ObjectType::SymmetricKey,
        [
            A::CryptographicAlgorithm(Algorithm::AES),
            A::CryptographicLength(256),
            A::CryptographicUsageMask(Mask::Encrypt),
        ],
    );
    house.ok(V2_1, set_defaults(vec![pair, symmetric]));
    let made = house.ok(V2_1, CreateKeyPairRequest::default());
    let made = payload!(made, CreateKeyPair);
    for half in [
        made.private_key_unique_identifier,
        made.public_key_unique_identifier,
    ] {
        let values = seen(&house, &half);
        assert!(values.contains(&A::CryptographicLength(384)), "{values:?}");
        assert!(values.contains(&A::State(State::Active)));
    }
    // The key block says another length than the defaults: it is right.
    let block = KeyBlock::from_bytes(KeyFormatType::Raw, vec![7; 16], Some((Algorithm::AES, 128)));
    let request = RegisterRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes([]),
        object: ManagedObject::SymmetricKey(block.into()).into(),
        protection_storage_masks: None,
    };
    let id = payload!(house.ok(V2_1, request), Register).unique_identifier;
    let values = seen(&house, &id);
    assert!(values.contains(&A::CryptographicLength(128)));
    assert!(values.contains(&A::CryptographicUsageMask(Mask::Encrypt)));
}

#[test]
fn query_shows_the_defaults_that_are_set() {
    let house = House::new();
    let several = ObjectDefaults {
        object_type: None,
        object_types: Some(types(&[ObjectType::SymmetricKey, ObjectType::SecretData])),
        attributes: attributes([A::Sensitive(true)]),
        object_groups: None,
    };
    let grouped = ObjectDefaults {
        object_groups: Some(groups(&["backups"])),
        ..defaults(ObjectType::PrivateKey, [A::Extractable(false)])
    };
    house.ok(V2_1, set_defaults(vec![several.clone(), grouped.clone()]));
    assert_eq!(
        asked(&house, V2_1, None),
        [several.clone(), grouped.clone()]
    );
    // 2.0 has one type a row, and no groups.
    let of = |kind| defaults(kind, [A::Sensitive(true)]);
    assert_eq!(
        asked(&house, Version::V2_0, None),
        [of(ObjectType::SymmetricKey), of(ObjectType::SecretData)]
    );
    // Asked for groups: those that are for all, and the groups' own.
    assert_eq!(
        asked(&house, V2_1, Some(groups(&["backups"]))),
        [several.clone(), grouped]
    );
    made(
        &house,
        V2_1,
        aes(128).into_iter().chain([A::ObjectGroup("used".into())]),
    );
    assert_eq!(asked(&house, V2_1, Some(groups(&["used"]))), [several]);
    let unknown = QueryRequest {
        query_functions: vec![QueryFunction::QueryDefaultsInformation],
        object_groups: Some(groups(&["nobody's"])),
    };
    assert_eq!(
        house.refused(V2_1, unknown),
        ResultReason::UnknownObjectGroup
    );
}

#[test]
fn defaults_and_constraints_that_cannot_be_are_refused() {
    let house = House::new();
    let of = |kind, value: A| set_defaults(vec![defaults(kind, [value])]);
    let bad = [
        (
            of(ObjectType::SymmetricKey, A::State(State::Active)),
            ResultReason::AttributeReadOnly,
        ),
        (
            of(ObjectType::SymmetricKey, A::Name(Name::text("all"))),
            ResultReason::InvalidField,
        ),
        (
            of(ObjectType(0x8000_0001), A::Sensitive(true)),
            ResultReason::InvalidObjectType,
        ),
    ];
    for (request, reason) in bad {
        assert_eq!(house.refused(V2_1, request), reason);
    }
    let untyped = ObjectDefaults {
        object_type: None,
        ..defaults(ObjectType::SymmetricKey, [A::Sensitive(true)])
    };
    let request = set_defaults(vec![untyped]);
    assert_eq!(house.refused(V2_1, request), ResultReason::InvalidMessage);
    for value in [
        A::Name(Name::text("x")),
        A::ActivationDate(DateTime(1)),
        A::Fresh(true),
    ] {
        assert_eq!(
            house.refused(V2_1, set_constraints(vec![demand([value])])),
            ResultReason::FeatureNotSupported
        );
    }
    let read_only = set_constraints(vec![demand([A::State(State::Active)])]);
    assert_eq!(
        house.refused(V2_1, read_only),
        ResultReason::AttributeReadOnly
    );
    let odd = Constraint {
        object_types: Some(types(&[ObjectType(0x8000_0001)])),
        ..demand([A::Sensitive(true)])
    };
    assert_eq!(
        house.refused(V2_1, set_constraints(vec![odd])),
        ResultReason::InvalidObjectType
    );
}

#[test]
fn only_administrators_set_them() {
    for request in [
        RequestPayload::from(set_defaults(Vec::new())),
        set_constraints(Vec::new()).into(),
    ] {
        let house = House::new();
        match as_user(&house, request) {
            Outcome::Failed { reason, .. } => assert_eq!(reason, ResultReason::PermissionDenied),
            other => panic!("{other:?}"),
        }
    }
    let house = House::new();
    house.ok(V2_1, set_constraints(vec![demand([A::Extractable(true)])]));
    match as_user(&house, GetConstraintsRequest::default()) {
        Outcome::Success(Some(answer)) => {
            let constraints = payload!(answer, GetConstraints).constraints;
            assert_eq!(constraints.constraints.len(), 1);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_object_is_what_the_constraints_ask_for() {
    let house = House::new();
    let kept = made(&house, V2_1, aes(128));
    let sizes = Constraint {
        object_types: Some(types(&[ObjectType::SymmetricKey])),
        ..demand([
            A::CryptographicAlgorithm(Algorithm::AES),
            A::CryptographicLength(192),
            A::CryptographicLength(256),
        ])
    };
    let uses = Constraint {
        object_groups: Some(groups(&["payments"])),
        ..demand([
            A::CryptographicUsageMask(Mask::Encrypt | Mask::Decrypt),
            A::Sensitive(true),
        ])
    };
    let said = vec![sizes, uses];
    house.ok(V2_1, set_constraints(said.clone()));
    let answer = payload!(
        house.ok(V2_1, GetConstraintsRequest::default()),
        GetConstraints
    );
    assert_eq!(answer.constraints.constraints, said);

    for bits in [192, 256] {
        made(&house, V2_1, aes(bits));
    }
    assert_eq!(
        house.refused(V2_1, create(aes(128))),
        ResultReason::ConstraintViolation
    );
    assert_eq!(
        house.refused(Version::V1_2, create(aes(128))),
        ResultReason::PermissionDenied
    );
    let chacha = [
        A::CryptographicAlgorithm(Algorithm::ChaCha20),
        A::CryptographicUsageMask(Mask::Encrypt),
    ];
    assert_eq!(
        house.refused(V2_1, create(chacha)),
        ResultReason::ConstraintViolation
    );
    let payment = |mask, sensitive| {
        let [algorithm, length, _] = aes(256);
        let rest = [
            A::CryptographicUsageMask(mask),
            A::Sensitive(sensitive),
            A::ObjectGroup("payments".into()),
        ];
        create([algorithm, length].into_iter().chain(rest))
    };
    house.ok(V2_1, payment(Mask::Encrypt, true));
    for (mask, sensitive) in [
        (Mask::Encrypt, false),
        (Mask::Encrypt | Mask::WrapKey, true),
    ] {
        assert_eq!(
            house.refused(V2_1, payment(mask, sensitive)),
            ResultReason::ConstraintViolation
        );
    }
    // A key of before cannot be replaced by one of its kind; nothing is half done.
    let id = kept
        .iter()
        .find_map(|value| match value {
            A::UniqueIdentifier(id) => Some(id.clone()),
            _ => None,
        })
        .unwrap();
    let request = ReKeyRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    };
    assert_eq!(
        house.refused(V2_1, request),
        ResultReason::ConstraintViolation
    );
    assert_eq!(seen(&house, &id), kept);
    // Other doors are held to the same.
    let request = CreateKey::new(KeySpec::Aes { bits: 128 });
    let refused = house.kms.create_key(&house.caller(), request);
    assert!(
        matches!(refused, Err(Error::ConstraintViolated(_))),
        "{refused:?}"
    );
    house
        .kms
        .create_key(&house.caller(), CreateKey::new(KeySpec::Rsa { bits: 2048 }))
        .unwrap();
    // Without constraints everything goes again.
    house.ok(V2_1, set_constraints(Vec::new()));
    made(&house, V2_1, aes(128));
}

#[test]
fn what_a_batch_sets_is_undone_with_it() {
    let house = House::new();
    let before = vec![demand([A::Extractable(true)])];
    house.ok(V2_1, set_constraints(before.clone()));
    let batch = vec![
        set_constraints(vec![demand([A::Sensitive(true)])]).into(),
        set_defaults(vec![defaults(ObjectType::SymmetricKey, aes(256))]).into(),
        create([]).into(),
    ];
    let mut request = RequestMessage::new(V2_1, batch);
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Undo);
    let answer = house.send(&request);
    assert!(matches!(
        answer.items[2].outcome,
        Outcome::Failed {
            reason: ResultReason::ConstraintViolation,
            ..
        }
    ));
    let answer = payload!(
        house.ok(V2_1, GetConstraintsRequest::default()),
        GetConstraints
    );
    assert_eq!(answer.constraints.constraints, before);
    assert!(asked(&house, V2_1, None).is_empty());
}
