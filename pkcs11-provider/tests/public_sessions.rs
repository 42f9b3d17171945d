//! What can be done before anybody logs in.

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

fn stranger() -> Session {
    module();
    Session(raw_session(SPOILED, true))
}

fn public() -> Attributes {
    Attributes::new().bool(CKA_PRIVATE, false)
}

#[test]
fn public_session_objects_are_made_and_used_by_everybody() {
    let session = stranger();
    let key = public().ulong(CKA_VALUE_LEN, 32);
    let key = generate(&session, CKM_AES_KEY_GEN, &key).expect("made");
    let mut ecb = mechanism(CKM_AES_ECB);
    check(call!(C_EncryptInit, session.0, &mut ecb, key));
    let (mut out, mut length) = ([0; 16], 16);
    check(call!(
        C_Encrypt,
        session.0,
        mutable(&[1; 16]),
        16,
        out.as_mut_ptr(),
        &mut length
    ));
    check(call!(C_DecryptInit, session.0, &mut ecb, key));
    let data = public()
        .ulong(CKA_CLASS, CKO_DATA)
        .bytes(CKA_LABEL, b"scratch")
        .bytes(CKA_VALUE, b"paper");
    let (code, object) = create(&session, &data);
    check(code);
    assert_eq!(get(&session, object, CKA_VALUE), Ok(b"paper".to_vec()));
    let relabel = Attributes::new().bytes(CKA_LABEL, b"new");
    let (raw, mut copy) = (relabel.raw(), 0);
    let raw = mutable(&raw);
    check(call!(C_SetAttributeValue, session.0, object, raw, 1));
    check(call!(C_CopyObject, session.0, object, raw, 1, &mut copy));
    check(call!(C_DestroyObject, session.0, object));
    let pair = public().bytes(CKA_EC_PARAMS, P256);
    let pair = generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &pair, &public());
    let (_, private) = pair.expect("made");
    let mut ecdsa = mechanism(CKM_ECDSA_SHA256);
    check(call!(C_SignInit, session.0, &mut ecdsa, private));
}

#[test]
fn what_is_private_or_stored_needs_a_login() {
    let session = stranger();
    let length = || Attributes::new().ulong(CKA_VALUE_LEN, 32);
    let refused_to = Err(Rv::USER_NOT_LOGGED_IN);
    let private = length().bool(CKA_PRIVATE, true);
    assert_eq!(generate(&session, CKM_AES_KEY_GEN, &private), refused_to);
    // What is stored is private when nobody says otherwise.
    let stored = length().bool(CKA_TOKEN, true);
    assert_eq!(generate(&session, CKM_AES_KEY_GEN, &stored), refused_to);
    let stored = length().bool(CKA_PRIVATE, false).bool(CKA_TOKEN, true);
    assert_eq!(generate(&session, CKM_AES_KEY_GEN, &stored), refused_to);
    let pair = public().bytes(CKA_EC_PARAMS, P256);
    let private = Attributes::new().bool(CKA_PRIVATE, true);
    let pair = generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &pair, &private);
    assert_eq!(pair, Err(Rv::USER_NOT_LOGGED_IN));
    let data = public().ulong(CKA_CLASS, CKO_DATA);
    let (code, object) = create(&session, &data);
    check(code);
    for change in [
        Attributes::new().bool(CKA_TOKEN, true),
        Attributes::new().bool(CKA_PRIVATE, true),
    ] {
        let (raw, mut copy) = (change.raw(), 0);
        let code = call!(C_CopyObject, session.0, object, mutable(&raw), 1, &mut copy);
        refused(code, Rv::USER_NOT_LOGGED_IN);
    }
}

/// OpenSSL's provider makes the secrets of a connection so: a session object, before any login, of
/// which nothing says whether it is private.
#[test]
fn before_a_login_session_objects_are_public_when_nobody_says_otherwise() {
    let session = stranger();
    let secret = Attributes::new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
        .bytes(CKA_VALUE, b"a secret of six words or so");
    let (code, object) = create(&session, &secret);
    check(code);
    let aes = Attributes::new().ulong(CKA_VALUE_LEN, 16);
    let made = generate(&session, CKM_AES_KEY_GEN, &aes).expect("made");
    for key in [object, made] {
        assert_eq!(get(&session, key, CKA_PRIVATE), Ok(vec![0]));
        assert_eq!(get(&session, key, CKA_TOKEN), Ok(vec![0]));
        assert_eq!(get(&session, key, CKA_VALUE), Err(Rv::ATTRIBUTE_SENSITIVE));
    }
    // After a login they are private, as ever.
    let session = Session::new();
    let (code, object) = create(&session, &secret);
    check(code);
    assert_eq!(get(&session, object, CKA_PRIVATE), Ok(vec![1]));
}
