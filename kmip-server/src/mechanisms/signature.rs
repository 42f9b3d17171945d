//! The mechanisms of signatures and MACs.

use keybridge_core::{HashAlgorithm, KeySpec, Mechanism};
use keybridge_kmip::attributes::CryptographicParameters;
use keybridge_kmip::enums::{
    BlockCipherMode as Mode, DigitalSignatureAlgorithm as Signature, PaddingMethod as Padding,
};

use super::{BLOCK, bad_parameters, rsa_hash, unsupported};
use crate::algorithms::{hash, hmac_hash};
use crate::failure::Result;

/// SM2's user id when nobody gives one (GM/T 0009).
const SM2_USER_ID: &[u8] = b"1234567812345678";

/// The hash and scheme of a Digital Signature Algorithm.
fn of_signature_algorithm(number: Signature) -> Option<(Option<HashAlgorithm>, Option<Padding>)> {
    use HashAlgorithm as H;
    let pkcs1 = Some(Padding::PKCS1V1_5);
    Some(match number {
        Signature::SHA_1WithRSAEncryption => (Some(H::Sha1), pkcs1),
        Signature::SHA_224WithRSAEncryption => (Some(H::Sha224), pkcs1),
        Signature::SHA_256WithRSAEncryption => (Some(H::Sha256), pkcs1),
        Signature::SHA_384WithRSAEncryption => (Some(H::Sha384), pkcs1),
        Signature::SHA_512WithRSAEncryption => (Some(H::Sha512), pkcs1),
        Signature::SHA3_256WithRSAEncryption => (Some(H::Sha3_256), pkcs1),
        Signature::SHA3_384WithRSAEncryption => (Some(H::Sha3_384), pkcs1),
        Signature::SHA3_512WithRSAEncryption => (Some(H::Sha3_512), pkcs1),
        Signature::RSASSA_PSS => (None, Some(Padding::PSS)),
        Signature::ECDSAWithSHA_1 => (Some(H::Sha1), None),
        Signature::ECDSAWithSHA224 => (Some(H::Sha224), None),
        Signature::ECDSAWithSHA256 => (Some(H::Sha256), None),
        Signature::ECDSAWithSHA384 => (Some(H::Sha384), None),
        Signature::ECDSAWithSHA512 => (Some(H::Sha512), None),
        _ => return None,
    })
}

/// The mechanism of Sign or Signature Verify. `digested` tells that the request gives Digested
/// Data.
///
/// # Errors
/// For parameters that are missing or not supported.
pub fn signature(
    spec: Option<KeySpec>,
    parameters: &CryptographicParameters,
    digested: bool,
) -> Result<Mechanism> {
    let (mut chosen_hash, mut padding) = (None, parameters.padding_method);
    if let Some(number) = parameters.digital_signature_algorithm {
        let (of_hash, of_padding) = of_signature_algorithm(number)
            .ok_or_else(|| unsupported(format!("signature algorithm {number} is not supported")))?;
        chosen_hash = of_hash;
        padding = of_padding.or(padding);
    }
    if chosen_hash.is_none() {
        chosen_hash = parameters.hashing_algorithm.map(hash).transpose()?;
    }
    match spec {
        Some(KeySpec::Rsa { bits }) => {
            rsa_signature(parameters, bits, chosen_hash, padding, digested)
        }
        Some(KeySpec::Ec { curve }) => Ok(match (digested, chosen_hash) {
            (true, _) => Mechanism::Ecdsa,
            (false, Some(hash)) => Mechanism::EcdsaHash { hash },
            // The hash of the curve's strength (FIPS 186-5 section 6.1.1).
            (false, None) => Mechanism::EcdsaHash {
                hash: curve_hash(curve),
            },
        }),
        Some(KeySpec::Ed25519) if digested => {
            Err(unsupported("Ed25519 signs the data, not a digest of it"))
        }
        Some(KeySpec::Ed25519) => Ok(Mechanism::Eddsa),
        Some(KeySpec::Sm2) if digested => Ok(Mechanism::Sm2SignDigest),
        Some(KeySpec::Sm2) => Ok(Mechanism::Sm2Sign {
            user_id: SM2_USER_ID.to_vec(),
        }),
        _ => Err(unsupported("the object is no key that signs")),
    }
}

const fn curve_hash(curve: keybridge_core::Curve) -> HashAlgorithm {
    match curve {
        keybridge_core::Curve::P256 | keybridge_core::Curve::Secp256k1 => HashAlgorithm::Sha256,
        keybridge_core::Curve::P384 => HashAlgorithm::Sha384,
        keybridge_core::Curve::P521 => HashAlgorithm::Sha512,
    }
}

fn rsa_signature(
    parameters: &CryptographicParameters,
    bits: u32,
    chosen_hash: Option<HashAlgorithm>,
    padding: Option<Padding>,
    digested: bool,
) -> Result<Mechanism> {
    match padding {
        Some(Padding::PSS) => {
            let hash = rsa_hash(parameters, chosen_hash)?;
            let salt_length = match parameters.salt_length {
                Some(bytes) => usize::try_from(bytes)
                    .map_err(|_| bad_parameters("the Salt Length is negative"))?,
                None => longest_salt(bits, hash.hash),
            };
            Ok(Mechanism::RsaPss {
                hash,
                salt_length,
                digested,
            })
        }
        Some(Padding::PKCS1V1_5) | None => {
            let hash = chosen_hash.ok_or_else(|| {
                bad_parameters("neither the request nor the key says a Hashing Algorithm")
            })?;
            Ok(Mechanism::RsaPkcs1Hash { hash, digested })
        }
        Some(other) => Err(unsupported(format!(
            "padding {other} is not supported for signatures"
        ))),
    }
}

/// The longest salt that a PSS encoding of a key of `bits` bits holds (RFC 8017 section 9.1.1).
fn longest_salt(bits: u32, hash: HashAlgorithm) -> usize {
    let encoded = usize::try_from(bits.saturating_sub(1).div_ceil(8)).unwrap_or(0);
    encoded.saturating_sub(hash.length() + 2)
}

/// The mechanism of MAC or MAC Verify.
///
/// # Errors
/// For parameters that are missing or not supported.
pub fn mac(spec: Option<KeySpec>, parameters: &CryptographicParameters) -> Result<Mechanism> {
    if let Some(hash) = parameters.cryptographic_algorithm.and_then(hmac_hash) {
        return Ok(Mechanism::Hmac {
            hash,
            tag_length: hash.length(),
        });
    }
    match (spec, parameters.block_cipher_mode) {
        (Some(KeySpec::Hmac { hash, .. }), _) => Ok(Mechanism::Hmac {
            hash,
            tag_length: hash.length(),
        }),
        (Some(KeySpec::Aes { .. } | KeySpec::Sm4), Some(Mode::CMAC)) => {
            Ok(Mechanism::Cmac { tag_length: BLOCK })
        }
        (Some(KeySpec::GenericSecret { .. }), _) if parameters.hashing_algorithm.is_some() => {
            let hash = parameters
                .hashing_algorithm
                .map_or(Ok(HashAlgorithm::Sha256), hash)?;
            Ok(Mechanism::Hmac {
                hash,
                tag_length: hash.length(),
            })
        }
        _ => Err(bad_parameters(
            "neither the request nor the key says which MAC",
        )),
    }
}
