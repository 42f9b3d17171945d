//! KMIP's algorithm, hash and curve numbers, and the core's kinds of keys.

use keybridge_core::encoding::NamedCurve;
use keybridge_core::model::ObjectClass;
use keybridge_core::{Curve, HashAlgorithm, KeySpec};
use keybridge_kmip::Version;
use keybridge_kmip::enums::{
    CryptographicAlgorithm as Algorithm, HashingAlgorithm, ObjectType, RecommendedCurve,
};

use crate::failure::{Failure, Result};

mod kind;

pub use kind::KindOfKey;

/// Hashes, with KMIP's number of the hash and of HMAC with it. KMIP has no number for SM3 as a
/// Hashing Algorithm: signatures with it are the SM2 key's own.
const HASHES: &[(HashAlgorithm, Option<HashingAlgorithm>, Option<Algorithm>)] = &[
    (
        HashAlgorithm::Sha1,
        Some(HashingAlgorithm::SHA_1),
        Some(Algorithm::HMAC_SHA1),
    ),
    (
        HashAlgorithm::Sha224,
        Some(HashingAlgorithm::SHA_224),
        Some(Algorithm::HMAC_SHA224),
    ),
    (
        HashAlgorithm::Sha256,
        Some(HashingAlgorithm::SHA_256),
        Some(Algorithm::HMAC_SHA256),
    ),
    (
        HashAlgorithm::Sha384,
        Some(HashingAlgorithm::SHA_384),
        Some(Algorithm::HMAC_SHA384),
    ),
    (
        HashAlgorithm::Sha512,
        Some(HashingAlgorithm::SHA_512),
        Some(Algorithm::HMAC_SHA512),
    ),
    (
        HashAlgorithm::Sha512_224,
        Some(HashingAlgorithm::SHA_512_224),
        None,
    ),
    (
        HashAlgorithm::Sha512_256,
        Some(HashingAlgorithm::SHA_512_256),
        None,
    ),
    (
        HashAlgorithm::Sha3_224,
        Some(HashingAlgorithm::SHA3_224),
        Some(Algorithm::HMAC_SHA3_224),
    ),
    (
        HashAlgorithm::Sha3_256,
        Some(HashingAlgorithm::SHA3_256),
        Some(Algorithm::HMAC_SHA3_256),
    ),
    (
        HashAlgorithm::Sha3_384,
        Some(HashingAlgorithm::SHA3_384),
        Some(Algorithm::HMAC_SHA3_384),
    ),
    (
        HashAlgorithm::Sha3_512,
        Some(HashingAlgorithm::SHA3_512),
        Some(Algorithm::HMAC_SHA3_512),
    ),
];

/// Curves by KMIP's number.
const CURVES: &[(RecommendedCurve, NamedCurve)] = &[
    (
        RecommendedCurve::P_256,
        NamedCurve::Weierstrass(Curve::P256),
    ),
    (
        RecommendedCurve::P_384,
        NamedCurve::Weierstrass(Curve::P384),
    ),
    (
        RecommendedCurve::P_521,
        NamedCurve::Weierstrass(Curve::P521),
    ),
    (
        RecommendedCurve::SECP256K1,
        NamedCurve::Weierstrass(Curve::Secp256k1),
    ),
    (RecommendedCurve::CURVE25519, NamedCurve::X25519),
];

/// Object types and the core's classes. PKCS#11's data objects are shown as opaque objects.
const CLASSES: &[(ObjectType, ObjectClass)] = &[
    (ObjectType::Certificate, ObjectClass::Certificate),
    (ObjectType::SymmetricKey, ObjectClass::SecretKey),
    (ObjectType::PublicKey, ObjectClass::PublicKey),
    (ObjectType::PrivateKey, ObjectClass::PrivateKey),
    (ObjectType::SplitKey, ObjectClass::SplitKey),
    (ObjectType::Template, ObjectClass::Template),
    (ObjectType::SecretData, ObjectClass::SecretData),
    (ObjectType::OpaqueObject, ObjectClass::Opaque),
    (ObjectType::OpaqueObject, ObjectClass::Data),
    (ObjectType::PGPKey, ObjectClass::PgpKey),
    (
        ObjectType::CertificateRequest,
        ObjectClass::CertificateRequest,
    ),
];

/// The Object Type of a class.
#[must_use]
pub fn object_type(class: ObjectClass) -> ObjectType {
    let row = CLASSES.iter().find(|(_, known)| *known == class);
    row.map_or(ObjectType::OpaqueObject, |(kind, _)| *kind)
}

/// The class of an Object Type.
#[must_use]
pub fn class(kind: ObjectType) -> Option<ObjectClass> {
    CLASSES
        .iter()
        .find(|(known, _)| *known == kind)
        .map(|(_, class)| *class)
}

/// The hash of a Hashing Algorithm.
///
/// # Errors
/// For one that the bridge does not have.
pub fn hash(number: HashingAlgorithm) -> Result<HashAlgorithm> {
    let row = HASHES.iter().find(|row| row.1 == Some(number));
    row.map(|row| row.0).ok_or_else(|| {
        Failure::invalid_field(format!("hashing algorithm {number} is not supported"))
    })
}

/// The hash of an HMAC algorithm.
#[must_use]
pub fn hmac_hash(algorithm: Algorithm) -> Option<HashAlgorithm> {
    HASHES
        .iter()
        .find(|row| row.2 == Some(algorithm))
        .map(|row| row.0)
}

/// The curve of a Recommended Curve.
#[must_use]
pub fn curve(number: RecommendedCurve) -> Option<NamedCurve> {
    CURVES.iter().find(|row| row.0 == number).map(|row| row.1)
}

/// The Recommended Curve of a curve; SM2's has no number.
#[must_use]
pub fn recommended_curve(curve: NamedCurve) -> Option<RecommendedCurve> {
    CURVES.iter().find(|row| row.1 == curve).map(|row| row.0)
}

/// The Cryptographic Algorithm of a kind of key; none for generic secrets. `said` is the one that a
/// client gave, where a kind has several names.
#[must_use]
pub fn algorithm(spec: KeySpec, said: Option<Algorithm>) -> Option<Algorithm> {
    Some(match spec {
        KeySpec::Aes { .. } | KeySpec::AesXts { .. } => Algorithm::AES,
        KeySpec::Des3 { .. } => Algorithm::DES3,
        KeySpec::ChaCha20 => said.unwrap_or(Algorithm::ChaCha20),
        KeySpec::Sm4 => Algorithm::SM4,
        KeySpec::Rsa { .. } => Algorithm::RSA,
        KeySpec::Ec { .. } => said.unwrap_or(Algorithm::ECDSA),
        KeySpec::Ed25519 => Algorithm::Ed25519,
        KeySpec::X25519 => said.unwrap_or(Algorithm::ECDH),
        KeySpec::Sm2 => Algorithm::SM2,
        KeySpec::Hmac { hash, .. } => return HASHES.iter().find(|row| row.0 == hash)?.2,
        // The versions of KMIP here have no numbers for ML-KEM and ML-DSA.
        KeySpec::Lattice { .. } | KeySpec::GenericSecret { .. } => return None,
        KeySpec::Foreign { algorithm, .. } => Algorithm(algorithm),
    })
}

/// The kinds of key, without their sizes, that have a Cryptographic Algorithm as one of their names.
#[must_use]
pub fn specs_of(algorithm: Algorithm) -> Vec<KeySpec> {
    let foreign = KeySpec::Foreign {
        algorithm: algorithm.0,
        bits: 0,
    };
    let curves = CURVES.iter().map(|(_, curve)| curve.spec());
    let hashes = HASHES.iter().map(|row| KeySpec::Hmac {
        hash: row.0,
        bits: 0,
    });
    [
        KeySpec::Aes { bits: 0 },
        KeySpec::AesXts { bits: 512 },
        KeySpec::Des3 { bits: 112 },
        KeySpec::Des3 { bits: 168 },
        KeySpec::ChaCha20,
        KeySpec::Sm4,
        KeySpec::Rsa { bits: 0 },
        KeySpec::Ed25519,
        KeySpec::Sm2,
        foreign,
    ]
    .into_iter()
    .chain(curves)
    .chain(hashes)
    .filter(|spec| self::algorithm(*spec, Some(algorithm)) == Some(algorithm))
    .filter(|spec| bears(*spec, algorithm))
    .collect()
}

/// Whether a kind that goes by several names goes by this one.
const fn bears(spec: KeySpec, algorithm: Algorithm) -> bool {
    match spec {
        KeySpec::ChaCha20 => {
            matches!(algorithm, Algorithm::ChaCha20 | Algorithm::ChaCha20Poly1305)
        }
        KeySpec::Ec { .. } | KeySpec::X25519 => {
            matches!(
                algorithm,
                Algorithm::EC | Algorithm::ECDSA | Algorithm::ECDH
            )
        }
        _ => true,
    }
}

/// Whether the version of a message can name a kind of key at all.
#[must_use]
pub fn exists_in(algorithm: Algorithm, version: Version) -> bool {
    algorithm.exists_in(version)
}
