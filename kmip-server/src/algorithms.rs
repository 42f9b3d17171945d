//! KMIP's algorithm, hash and curve numbers, and the core's kinds of keys.

use keybridge_core::encoding::NamedCurve;
use keybridge_core::model::ObjectClass;
use keybridge_core::{Curve, HashAlgorithm, KeySpec};
use keybridge_kmip::Version;
use keybridge_kmip::enums::{
    CryptographicAlgorithm as Algorithm, HashingAlgorithm, ObjectType, RecommendedCurve,
};

use crate::failure::{Failure, Result};

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

/// Symmetric algorithms that no engine computes with: fewest bits, most, and the step between.
#[rustfmt::skip]
const FOREIGN: &[(Algorithm, u32, u32, u32)] = &[
    (Algorithm::Blowfish, 32, 448, 8),
    (Algorithm::Camellia, 128, 256, 64),
    (Algorithm::CAST5, 40, 128, 8),
    (Algorithm::IDEA, 128, 128, 1),
    (Algorithm::MARS, 128, 448, 32),
    (Algorithm::RC2, 8, 1024, 8),
    (Algorithm::RC4, 40, 2048, 8),
    (Algorithm::RC5, 8, 2040, 8),
    (Algorithm::SKIPJACK, 80, 80, 1),
    (Algorithm::Twofish, 128, 256, 64),
    (Algorithm::OneTimePad, 8, 65536, 8),
    (Algorithm::ARIA, 128, 256, 64),
    (Algorithm::SEED, 128, 128, 1),
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

/// What a client says about the kind of a key.
#[derive(Clone, Copy, Debug, Default)]
pub struct KindOfKey {
    /// Cryptographic Algorithm.
    pub algorithm: Option<Algorithm>,
    /// Cryptographic Length, bits.
    pub length: Option<i32>,
    /// Recommended Curve of the Cryptographic Domain Parameters.
    pub curve: Option<RecommendedCurve>,
}

impl KindOfKey {
    /// The kind of key to make. `pair` tells Create Key Pair from Create.
    ///
    /// # Errors
    /// When it is not clear, or none that the bridge makes.
    pub fn to_create(self, pair: bool) -> Result<KeySpec> {
        let algorithm = self
            .algorithm
            .ok_or_else(|| Failure::invalid_message("the Cryptographic Algorithm is missing"))?;
        let spec = match self.spec(algorithm, None)? {
            Some(spec) => spec,
            None => self.foreign(algorithm)?,
        };
        if spec.is_asymmetric() != pair {
            let wanted = if pair { "Create" } else { "Create Key Pair" };
            return Err(Failure::invalid_field(format!(
                "{algorithm} keys are made by {wanted}"
            )));
        }
        Ok(spec)
    }

    /// The kind of a symmetric key that is registered with `bytes` bytes of value. An algorithm
    /// that no engine has is kept, and never computed with.
    ///
    /// # Errors
    /// When the Cryptographic Length is not the value's.
    pub fn of_symmetric(self, bytes: usize) -> Result<KeySpec> {
        let bits = u32::try_from(bytes.saturating_mul(8))
            .map_err(|_| Failure::invalid_field("the key is too long"))?;
        let Some(algorithm) = self.algorithm else {
            return Ok(KeySpec::GenericSecret { bits });
        };
        let foreign = KeySpec::Foreign {
            algorithm: algorithm.0,
            bits: self.bits().unwrap_or(bits),
        };
        let Some(spec) = self.spec(algorithm, Some(bits))? else {
            return Ok(foreign);
        };
        if spec.is_asymmetric() {
            return Err(Failure::invalid_field(format!(
                "{algorithm} is no symmetric algorithm"
            )));
        }
        let given = self.bits();
        if given.is_some_and(|given| given != bits && given != spec.bits()) {
            return Err(Failure::by_version(
                keybridge_kmip::enums::ResultReason::InvalidField,
                keybridge_kmip::enums::ResultReason::InvalidAttributeValue,
                format!("the Cryptographic Length is not the key's {bits} bits"),
            ));
        }
        Ok(spec)
    }

    /// A symmetric key of an algorithm that no engine has: made, kept and handed out.
    fn foreign(self, algorithm: Algorithm) -> Result<KeySpec> {
        let unknown =
            || Failure::invalid_field(format!("keys of algorithm {algorithm} are not made here"));
        let row = FOREIGN.iter().find(|row| row.0 == algorithm);
        let (_, from, to, step) = row.ok_or_else(unknown)?;
        let bits = self.bits().ok_or_else(|| {
            Failure::invalid_message("the Cryptographic Length is missing or negative")
        })?;
        if !(*from..=*to).contains(&bits) || (bits - from) % step != 0 {
            return Err(Failure::by_version(
                keybridge_kmip::enums::ResultReason::InvalidField,
                keybridge_kmip::enums::ResultReason::InvalidAttributeValue,
                format!("{algorithm} keys have {from} to {to} bits, in steps of {step}"),
            ));
        }
        Ok(KeySpec::Foreign {
            algorithm: algorithm.0,
            bits,
        })
    }

    /// The kind of a pair's half of an algorithm that no engine has; none where one does.
    #[must_use]
    pub fn of_foreign_pair(self) -> Option<KeySpec> {
        let algorithm = self.algorithm?;
        let known = matches!(
            algorithm,
            Algorithm::RSA
                | Algorithm::EC
                | Algorithm::ECDSA
                | Algorithm::ECDH
                | Algorithm::SM2
                | Algorithm::Ed25519
        );
        (!known).then_some(KeySpec::Foreign {
            algorithm: algorithm.0,
            bits: self.bits().unwrap_or(0),
        })
    }

    /// The kind of a share of a key, or of a PGP key, whose value is not the key's own.
    #[must_use]
    pub fn of_part(self) -> Option<KeySpec> {
        self.of_kept()
    }

    /// The kind of a key that is kept and never used.
    #[must_use]
    pub fn of_kept(self) -> Option<KeySpec> {
        Some(match self.algorithm {
            Some(algorithm) => KeySpec::Foreign {
                algorithm: algorithm.0,
                bits: self.bits().unwrap_or(0),
            },
            None => KeySpec::GenericSecret { bits: self.bits()? },
        })
    }

    fn bits(self) -> Option<u32> {
        self.length.and_then(|length| u32::try_from(length).ok())
    }

    fn spec(self, algorithm: Algorithm, value_bits: Option<u32>) -> Result<Option<KeySpec>> {
        let bits = || {
            value_bits.or(self.bits()).ok_or_else(|| {
                Failure::invalid_message("the Cryptographic Length is missing or negative")
            })
        };
        if let Some(hash) = hmac_hash(algorithm) {
            let default = u32::try_from(hash.length() * 8).unwrap_or(256);
            let bits = value_bits.or(self.bits()).unwrap_or(default);
            return Ok(Some(KeySpec::Hmac { hash, bits }));
        }
        Ok(Some(match algorithm {
            // Two keys of 256 bits for XTS; two of 128 cannot be told from one of 256.
            Algorithm::AES if bits()? == 512 => KeySpec::AesXts { bits: 512 },
            Algorithm::AES => KeySpec::Aes { bits: bits()? },
            Algorithm::DES3 => match self.triple_des(value_bits) {
                Some(bits) => KeySpec::Des3 { bits },
                None => return Ok(None),
            },
            Algorithm::ChaCha20 | Algorithm::ChaCha20Poly1305 => KeySpec::ChaCha20,
            Algorithm::SM4 => KeySpec::Sm4,
            Algorithm::RSA => KeySpec::Rsa { bits: bits()? },
            Algorithm::SM2 => KeySpec::Sm2,
            Algorithm::Ed25519 => KeySpec::Ed25519,
            Algorithm::EC | Algorithm::ECDSA | Algorithm::ECDH => self.curve_spec()?,
            _ => return Ok(None),
        }))
    }

    /// The size of a triple DES key, which is given without the parity bits, or with them, and told as it
    /// was given ("from 112 to 192 bits, depending upon key length and the presence of parity bits").
    fn triple_des(self, value_bits: Option<u32>) -> Option<u32> {
        match (value_bits, self.bits()) {
            (Some(192), None) => Some(168),
            (Some(128), None) => Some(112),
            (Some(192) | None, given @ Some(168 | 192)) => given,
            (Some(128) | None, given @ Some(112 | 128)) => given,
            _ => None,
        }
    }

    fn curve_spec(self) -> Result<KeySpec> {
        if let Some(number) = self.curve {
            let known = curve(number).map(NamedCurve::spec);
            return known
                .ok_or_else(|| Failure::invalid_field(format!("curve {number} is not supported")));
        }
        let curve = match self.bits() {
            Some(256) => Curve::P256,
            Some(384) => Curve::P384,
            Some(521) => Curve::P521,
            Some(bits) => {
                return Err(Failure::invalid_field(format!(
                    "there is no curve of {bits} bits here"
                )));
            }
            None => {
                return Err(Failure::invalid_message(
                    "neither a Recommended Curve nor a Cryptographic Length is given",
                ));
            }
        };
        Ok(KeySpec::Ec { curve })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(algorithm: Algorithm, length: i32) -> KindOfKey {
        KindOfKey {
            algorithm: Some(algorithm),
            length: Some(length),
            curve: None,
        }
    }

    #[test]
    fn kinds_survive_a_round_trip() {
        let specs = [
            (kind(Algorithm::AES, 256), false),
            (kind(Algorithm::SM4, 128), false),
            (kind(Algorithm::DES3, 168), false),
            (kind(Algorithm::DES3, 192), false),
            (kind(Algorithm::ChaCha20, 256), false),
            (kind(Algorithm::AES, 512), false),
            (kind(Algorithm::HMAC_SHA384, 384), false),
            (kind(Algorithm::RSA, 2048), true),
            (kind(Algorithm::ECDSA, 384), true),
            (kind(Algorithm::Ed25519, 256), true),
            (kind(Algorithm::SM2, 256), true),
        ];
        for (kind, pair) in specs {
            let spec = kind.to_create(pair).unwrap();
            assert_eq!(algorithm(spec, None), kind.algorithm);
            assert_eq!(i32::try_from(spec.bits()).ok(), kind.length);
            assert!(kind.to_create(!pair).is_err());
        }
    }

    #[test]
    fn what_no_engine_has_is_made_and_kept() {
        let skipjack = kind(Algorithm::SKIPJACK, 80);
        assert!(skipjack.to_create(false).is_ok());
        let kept = skipjack.of_symmetric(10).unwrap();
        assert_eq!(
            kept,
            KeySpec::Foreign {
                algorithm: Algorithm::SKIPJACK.0,
                bits: 80
            }
        );
        assert_eq!(algorithm(kept, None), Some(Algorithm::SKIPJACK));
        let two = kind(Algorithm::DES3, 112).of_symmetric(16);
        assert_eq!(two.ok(), Some(KeySpec::Des3 { bits: 112 }));
        let two = kind(Algorithm::DES3, 128).of_symmetric(16);
        assert_eq!(two.ok(), Some(KeySpec::Des3 { bits: 128 }));
        let one = kind(Algorithm::DES3, 56).of_symmetric(8);
        assert!(matches!(one, Ok(KeySpec::Foreign { .. })));
        assert!(kind(Algorithm::AES, 256).of_symmetric(16).is_err());
    }
}
