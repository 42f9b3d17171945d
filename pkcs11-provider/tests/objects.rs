//! Objects and their attributes.

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

fn data(label: &str, value: &[u8]) -> Attributes {
    Attributes::new()
        .ulong(CKA_CLASS, CKO_DATA)
        .bool(CKA_TOKEN, true)
        .bytes(CKA_LABEL, label.as_bytes())
        .bytes(CKA_APPLICATION, b"tests")
        .bytes(CKA_VALUE, value)
}

fn aes() -> Attributes {
    Attributes::new().ulong(CKA_VALUE_LEN, 32)
}

#[test]
fn a_data_object_lives_and_is_found() {
    let session = Session::new();
    let (code, object) = create(&session, &data("life of data", b"value"));
    check(code);
    assert_eq!(get(&session, object, CKA_VALUE), Ok(b"value".to_vec()));
    assert_eq!(
        get(&session, object, CKA_APPLICATION),
        Ok(b"tests".to_vec())
    );
    assert_eq!(get(&session, object, CKA_OBJECT_ID), Ok(vec![]));
    assert_eq!(get(&session, object, CKA_TOKEN), Ok(vec![1]));
    assert_eq!(
        get(&session, object, CKA_KEY_TYPE),
        Err(Rv::ATTRIBUTE_TYPE_INVALID)
    );
    assert_eq!(
        get(&session, object, CKA_UNIQUE_ID).expect("there").len(),
        36
    );

    let by_label = Attributes::new().bytes(CKA_LABEL, b"life of data");
    assert_eq!(find(&session, &by_label), [object]);
    let by_value = by_label.clone().bytes(CKA_VALUE, b"value");
    assert_eq!(find(&session, &by_value), [object]);
    let by_other_value = by_label.clone().bytes(CKA_VALUE, b"other");
    assert!(find(&session, &by_other_value).is_empty());
    assert!(find(&session, &by_label.clone().ulong(CKA_CLASS, CKO_SECRET_KEY)).is_empty());

    let renamed = Attributes::new().bytes(CKA_LABEL, b"renamed");
    check(call!(
        C_SetAttributeValue,
        session.0,
        object,
        mutable(&renamed.raw()),
        1
    ));
    assert!(find(&session, &by_label).is_empty());
    assert_eq!(get(&session, object, CKA_LABEL), Ok(b"renamed".to_vec()));

    let mut size = 0;
    check(call!(C_GetObjectSize, session.0, object, &mut size));
    assert!(size > 0);
    check(call!(C_DestroyObject, session.0, object));
    assert_eq!(
        Rv::from_code(call!(C_GetObjectSize, session.0, object, &mut size)),
        Some(Rv::OBJECT_HANDLE_INVALID)
    );
}

#[test]
fn session_objects_end_with_their_session() {
    let keeper = Session::new();
    let label = b"ends with its session";
    let template = Attributes::new().bytes(CKA_LABEL, label);
    {
        let session = Session::new();
        let key = generate(&session, CKM_AES_KEY_GEN, &aes().bytes(CKA_LABEL, label));
        let key = key.expect("made");
        assert_eq!(get(&session, key, CKA_TOKEN), Ok(vec![0]));
        // All sessions of the application see it.
        assert_eq!(find(&keeper, &template), [key]);
    }
    assert!(find(&keeper, &template).is_empty());
}

#[test]
fn a_silent_template_makes_a_key_that_keeps_its_secret() {
    let session = Session::new();
    let key = generate(&session, CKM_AES_KEY_GEN, &aes()).expect("made");
    for (kind, value) in [
        (CKA_SENSITIVE, 1),
        (CKA_EXTRACTABLE, 0),
        (CKA_ALWAYS_SENSITIVE, 1),
        (CKA_NEVER_EXTRACTABLE, 1),
        (CKA_LOCAL, 1),
        (CKA_PRIVATE, 1),
        (CKA_TRUSTED, 0),
        (CKA_ENCRYPT, 1),
        (CKA_WRAP, 0),
    ] {
        assert_eq!(get(&session, key, kind), Ok(vec![value]), "{kind:#x}");
    }
    assert_eq!(get(&session, key, CKA_VALUE), Err(Rv::ATTRIBUTE_SENSITIVE));
    let generated_by = CKM_AES_KEY_GEN.to_ne_bytes().to_vec();
    assert_eq!(get(&session, key, CKA_KEY_GEN_MECHANISM), Ok(generated_by));
    assert_eq!(
        get(&session, key, CKA_VALUE_LEN),
        Ok(32_u64.to_ne_bytes().to_vec())
    );
    assert_eq!(
        get(&session, key, CKA_MODULUS),
        Err(Rv::ATTRIBUTE_TYPE_INVALID)
    );
    assert_eq!(
        get(&session, key, CKA_VENDOR_DEFINED | 5),
        Err(Rv::ATTRIBUTE_TYPE_INVALID)
    );
}

#[test]
fn every_attribute_of_a_call_is_answered() {
    let session = Session::new();
    let key = generate(&session, CKM_AES_KEY_GEN, &aes()).expect("made");
    let (mut label, mut class, mut short) = ([0_u8; 8], 0_u64, [0_u8; 2]);
    let attribute = |kind, value: *mut u8, length: usize| CK_ATTRIBUTE {
        type_: kind,
        pValue: value.cast(),
        ulValueLen: length as _,
    };
    let mut template = [
        attribute(CKA_VALUE, label.as_mut_ptr(), 8),
        attribute(CKA_LABEL, label.as_mut_ptr(), 8),
        attribute(CKA_CLASS, (&raw mut class).cast(), 8),
        attribute(CKA_KEY_TYPE, short.as_mut_ptr(), 2),
        attribute(CKA_MODULUS, std::ptr::null_mut(), 0),
    ];
    let code = call!(
        C_GetAttributeValue,
        session.0,
        key,
        template.as_mut_ptr(),
        5
    );
    refused(code, Rv::ATTRIBUTE_SENSITIVE);
    let lengths: Vec<_> = template
        .iter()
        .map(|attribute| attribute.ulValueLen)
        .collect();
    let unavailable = CK_UNAVAILABLE_INFORMATION;
    assert_eq!(lengths, [unavailable, 0, 8, unavailable, unavailable]);
    assert_eq!(class, CKO_SECRET_KEY);
    assert_eq!(
        short, [0; 2],
        "nothing is written to a buffer that is too small"
    );
}

#[test]
fn one_way_flags_stay() {
    let session = Session::new();
    let open = aes().bool(CKA_SENSITIVE, false).bool(CKA_EXTRACTABLE, true);
    let key = generate(&session, CKM_AES_KEY_GEN, &open).expect("made");
    assert_eq!(get(&session, key, CKA_VALUE).expect("readable").len(), 32);
    let set = |kind, on| {
        let template = Attributes::new().bool(kind, on);
        call!(
            C_SetAttributeValue,
            session.0,
            key,
            mutable(&template.raw()),
            1
        )
    };
    check(set(CKA_SENSITIVE, true));
    refused(set(CKA_SENSITIVE, false), Rv::ATTRIBUTE_READ_ONLY);
    assert_eq!(get(&session, key, CKA_VALUE), Err(Rv::ATTRIBUTE_SENSITIVE));
    check(set(CKA_EXTRACTABLE, false));
    refused(set(CKA_EXTRACTABLE, true), Rv::ATTRIBUTE_READ_ONLY);
    refused(set(CKA_LOCAL, false), Rv::ATTRIBUTE_READ_ONLY);
    refused(set(CKA_TRUSTED, true), Rv::ATTRIBUTE_READ_ONLY);
    refused(set(CKA_MODULUS, true), Rv::ATTRIBUTE_TYPE_INVALID);
    assert_eq!(get(&session, key, CKA_ALWAYS_SENSITIVE), Ok(vec![0]));
    assert_eq!(get(&session, key, CKA_NEVER_EXTRACTABLE), Ok(vec![0]));
}

#[test]
fn copies_keep_the_rules() {
    let session = Session::new();
    let key = generate(&session, CKM_AES_KEY_GEN, &aes()).expect("made");
    let copy = |template: &Attributes| {
        let (raw, mut copy) = (template.raw(), 0);
        let count = raw.len() as _;
        (
            call!(
                C_CopyObject,
                session.0,
                key,
                mutable(&raw),
                count,
                &mut copy
            ),
            copy,
        )
    };
    let (code, twin) = copy(&Attributes::new().bytes(CKA_LABEL, b"a twin"));
    check(code);
    assert_eq!(get(&session, twin, CKA_LABEL), Ok(b"a twin".to_vec()));
    assert_eq!(get(&session, twin, CKA_VALUE), Err(Rv::ATTRIBUTE_SENSITIVE));
    assert_ne!(
        get(&session, twin, CKA_UNIQUE_ID),
        get(&session, key, CKA_UNIQUE_ID)
    );
    refused(
        copy(&Attributes::new().bool(CKA_SENSITIVE, false)).0,
        Rv::ATTRIBUTE_READ_ONLY,
    );
    let (code, last) = copy(&Attributes::new().bool(CKA_COPYABLE, false));
    check(code);
    let mut none = 0;
    refused(
        call!(
            C_CopyObject,
            session.0,
            last,
            std::ptr::null_mut(),
            0,
            &mut none
        ),
        Rv::ACTION_PROHIBITED,
    );
}

#[test]
fn templates_that_make_no_sense() {
    let session = Session::new();
    let key = || {
        Attributes::new()
            .ulong(CKA_CLASS, CKO_SECRET_KEY)
            .ulong(CKA_KEY_TYPE, CKK_AES)
    };
    for (template, with) in [
        (Attributes::new(), Rv::TEMPLATE_INCOMPLETE),
        (key(), Rv::TEMPLATE_INCOMPLETE),
        (
            key().bytes(CKA_VALUE, &[0; 15]),
            Rv::ATTRIBUTE_VALUE_INVALID,
        ),
        (
            key().bytes(CKA_VALUE, &[0; 16]).bytes(CKA_MODULUS, b"x"),
            Rv::TEMPLATE_INCONSISTENT,
        ),
        (
            key().bytes(CKA_VALUE, &[0; 16]).bool(CKA_LOCAL, true),
            Rv::ATTRIBUTE_READ_ONLY,
        ),
        (
            key().bytes(CKA_VALUE, &[0; 16]).bytes(CKA_SIGN, b"yes"),
            Rv::ATTRIBUTE_VALUE_INVALID,
        ),
        (
            key().bytes(CKA_VALUE, &[0; 16]).bool(CKA_TRUSTED, true),
            Rv::ATTRIBUTE_READ_ONLY,
        ),
        (
            key().bytes(CKA_VALUE, &[0; 16]).bytes(0x7777_7777, b""),
            Rv::ATTRIBUTE_TYPE_INVALID,
        ),
        (
            key()
                .bytes(CKA_UNIQUE_ID, b"mine")
                .bytes(CKA_VALUE, &[0; 16]),
            Rv::ATTRIBUTE_READ_ONLY,
        ),
        (
            Attributes::new().ulong(CKA_CLASS, 0x7777),
            Rv::ATTRIBUTE_VALUE_INVALID,
        ),
    ] {
        let (code, _) = create(&session, &template);
        refused(code, with);
    }
}

#[test]
fn searches_for_what_there_is_not_find_nothing() {
    let session = Session::new();
    for template in [
        // NSS and others look for classes and attributes of their own.
        Attributes::new().ulong(CKA_CLASS, 0xce53_4353),
        Attributes::new().bytes(CKA_VENDOR_DEFINED | 1, b"x"),
        Attributes::new().ulong(CKA_CLASS, CKO_HW_FEATURE),
        Attributes::new().bytes(CKA_LABEL, b"\xff\xfe"),
        Attributes::new().bytes(CKA_ID, b"no such id"),
    ] {
        assert!(find(&session, &template).is_empty());
    }
}

#[test]
fn a_search_is_one_at_a_time_and_ends() {
    let session = Session::new();
    check(call!(C_FindObjectsInit, session.0, std::ptr::null_mut(), 0));
    let again = call!(C_FindObjectsInit, session.0, std::ptr::null_mut(), 0);
    refused(again, Rv::OPERATION_ACTIVE);
    check(call!(C_FindObjectsFinal, session.0));
    refused(
        call!(C_FindObjectsFinal, session.0),
        Rv::OPERATION_NOT_INITIALIZED,
    );
    let (mut object, mut count) = (0, 0);
    refused(
        call!(C_FindObjects, session.0, &mut object, 1, &mut count),
        Rv::OPERATION_NOT_INITIALIZED,
    );
}

#[test]
fn a_private_key_is_found_by_id_and_class() {
    let session = Session::new();
    let id = b"pair of this test";
    let public = Attributes::new()
        .bytes(CKA_EC_PARAMS, P256)
        .bytes(CKA_ID, id);
    let private = Attributes::new().bytes(CKA_ID, id);
    let (public, private) =
        generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, &private).expect("made");
    let by_id = Attributes::new().bytes(CKA_ID, id);
    assert_eq!(find(&session, &by_id).len(), 2);
    assert_eq!(
        find(&session, &by_id.clone().ulong(CKA_CLASS, CKO_PRIVATE_KEY)),
        [private]
    );
    assert_eq!(
        find(&session, &by_id.clone().ulong(CKA_CLASS, CKO_PUBLIC_KEY)),
        [public]
    );
    let point = get(&session, public, CKA_EC_POINT).expect("readable");
    assert_eq!((point[0], point[1], point[2], point.len()), (4, 65, 4, 67));
    assert_eq!(find(&session, &by_id.bytes(CKA_EC_POINT, &point)), [public]);
    assert_eq!(get(&session, private, CKA_EC_PARAMS), Ok(P256.to_vec()));
    let info = get(&session, private, CKA_PUBLIC_KEY_INFO).expect("known");
    assert_eq!(get(&session, public, CKA_PUBLIC_KEY_INFO), Ok(info));
}
