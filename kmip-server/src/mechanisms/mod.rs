//! Cryptographic Parameters to the core's mechanisms.
//!
//! Where the standard's defaults and its own profile test cases disagree, or the standard has none,
//! this is what the bridge does: PSS and OAEP without a mask generator hash use the Hashing
//! Algorithm in it (the test cases; the text says SHA-1); PSS without a salt length uses the
//! longest salt the key has room for (the test cases, PyKMIP); OAEP without a hash uses SHA-1 (RFC
//! 8017's default); GCM without a tag length makes 16 bytes; a MAC is never cut.

use keybridge_core::mechanism::RsaHash;
use keybridge_core::{HashAlgorithm, KeySpec, Mechanism};
use keybridge_kmip::attributes::CryptographicParameters;
use keybridge_kmip::enums::{
    BlockCipherMode as Mode, MaskGenerator, PaddingMethod as Padding, ResultReason as R,
};

use crate::algorithms::hash;
use crate::failure::{Failure, Result};

mod padding;
mod signature;
#[cfg(test)]
mod tests;

pub use padding::{pad, unpad};
pub use signature::{mac, signature};

/// Bytes of an AES or SM4 block.
const BLOCK: usize = 16;
/// Bytes of a triple DES block.
const SMALL_BLOCK: usize = 8;
/// Bytes of a ChaCha20 nonce that the server makes (RFC 8439).
const CHACHA20_NONCE: usize = 12;
/// Bytes of a GCM initialization vector that the server makes (SP 800-38D section 8.2.2).
const GCM_IV: usize = 12;
/// Bytes of a CCM nonce that the server makes: leaves three bytes for the length, 16 MiB.
const CCM_NONCE: usize = 12;
/// Bytes of an authentication tag when nothing is said.
const TAG: usize = 16;

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
    /// The door pads to, and unpads from, blocks of so many bytes: ECB with PKCS#5 padding, which is no mechanism
    /// of its own.
    pub pads: Option<usize>,
}

/// The mechanism of Encrypt or Decrypt with a key of `spec`. With `makes_iv`, an initialization
/// vector that is missing is made when the parameters ask for it.
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
        Some(KeySpec::ChaCha20) => chacha20(parameters, inputs, makes_iv),
        Some(KeySpec::Des3 { .. }) => block_cipher(SMALL_BLOCK, parameters, inputs, makes_iv),
        _ => block_cipher(BLOCK, parameters, inputs, makes_iv),
    }
}

fn plain(mechanism: Mechanism) -> Cipher {
    Cipher {
        mechanism,
        made_iv: None,
        tag_length: None,
        pads: None,
    }
}

/// ChaCha20, or ChaCha20-Poly1305 when the mode is AEAD (OASIS's test cases).
fn chacha20(
    parameters: &CryptographicParameters,
    inputs: Inputs<'_>,
    makes_iv: bool,
) -> Result<Cipher> {
    let (nonce, made_iv) = initialization_vector(parameters, inputs.iv, makes_iv, CHACHA20_NONCE)?;
    match parameters.block_cipher_mode {
        Some(Mode::AEAD) => {
            let tag_length = tag_length(parameters)?;
            Ok(Cipher {
                made_iv,
                tag_length: Some(tag_length),
                ..plain(Mechanism::ChaCha20Poly1305 {
                    nonce,
                    aad: inputs.additional_data.unwrap_or_default().to_vec(),
                    tag_length,
                })
            })
        }
        None => {
            let counter = parameters.initial_counter_value.unwrap_or(0);
            let counter = u64::try_from(counter);
            Ok(Cipher {
                made_iv,
                ..plain(Mechanism::ChaCha20 {
                    nonce,
                    counter: counter.map_err(|_| bad_parameters("the counter is negative"))?,
                })
            })
        }
        Some(other) => Err(unsupported(format!("{other} is no mode of ChaCha20"))),
    }
}

fn block_cipher(
    block_length: usize,
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
            pads: Some(block_length),
            ..plain(Mechanism::Ecb)
        }),
        (Mode::CBC, Padding::None | Padding::PKCS5) => {
            let (bytes, made_iv) = made(block_length)?;
            let iv = block(&bytes, block_length)?;
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
        (Mode::OFB | Mode::CFB | Mode::XTS, Padding::None) => {
            let (bytes, made_iv) = made(BLOCK)?;
            let iv = block(&bytes, BLOCK)?;
            let mechanism = match mode {
                Mode::OFB => Mechanism::Ofb { iv },
                Mode::CFB => Mechanism::Cfb { iv, bits: 128 },
                _ => Mechanism::Xts { unit: iv },
            };
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

/// An initialization vector of a whole block; the core's have 16 bytes, of which a cipher of smaller blocks uses
/// the first.
fn block(iv: &[u8], length: usize) -> Result<[u8; BLOCK]> {
    if iv.len() != length {
        return Err(bad_parameters(format!(
            "the IV/Counter/Nonce has {length} bytes here"
        )));
    }
    let mut block = [0; BLOCK];
    block[..length].copy_from_slice(iv);
    Ok(block)
}

/// Counter mode: a whole counter block, or a nonce that the Initial Counter Value completes (RFC
/// 3686).
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
        // The standard's own cases ask for this reason.
        Some(_) => Err(Failure::new(
            R::GeneralFailure,
            "the Tag Length is 4 to 16 bytes",
        )),
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

/// Whether parameters ask for key wrap, or for nothing in particular.
#[must_use]
pub fn is_key_wrap(parameters: &CryptographicParameters) -> bool {
    matches!(
        parameters.block_cipher_mode,
        None | Some(Mode::NISTKeyWrap | Mode::AESKeyWrapPadding)
    )
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
