//! From a mechanism of the core to the mechanism of the token that does the HSM's part of it.

use std::borrow::Cow;
use std::os::raw::c_ulong;

use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams};
use cryptoki::mechanism::vendor_defined::VendorDefinedMechanism;
use cryptoki::mechanism::{Mechanism as TokenMechanism, MechanismInfo, MechanismType};
use cryptoki::types::Ulong;

use super::digest_info::digest_info;
use crate::algorithm::{HashAlgorithm, KeySpec};
use crate::engine::software::digest::Hasher;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose, RsaHash};

const AES_BLOCK: usize = 16;

/// A mechanism of the token with the standard's name of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) kind: MechanismType,
    pub(super) name: &'static str,
}

/// The mechanism that the token must have, and for what; none if the HSM engine does not do this at all.
pub(super) fn needed(spec: KeySpec, purpose: Purpose, mechanism: &Mechanism) -> Option<Named> {
    use MechanismType as T;
    use Purpose as P;
    let named = |kind, name| Some(Named { kind, name });
    match (spec, purpose, mechanism) {
        (KeySpec::Aes { .. }, P::Encrypt | P::Decrypt | P::Wrap | P::Unwrap, _) => {
            match mechanism {
                Mechanism::Ecb => named(T::AES_ECB, "CKM_AES_ECB"),
                Mechanism::Cbc { .. } => named(T::AES_CBC, "CKM_AES_CBC"),
                Mechanism::CbcPad { .. } => named(T::AES_CBC_PAD, "CKM_AES_CBC_PAD"),
                Mechanism::Ctr { .. } => named(T::AES_CTR, "CKM_AES_CTR"),
                Mechanism::Gcm { .. } => named(T::AES_GCM, "CKM_AES_GCM"),
                Mechanism::KeyWrap { .. } => named(T::AES_KEY_WRAP, "CKM_AES_KEY_WRAP"),
                Mechanism::KeyWrapPad => named(T::AES_KEY_WRAP_PAD, "CKM_AES_KEY_WRAP_PAD"),
                _ => None,
            }
        }
        (KeySpec::Aes { .. }, P::MacGenerate | P::MacVerify, Mechanism::Cmac { .. }) => {
            named(T::AES_CMAC, "CKM_AES_CMAC")
        }
        (KeySpec::Aes { .. }, P::Derive, Mechanism::EncryptData { .. }) => {
            named(T::AES_CBC_ENCRYPT_DATA, "CKM_AES_CBC_ENCRYPT_DATA")
        }
        (KeySpec::Hmac { hash: of_key, .. }, _, Mechanism::Hmac { hash, .. })
            if of_key != *hash =>
        {
            None
        }
        (
            KeySpec::Hmac { .. } | KeySpec::GenericSecret { .. },
            P::MacGenerate | P::MacVerify,
            Mechanism::Hmac { hash, .. },
        ) => hmac(*hash),
        (KeySpec::Rsa { .. }, _, _) => rsa(purpose, mechanism),
        (KeySpec::Ec { .. }, P::Sign, Mechanism::Ecdsa | Mechanism::EcdsaHash { .. }) => {
            named(T::ECDSA, "CKM_ECDSA")
        }
        (KeySpec::Ed25519, P::Sign, Mechanism::Eddsa) => named(T::EDDSA, "CKM_EDDSA"),
        (KeySpec::Ec { .. } | KeySpec::X25519, P::Derive, Mechanism::Ecdh { .. }) => {
            named(T::ECDH1_DERIVE, "CKM_ECDH1_DERIVE")
        }
        _ => None,
    }
}

fn rsa(purpose: Purpose, mechanism: &Mechanism) -> Option<Named> {
    use MechanismType as T;
    use Purpose as P;
    let (kind, name) = match (purpose, mechanism) {
        (P::Sign | P::SignRecover | P::Decrypt | P::Unwrap, Mechanism::RsaPkcs1)
        | (P::Sign, Mechanism::RsaPkcs1Hash { .. }) => (T::RSA_PKCS, "CKM_RSA_PKCS"),
        (P::Sign, Mechanism::RsaPss { .. }) => (T::RSA_PKCS_PSS, "CKM_RSA_PKCS_PSS"),
        (P::Decrypt | P::Unwrap, Mechanism::RsaOaep { .. }) => {
            (T::RSA_PKCS_OAEP, "CKM_RSA_PKCS_OAEP")
        }
        (P::Sign | P::SignRecover | P::Decrypt, Mechanism::RsaRaw) => {
            (T::RSA_X_509, "CKM_RSA_X_509")
        }
        _ => return None,
    };
    Some(Named { kind, name })
}

fn hmac(hash: HashAlgorithm) -> Option<Named> {
    use MechanismType as T;
    let (kind, name) = match hash {
        HashAlgorithm::Sha1 => (T::SHA1_HMAC, "CKM_SHA_1_HMAC"),
        HashAlgorithm::Sha224 => (T::SHA224_HMAC, "CKM_SHA224_HMAC"),
        HashAlgorithm::Sha256 => (T::SHA256_HMAC, "CKM_SHA256_HMAC"),
        HashAlgorithm::Sha384 => (T::SHA384_HMAC, "CKM_SHA384_HMAC"),
        HashAlgorithm::Sha512 => (T::SHA512_HMAC, "CKM_SHA512_HMAC"),
        _ => return None,
    };
    Some(Named { kind, name })
}

/// Whether the token says that it does this purpose with a mechanism.
pub(super) fn serves(info: &MechanismInfo, purpose: Purpose) -> bool {
    match purpose {
        Purpose::Encrypt => info.encrypt(),
        Purpose::Decrypt => info.decrypt(),
        // With recovery the token makes the same signature.
        Purpose::Sign | Purpose::SignRecover | Purpose::MacGenerate | Purpose::MacVerify => {
            info.sign()
        }
        Purpose::Verify | Purpose::VerifyRecover => info.verify(),
        Purpose::Wrap => info.wrap(),
        Purpose::Unwrap => info.unwrap(),
        Purpose::Derive => info.derive(),
        // Not asked of HSMs yet.
        Purpose::Encapsulate | Purpose::Decapsulate => false,
    }
}

/// Bytes that the operation writes at most.
pub(super) fn output_length(
    spec: KeySpec,
    purpose: Purpose,
    mechanism: &Mechanism,
    input: usize,
) -> usize {
    match (mechanism, purpose) {
        (Mechanism::CbcPad { .. }, Purpose::Encrypt) => {
            (input / AES_BLOCK + 1).saturating_mul(AES_BLOCK)
        }
        (Mechanism::Gcm { tag_length, .. }, Purpose::Encrypt) => input.saturating_add(*tag_length),
        (Mechanism::Gcm { tag_length, .. }, _) => input.saturating_sub(*tag_length),
        (Mechanism::Cmac { tag_length } | Mechanism::Hmac { tag_length, .. }, _) => *tag_length,
        _ => match spec {
            KeySpec::Rsa { bits } => bits as usize / 8,
            KeySpec::Ec { curve } => 2 * curve.field_length(),
            KeySpec::Ed25519 => 64,
            _ => input,
        },
    }
}

/// Checks what we can before the HSM is asked: lengths and parameters.
pub(super) fn check(
    spec: KeySpec,
    purpose: Purpose,
    mechanism: &Mechanism,
    input: usize,
) -> Result<()> {
    let bad_length = |words: String| Err(Error::DataLength(words));
    let bad_parameter = |words: &str| Err(Error::MechanismParameter(words.to_owned()));
    let whole_blocks = || {
        if input.is_multiple_of(AES_BLOCK) {
            Ok(())
        } else {
            bad_length(format!("{input} bytes are not whole blocks of {AES_BLOCK}"))
        }
    };
    match mechanism {
        Mechanism::Ecb | Mechanism::Cbc { .. } => whole_blocks(),
        Mechanism::CbcPad { .. } if purpose == Purpose::Decrypt => {
            if input == 0 || !input.is_multiple_of(AES_BLOCK) {
                return bad_length(format!("{input} bytes are no padded ciphertext"));
            }
            Ok(())
        }
        Mechanism::Ctr {
            counter_block,
            counter_bits,
        } => check_counter(counter_block, *counter_bits, input),
        Mechanism::Gcm { iv, tag_length, .. } => {
            // A module that gets no IV invents one and has no way to tell us, or crashes (SoftHSM2).
            if iv.is_empty() || iv.len() > 256 {
                return bad_parameter(
                    "GCM in an HSM needs an initialization vector of 1 to 256 bytes",
                );
            }
            if !matches!(tag_length, 4 | 8 | 12..=16) {
                return bad_parameter("a GCM tag has 4, 8 or 12 to 16 bytes");
            }
            if purpose == Purpose::Decrypt && input < *tag_length {
                return bad_length(format!("{input} bytes are shorter than the tag"));
            }
            Ok(())
        }
        Mechanism::Cmac { tag_length } if !(1..=AES_BLOCK).contains(tag_length) => {
            bad_parameter("a CMAC has 1 to 16 bytes")
        }
        Mechanism::Hmac { hash, tag_length } if !(1..=hash.length()).contains(tag_length) => {
            bad_parameter("an HMAC has 1 byte to the length of its hash")
        }
        Mechanism::KeyWrap { iv: Some(iv) } if *iv != [0xa6; 8] => {
            bad_parameter("AES key wrap in an HSM has the default initial value only")
        }
        Mechanism::RsaPkcs1Hash { hash, digested }
        | Mechanism::RsaPss {
            hash: RsaHash { hash, .. },
            digested,
            ..
        } if *digested && input != hash.length() => bad_length(format!(
            "a {} digest has {} bytes",
            hash.name(),
            hash.length()
        )),
        _ => check_rsa(spec, purpose, mechanism, input),
    }
}

fn check_rsa(spec: KeySpec, purpose: Purpose, mechanism: &Mechanism, input: usize) -> Result<()> {
    let KeySpec::Rsa { bits } = spec else {
        return Ok(());
    };
    let modulus = bits as usize / 8;
    let fits = match (purpose, mechanism) {
        // RFC 8017 section 9.2: eleven bytes of padding at least.
        (Purpose::Sign | Purpose::SignRecover, Mechanism::RsaPkcs1) => input <= modulus - 11,
        (Purpose::Sign | Purpose::SignRecover | Purpose::Decrypt, Mechanism::RsaRaw) => {
            input <= modulus
        }
        (Purpose::Decrypt | Purpose::Unwrap, _) => input == modulus,
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(Error::DataLength(format!(
            "{input} bytes do not fit an RSA key of {modulus} bytes"
        )))
    }
}

/// A counter that runs past its bits would start again with the same key stream.
fn check_counter(block: &[u8; 16], bits: u32, input: usize) -> Result<()> {
    if !(1..=128).contains(&bits) {
        return Err(Error::MechanismParameter(
            "a counter has 1 to 128 bits".to_owned(),
        ));
    }
    let mask = u128::MAX >> (128 - bits);
    let start = u128::from_be_bytes(*block) & mask;
    let blocks = input.div_ceil(AES_BLOCK) as u128;
    if blocks > 0 && blocks - 1 > mask - start {
        return Err(Error::DataLength(format!(
            "{input} bytes run past a counter of {bits} bits"
        )));
    }
    Ok(())
}

/// What the token gets for an input in one part: hashed, framed or padded on our side where that is our part.
pub(super) fn prepare<'a>(spec: KeySpec, mechanism: &Mechanism, input: &'a [u8]) -> Cow<'a, [u8]> {
    match stream_hash(mechanism) {
        Some(hash) => {
            let digest = Hasher::digest(hash, input);
            Cow::Owned(frame(spec, mechanism, digest.as_ref()).into_owned())
        }
        None => frame(spec, mechanism, input),
    }
}

/// The hash that a stream can run through instead of keeping its input.
pub(super) fn stream_hash(mechanism: &Mechanism) -> Option<HashAlgorithm> {
    match mechanism {
        Mechanism::RsaPkcs1Hash {
            digested: false,
            hash,
        }
        | Mechanism::RsaPss {
            digested: false,
            hash: RsaHash { hash, .. },
            ..
        }
        | Mechanism::EcdsaHash { hash } => Some(*hash),
        _ => None,
    }
}

/// What the token gets for a digest, or for an input that is not hashed.
pub(super) fn frame<'a>(spec: KeySpec, mechanism: &Mechanism, input: &'a [u8]) -> Cow<'a, [u8]> {
    match (mechanism, spec) {
        (Mechanism::RsaPkcs1Hash { hash, .. }, _) => Cow::Owned(digest_info(*hash, input)),
        (Mechanism::Ecdsa | Mechanism::EcdsaHash { .. }, KeySpec::Ec { curve }) => {
            // FIPS 186-5 section 6.4.1: the leftmost bits, as many as the group's order has.
            Cow::Borrowed(&input[..input.len().min(curve.field_length())])
        }
        (Mechanism::RsaRaw, KeySpec::Rsa { bits }) => {
            let mut padded = vec![0; (bits as usize / 8).saturating_sub(input.len())];
            padded.extend_from_slice(input);
            Cow::Owned(padded)
        }
        _ => Cow::Borrowed(input),
    }
}

/// `CK_AES_CTR_PARAMS` (PKCS#11 2.40 mechanisms, section 2.10.2).
#[repr(C)]
pub(super) struct CounterParameters {
    counter_bits: c_ulong,
    counter_block: [u8; 16],
}

/// Parameters that the token's mechanism points to.
pub(super) struct Parameters {
    iv: Vec<u8>,
    counter: CounterParameters,
}

impl Parameters {
    pub(super) fn of(mechanism: &Mechanism) -> Self {
        let iv = match mechanism {
            Mechanism::Gcm { iv, .. } => iv.clone(),
            _ => Vec::new(),
        };
        let (counter_bits, counter_block) = match mechanism {
            Mechanism::Ctr {
                counter_block,
                counter_bits,
            } => (*counter_bits, *counter_block),
            _ => (0, [0; 16]),
        };
        Self {
            iv,
            counter: CounterParameters {
                counter_bits: counter_bits.into(),
                counter_block,
            },
        }
    }

    /// The mechanism for the token.
    pub(super) fn mechanism<'a>(
        &'a mut self,
        mechanism: &'a Mechanism,
        purpose: Purpose,
    ) -> Result<TokenMechanism<'a>> {
        Ok(match mechanism {
            Mechanism::Ecb => TokenMechanism::AesEcb,
            Mechanism::Cbc { iv } => TokenMechanism::AesCbc(*iv),
            Mechanism::CbcPad { iv } => TokenMechanism::AesCbcPad(*iv),
            // The binding has no variant of its own for this one; the number is the standard's.
            Mechanism::Ctr { .. } => TokenMechanism::VendorDefined(VendorDefinedMechanism::new(
                MechanismType::AES_CTR,
                Some(&self.counter),
            )),
            Mechanism::Gcm {
                aad, tag_length, ..
            } => {
                let bits = Ulong::new(8 * *tag_length as c_ulong);
                let parameters = GcmParams::new(&mut self.iv, aad, bits)
                    .map_err(|_| Error::MechanismParameter("GCM lengths".to_owned()))?;
                TokenMechanism::AesGcm(parameters)
            }
            Mechanism::KeyWrap { .. } => TokenMechanism::AesKeyWrap,
            Mechanism::KeyWrapPad => TokenMechanism::AesKeyWrapPad,
            Mechanism::Cmac { .. } => TokenMechanism::AesCMac,
            Mechanism::Hmac { hash, .. } => match hash {
                HashAlgorithm::Sha1 => TokenMechanism::Sha1Hmac,
                HashAlgorithm::Sha224 => TokenMechanism::Sha224Hmac,
                HashAlgorithm::Sha256 => TokenMechanism::Sha256Hmac,
                HashAlgorithm::Sha384 => TokenMechanism::Sha384Hmac,
                HashAlgorithm::Sha512 => TokenMechanism::Sha512Hmac,
                _ => return crate::engine::unsupported(purpose, mechanism),
            },
            Mechanism::RsaPkcs1 | Mechanism::RsaPkcs1Hash { .. } => TokenMechanism::RsaPkcs,
            Mechanism::RsaPss {
                hash, salt_length, ..
            } => TokenMechanism::RsaPkcsPss(PkcsPssParams {
                hash_alg: hash_mechanism(hash.hash)?,
                mgf: mask_generation(hash.mgf1)?,
                s_len: Ulong::new(*salt_length as c_ulong),
            }),
            Mechanism::RsaOaep { hash, label } => {
                let source = if label.is_empty() {
                    PkcsOaepSource::empty()
                } else {
                    PkcsOaepSource::data_specified(label)
                };
                TokenMechanism::RsaPkcsOaep(PkcsOaepParams::new(
                    hash_mechanism(hash.hash)?,
                    mask_generation(hash.mgf1)?,
                    source,
                ))
            }
            Mechanism::RsaRaw => TokenMechanism::RsaX509,
            Mechanism::Ecdsa | Mechanism::EcdsaHash { .. } => TokenMechanism::Ecdsa,
            Mechanism::Eddsa => TokenMechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)),
            _ => return crate::engine::unsupported(purpose, mechanism),
        })
    }
}

fn hash_mechanism(hash: HashAlgorithm) -> Result<MechanismType> {
    Ok(match hash {
        HashAlgorithm::Sha1 => MechanismType::SHA1,
        HashAlgorithm::Sha224 => MechanismType::SHA224,
        HashAlgorithm::Sha256 => MechanismType::SHA256,
        HashAlgorithm::Sha384 => MechanismType::SHA384,
        HashAlgorithm::Sha512 => MechanismType::SHA512,
        other => return no_hash(other),
    })
}

fn mask_generation(hash: HashAlgorithm) -> Result<PkcsMgfType> {
    Ok(match hash {
        HashAlgorithm::Sha1 => PkcsMgfType::MGF1_SHA1,
        HashAlgorithm::Sha224 => PkcsMgfType::MGF1_SHA224,
        HashAlgorithm::Sha256 => PkcsMgfType::MGF1_SHA256,
        HashAlgorithm::Sha384 => PkcsMgfType::MGF1_SHA384,
        HashAlgorithm::Sha512 => PkcsMgfType::MGF1_SHA512,
        other => return no_hash(other),
    })
}

fn no_hash<T>(hash: HashAlgorithm) -> Result<T> {
    Err(Error::MechanismParameter(format!(
        "{} is not used with RSA in an HSM",
        hash.name()
    )))
}
