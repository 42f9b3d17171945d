//! Operations of several steps: when a late one fails, nothing of the others is left.

use keybridge_core::ObjectId;
use keybridge_core::model::{Link, LinkType};
use keybridge_core::settings::Limits;
use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeValue as A, Name, TemplateAttribute, UniqueIdentifier};
use keybridge_kmip::enums::{
    CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask, DerivationMethod,
    HashingAlgorithm, ObjectType, ResultReason, SplitKeyMethod, State,
};
use keybridge_kmip::operations::derive_key::DerivationParameters;
use keybridge_kmip::operations::{
    CertifyRequest, CreateKeyPairRequest, CreateRequest, CreateSplitKeyRequest, DeriveKeyRequest,
    GetAttributesRequest, LocateRequest, ReCertifyRequest, ReKeyKeyPairRequest, ReKeyRequest,
};
use keybridge_kmip::wire::DateTime;

use crate::harness::{House, payload};

const V2_1: Version = Version::V2_1;

fn attributes(values: impl IntoIterator<Item = A>) -> TemplateAttribute {
    values.into_iter().collect()
}

fn named(name: &str) -> A {
    A::Name(Name::text(name))
}

fn aes(house: &House, name: &str) -> UniqueIdentifier {
    let request = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes([
            A::CryptographicAlgorithm(Algorithm::AES),
            A::CryptographicLength(256),
            A::CryptographicUsageMask(Mask::Encrypt | Mask::DeriveKey),
            A::ActivationDate(DateTime(1)),
            named(name),
        ]),
        protection_storage_masks: None,
    };
    payload!(house.ok(V2_1, request), Create).unique_identifier
}

fn pair(public_name: &str) -> CreateKeyPairRequest {
    CreateKeyPairRequest {
        common: Some(attributes([
            A::CryptographicAlgorithm(Algorithm::EC),
            A::CryptographicLength(256),
            A::CryptographicUsageMask(Mask::Sign | Mask::Verify | Mask::CertificateSign),
            A::ActivationDate(DateTime(1)),
        ])),
        public_key: Some(attributes([named(public_name)])),
        ..Default::default()
    }
}

/// Everything that there is, with all its attributes.
fn everything(house: &House) -> Vec<Vec<A>> {
    let located = payload!(house.ok(V2_1, LocateRequest::default()), Locate);
    let seen = |id: UniqueIdentifier| {
        let request = GetAttributesRequest {
            unique_identifier: Some(id),
            ..Default::default()
        };
        let answer = payload!(house.ok(V2_1, request), GetAttributes);
        let values = answer.attributes.0.into_iter();
        let values = values.map(|attribute| attribute.value);
        // A value that was read is not fresh, whatever became of it.
        values
            .filter(|value| !matches!(value, A::Fresh(_)))
            .collect()
    };
    located.unique_identifiers.into_iter().map(seen).collect()
}

/// Gives an object as many links as it can have.
fn fill_links(house: &House, id: &UniqueIdentifier) {
    let id: ObjectId = id.as_text().unwrap().parse().unwrap();
    let full = house.kms.modify(&house.caller(), id, &mut |attributes| {
        while attributes.links.len() < 1024 {
            attributes.links.push(Link {
                kind: LinkType(0x108),
                object: ObjectId::random(),
            });
        }
        Ok(())
    });
    full.unwrap();
}

fn derive(bases: &[&UniqueIdentifier]) -> DeriveKeyRequest {
    DeriveKeyRequest {
        object_type: ObjectType::SymmetricKey,
        unique_identifiers: bases.iter().map(|id| (*id).clone()).collect(),
        derivation_method: DerivationMethod::HASH,
        derivation_parameters: DerivationParameters {
            cryptographic_parameters: Some(keybridge_kmip::attributes::CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..Default::default()
            }),
            ..Default::default()
        },
        attributes: attributes([
            A::CryptographicAlgorithm(Algorithm::AES),
            A::CryptographicLength(256),
            A::CryptographicUsageMask(Mask::Encrypt),
        ]),
    }
}

#[test]
fn a_derived_key_is_not_kept_without_its_links() {
    let house = House::new();
    let base = aes(&house, "base");
    house.ok(V2_1, derive(&[&base]));
    fill_links(&house, &base);
    let before = everything(&house);
    assert_eq!(
        house.refused(V2_1, derive(&[&base])),
        ResultReason::InvalidAttributeValue
    );
    assert_eq!(everything(&house), before);
}

#[test]
fn shares_are_all_kept_or_none() {
    let house = House::limited(Limits {
        objects_per_account: 3,
        ..Limits::default()
    });
    let key = aes(&house, "whole");
    let before = everything(&house);
    for base in [Some(key), None] {
        let request = CreateSplitKeyRequest {
            object_type: ObjectType::SplitKey,
            unique_identifier: base,
            parts: 3,
            threshold: 3,
            method: SplitKeyMethod::XOR,
            prime_field_size: None,
            attributes: attributes([
                A::CryptographicAlgorithm(Algorithm::AES),
                A::CryptographicLength(128),
                A::CryptographicUsageMask(Mask::Encrypt),
            ]),
            protection_storage_masks: None,
        };
        assert_eq!(
            house.refused(V2_1, request.clone()),
            ResultReason::ServerLimitExceeded
        );
        assert_eq!(everything(&house), before);
        // Two fit, and the key that was made for them is not there.
        if request.unique_identifier.is_none() {
            let two = CreateSplitKeyRequest {
                parts: 2,
                threshold: 2,
                ..request
            };
            house.ok(V2_1, two);
            assert_eq!(everything(&house).len(), 3);
        }
    }
}

#[test]
fn a_pair_is_kept_whole_or_not_at_all() {
    let house = House::new();
    aes(&house, "taken");
    let before = everything(&house);
    assert_eq!(
        house.refused(V2_1, pair("taken")),
        ResultReason::NonUniqueNameAttribute
    );
    assert_eq!(everything(&house), before);
}

#[test]
fn a_new_version_is_what_was_asked_for_or_is_not() {
    let house = House::new();
    let key = aes(&house, "key");
    let made = payload!(house.ok(V2_1, pair("public")), CreateKeyPair);
    let before = everything(&house);
    let request = ReKeyRequest {
        unique_identifier: Some(key.clone()),
        attributes: Some(attributes([
            A::ContactInformation("me".into()),
            A::State(State::Active),
        ])),
        ..Default::default()
    };
    assert_eq!(
        house.refused(V2_1, request.clone()),
        ResultReason::AttributeReadOnly
    );
    let pairs = ReKeyKeyPairRequest {
        private_key_unique_identifier: Some(made.private_key_unique_identifier),
        public_key: Some(attributes([named("key")])),
        ..Default::default()
    };
    assert_eq!(
        house.refused(V2_1, pairs.clone()),
        ResultReason::NonUniqueNameAttribute
    );
    assert_eq!(everything(&house), before);

    let good = ReKeyRequest {
        attributes: Some(attributes([A::ContactInformation("me".into())])),
        ..request
    };
    house.ok(V2_1, good);
    let good = ReKeyKeyPairRequest {
        common: Some(attributes([A::ContactInformation("both".into())])),
        public_key: Some(attributes([named("new public")])),
        ..pairs
    };
    house.ok(V2_1, good);
    let after = everything(&house);
    let having = |value: &A| after.iter().filter(|seen| seen.contains(value)).count();
    assert_eq!(having(&A::ContactInformation("me".into())), 1);
    assert_eq!(having(&A::ContactInformation("both".into())), 2);
    // A Name that is given replaces the one that moved along.
    assert_eq!(having(&named("new public")), 1);
}

#[test]
fn a_certificate_is_not_kept_without_its_links_and_names() {
    let house = House::new();
    let made = payload!(house.ok(V2_1, pair("authority")), CreateKeyPair);
    let certify = |name: &str| CertifyRequest {
        unique_identifier: Some(made.public_key_unique_identifier.clone()),
        attributes: Some(attributes([
            A::CertificateSubjectCN("authority".into()),
            named(name),
        ])),
        ..Default::default()
    };
    let first = payload!(house.ok(V2_1, certify("certificate")), Certify).unique_identifier;
    aes(&house, "taken");
    let before = everything(&house);
    assert_eq!(
        house.refused(V2_1, certify("taken")),
        ResultReason::NonUniqueNameAttribute
    );
    let again = |name: Option<&str>| ReCertifyRequest {
        unique_identifier: Some(first.clone()),
        attributes: name.map(|name| attributes([named(name)])),
        ..Default::default()
    };
    assert_eq!(
        house.refused(V2_1, again(Some("taken"))),
        ResultReason::NonUniqueNameAttribute
    );
    assert_eq!(everything(&house), before);
    // The Name moves with the replacement.
    let second = payload!(house.ok(V2_1, again(None)), ReCertify).unique_identifier;
    let by_name = LocateRequest {
        attributes: vec![named("certificate").into()].into(),
        ..Default::default()
    };
    let found = payload!(house.ok(V2_1, by_name), Locate);
    assert_eq!(found.unique_identifiers, [second]);
    // A public key with all the links that it can have.
    fill_links(&house, &made.public_key_unique_identifier);
    let id: ObjectId = made
        .public_key_unique_identifier
        .as_text()
        .unwrap()
        .parse()
        .unwrap();
    let drop_link = house.kms.modify(&house.caller(), id, &mut |attributes| {
        for link in &mut attributes.links {
            if link.kind == LinkType::CERTIFICATE {
                link.kind = LinkType(0x109);
            }
        }
        Ok(())
    });
    drop_link.unwrap();
    let before = everything(&house);
    assert_eq!(
        house.refused(V2_1, certify("another")),
        ResultReason::InvalidAttributeValue
    );
    assert_eq!(everything(&house), before);
}
