//! From an application's mechanism to the core's.

use std::ops::RangeInclusive;

use cryptoki_sys::*;
use keybridge_core::mechanism::{Hedge, PreHash, RsaHash};
use keybridge_core::{HashAlgorithm, KeySpec, Mechanism, Purpose};

use super::derivation::{derivation, key_derivation};
use super::parameters::{MechanismCall, Parameters};
use super::registry::{self, Family, Keys, Row};
use crate::rv::{Result, Rv};

/// Length of a CMAC and of a block, in bytes.
const BLOCK: usize = 16;

/// Tag length of GCM when an application leaves it at 0, in bytes (PKCS#11 3.2 has no default; the
/// full tag is what such programs mean).
const FULL_TAG: usize = 16;

/// Longest initialization vector of GCM, in bytes: it is copied, and nobody has a longer one (PKCS#11 3.2 6.13.7
/// allows 2^32 - 1).
const MAX_IV: usize = 65536;

/// Lengths of CCM's nonces, in bytes (PKCS#11 3.2 6.13.7, CK_CCM_PARAMS).
const CCM_NONCES: RangeInclusive<usize> = 7..=13;

/// Lengths of TLS verify data, in bytes: RFC 5246 section 7.4.9 has 12 or more, and nobody more than a digest.
const VERIFY_DATA: RangeInclusive<usize> = 12..=64;

/// Longest context of EdDSA (RFC 8032 section 5.1) and of ML-DSA (FIPS 204 algorithm 2), in bytes.
const MAX_CONTEXT: usize = 255;

/// User id of SM2 signatures when none is given (GB/T 32918.5, and every implementation).
const SM2_USER_ID: &[u8] = b"1234567812345678";

/// The row of a mechanism that may be used for `flag` (`CKF_ENCRYPT`, …).
///
/// # Errors
/// `CKR_MECHANISM_INVALID`.
pub(crate) fn row_for(call: &MechanismCall<'_>, flag: CK_FLAGS) -> Result<&'static Row> {
    registry::find(call.kind)
        .filter(|row| row.flags & flag != 0)
        .ok_or(Rv::MECHANISM_INVALID)
}

/// What a signing mechanism asks of the core: MACs and signatures are one to PKCS#11 and two to
/// KMIP.
pub(crate) fn signing_purpose(row: &Row, verify: bool) -> Purpose {
    match (row.family, verify) {
        (family, false) if is_mac(family) => Purpose::MacGenerate,
        (family, true) if is_mac(family) => Purpose::MacVerify,
        (_, false) => Purpose::Sign,
        (_, true) => Purpose::Verify,
    }
}

const fn is_mac(family: Family) -> bool {
    matches!(
        family,
        Family::Hmac(_) | Family::Cmac(_) | Family::Gmac | Family::Xcbc(_) | Family::TlsMac
    )
}

/// Whether a mechanism takes keys of this kind.
///
/// # Errors
/// `CKR_KEY_TYPE_INCONSISTENT`.
pub(crate) fn check_key(row: &Row, spec: Option<KeySpec>) -> Result<()> {
    let fits = match (row.keys, spec) {
        (Keys::Aes, Some(KeySpec::Aes { .. }))
        | (Keys::AesXts, Some(KeySpec::AesXts { .. }))
        | (Keys::Des3, Some(KeySpec::Des3 { .. }))
        | (Keys::ChaCha20, Some(KeySpec::ChaCha20))
        | (Keys::Sm4, Some(KeySpec::Sm4))
        | (Keys::Rsa, Some(KeySpec::Rsa { .. }))
        | (Keys::Ec | Keys::Agreement, Some(KeySpec::Ec { .. }))
        | (Keys::Edwards, Some(KeySpec::Ed25519))
        | (Keys::Agreement | Keys::Montgomery, Some(KeySpec::X25519))
        | (Keys::Sm2, Some(KeySpec::Sm2))
        | (Keys::Hmac, Some(KeySpec::GenericSecret { .. })) => true,
        (Keys::Hmac, Some(KeySpec::Hmac { hash, .. })) => row.family == Family::Hmac(hash),
        (Keys::Secret, Some(spec)) => !spec.is_asymmetric(),
        (Keys::MlKem, Some(KeySpec::Lattice { set })) => set.is_kem(),
        (Keys::MlDsa, Some(KeySpec::Lattice { set })) => !set.is_kem(),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(Rv::KEY_TYPE_INCONSISTENT)
    }
}

/// The core's mechanism. `spec` is the key's kind, which ECDH needs to read the other party's
/// point.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub(crate) fn to_core(
    row: &Row,
    call: &MechanismCall<'_>,
    spec: Option<KeySpec>,
) -> Result<Mechanism> {
    use Family as F;
    match (row.family, call.parameters.clone()) {
        (F::Ecb, _) => Ok(Mechanism::Ecb),
        (F::Cbc, Parameters::Bytes(iv)) => Ok(Mechanism::Cbc { iv: block(iv)? }),
        (F::CbcPad, Parameters::Bytes(iv)) => Ok(Mechanism::CbcPad { iv: block(iv)? }),
        (F::Ctr, Parameters::Counter { bits, block }) => counter(bits, block),
        (F::Cts, Parameters::Bytes(iv)) => Ok(Mechanism::Cts { iv: block(iv)? }),
        (F::Ofb, Parameters::Bytes(iv)) => Ok(Mechanism::Ofb { iv: block(iv)? }),
        (F::Cfb(bits), Parameters::Bytes(iv)) => Ok(Mechanism::Cfb {
            iv: block(iv)?,
            bits,
        }),
        (F::Xts, Parameters::Bytes(unit)) => Ok(Mechanism::Xts { unit: block(unit)? }),
        (F::ChaCha20, Parameters::ChaCha20 { counter, nonce }) => chacha20(counter, nonce),
        (F::ChaCha20Poly1305, Parameters::ChaCha20Poly1305 { nonce, aad }) => {
            Ok(Mechanism::ChaCha20Poly1305 {
                nonce: nonce.to_vec(),
                aad: aad.to_vec(),
                tag_length: FULL_TAG,
            })
        }
        (F::Gcm, Parameters::Gcm { iv, aad, tag_bits }) => gcm(iv, aad, tag_bits),
        // The data is what is authenticated; the parameter has a place for it and must leave it empty.
        (
            F::Gmac,
            Parameters::Gcm {
                iv,
                aad: [],
                tag_bits,
            },
        ) => Ok(Mechanism::Gmac {
            iv: checked_iv(iv)?,
            tag_length: tag_length(tag_bits)?,
        }),
        (
            F::Ccm,
            Parameters::Ccm {
                data_len,
                nonce,
                aad,
                mac_len,
            },
        ) => ccm(data_len, nonce, aad, mac_len),
        (F::KeyWrap, parameters) => Ok(Mechanism::KeyWrap {
            iv: key_wrap_iv(parameters)?,
        }),
        (F::KeyWrapPkcs7, parameters) => Ok(Mechanism::KeyWrapPkcs7 {
            iv: key_wrap_iv(parameters)?,
        }),
        // RFC 5649 fixes the alternative initial value; another is not ours to invent.
        (F::KeyWrapPad, Parameters::None) => Ok(Mechanism::KeyWrapPad),
        (F::KeyWrapPad, Parameters::Bytes([0xa6, 0x59, 0x59, 0xa6])) => Ok(Mechanism::KeyWrapPad),
        (F::Cmac(full), parameters) => {
            mac_length(parameters, full).map(|tag_length| Mechanism::Cmac { tag_length })
        }
        (F::Xcbc(tag_length), _) => Ok(Mechanism::XcbcMac { tag_length }),
        (F::Hmac(hash), parameters) => mac_length(parameters, hash.length())
            .map(|tag_length| Mechanism::Hmac { hash, tag_length }),
        (F::RsaPkcs, _) => Ok(Mechanism::RsaPkcs1),
        (F::RsaPkcsHash(hash), _) => Ok(Mechanism::RsaPkcs1Hash {
            hash,
            digested: false,
        }),
        (
            F::RsaPss,
            Parameters::Pss {
                hash,
                mgf,
                salt_len,
            },
        ) => pss(None, hash, mgf, salt_len, true),
        (
            F::RsaPssHash(own),
            Parameters::Pss {
                hash,
                mgf,
                salt_len,
            },
        ) => pss(Some(own), hash, mgf, salt_len, false),
        (
            F::RsaOaep,
            Parameters::Oaep {
                hash,
                mgf,
                source,
                label,
            },
        ) => oaep(hash, mgf, source, label),
        (F::RsaRaw, _) => Ok(Mechanism::RsaRaw),
        (F::Ecdsa, _) => Ok(Mechanism::Ecdsa),
        (F::EcdsaHash(hash), _) => Ok(Mechanism::EcdsaHash { hash }),
        (
            F::Eddsa,
            Parameters::None
            // Ed25519ctx without a context is what programs mean by Ed25519 that always give a parameter.
            | Parameters::EdDsa {
                prehash: false,
                context: [],
            },
        ) => Ok(Mechanism::Eddsa),
        (F::Eddsa, Parameters::EdDsa { prehash, context }) if context.len() <= MAX_CONTEXT => {
            Ok(Mechanism::EddsaContext {
                prehash,
                context: context.to_vec(),
            })
        }
        (F::MlDsa | F::HashMlDsa | F::HashMlDsaWith(_), parameters) => {
            ml_dsa(row.family, parameters)
        }
        (F::MlKem, _) => Ok(Mechanism::MlKem),
        (F::Sm2Digest, _) => Ok(Mechanism::Sm2SignDigest),
        (F::Sm2Sm3, Parameters::Bytes(id)) => Ok(Mechanism::Sm2Sign {
            user_id: id.to_vec(),
        }),
        (F::Sm2Sm3, _) => Ok(Mechanism::Sm2Sign {
            user_id: SM2_USER_ID.to_vec(),
        }),
        (F::Sm2Encrypt, _) => Ok(Mechanism::Sm2Encrypt),
        (
            F::RsaAesKeyWrap,
            Parameters::RsaAesKeyWrap {
                bits,
                hash,
                mgf,
                source,
                label,
            },
        ) => match oaep(hash, mgf, source, label)? {
            Mechanism::RsaOaep { hash, label } => Ok(Mechanism::RsaAesKeyWrap {
                hash,
                label,
                bits: aes_bits(bits)?,
            }),
            _ => Err(Rv::MECHANISM_PARAM_INVALID),
        },
        (F::EcdhAesKeyWrap, Parameters::EcdhAesKeyWrap { bits, kdf, shared }) => {
            Ok(Mechanism::EcdhAesKeyWrap {
                derivation: key_derivation(kdf, shared)?,
                bits: aes_bits(bits)?,
            })
        }
        (F::TlsMac, Parameters::TlsMac { hash, length, side }) => Ok(Mechanism::TlsMac {
            hash: hash_of_digest(hash)?,
            server: match side {
                1 => true,
                2 => false,
                _ => return Err(Rv::MECHANISM_PARAM_INVALID),
            },
            tag_length: Some(size(length)?)
                .filter(|length| VERIFY_DATA.contains(length))
                .ok_or(Rv::MECHANISM_PARAM_INVALID)?,
        }),
        (family, parameters) => derivation(family, parameters, spec),
    }
}

/// The core's mechanism for encapsulation, of which ECDH has parameters: "pPublicData and ulPublicDataLen must be set to
/// NULL and 0".
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub(crate) fn to_core_for_encapsulation(
    row: &Row,
    call: &MechanismCall<'_>,
    spec: Option<KeySpec>,
) -> Result<Mechanism> {
    match (row.family, &call.parameters) {
        (
            Family::Ecdh,
            Parameters::Ecdh1 {
                kdf,
                shared,
                public: [],
            },
        ) => Ok(Mechanism::Ecdh {
            peer: Vec::new(),
            derivation: key_derivation(*kdf, shared)?,
        }),
        (Family::Ecdh, _) => Err(Rv::MECHANISM_PARAM_INVALID),
        _ => to_core(row, call, spec),
    }
}

fn ml_dsa(family: Family, parameters: Parameters<'_>) -> Result<Mechanism> {
    let (hedge, context, hash) = match parameters {
        Parameters::None => (CKH_HEDGE_PREFERRED, &[][..], None),
        Parameters::Signing {
            hedge,
            context,
            hash,
        } => (hedge, context, hash),
        _ => return Err(Rv::MECHANISM_PARAM_INVALID),
    };
    let prehash = match (family, hash) {
        (Family::MlDsa, None) => None,
        (Family::HashMlDsaWith(prehash), None) => Some(prehash),
        (Family::HashMlDsa, Some(hash)) => Some(PreHash::Hash(hash_of_ml_dsa(hash)?)),
        _ => return Err(Rv::MECHANISM_PARAM_INVALID),
    };
    let hedge = match hedge {
        CKH_HEDGE_PREFERRED | CKH_HEDGE_REQUIRED => Hedge::Hedged,
        CKH_DETERMINISTIC_REQUIRED => Hedge::Deterministic,
        _ => return Err(Rv::MECHANISM_PARAM_INVALID),
    };
    if context.len() > MAX_CONTEXT {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    Ok(Mechanism::MlDsa {
        context: context.to_vec(),
        prehash,
        digested: family == Family::HashMlDsa,
        hedge,
    })
}

/// The hashes of the mechanisms `CKM_HASH_ML_DSA_…`: FIPS 204 section 5.4 wants what is as strong as the signature.
fn hash_of_ml_dsa(kind: CK_MECHANISM_TYPE) -> Result<HashAlgorithm> {
    match hash_of_digest(kind)? {
        HashAlgorithm::Sha1 | HashAlgorithm::Sm3 => Err(Rv::MECHANISM_PARAM_INVALID),
        hash => Ok(hash),
    }
}

/// Sizes of the temporary AES key.
fn aes_bits(bits: CK_ULONG) -> Result<u32> {
    match bits {
        128 => Ok(128),
        192 => Ok(192),
        256 => Ok(256),
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
}

pub(super) fn size(value: CK_ULONG) -> Result<usize> {
    usize::try_from(value).map_err(|_| Rv::MECHANISM_PARAM_INVALID)
}

/// The core's initialization vectors have 16 bytes, of which a cipher of smaller blocks uses the first. The
/// length has been checked against the registry.
fn block(iv: &[u8]) -> Result<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    let room = block.get_mut(..iv.len());
    room.ok_or(Rv::MECHANISM_PARAM_INVALID)?.copy_from_slice(iv);
    Ok(block)
}

fn chacha20(counter: &[u8], nonce: &[u8]) -> Result<Mechanism> {
    // The counter's length goes with the nonce's ("Nonce and block counter lengths").
    let expected = match nonce.len() {
        12 => 4,
        8 | 24 => 8,
        _ => return Err(Rv::MECHANISM_PARAM_INVALID),
    };
    // A short counter for the original is what programs pass that start at 0 or 1.
    if counter.len() != expected && counter.len() != 4 {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    let mut number = [0; 8];
    number[..counter.len()].copy_from_slice(counter);
    Ok(Mechanism::ChaCha20 {
        nonce: nonce.to_vec(),
        counter: u64::from_le_bytes(number),
    })
}

fn counter(bits: CK_ULONG, counter_block: [u8; BLOCK]) -> Result<Mechanism> {
    match u32::try_from(bits) {
        Ok(counter_bits @ 1..=128) => Ok(Mechanism::Ctr {
            counter_block,
            counter_bits,
        }),
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
}

fn ccm(data_len: CK_ULONG, nonce: &[u8], aad: &[u8], mac_len: CK_ULONG) -> Result<Mechanism> {
    let nonce_fits = CCM_NONCES.contains(&nonce.len());
    // "where L is the size in bytes of the data length's length": 15 bytes are for it and the nonce.
    let length_bits = 8 * 15_usize.saturating_sub(nonce.len());
    let data_fits = length_bits >= 64 || data_len >> length_bits == 0;
    if !nonce_fits || !data_fits || !matches!(mac_len, 4 | 6 | 8 | 10 | 12 | 14 | 16) {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    Ok(Mechanism::Ccm {
        nonce: nonce.to_vec(),
        aad: aad.to_vec(),
        tag_length: size(mac_len)?,
        data_length: Some(size(data_len)?),
    })
}

fn gcm(iv: &[u8], aad: &[u8], tag_bits: CK_ULONG) -> Result<Mechanism> {
    Ok(Mechanism::Gcm {
        iv: checked_iv(iv)?,
        aad: aad.to_vec(),
        tag_length: tag_length(tag_bits)?,
    })
}

/// An empty IV would make the core choose one, which the application could never learn: refused.
fn checked_iv(iv: &[u8]) -> Result<Vec<u8>> {
    if iv.is_empty() || iv.len() > MAX_IV {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    Ok(iv.to_vec())
}

/// Tag lengths are those of SP 800-38D, section 5.2.1.2.
fn tag_length(bits: CK_ULONG) -> Result<usize> {
    match bits {
        0 => Ok(FULL_TAG),
        32 | 64 | 96 | 104 | 112 | 120 | 128 => size(bits / 8),
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
}

fn key_wrap_iv(parameters: Parameters<'_>) -> Result<Option<[u8; 8]>> {
    match parameters {
        Parameters::None => Ok(None),
        Parameters::Bytes(iv) => {
            let iv = iv.try_into().map_err(|_| Rv::MECHANISM_PARAM_INVALID)?;
            Ok(Some(iv))
        }
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
}

fn mac_length(parameters: Parameters<'_>, full: usize) -> Result<usize> {
    match parameters {
        Parameters::None => Ok(full),
        Parameters::MacLength(length) => {
            let length = size(length)?;
            let fits = (1..=full).contains(&length);
            if fits {
                Ok(length)
            } else {
                Err(Rv::MECHANISM_PARAM_INVALID)
            }
        }
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
}

fn pss(
    own: Option<HashAlgorithm>,
    hash: CK_MECHANISM_TYPE,
    mgf: CK_RSA_PKCS_MGF_TYPE,
    salt_len: CK_ULONG,
    digested: bool,
) -> Result<Mechanism> {
    let hash = hash_of_digest(hash)?;
    if own.is_some_and(|own| own != hash) {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    let hash = RsaHash {
        hash,
        mgf1: hash_of_mgf(mgf)?,
    };
    Ok(Mechanism::RsaPss {
        hash,
        salt_length: size(salt_len)?,
        digested,
    })
}

fn oaep(
    hash: CK_MECHANISM_TYPE,
    mgf: CK_RSA_PKCS_MGF_TYPE,
    source: CK_RSA_PKCS_OAEP_SOURCE_TYPE,
    label: &[u8],
) -> Result<Mechanism> {
    // Source 0 is what programs pass that have no label.
    if source != CKZ_DATA_SPECIFIED && !(source == 0 && label.is_empty()) {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    let hash = RsaHash {
        hash: hash_of_digest(hash)?,
        mgf1: hash_of_mgf(mgf)?,
    };
    Ok(Mechanism::RsaOaep {
        hash,
        label: label.to_vec(),
    })
}

/// The hash that a digest mechanism names in a parameter.
pub(crate) fn hash_of_digest(kind: CK_MECHANISM_TYPE) -> Result<HashAlgorithm> {
    match registry::find(kind).map(|row| row.family) {
        Some(Family::Digest(hash)) => Ok(hash),
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
}

fn hash_of_mgf(mgf: CK_RSA_PKCS_MGF_TYPE) -> Result<HashAlgorithm> {
    match mgf {
        CKG_MGF1_SHA1 => Ok(HashAlgorithm::Sha1),
        CKG_MGF1_SHA224 => Ok(HashAlgorithm::Sha224),
        CKG_MGF1_SHA256 => Ok(HashAlgorithm::Sha256),
        CKG_MGF1_SHA384 => Ok(HashAlgorithm::Sha384),
        CKG_MGF1_SHA512 => Ok(HashAlgorithm::Sha512),
        CKG_MGF1_SHA3_224 => Ok(HashAlgorithm::Sha3_224),
        CKG_MGF1_SHA3_256 => Ok(HashAlgorithm::Sha3_256),
        CKG_MGF1_SHA3_384 => Ok(HashAlgorithm::Sha3_384),
        CKG_MGF1_SHA3_512 => Ok(HashAlgorithm::Sha3_512),
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
}
