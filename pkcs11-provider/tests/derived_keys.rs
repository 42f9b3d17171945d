//! Several keys by one SP 800-108 derivation, and keys among its data.

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::derivations::{base, open, secret};
use crate::support::*;

const TEXT: [u8; 13] = *b"label\0context";

fn field<T>(type_: CK_PRF_DATA_TYPE, value: &T) -> CK_PRF_DATA_PARAM {
    CK_PRF_DATA_PARAM {
        type_,
        pValue: (&raw const *value).cast_mut().cast(),
        ulValueLen: size_of::<T>() as _,
    }
}

/// Derives by HMAC-SHA-256 in counter mode from `keys[0]`, with the value of `keys[1]` among the data: one key by the
/// function's own template, the others as additional ones.
fn derive(
    session: &Session,
    keys: [CK_OBJECT_HANDLE; 2],
    method: CK_SP800_108_DKM_LENGTH_METHOD,
    templates: &[&Attributes],
) -> (Result<(), Rv>, Vec<CK_OBJECT_HANDLE>) {
    let counter = CK_SP800_108_COUNTER_FORMAT {
        bLittleEndian: CK_FALSE,
        ulWidthInBits: 32,
    };
    let length = CK_SP800_108_DKM_LENGTH_FORMAT {
        dkmLengthMethod: method,
        bLittleEndian: CK_FALSE,
        ulWidthInBits: 32,
    };
    let mut fields = [
        field(CK_SP800_108_ITERATION_VARIABLE, &counter),
        field(CK_SP800_108_BYTE_ARRAY, &TEXT),
        field(CK_SP800_108_KEY_HANDLE, &keys[1]),
        field(CK_SP800_108_DKM_LENGTH, &length),
    ];
    let raws: Vec<_> = templates.iter().map(|template| template.raw()).collect();
    let mut handles = vec![77; templates.len()];
    let (own, additional) = handles.split_at_mut(1);
    let mut additional: Vec<_> = raws[1..]
        .iter()
        .zip(additional)
        .map(|(raw, handle)| CK_DERIVED_KEY {
            pTemplate: mutable(raw),
            ulAttributeCount: raw.len() as _,
            phKey: handle,
        })
        .collect();
    let parameter = CK_SP800_108_KDF_PARAMS {
        prfType: CKM_SHA256_HMAC,
        ulNumberOfDataParams: fields.len() as _,
        pDataParams: fields.as_mut_ptr(),
        ulAdditionalDerivedKeys: additional.len() as _,
        pAdditionalDerivedKeys: additional.as_mut_ptr(),
    };
    let mut mechanism = with_parameter(CKM_SP800_108_COUNTER_KDF, &parameter);
    let code = call!(
        C_DeriveKey,
        session.0,
        &mut mechanism,
        keys[0],
        mutable(&raws[0]),
        raws[0].len() as _,
        &mut own[0]
    );
    (Rv::from_code(code).map_or(Ok(()), Err), handles)
}

fn generic(length: CK_ULONG) -> Attributes {
    open(secret(CKK_GENERIC_SECRET)).ulong(CKA_VALUE_LEN, length)
}

fn hex(session: &Session, key: CK_OBJECT_HANDLE) -> String {
    let value = get(session, key, CKA_VALUE).expect("open");
    value.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The standard's own example: 48 bytes take a segment and a half, 16 bytes begin with the third. The values were
/// computed with Python's `hmac`.
#[test]
fn keys_come_from_disjoint_segments() {
    let session = Session::new();
    let keys = [
        base(&session, &[3; 32], false),
        base(&session, &[9; 5], false),
    ];
    let (long, short) = (generic(48), open(secret(CKK_AES)).ulong(CKA_VALUE_LEN, 16));
    for (method, first, second) in [
        (
            CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS,
            "70197fb941457e78807a83468895910364eb360bc8d34124142835d048f5fb8e2a0648fae4adf9ff2fe228c17414b7fb",
            "1f35a90dace3ca343992780c4517593e",
        ),
        (
            CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS,
            "475ad679a25035347ea0ed27c969000900950e8ad851d32ee6cdf72605b1f6bcf611a63c7c50d4bb5d300b9063666b7b",
            "b5d8e47e6aac97dcf47164a98c686025",
        ),
    ] {
        let (code, made) = derive(&session, keys, method, &[&long, &short]);
        assert_eq!(code, Ok(()));
        assert_eq!(
            (hex(&session, made[0]), hex(&session, made[1])),
            (first.into(), second.into())
        );
        assert_eq!(
            get(&session, made[1], CKA_KEY_TYPE),
            Ok(CKK_AES.to_ne_bytes().to_vec())
        );
    }
}

/// "If any of the keys cannot be derived for any reason, none of the keys shall be derived."
#[test]
fn all_keys_or_none() {
    let session = Session::new();
    let keys = [
        base(&session, &[3; 32], false),
        base(&session, &[9; 5], true),
    ];
    let method = CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS;
    let good = generic(32).bytes(CKA_LABEL, b"made");
    let bad_key = open(secret(CKK_AES)).ulong(CKA_VALUE_LEN, 17);
    let no_length = open(secret(CKK_GENERIC_SECRET));
    let wrong = generic(32).bytes(CKA_TOKEN, &[1, 2]);
    let stored = generic(32).bool(CKA_TOKEN, true);
    for (bad, expected) in [
        (&bad_key, Rv::ATTRIBUTE_VALUE_INVALID),
        (&no_length, Rv::TEMPLATE_INCOMPLETE),
        (&wrong, Rv::ATTRIBUTE_VALUE_INVALID),
        (&stored, Rv::TEMPLATE_INCONSISTENT),
    ] {
        let (code, handles) = derive(&session, keys, method, &[&good, &good, bad]);
        assert_eq!(code, Err(expected));
        assert_eq!(handles, [77, 77, CK_INVALID_HANDLE]);
    }
    let (code, handles) = derive(&session, [keys[0], 0xdead], method, &[&good, &good]);
    assert_eq!((code, handles), (Err(Rv::KEY_HANDLE_INVALID), vec![77, 77]));
    let many = vec![&good; 66];
    let (code, _) = derive(&session, keys, method, &many);
    assert_eq!(code, Err(Rv::MECHANISM_PARAM_INVALID));
    let made = Attributes::new().bytes(CKA_LABEL, b"made");
    assert!(find(&session, &made).is_empty());
    let (code, _) = derive(&session, keys, method, &many[..65]);
    assert_eq!(code, Ok(()));
    assert_eq!(find(&session, &made).len(), 65);
}
