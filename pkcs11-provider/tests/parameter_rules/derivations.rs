//! Keys from keys and passwords.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::mechanisms::registry::{Keys, Row, find};
use keybridge_pkcs11::mechanisms::vendor::*;
use keybridge_pkcs11::rv::Rv;

use super::{NOWHERE, Rules, judge};
use crate::mechanism_samples::*;
use crate::support::*;

/// 6.48.2 and 6.48.3.
#[test]
fn hkdf_steps_salts_and_info() {
    let good = hkdf();
    judge(|rules| {
        for kind in [CKM_HKDF_DERIVE, CKM_HKDF_DATA] {
            rules.whole(kind, false, good);
            let steps = |bExtract, bExpand| CK_HKDF_PARAMS {
                bExtract,
                bExpand,
                ..good
            };
            // "Either bExtract or bExpand must be set to true."
            rules.wrong(kind, "no step", steps(CK_FALSE, CK_FALSE));
            rules.right(kind, "only expanded", steps(CK_FALSE, CK_TRUE));
            let mut salt = good;
            (salt.pSalt, salt.ulSaltLen) = (bytes(b"salt"), 4);
            salt.ulSaltType = CKF_HKDF_SALT_DATA;
            rules.right(kind, "a salt", salt);
            for ulSaltType in [0, 3, 8, CK_ULONG::MAX] {
                let other = CK_HKDF_PARAMS { ulSaltType, ..salt };
                rules.wrong(kind, "no kind of salt", other);
            }
            (salt.pSalt, salt.ulSaltLen) = NOWHERE;
            rules.wrong(kind, "no salt", salt);
            // "The salt should be ignored if bExtract is false."
            salt.bExtract = CK_FALSE;
            rules.right(kind, "a salt that is not looked at", salt);
            for prfHashMechanism in [0, CKM_MD5, CKM_SHA256_HMAC, CK_ULONG::MAX] {
                let other = CK_HKDF_PARAMS {
                    prfHashMechanism,
                    ..good
                };
                rules.wrong(kind, "no hash", other);
            }
            let mut info = good;
            (info.pInfo, info.ulInfoLen) = (bytes(b"info"), 4);
            rules.right(kind, "info", info);
            (info.pInfo, info.ulInfoLen) = NOWHERE;
            rules.wrong(kind, "no info", info);
            let mut key = good;
            key.ulSaltType = CKF_HKDF_SALT_KEY;
            let parameter = parameter(key);
            rules.expect(kind, "no key", parameter, Err(Rv::KEY_HANDLE_INVALID));
        }
        // Of extraction alone comes a digest; "the pInfo should be ignored if bExpand is set to false".
        let mut only = good;
        only.bExpand = CK_FALSE;
        (only.pInfo, only.ulInfoLen) = NOWHERE;
        let base = rules.ring.pair(Keys::Secret, false).0;
        let mechanism = with_parameter(CKM_HKDF_DERIVE, &only);
        let template = crate::derivations::secret(CKK_GENERIC_SECRET);
        let made = crate::derivations::derive(&rules.ring.session, mechanism, base, &template);
        assert_eq!(made.map(|_| ()), Ok(()));
    });
}

fn format(bits: CK_ULONG) -> CK_SP800_108_COUNTER_FORMAT {
    CK_SP800_108_COUNTER_FORMAT {
        bLittleEndian: CK_FALSE,
        ulWidthInBits: bits,
    }
}

fn field<T>(kind: CK_PRF_DATA_TYPE, value: Option<T>) -> CK_PRF_DATA_PARAM {
    let (pointer, length) = value.map_or((null_mut(), 0), parameter);
    CK_PRF_DATA_PARAM {
        type_: kind,
        pValue: pointer,
        ulValueLen: length,
    }
}

fn length_field(method: CK_ULONG, bits: CK_ULONG) -> CK_PRF_DATA_PARAM {
    let format = CK_SP800_108_DKM_LENGTH_FORMAT {
        dkmLengthMethod: method,
        bLittleEndian: CK_FALSE,
        ulWidthInBits: bits,
    };
    field(CK_SP800_108_DKM_LENGTH, Some(format))
}

/// 6.28.2 to 6.28.5: which fields each mode has, and how often.
#[test]
fn sp800_108_fields() {
    let counter = |bits| field(CK_SP800_108_ITERATION_VARIABLE, Some(format(bits)));
    let extra = |bits| field(CK_SP800_108_COUNTER, Some(format(bits)));
    let output = || field::<u8>(CK_SP800_108_ITERATION_VARIABLE, None);
    let label = || field(CK_SP800_108_BYTE_ARRAY, Some(*b"label"));
    let keys = CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS;
    let length = || length_field(keys, 32);
    let with = |prf, fields: Vec<CK_PRF_DATA_PARAM>| CK_SP800_108_KDF_PARAMS {
        prfType: prf,
        ulNumberOfDataParams: fields.len() as _,
        pDataParams: fields.leak().as_mut_ptr(),
        ulAdditionalDerivedKeys: 0,
        pAdditionalDerivedKeys: null_mut(),
    };
    let fed_back = |prf, fields| {
        let plain: CK_SP800_108_KDF_PARAMS = with(prf, fields);
        CK_SP800_108_FEEDBACK_KDF_PARAMS {
            prfType: plain.prfType,
            ulNumberOfDataParams: plain.ulNumberOfDataParams,
            pDataParams: plain.pDataParams,
            ulIVLen: 0,
            pIV: null_mut(),
            ulAdditionalDerivedKeys: 0,
            pAdditionalDerivedKeys: null_mut(),
        }
    };
    let hmac = CKM_SHA256_HMAC;
    judge(|rules| {
        let kind = CKM_SP800_108_COUNTER_KDF;
        rules.whole(kind, false, with(hmac, vec![counter(32)]));
        for bits in [8, 16, 24, 32, 64] {
            rules.right(kind, "a width", with(hmac, vec![counter(bits)]));
        }
        for bits in [0, 7, 12, 72, CK_ULONG::MAX] {
            rules.wrong(kind, "no width", with(hmac, vec![counter(bits)]));
        }
        let all = vec![counter(8), label(), label(), length()];
        rules.right(kind, "all fields", with(hmac, all));
        for prf in [
            CKM_SHA_1_HMAC,
            CKM_SHA224_HMAC,
            CKM_SHA384_HMAC,
            CKM_SHA512_HMAC,
            CKM_SHA3_224_HMAC,
            CKM_SHA3_256_HMAC,
            CKM_SHA3_384_HMAC,
            CKM_SHA3_512_HMAC,
        ] {
            rules.right(kind, "a function", with(prf, vec![counter(32)]));
        }
        for prf in [0, CKM_SHA256, CKM_DES3_CMAC, CKM_AES_CBC, CK_ULONG::MAX] {
            rules.wrong(kind, "no function", with(prf, vec![counter(32)]));
        }
        let of_aes = parameter(with(CKM_AES_CMAC, vec![counter(32)]));
        let refused = Err(Rv::KEY_TYPE_INCONSISTENT);
        rules.expect(kind, "CMAC of another key", of_aes, refused);
        for (what, fields) in [
            ("no fields", vec![]),
            ("no counter", vec![label()]),
            ("two counters", vec![counter(32), counter(32)]),
            ("output", vec![output()]),
            ("another counter", vec![counter(32), extra(32)]),
            ("two lengths", vec![counter(32), length(), length()]),
            (
                "no length's width",
                vec![counter(32), length_field(keys, 0)],
            ),
            ("no method", vec![counter(32), length_field(9, 32)]),
            (
                "no bytes",
                vec![counter(32), field::<u8>(CK_SP800_108_BYTE_ARRAY, None)],
            ),
            ("no field", vec![counter(32), field(77, Some(1_u8))]),
            (
                "a counter without a form",
                vec![field(CK_SP800_108_ITERATION_VARIABLE, Some(1_u8))],
            ),
        ] {
            rules.wrong(kind, what, with(hmac, fields));
        }
        let mut more = with(hmac, vec![counter(32)]);
        more.ulAdditionalDerivedKeys = 1;
        rules.wrong(kind, "more keys", more);
        let mut nowhere = with(hmac, vec![counter(32)]);
        nowhere.pDataParams = null_mut();
        rules.wrong(kind, "fields nowhere", nowhere);

        for (what, fields, good) in [
            ("output", vec![output()], true),
            ("output and counter", vec![output(), extra(8)], true),
            (
                "all",
                vec![extra(32), output(), label(), label(), length()],
                true,
            ),
            ("no fields", vec![], false),
            ("no output", vec![extra(32), label()], false),
            ("two outputs", vec![output(), output()], false),
            ("a counter for output", vec![counter(32)], false),
            ("two counters", vec![output(), extra(32), extra(32)], false),
            ("two lengths", vec![output(), length(), length()], false),
            (
                "no bytes",
                vec![output(), field::<u8>(CK_SP800_108_BYTE_ARRAY, None)],
                false,
            ),
        ] {
            let double = with(hmac, fields.clone());
            let back = fed_back(hmac, fields);
            match good {
                true => {
                    rules.right(CKM_SP800_108_DOUBLE_PIPELINE_KDF, what, double);
                    rules.right(CKM_SP800_108_FEEDBACK_KDF, what, back);
                }
                false => {
                    rules.wrong(CKM_SP800_108_DOUBLE_PIPELINE_KDF, what, double);
                    rules.wrong(CKM_SP800_108_FEEDBACK_KDF, what, back);
                }
            }
        }
        let mut back = fed_back(hmac, vec![output()]);
        rules.whole(CKM_SP800_108_FEEDBACK_KDF, false, back);
        (back.pIV, back.ulIVLen) = (bytes(b"vector"), 6);
        rules.right(CKM_SP800_108_FEEDBACK_KDF, "a vector", back);
        (back.pIV, back.ulIVLen) = NOWHERE;
        rules.wrong(CKM_SP800_108_FEEDBACK_KDF, "no vector", back);
    });
}

/// 6.23.3 and 6.23.4: "pPrfData must be NULL and ulPrfDataLen must be zero"; salts that are specified.
#[test]
fn pbkdf2_functions_and_salts() {
    let good = pbkdf2();
    judge(|rules| {
        let kind = CKM_PKCS5_PBKD2;
        rules.whole(kind, false, good);
        for prf in [1, 3, 4, 5, 6, 7, 8] {
            rules.right(kind, "a function", CK_PKCS5_PBKD2_PARAMS2 { prf, ..good });
        }
        for prf in [0, CKP_PKCS5_PBKD2_HMAC_GOSTR3411, 9, CK_ULONG::MAX] {
            rules.wrong(kind, "no function", CK_PKCS5_PBKD2_PARAMS2 { prf, ..good });
        }
        for saltSource in [0, 2, CK_ULONG::MAX] {
            let other = CK_PKCS5_PBKD2_PARAMS2 { saltSource, ..good };
            rules.wrong(kind, "no salt", other);
        }
        for iterations in [0, 10_000_001, CK_ULONG::MAX] {
            let other = CK_PKCS5_PBKD2_PARAMS2 { iterations, ..good };
            rules.wrong(kind, "so many iterations", other);
        }
        let mut other = good;
        (other.pPrfData, other.ulPrfDataLen) = (bytes(b"data").cast(), 4);
        rules.wrong(kind, "data of the function", other);
        let mut other = good;
        other.pSaltSourceData = null_mut();
        rules.wrong(kind, "salt nowhere", other);
        let mut other = good;
        other.pPassword = null_mut();
        rules.wrong(kind, "no password", other);
    });
}

/// 6.17.2: whole blocks; 6.29.2 and 6.29.7; 6.17.3: "If the data is too short to make the requested key then the
/// mechanism returns CKR_DATA_LEN_RANGE."
#[test]
fn simple_derivations() {
    judge(|rules| {
        let cbc = |length| CK_AES_CBC_ENCRYPT_DATA_PARAMS {
            iv: [1; 16],
            pData: bytes(&vec![2; length]),
            length: length as _,
        };
        let string = |length| string_data(&vec![3; length]);
        for (ecb, of_cbc) in [
            (CKM_AES_ECB_ENCRYPT_DATA, CKM_AES_CBC_ENCRYPT_DATA),
            (CKM_KB_SM4_ECB_ENCRYPT_DATA, CKM_KB_SM4_CBC_ENCRYPT_DATA),
        ] {
            rules.whole(ecb, false, string(32));
            rules.whole(of_cbc, false, cbc(32));
            for length in [0, 1, 31, 33] {
                rules.wrong(ecb, "no whole blocks", string(length));
                rules.wrong(of_cbc, "no whole blocks", cbc(length));
            }
            // 20 bytes are wanted.
            let short = Err(Rv::DATA_LEN_RANGE);
            rules.expect(ecb, "too short", parameter(string(16)), short);
            rules.expect(of_cbc, "too short", parameter(cbc(16)), short);
            let mut nowhere = cbc(32);
            nowhere.pData = null_mut();
            rules.wrong(of_cbc, "no data", nowhere);
        }
        for kind in [
            CKM_CONCATENATE_BASE_AND_DATA,
            CKM_CONCATENATE_DATA_AND_BASE,
            CKM_XOR_BASE_AND_DATA,
        ] {
            rules.whole(kind, false, string(32));
            let mut nowhere = string(32);
            nowhere.pData = null_mut();
            rules.wrong(kind, "no data", nowhere);
        }
        rules.whole::<CK_EXTRACT_PARAMS>(CKM_EXTRACT_KEY_FROM_KEY, false, 3);
        rules.wrong(CKM_EXTRACT_KEY_FROM_KEY, "a bit after the last", 8 * 48);
        let key = rules.ring.pair(Keys::Secret, false).0;
        rules.whole(CKM_CONCATENATE_BASE_AND_KEY, false, key);
        let none: CK_OBJECT_HANDLE = CK_INVALID_HANDLE;
        let refused = Err(Rv::KEY_HANDLE_INVALID);
        rules.expect(
            CKM_CONCATENATE_BASE_AND_KEY,
            "no key",
            parameter(none),
            refused,
        );
    });
}

/// The structure of a sample.
fn sample<T: Copy>(rules: &mut Rules<'_>, kind: CK_MECHANISM_TYPE) -> T {
    let row: &Row = find(kind).expect("a row");
    let mechanism = crate::mechanism_samples::sample(rules.ring, row);
    assert_eq!(mechanism.ulParameterLen as usize, size_of::<T>());
    // SAFETY: of that size, aligned, and never freed.
    unsafe { mechanism.pParameter.cast::<T>().read() }
}

/// 6.26.2.
#[test]
fn tls() {
    judge(|rules| {
        for kind in [CKM_TLS12_MASTER_KEY_DERIVE, CKM_TLS12_MASTER_KEY_DERIVE_DH] {
            let good: CK_TLS12_MASTER_KEY_DERIVE_PARAMS = sample(rules, kind);
            rules.whole(kind, false, good);
            let mut other = good;
            other.RandomInfo.pClientRandom = null_mut();
            rules.wrong(kind, "no random", other);
            for hash in [0, CKM_MD5, CKM_SHA256_HMAC, CKM_TLS_PRF] {
                let mut other = good;
                other.prfHashMechanism = hash;
                rules.wrong(kind, "no hash", other);
            }
        }
        for kind in [CKM_TLS_KDF, CKM_TLS12_KDF] {
            let good: CK_TLS_KDF_PARAMS = sample(rules, kind);
            rules.whole(kind, false, good);
            let mut other = good;
            (other.pContextData, other.ulContextDataLength) = NOWHERE;
            rules.wrong(kind, "no context", other);
            let mut other = good;
            (other.pLabel, other.ulLabelLength) = NOWHERE;
            rules.wrong(kind, "no label", other);
        }
        for kind in [CKM_TLS12_KEY_AND_MAC_DERIVE, CKM_TLS12_KEY_SAFE_DERIVE] {
            let good: CK_TLS12_KEY_MAT_PARAMS = sample(rules, kind);
            rules.whole(kind, false, good);
            // "must be set to CK_FALSE"
            let mut other = good;
            other.bIsExport = CK_TRUE;
            rules.wrong(kind, "export", other);
        }
        for kind in [CKM_TLS_MAC, CKM_TLS12_MAC] {
            let mac = |length, side| CK_TLS_MAC_PARAMS {
                prfHashMechanism: CKM_SHA256,
                ulMacLength: length,
                ulServerOrClient: side,
            };
            rules.whole(kind, false, mac(12, 1));
            rules.right(kind, "the client's, longer", mac(20, 2));
            // "All other values are invalid."; at least 12 bytes.
            for side in [0, 3, CK_ULONG::MAX] {
                rules.wrong(kind, "neither", mac(12, side));
            }
            for length in [0, 11, CK_ULONG::MAX] {
                rules.wrong(kind, "a length", mac(length, 1));
            }
        }
    });
}
