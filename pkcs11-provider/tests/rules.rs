//! Rules of attributes that no other module's tests meet on their way.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::keys::wrap;
use crate::post_quantum::{decapsulate, encapsulate};
use crate::sessions::alone;
use crate::support::*;

fn new() -> Attributes {
    Attributes::new()
}

fn aes(session: &Session, more: Attributes) -> Result<CK_OBJECT_HANDLE, Rv> {
    generate(session, CKM_AES_KEY_GEN, &more.ulong(CKA_VALUE_LEN, 32))
}

fn set(session: &Session, object: CK_OBJECT_HANDLE, attributes: &Attributes) -> CK_RV {
    let raw = attributes.raw();
    let count = raw.len() as _;
    call!(C_SetAttributeValue, session.0, object, mutable(&raw), count)
}

#[track_caller]
fn copy(
    session: &Session,
    object: CK_OBJECT_HANDLE,
    more: &Attributes,
) -> Result<CK_OBJECT_HANDLE, Rv> {
    let (raw, mut copy) = (more.raw(), 0);
    let count = raw.len() as _;
    let template = mutable(&raw);
    let code = call!(C_CopyObject, session.0, object, template, count, &mut copy);
    Rv::from_code(code).map_or(Ok(copy), Err)
}

#[test]
fn what_may_not_be_modified_or_destroyed_is_not() {
    let session = Session::new();
    let fixed = aes(&session, new().bool(CKA_MODIFIABLE, false)).expect("made");
    for change in [new().bytes(CKA_LABEL, b"x"), new().bool(CKA_SIGN, true)] {
        refused(set(&session, fixed, &change), Rv::ACTION_PROHIBITED);
    }
    assert_eq!(get(&session, fixed, CKA_LABEL), Ok(vec![]));
    // A copy may be another's to change.
    let free = copy(&session, fixed, &new().bool(CKA_MODIFIABLE, true)).expect("copied");
    check(set(&session, free, &new().bytes(CKA_LABEL, b"x")));
    let kept = aes(&session, new().bool(CKA_DESTROYABLE, false)).expect("made");
    refused(
        call!(C_DestroyObject, session.0, kept),
        Rv::ACTION_PROHIBITED,
    );
    refused(
        set(&session, kept, &new().bool(CKA_DESTROYABLE, true)),
        Rv::ATTRIBUTE_READ_ONLY,
    );
    assert_eq!(get(&session, kept, CKA_DESTROYABLE), Ok(vec![0]));
    let gone = copy(&session, kept, &new().bool(CKA_DESTROYABLE, true)).expect("copied");
    check(call!(C_DestroyObject, session.0, gone));
}

/// "for reference only": a key whose dates are over works on. What is no date is refused.
#[test]
fn dates_are_kept_and_must_be_dates() {
    let session = Session::new();
    let dated = new()
        .bytes(CKA_START_DATE, b"20200101")
        .bytes(CKA_END_DATE, b"20201231");
    let key = aes(&session, dated).expect("made");
    assert_eq!(get(&session, key, CKA_START_DATE), Ok(b"20200101".to_vec()));
    assert_eq!(get(&session, key, CKA_END_DATE), Ok(b"20201231".to_vec()));
    let mut ecb = mechanism(CKM_AES_ECB);
    check(call!(C_EncryptInit, session.0, &mut ecb, key));
    check(set(&session, key, &new().bytes(CKA_END_DATE, b"20280229")));
    assert_eq!(
        find(&session, &new().bytes(CKA_END_DATE, b"20280229")),
        [key]
    );
    for none in [&b""[..], &[0; 8]] {
        check(set(&session, key, &new().bytes(CKA_END_DATE, none)));
        assert_eq!(get(&session, key, CKA_END_DATE), Ok(vec![]));
    }
    for wrong in [
        &b"20261301"[..],
        b"20260001",
        b"20260132",
        b"20260431",
        b"20270229",
        b"2026010a",
        b"18991231",
        b"2026010",
        b"202601011",
        &[0, 0, 0, 0, 0, 0, 0, 1],
    ] {
        for kind in [CKA_START_DATE, CKA_END_DATE] {
            let template = new().bytes(kind, wrong);
            refused(set(&session, key, &template), Rv::ATTRIBUTE_VALUE_INVALID);
            assert_eq!(
                aes(&session, template),
                Err(Rv::ATTRIBUTE_VALUE_INVALID),
                "{wrong:?}"
            );
        }
    }
}

#[test]
fn what_is_encapsulated_becomes_what_the_templates_say() {
    let session = Session::new();
    let inner = || {
        new()
            .ulong(CKA_CLASS, CKO_SECRET_KEY)
            .ulong(CKA_KEY_TYPE, CKK_AES)
            .bool(CKA_EXTRACTABLE, false)
            .bytes(CKA_LABEL, b"agreed")
            .leaked()
    };
    let public = new()
        .ulong(CKA_PARAMETER_SET, CKP_ML_KEM_768)
        .bool(CKA_ENCAPSULATE, true)
        .template(CKA_ENCAPSULATE_TEMPLATE, inner());
    let private = new()
        .bool(CKA_DECAPSULATE, true)
        .template(CKA_DECAPSULATE_TEMPLATE, inner());
    let pair = generate_pair(&session, CKM_ML_KEM_KEY_PAIR_GEN, &public, &private);
    let (public, private) = pair.expect("made");
    let (mut ciphertext, mut length) = (vec![0; 1088], 1088);
    let mut make = |template: &Attributes| {
        encapsulate(
            &session,
            public,
            template,
            Some(&mut ciphertext),
            &mut length,
        )
    };
    let sent = make(&new()).expect("encapsulated");
    let against = [
        new().bytes(CKA_LABEL, b"other"),
        new().bool(CKA_EXTRACTABLE, true),
        new().ulong(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
    ];
    for template in &against {
        assert_eq!(make(template), Err(Rv::KEY_HANDLE_INVALID));
    }
    make(&new().bytes(CKA_LABEL, b"agreed")).expect("it agrees");
    let sealed = ciphertext.clone();
    let got = decapsulate(&session, private, &new(), &sealed).expect("decapsulated");
    for key in [sent, got] {
        assert_eq!(get(&session, key, CKA_LABEL), Ok(b"agreed".to_vec()));
        assert_eq!(get(&session, key, CKA_EXTRACTABLE), Ok(vec![0]));
        let aes = CKK_AES.to_ne_bytes().to_vec();
        assert_eq!(get(&session, key, CKA_KEY_TYPE), Ok(aes));
    }
    for template in &against {
        let refused = decapsulate(&session, private, template, &sealed);
        assert!(refused.is_err(), "{refused:?}");
    }
}

/// The SO vouches for a wrapping key, and only under such a key does one leave that asks for it.
#[test]
fn the_officer_vouches_and_the_user_does_not() {
    let _turn = alone();
    let session = Session(raw_session(LOGINS, true));
    check(login(session.0, CKU_USER, USER_PIN));
    let open = new().bool(CKA_TOKEN, true).bool(CKA_PRIVATE, false);
    let wraps = open.all_true(&[CKA_WRAP, CKA_UNWRAP]);
    let wrapping = aes(&session, wraps.clone().bytes(CKA_LABEL, b"vouched for"));
    let wrapping = wrapping.expect("made");
    let other = aes(&session, wraps.clone()).expect("made");
    let vouched = new().bool(CKA_TRUSTED, true);
    refused(set(&session, wrapping, &vouched), Rv::ATTRIBUTE_READ_ONLY);
    assert_eq!(
        aes(&session, wraps.bool(CKA_TRUSTED, true)),
        Err(Rv::ATTRIBUTE_READ_ONLY)
    );
    assert_eq!(
        copy(&session, wrapping, &vouched),
        Err(Rv::ATTRIBUTE_READ_ONLY)
    );
    check(call!(C_Logout, session.0));

    check(login(session.0, CKU_SO, SO_PIN));
    let seen = find(&session, &new().bytes(CKA_LABEL, b"vouched for"));
    assert_eq!(seen.len(), 1);
    check(set(&session, seen[0], &vouched));
    check(call!(C_Logout, session.0));

    check(login(session.0, CKU_USER, USER_PIN));
    assert_eq!(get(&session, wrapping, CKA_TRUSTED), Ok(vec![1]));
    let shy = new().all_true(&[CKA_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED]);
    let shy = aes(&session, shy).expect("made");
    refused(
        set(&session, shy, &new().bool(CKA_WRAP_WITH_TRUSTED, false)),
        Rv::ATTRIBUTE_READ_ONLY,
    );
    let kwp = mechanism(CKM_AES_KEY_WRAP_KWP);
    for key in [shy, copy(&session, shy, &new()).expect("copied")] {
        assert_eq!(wrap(&session, &kwp, other, key), Err(Rv::KEY_NOT_WRAPPABLE));
        wrap(&session, &kwp, wrapping, key).expect("under a trusted key");
    }
    for key in [wrapping, other] {
        check(call!(C_DestroyObject, session.0, key));
    }
    check(call!(C_CloseAllSessions, LOGINS));
}

/// Users have no names but their types: an empty one is as good as none, and another is nobody.
#[test]
fn a_user_may_log_in_by_name_if_it_is_empty() {
    let _turn = alone();
    let session = Session(raw_session(LOGINS, true));
    let named = |user, pin: &[u8], name: *mut u8, length| {
        let pin_length = pin.len() as _;
        let pin = mutable(pin);
        call!(C_LoginUser, session.0, user, pin, pin_length, name, length)
    };
    let name = mutable(b"alice");
    refused(named(CKU_USER, USER_PIN, name, 5), Rv::ARGUMENTS_BAD);
    refused(named(CKU_USER, USER_PIN, null_mut(), 5), Rv::ARGUMENTS_BAD);
    refused(named(CKU_USER, b"wrong", null_mut(), 0), Rv::PIN_INCORRECT);
    check(named(CKU_USER, USER_PIN, name, 0));
    refused(
        named(CKU_USER, USER_PIN, name, 0),
        Rv::USER_ALREADY_LOGGED_IN,
    );
    check(call!(C_Logout, session.0));
    check(named(CKU_SO, SO_PIN, null_mut(), 0));
    check(call!(C_CloseAllSessions, LOGINS));
}

#[test]
fn what_is_not_there_says_so() {
    let session = Session::new();
    let mut function = *b"C_Encrypt\0";
    let function = function.as_mut_ptr();
    let mut id = 0;
    let unsupported = Rv::FUNCTION_NOT_SUPPORTED;
    let mut data = std::mem::MaybeUninit::<CK_ASYNC_DATA>::zeroed();
    refused(
        call!(C_AsyncComplete, session.0, function, data.as_mut_ptr()),
        unsupported,
    );
    refused(
        call!(C_AsyncGetID, session.0, function, &mut id),
        unsupported,
    );
    let mut buffer = [0; 8];
    let buffer = buffer.as_mut_ptr();
    refused(
        call!(C_AsyncJoin, session.0, function, id, buffer, 8),
        unsupported,
    );
    refused(
        call!(C_GetFunctionStatus, session.0),
        Rv::FUNCTION_NOT_PARALLEL,
    );
    refused(
        call!(C_CancelFunction, session.0),
        Rv::FUNCTION_NOT_PARALLEL,
    );
    let key = aes(&session, new()).expect("made");
    let none = 0_u64.to_ne_bytes().to_vec();
    assert_eq!(get(&session, key, CKA_OBJECT_VALIDATION_FLAGS), Ok(none));
    assert_eq!(
        aes(&session, new().ulong(CKA_OBJECT_VALIDATION_FLAGS, 1)),
        Err(Rv::ATTRIBUTE_READ_ONLY)
    );
}

/// All that a certificate can be trusted for, read back as it was written.
#[test]
fn every_kind_of_trust_is_kept() {
    let session = Session::new();
    let levels = [
        (CKA_TRUST_SERVER_AUTH, CKT_TRUSTED),
        (CKA_TRUST_CLIENT_AUTH, CKT_TRUST_ANCHOR),
        (CKA_TRUST_CODE_SIGNING, CKT_NOT_TRUSTED),
        (CKA_TRUST_EMAIL_PROTECTION, CKT_TRUST_MUST_VERIFY_TRUST),
        (CKA_TRUST_IPSEC_IKE, CKT_TRUST_UNKNOWN),
        (CKA_TRUST_TIME_STAMPING, CKT_TRUSTED),
        (CKA_TRUST_OCSP_SIGNING, CKT_NOT_TRUSTED),
    ];
    let trust = new()
        .ulong(CKA_CLASS, CKO_TRUST)
        .bytes(CKA_ISSUER, b"issuer of all trust")
        .bytes(CKA_SERIAL_NUMBER, &[2, 1, 9])
        .bytes(CKA_HASH_OF_CERTIFICATE, &[3; 32])
        .ulong(CKA_NAME_HASH_ALGORITHM, CKM_SHA256);
    let all = levels.iter().fold(trust, |all, (kind, level)| {
        all.ulong(*kind, (*level).into())
    });
    let (code, object) = create(&session, &all);
    check(code);
    for (kind, level) in levels {
        let level = CK_ULONG::from(level).to_ne_bytes().to_vec();
        assert_eq!(get(&session, object, kind), Ok(level), "{kind:#x}");
    }
}

/// A change of several attributes is made whole or not at all, and so is a copy.
#[test]
fn a_refused_change_changes_nothing() {
    let session = Session::new();
    let key = aes(&session, new().bytes(CKA_LABEL, b"before")).expect("made");
    let good = || new().bytes(CKA_LABEL, b"after").bool(CKA_SIGN, true);
    for (bad, with) in [
        (good().bool(CKA_LOCAL, false), Rv::ATTRIBUTE_READ_ONLY),
        (good().bool(CKA_SENSITIVE, false), Rv::ATTRIBUTE_READ_ONLY),
        (good().bool(CKA_TRUSTED, true), Rv::ATTRIBUTE_READ_ONLY),
        (
            good().bytes(CKA_START_DATE, b"no date!"),
            Rv::ATTRIBUTE_VALUE_INVALID,
        ),
        (
            good().bytes(CKA_DERIVE, b"yes"),
            Rv::ATTRIBUTE_VALUE_INVALID,
        ),
        (good().bytes(CKA_MODULUS, b"x"), Rv::ATTRIBUTE_TYPE_INVALID),
        (good().bool(CKA_TOKEN, true), Rv::ATTRIBUTE_READ_ONLY),
        (good().ulong(CKA_CLASS, CKO_DATA), Rv::ATTRIBUTE_READ_ONLY),
        (good().ulong(CKA_KEY_TYPE, CKK_RSA), Rv::ATTRIBUTE_READ_ONLY),
        (good().ulong(CKA_VALUE_LEN, 16), Rv::ATTRIBUTE_READ_ONLY),
    ] {
        refused(set(&session, key, &bad), with);
        assert_eq!(get(&session, key, CKA_LABEL), Ok(b"before".to_vec()));
        assert_eq!(get(&session, key, CKA_SIGN), Ok(vec![0]));
    }
    for bad in [
        new().bool(CKA_LOCAL, false),
        new().ulong(CKA_CLASS, CKO_DATA),
        new().ulong(CKA_VALUE_LEN, 16),
        new().bool(CKA_EXTRACTABLE, true),
    ] {
        assert_eq!(copy(&session, key, &bad), Err(Rv::ATTRIBUTE_READ_ONLY));
        // Other tests make objects too, but none is a copy of this one.
        let label = new().bytes(CKA_LABEL, b"before");
        assert_eq!(find(&session, &label), [key]);
    }
    // The same value is no change.
    for same in [
        new().bool(CKA_LOCAL, true),
        new().bool(CKA_SENSITIVE, true),
        new().bool(CKA_TOKEN, false),
    ] {
        let code = set(&session, key, &same);
        assert!(
            code == CKR_OK || Rv::from_code(code) == Some(Rv::ATTRIBUTE_READ_ONLY),
            "{code:#x}"
        );
    }
    check(set(&session, key, &good()));
    assert_eq!(get(&session, key, CKA_LABEL), Ok(b"after".to_vec()));
}

/// An attribute that stands twice in a template, with two values, has neither.
#[test]
fn an_attribute_has_one_value() {
    let session = Session::new();
    let twice = |one: &[u8], two: &[u8]| {
        let template = new().bytes(CKA_LABEL, one).bytes(CKA_LABEL, two);
        aes(&session, template)
    };
    assert_eq!(twice(b"a", b"b"), Err(Rv::TEMPLATE_INCONSISTENT));
}

/// Handles are the application's, not the session's: they outlive a session that did not make the object, and end with
/// the login or the object.
#[test]
fn handles_end_with_the_object_or_the_login() {
    let _turn = alone();
    let (one, two) = (
        Session(raw_session(LOGINS, true)),
        Session(raw_session(LOGINS, true)),
    );
    check(login(one.0, CKU_USER, USER_PIN));
    let stored = aes(&one, new().bool(CKA_TOKEN, true)).expect("made");
    let held = aes(&one, new()).expect("made");
    let public = aes(&one, new().bool(CKA_PRIVATE, false)).expect("made");
    for key in [stored, held, public] {
        assert!(get(&two, key, CKA_LABEL).is_ok());
    }
    let mut ecb = mechanism(CKM_AES_ECB);
    check(call!(C_CloseSession, one.0));
    let mut size = 0;
    for gone in [held, public] {
        let code = call!(C_GetObjectSize, two.0, gone, &mut size);
        refused(code, Rv::OBJECT_HANDLE_INVALID);
    }
    assert!(get(&two, stored, CKA_LABEL).is_ok());
    check(call!(C_Logout, two.0));
    let code = call!(C_GetObjectSize, two.0, stored, &mut size);
    refused(code, Rv::OBJECT_HANDLE_INVALID);
    refused(
        call!(C_EncryptInit, two.0, &mut ecb, stored),
        Rv::KEY_HANDLE_INVALID,
    );
    check(login(two.0, CKU_USER, USER_PIN));
    let again = find(
        &two,
        &new().bool(CKA_TOKEN, true).ulong(CKA_CLASS, CKO_SECRET_KEY),
    );
    assert_eq!(again.len(), 1);
    check(call!(C_DestroyObject, two.0, again[0]));
    refused(
        call!(C_DestroyObject, two.0, again[0]),
        Rv::OBJECT_HANDLE_INVALID,
    );
    check(call!(C_CloseAllSessions, LOGINS));
}
