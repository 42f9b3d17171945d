//! Cryptographic Parameters to the core's mechanisms.
//!
//! Where the standard's defaults and its own profile test cases disagree, or the standard has none, this is
//! what the bridge does: PSS and OAEP without a mask generator hash use the Hashing Algorithm in it (the test
//! cases; the text says SHA-1); PSS without a salt length uses the longest salt the key has room for (the test
//! cases, PyKMIP); OAEP without a hash uses SHA-1 (RFC 8017's default); GCM without a tag length makes 16 bytes;
//! a MAC is never cut.

use keybridge_core::mechanism::RsaHash;
use keybridge_core::{HashAlgorithm, KeySpec, Mechanism};
use keybridge_kmip::attributes::CryptographicParameters;
use keybridge_kmip::enums::{
    BlockCipherMode as Mode, DigitalSignatureAlgorithm as Signature, MaskGenerator,
    PaddingMethod as Padding, ResultReason as R,
};

use crate::algorithms::{hash, hmac_hash};
use crate::failure::{Failure, Result};

/// Bytes of an AES or SM4 block.
const BLOCK: usize = 16;
/// Bytes of a GCM initialization vector that the server makes (SP 800-38D section 8.2.2).
const GCM_IV: usize = 12;
/// Bytes of a CCM nonce that the server makes: leaves three bytes for the length, 16 MiB.
const CCM_NONCE: usize = 12;
/// Bytes of an authentication tag when nothing is said.
const TAG: usize = 16;
/// SM2's user id when nobody gives one (GM/T 0009).
const SM2_USER_ID: &[u8] = b"1234567812345678";

fn bad_parameters(message: impl Into<String>) -> Failure {
    Failure::by_version(R::InvalidField, R::BadCryptographicParameters, message)
}

fn unsupported(message: impl Into<String>) -> Failure {
    Failure::by_version(
        R::InvalidField,
        R::UnsupportedCryptographicParameters,
        message,
    )
}

/// What a request gives beside its Cryptographic Parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inputs<'a> {
    /// IV/Counter/Nonce.
    pub iv: Option<&'a [u8]>,
    /// Authenticated Encryption Additional Data.
    pub additional_data: Option<&'a [u8]>,
}

/// How to encrypt, and what the answer must say about it.
#[derive(Debug)]
pub struct Cipher {
    /// For the core.
    pub mechanism: Mechanism,
    /// The initialization vector, when the server made it.
    pub made_iv: Option<Vec<u8>>,
    /// Bytes of the tag at the end of what the core writes.
    pub tag_length: Option<usize>,
    /// The door pads and unpads: ECB with PKCS#5 padding, which is no mechanism of its own.
    pub pads: bool,
}

/// The mechanism of Encrypt or Decrypt with a key of `spec`. With `makes_iv`, an initialization vector that
/// is missing is made when the parameters ask for it.
///
/// # Errors
/// For parameters that are missing, contradictory or not supported.
pub fn cipher(
    spec: Option<KeySpec>,
    parameters: &CryptographicParameters,
    inputs: Inputs<'_>,
    makes_iv: bool,
) -> Result<Cipher> {
    match spec {
        Some(KeySpec::Rsa { .. }) => rsa_cipher(parameters),
        Some(KeySpec::Sm2) => Ok(plain(Mechanism::Sm2Encrypt)),
        _ => block_cipher(parameters, inputs, makes_iv),
    }
}

fn plain(mechanism: Mechanism) -> Cipher {
    Cipher {
        mechanism,
        made_iv: None,
        tag_length: None,
        pads: false,
    }
}

fn block_cipher(
    parameters: &CryptographicParameters,
    inputs: Inputs<'_>,
    makes_iv: bool,
) -> Result<Cipher> {
    let mode = parameters.block_cipher_mode.ok_or_else(|| {
        bad_parameters("neither the request nor the key says a Block Cipher Mode")
    })?;
    let padding = parameters.padding_method.unwrap_or(Padding::None);
    let made = |length: usize| initialization_vector(parameters, inputs.iv, makes_iv, length);
    let additional = || inputs.additional_data.unwrap_or_default().to_vec();
    match (mode, padding) {
        (Mode::ECB, Padding::None) => Ok(plain(Mechanism::Ecb)),
        (Mode::ECB, Padding::PKCS5) => Ok(Cipher {
            pads: true,
            ..plain(Mechanism::Ecb)
        }),
        (Mode::CBC, Padding::None | Padding::PKCS5) => {
            let (bytes, made_iv) = made(BLOCK)?;
            let iv = block(&bytes)?;
            let mechanism = if padding == Padding::PKCS5 {
                Mechanism::CbcPad { iv }
            } else {
                Mechanism::Cbc { iv }
            };
            Ok(Cipher {
                made_iv,
                ..plain(mechanism)
            })
        }
        (Mode::CTR, Padding::None) => {
            let (bytes, made_iv) = made(BLOCK)?;
            let mechanism = counter(parameters, &bytes)?;
            Ok(Cipher {
                made_iv,
                ..plain(mechanism)
            })
        }
        (Mode::GCM | Mode::AEAD, Padding::None) => {
            let (iv, made_iv) = made(GCM_IV)?;
            let tag_length = tag_length(parameters)?;
            let mechanism = Mechanism::Gcm {
                iv,
                aad: additional(),
                tag_length,
            };
            Ok(Cipher {
                made_iv,
                tag_length: Some(tag_length),
                ..plain(mechanism)
            })
        }
        (Mode::CCM, Padding::None) => {
            let (nonce, made_iv) = made(CCM_NONCE)?;
            let tag_length = tag_length(parameters)?;
            let mechanism = Mechanism::Ccm {
                nonce,
                aad: additional(),
                tag_length,
                data_length: None,
            };
            Ok(Cipher {
                made_iv,
                tag_length: Some(tag_length),
                ..plain(mechanism)
            })
        }
        (mode, padding) => Err(unsupported(format!(
            "{mode} with padding {padding} is not supported"
        ))),
    }
}

/// The initialization vector given, or a new one.
fn initialization_vector(
    parameters: &CryptographicParameters,
    given: Option<&[u8]>,
    makes_iv: bool,
    length: usize,
) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    if let Some(iv) = given.filter(|iv| !iv.is_empty()) {
        return Ok((iv.to_vec(), None));
    }
    if !makes_iv || parameters.random_iv != Some(true) {
        return Err(Failure::by_version(
            R::InvalidMessage,
            R::InvalidMessage,
            "the IV/Counter/Nonce is missing, and Random IV is not asked for",
        ));
    }
    let length = match parameters.iv_length {
        Some(bits @ 8..=2048) if bits % 8 == 0 => usize::try_from(bits / 8).unwrap_or(length),
        Some(_) => {
            return Err(bad_parameters(
                "the IV Length is 8 to 2048 bits, whole bytes",
            ));
        }
        None => length,
    };
    let mut iv = vec![0; length];
    aws_lc_rs::rand::fill(&mut iv)
        .map_err(|_| keybridge_core::Error::Internal("the random generator failed".into()))?;
    Ok((iv.clone(), Some(iv)))
}

fn block(iv: &[u8]) -> Result<[u8; BLOCK]> {
    iv.try_into()
        .map_err(|_| bad_parameters(format!("the IV/Counter/Nonce has {BLOCK} bytes here")))
}

/// Counter mode: a whole counter block, or a nonce that the Initial Counter Value completes (RFC 3686).
fn counter(parameters: &CryptographicParameters, nonce: &[u8]) -> Result<Mechanism> {
    if nonce.len() > BLOCK {
        return Err(bad_parameters(format!(
            "a counter block has at most {BLOCK} bytes"
        )));
    }
    let mut counter_block = [0; BLOCK];
    let missing = BLOCK - nonce.len();
    counter_block[..nonce.len()].copy_from_slice(nonce);
    if missing > 0 {
        let start = parameters.initial_counter_value.unwrap_or(0);
        let start = u128::try_from(start).map_err(|_| bad_parameters("the counter is negative"))?;
        let bytes = start.to_be_bytes();
        let fits = bytes[..nonce.len()].iter().all(|byte| *byte == 0);
        if !fits {
            return Err(bad_parameters(
                "the Initial Counter Value is too large for the nonce",
            ));
        }
        counter_block[nonce.len()..].copy_from_slice(&bytes[nonce.len()..]);
    }
    let counter_bits = match parameters.counter_length {
        Some(bits @ 1..=128) => bits.unsigned_abs(),
        Some(_) => return Err(bad_parameters("the Counter Length is 1 to 128 bits")),
        None if missing > 0 => u32::try_from(missing * 8).unwrap_or(128),
        None => 128,
    };
    Ok(Mechanism::Ctr {
        counter_block,
        counter_bits,
    })
}

fn tag_length(parameters: &CryptographicParameters) -> Result<usize> {
    match parameters.tag_length {
        None => Ok(TAG),
        Some(bytes @ 4..=16) => Ok(usize::try_from(bytes).unwrap_or(TAG)),
        Some(_) => Err(bad_parameters("the Tag Length is 4 to 16 bytes")),
    }
}

fn rsa_cipher(parameters: &CryptographicParameters) -> Result<Cipher> {
    let mechanism = match parameters.padding_method {
        Some(Padding::OAEP) => {
            let label = parameters.p_source.clone().unwrap_or_default();
            Mechanism::RsaOaep {
                hash: rsa_hash(parameters, Some(HashAlgorithm::Sha1))?,
                label,
            }
        }
        Some(Padding::PKCS1V1_5) => Mechanism::RsaPkcs1,
        Some(Padding::None) => Mechanism::RsaRaw,
        Some(other) => {
            return Err(unsupported(format!(
                "padding {other} is not supported for RSA"
            )));
        }
        None => {
            return Err(bad_parameters(
                "neither the request nor the key says a Padding Method",
            ));
        }
    };
    Ok(plain(mechanism))
}

/// The two hashes of OAEP and PSS.
fn rsa_hash(
    parameters: &CryptographicParameters,
    default: Option<HashAlgorithm>,
) -> Result<RsaHash> {
    if parameters
        .mask_generator
        .is_some_and(|generator| generator != MaskGenerator::MGF1)
    {
        return Err(unsupported("the mask generator is MGF1"));
    }
    let main = match parameters.hashing_algorithm {
        Some(number) => hash(number)?,
        None => default.ok_or_else(|| {
            bad_parameters("neither the request nor the key says a Hashing Algorithm")
        })?,
    };
    let mgf1 = parameters
        .mask_generator_hashing_algorithm
        .map_or(Ok(main), hash)?;
    Ok(RsaHash { hash: main, mgf1 })
}

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

/// The mechanism of Sign or Signature Verify. `digested` tells that the request gives Digested Data.
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

/// The mechanism that wraps keys.
///
/// # Errors
/// For modes that are not supported.
pub fn key_wrap(parameters: Option<&CryptographicParameters>) -> Result<Mechanism> {
    match parameters.and_then(|parameters| parameters.block_cipher_mode) {
        None | Some(Mode::NISTKeyWrap) => Ok(Mechanism::KeyWrap { iv: None }),
        Some(Mode::AESKeyWrapPadding) => Ok(Mechanism::KeyWrapPad),
        Some(other) => Err(unsupported(format!("{other} is no key wrapping mode here"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybridge_core::Curve;
    use keybridge_kmip::enums::HashingAlgorithm;

    const AES: Option<KeySpec> = Some(KeySpec::Aes { bits: 256 });
    const RSA: Option<KeySpec> = Some(KeySpec::Rsa { bits: 2048 });

    fn mode(mode: Mode) -> CryptographicParameters {
        CryptographicParameters {
            block_cipher_mode: Some(mode),
            ..Default::default()
        }
    }

    #[test]
    fn a_random_iv_is_made_when_asked_for_only() {
        let none = Inputs::default();
        let asked = CryptographicParameters {
            random_iv: Some(true),
            ..mode(Mode::GCM)
        };
        let made = cipher(AES, &asked, none, true).unwrap();
        assert_eq!(made.made_iv.unwrap().len(), GCM_IV);
        assert!(cipher(AES, &asked, none, false).is_err());
        assert!(cipher(AES, &mode(Mode::GCM), none, true).is_err());
        let given = Inputs {
            iv: Some(&[1; 16]),
            ..none
        };
        let used = cipher(
            AES,
            &CryptographicParameters {
                random_iv: Some(true),
                ..mode(Mode::CBC)
            },
            given,
            true,
        );
        let used = used.unwrap();
        assert_eq!(used.mechanism, Mechanism::Cbc { iv: [1; 16] });
        assert_eq!(used.made_iv, None);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let given = Inputs {
            iv: Some(&[1; 15]),
            ..Inputs::default()
        };
        assert!(cipher(AES, &mode(Mode::CBC), given, true).is_err());
        for length in [-1, 0, 3, 17] {
            let parameters = CryptographicParameters {
                tag_length: Some(length),
                ..mode(Mode::GCM)
            };
            assert!(cipher(AES, &parameters, given, true).is_err());
        }
        assert!(cipher(AES, &mode(Mode::XTS), given, true).is_err());
        assert!(cipher(AES, &CryptographicParameters::default(), given, true).is_err());
        assert!(cipher(RSA, &CryptographicParameters::default(), given, true).is_err());
    }

    #[test]
    fn counters_are_whole_blocks_or_completed() {
        let parameters = CryptographicParameters {
            initial_counter_value: Some(1),
            ..mode(Mode::CTR)
        };
        let inputs = Inputs {
            iv: Some(&[7; 12]),
            ..Inputs::default()
        };
        let made = cipher(AES, &parameters, inputs, false).unwrap();
        let mut counter_block = [7; 16];
        counter_block[12..].copy_from_slice(&[0, 0, 0, 1]);
        assert_eq!(
            made.mechanism,
            Mechanism::Ctr {
                counter_block,
                counter_bits: 32
            }
        );
    }

    #[test]
    fn signatures_by_either_name() {
        let by_name = CryptographicParameters {
            digital_signature_algorithm: Some(Signature::SHA_256WithRSAEncryption),
            ..Default::default()
        };
        let by_parts = CryptographicParameters {
            padding_method: Some(Padding::PKCS1V1_5),
            hashing_algorithm: Some(HashingAlgorithm::SHA_256),
            ..Default::default()
        };
        let one = signature(RSA, &by_name, false).unwrap();
        assert_eq!(one, signature(RSA, &by_parts, false).unwrap());
        let pss = CryptographicParameters {
            padding_method: Some(Padding::PSS),
            ..by_parts
        };
        let Mechanism::RsaPss { salt_length, .. } = signature(RSA, &pss, false).unwrap() else {
            panic!("not PSS");
        };
        assert_eq!(salt_length, 222);
        let ec = Some(KeySpec::Ec { curve: Curve::P384 });
        let made = signature(ec, &CryptographicParameters::default(), false).unwrap();
        assert_eq!(
            made,
            Mechanism::EcdsaHash {
                hash: HashAlgorithm::Sha384
            }
        );
    }
}
