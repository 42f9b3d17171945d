//! Sessions, logins, PINs. The tests of logins take turns: a token has one login a process.

use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    module();
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn state(session: CK_SESSION_HANDLE) -> CK_STATE {
    let mut info = CK_SESSION_INFO {
        slotID: 99,
        state: 99,
        flags: 0,
        ulDeviceError: 9,
    };
    check(call!(C_GetSessionInfo, session, &mut info));
    assert_eq!((info.slotID, info.ulDeviceError), (LOGINS, 0));
    info.state
}

#[test]
fn opening() {
    let _turn = alone();
    let mut session = 0;
    let open = |slot, flags, session: &mut CK_SESSION_HANDLE| {
        call!(C_OpenSession, slot, flags, null_mut(), None, session)
    };
    refused(
        open(LOGINS, CKF_RW_SESSION, &mut session),
        Rv::SESSION_PARALLEL_NOT_SUPPORTED,
    );
    refused(
        open(77, CKF_SERIAL_SESSION, &mut session),
        Rv::SLOT_ID_INVALID,
    );
    let flags = CKF_SERIAL_SESSION | CKF_ASYNC_SESSION;
    refused(
        open(LOGINS, flags, &mut session),
        Rv::SESSION_ASYNC_NOT_SUPPORTED,
    );
    check(open(LOGINS, CKF_SERIAL_SESSION, &mut session));
    assert_eq!(state(session), CKS_RO_PUBLIC_SESSION);
    check(call!(C_CloseSession, session));
    refused(call!(C_CloseSession, session), Rv::SESSION_HANDLE_INVALID);
    refused(call!(C_CloseAllSessions, 77), Rv::SLOT_ID_INVALID);
}

#[test]
fn the_user_logs_in_for_all_sessions() {
    let _turn = alone();
    let (one, two) = (raw_session(LOGINS, true), raw_session(LOGINS, false));
    refused(login(one, 77, USER_PIN), Rv::USER_TYPE_INVALID);
    refused(login(one, CKU_USER, b"wrong pin"), Rv::PIN_INCORRECT);
    let mut info = token_info();
    assert_ne!(info.flags & CKF_USER_PIN_COUNT_LOW, 0);
    check(login(one, CKU_USER, USER_PIN));
    info = token_info();
    assert_eq!(info.flags & CKF_USER_PIN_COUNT_LOW, 0);
    assert_eq!(
        (state(one), state(two)),
        (CKS_RW_USER_FUNCTIONS, CKS_RO_USER_FUNCTIONS)
    );
    refused(login(two, CKU_USER, USER_PIN), Rv::USER_ALREADY_LOGGED_IN);
    refused(
        login(two, CKU_SO, SO_PIN),
        Rv::USER_ANOTHER_ALREADY_LOGGED_IN,
    );
    refused(
        login(two, CKU_CONTEXT_SPECIFIC, USER_PIN),
        Rv::OPERATION_NOT_INITIALIZED,
    );
    check(call!(C_Logout, two));
    assert_eq!(
        (state(one), state(two)),
        (CKS_RW_PUBLIC_SESSION, CKS_RO_PUBLIC_SESSION)
    );
    refused(call!(C_Logout, two), Rv::USER_NOT_LOGGED_IN);
    refused(login(one, CKU_SO, SO_PIN), Rv::SESSION_READ_ONLY_EXISTS);
    check(call!(C_CloseSession, two));
    check(login(one, CKU_SO, SO_PIN));
    assert_eq!(state(one), CKS_RW_SO_FUNCTIONS);
    let mut session = 0;
    let code = call!(
        C_OpenSession,
        LOGINS,
        CKF_SERIAL_SESSION,
        null_mut(),
        None,
        &mut session
    );
    refused(code, Rv::SESSION_READ_WRITE_SO_EXISTS);
    check(call!(C_CloseAllSessions, LOGINS));
    // The last session took the login with it.
    let three = raw_session(LOGINS, true);
    assert_eq!(state(three), CKS_RW_PUBLIC_SESSION);
    check(call!(C_CloseSession, three));
}

fn token_info() -> CK_TOKEN_INFO {
    let mut info = std::mem::MaybeUninit::uninit();
    check(call!(C_GetTokenInfo, LOGINS, info.as_mut_ptr()));
    // SAFETY: filled by the function.
    unsafe { info.assume_init() }
}

#[test]
fn private_objects_are_for_those_logged_in() {
    let _turn = alone();
    let session = Session(raw_session(LOGINS, true));
    let key = |stored| {
        let template = Attributes::new()
            .ulong(CKA_VALUE_LEN, 32)
            .bool(CKA_TOKEN, stored)
            .bytes(CKA_LABEL, b"private key");
        generate(&session, CKM_AES_KEY_GEN, &template)
    };
    assert_eq!(key(true), Err(Rv::USER_NOT_LOGGED_IN));
    check(login(session.0, CKU_USER, USER_PIN));
    let (stored, transient) = (key(true).expect("made"), key(false).expect("made"));
    let mut ecb = mechanism(CKM_AES_ECB);
    check(call!(C_EncryptInit, session.0, &mut ecb, stored));
    check(call!(C_Logout, session.0));
    let by_label = Attributes::new().bytes(CKA_LABEL, b"private key");
    assert!(find(&session, &by_label).is_empty());
    assert_eq!(get_error(&session, stored), Rv::OBJECT_HANDLE_INVALID);
    let (mut out, mut length) = ([0; 16], 16);
    let code = call!(
        C_Encrypt,
        session.0,
        mutable(&[0; 16]),
        16,
        out.as_mut_ptr(),
        &mut length
    );
    refused(code, Rv::OPERATION_NOT_INITIALIZED);
    check(login(session.0, CKU_USER, USER_PIN));
    // "Those handles remain invalid", and private session objects are gone.
    assert_eq!(get_error(&session, stored), Rv::OBJECT_HANDLE_INVALID);
    assert_eq!(get_error(&session, transient), Rv::OBJECT_HANDLE_INVALID);
    let found = find(&session, &by_label);
    assert_eq!(found.len(), 1);
    assert_eq!(get(&session, found[0], CKA_TOKEN), Ok(vec![1]));
    check(call!(C_DestroyObject, session.0, found[0]));
    check(call!(C_Logout, session.0));
}

fn get_error(session: &Session, object: CK_OBJECT_HANDLE) -> Rv {
    let mut size = 0;
    let code = call!(C_GetObjectSize, session.0, object, &mut size);
    Rv::from_code(code).expect("refused")
}

#[test]
fn read_only_sessions_change_nothing_that_stays() {
    let _turn = alone();
    let session = Session(raw_session(LOGINS, false));
    check(login(session.0, CKU_USER, USER_PIN));
    let key = |stored| {
        let template = Attributes::new()
            .ulong(CKA_VALUE_LEN, 16)
            .bool(CKA_TOKEN, stored);
        generate(&session, CKM_AES_KEY_GEN, &template)
    };
    assert_eq!(key(true), Err(Rv::SESSION_READ_ONLY));
    key(false).expect("session objects are fine");
    let pin = (mutable(USER_PIN), USER_PIN.len() as _);
    refused(
        call!(C_SetPIN, session.0, pin.0, pin.1, pin.0, pin.1),
        Rv::SESSION_READ_ONLY,
    );
    check(call!(C_Logout, session.0));
}

#[test]
fn pins_change() {
    let _turn = alone();
    let session = Session(raw_session(LOGINS, true));
    let set = |old: &[u8], new: &[u8]| {
        let (old_length, new_length) = (old.len() as _, new.len() as _);
        call!(
            C_SetPIN,
            session.0,
            mutable(old),
            old_length,
            mutable(new),
            new_length
        )
    };
    refused(set(b"not the pin", b"new-pin-1"), Rv::PIN_INCORRECT);
    refused(set(USER_PIN, b"1"), Rv::PIN_LEN_RANGE);
    check(set(USER_PIN, b"new-pin-1"));
    refused(login(session.0, CKU_USER, USER_PIN), Rv::PIN_INCORRECT);
    check(login(session.0, CKU_USER, b"new-pin-1"));
    check(set(b"new-pin-1", USER_PIN));
    let init = call!(C_InitPIN, session.0, mutable(USER_PIN), USER_PIN.len() as _);
    refused(init, Rv::USER_NOT_LOGGED_IN);
    let label = [b'x'; 32];
    let code = call!(
        C_InitToken,
        LOGINS,
        mutable(SO_PIN),
        SO_PIN.len() as _,
        mutable(&label)
    );
    refused(code, Rv::SESSION_EXISTS);
    check(call!(C_Logout, session.0));
}

#[test]
fn a_token_says_what_it_is() {
    let _turn = alone();
    let info = token_info();
    assert_eq!(&info.label[..5], b"test ");
    let flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
    assert_eq!(info.flags & flags, flags);
    assert_eq!(info.flags & CKF_WRITE_PROTECTED, 0);
    assert!(info.serialNumber.iter().all(u8::is_ascii_graphic));
    let mut count = 0;
    check(call!(C_GetSlotList, 1, null_mut(), &mut count));
    assert_eq!(count, 7);
    let mut slots = [9; 7];
    check(call!(C_GetSlotList, 0, slots.as_mut_ptr(), &mut count));
    let tokens = [MAIN, SPOILED, LOGINS, FRESH, UNMADE, UNNUMBERED, VENDOR];
    assert_eq!(slots, tokens);
    check(call!(C_GetMechanismList, LOGINS, null_mut(), &mut count));
    let mut mechanisms = vec![0; count as usize];
    check(call!(
        C_GetMechanismList,
        LOGINS,
        mechanisms.as_mut_ptr(),
        &mut count
    ));
    for kind in mechanisms {
        let mut info = CK_MECHANISM_INFO {
            ulMinKeySize: 0,
            ulMaxKeySize: 0,
            flags: 0,
        };
        check(call!(C_GetMechanismInfo, LOGINS, kind, &mut info));
        assert_ne!(info.flags, 0, "{kind:#x}");
    }
    let mut slot = 0;
    let code = call!(C_WaitForSlotEvent, CKF_DONT_BLOCK, &mut slot, null_mut());
    refused(code, Rv::NO_EVENT);
}

/// "Error codes from Section 5.1.2 take precedence": with a session that is not there nothing else
/// that is wrong is told.
#[test]
fn a_wrong_session_is_the_first_thing_wrong() {
    let session = Session::new();
    let gone = raw_session(LOGINS, false);
    check(call!(C_CloseSession, gone));
    let (unknown, mut key) = (&mut mechanism(CKM_VENDOR_DEFINED | 0x77_7777), 0);
    let mut results = |session| {
        [
            call!(C_GenerateKey, session, unknown, null_mut(), 3, null_mut()),
            call!(C_GenerateKey, session, unknown, null_mut(), 0, &mut key),
            call!(C_DigestInit, session, unknown),
            call!(C_EncryptInit, session, unknown, 0),
            call!(C_Encrypt, session, null_mut(), 5, null_mut(), null_mut()),
            call!(C_FindObjects, session, null_mut(), 5, null_mut()),
            call!(C_GenerateRandom, session, null_mut(), 5),
        ]
    };
    for code in results(gone) {
        refused(code, Rv::SESSION_HANDLE_INVALID);
    }
    let told = results(session.0);
    refused(told[0], Rv::ARGUMENTS_BAD);
    refused(told[2], Rv::MECHANISM_INVALID);
    assert!(told.iter().all(|code| *code != CKR_SESSION_HANDLE_INVALID));
}
