//! The table against the core: every row can be converted, the core's engine has it for every function that its
//! flags promise, and its number is the one by which `CKA_ALLOWED_MECHANISMS` permits it.

use cryptoki_sys::*;
use keybridge_core::engine::Engine;
use keybridge_core::engine::software::SoftwareEngine;
use keybridge_core::{Curve, KeySpec, Purpose};

use super::convert::{signing_purpose, to_core};
use super::parameters::{MOST_FIELDS, NumberForm, PrfField};
use super::registry::{Family, KdfLoop, Keys, MECHANISMS, Row};
use super::{MechanismCall, ParameterShape, Parameters};

/// X25519's base point: a public key that every check lets pass.
const POINT: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 9;
    point
};

fn hash_number(row: &Row) -> CK_MECHANISM_TYPE {
    match row.family {
        Family::RsaPssHash(hash) => {
            let digest = |other: &&Row| other.family == Family::Digest(hash);
            MECHANISMS.iter().find(digest).unwrap().kind
        }
        _ => CKM_SHA256,
    }
}

fn sample(row: &Row) -> Parameters<'static> {
    use ParameterShape as S;
    match row.shape {
        S::None | S::EdDsa | S::OptionalIv(_) | S::OptionalBytes => Parameters::None,
        S::Iv(length) => Parameters::Bytes(&[5; 16][..length]),
        S::Counter => Parameters::Counter {
            bits: 32,
            block: [0; 16],
        },
        S::Gcm => Parameters::Gcm {
            iv: &[1; 12],
            aad: &[],
            tag_bits: 128,
        },
        S::Ccm => Parameters::Ccm {
            data_len: 16,
            nonce: &[1; 12],
            aad: &[],
            mac_len: 16,
        },
        S::ChaCha20 => Parameters::ChaCha20 {
            counter: &[0; 4],
            nonce: &[1; 12],
        },
        S::ChaCha20Poly1305 => Parameters::ChaCha20Poly1305 {
            nonce: &[1; 12],
            aad: &[],
        },
        S::MacLength => Parameters::MacLength(8),
        S::Pss => Parameters::Pss {
            hash: hash_number(row),
            mgf: CKG_MGF1_SHA256,
            salt_len: 20,
        },
        S::Oaep => Parameters::Oaep {
            hash: CKM_SHA256,
            mgf: CKG_MGF1_SHA256,
            source: CKZ_DATA_SPECIFIED,
            label: &[],
        },
        S::Ecdh1 => Parameters::Ecdh1 {
            kdf: CKD_SHA256_KDF,
            shared: &[],
            public: &POINT,
        },
        S::Hkdf => Parameters::Hkdf {
            extract: true,
            expand: true,
            prf: CKM_SHA256,
            salt_type: CKF_HKDF_SALT_NULL,
            salt: &[],
            salt_key: CK_INVALID_HANDLE,
            info: &[],
        },
        S::CbcEncryptData => Parameters::CbcEncryptData {
            iv: [0; 16],
            data: &[1; 16],
        },
        S::StringData => Parameters::Bytes(&[1; 16]),
        S::Handle => Parameters::Handle(7),
        S::Number => Parameters::Number(3),
        S::RsaAesKeyWrap => Parameters::RsaAesKeyWrap {
            bits: 256,
            hash: CKM_SHA256,
            mgf: CKG_MGF1_SHA256,
            source: CKZ_DATA_SPECIFIED,
            label: &[],
        },
        S::EcdhAesKeyWrap => Parameters::EcdhAesKeyWrap {
            bits: 256,
            kdf: CKD_SHA256_KDF_SP800,
            shared: &[],
        },
        S::Sp800108 | S::Sp800108Feedback => {
            let form = NumberForm {
                little_endian: false,
                bits: 32,
            };
            let counts = row.family == Family::Sp800108(KdfLoop::Counter);
            let mut fields = [None; MOST_FIELDS];
            fields[0] = Some(PrfField::Iteration(counts.then_some(form)));
            Parameters::Sp800108 {
                prf: CKM_SHA256_HMAC,
                fields,
                iv: &[],
            }
        }
        S::TlsMaster | S::TlsExtendedMaster | S::TlsKdf => Parameters::Tls {
            hash: CKM_SHA256,
            label: &[1],
            client: &[2; 32],
            server: &[3; 32],
            context: &[],
        },
        S::TlsMac => Parameters::TlsMac {
            hash: CKM_SHA256,
            length: 12,
            side: 1,
        },
        S::Pbkdf2 => Parameters::Pbkdf2 {
            prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
            password: &[1],
            salt: &[2],
            iterations: 1,
        },
    }
}

fn spec(keys: Keys) -> Option<KeySpec> {
    Some(match keys {
        Keys::None => return None,
        Keys::Aes => KeySpec::Aes { bits: 128 },
        Keys::AesXts => KeySpec::AesXts { bits: 256 },
        Keys::Des3 => KeySpec::Des3 { bits: 168 },
        Keys::ChaCha20 => KeySpec::ChaCha20,
        Keys::Sm4 => KeySpec::Sm4,
        Keys::Rsa => KeySpec::Rsa { bits: 2048 },
        Keys::Ec => KeySpec::Ec { curve: Curve::P256 },
        Keys::Edwards => KeySpec::Ed25519,
        Keys::Agreement | Keys::Montgomery => KeySpec::X25519,
        Keys::Sm2 => KeySpec::Sm2,
        Keys::Hmac | Keys::Secret => KeySpec::GenericSecret { bits: 256 },
    })
}

fn purpose(row: &Row, flag: CK_FLAGS) -> Purpose {
    match flag {
        CKF_ENCRYPT => Purpose::Encrypt,
        CKF_DECRYPT => Purpose::Decrypt,
        CKF_SIGN => signing_purpose(row, false),
        CKF_VERIFY => signing_purpose(row, true),
        CKF_WRAP => Purpose::Wrap,
        CKF_UNWRAP => Purpose::Unwrap,
        _ => Purpose::Derive,
    }
}

#[test]
fn the_core_has_what_the_table_promises() {
    for row in MECHANISMS {
        let Some(spec) = spec(row.keys) else {
            continue;
        };
        let call = MechanismCall {
            kind: row.kind,
            parameters: sample(row),
        };
        let mechanism = to_core(row, &call, Some(spec))
            .unwrap_or_else(|error| panic!("{}: {error:?}", row.name));
        for flag in [
            CKF_ENCRYPT,
            CKF_DECRYPT,
            CKF_SIGN,
            CKF_VERIFY,
            CKF_WRAP,
            CKF_UNWRAP,
            CKF_DERIVE,
        ] {
            if row.flags & flag != 0 {
                let purpose = purpose(row, flag);
                let has = SoftwareEngine.supports(spec, purpose, &mechanism);
                assert!(has, "{} {purpose:?}", row.name);
            }
        }
        if row.kind & CKM_VENDOR_DEFINED == 0 {
            let numbers = mechanism.pkcs11_numbers(Some(spec));
            assert!(numbers.contains(&row.kind), "{} {numbers:x?}", row.name);
        }
    }
}

#[test]
fn parameters_of_another_shape_are_refused() {
    for row in MECHANISMS {
        let takes_any = matches!(
            row.shape,
            ParameterShape::None | ParameterShape::OptionalBytes
        );
        if takes_any || row.keys == Keys::None {
            continue;
        }
        for other in MECHANISMS {
            let bytes = |shape| {
                use ParameterShape as S;
                matches!(shape, S::Iv(_) | S::OptionalIv(_) | S::StringData)
            };
            let same =
                std::mem::discriminant(&sample(row)) == std::mem::discriminant(&sample(other));
            let fits = same
                || matches!(sample(other), Parameters::None)
                || bytes(row.shape) && bytes(other.shape);
            if fits {
                continue;
            }
            let call = MechanismCall {
                kind: row.kind,
                parameters: sample(other),
            };
            let made = to_core(row, &call, spec(row.keys));
            assert!(
                made.is_err(),
                "{} with the parameter of {}",
                row.name,
                other.name
            );
        }
    }
}
