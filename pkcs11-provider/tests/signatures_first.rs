//! Signatures of messages, and signatures that come before their data.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

fn ec(session: &Session, private: &Attributes) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let public = Attributes::new().bytes(CKA_EC_PARAMS, P256);
    generate_pair(session, CKM_EC_KEY_PAIR_GEN, &public, private).expect("made")
}

fn sign_message(session: &Session, data: &[u8]) -> Result<Vec<u8>, Rv> {
    let (mut out, mut length) = (vec![0; 64], 64);
    let code = call!(
        C_SignMessage,
        session.0,
        null_mut(),
        0,
        mutable(data),
        data.len() as _,
        out.as_mut_ptr(),
        &mut length
    );
    out.truncate(length as usize);
    Rv::from_code(code).map_or(Ok(out), Err)
}

fn verify_message(session: &Session, data: &[u8], signature: &[u8]) -> Option<Rv> {
    Rv::from_code(call!(
        C_VerifyMessage,
        session.0,
        null_mut(),
        0,
        mutable(data),
        data.len() as _,
        mutable(signature),
        signature.len() as _
    ))
}

fn part(session: &Session, data: &[u8], out: *mut u8, length: *mut CK_ULONG) -> CK_RV {
    let (data, data_length) = (mutable(data), data.len() as _);
    call!(
        C_SignMessageNext,
        session.0,
        null_mut(),
        0,
        data,
        data_length,
        out,
        length
    )
}

fn verify_part(session: &Session, data: &[u8], signature: &[u8]) -> CK_RV {
    let out = if signature.is_empty() {
        null_mut()
    } else {
        mutable(signature)
    };
    let (data, data_length) = (mutable(data), data.len() as _);
    let length = signature.len() as _;
    call!(
        C_VerifyMessageNext,
        session.0,
        null_mut(),
        0,
        data,
        data_length,
        out,
        length
    )
}

#[test]
fn messages_are_signed_and_verified() {
    let session = Session::new();
    let (public, private) = ec(&session, &Attributes::new());
    let mut ecdsa = mechanism(CKM_ECDSA_SHA256);
    check(call!(C_MessageSignInit, session.0, &mut ecdsa, private));
    check(call!(C_MessageVerifyInit, session.0, &mut ecdsa, public));
    for data in [&b"one"[..], b"two"] {
        let signature = sign_message(&session, data).expect("signed");
        assert_eq!(verify_message(&session, data, &signature), None);
        let wrong = verify_message(&session, b"three", &signature);
        assert_eq!(wrong, Some(Rv::SIGNATURE_INVALID));
        let short = verify_message(&session, data, &signature[1..]);
        assert_eq!(short, Some(Rv::SIGNATURE_LEN_RANGE));
    }
    check(call!(C_SignMessageBegin, session.0, null_mut(), 0));
    assert_eq!(sign_message(&session, b"x"), Err(Rv::OPERATION_ACTIVE));
    check(part(&session, b"in ", null_mut(), null_mut()));
    let (mut out, mut length) = ([0; 64], 0);
    check(part(&session, b"parts", null_mut(), &mut length));
    assert_eq!(length, 64);
    length = 63;
    let small = part(&session, b"parts", out.as_mut_ptr(), &mut length);
    refused(small, Rv::BUFFER_TOO_SMALL);
    check(part(&session, b"parts", out.as_mut_ptr(), &mut length));
    assert_eq!(verify_message(&session, b"in parts", &out), None);
    check(call!(C_VerifyMessageBegin, session.0, null_mut(), 0));
    check(verify_part(&session, b"in p", b""));
    check(verify_part(&session, b"arts", &out));
    check(call!(C_VerifyMessageBegin, session.0, null_mut(), 0));
    refused(verify_part(&session, b"in p", &out), Rv::SIGNATURE_INVALID);
    refused(
        verify_part(&session, b"in p", &out),
        Rv::OPERATION_NOT_INITIALIZED,
    );
    check(call!(C_MessageSignFinal, session.0));
    check(call!(C_MessageVerifyFinal, session.0));
    refused(
        call!(C_MessageSignFinal, session.0),
        Rv::OPERATION_NOT_INITIALIZED,
    );
}

#[test]
fn one_proof_is_enough_for_a_process() {
    let session = Session::new();
    let always = Attributes::new().bool(CKA_ALWAYS_AUTHENTICATE, true);
    let (_, private) = ec(&session, &always);
    let mut ecdsa = mechanism(CKM_ECDSA_SHA256);
    check(call!(C_MessageSignInit, session.0, &mut ecdsa, private));
    assert_eq!(sign_message(&session, b"x"), Err(Rv::USER_NOT_LOGGED_IN));
    check(login(session.0, CKU_CONTEXT_SPECIFIC, USER_PIN));
    sign_message(&session, b"x").expect("signed");
    sign_message(&session, b"y").expect("signed");
    check(call!(C_MessageSignFinal, session.0));
    check(call!(C_MessageSignInit, session.0, &mut ecdsa, private));
    assert_eq!(sign_message(&session, b"x"), Err(Rv::USER_NOT_LOGGED_IN));
}

#[test]
fn a_signature_may_come_before_its_data() {
    let session = Session::new();
    let (public, private) = ec(&session, &Attributes::new());
    let mut ecdsa = mechanism(CKM_ECDSA_SHA256);
    check(call!(C_MessageSignInit, session.0, &mut ecdsa, private));
    let signature = sign_message(&session, b"data").expect("signed");
    let mut start = |signature: &[u8]| {
        let length = signature.len() as _;
        call!(
            C_VerifySignatureInit,
            session.0,
            &mut ecdsa,
            public,
            mutable(signature),
            length
        )
    };
    check(start(&signature));
    refused(start(&signature), Rv::OPERATION_ACTIVE);
    check(call!(C_VerifySignature, session.0, mutable(b"data"), 4));
    check(start(&signature));
    check(call!(C_VerifySignatureUpdate, session.0, mutable(b"da"), 2));
    check(call!(C_VerifySignatureUpdate, session.0, mutable(b"ta"), 2));
    check(call!(C_VerifySignatureFinal, session.0));
    refused(
        call!(C_VerifySignatureFinal, session.0),
        Rv::OPERATION_NOT_INITIALIZED,
    );
    check(start(&signature));
    refused(
        call!(C_VerifySignature, session.0, mutable(b"atad"), 4),
        Rv::SIGNATURE_INVALID,
    );
    check(start(&signature[1..]));
    refused(
        call!(C_VerifySignature, session.0, mutable(b"data"), 4),
        Rv::SIGNATURE_LEN_RANGE,
    );
    check(start(&signature));
    check(call!(
        C_VerifySignatureInit,
        session.0,
        null_mut(),
        0,
        null_mut(),
        0
    ));
    check(start(&signature));
    check(call!(C_SessionCancel, session.0, CKF_VERIFY));
    refused(
        call!(C_VerifySignature, session.0, mutable(b"data"), 4),
        Rv::OPERATION_NOT_INITIALIZED,
    );
}

#[test]
fn no_session_was_ever_validated() {
    let session = Session::new();
    let mut flags = 9;
    let kind = CKS_LAST_VALIDATION_OK;
    check(call!(
        C_GetSessionValidationFlags,
        session.0,
        kind,
        &mut flags
    ));
    assert_eq!(flags, 0);
    refused(
        call!(C_GetSessionValidationFlags, session.0, 7, &mut flags),
        Rv::ARGUMENTS_BAD,
    );
}
