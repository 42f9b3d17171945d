//! Encapsulation by ECDH (PKCS#11 3.2 6.3.17, 6.3.18): the ciphertext is a public key made for it.

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::derivations::{derive, open, secret};
use crate::mechanism_samples::{X25519, ecdh};
use crate::support::*;

/// `CKA_EC_PARAMS` of P-384.
const P384: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x22];

fn encapsulate(
    session: &Session,
    mechanism: &mut CK_MECHANISM,
    public: CK_OBJECT_HANDLE,
    template: &Attributes,
    room: usize,
) -> Result<(Vec<u8>, CK_OBJECT_HANDLE), (Rv, CK_ULONG)> {
    let (raw, mut key) = (template.raw(), 0);
    let mut ciphertext = vec![0; room];
    let mut length = room as CK_ULONG;
    let code = call!(
        C_EncapsulateKey,
        session.0,
        mechanism,
        public,
        mutable(&raw),
        raw.len() as _,
        ciphertext.as_mut_ptr(),
        &mut length,
        &mut key
    );
    if let Some(rv) = Rv::from_code(code) {
        return Err((rv, length));
    }
    ciphertext.truncate(length as usize);
    Ok((ciphertext, key))
}

fn decapsulate(
    session: &Session,
    mechanism: &mut CK_MECHANISM,
    private: CK_OBJECT_HANDLE,
    template: &Attributes,
    ciphertext: &[u8],
) -> Result<CK_OBJECT_HANDLE, Rv> {
    let (raw, mut key) = (template.raw(), 0);
    let code = call!(
        C_DecapsulateKey,
        session.0,
        mechanism,
        private,
        mutable(&raw),
        raw.len() as _,
        mutable(ciphertext),
        ciphertext.len() as _,
        &mut key
    );
    Rv::from_code(code).map_or(Ok(key), Err)
}

#[test]
fn a_secret_goes_to_the_holder_of_a_key_that_agrees() {
    let session = Session::new();
    for (kind, curve, point, field) in [
        (CKM_EC_KEY_PAIR_GEN, P256, 65, 32),
        (CKM_EC_KEY_PAIR_GEN, P384, 97, 48),
        (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, X25519, 32, 32),
    ] {
        let public = Attributes::new()
            .bytes(CKA_EC_PARAMS, curve)
            .bool(CKA_ENCAPSULATE, true);
        let private = Attributes::new().all_true(&[CKA_DECAPSULATE, CKA_DERIVE]);
        let pair = generate_pair(&session, kind, &public, &private).expect("made");
        let generic = open(secret(CKK_GENERIC_SECRET));
        for (kdf, template, length) in [
            (CKD_NULL, generic.clone(), field),
            (CKD_NULL, generic.clone().ulong(CKA_VALUE_LEN, 16), 16),
            (CKD_SHA384_KDF, generic.clone(), 48),
            (CKD_SHA256_KDF, generic.ulong(CKA_VALUE_LEN, 100), 100),
            (
                CKD_SHA256_KDF_SP800,
                open(secret(CKK_AES)).ulong(CKA_VALUE_LEN, 32),
                32,
            ),
        ] {
            let parameter = ecdh(kdf, &[]);
            let mut mechanism = with_parameter(CKM_ECDH1_DERIVE, &parameter);
            let small = encapsulate(&session, &mut mechanism, pair.0, &template, point - 1);
            assert_eq!(small, Err((Rv::BUFFER_TOO_SMALL, point as CK_ULONG)));
            let made = encapsulate(&session, &mut mechanism, pair.0, &template, 200);
            let (ciphertext, sent) = made.expect("made");
            assert_eq!(ciphertext.len(), point);
            let value = get(&session, sent, CKA_VALUE).expect("open");
            assert_eq!(value.len(), length);
            let opened = decapsulate(&session, &mut mechanism, pair.1, &template, &ciphertext);
            let opened = opened.expect("opened");
            assert_eq!(get(&session, opened, CKA_VALUE).expect("open"), value);
            for key in [sent, opened] {
                for flag in [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
                    assert_eq!(get(&session, key, flag).expect("there"), [CK_FALSE]);
                }
            }
            // "the ciphertext is used with the private key … using EC Derive"
            if length != 48 || kdf == CKD_NULL {
                let parameter = ecdh(kdf, &ciphertext);
                let mechanism = with_parameter(CKM_ECDH1_DERIVE, &parameter);
                let derived = derive(&session, mechanism, pair.1, &template).expect("derived");
                assert_eq!(get(&session, derived, CKA_VALUE).expect("open"), value);
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let session = Session::new();
    let curve = || Attributes::new().bytes(CKA_EC_PARAMS, P256);
    let public = curve().bool(CKA_ENCAPSULATE, true);
    let private = Attributes::new().bool(CKA_DECAPSULATE, true);
    let kind = CKM_EC_KEY_PAIR_GEN;
    let pair = generate_pair(&session, kind, &public, &private).expect("made");
    let template = open(secret(CKK_GENERIC_SECRET));
    let parameter = ecdh(CKD_NULL, &[]);
    let mut mechanism = with_parameter(CKM_ECDH1_COFACTOR_DERIVE, &parameter);
    let made = encapsulate(&session, &mut mechanism, pair.0, &template, 200);
    let (ciphertext, _) = made.expect("made");
    let mut wrong = ciphertext.clone();
    wrong[64] ^= 1;
    for (ciphertext, expected) in [
        (&ciphertext[1..], Rv::WRAPPED_KEY_LEN_RANGE),
        (&[], Rv::WRAPPED_KEY_LEN_RANGE),
        (&wrong, Rv::WRAPPED_KEY_INVALID),
    ] {
        let opened = decapsulate(&session, &mut mechanism, pair.1, &template, ciphertext);
        assert_eq!(opened, Err(expected));
    }
    // "pPublicData and ulPublicDataLen must be set to NULL and 0 respectively"
    let given = ecdh(CKD_NULL, &ciphertext);
    let mut with_point = with_parameter(CKM_ECDH1_DERIVE, &given);
    let made = encapsulate(&session, &mut with_point, pair.0, &template, 200);
    assert_eq!(
        made.map_err(|error| error.0),
        Err(Rv::MECHANISM_PARAM_INVALID)
    );
    // More than the shared secret has.
    let long = template.clone().ulong(CKA_VALUE_LEN, 33);
    let made = encapsulate(&session, &mut mechanism, pair.0, &long, 200);
    assert_eq!(
        made.map_err(|error| error.0),
        Err(Rv::TEMPLATE_INCONSISTENT)
    );
    // 6.3.18: CKK_EC only.
    let montgomery = Attributes::new()
        .bytes(CKA_EC_PARAMS, X25519)
        .bool(CKA_ENCAPSULATE, true);
    let kind_of_it = CKM_EC_MONTGOMERY_KEY_PAIR_GEN;
    let montgomery = generate_pair(&session, kind_of_it, &montgomery, &private).expect("made");
    let made = encapsulate(&session, &mut mechanism, montgomery.0, &template, 200);
    assert_eq!(
        made.map_err(|error| error.0),
        Err(Rv::KEY_TYPE_INCONSISTENT)
    );
    // Keys that are not for it, and handles of other keys.
    let plain = generate_pair(&session, kind, &curve(), &Attributes::new()).expect("made");
    let made = encapsulate(&session, &mut mechanism, plain.0, &template, 200);
    let refused = Err(Rv::KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(made.map_err(|error| error.0), refused);
    let opened = decapsulate(&session, &mut mechanism, plain.1, &template, &ciphertext);
    assert_eq!(opened, Err(Rv::KEY_FUNCTION_NOT_PERMITTED));
    let aes = Attributes::new().ulong(CKA_VALUE_LEN, 16);
    let aes = generate(&session, CKM_AES_KEY_GEN, &aes).expect("made");
    let opened = decapsulate(&session, &mut mechanism, aes, &template, &ciphertext);
    assert_eq!(opened, Err(Rv::UNWRAPPING_KEY_TYPE_INCONSISTENT));
    let opened = decapsulate(&session, &mut mechanism, 999_999, &template, &ciphertext);
    assert_eq!(opened, Err(Rv::UNWRAPPING_KEY_HANDLE_INVALID));
}
