//! Saved states of operations.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

fn update(session: &Session, data: &[u8]) {
    let length = data.len() as _;
    check(call!(C_DigestUpdate, session.0, mutable(data), length));
}

fn digest(session: &Session) -> [u8; 20] {
    let (mut out, mut length) = ([0; 20], 20);
    check(call!(
        C_DigestFinal,
        session.0,
        out.as_mut_ptr(),
        &mut length
    ));
    out
}

fn state(session: &Session) -> Vec<u8> {
    let mut length = 0;
    check(call!(
        C_GetOperationState,
        session.0,
        null_mut(),
        &mut length
    ));
    let mut state = vec![0; length as usize];
    let mut short = length - 1;
    refused(
        call!(
            C_GetOperationState,
            session.0,
            state.as_mut_ptr(),
            &mut short
        ),
        Rv::BUFFER_TOO_SMALL,
    );
    assert_eq!(short, length);
    check(call!(
        C_GetOperationState,
        session.0,
        state.as_mut_ptr(),
        &mut length
    ));
    state
}

fn restore(session: &Session, state: &[u8], keys: (u64, u64)) -> CK_RV {
    let length = state.len() as _;
    call!(
        C_SetOperationState,
        session.0,
        mutable(state),
        length,
        keys.0,
        keys.1
    )
}

/// The example of the standard, in two sessions and more than once.
#[test]
fn a_digest_goes_on_from_a_saved_state() {
    let (session, other) = (Session::new(), Session::new());
    let mut sha1 = mechanism(CKM_SHA_1);
    check(call!(C_DigestInit, session.0, &mut sha1));
    update(&session, &[1, 3, 5, 7]);
    let saved = state(&session);
    update(&session, &[2, 4, 8]);
    check(restore(&session, &saved, (0, 0)));
    update(&session, &[0x10, 0x0f, 0x0e, 0x0d, 0x0c]);
    let first = digest(&session);
    check(restore(&other, &saved, (0, 0)));
    update(&other, &[0x10, 0x0f, 0x0e, 0x0d, 0x0c]);
    assert_eq!(digest(&other), first);
    check(call!(C_DigestInit, other.0, &mut sha1));
    update(&other, &[1, 3, 5, 7, 0x10, 0x0f, 0x0e, 0x0d, 0x0c]);
    assert_eq!(digest(&other), first);
}

#[test]
fn what_is_no_saved_state_is_refused() {
    let session = Session::new();
    let mut length = 0;
    refused(
        call!(C_GetOperationState, session.0, null_mut(), &mut length),
        Rv::OPERATION_NOT_INITIALIZED,
    );
    check(call!(C_DigestInit, session.0, &mut mechanism(CKM_SHA_1)));
    let mut saved = state(&session);
    refused(restore(&session, &saved, (1, 0)), Rv::KEY_NOT_NEEDED);
    refused(restore(&session, &saved, (0, 1)), Rv::KEY_NOT_NEEDED);
    refused(
        restore(&session, &saved[1..], (0, 0)),
        Rv::SAVED_STATE_INVALID,
    );
    refused(restore(&session, &[], (0, 0)), Rv::SAVED_STATE_INVALID);
    // Of another state of a session, and of another token.
    let read_only = Session(raw_session(MAIN, false));
    refused(restore(&read_only, &saved, (0, 0)), Rv::SAVED_STATE_INVALID);
    let elsewhere = Session(raw_session(LOGINS, true));
    refused(restore(&elsewhere, &saved, (0, 0)), Rv::SAVED_STATE_INVALID);
    saved[20] ^= 1;
    refused(restore(&session, &saved, (0, 0)), Rv::SAVED_STATE_INVALID);
}

#[test]
fn operations_with_keys_stay_where_they_are() {
    let session = Session::new();
    let template = Attributes::new().ulong(CKA_VALUE_LEN, 32);
    let key = generate(&session, CKM_AES_KEY_GEN, &template).expect("made");
    check(call!(C_DigestInit, session.0, &mut mechanism(CKM_SHA_1)));
    let saved = state(&session);
    let mut ecb = mechanism(CKM_AES_ECB);
    check(call!(C_EncryptInit, session.0, &mut ecb, key));
    let mut length = 0;
    refused(
        call!(C_GetOperationState, session.0, null_mut(), &mut length),
        Rv::STATE_UNSAVEABLE,
    );
    // Restoring ends what was active.
    check(restore(&session, &saved, (0, 0)));
    check(call!(C_EncryptInit, session.0, &mut ecb, key));
}
