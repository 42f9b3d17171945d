//! What the profiles demand of functions, objects, attributes and mechanisms ("Base Profiles"), profile by profile.

use std::ptr::null_mut;

use cryptoki_sys::*;

use crate::support::*;

/// That the token says that it has a profile, to everybody.
fn shows(session: &Session, profile: CK_PROFILE_ID) {
    let template = Attributes::new()
        .ulong(CKA_CLASS, CKO_PROFILE)
        .ulong(CKA_PROFILE_ID, profile);
    assert_eq!(find(session, &template).len(), 1, "profile {profile}");
}

fn nobody() -> Session {
    module();
    // Nobody is logged in here.
    Session(raw_session(SPOILED, true))
}

#[test]
fn baseline_provider() {
    let session = nobody();
    shows(&session, CKP_BASELINE_PROVIDER);
    // Functions, through every way to them.
    let mut list = null_mut();
    check(call!(C_GetFunctionList, &mut list));
    assert!(!list.is_null());
    let mut count = 0;
    check(call!(C_GetInterfaceList, null_mut(), &mut count));
    assert!(count >= 3);
    let mut interface = null_mut();
    check(call!(
        C_GetInterface,
        null_mut(),
        null_mut(),
        &mut interface,
        0
    ));
    // SAFETY: an interface lives as long as the module.
    let newest = unsafe { &*interface };
    // SAFETY: every function list begins with its version.
    let version = unsafe { *newest.pFunctionList.cast::<CK_VERSION>() };
    assert_eq!((version.major, version.minor), (3, 2));
    // SAFETY: numbers and characters, of which all zeros are some.
    let mut info: CK_INFO = unsafe { std::mem::zeroed() };
    check(call!(C_GetInfo, &mut info));
    assert_eq!(
        (info.cryptokiVersion.major, info.cryptokiVersion.minor),
        (3, 2)
    );
    assert_eq!(info.flags, 0);
    let mut slots = 0;
    check(call!(C_GetSlotList, CK_TRUE, null_mut(), &mut slots));
    assert!(slots > 0);
    // SAFETY: as above.
    let mut slot: CK_SLOT_INFO = unsafe { std::mem::zeroed() };
    check(call!(C_GetSlotInfo, SPOILED, &mut slot));
    assert_ne!(slot.flags & CKF_TOKEN_PRESENT, 0);
    // SAFETY: as above.
    let mut token: CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
    check(call!(C_GetTokenInfo, SPOILED, &mut token));
    assert_ne!(token.flags & CKF_TOKEN_INITIALIZED, 0);
    let mut state = CK_SESSION_INFO {
        slotID: 0,
        state: 0,
        flags: 0,
        ulDeviceError: 0,
    };
    check(call!(C_GetSessionInfo, session.0, &mut state));
    // Attributes: of an object, and of the profile.
    let data = Attributes::new()
        .ulong(CKA_CLASS, CKO_DATA)
        .bool(CKA_PRIVATE, false)
        .bytes(CKA_LABEL, b"baseline")
        .bytes(CKA_VALUE, b"value");
    let (code, object) = create(&session, &data);
    check(code);
    for kind in [
        CKA_CLASS,
        CKA_TOKEN,
        CKA_VALUE,
        CKA_PRIVATE,
        CKA_MODIFIABLE,
        CKA_LABEL,
        CKA_UNIQUE_ID,
    ] {
        get(&session, object, kind).expect("an attribute of the profile");
    }
    let key = Attributes::new()
        .ulong(CKA_VALUE_LEN, 16)
        .bytes(CKA_ID, b"id");
    let key = generate(&session, CKM_AES_KEY_GEN, &key).expect("made");
    assert_eq!(get(&session, key, CKA_ID), Ok(b"id".to_vec()));
}

#[test]
fn extended_provider() {
    let session = nobody();
    shows(&session, CKP_EXTENDED_PROVIDER);
    let mut count = 0;
    check(call!(C_GetMechanismList, SPOILED, null_mut(), &mut count));
    let mut list = vec![0; count as usize];
    let into = list.as_mut_ptr();
    check(call!(C_GetMechanismList, SPOILED, into, &mut count));
    for kind in list {
        let mut info = CK_MECHANISM_INFO {
            ulMinKeySize: 0,
            ulMaxKeySize: 0,
            flags: 0,
        };
        check(call!(C_GetMechanismInfo, SPOILED, kind, &mut info));
        assert_ne!(info.flags, 0, "{kind:#x} does nothing");
    }
    // The logins are those of the next profile.
}

#[test]
fn authentication_token() {
    let session = Session::new();
    shows(&session, CKP_AUTHENTICATION_TOKEN);
    for user in [
        call!(
            C_LoginUser,
            session.0,
            CKU_USER,
            mutable(USER_PIN),
            USER_PIN.len() as _,
            null_mut(),
            0
        ),
        login(session.0, CKU_USER, USER_PIN),
    ] {
        // The user of this token is never logged out.
        refused(user, keybridge_pkcs11::rv::Rv::USER_ALREADY_LOGGED_IN);
    }
    let public = Attributes::new().bytes(CKA_EC_PARAMS, P256);
    let (public, private) =
        generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, &Attributes::new()).expect("made");
    for (object, class) in [(public, CKO_PUBLIC_KEY), (private, CKO_PRIVATE_KEY)] {
        let class = class.to_ne_bytes().to_vec();
        assert_eq!(get(&session, object, CKA_CLASS), Ok(class));
    }
    let mut by = mechanism(CKM_ECDSA_SHA256);
    let (mut signature, mut length) = ([0; 64], 64);
    let signature = signature.as_mut_ptr();
    check(call!(C_SignInit, session.0, &mut by, private));
    let (data, count) = (mutable(b"one part"), 8);
    check(call!(
        C_Sign,
        session.0,
        data,
        count,
        signature,
        &mut length
    ));
    check(call!(C_SignInit, session.0, &mut by, private));
    check(call!(C_SignUpdate, session.0, data, count));
    check(call!(C_SignFinal, session.0, signature, &mut length));
}

#[test]
fn public_certificates_token() {
    let session = Session::new();
    shows(&session, CKP_PUBLIC_CERTIFICATES_TOKEN);
    let (public, private) = (
        Attributes::new()
            .bytes(CKA_EC_PARAMS, P256)
            .bytes(CKA_ID, b"profile-certificate"),
        Attributes::new().bytes(CKA_ID, b"profile-certificate"),
    );
    let (public, private) = (public.bool(CKA_PRIVATE, false), private);
    generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, &private).expect("made");
    let by_id = || Attributes::new().bytes(CKA_ID, b"profile-certificate");
    let certificate = by_id()
        .ulong(CKA_CLASS, CKO_CERTIFICATE)
        .ulong(CKA_CERTIFICATE_TYPE, CKC_X_509)
        .bytes(CKA_SUBJECT, &[0x30, 0])
        .bytes(CKA_URL, b"https://certificates.test/one.der")
        .bytes(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, &[1; 20])
        .bytes(CKA_HASH_OF_ISSUER_PUBLIC_KEY, &[2; 20]);
    check(create(&session, &certificate).0);
    // All are found by the one identifier; the certificate and the public key by everybody, as they are not private.
    for class in [CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY] {
        let found = find(&session, &by_id().ulong(CKA_CLASS, class));
        assert_eq!(found.len(), 1, "class {class}");
        let private = get(&session, found[0], CKA_PRIVATE).expect("known");
        assert_eq!(
            private,
            [u8::from(class == CKO_PRIVATE_KEY)],
            "class {class}"
        );
    }
}

#[test]
fn hkdf_tls_token() {
    let session = Session::new();
    shows(&session, CKP_HKDF_TLS_TOKEN);
    let secret = Attributes::new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, CKK_HKDF)
        .bytes(CKA_VALUE, &[7; 32])
        .bool(CKA_SENSITIVE, true)
        .bool(CKA_DERIVE, true);
    let (code, base) = create(&session, &secret);
    check(code);
    // What TLS 1.3 and QUIC ask for, with the length in front: neither may be refused.
    for words in [&b"tls iv\0"[..], b"tls quic iv\0"] {
        let length: CK_ULONG = 12;
        let information = [&[0, 12][..], words].concat();
        let parameter = CK_HKDF_PARAMS {
            bExtract: CK_FALSE,
            bExpand: CK_TRUE,
            prfHashMechanism: CKM_SHA256,
            ulSaltType: CKF_HKDF_SALT_NULL,
            pSalt: null_mut(),
            ulSaltLen: 0,
            hSaltKey: 0,
            pInfo: mutable(&information),
            ulInfoLen: information.len() as _,
        };
        let data = Attributes::new()
            .ulong(CKA_CLASS, CKO_DATA)
            .ulong(CKA_VALUE_LEN, length);
        let by = with_parameter(CKM_HKDF_DATA, &parameter);
        let object = crate::derivations::derive(&session, by, base, &data).expect("derived");
        let value = get(&session, object, CKA_VALUE).expect("open");
        assert_eq!(value.len(), 12);
        let class = CKO_DATA.to_ne_bytes().to_vec();
        assert_eq!(get(&session, object, CKA_CLASS), Ok(class));
    }
}
