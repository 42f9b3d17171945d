//! RSA, elliptic curves, ML-DSA.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::mechanisms::registry::{Keys, find};
use keybridge_pkcs11::rv::Rv;

use super::{NOWHERE, judge};
use crate::mechanism_samples::*;
use crate::support::*;

/// 6.1.9 and 6.1.10: sLen ≤ k* - 2 - hLen; the hash of a mechanism that hashes is its own.
#[test]
fn pss_salts_and_hashes() {
    judge(|rules| {
        for kind in [CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS] {
            let row = find(kind).expect("a row");
            let salt = |length| CK_RSA_PKCS_PSS_PARAMS {
                sLen: length,
                ..pss(row)
            };
            rules.whole(kind, false, pss(row));
            for length in [0, 1, 32, 222] {
                rules.right(kind, &format!("{length} bytes"), salt(length));
            }
            for length in [223, 256, CK_ULONG::MAX] {
                rules.wrong(kind, &format!("{length} bytes"), salt(length));
            }
            for mgf in 1..=9 {
                let mgf = CK_RSA_PKCS_PSS_PARAMS { mgf, ..pss(row) };
                rules.right(kind, "a mask", mgf);
            }
            for mgf in [0, 10, CK_ULONG::MAX] {
                let mgf = CK_RSA_PKCS_PSS_PARAMS { mgf, ..pss(row) };
                rules.wrong(kind, "no mask", mgf);
            }
            for hash in [0, CKM_MD5, CKM_SHA256_HMAC, CKM_RSA_PKCS, CK_ULONG::MAX] {
                let hash = CK_RSA_PKCS_PSS_PARAMS {
                    hashAlg: hash,
                    ..pss(row)
                };
                rules.wrong(kind, "no hash", hash);
            }
        }
        let row = find(CKM_SHA256_RSA_PKCS_PSS).expect("a row");
        let other = CK_RSA_PKCS_PSS_PARAMS {
            hashAlg: CKM_SHA384,
            ..pss(row)
        };
        rules.wrong(CKM_SHA256_RSA_PKCS_PSS, "another hash", other);
    });
}

fn oaep_rules(mut judge: impl FnMut(&str, CK_RSA_PKCS_OAEP_PARAMS, bool)) {
    let good = oaep();
    judge("right", good, true);
    let label = CK_RSA_PKCS_OAEP_PARAMS {
        pSourceData: bytes(b"label").cast(),
        ulSourceDataLen: 5,
        ..good
    };
    judge("a label", label, true);
    for hashAlg in [CKM_SHA_1, CKM_SHA224, CKM_SHA384, CKM_SHA512, CKM_SHA3_256] {
        judge("a hash", CK_RSA_PKCS_OAEP_PARAMS { hashAlg, ..good }, true);
    }
    for mgf in 1..=9 {
        judge("a mask", CK_RSA_PKCS_OAEP_PARAMS { mgf, ..good }, true);
    }
    for hashAlg in [0, CKM_MD5, CKM_SHA256_HMAC, CK_ULONG::MAX] {
        judge(
            "no hash",
            CK_RSA_PKCS_OAEP_PARAMS { hashAlg, ..good },
            false,
        );
    }
    for mgf in [0, 10, CK_ULONG::MAX] {
        judge("no mask", CK_RSA_PKCS_OAEP_PARAMS { mgf, ..good }, false);
    }
    // "must be CKZ_DATA_SPECIFIED"; without a label 0 is what programs pass.
    let source = |source| CK_RSA_PKCS_OAEP_PARAMS { source, ..label };
    for other in [0, 2, CK_ULONG::MAX] {
        judge("no source", source(other), false);
    }
    let source = |source| CK_RSA_PKCS_OAEP_PARAMS { source, ..good };
    judge("no source and no label", source(0), true);
    judge("another source", source(2), false);
    let nowhere = CK_RSA_PKCS_OAEP_PARAMS {
        ulSourceDataLen: 5,
        ..good
    };
    judge("no label", nowhere, false);
}

/// 6.1.7, and 6.1.20 with the same structure inside.
#[test]
fn oaep_alone_and_before_key_wrapping() {
    judge(|rules| {
        let wrapping = |bits, oaep: CK_RSA_PKCS_OAEP_PARAMS| CK_RSA_AES_KEY_WRAP_PARAMS {
            ulAESKeyBits: bits,
            pOAEPParams: leak(oaep),
        };
        rules.whole(CKM_RSA_PKCS_OAEP, false, oaep());
        rules.whole(CKM_RSA_AES_KEY_WRAP, false, wrapping(256, oaep()));
        oaep_rules(|what, oaep, good| {
            let in_two_steps = wrapping(256, oaep);
            match good {
                true => {
                    rules.right(CKM_RSA_PKCS_OAEP, what, oaep);
                    rules.right(CKM_RSA_AES_KEY_WRAP, what, in_two_steps);
                }
                false => {
                    rules.wrong(CKM_RSA_PKCS_OAEP, what, oaep);
                    rules.wrong(CKM_RSA_AES_KEY_WRAP, what, in_two_steps);
                }
            }
        });
        let kind = CKM_RSA_AES_KEY_WRAP;
        for bits in [128, 192, 256] {
            rules.right(kind, "AES", wrapping(bits, oaep()));
        }
        for bits in [0, 16, 32, 64, 512, CK_ULONG::MAX] {
            rules.wrong(kind, "no AES", wrapping(bits, oaep()));
        }
        let mut other = wrapping(256, oaep());
        other.pOAEPParams = null_mut();
        rules.wrong(kind, "no structure", other);
    });
}

/// The functions of 6.3.16 that are here.
const KDFS: [CK_EC_KDF_TYPE; 18] = [
    CKD_SHA1_KDF,
    CKD_SHA224_KDF,
    CKD_SHA256_KDF,
    CKD_SHA384_KDF,
    CKD_SHA512_KDF,
    CKD_SHA3_224_KDF,
    CKD_SHA3_256_KDF,
    CKD_SHA3_384_KDF,
    CKD_SHA3_512_KDF,
    CKD_SHA1_KDF_SP800,
    CKD_SHA224_KDF_SP800,
    CKD_SHA256_KDF_SP800,
    CKD_SHA384_KDF_SP800,
    CKD_SHA512_KDF_SP800,
    CKD_SHA3_224_KDF_SP800,
    CKD_SHA3_256_KDF_SP800,
    CKD_SHA3_384_KDF_SP800,
    CKD_SHA3_512_KDF_SP800,
];

/// 6.3.16, CK_ECDH1_DERIVE_PARAMS: CKD_NULL has no shared data; points raw, compressed or as a DER OCTET STRING.
#[test]
fn ecdh() {
    judge(|rules| {
        let (public, _) = rules.ring.pair(Keys::Ec, false);
        let der = get(&rules.ring.session, public, CKA_EC_POINT).expect("public");
        let point = &der[2..];
        let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
        for kind in [CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE] {
            let ecdh = crate::mechanism_samples::ecdh;
            rules.whole(kind, false, ecdh(CKD_SHA256_KDF, point));
            for kdf in KDFS {
                let mut shared = ecdh(kdf, point);
                rules.right(kind, "a KDF", shared);
                (shared.pSharedData, shared.ulSharedDataLen) = (bytes(b"info"), 4);
                rules.right(kind, "a KDF with info", shared);
            }
            rules.right(kind, "no KDF", ecdh(CKD_NULL, point));
            rules.right(kind, "DER", ecdh(CKD_NULL, &der));
            rules.right(kind, "compressed", ecdh(CKD_NULL, &compressed));
            let mut shared = ecdh(CKD_NULL, point);
            (shared.pSharedData, shared.ulSharedDataLen) = (bytes(b"info"), 4);
            rules.wrong(kind, "CKD_NULL with info", shared);
            for kdf in [0, CKD_BLAKE2B_160_KDF, CKD_CPDIVERSIFY_KDF, CK_ULONG::MAX] {
                rules.wrong(kind, "no KDF", ecdh(kdf, point));
            }
            let mut other = ecdh(CKD_SHA256_KDF, point);
            (other.pSharedData, other.ulSharedDataLen) = NOWHERE;
            rules.wrong(kind, "no info", other);
            let mut other = ecdh(CKD_SHA256_KDF, point);
            other.pPublicData = null_mut();
            rules.wrong(kind, "no point", other);
            for wrong in [&[][..], &[0], &point[..64], &point[1..], &[4; 65]] {
                rules.wrong(kind, "no point of the curve", ecdh(CKD_NULL, wrong));
            }
        }
    });
}

/// 6.3.23.
#[test]
fn ecdh_before_key_wrapping() {
    let good = CK_ECDH_AES_KEY_WRAP_PARAMS {
        ulAESKeyBits: 256,
        kdf: CKD_SHA256_KDF,
        ulSharedDataLen: 0,
        pSharedData: null_mut(),
    };
    judge(|rules| {
        for kind in [
            CKM_ECDH_AES_KEY_WRAP,
            CKM_ECDH_COF_AES_KEY_WRAP,
            CKM_ECDH_X_AES_KEY_WRAP,
        ] {
            rules.whole(kind, false, good);
            for kdf in KDFS.into_iter().chain([CKD_NULL]) {
                rules.right(kind, "a KDF", CK_ECDH_AES_KEY_WRAP_PARAMS { kdf, ..good });
            }
            for ulAESKeyBits in [128, 192, 256] {
                let bits = CK_ECDH_AES_KEY_WRAP_PARAMS {
                    ulAESKeyBits,
                    ..good
                };
                rules.right(kind, "AES", bits);
            }
            for ulAESKeyBits in [0, 16, 32, 64, 512, CK_ULONG::MAX] {
                let bits = CK_ECDH_AES_KEY_WRAP_PARAMS {
                    ulAESKeyBits,
                    ..good
                };
                rules.wrong(kind, "no AES", bits);
            }
            for kdf in [0, CKD_BLAKE2B_160_KDF, CK_ULONG::MAX] {
                rules.wrong(kind, "no KDF", CK_ECDH_AES_KEY_WRAP_PARAMS { kdf, ..good });
            }
            let mut other = good;
            (other.pSharedData, other.ulSharedDataLen) = (bytes(b"info"), 4);
            rules.right(kind, "info", other);
            other.kdf = CKD_NULL;
            rules.wrong(kind, "CKD_NULL with info", other);
            let mut other = good;
            (other.pSharedData, other.ulSharedDataLen) = NOWHERE;
            rules.wrong(kind, "no info", other);
        }
    });
}

/// 6.3.14 and 6.3.16, CK_EDDSA_PARAMS: an optional structure; 0 ≤ ulContextDataLen ≤ 255.
#[test]
fn eddsa() {
    let with = |prehash, length: usize| CK_EDDSA_PARAMS {
        phFlag: prehash,
        ulContextDataLen: length as _,
        pContextData: bytes(&vec![1; length]),
    };
    judge(|rules| {
        rules.whole(CKM_EDDSA, true, with(CK_FALSE, 0));
        for prehash in [CK_FALSE, CK_TRUE] {
            for length in [0, 1, 255] {
                let what = format!("{length} bytes");
                rules.right(CKM_EDDSA, &what, with(prehash, length));
            }
            rules.wrong(CKM_EDDSA, "256 bytes", with(prehash, 256));
            let mut other = with(prehash, 5);
            other.pContextData = null_mut();
            rules.wrong(CKM_EDDSA, "no context", other);
        }
    });
}

/// 6.53.1, 6.53.5 to 6.53.7: hedge variants, contexts (FIPS 204: up to 255 bytes), the hash of a digest.
#[test]
fn ml_dsa() {
    let with = |hedge, length: usize| CK_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: hedge,
        pContext: bytes(&vec![1; length]),
        ulContextLen: length as _,
    };
    let hashed = |hash| CK_HASH_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: CKH_HEDGE_PREFERRED,
        pContext: null_mut(),
        ulContextLen: 0,
        hash,
    };
    judge(|rules| {
        for kind in [CKM_ML_DSA, CKM_HASH_ML_DSA_SHA256, CKM_HASH_ML_DSA_SHAKE256] {
            rules.whole(kind, true, with(CKH_HEDGE_PREFERRED, 0));
            for hedge in [
                CKH_HEDGE_PREFERRED,
                CKH_HEDGE_REQUIRED,
                CKH_DETERMINISTIC_REQUIRED,
            ] {
                rules.right(kind, "a variant", with(hedge, 5));
            }
            for length in [0, 1, 255] {
                rules.right(kind, "a context", with(CKH_HEDGE_PREFERRED, length));
            }
            rules.wrong(kind, "256 bytes", with(CKH_HEDGE_PREFERRED, 256));
            let mut other = with(CKH_HEDGE_PREFERRED, 5);
            other.pContext = null_mut();
            rules.wrong(kind, "no context", other);
        }
        rules.whole(CKM_HASH_ML_DSA, false, hashed(CKM_SHA256));
        // Hashes of 32 bytes, as the input is.
        for hash in [CKM_SHA512_256, CKM_SHA3_256] {
            rules.right(CKM_HASH_ML_DSA, "a hash", hashed(hash));
        }
        for hash in [0, CKM_MD5, CKM_SHA_1, CKM_SHA256_HMAC, CK_ULONG::MAX] {
            rules.wrong(CKM_HASH_ML_DSA, "no hash", hashed(hash));
        }
    });
}

/// 6.53.5: "On verification the hedgeVariant parameter is ignored."
#[test]
fn a_hedge_variant_is_for_signing_only() {
    let mut ring = KeyRing::new();
    let (public, private) = ring.pair(Keys::MlDsa, false);
    let session = &ring.session;
    let with = |hedge| CK_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: hedge,
        pContext: null_mut(),
        ulContextLen: 0,
    };
    for hedge in [3, CK_ULONG::MAX] {
        let parameter = with(hedge);
        let mut mechanism = with_parameter(CKM_ML_DSA, &parameter);
        let signing = call!(C_SignInit, session.0, &mut mechanism, private);
        refused(signing, Rv::MECHANISM_PARAM_INVALID);
        check(call!(C_VerifyInit, session.0, &mut mechanism, public));
        check(call!(C_SessionCancel, session.0, CKF_VERIFY));
    }
}
