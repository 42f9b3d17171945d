//! Key formats: what is handed out in one is taken in it, and given back in it unless somebody asks for another.

use keybridge_kmip::Version;
use keybridge_kmip::attributes::{
    AttributeValue as A, CryptographicDomainParameters, TemplateAttribute, UniqueIdentifier,
};
use keybridge_kmip::enums::{
    CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask, KeyFormatType as Format,
    ObjectType, RecommendedCurve, ResultReason,
};
use keybridge_kmip::objects::ManagedObject;
use keybridge_kmip::operations::{
    CreateKeyPairRequest, CreateRequest, GetRequest, RegisterRequest,
};

use crate::harness::{House, payload};

fn attributes(values: impl IntoIterator<Item = A>) -> TemplateAttribute {
    values.into_iter().collect()
}

fn get(id: &UniqueIdentifier, key_format_type: Option<Format>) -> GetRequest {
    GetRequest {
        unique_identifier: Some(id.clone()),
        key_format_type,
        ..Default::default()
    }
}

fn format_of(object: &ManagedObject) -> Format {
    object.key_block().unwrap().key_format_type
}

/// A key handed out in a format can be registered again as it is, and has that format then.
#[track_caller]
pub(crate) fn survives(
    house: &House,
    version: Version,
    id: &UniqueIdentifier,
    kind: ObjectType,
    format: Format,
) {
    let object = payload!(house.ok(version, get(id, Some(format))), Get).object;
    assert_eq!(format_of(object.0.as_ref().unwrap()), format);
    let register = RegisterRequest {
        object_type: kind,
        attributes: attributes([A::CryptographicUsageMask(Mask(0))]),
        object: object.clone(),
        protection_storage_masks: None,
    };
    let again = payload!(house.ok(version, register), Register).unique_identifier;
    // "the server SHALL be able to return the key … in the same format that was used when the key was registered".
    for asked in [Some(format), None] {
        let got = payload!(house.ok(version, get(&again, asked)), Get).object;
        assert_eq!(got, object, "{version} {format} {asked:?}");
    }
}

fn pair(house: &House, version: Version, algorithm: Algorithm) -> [UniqueIdentifier; 2] {
    let (length, curve) = match algorithm {
        Algorithm::RSA => (2048, None),
        _ => (256, Some(RecommendedCurve::P_256)),
    };
    let domain = curve.map(|recommended_curve| {
        A::CryptographicDomainParameters(CryptographicDomainParameters {
            q_length: None,
            recommended_curve: Some(recommended_curve),
        })
    });
    let common = [
        A::CryptographicAlgorithm(algorithm),
        A::CryptographicLength(length),
    ];
    let usage = |mask| attributes([A::CryptographicUsageMask(mask)]);
    let request = CreateKeyPairRequest {
        common: Some(attributes(common.into_iter().chain(domain))),
        private_key: Some(usage(Mask::Sign)),
        public_key: Some(usage(Mask::Verify)),
        ..Default::default()
    };
    let made = payload!(house.ok(version, request), CreateKeyPair);
    [
        made.private_key_unique_identifier,
        made.public_key_unique_identifier,
    ]
}

/// Until 1.2 elliptic curves had a transparent format for each of their uses, from 1.3 on one; 2.0 dropped the others.
#[test]
fn transparent_formats_of_curves_are_those_of_the_version() {
    let house = House::new();
    let old = [
        (
            Format::TransparentECDSAPrivateKey,
            Format::TransparentECDSAPublicKey,
        ),
        (
            Format::TransparentECDHPrivateKey,
            Format::TransparentECDHPublicKey,
        ),
    ];
    let new = (
        Format::TransparentECPrivateKey,
        Format::TransparentECPublicKey,
    );
    for version in Version::SUPPORTED {
        let algorithm = if version < Version::V1_4 {
            Algorithm::ECDSA
        } else {
            Algorithm::EC
        };
        let [private, public] = pair(&house, version, algorithm);
        let mut formats = Vec::new();
        if version < Version::V2_0 {
            formats.extend(old);
        }
        if version >= Version::V1_3 {
            formats.push(new);
        }
        for (of_private, of_public) in formats {
            survives(
                &house,
                version,
                &private,
                ObjectType::PrivateKey,
                of_private,
            );
            survives(&house, version, &public, ObjectType::PublicKey, of_public);
        }
    }
}

#[test]
fn symmetric_and_rsa_keys_have_their_formats_in_every_version() {
    let house = House::new();
    for version in Version::SUPPORTED {
        let request = CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: attributes([
                A::CryptographicAlgorithm(Algorithm::AES),
                A::CryptographicLength(256),
                A::CryptographicUsageMask(Mask::Encrypt),
            ]),
            protection_storage_masks: None,
        };
        let key = payload!(house.ok(version, request), Create).unique_identifier;
        let kind = ObjectType::SymmetricKey;
        survives(&house, version, &key, kind, Format::TransparentSymmetricKey);
        let refused = house.refused(version, get(&key, Some(Format::PKCS_1)));
        assert_eq!(refused, ResultReason::KeyFormatTypeNotSupported);
        let [private, public] = pair(&house, version, Algorithm::RSA);
        for (of_private, of_public) in [
            (Format::PKCS_1, Format::PKCS_1),
            (Format::PKCS_8, Format::X_509),
            (
                Format::TransparentRSAPrivateKey,
                Format::TransparentRSAPublicKey,
            ),
        ] {
            survives(
                &house,
                version,
                &private,
                ObjectType::PrivateKey,
                of_private,
            );
            survives(&house, version, &public, ObjectType::PublicKey, of_public);
        }
        let refused = house.refused(version, get(&private, Some(Format::ECPrivateKey)));
        assert_eq!(refused, ResultReason::KeyFormatTypeNotSupported);
    }
}
