//! The parameters of derivations, as the core's mechanisms.

use cryptoki_sys::*;
use keybridge_core::encoding::{EcPublicKey, NamedCurve};
use keybridge_core::mechanism::{KdfField, KdfMode, KdfPrf, KeyDerivation, TlsSecret};
use keybridge_core::{HashAlgorithm, KeySpec, Mechanism, SecretBytes};

use super::convert::{hash_of_digest, size};
use super::parameters::{NumberForm, Parameters, PrfField};
use super::registry::{self, Family, KdfLoop};
use crate::rv::{Result, Rv};

pub(super) fn derivation(
    family: Family,
    parameters: Parameters<'_>,
    spec: Option<KeySpec>,
) -> Result<Mechanism> {
    match (family, parameters) {
        (
            Family::Ecdh,
            Parameters::Ecdh1 {
                kdf,
                shared,
                public,
            },
        ) => {
            let curve = spec
                .and_then(NamedCurve::of_spec)
                .ok_or(Rv::KEY_TYPE_INCONSISTENT)?;
            let peer = EcPublicKey::from_ec_point(curve, public);
            Ok(Mechanism::Ecdh {
                peer: peer
                    .map_err(|_| Rv::MECHANISM_PARAM_INVALID)?
                    .point()
                    .to_vec(),
                derivation: key_derivation(kdf, shared)?,
            })
        }
        (Family::EcbEncryptData, Parameters::Bytes(data)) => Ok(Mechanism::EncryptData {
            iv: None,
            data: SecretBytes::from(data),
        }),
        (Family::CbcEncryptData, Parameters::CbcEncryptData { iv, data }) => {
            Ok(Mechanism::EncryptData {
                iv: Some(iv),
                data: SecretBytes::from(data),
            })
        }
        (
            Family::Hkdf | Family::HkdfData,
            Parameters::Hkdf {
                extract,
                expand,
                prf,
                salt_type,
                salt,
                info,
                salt_key: _,
            },
        ) => {
            let salt = match salt_type {
                // The value of a salt that is a key is the core's to put in.
                CKF_HKDF_SALT_NULL | CKF_HKDF_SALT_KEY => &[],
                CKF_HKDF_SALT_DATA => salt,
                _ => return Err(Rv::MECHANISM_PARAM_INVALID),
            };
            let hash = hash_of_digest(prf)?;
            Ok(Mechanism::Hkdf {
                hash,
                salt: SecretBytes::from(salt),
                info: info.to_vec(),
                extract,
                expand,
            })
        }
        // The other key's value is the core's to put in.
        (Family::ConcatenateKey, Parameters::Handle(_)) => Ok(Mechanism::Concatenate {
            data: SecretBytes::default(),
            before: false,
        }),
        (Family::ConcatenateData | Family::ConcatenateBefore, Parameters::Bytes(data)) => {
            Ok(Mechanism::Concatenate {
                data: SecretBytes::from(data),
                before: family == Family::ConcatenateBefore,
            })
        }
        (Family::Xor, Parameters::Bytes(data)) => Ok(Mechanism::Xor {
            data: SecretBytes::from(data),
        }),
        (Family::Extract, Parameters::Number(first_bit)) => Ok(Mechanism::Extract {
            first_bit: size(first_bit)?,
        }),
        (Family::HashKey(hash), _) => Ok(Mechanism::HashKey { hash }),
        (Family::ShakeKey(bits), _) => Ok(Mechanism::ShakeKey { bits }),
        (Family::Sp800108(kdf_loop), Parameters::Sp800108 { prf, fields, iv }) => {
            sp800_108(kdf_loop, prf, &fields, iv, spec)
        }
        (
            Family::TlsMaster | Family::TlsExtendedMaster | Family::TlsKdf,
            Parameters::Tls {
                hash,
                label,
                client,
                server,
                context,
            },
        ) => {
            let (secret, label) = match family {
                Family::TlsMaster => (TlsSecret::Master, b"master secret".as_slice()),
                Family::TlsExtendedMaster => (
                    TlsSecret::ExtendedMaster,
                    b"extended master secret".as_slice(),
                ),
                _ => (TlsSecret::Exported, label),
            };
            Ok(Mechanism::TlsPrf {
                hash: hash_of_digest(hash)?,
                secret,
                label: label.to_vec(),
                seed: [client, server, context].concat(),
            })
        }
        (
            Family::TlsKeys(vectors),
            Parameters::TlsKeys {
                hash,
                export: false,
                client,
                server,
                ..
            },
        ) => Ok(Mechanism::TlsPrf {
            hash: hash_of_digest(hash)?,
            secret: if vectors {
                TlsSecret::KeyBlock
            } else {
                TlsSecret::SafeKeyBlock
            },
            label: b"key expansion".to_vec(),
            // The other way round than for the master secret (RFC 5246 section 6.3).
            seed: [server, client].concat(),
        }),
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
}

fn sp800_108(
    kdf_loop: KdfLoop,
    prf: CK_MECHANISM_TYPE,
    fields: &[PrfField<'_>],
    iv: &[u8],
    spec: Option<KeySpec>,
) -> Result<Mechanism> {
    let prf = match registry::find(prf).map(|row| row.family) {
        Some(Family::Hmac(hash)) => KdfPrf::Hmac(hash),
        Some(Family::Cmac(16)) => KdfPrf::Cmac,
        _ => return Err(Rv::MECHANISM_PARAM_INVALID),
    };
    // "for an AES-CMAC PRF the base key must be of type CKK_AES"
    if prf == KdfPrf::Cmac && !matches!(spec, Some(KeySpec::Aes { .. })) {
        return Err(Rv::KEY_TYPE_INCONSISTENT);
    }
    let mode = match kdf_loop {
        KdfLoop::Counter => KdfMode::Counter,
        KdfLoop::Feedback => KdfMode::Feedback { iv: iv.to_vec() },
        KdfLoop::DoublePipeline => KdfMode::DoublePipeline,
    };
    let width = |form: NumberForm| {
        u32::try_from(form.bits)
            .ok()
            .filter(|bits| bits.is_multiple_of(8) && (8..=64).contains(bits))
            .ok_or(Rv::MECHANISM_PARAM_INVALID)
    };
    let fields = fields.iter().map(|field| {
        Ok(match (*field, kdf_loop) {
            (PrfField::Iteration(Some(form)), KdfLoop::Counter) => KdfField::Iteration {
                bits: width(form)?,
                little_endian: form.little_endian,
            },
            (PrfField::Iteration(None), KdfLoop::Feedback | KdfLoop::DoublePipeline) => {
                KdfField::Iteration {
                    bits: 8,
                    little_endian: false,
                }
            }
            (PrfField::Counter(form), KdfLoop::Feedback | KdfLoop::DoublePipeline) => {
                KdfField::Counter {
                    bits: width(form)?,
                    little_endian: form.little_endian,
                }
            }
            (PrfField::Length(method, form), _) => KdfField::Length {
                bits: width(form)?,
                little_endian: form.little_endian,
                of_segments: match method {
                    CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS => false,
                    CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS => true,
                    _ => return Err(Rv::MECHANISM_PARAM_INVALID),
                },
            },
            (PrfField::Bytes(bytes), _) => KdfField::Bytes(bytes.to_vec()),
            (PrfField::Key(_), _) => KdfField::Key(None),
            _ => return Err(Rv::MECHANISM_PARAM_INVALID),
        })
    });
    Ok(Mechanism::Sp800108 {
        mode,
        prf,
        fields: fields.collect::<Result<_>>()?,
        keys: Vec::new(),
    })
}

/// The handles of further keys that go into a derivation, in their order.
pub(crate) fn other_keys(parameters: &Parameters<'_>) -> Vec<CK_OBJECT_HANDLE> {
    match parameters {
        Parameters::Handle(handle) => vec![*handle],
        Parameters::Hkdf {
            salt_type: CKF_HKDF_SALT_KEY,
            salt_key,
            ..
        } => vec![*salt_key],
        Parameters::Sp800108 { fields, .. } => {
            let keys = fields.iter().filter_map(|field| match field {
                PrfField::Key(handle) => Some(*handle),
                _ => None,
            });
            keys.collect()
        }
        _ => Vec::new(),
    }
}

/// The hash of a PBKDF2 pseudo-random function.
pub(crate) fn hash_of_pbkdf2(prf: CK_ULONG) -> Result<HashAlgorithm> {
    match prf {
        CKP_PKCS5_PBKD2_HMAC_SHA1 => Ok(HashAlgorithm::Sha1),
        CKP_PKCS5_PBKD2_HMAC_SHA224 => Ok(HashAlgorithm::Sha224),
        CKP_PKCS5_PBKD2_HMAC_SHA256 => Ok(HashAlgorithm::Sha256),
        CKP_PKCS5_PBKD2_HMAC_SHA384 => Ok(HashAlgorithm::Sha384),
        CKP_PKCS5_PBKD2_HMAC_SHA512 => Ok(HashAlgorithm::Sha512),
        CKP_PKCS5_PBKD2_HMAC_SHA512_224 => Ok(HashAlgorithm::Sha512_224),
        CKP_PKCS5_PBKD2_HMAC_SHA512_256 => Ok(HashAlgorithm::Sha512_256),
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
}

pub(super) fn key_derivation(kdf: CK_EC_KDF_TYPE, shared: &[u8]) -> Result<KeyDerivation> {
    let one_step = match kdf {
        CKD_SHA1_KDF_SP800 => Some(HashAlgorithm::Sha1),
        CKD_SHA224_KDF_SP800 => Some(HashAlgorithm::Sha224),
        CKD_SHA256_KDF_SP800 => Some(HashAlgorithm::Sha256),
        CKD_SHA384_KDF_SP800 => Some(HashAlgorithm::Sha384),
        CKD_SHA512_KDF_SP800 => Some(HashAlgorithm::Sha512),
        CKD_SHA3_224_KDF_SP800 => Some(HashAlgorithm::Sha3_224),
        CKD_SHA3_256_KDF_SP800 => Some(HashAlgorithm::Sha3_256),
        CKD_SHA3_384_KDF_SP800 => Some(HashAlgorithm::Sha3_384),
        CKD_SHA3_512_KDF_SP800 => Some(HashAlgorithm::Sha3_512),
        _ => None,
    };
    if let Some(hash) = one_step {
        return Ok(KeyDerivation::OneStep {
            hash,
            fixed_info: shared.to_vec(),
        });
    }
    let hash = match kdf {
        CKD_NULL if shared.is_empty() => return Ok(KeyDerivation::None),
        CKD_SHA1_KDF => HashAlgorithm::Sha1,
        CKD_SHA224_KDF => HashAlgorithm::Sha224,
        CKD_SHA256_KDF => HashAlgorithm::Sha256,
        CKD_SHA384_KDF => HashAlgorithm::Sha384,
        CKD_SHA512_KDF => HashAlgorithm::Sha512,
        CKD_SHA3_224_KDF => HashAlgorithm::Sha3_224,
        CKD_SHA3_256_KDF => HashAlgorithm::Sha3_256,
        CKD_SHA3_384_KDF => HashAlgorithm::Sha3_384,
        CKD_SHA3_512_KDF => HashAlgorithm::Sha3_512,
        _ => return Err(Rv::MECHANISM_PARAM_INVALID),
    };
    Ok(KeyDerivation::X963 {
        hash,
        shared_info: shared.to_vec(),
    })
}
