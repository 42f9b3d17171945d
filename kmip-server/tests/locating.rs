//! Locate by group member; and objects for which KMIP has no words.

use std::slice::from_ref;

use keybridge_core::kms::CreateKey;
use keybridge_core::model::UsageMask;
use keybridge_core::{KeySpec, LatticeSet, ObjectId};
use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeValue as A, TemplateAttribute, UniqueIdentifier};
use keybridge_kmip::enums::{
    CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask, KeyFormatType,
    ObjectGroupMember, ObjectType, RevocationReasonCode,
};
use keybridge_kmip::message::Outcome;
use keybridge_kmip::operations::{
    CheckRequest, CreateRequest, DestroyRequest, ExportRequest, GetAttributeListRequest,
    GetAttributesRequest, GetRequest, LocateRequest, ReKeyKeyPairRequest, RevokeRequest,
    SignRequest,
};
use keybridge_kmip::wire::DateTime;

use crate::harness::{House, payload};

const V2_1: Version = Version::V2_1;

fn member(house: &House, group: &str, active: bool) -> UniqueIdentifier {
    let attributes: TemplateAttribute = [
        A::CryptographicAlgorithm(Algorithm::AES),
        A::CryptographicLength(128),
        A::CryptographicUsageMask(Mask::Encrypt),
        A::ObjectGroup(group.into()),
    ]
    .into_iter()
    .chain(active.then_some(A::ActivationDate(DateTime(1))))
    .collect();
    let request = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        protection_storage_masks: None,
    };
    payload!(house.ok(V2_1, request), Create).unique_identifier
}

fn members(
    house: &House,
    version: Version,
    group: &str,
    member: Option<ObjectGroupMember>,
) -> Vec<UniqueIdentifier> {
    let request = LocateRequest {
        object_group_member: member,
        attributes: vec![A::ObjectGroup(group.into()).into()].into(),
        ..Default::default()
    };
    payload!(house.ok(version, request), Locate).unique_identifiers
}

#[test]
fn a_group_has_fresh_members_and_one_default_member() {
    let house = House::new();
    let waiting = member(&house, "pool", false);
    let default = Some(ObjectGroupMember::GroupMemberDefault);
    let fresh = Some(ObjectGroupMember::GroupMemberFresh);
    // Nobody is active yet.
    assert_eq!(members(&house, V2_1, "pool", default), from_ref(&waiting));
    let (first, second) = (member(&house, "pool", true), member(&house, "pool", true));
    member(&house, "other", true);
    for version in [Version::V1_1, Version::V1_4, Version::V2_0, V2_1] {
        assert_eq!(members(&house, version, "pool", default), from_ref(&first));
        assert_eq!(members(&house, version, "pool", None).len(), 3);
    }
    let get = GetRequest {
        unique_identifier: Some(first.clone()),
        ..Default::default()
    };
    house.ok(V2_1, get);
    let left = [second.clone(), waiting.clone()];
    assert_eq!(members(&house, V2_1, "pool", fresh), left);
    // The next one takes the place of a default that is no longer active.
    let revoke = RevokeRequest {
        unique_identifier: Some(first),
        revocation_reason: keybridge_kmip::attributes::RevocationReason {
            code: RevocationReasonCode::Superseded,
            message: None,
        },
        compromise_occurrence_date: None,
    };
    house.ok(V2_1, revoke);
    assert_eq!(members(&house, V2_1, "pool", default), [second]);
    assert!(members(&house, V2_1, "nobody's", default).is_empty());
}

/// ML-KEM and ML-DSA have no numbers in these versions; their keys are made through PKCS#11.
#[test]
fn keys_without_a_number_can_be_looked_at_and_handed_out() {
    for set in [LatticeSet::MlKem768, LatticeSet::MlDsa65] {
        let house = House::new();
        let mut request = CreateKey::new(KeySpec::Lattice { set });
        request.secret.label = "lattice".into();
        request.secret.sensitive = false;
        request.secret.extractable = true;
        request.secret.usage = UsageMask::SIGN | UsageMask::DECAPSULATE;
        request.public.usage = UsageMask::VERIFY | UsageMask::ENCAPSULATE;
        let made = house.kms.create_key(&house.caller(), request).unwrap();
        let text = |id: ObjectId| UniqueIdentifier::Text(id.to_string());
        let (private, public) = (text(made.secret), text(made.public.unwrap()));
        for version in Version::SUPPORTED {
            let located = payload!(house.ok(version, LocateRequest::default()), Locate);
            assert_eq!(located.unique_identifiers.len(), 2);
            for id in [&private, &public] {
                let all = GetAttributesRequest {
                    unique_identifier: Some(id.clone()),
                    ..Default::default()
                };
                let seen = payload!(house.ok(version, all), GetAttributes).attributes.0;
                let has_algorithm = |value: &A| matches!(value, A::CryptographicAlgorithm(_));
                assert!(!seen.iter().any(|own| has_algorithm(&own.value)));
                assert!(seen.iter().any(|own| matches!(own.value, A::State(_))));
                let list = GetAttributeListRequest {
                    unique_identifier: Some(id.clone()),
                };
                house.ok(version, list);
                let check = CheckRequest {
                    unique_identifier: Some(id.clone()),
                    ..Default::default()
                };
                house.ok(version, check);
                let get = GetRequest {
                    unique_identifier: Some(id.clone()),
                    ..Default::default()
                };
                let object = payload!(house.ok(version, get), Get).object.0.unwrap();
                let format = object.key_block().unwrap().key_format_type;
                let expected = if id == &private {
                    KeyFormatType::PKCS_8
                } else {
                    KeyFormatType::X_509
                };
                assert_eq!(format, expected, "{set:?} {version}");
            }
        }
        let export = ExportRequest {
            unique_identifier: Some(private.clone()),
            ..Default::default()
        };
        house.ok(V2_1, export);
        let sign = SignRequest {
            unique_identifier: Some(private.clone()),
            data: Some(vec![1].into()),
            ..Default::default()
        };
        assert!(matches!(house.outcome(V2_1, sign), Outcome::Failed { .. }));
        let again = ReKeyKeyPairRequest {
            private_key_unique_identifier: Some(private.clone()),
            ..Default::default()
        };
        house.ok(V2_1, again);
        for id in [private, public] {
            let revoke = RevokeRequest {
                unique_identifier: Some(id.clone()),
                revocation_reason: keybridge_kmip::attributes::RevocationReason {
                    code: RevocationReasonCode::Unspecified,
                    message: None,
                },
                compromise_occurrence_date: None,
            };
            house.ok(V2_1, revoke);
            let destroy = DestroyRequest {
                unique_identifier: Some(id),
            };
            house.ok(V2_1, destroy);
        }
    }
}
