//! Profiles and mechanisms as objects.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

#[test]
fn profiles_are_found_by_everybody() {
    module();
    // Nobody is logged in here.
    let session = Session(raw_session(SPOILED, false));
    let profiles = Attributes::new().ulong(CKA_CLASS, CKO_PROFILE);
    let found = find(&session, &profiles);
    let ids: Vec<_> = found
        .iter()
        .map(|profile| get(&session, *profile, CKA_PROFILE_ID).expect("an id"))
        .map(|id| CK_ULONG::from_ne_bytes(id.try_into().expect("a number")))
        .collect();
    assert_eq!(ids, [1, 2, 3, 4, CKP_HKDF_TLS_TOKEN]);
    let profile = found[0];
    assert_eq!(get(&session, profile, CKA_TOKEN), Ok(vec![1]));
    assert_eq!(get(&session, profile, CKA_PRIVATE), Ok(vec![0]));
    let class = CKO_PROFILE.to_ne_bytes().to_vec();
    assert_eq!(get(&session, profile, CKA_CLASS), Ok(class));
    let name = get(&session, profile, CKA_UNIQUE_ID).expect("a name");
    let again = profiles.clone().bytes(CKA_UNIQUE_ID, &name);
    assert_eq!(find(&session, &again), [profile]);
    assert_eq!(
        get(&session, profile, CKA_VALUE),
        Err(Rv::ATTRIBUTE_TYPE_INVALID)
    );
    let mut size = 0;
    check(call!(C_GetObjectSize, session.0, profile, &mut size));
    assert!(size > 8);
    let one = Attributes::new().ulong(CKA_PROFILE_ID, CKP_EXTENDED_PROVIDER);
    assert_eq!(find(&session, &one), [found[1]]);
    let none = profiles.ulong(CKA_PROFILE_ID, CKP_COMPLETE_PROVIDER);
    assert_eq!(find(&session, &none), [0; 0]);
}

#[test]
fn a_mechanism_is_an_object_too() {
    let session = Session::new();
    let all = find(&session, &Attributes::new().ulong(CKA_CLASS, CKO_MECHANISM));
    let mut count = 0;
    check(call!(C_GetMechanismList, MAIN, null_mut(), &mut count));
    assert_eq!(all.len(), count as usize);
    let gcm = Attributes::new().ulong(CKA_MECHANISM_TYPE, CKM_AES_GCM);
    let gcm = find(&session, &gcm);
    assert_eq!(gcm.len(), 1);
    let number = CKM_AES_GCM.to_ne_bytes().to_vec();
    assert_eq!(get(&session, gcm[0], CKA_MECHANISM_TYPE), Ok(number));
}

#[test]
fn nobody_changes_what_nobody_made() {
    let session = Session::new();
    let profiles = Attributes::new().ulong(CKA_CLASS, CKO_PROFILE);
    let profile = find(&session, &profiles)[0];
    let (template, mut copy) = (Attributes::new().bytes(CKA_LABEL, b"x"), 0);
    let raw = template.raw();
    let raw = mutable(&raw);
    for code in [
        call!(C_DestroyObject, session.0, profile),
        call!(C_SetAttributeValue, session.0, profile, raw, 1),
        call!(C_CopyObject, session.0, profile, raw, 1, &mut copy),
    ] {
        refused(code, Rv::ACTION_PROHIBITED);
    }
    let (code, _) = create(&session, &profiles);
    refused(code, Rv::ATTRIBUTE_VALUE_INVALID);
    let mut ecb = mechanism(CKM_AES_ECB);
    refused(
        call!(C_EncryptInit, session.0, &mut ecb, profile),
        Rv::KEY_HANDLE_INVALID,
    );
    // A program that lists everything sees what was put here.
    let everything = find(&session, &Attributes::new().bool(CKA_TOKEN, true));
    assert!(!everything.contains(&profile));
}
