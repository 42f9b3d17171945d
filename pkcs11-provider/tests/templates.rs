//! Templates that keys hold for other keys: kept, shown, obeyed.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::keys::{unwrap, wrap};
use crate::support::*;

fn new() -> Attributes {
    Attributes::new()
}

fn aes(session: &Session, more: Attributes) -> CK_OBJECT_HANDLE {
    generate(session, CKM_AES_KEY_GEN, &more.ulong(CKA_VALUE_LEN, 32)).expect("made")
}

fn exportable() -> Attributes {
    new().bool(CKA_EXTRACTABLE, true)
}

#[test]
fn a_wrapping_key_wraps_what_fits_its_template() {
    let session = Session::new();
    let inner = new()
        .bytes(CKA_ID, b"exports")
        .ulong(CKA_KEY_TYPE, CKK_AES)
        .bool(CKA_SIGN, false);
    let wrapping = new()
        .bool(CKA_WRAP, true)
        .template(CKA_WRAP_TEMPLATE, inner.leaked());
    let wrapping = aes(&session, wrapping);
    let fits = aes(&session, exportable().bytes(CKA_ID, b"exports"));
    let other_id = aes(&session, exportable().bytes(CKA_ID, b"other"));
    let signs = exportable().bytes(CKA_ID, b"exports").bool(CKA_SIGN, true);
    let signs = aes(&session, signs);
    let secret = exportable()
        .bytes(CKA_ID, b"exports")
        .bool(CKA_SIGN, false)
        .ulong(CKA_VALUE_LEN, 32);
    let secret = generate(&session, CKM_GENERIC_SECRET_KEY_GEN, &secret).expect("made");
    let kwp = mechanism(CKM_AES_KEY_WRAP_KWP);
    wrap(&session, &kwp, wrapping, fits).expect("it fits");
    for other in [other_id, signs, secret] {
        let refused = wrap(&session, &kwp, wrapping, other);
        assert_eq!(refused, Err(Rv::KEY_HANDLE_INVALID));
    }
    // No way around it: not by a change, not in a copy.
    let none = new().template(CKA_WRAP_TEMPLATE, new().leaked());
    let (raw, mut copy) = (none.raw(), 0);
    let (template, count) = (mutable(&raw), raw.len() as _);
    refused(
        call!(C_SetAttributeValue, session.0, wrapping, template, count),
        Rv::ATTRIBUTE_READ_ONLY,
    );
    refused(
        call!(
            C_CopyObject,
            session.0,
            wrapping,
            template,
            count,
            &mut copy
        ),
        Rv::ATTRIBUTE_READ_ONLY,
    );
    check(call!(
        C_CopyObject,
        session.0,
        wrapping,
        null_mut(),
        0,
        &mut copy
    ));
    let refused = wrap(&session, &kwp, copy, other_id);
    assert_eq!(refused, Err(Rv::KEY_HANDLE_INVALID));
}

#[test]
fn what_is_unwrapped_becomes_what_the_template_says() {
    let session = Session::new();
    let inner = new()
        .bool(CKA_EXTRACTABLE, false)
        .bool(CKA_SENSITIVE, true)
        .bytes(CKA_LABEL, b"imported")
        .bool(CKA_SIGN, false);
    let key = new()
        .all_true(&[CKA_WRAP, CKA_UNWRAP])
        .template(CKA_UNWRAP_TEMPLATE, inner.leaked());
    let key = aes(&session, key);
    let target = aes(&session, exportable());
    let kwp = mechanism(CKM_AES_KEY_WRAP_KWP);
    let wrapped = wrap(&session, &kwp, key, target).expect("wrapped");
    let secret = new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, CKK_AES);
    let unwrapped = unwrap(&session, &kwp, key, &wrapped, &secret).expect("unwrapped");
    assert_eq!(get(&session, unwrapped, CKA_LABEL), Ok(b"imported".into()));
    assert_eq!(get(&session, unwrapped, CKA_EXTRACTABLE), Ok(vec![0]));
    for against in [
        secret.clone().bool(CKA_EXTRACTABLE, true),
        secret.clone().bytes(CKA_LABEL, b"mine"),
        secret.clone().bool(CKA_SIGN, true),
    ] {
        let refused = unwrap(&session, &kwp, key, &wrapped, &against);
        assert_eq!(refused, Err(Rv::TEMPLATE_INCONSISTENT));
    }
    let agrees = secret.bool(CKA_EXTRACTABLE, false);
    unwrap(&session, &kwp, key, &wrapped, &agrees).expect("unwrapped");
}

#[test]
fn what_is_derived_becomes_what_the_template_says() {
    let session = Session::new();
    let inner = new().bool(CKA_EXTRACTABLE, false).ulong(CKA_VALUE_LEN, 16);
    let base = new()
        .bool(CKA_DERIVE, true)
        .template(CKA_DERIVE_TEMPLATE, inner.leaked());
    let base = aes(&session, base);
    let mut data = [3; 32];
    let parameter = CK_KEY_DERIVATION_STRING_DATA {
        pData: data.as_mut_ptr(),
        ulLen: 32,
    };
    let derive = |template: &Attributes| {
        let mut mechanism = with_parameter(CKM_AES_ECB_ENCRYPT_DATA, &parameter);
        let (raw, mut key) = (template.raw(), 0);
        let (template, count) = (mutable(&raw), raw.len() as _);
        let code = call!(
            C_DeriveKey,
            session.0,
            &mut mechanism,
            base,
            template,
            count,
            &mut key
        );
        Rv::from_code(code).map_or(Ok(key), Err)
    };
    let derived = derive(&new()).expect("derived");
    let length = get(&session, derived, CKA_VALUE_LEN);
    assert_eq!(length, Ok(16_u64.to_ne_bytes().to_vec()));
    assert_eq!(derive(&exportable()), Err(Rv::TEMPLATE_INCONSISTENT));
    let longer = new().ulong(CKA_VALUE_LEN, 32);
    assert_eq!(derive(&longer), Err(Rv::TEMPLATE_INCONSISTENT));
}

/// First how long, then of what types, then the values.
#[test]
fn a_template_is_read_in_the_standards_steps() {
    let session = Session::new();
    let inner = new().bytes(CKA_LABEL, b"name").bool(CKA_SENSITIVE, true);
    let key = new().template(CKA_WRAP_TEMPLATE, inner.leaked());
    let key = aes(&session, key.bool(CKA_TOKEN, true));
    let place = |kind, value: *mut std::ffi::c_void, length| CK_ATTRIBUTE {
        type_: kind,
        pValue: value,
        ulValueLen: length,
    };
    let read = |inner: &mut [CK_ATTRIBUTE]| {
        let size = std::mem::size_of_val(inner) as CK_ULONG;
        let array = if inner.is_empty() {
            null_mut()
        } else {
            inner.as_mut_ptr()
        };
        let mut asked = place(CKA_WRAP_TEMPLATE, array.cast(), size);
        let code = call!(C_GetAttributeValue, session.0, key, &mut asked, 1);
        (Rv::from_code(code), asked.ulValueLen)
    };
    let size = size_of::<CK_ATTRIBUTE>() as CK_ULONG;
    assert_eq!(read(&mut []), (None, 2 * size));
    let unknown = place(CK_UNAVAILABLE_INFORMATION, null_mut(), 0);
    let mut places = [unknown; 2];
    assert_eq!(read(&mut places), (None, 2 * size));
    let told = places.map(|place| (place.type_, place.ulValueLen));
    assert_eq!(told, [(CKA_LABEL, 4), (CKA_SENSITIVE, 1)]);
    let (mut label, mut flag) = ([0_u8; 4], [7_u8]);
    // In any order.
    let mut places = [
        place(CKA_SENSITIVE, flag.as_mut_ptr().cast(), 1),
        place(CKA_LABEL, label.as_mut_ptr().cast(), 4),
    ];
    assert_eq!(read(&mut places), (None, 2 * size));
    assert_eq!((&label, flag), (b"name", [1]));
    places[1].ulValueLen = 3;
    assert_eq!(read(&mut places), (Some(Rv::BUFFER_TOO_SMALL), 2 * size));
    assert_eq!(places[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    places[1].type_ = CKA_ID;
    assert_eq!(read(&mut places).0, Some(Rv::TEMPLATE_INCONSISTENT));
    let short = read(&mut places[..1]);
    assert_eq!(
        short,
        (Some(Rv::BUFFER_TOO_SMALL), CK_UNAVAILABLE_INFORMATION)
    );
    let same = new().template(CKA_WRAP_TEMPLATE, inner_again());
    assert_eq!(find(&session, &same), [key]);
    check(call!(C_DestroyObject, session.0, key));
}

fn inner_again() -> &'static Attributes {
    let inner = new().bytes(CKA_LABEL, b"name").bool(CKA_SENSITIVE, true);
    inner.leaked()
}
