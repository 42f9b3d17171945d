//! Keys in and out: import, wrap, unwrap, derive.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

const OPEN: &[CK_ATTRIBUTE_TYPE] = &[CKA_EXTRACTABLE];

fn open() -> Attributes {
    Attributes::new().bool(CKA_SENSITIVE, false).all_true(OPEN)
}

pub(crate) fn wrap(
    session: &Session,
    mechanism: &CK_MECHANISM,
    wrapping: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
) -> Result<Vec<u8>, Rv> {
    let mechanism = std::ptr::from_ref(mechanism).cast_mut();
    let mut length = 0;
    let code = call!(
        C_WrapKey,
        session.0,
        mechanism,
        wrapping,
        key,
        null_mut(),
        &mut length
    );
    if let Some(rv) = Rv::from_code(code) {
        return Err(rv);
    }
    let mut wrapped = vec![0; length as usize];
    let out = wrapped.as_mut_ptr();
    check(call!(
        C_WrapKey,
        session.0,
        mechanism,
        wrapping,
        key,
        out,
        &mut length
    ));
    wrapped.truncate(length as usize);
    Ok(wrapped)
}

pub(crate) fn unwrap(
    session: &Session,
    mechanism: &CK_MECHANISM,
    unwrapping: CK_OBJECT_HANDLE,
    wrapped: &[u8],
    template: &Attributes,
) -> Result<CK_OBJECT_HANDLE, Rv> {
    let (raw, mut key) = (template.raw(), 0);
    let code = call!(
        C_UnwrapKey,
        session.0,
        std::ptr::from_ref(mechanism).cast_mut(),
        unwrapping,
        mutable(wrapped),
        wrapped.len() as _,
        mutable(&raw),
        raw.len() as _,
        &mut key,
    );
    Rv::from_code(code).map_or(Ok(key), Err)
}

fn secret(key_type: CK_KEY_TYPE) -> Attributes {
    open()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, key_type)
}

#[test]
fn secret_keys_wrap_and_unwrap() {
    let session = Session::new();
    let roles = [CKA_WRAP, CKA_UNWRAP];
    let wrapping = Attributes::new().ulong(CKA_VALUE_LEN, 32).all_true(&roles);
    let wrapping = generate(&session, CKM_AES_KEY_GEN, &wrapping).expect("made");
    let public = Attributes::new()
        .ulong(CKA_MODULUS_BITS, 2048)
        .all_true(&[CKA_WRAP]);
    let private = Attributes::new().all_true(&[CKA_UNWRAP]);
    let (public, private) =
        generate_pair(&session, CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &private).expect("made");
    let iv = [3_u8; 16];
    let oaep = CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: CKM_SHA256,
        mgf: CKG_MGF1_SHA256,
        source: CKZ_DATA_SPECIFIED,
        pSourceData: null_mut(),
        ulSourceDataLen: 0,
    };
    for length in [16, 32] {
        let target = open().ulong(CKA_VALUE_LEN, length);
        let target = generate(&session, CKM_AES_KEY_GEN, &target).expect("made");
        let value = get(&session, target, CKA_VALUE).expect("open");
        for (out, back, mechanism) in [
            (wrapping, wrapping, mechanism(CKM_AES_KEY_WRAP)),
            (wrapping, wrapping, mechanism(CKM_AES_KEY_WRAP_KWP)),
            (wrapping, wrapping, mechanism(CKM_AES_KEY_WRAP_PAD)),
            (wrapping, wrapping, with_parameter(CKM_AES_CBC_PAD, &iv)),
            (public, private, mechanism(CKM_RSA_PKCS)),
            (public, private, with_parameter(CKM_RSA_PKCS_OAEP, &oaep)),
        ] {
            let name = mechanism.mechanism;
            let wrapped = wrap(&session, &mechanism, out, target).expect("wrapped");
            let template = secret(CKK_AES);
            let key = unwrap(&session, &mechanism, back, &wrapped, &template);
            let key = key.unwrap_or_else(|rv| panic!("{name:#x} {length}: {rv}"));
            assert_eq!(
                get(&session, key, CKA_VALUE).as_ref(),
                Ok(&value),
                "{name:#x}"
            );
            assert_eq!(get(&session, key, CKA_LOCAL), Ok(vec![0]));
            let with_length = template.ulong(CKA_VALUE_LEN, length);
            unwrap(&session, &mechanism, back, &wrapped, &with_length).expect("the right length");
            let mut wrong = wrapped.clone();
            *wrong.last_mut().expect("bytes") ^= 1;
            let refused = unwrap(&session, &mechanism, back, &wrong, &secret(CKK_AES));
            if name == CKM_RSA_PKCS {
                // Whether the padding was right is not told: another key comes out.
                let other = refused.expect("a key");
                assert_ne!(get(&session, other, CKA_VALUE).as_ref(), Ok(&value));
                continue;
            }
            assert!(
                matches!(
                    refused,
                    Err(Rv::WRAPPED_KEY_INVALID | Rv::WRAPPED_KEY_LEN_RANGE)
                ),
                "{name:#x}: {refused:?}"
            );
        }
    }
    let closed = Attributes::new().ulong(CKA_VALUE_LEN, 32);
    let closed = generate(&session, CKM_AES_KEY_GEN, &closed).expect("made");
    let kw = mechanism(CKM_AES_KEY_WRAP);
    assert_eq!(
        wrap(&session, &kw, wrapping, closed),
        Err(Rv::KEY_UNEXTRACTABLE)
    );
    assert_eq!(
        wrap(&session, &kw, 0, closed),
        Err(Rv::WRAPPING_KEY_HANDLE_INVALID)
    );
    assert_eq!(
        wrap(&session, &kw, wrapping, 0),
        Err(Rv::KEY_HANDLE_INVALID)
    );
    assert_eq!(
        wrap(&session, &kw, public, closed),
        Err(Rv::WRAPPING_KEY_TYPE_INCONSISTENT)
    );
    assert_eq!(
        wrap(&session, &kw, wrapping, public),
        Err(Rv::KEY_NOT_WRAPPABLE)
    );
}

#[test]
fn private_keys_wrap_and_unwrap() {
    let session = Session::new();
    let roles = [CKA_WRAP, CKA_UNWRAP];
    let wrapping = Attributes::new().ulong(CKA_VALUE_LEN, 32).all_true(&roles);
    let wrapping = generate(&session, CKM_AES_KEY_GEN, &wrapping).expect("made");
    let public = Attributes::new().bytes(CKA_EC_PARAMS, P256);
    let (public, private) =
        generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, &open()).expect("made");
    let kwp = mechanism(CKM_AES_KEY_WRAP_KWP);
    let wrapped = wrap(&session, &kwp, wrapping, private).expect("wrapped");
    let template = open()
        .ulong(CKA_CLASS, CKO_PRIVATE_KEY)
        .ulong(CKA_KEY_TYPE, CKK_EC);
    let back = unwrap(&session, &kwp, wrapping, &wrapped, &template).expect("unwrapped");
    assert_eq!(
        get(&session, back, CKA_VALUE),
        get(&session, private, CKA_VALUE)
    );
    assert_eq!(get(&session, back, CKA_EC_PARAMS), Ok(P256.to_vec()));
    let info = get(&session, public, CKA_PUBLIC_KEY_INFO);
    assert_eq!(get(&session, back, CKA_PUBLIC_KEY_INFO), info);
    let mut ecdsa = mechanism(CKM_ECDSA);
    let (mut signature, mut length) = ([0; 64], 64);
    check(call!(C_SignInit, session.0, &mut ecdsa, back));
    let out = signature.as_mut_ptr();
    check(call!(
        C_Sign,
        session.0,
        mutable(&[7; 32]),
        32,
        out,
        &mut length
    ));
    check(call!(C_VerifyInit, session.0, &mut ecdsa, public));
    check(call!(C_Verify, session.0, mutable(&[7; 32]), 32, out, 64));
}

#[test]
fn private_keys_are_imported_from_their_numbers() {
    let session = Session::new();
    let public = Attributes::new().ulong(CKA_MODULUS_BITS, 2048);
    let (public, private) =
        generate_pair(&session, CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &open()).expect("made");
    let all = [
        CKA_MODULUS,
        CKA_PUBLIC_EXPONENT,
        CKA_PRIVATE_EXPONENT,
        CKA_PRIME_1,
        CKA_PRIME_2,
        CKA_EXPONENT_1,
        CKA_EXPONENT_2,
        CKA_COEFFICIENT,
    ];
    // All of them, as Java does; without the remainders; the bare minimum.
    for given in [8, 5, 3] {
        let template = Attributes::new()
            .ulong(CKA_CLASS, CKO_PRIVATE_KEY)
            .ulong(CKA_KEY_TYPE, CKK_RSA)
            .all_true(&[CKA_SIGN]);
        let template = all[..given].iter().fold(template, |template, kind| {
            template.bytes(*kind, &get(&session, private, *kind).expect("open"))
        });
        let (code, imported) = create(&session, &template);
        check(code);
        assert_eq!(
            get(&session, imported, CKA_PRIME_1),
            Err(Rv::ATTRIBUTE_SENSITIVE)
        );
        assert_eq!(get(&session, imported, CKA_ALWAYS_SENSITIVE), Ok(vec![0]));
        let modulus = get(&session, imported, CKA_MODULUS);
        assert_eq!(modulus, get(&session, public, CKA_MODULUS));
        let mut rsa = mechanism(CKM_SHA256_RSA_PKCS);
        let (mut signature, mut length) = ([0; 256], 256);
        let out = signature.as_mut_ptr();
        check(call!(C_SignInit, session.0, &mut rsa, imported));
        check(call!(
            C_Sign,
            session.0,
            mutable(b"data"),
            4,
            out,
            &mut length
        ));
        check(call!(C_VerifyInit, session.0, &mut rsa, public));
        check(call!(C_Verify, session.0, mutable(b"data"), 4, out, length));
    }
    let public_template = Attributes::new()
        .ulong(CKA_CLASS, CKO_PUBLIC_KEY)
        .ulong(CKA_KEY_TYPE, CKK_RSA)
        .bytes(
            CKA_MODULUS,
            &get(&session, public, CKA_MODULUS).expect("public"),
        )
        .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
    let (code, imported) = create(&session, &public_template);
    check(code);
    assert_eq!(
        get(&session, imported, CKA_MODULUS_BITS),
        Ok(2048_u64.to_ne_bytes().to_vec())
    );
    assert_eq!(get(&session, imported, CKA_PRIVATE), Ok(vec![0]));
}

#[test]
fn two_parties_agree() {
    let session = Session::new();
    let x25519 = [6, 3, 0x2b, 0x65, 0x6e];
    for (kind, params, length) in [
        (CKM_EC_KEY_PAIR_GEN, P256, 32),
        (CKM_EC_KEY_PAIR_GEN, &[6, 5, 0x2b, 0x81, 4, 0, 10], 32),
        (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, &x25519[..], 32),
    ] {
        let public = Attributes::new().bytes(CKA_EC_PARAMS, params);
        let private = Attributes::new().all_true(&[CKA_DERIVE]);
        let pair = || generate_pair(&session, kind, &public, &private).expect("made");
        let (one, two) = (pair(), pair());
        let derive = |by, private, peer, template: &Attributes| {
            let point = get(&session, peer, CKA_EC_POINT).expect("public");
            let parameter = CK_ECDH1_DERIVE_PARAMS {
                kdf: CKD_NULL,
                ulSharedDataLen: 0,
                pSharedData: null_mut(),
                ulPublicDataLen: point.len() as _,
                pPublicData: mutable(&point),
            };
            let mut mechanism = with_parameter(by, &parameter);
            let (raw, mut key) = (template.raw(), 0);
            let count = raw.len() as _;
            let code = call!(
                C_DeriveKey,
                session.0,
                &mut mechanism,
                private,
                mutable(&raw),
                count,
                &mut key
            );
            Rv::from_code(code).map_or(Ok(key), Err)
        };
        let template = secret(CKK_GENERIC_SECRET);
        let here = derive(CKM_ECDH1_DERIVE, one.1, two.0, &template).expect("derived");
        // Where the cofactor is 1 the two are the same; X25519, of which it is part, has one of them.
        let other = match kind {
            CKM_EC_MONTGOMERY_KEY_PAIR_GEN => CKM_ECDH1_DERIVE,
            _ => CKM_ECDH1_COFACTOR_DERIVE,
        };
        let there = derive(other, two.1, one.0, &template).expect("derived");
        let shared = get(&session, here, CKA_VALUE).expect("open");
        assert_eq!(shared.len(), length);
        assert_eq!(get(&session, there, CKA_VALUE).as_ref(), Ok(&shared));
        // An AES key of the length that is asked for: "the truncation removes bytes from the
        // leading end".
        let aes = secret(CKK_AES).ulong(CKA_VALUE_LEN, 16);
        let aes = derive(CKM_ECDH1_DERIVE, one.1, two.0, &aes);
        let value = get(&session, aes.expect("derived"), CKA_VALUE).expect("open");
        assert_eq!(value, shared[16..]);
        let wrong = derive(CKM_ECDH1_DERIVE, one.0, two.0, &template);
        assert!(matches!(
            wrong,
            Err(Rv::KEY_FUNCTION_NOT_PERMITTED | Rv::KEY_TYPE_INCONSISTENT)
        ));
    }
}

#[test]
fn a_private_key_keeps_its_public_numbers_without_its_other_half() {
    let session = Session::new();
    let public = Attributes::new()
        .ulong(CKA_MODULUS_BITS, 2048)
        .bool(CKA_TOKEN, true);
    let private = Attributes::new().bool(CKA_TOKEN, true);
    let (public, private) =
        generate_pair(&session, CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &private).expect("made");
    let modulus = get(&session, public, CKA_MODULUS);
    assert_eq!(get(&session, private, CKA_MODULUS), modulus);
    check(call!(C_DestroyObject, session.0, public));
    assert_eq!(get(&session, private, CKA_MODULUS), modulus);
    check(call!(C_DestroyObject, session.0, private));
}

/// 3.2, 6.43: the parameter is whole blocks; "if the data is too short to make the requested key
/// then the mechanism returns CKR_DATA_LEN_RANGE".
#[test]
fn data_to_derive_from_has_its_length() {
    let session = Session::new();
    let base = Attributes::new()
        .ulong(CKA_VALUE_LEN, 32)
        .all_true(&[CKA_DERIVE]);
    let base = generate(&session, CKM_AES_KEY_GEN, &base).expect("made");
    for (length, wanted, answer) in [
        (32, None, None),
        (32, Some(16), None),
        (16, Some(32), Some(Rv::DATA_LEN_RANGE)),
        (31, None, Some(Rv::MECHANISM_PARAM_INVALID)),
        (0, None, Some(Rv::MECHANISM_PARAM_INVALID)),
    ] {
        let mut data = vec![7_u8; length];
        let parameter = CK_KEY_DERIVATION_STRING_DATA {
            pData: data.as_mut_ptr(),
            ulLen: length as CK_ULONG,
        };
        let mut mechanism = with_parameter(CKM_AES_ECB_ENCRYPT_DATA, &parameter);
        let mut template = secret(CKK_AES);
        if let Some(wanted) = wanted {
            template = template.ulong(CKA_VALUE_LEN, wanted);
        }
        let (raw, mut key) = (template.raw(), 0);
        let code = call!(
            C_DeriveKey,
            session.0,
            &mut mechanism,
            base,
            mutable(&raw),
            raw.len() as CK_ULONG,
            &mut key
        );
        assert_eq!(Rv::from_code(code), answer, "{length} bytes for {wanted:?}");
    }
}
