//! A key and a parameter for every mechanism: right ones, with which each of its functions must work.

use std::collections::HashMap;
use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::mechanisms::ParameterShape;
use keybridge_pkcs11::mechanisms::registry::{Family, KdfLoop, Keys, MECHANISMS, Row};
use keybridge_pkcs11::mechanisms::vendor::*;

use crate::support::*;

/// Bytes that every mechanism takes: whole blocks, a SHA-256 digest, less than any modulus.
pub(crate) const INPUT: [u8; 32] = [0x5a; 32];

/// `CKA_EC_PARAMS` of X25519.
pub(crate) const X25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x6e];

/// Lives as long as the test binary: parameters point to it.
pub(crate) fn leak<T>(value: T) -> *mut T {
    Box::leak(Box::new(value))
}

pub(crate) fn bytes(bytes: &[u8]) -> *mut CK_BYTE {
    bytes.to_vec().leak().as_mut_ptr()
}

/// A mechanism with a structure, or with none.
pub(crate) fn parameter<T>(value: T) -> (CK_VOID_PTR, CK_ULONG) {
    (leak(value).cast(), size_of::<T>() as _)
}

/// Public and private half; a secret key is both.
pub(crate) type Pair = (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE);

/// Keys of every kind that a mechanism takes, made when they are asked for. Key material takes one role at its
/// first use, so there is one that wraps and one for data.
pub(crate) struct KeyRing {
    pub(crate) session: Session,
    keys: HashMap<(String, bool), Pair>,
}

impl KeyRing {
    pub(crate) fn new() -> Self {
        KeyRing {
            session: Session::new(),
            keys: HashMap::new(),
        }
    }

    pub(crate) fn pair(&mut self, keys: Keys, wraps: bool) -> Pair {
        let name = match keys {
            // What agrees is an EC key, unless the mechanism is for the other curves.
            Keys::Agreement => "Ec".to_owned(),
            Keys::Hmac => "Secret".to_owned(),
            keys => format!("{keys:?}"),
        };
        let session = &self.session;
        let made = self.keys.entry((name, wraps));
        *made.or_insert_with(|| make(session, keys, wraps))
    }
}

fn make(session: &Session, keys: Keys, wraps: bool) -> Pair {
    let secret = |kind, length: Option<CK_ULONG>| {
        let role = match wraps {
            true => Attributes::new().all_true(&[CKA_WRAP, CKA_UNWRAP]),
            false => Attributes::new().all_true(&[
                CKA_ENCRYPT,
                CKA_DECRYPT,
                CKA_SIGN,
                CKA_VERIFY,
                CKA_DERIVE,
            ]),
        };
        let length = length.map(|length| role.clone().ulong(CKA_VALUE_LEN, length));
        let key = generate(session, kind, &length.unwrap_or(role)).expect("made");
        (key, key)
    };
    let pair = |kind, public: Attributes, uses: [&[CK_ATTRIBUTE_TYPE]; 2]| {
        let private = Attributes::new().all_true(uses[1]);
        generate_pair(session, kind, &public.all_true(uses[0]), &private).expect("made")
    };
    let curve = |parameters| Attributes::new().bytes(CKA_EC_PARAMS, parameters);
    let set = |set| Attributes::new().ulong(CKA_PARAMETER_SET, set);
    let signs: [&[_]; 2] = [&[CKA_VERIFY], &[CKA_SIGN]];
    let agrees: [&[_]; 2] = match wraps {
        true => [&[CKA_WRAP], &[CKA_UNWRAP]],
        false => [
            &[CKA_VERIFY, CKA_ENCAPSULATE],
            &[CKA_SIGN, CKA_DERIVE, CKA_DECAPSULATE],
        ],
    };
    match keys {
        Keys::None => (0, 0),
        Keys::Aes => secret(CKM_AES_KEY_GEN, Some(16)),
        Keys::AesXts => secret(CKM_AES_XTS_KEY_GEN, Some(64)),
        Keys::Des3 => secret(CKM_DES3_KEY_GEN, None),
        Keys::ChaCha20 => secret(CKM_CHACHA20_KEY_GEN, None),
        Keys::Sm4 => secret(CKM_KB_SM4_KEY_GEN, None),
        // As long as a master secret of TLS.
        Keys::Hmac | Keys::Secret => secret(CKM_GENERIC_SECRET_KEY_GEN, Some(48)),
        Keys::Rsa => {
            let public = Attributes::new().ulong(CKA_MODULUS_BITS, 2048);
            let uses: [&[_]; 2] = match wraps {
                true => [&[CKA_WRAP], &[CKA_UNWRAP]],
                false => [
                    &[CKA_ENCRYPT, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_ENCAPSULATE],
                    &[CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_DECAPSULATE],
                ],
            };
            pair(CKM_RSA_PKCS_KEY_PAIR_GEN, public, uses)
        }
        Keys::Ec | Keys::Agreement => pair(CKM_EC_KEY_PAIR_GEN, curve(P256), agrees),
        Keys::Montgomery => {
            let uses: [&[_]; 2] = match wraps {
                true => agrees,
                false => [&[CKA_ENCAPSULATE], &[CKA_DERIVE, CKA_DECAPSULATE]],
            };
            pair(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve(X25519), uses)
        }
        Keys::Edwards => pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, curve(ED25519), signs),
        Keys::MlDsa => pair(CKM_ML_DSA_KEY_PAIR_GEN, set(CKP_ML_DSA_44), signs),
        Keys::MlKem => pair(
            CKM_ML_KEM_KEY_PAIR_GEN,
            set(CKP_ML_KEM_768),
            [&[CKA_ENCAPSULATE], &[CKA_DECAPSULATE]],
        ),
        Keys::Sm2 => pair(
            CKM_KB_SM2_KEY_PAIR_GEN,
            Attributes::new(),
            [&[CKA_ENCRYPT, CKA_VERIFY], &[CKA_DECRYPT, CKA_SIGN]],
        ),
    }
}

/// The mechanism with a parameter of its shape that is right.
pub(crate) fn sample(ring: &mut KeyRing, row: &Row) -> CK_MECHANISM {
    let (pointer, length) = structure(ring, row);
    CK_MECHANISM {
        mechanism: row.kind,
        pParameter: pointer,
        ulParameterLen: length,
    }
}

/// What `C_MessageEncryptInit` and such take: the structure comes with each message.
pub(crate) fn bare(row: &Row) -> CK_MECHANISM {
    mechanism(row.kind)
}

fn structure(ring: &mut KeyRing, row: &Row) -> (CK_VOID_PTR, CK_ULONG) {
    use ParameterShape as S;
    match row.shape {
        S::None | S::OptionalIv(_) | S::OptionalBytes | S::EdDsa | S::Signing => (null_mut(), 0),
        S::Iv(length) => (bytes(&vec![7; length]).cast(), length as _),
        S::Counter => parameter(CK_AES_CTR_PARAMS {
            ulCounterBits: 32,
            cb: [0; 16],
        }),
        S::Gcm => parameter(gcm(12, 128)),
        S::Ccm => parameter(ccm(INPUT.len(), 12, 16)),
        S::ChaCha20 => parameter(chacha20(32, 96)),
        S::ChaCha20Poly1305 => parameter(chacha20_poly1305(96)),
        S::MacLength => parameter::<CK_MAC_GENERAL_PARAMS>(8),
        S::Pss => parameter(pss(row)),
        S::Oaep => parameter(oaep()),
        S::Ecdh1 => {
            let (public, _) = ring.pair(row.keys, false);
            let point = get(&ring.session, public, CKA_EC_POINT).expect("public");
            parameter(ecdh(CKD_SHA256_KDF, &point))
        }
        S::Hkdf => parameter(hkdf()),
        S::CbcEncryptData => parameter(CK_AES_CBC_ENCRYPT_DATA_PARAMS {
            iv: [0; 16],
            pData: bytes(&INPUT),
            length: INPUT.len() as _,
        }),
        S::StringData => parameter(string_data(&INPUT)),
        S::HashSigning => parameter(CK_HASH_SIGN_ADDITIONAL_CONTEXT {
            hedgeVariant: CKH_HEDGE_PREFERRED,
            pContext: null_mut(),
            ulContextLen: 0,
            hash: CKM_SHA256,
        }),
        S::Handle => parameter(ring.pair(Keys::Secret, false).0),
        S::Number => parameter::<CK_ULONG>(3),
        S::RsaAesKeyWrap => parameter(CK_RSA_AES_KEY_WRAP_PARAMS {
            ulAESKeyBits: 256,
            pOAEPParams: leak(oaep()),
        }),
        S::EcdhAesKeyWrap => parameter(CK_ECDH_AES_KEY_WRAP_PARAMS {
            ulAESKeyBits: 256,
            kdf: CKD_SHA256_KDF,
            ulSharedDataLen: 0,
            pSharedData: null_mut(),
        }),
        S::Sp800108 => parameter(sp800_108(row.family == Family::Sp800108(KdfLoop::Counter))),
        S::Sp800108Feedback => parameter(sp800_108_feedback()),
        S::TlsMaster => parameter(CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
            RandomInfo: randoms(),
            pVersion: null_mut(),
            prfHashMechanism: CKM_SHA256,
        }),
        S::TlsExtendedMaster => parameter(CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS {
            prfHashMechanism: CKM_SHA256,
            pSessionHash: bytes(&INPUT),
            ulSessionHashLen: INPUT.len() as _,
            pVersion: null_mut(),
        }),
        S::TlsKdf => parameter(CK_TLS_KDF_PARAMS {
            prfMechanism: CKM_SHA256,
            pLabel: bytes(b"label"),
            ulLabelLength: 5,
            RandomInfo: randoms(),
            pContextData: null_mut(),
            ulContextDataLength: 0,
        }),
        S::TlsKeys => parameter(CK_TLS12_KEY_MAT_PARAMS {
            ulMacSizeInBits: 256,
            ulKeySizeInBits: 128,
            ulIVSizeInBits: 0,
            bIsExport: CK_FALSE,
            RandomInfo: randoms(),
            pReturnedKeyMaterial: leak(CK_SSL3_KEY_MAT_OUT {
                hClientMacSecret: 0,
                hServerMacSecret: 0,
                hClientKey: 0,
                hServerKey: 0,
                pIVClient: null_mut(),
                pIVServer: null_mut(),
            }),
            prfHashMechanism: CKM_SHA256,
        }),
        S::TlsMac => parameter(CK_TLS_MAC_PARAMS {
            prfHashMechanism: CKM_SHA256,
            ulMacLength: 12,
            ulServerOrClient: 1,
        }),
        S::Pbkdf2 => parameter(pbkdf2()),
    }
}

pub(crate) fn gcm(iv: usize, tag_bits: CK_ULONG) -> CK_GCM_PARAMS {
    CK_GCM_PARAMS {
        pIv: bytes(&vec![1; iv]),
        ulIvLen: iv as _,
        ulIvBits: 8 * iv as CK_ULONG,
        pAAD: null_mut(),
        ulAADLen: 0,
        ulTagBits: tag_bits,
    }
}

pub(crate) fn ccm(data: usize, nonce: usize, mac: CK_ULONG) -> CK_CCM_PARAMS {
    CK_CCM_PARAMS {
        ulDataLen: data as _,
        pNonce: bytes(&vec![1; nonce]),
        ulNonceLen: nonce as _,
        pAAD: null_mut(),
        ulAADLen: 0,
        ulMACLen: mac,
    }
}

pub(crate) fn chacha20(counter_bits: CK_ULONG, nonce_bits: CK_ULONG) -> CK_CHACHA20_PARAMS {
    CK_CHACHA20_PARAMS {
        pBlockCounter: bytes(&[0; 16]),
        blockCounterBits: counter_bits,
        pNonce: bytes(&[1; 64]),
        ulNonceBits: nonce_bits,
    }
}

pub(crate) fn chacha20_poly1305(nonce_bits: CK_ULONG) -> CK_SALSA20_CHACHA20_POLY1305_PARAMS {
    CK_SALSA20_CHACHA20_POLY1305_PARAMS {
        pNonce: bytes(&[1; 64]),
        ulNonceLen: nonce_bits,
        pAAD: null_mut(),
        ulAADLen: 0,
    }
}

pub(crate) fn pss(row: &Row) -> CK_RSA_PKCS_PSS_PARAMS {
    let hash = match row.family {
        Family::RsaPssHash(hash) => {
            let digest = |other: &&Row| other.family == Family::Digest(hash);
            MECHANISMS.iter().find(digest).expect("there").kind
        }
        _ => CKM_SHA256,
    };
    CK_RSA_PKCS_PSS_PARAMS {
        hashAlg: hash,
        mgf: CKG_MGF1_SHA256,
        sLen: 20,
    }
}

pub(crate) fn oaep() -> CK_RSA_PKCS_OAEP_PARAMS {
    CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: CKM_SHA256,
        mgf: CKG_MGF1_SHA256,
        source: CKZ_DATA_SPECIFIED,
        pSourceData: null_mut(),
        ulSourceDataLen: 0,
    }
}

pub(crate) fn ecdh(kdf: CK_EC_KDF_TYPE, point: &[u8]) -> CK_ECDH1_DERIVE_PARAMS {
    CK_ECDH1_DERIVE_PARAMS {
        kdf,
        ulSharedDataLen: 0,
        pSharedData: null_mut(),
        ulPublicDataLen: point.len() as _,
        pPublicData: bytes(point),
    }
}

pub(crate) fn hkdf() -> CK_HKDF_PARAMS {
    CK_HKDF_PARAMS {
        bExtract: CK_TRUE,
        bExpand: CK_TRUE,
        prfHashMechanism: CKM_SHA256,
        ulSaltType: CKF_HKDF_SALT_NULL,
        pSalt: null_mut(),
        ulSaltLen: 0,
        hSaltKey: CK_INVALID_HANDLE,
        pInfo: null_mut(),
        ulInfoLen: 0,
    }
}

pub(crate) fn string_data(data: &[u8]) -> CK_KEY_DERIVATION_STRING_DATA {
    CK_KEY_DERIVATION_STRING_DATA {
        pData: bytes(data),
        ulLen: data.len() as _,
    }
}

/// The one field that every mode must have: a counter of 32 bits, or what came out last.
fn iteration(counts: bool) -> CK_PRF_DATA_PARAM {
    let format = CK_SP800_108_COUNTER_FORMAT {
        bLittleEndian: CK_FALSE,
        ulWidthInBits: 32,
    };
    let (pointer, length) = match counts {
        true => parameter(format),
        false => (null_mut(), 0),
    };
    CK_PRF_DATA_PARAM {
        type_: CK_SP800_108_ITERATION_VARIABLE,
        pValue: pointer,
        ulValueLen: length,
    }
}

pub(crate) fn sp800_108(counts: bool) -> CK_SP800_108_KDF_PARAMS {
    CK_SP800_108_KDF_PARAMS {
        prfType: CKM_SHA256_HMAC,
        ulNumberOfDataParams: 1,
        pDataParams: leak(iteration(counts)),
        ulAdditionalDerivedKeys: 0,
        pAdditionalDerivedKeys: null_mut(),
    }
}

pub(crate) fn sp800_108_feedback() -> CK_SP800_108_FEEDBACK_KDF_PARAMS {
    CK_SP800_108_FEEDBACK_KDF_PARAMS {
        prfType: CKM_SHA256_HMAC,
        ulNumberOfDataParams: 1,
        pDataParams: leak(iteration(false)),
        ulIVLen: 0,
        pIV: null_mut(),
        ulAdditionalDerivedKeys: 0,
        pAdditionalDerivedKeys: null_mut(),
    }
}

pub(crate) fn randoms() -> CK_SSL3_RANDOM_DATA {
    CK_SSL3_RANDOM_DATA {
        pClientRandom: bytes(&[2; 32]),
        ulClientRandomLen: 32,
        pServerRandom: bytes(&[3; 32]),
        ulServerRandomLen: 32,
    }
}

pub(crate) fn pbkdf2() -> CK_PKCS5_PBKD2_PARAMS2 {
    CK_PKCS5_PBKD2_PARAMS2 {
        saltSource: CKZ_SALT_SPECIFIED,
        pSaltSourceData: bytes(&[4; 16]).cast(),
        ulSaltSourceDataLen: 16,
        iterations: 10,
        prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
        pPrfData: null_mut(),
        ulPrfDataLen: 0,
        pPassword: bytes(b"password"),
        ulPasswordLen: 8,
    }
}
