//! ML-KEM and ML-DSA through the C functions.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

fn open(attributes: Attributes) -> Attributes {
    attributes
        .bool(CKA_SENSITIVE, false)
        .bool(CKA_EXTRACTABLE, true)
}

fn pair(
    session: &Session,
    kind: CK_MECHANISM_TYPE,
    set: CK_ULONG,
) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let public = Attributes::new().ulong(CKA_PARAMETER_SET, set);
    generate_pair(session, kind, &public, &open(Attributes::new())).expect("made")
}

pub(crate) fn encapsulate(
    session: &Session,
    public: CK_OBJECT_HANDLE,
    template: &Attributes,
    ciphertext: Option<&mut Vec<u8>>,
    length: &mut CK_ULONG,
) -> Result<CK_OBJECT_HANDLE, Rv> {
    let (mut mechanism, raw, mut key) = (mechanism(CKM_ML_KEM), template.raw(), 0);
    let count = raw.len() as _;
    let buffer = ciphertext.map_or(null_mut(), |buffer| buffer.as_mut_ptr());
    let code = call!(
        C_EncapsulateKey,
        session.0,
        &mut mechanism,
        public,
        mutable(&raw),
        count,
        buffer,
        length,
        &mut key
    );
    Rv::from_code(code).map_or(Ok(key), Err)
}

pub(crate) fn decapsulate(
    session: &Session,
    private: CK_OBJECT_HANDLE,
    template: &Attributes,
    ciphertext: &[u8],
) -> Result<CK_OBJECT_HANDLE, Rv> {
    let (mut mechanism, raw, mut key) = (mechanism(CKM_ML_KEM), template.raw(), 0);
    let count = raw.len() as _;
    let code = call!(
        C_DecapsulateKey,
        session.0,
        &mut mechanism,
        private,
        mutable(&raw),
        count,
        mutable(ciphertext),
        ciphertext.len() as _,
        &mut key
    );
    Rv::from_code(code).map_or(Ok(key), Err)
}

#[test]
fn a_secret_goes_to_the_holder_of_the_private_key() {
    let session = Session::new();
    for (set, size) in [
        (CKP_ML_KEM_512, 768),
        (CKP_ML_KEM_768, 1088),
        (CKP_ML_KEM_1024, 1568),
    ] {
        let (public, private) = pair(&session, CKM_ML_KEM_KEY_PAIR_GEN, set);
        for (template, bytes) in [
            (open(Attributes::new()), 32),
            (
                open(Attributes::new())
                    .ulong(CKA_KEY_TYPE, CKK_AES)
                    .ulong(CKA_VALUE_LEN, 16),
                16,
            ),
        ] {
            let mut length = 0;
            encapsulate(&session, public, &template, None, &mut length).expect("a size");
            assert_eq!(length, size);
            let mut ciphertext = vec![0; size as usize];
            length = size - 1;
            let small = encapsulate(
                &session,
                public,
                &template,
                Some(&mut ciphertext),
                &mut length,
            );
            assert_eq!(small, Err(Rv::BUFFER_TOO_SMALL));
            assert_eq!(length, size);
            let mine = encapsulate(
                &session,
                public,
                &template,
                Some(&mut ciphertext),
                &mut length,
            )
            .expect("made");
            let theirs = decapsulate(&session, private, &template, &ciphertext).expect("opened");
            let value = get(&session, mine, CKA_VALUE).expect("open");
            assert_eq!(value.len(), bytes);
            assert_eq!(get(&session, theirs, CKA_VALUE), Ok(value.clone()));
            ciphertext[9] ^= 1;
            let other = decapsulate(&session, private, &template, &ciphertext).expect("another");
            assert_ne!(get(&session, other, CKA_VALUE), Ok(value));
            assert_eq!(
                decapsulate(&session, private, &template, &ciphertext[1..]),
                Err(Rv::WRAPPED_KEY_LEN_RANGE)
            );
        }
        let long = Attributes::new().ulong(CKA_VALUE_LEN, 33);
        let mut length = 0;
        assert_eq!(
            encapsulate(&session, public, &long, None, &mut length),
            Err(Rv::TEMPLATE_INCONSISTENT)
        );
        // The private half opens, and does nothing else.
        let mut length = size;
        let mut ciphertext = vec![0; size as usize];
        let wrong = encapsulate(
            &session,
            private,
            &Attributes::new(),
            Some(&mut ciphertext),
            &mut length,
        );
        assert_eq!(wrong, Err(Rv::KEY_FUNCTION_NOT_PERMITTED));
    }
}

/// A pair by its attributes: what one half says makes it again.
/// What goes to a public key opens, or what is signed verifies.
fn works(
    session: &Session,
    key_type: CK_KEY_TYPE,
    (public, private): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
) {
    if key_type == CKK_ML_KEM {
        let secret = open(
            Attributes::new()
                .ulong(CKA_CLASS, CKO_SECRET_KEY)
                .ulong(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
        );
        let (mut ciphertext, mut length) = (vec![0; 2000], 2000);
        let sent = encapsulate(session, public, &secret, Some(&mut ciphertext), &mut length);
        let sent = get(session, sent.expect("encapsulated"), CKA_VALUE);
        let got = decapsulate(session, private, &secret, &ciphertext[..length as usize]);
        assert_eq!(get(session, got.expect("decapsulated"), CKA_VALUE), sent);
        return;
    }
    let (mut by, mut signature, mut length) = (mechanism(CKM_ML_DSA), vec![0; 5000], 5000);
    let data = mutable(b"data");
    check(call!(C_SignInit, session.0, &mut by, private));
    check(call!(
        C_Sign,
        session.0,
        data,
        4,
        signature.as_mut_ptr(),
        &mut length
    ));
    check(call!(C_VerifyInit, session.0, &mut by, public));
    check(call!(
        C_Verify,
        session.0,
        data,
        4,
        signature.as_mut_ptr(),
        length
    ));
}

fn wrapped_and_unwrapped(
    session: &Session,
    key_type: CK_KEY_TYPE,
    key: CK_OBJECT_HANDLE,
) -> CK_OBJECT_HANDLE {
    let by = Attributes::new()
        .ulong(CKA_VALUE_LEN, 32)
        .all_true(&[CKA_WRAP, CKA_UNWRAP]);
    let by = generate(session, CKM_AES_KEY_GEN, &by).expect("made");
    let kwp = mechanism(CKM_AES_KEY_WRAP_KWP);
    let wrapped = crate::keys::wrap(session, &kwp, by, key).expect("wrapped");
    let template = open(
        Attributes::new()
            .ulong(CKA_CLASS, CKO_PRIVATE_KEY)
            .ulong(CKA_KEY_TYPE, key_type)
            .bool(CKA_SIGN, true),
    );
    crate::keys::unwrap(session, &kwp, by, &wrapped, &template).expect("unwrapped")
}

#[test]
fn keys_come_in_by_their_seed_or_their_value() {
    let session = Session::new();
    for (kind, key_type, set, public_length) in [
        (CKM_ML_KEM_KEY_PAIR_GEN, CKK_ML_KEM, CKP_ML_KEM_768, 1184),
        (CKM_ML_DSA_KEY_PAIR_GEN, CKK_ML_DSA, CKP_ML_DSA_65, 1952),
    ] {
        let (public, private) = pair(&session, kind, set);
        let seed = get(&session, private, CKA_SEED).expect("open");
        let value = get(&session, private, CKA_VALUE).expect("open");
        let point = get(&session, public, CKA_VALUE).expect("public");
        assert_eq!(point.len(), public_length);
        assert_eq!(
            get(&session, private, CKA_PARAMETER_SET),
            Ok(set.to_ne_bytes().to_vec())
        );
        let template = |class| {
            Attributes::new()
                .ulong(CKA_CLASS, class)
                .ulong(CKA_KEY_TYPE, key_type)
                .ulong(CKA_PARAMETER_SET, set)
        };
        let by_seed = open(template(CKO_PRIVATE_KEY)).bytes(CKA_SEED, &seed);
        let (code, again) = create(&session, &by_seed);
        check(code);
        assert_eq!(get(&session, again, CKA_VALUE).as_ref(), Ok(&value));
        assert_eq!(
            get(&session, again, CKA_PUBLIC_KEY_INFO),
            get(&session, public, CKA_PUBLIC_KEY_INFO)
        );
        let both = by_seed.bytes(CKA_VALUE, &value);
        check(create(&session, &both).0);
        let mut other = value.clone();
        other[0] ^= 1;
        let wrong = open(template(CKO_PRIVATE_KEY))
            .bytes(CKA_SEED, &seed)
            .bytes(CKA_VALUE, &other);
        refused(create(&session, &wrong).0, Rv::ATTRIBUTE_VALUE_INVALID);
        let without = || open(template(CKO_PRIVATE_KEY)).bool(CKA_SIGN, true);
        refused(create(&session, &without()).0, Rv::TEMPLATE_INCOMPLETE);
        let (code, expanded) = create(&session, &without().bytes(CKA_VALUE, &value));
        check(code);
        assert_eq!(get(&session, expanded, CKA_VALUE).as_ref(), Ok(&value));
        assert_eq!(get(&session, expanded, CKA_SEED), Ok(Vec::new()));
        assert_eq!(
            get(&session, expanded, CKA_PUBLIC_KEY_INFO),
            get(&session, public, CKA_PUBLIC_KEY_INFO)
        );
        works(&session, key_type, (public, expanded));
        let unwrapped = wrapped_and_unwrapped(&session, key_type, expanded);
        assert_eq!(get(&session, unwrapped, CKA_VALUE).as_ref(), Ok(&value));
        works(&session, key_type, (public, unwrapped));
        // Of ML-KEM the hash of the public key, of ML-DSA a coefficient.
        let at = value.len() - 40;
        other = value.clone();
        other[at] ^= 1;
        let wrong = without().bytes(CKA_VALUE, &other);
        refused(create(&session, &wrong).0, Rv::ATTRIBUTE_VALUE_INVALID);
        let public = template(CKO_PUBLIC_KEY).bytes(CKA_VALUE, &point);
        check(create(&session, &public).0);
        let cut = template(CKO_PUBLIC_KEY).bytes(CKA_VALUE, &point[1..]);
        refused(create(&session, &cut).0, Rv::ATTRIBUTE_VALUE_INVALID);
    }
    let unknown = Attributes::new().ulong(CKA_PARAMETER_SET, 9);
    let made = generate_pair(
        &session,
        CKM_ML_DSA_KEY_PAIR_GEN,
        &unknown,
        &Attributes::new(),
    );
    assert_eq!(made, Err(Rv::PARAMETER_SET_NOT_SUPPORTED));
}

#[test]
fn signatures_with_a_context() {
    let session = Session::new();
    let (public, private) = pair(&session, CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_44);
    // Longer than any context, so that a wrong length is no wrong pointer.
    let mut context = [0; 256];
    context[..7].copy_from_slice(b"context");
    let parameter = |hedge, length| CK_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: hedge,
        pContext: mutable(&context),
        ulContextLen: length,
    };
    let sign = |mut mechanism: CK_MECHANISM, data: &[u8]| {
        let code = call!(C_SignInit, session.0, &mut mechanism, private);
        if let Some(rv) = Rv::from_code(code) {
            return Err(rv);
        }
        let mut signature = vec![0; 2420];
        let mut length = 2420;
        check(call!(
            C_Sign,
            session.0,
            mutable(data),
            data.len() as _,
            signature.as_mut_ptr(),
            &mut length
        ));
        assert_eq!(length, 2420);
        Ok(signature)
    };
    let verify = |mut mechanism: CK_MECHANISM, data: &[u8], signature: &[u8]| {
        check(call!(C_VerifyInit, session.0, &mut mechanism, public));
        call!(
            C_Verify,
            session.0,
            mutable(data),
            data.len() as _,
            mutable(signature),
            signature.len() as _
        )
    };
    let deterministic = parameter(CKH_DETERMINISTIC_REQUIRED, 7);
    let hedged = parameter(CKH_HEDGE_REQUIRED, 7);
    for kind in [CKM_ML_DSA, CKM_HASH_ML_DSA_SHA256, CKM_HASH_ML_DSA_SHAKE256] {
        let one = sign(with_parameter(kind, &deterministic), b"data").expect("signed");
        let two = sign(with_parameter(kind, &deterministic), b"data").expect("signed");
        assert_eq!(one, two);
        let three = sign(with_parameter(kind, &hedged), b"data").expect("signed");
        assert_ne!(one, three);
        for signature in [&one, &three] {
            check(verify(with_parameter(kind, &hedged), b"data", signature));
        }
        refused(
            verify(mechanism(kind), b"data", &one),
            Rv::SIGNATURE_INVALID,
        );
        refused(
            verify(with_parameter(kind, &hedged), b"date", &one),
            Rv::SIGNATURE_INVALID,
        );
    }
    for wrong in [parameter(9, 7), parameter(0, 256)] {
        let refused = sign(with_parameter(CKM_ML_DSA, &wrong), b"data");
        assert_eq!(refused, Err(Rv::MECHANISM_PARAM_INVALID));
    }
}
