//! Tokens of one configuration: each its own, and initialized by whoever comes first.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

fn info(slot: CK_SLOT_ID) -> CK_TOKEN_INFO {
    // SAFETY: numbers and characters, of which all zeros are some.
    let mut info: CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
    check(call!(C_GetTokenInfo, slot, &mut info));
    info
}

fn initialize(pin: &[u8]) -> CK_RV {
    // As PyKCS11 gives it: a C string, and whatever stands behind it.
    let mut label = [0xff; 32];
    label[..6].copy_from_slice(b"fresh\0");
    let label = label.as_mut_ptr();
    call!(C_InitToken, FRESH, mutable(pin), pin.len() as _, label)
}

#[test]
fn every_token_is_there_and_has_a_serial_number_of_its_own() {
    module();
    let (mut slots, mut count) = ([0; 8], 8);
    check(call!(
        C_GetSlotList,
        CK_TRUE,
        slots.as_mut_ptr(),
        &mut count
    ));
    let slots = &slots[..count as usize];
    let tokens = [MAIN, SPOILED, LOGINS, FRESH, UNMADE, UNNUMBERED, VENDOR];
    assert_eq!(slots, tokens);
    // One has no account yet, and so no number.
    let slots = slots.iter().filter(|slot| **slot != UNMADE);
    let slots: Vec<_> = slots.collect();
    let mut serials: Vec<_> = slots.iter().map(|slot| info(**slot).serialNumber).collect();
    serials.sort_unstable();
    serials.dedup();
    // Two slots show one account.
    assert_eq!(serials.len(), slots.len() - 1);
    assert!(serials.iter().all(|serial| serial[0] != b' '));
}

/// From nothing to a PIN that is locked: what `CK_TOKEN_INFO` says at each step.
#[test]
fn a_fresh_token_is_initialized() {
    module();
    let before = info(FRESH);
    let set = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
    assert_eq!(before.flags & set, 0);
    let mut session = 0;
    let open = |session: &mut CK_SESSION_HANDLE| {
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        call!(C_OpenSession, FRESH, flags, null_mut(), None, session)
    };
    refused(open(&mut session), Rv::TOKEN_NOT_RECOGNIZED);
    check(initialize(SO_PIN));
    let after = info(FRESH);
    assert_eq!(after.flags & set, CKF_TOKEN_INITIALIZED);
    assert_eq!(after.serialNumber, before.serialNumber);
    assert_eq!(&after.label[..6], b"fresh ");
    check(open(&mut session));
    refused(
        login(session, CKU_USER, USER_PIN),
        Rv::USER_PIN_NOT_INITIALIZED,
    );
    // Not while there are sessions.
    refused(initialize(SO_PIN), Rv::SESSION_EXISTS);
    check(login(session, CKU_SO, SO_PIN));
    let (pin, length) = (mutable(USER_PIN), USER_PIN.len() as _);
    check(call!(C_InitPIN, session, pin, length));
    check(call!(C_Logout, session));
    assert_eq!(info(FRESH).flags & set, set);
    // Wrong tries are counted, the last one is announced, and then it is locked.
    let pin_flags = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
    assert_eq!(info(FRESH).flags & pin_flags, 0);
    let mut seen = Vec::new();
    while seen.last() != Some(&CKF_USER_PIN_LOCKED) {
        assert_ne!(login(session, CKU_USER, b"wrong-pin"), CKR_OK);
        seen.push(info(FRESH).flags & pin_flags);
        assert!(seen.len() < 20, "{seen:x?}");
    }
    assert_eq!(seen.first(), Some(&CKF_USER_PIN_COUNT_LOW));
    let last_but_one = seen[seen.len() - 2];
    assert_eq!(
        last_but_one,
        CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY
    );
    refused(login(session, CKU_USER, USER_PIN), Rv::PIN_LOCKED);
    check(call!(C_CloseSession, session));
    // Initialized again, by its SO alone, it has no user and no lock.
    refused(initialize(b"not-the-so"), Rv::PIN_INCORRECT);
    assert_eq!(
        info(FRESH).flags & CKF_SO_PIN_COUNT_LOW,
        CKF_SO_PIN_COUNT_LOW
    );
    check(initialize(SO_PIN));
    let again = info(FRESH);
    assert_eq!(again.flags & (set | pin_flags), CKF_TOKEN_INITIALIZED);
    assert_eq!(again.serialNumber, before.serialNumber);
}

/// A token whose account is in the configuration and not in the store is an uninitialized one, and
/// `C_InitToken` makes the account.
#[test]
fn a_token_without_an_account_is_initialized() {
    module();
    let before = info(UNMADE);
    assert_eq!(before.flags & CKF_TOKEN_INITIALIZED, 0);
    let mut session = 0;
    let flags = CKF_SERIAL_SESSION;
    let code = call!(C_OpenSession, UNMADE, flags, null_mut(), None, &mut session);
    refused(code, Rv::TOKEN_NOT_RECOGNIZED);
    let mut label = [b' '; 32];
    label[..4].copy_from_slice(b"made");
    let (pin, length) = (mutable(SO_PIN), SO_PIN.len() as _);
    let label = label.as_mut_ptr();
    check(call!(C_InitToken, UNMADE, pin, length, label));
    let after = info(UNMADE);
    assert_ne!(after.flags & CKF_TOKEN_INITIALIZED, 0);
    assert_eq!(&after.label[..5], b"made ");
    assert!(after.serialNumber.iter().all(u8::is_ascii_graphic));
    let session = Session(raw_session(UNMADE, true));
    check(login(session.0, CKU_SO, SO_PIN));
    check(call!(C_Logout, session.0));
}
