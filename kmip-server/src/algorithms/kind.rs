//! The kind of key that a client means by Cryptographic Algorithm, Cryptographic Length and Recommended Curve.

use keybridge_core::encoding::NamedCurve;
use keybridge_core::{Curve, KeySpec};
use keybridge_kmip::enums::{CryptographicAlgorithm as Algorithm, RecommendedCurve, ResultReason};

use super::{curve, hmac_hash};
use crate::failure::{Failure, Result};

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
                ResultReason::InvalidField,
                ResultReason::InvalidAttributeValue,
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
                ResultReason::InvalidField,
                ResultReason::InvalidAttributeValue,
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

#[cfg(test)]
mod tests {
    use super::super::algorithm;
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
