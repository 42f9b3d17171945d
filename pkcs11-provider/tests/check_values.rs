//! Check values: what a key gives, what an application says it gives.

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

fn secret(key_type: CK_KEY_TYPE, value: &[u8]) -> Attributes {
    Attributes::new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, key_type)
        .bytes(CKA_VALUE, value)
}

/// Of FIPS 197's key of 128 zero bits: AES of a block of zeros is 66e94bd4….
const ZERO_KEY: [u8; 3] = [0x66, 0xe9, 0x4b];

#[test]
fn a_key_has_its_check_value_even_when_it_hides_all_else() {
    let session = Session::new();
    let (code, key) = create(
        &session,
        &secret(CKK_AES, &[0; 16]).bool(CKA_ENCRYPT, false),
    );
    check(code);
    assert_eq!(get(&session, key, CKA_VALUE), Err(Rv::ATTRIBUTE_SENSITIVE));
    assert_eq!(get(&session, key, CKA_CHECK_VALUE), Ok(ZERO_KEY.to_vec()));
    // SHA-1 of sixteen letters a.
    let (code, generic) = create(&session, &secret(CKK_GENERIC_SECRET, &[b'a'; 16]));
    check(code);
    let value = get(&session, generic, CKA_CHECK_VALUE).expect("a value");
    let mut digest = mechanism(CKM_SHA_1);
    let (mut out, mut length) = ([0; 20], 20);
    check(call!(C_DigestInit, session.0, &mut digest));
    check(call!(
        C_Digest,
        session.0,
        mutable(&[b'a'; 16]),
        16,
        out.as_mut_ptr(),
        &mut length
    ));
    assert_eq!(value, out[..3]);
    // Of a short secret the hash would tell too much.
    let (code, short) = create(&session, &secret(CKK_GENERIC_SECRET, b"pin"));
    check(code);
    assert_eq!(get(&session, short, CKA_CHECK_VALUE), Ok(vec![]));
}

#[test]
fn a_given_check_value_must_be_right() {
    let session = Session::new();
    let zero = secret(CKK_AES, &[0; 16]);
    let (code, key) = create(&session, &zero.clone().bytes(CKA_CHECK_VALUE, &ZERO_KEY));
    check(code);
    assert_eq!(get(&session, key, CKA_CHECK_VALUE), Ok(ZERO_KEY.to_vec()));
    let wrong = zero.clone().bytes(CKA_CHECK_VALUE, &[1, 2, 3]);
    refused(create(&session, &wrong).0, Rv::ATTRIBUTE_VALUE_INVALID);
    let generated = Attributes::new()
        .ulong(CKA_VALUE_LEN, 16)
        .bytes(CKA_CHECK_VALUE, &ZERO_KEY);
    let refused_generation = generate(&session, CKM_AES_KEY_GEN, &generated);
    assert_eq!(refused_generation, Err(Rv::ATTRIBUTE_VALUE_INVALID));
    let by_value = Attributes::new()
        .bytes(CKA_CHECK_VALUE, &ZERO_KEY)
        .ulong(CKA_CLASS, CKO_SECRET_KEY);
    assert!(find(&session, &by_value).contains(&key));
    // No value destroys it.
    let none = Attributes::new().bytes(CKA_CHECK_VALUE, &[]);
    let raw = none.raw();
    check(call!(C_SetAttributeValue, session.0, key, mutable(&raw), 1));
    assert_eq!(get(&session, key, CKA_CHECK_VALUE), Ok(vec![]));
    let (code, hidden) = create(&session, &zero.bytes(CKA_CHECK_VALUE, &[]));
    check(code);
    assert_eq!(get(&session, hidden, CKA_CHECK_VALUE), Ok(vec![]));
    assert!(!find(&session, &by_value).contains(&hidden));
}
