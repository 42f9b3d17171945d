//! Attributes that "SHALL always have a value" (the attributes' tables of 1.0 to 2.1, `tables/always.txt`):
//! every object of a type to which they apply has them, in every version.

use keybridge_kmip::attributes::{AttributeName, AttributeValue as A, UniqueIdentifier};
use keybridge_kmip::enums::{
    CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask, KeyFormatType, ObjectType,
    OpaqueDataType, SecretDataType,
};
use keybridge_kmip::objects::{
    KeyBlock, ManagedObject, OpaqueObject, PGPKey, SecretData, Template,
};
use keybridge_kmip::operations::{CreateRequest, GetAttributesRequest, RegisterRequest};
use keybridge_kmip::{Tag, Version};

use crate::harness::{House, payload};

/// What our objects do not have, and why.
const WITHOUT: &[(&str, &str)] = &[
    // They are of the objects that are made by it.
    ("Cryptographic Algorithm", "Template"),
    ("Cryptographic Length", "Template"),
    ("Cryptographic Usage Mask", "Template"),
    // There is no Key Block that would be in the format.
    ("Key Format Type", "Certificate"),
    ("Key Format Type", "Opaque Object"),
    // It says how long the secret is.
    ("Cryptographic Length", "Secret Data"),
    // The text of 2.0 leaves out of "All Objects" what has no algorithm at all.
    ("Cryptographic Usage Mask", "Opaque Object"),
    ("Cryptographic Algorithm", "Opaque Object"),
    ("Cryptographic Length", "Opaque Object"),
    ("Cryptographic Algorithm", "Secret Data"),
    // Packets of OpenPGP are not looked into.
    ("Digital Signature Algorithm", "PGP Key"),
    ("Key Format Type", "PGP Key"),
];

fn registered(house: &House, object: ManagedObject, given: Vec<A>) -> UniqueIdentifier {
    let request = RegisterRequest {
        object_type: object.object_type(),
        attributes: given.into_iter().collect(),
        object: object.into(),
        protection_storage_masks: None,
    };
    payload!(house.ok(Version::V1_4, request), Register).unique_identifier
}

/// An object of each type, by the type's name.
fn objects(house: &House) -> Vec<(&'static str, UniqueIdentifier)> {
    let usable = || {
        vec![
            A::CryptographicAlgorithm(Algorithm::AES),
            A::CryptographicLength(128),
            A::CryptographicUsageMask(Mask::Encrypt),
        ]
    };
    let request = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: usable().into_iter().collect(),
        protection_storage_masks: None,
    };
    let key = payload!(house.ok(Version::V1_4, request), Create).unique_identifier;
    let mask = Mask::Sign | Mask::CertificateSign;
    let public = crate::certificates::pair(house, Algorithm::ECDSA, 256, mask);
    let certificate = crate::certificates::certified(house, &public, "always.example");
    let bytes = || KeyBlock::from_bytes(KeyFormatType::Raw, vec![1; 16], None);
    let secret = ManagedObject::SecretData(SecretData {
        kind: SecretDataType::Password,
        key_block: bytes(),
    });
    let pgp = ManagedObject::PGPKey(PGPKey {
        version: 4,
        key_block: KeyBlock::from_bytes(
            KeyFormatType::Raw,
            vec![1; 16],
            Some((Algorithm::RSA, 2048)),
        ),
    });
    let opaque = ManagedObject::OpaqueObject(OpaqueObject {
        kind: OpaqueDataType(0x8000_0001),
        value: vec![1; 8].into(),
    });
    let template = ManagedObject::Template(Template {
        attributes: vec![A::CryptographicLength(128).into()].into(),
    });
    let sign = || vec![A::CryptographicUsageMask(Mask::Sign)];
    vec![
        ("Symmetric Key", key),
        ("Public Key", public),
        ("Certificate", certificate),
        ("Secret Data", registered(house, secret, sign())),
        ("PGP Key", registered(house, pgp, sign())),
        ("Opaque Object", registered(house, opaque, Vec::new())),
        ("Template", registered(house, template, Vec::new())),
    ]
}

/// Whether an attribute applies to a type, in the words of its table.
fn applies(words: &str, kind: &str) -> bool {
    let cryptographic = !matches!(kind, "Opaque Object" | "Template");
    let is_key = kind.ends_with("Key");
    (words.contains("All Objects") && kind != "Template")
        || (words.contains("All Cryptographic Objects") && cryptographic)
        || (words.starts_with("Keys") && is_key)
        || (words.contains("Certificates") && kind == "Certificate")
        || (words.contains("PGP keys") && kind == "PGP Key")
        || (words.contains("Opaque Objects") && kind == "Opaque Object")
        || (words.contains("Templates") && kind == "Template")
}

fn version(text: &str) -> Version {
    let (major, minor) = text.split_once('.').unwrap();
    Version::new(major.parse().unwrap(), minor.parse().unwrap())
}

#[test]
fn what_always_has_a_value_has_one() {
    let house = House::new();
    let objects = objects(&house);
    let mut missing = Vec::new();
    let table = include_str!("tables/always.txt").lines();
    for line in table.filter(|line| !line.starts_with('#')) {
        let [name, span, words] = line.split("; ").collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let (first, last) = span.split_once(' ').unwrap();
        let tag = Tag::by_title(name).unwrap();
        for (kind, id) in &objects {
            if !applies(words, kind) || WITHOUT.contains(&(name, kind)) {
                continue;
            }
            // The type is of 1.2.
            let exists = |at: &Version| *kind != "PGP Key" || *at >= Version::V1_2;
            let versions = Version::SUPPORTED.into_iter().filter(exists);
            for at in versions.filter(|at| *at >= version(first) && *at <= version(last)) {
                let request = GetAttributesRequest {
                    unique_identifier: Some(id.clone()),
                    attribute_names: vec![AttributeName::Standard(tag)],
                };
                let found = payload!(house.ok(at, request), GetAttributes).attributes;
                if found.0.is_empty() {
                    missing.push(format!("{name} of a {kind} in {at}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
