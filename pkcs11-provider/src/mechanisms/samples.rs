//! A use of each mechanism, made up: for asking the core whether there is such a use at all.

use cryptoki_sys::*;
use keybridge_core::{Curve, KeySpec, LatticeSet, Purpose};

use super::convert::signing_purpose;
use super::parameters::{NumberForm, PrfField};
use super::registry::{Family, KdfLoop, Keys, MECHANISMS, Row};
use super::{ParameterShape, Parameters};

/// X25519's base point: a public key that every check lets pass.
const POINT: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 9;
    point
};

/// P-256's base point, for mechanisms that take no other curves.
const EC_POINT: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40,
    0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e,
    0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
    0xf5,
];

fn hash_number(row: &Row) -> CK_MECHANISM_TYPE {
    match row.family {
        Family::RsaPssHash(hash) => {
            let digest = |other: &&Row| other.family == Family::Digest(hash);
            MECHANISMS
                .iter()
                .find(digest)
                .map_or(CKM_SHA256, |row| row.kind)
        }
        _ => CKM_SHA256,
    }
}

/// A parameter that the mechanism takes.
pub(crate) fn sample(row: &Row) -> Parameters<'static> {
    use ParameterShape as S;
    match row.shape {
        S::None | S::EdDsa | S::OptionalIv(_) | S::OptionalBytes | S::Signing => Parameters::None,
        S::HashSigning => Parameters::Signing {
            hedge: CKH_HEDGE_PREFERRED,
            context: &[],
            hash: Some(CKM_SHA256),
        },
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
            public: match row.keys {
                Keys::Ec => &EC_POINT,
                _ => &POINT,
            },
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
            Parameters::Sp800108 {
                prf: CKM_SHA256_HMAC,
                fields: [PrfField::Iteration(counts.then_some(form))].into(),
                iv: &[],
            }
        }
        S::TlsMaster | S::TlsExtendedMaster | S::TlsKdf => Parameters::Tls {
            hash: CKM_SHA256,
            label: if row.shape == S::TlsKdf { &[1] } else { &[] },
            client: &[2; 32],
            server: match row.shape {
                S::TlsExtendedMaster => &[],
                _ => &[3; 32],
            },
            context: &[],
        },
        S::TlsKeys => Parameters::TlsKeys {
            hash: CKM_SHA256,
            mac_bits: 256,
            key_bits: 128,
            vector_bits: 0,
            export: false,
            client: &[2; 32],
            server: &[3; 32],
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

/// A kind of key that the mechanism takes.
pub(crate) fn spec(keys: Keys) -> Option<KeySpec> {
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
        Keys::MlKem => KeySpec::Lattice {
            set: LatticeSet::MlKem768,
        },
        Keys::MlDsa => KeySpec::Lattice {
            set: LatticeSet::MlDsa65,
        },
        Keys::Hmac | Keys::Secret => KeySpec::GenericSecret { bits: 256 },
    })
}

/// What a flag of `CK_MECHANISM_INFO` asks of the core.
pub(crate) fn purpose(row: &Row, flag: CK_FLAGS) -> Purpose {
    match flag {
        CKF_ENCRYPT => Purpose::Encrypt,
        CKF_DECRYPT => Purpose::Decrypt,
        CKF_SIGN => signing_purpose(row, false),
        CKF_VERIFY => signing_purpose(row, true),
        CKF_SIGN_RECOVER => Purpose::SignRecover,
        CKF_VERIFY_RECOVER => Purpose::VerifyRecover,
        CKF_WRAP => Purpose::Wrap,
        CKF_UNWRAP => Purpose::Unwrap,
        CKF_ENCAPSULATE => Purpose::Encapsulate,
        CKF_DECAPSULATE => Purpose::Decapsulate,
        _ => Purpose::Derive,
    }
}
