//! Answers of 1.x that the standard's own test cases of those versions ask for.

use keybridge_kmip::attributes::{
    Attribute, AttributeName, AttributeValue as A, Name, RNGParameters, UniqueIdentifier,
    UsageLimits,
};
use keybridge_kmip::enums::{
    CertificateType, CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask,
    DRBGAlgorithm, KeyFormatType, ObjectType, RNGAlgorithm, ResultReason, UsageLimitsUnit,
};
use keybridge_kmip::objects::{Certificate, KeyBlock, ManagedObject};
use keybridge_kmip::operations::{
    AddAttributeRequest, CreateRequest, DestroyRequest, GetAttributesRequest, GetRequest,
    ReKeyRequest, RegisterRequest,
};
use keybridge_kmip::{Tag, Version};
use keybridge_server::pki::{Authority, ServerKey};

use crate::harness::{House, payload};

const V1_0: Version = Version::V1_0;
const V1_1: Version = Version::V1_1;
const V1_4: Version = Version::V1_4;

fn key(house: &House, name: &str) -> UniqueIdentifier {
    let values = [
        A::CryptographicAlgorithm(Algorithm::AES),
        A::CryptographicLength(128),
        A::CryptographicUsageMask(Mask::Encrypt | Mask::Decrypt),
        A::Name(Name::text(name)),
    ];
    let request = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: values.into_iter().collect(),
        protection_storage_masks: None,
    };
    payload!(house.ok(V1_1, request), Create).unique_identifier
}

fn values(house: &House, version: Version, id: &UniqueIdentifier, tag: Tag) -> Vec<A> {
    let request = GetAttributesRequest {
        unique_identifier: Some(id.clone()),
        attribute_names: vec![AttributeName::Standard(tag)],
    };
    let attributes = payload!(house.ok(version, request), GetAttributes).attributes;
    attributes.0.into_iter().map(|one| one.value).collect()
}

/// "All name attributes are removed from the existing key" (1.4 section 4.4; TC-91).
#[test]
fn a_replaced_key_has_no_name() {
    let house = House::new();
    let old = key(&house, "payroll");
    let request = ReKeyRequest {
        unique_identifier: Some(old.clone()),
        ..Default::default()
    };
    let new = payload!(house.ok(V1_1, request), ReKey).unique_identifier;
    assert_eq!(values(&house, V1_1, &old, Tag::Name), []);
    assert_eq!(
        values(&house, V1_1, &new, Tag::Name),
        [A::Name(Name::text("payroll"))]
    );
}

/// The answer shows the attribute as it is now (TC-51).
#[test]
fn usage_limits_are_echoed_with_their_count() {
    let house = House::new();
    let id = key(&house, "limited");
    let limits = |count| {
        A::UsageLimits(UsageLimits {
            total: 1000,
            count,
            unit: UsageLimitsUnit::Byte,
        })
    };
    let request = AddAttributeRequest {
        unique_identifier: Some(id),
        attribute: Attribute::from(limits(None)).into(),
    };
    let echoed = payload!(house.ok(V1_1, request), AddAttribute).attribute;
    assert_eq!(echoed.0.map(|one| one.value), Some(limits(Some(1000))));
}

/// 1.x has no reason of its own for what was destroyed (TC-314).
#[test]
fn a_destroyed_key_is_not_found() {
    let house = House::new();
    let id = key(&house, "gone");
    let destroy = DestroyRequest {
        unique_identifier: Some(id.clone()),
    };
    house.ok(V1_1, destroy);
    let get = || GetRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    };
    assert_eq!(house.refused(V1_1, get()), ResultReason::ItemNotFound);
    assert_eq!(
        house.refused(Version::V2_1, get()),
        ResultReason::ObjectDestroyed
    );
}

/// Who registers a key may say how it was made (1.4 section 3.44; TC-RNG-ATTR-1).
#[test]
fn the_generator_of_a_registered_key_is_its_clients_word() {
    let house = House::new();
    let generator = A::RandomNumberGenerator(RNGParameters {
        rng_algorithm: RNGAlgorithm::DRBG,
        cryptographic_algorithm: Some(Algorithm::HMAC_SHA1),
        drbg_algorithm: Some(DRBGAlgorithm::HMAC),
        prediction_resistance: Some(true),
        cryptographic_length: None,
        hashing_algorithm: None,
        recommended_curve: None,
        fips186_variation: None,
    });
    let given = [
        A::CryptographicUsageMask(Mask::Encrypt | Mask::Decrypt),
        generator.clone(),
    ];
    let block = KeyBlock::from_bytes(KeyFormatType::Raw, vec![7; 16], Some((Algorithm::AES, 128)));
    let request = RegisterRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: given.into_iter().collect(),
        object: ManagedObject::SymmetricKey(block.into()).into(),
        protection_storage_masks: None,
    };
    let id = payload!(house.ok(V1_4, request), Register).unique_identifier;
    assert_eq!(
        values(&house, V1_4, &id, Tag::RandomNumberGenerator),
        [generator]
    );
    let own = key(&house, "made-here");
    assert!(!values(&house, V1_4, &own, Tag::RandomNumberGenerator).is_empty());
}

/// The names of a certificate as text, which are all that 1.0 has (1.0 section 3.9; TC-132).
#[test]
fn certificates_have_their_names_as_text() {
    let house = House::new();
    let mask = Mask::Sign | Mask::CertificateSign;
    let key = crate::certificates::pair(&house, Algorithm::ECDSA, 256, mask);
    let id = crate::certificates::certified(&house, &key, "text.example");
    let subject = values(&house, V1_0, &id, Tag::CertificateSubject);
    let [A::CertificateSubject(subject)] = subject.as_slice() else {
        panic!("{subject:?}")
    };
    assert_eq!(subject.distinguished_name, "CN=text.example");
    let identifier = values(&house, V1_0, &id, Tag::CertificateIdentifier);
    let [A::CertificateIdentifier(identifier)] = identifier.as_slice() else {
        panic!("{identifier:?}")
    };
    assert!(!identifier.issuer.is_empty());
    let serial = identifier.serial_number.as_deref().unwrap_or_default();
    assert!(!serial.is_empty() && serial.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

/// Alternative names of a certificate, as DER and as text (1.4 sections 3.13 and 3.15).
#[test]
fn certificates_have_their_alternative_names() {
    let house = House::new();
    let (authority, _) = Authority::create("a CA").unwrap();
    let names = ["names.example".to_owned(), "127.0.0.1".to_owned()];
    let server = authority.issue_server(ServerKey::Ecdsa, &names).unwrap();
    let request = RegisterRequest {
        object_type: ObjectType::Certificate,
        attributes: Default::default(),
        object: ManagedObject::Certificate(Certificate {
            kind: CertificateType::X_509,
            value: server.der,
        })
        .into(),
        protection_storage_masks: None,
    };
    let id = payload!(house.ok(V1_4, request), Register).unique_identifier;
    let subject = values(&house, V1_4, &id, Tag::X_509CertificateSubject);
    let [A::X509CertificateSubject(subject)] = subject.as_slice() else {
        panic!("{subject:?}")
    };
    // GeneralName, RFC 5280 section 4.2.1.6: [2] dNSName, [7] iPAddress.
    let dns = [&[0x82, 13], names[0].as_bytes()].concat();
    let address = vec![0x87, 4, 127, 0, 0, 1];
    assert_eq!(subject.subject_alternative_name, [dns, address]);
    let issuer = values(&house, V1_4, &id, Tag::X_509CertificateIssuer);
    let [A::X509CertificateIssuer(issuer)] = issuer.as_slice() else {
        panic!("{issuer:?}")
    };
    assert!(issuer.issuer_alternative_name.is_empty());
    let subject = values(&house, V1_0, &id, Tag::CertificateSubject);
    let [A::CertificateSubject(subject)] = subject.as_slice() else {
        panic!("{subject:?}")
    };
    assert_eq!(subject.alternative_name, names);
}
