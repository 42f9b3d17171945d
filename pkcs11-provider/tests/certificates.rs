//! Certificates, and what they are trusted for.

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

fn certificate() -> Attributes {
    Attributes::new()
        .ulong(CKA_CLASS, CKO_CERTIFICATE)
        .ulong(CKA_CERTIFICATE_TYPE, CKC_X_509)
        .bytes(CKA_SUBJECT, &[0x30, 0])
}

/// The least that has the form of a certificate, around this key.
fn der(spki: &[u8]) -> Vec<u8> {
    let tlv = |tag: u8, inner: &[u8]| {
        let header = match inner.len() {
            short @ 0..128 => vec![tag, short as u8],
            long => vec![tag, 0x81, u8::try_from(long).expect("short")],
        };
        [&header, inner].concat()
    };
    let sequence = |inner: &[u8]| tlv(0x30, inner);
    let body = [
        tlv(0x02, &[1]),
        sequence(&[]),
        sequence(&[]),
        sequence(&[]),
        sequence(&[]),
        spki.to_vec(),
    ];
    let parts = [sequence(&body.concat()), sequence(&[]), tlv(0x03, &[0])];
    sequence(&parts.concat())
}

#[test]
fn a_certificate_tells_its_key() {
    let session = Session::new();
    let public = Attributes::new().bytes(CKA_EC_PARAMS, P256);
    let (public, private) =
        generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, &Attributes::new()).expect("made");
    let spki = get(&session, public, CKA_PUBLIC_KEY_INFO).expect("a key");
    assert_eq!(
        get(&session, private, CKA_PUBLIC_KEY_INFO),
        Ok(spki.clone())
    );
    let whole = certificate()
        .bytes(CKA_VALUE, &der(&spki))
        .bytes(CKA_ISSUER, b"issuer")
        .bytes(CKA_START_DATE, b"20260101")
        .ulong(CKA_CERTIFICATE_CATEGORY, 2);
    let (code, object) = create(&session, &whole);
    check(code);
    assert_eq!(get(&session, object, CKA_PUBLIC_KEY_INFO), Ok(spki));
    assert_eq!(get(&session, object, CKA_PRIVATE), Ok(vec![0]));
    let silent = 0_u64.to_ne_bytes().to_vec();
    assert_eq!(
        get(&session, object, CKA_JAVA_MIDP_SECURITY_DOMAIN),
        Ok(silent)
    );
    assert_eq!(
        get(&session, object, CKA_START_DATE),
        Ok(b"20260101".to_vec())
    );
    let set = |kind, value: &[u8]| {
        let template = Attributes::new().bytes(kind, value);
        let raw = template.raw();
        call!(C_SetAttributeValue, session.0, object, mutable(&raw), 1)
    };
    for kind in [CKA_ID, CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_LABEL] {
        check(set(kind, b"new"));
    }
    for kind in [CKA_SUBJECT, CKA_VALUE, CKA_URL, CKA_START_DATE] {
        refused(set(kind, b"20260102"), Rv::ATTRIBUTE_READ_ONLY);
    }
}

#[test]
fn a_certificate_is_here_or_somewhere() {
    let session = Session::new();
    refused(create(&session, &certificate()).0, Rv::TEMPLATE_INCOMPLETE);
    let by_url = certificate().bytes(CKA_URL, b"https://example.org/c.der");
    refused(create(&session, &by_url).0, Rv::TEMPLATE_INCOMPLETE);
    let named = by_url
        .bytes(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, &[1; 20])
        .bytes(CKA_HASH_OF_ISSUER_PUBLIC_KEY, &[2; 20]);
    let (code, object) = create(&session, &named);
    check(code);
    assert_eq!(get(&session, object, CKA_VALUE), Ok(vec![]));
    let other = certificate()
        .bytes(CKA_VALUE, &[0x30, 0])
        .ulong(CKA_CERTIFICATE_CATEGORY, 4);
    refused(create(&session, &other).0, Rv::ATTRIBUTE_VALUE_INVALID);
}

#[test]
fn a_public_key_that_is_not_the_private_keys_is_refused() {
    let session = Session::new();
    let open = Attributes::new()
        .bool(CKA_SENSITIVE, false)
        .bool(CKA_EXTRACTABLE, true);
    let public = Attributes::new().bytes(CKA_EC_PARAMS, P256);
    let pair = |private: &Attributes| {
        generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, private).expect("made")
    };
    let (_, one) = pair(&open);
    let (_, two) = pair(&open);
    let import = Attributes::new()
        .ulong(CKA_CLASS, CKO_PRIVATE_KEY)
        .ulong(CKA_KEY_TYPE, CKK_EC)
        .bytes(CKA_EC_PARAMS, P256)
        .bytes(CKA_VALUE, &get(&session, one, CKA_VALUE).expect("open"));
    let own = get(&session, one, CKA_PUBLIC_KEY_INFO).expect("a key");
    let other = get(&session, two, CKA_PUBLIC_KEY_INFO).expect("a key");
    check(create(&session, &import.clone().bytes(CKA_PUBLIC_KEY_INFO, &own)).0);
    let wrong = import.bytes(CKA_PUBLIC_KEY_INFO, &other);
    refused(create(&session, &wrong).0, Rv::ATTRIBUTE_VALUE_INVALID);
    let template = Attributes::new().bytes(CKA_PUBLIC_KEY_INFO, &other);
    let raw = template.raw();
    refused(
        call!(C_SetAttributeValue, session.0, one, mutable(&raw), 1),
        Rv::ATTRIBUTE_VALUE_INVALID,
    );
    let always = Attributes::new()
        .bool(CKA_ALWAYS_AUTHENTICATE, true)
        .bool(CKA_PRIVATE, false);
    let refused = generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, &always);
    assert_eq!(refused, Err(Rv::TEMPLATE_INCONSISTENT));
}

#[test]
fn trust_is_kept_and_found() {
    let session = Session::new();
    let trust = Attributes::new()
        .ulong(CKA_CLASS, CKO_TRUST)
        .bytes(CKA_ISSUER, b"issuer of trust")
        .bytes(CKA_SERIAL_NUMBER, &[2, 1, 7]);
    let (code, unknown) = create(&session, &trust);
    check(code);
    let level = |object, kind| get(&session, object, kind).map(|level| level[0]);
    assert_eq!(level(unknown, CKA_TRUST_SERVER_AUTH), Ok(0));
    let anchor = trust
        .clone()
        .ulong(CKA_TRUST_SERVER_AUTH, CKT_TRUST_ANCHOR.into());
    refused(create(&session, &anchor).0, Rv::TEMPLATE_INCOMPLETE);
    let anchor = anchor
        .bytes(CKA_HASH_OF_CERTIFICATE, &[3; 32])
        .ulong(CKA_NAME_HASH_ALGORITHM, CKM_SHA256)
        .ulong(CKA_TRUST_CODE_SIGNING, CKT_NOT_TRUSTED.into());
    let (code, object) = create(&session, &anchor.bool(CKA_TOKEN, true));
    check(code);
    assert_eq!(level(object, CKA_TRUST_SERVER_AUTH), Ok(2));
    assert_eq!(level(object, CKA_TRUST_CODE_SIGNING), Ok(3));
    assert_eq!(level(object, CKA_TRUST_IPSEC_IKE), Ok(0));
    assert_eq!(get(&session, object, CKA_PRIVATE), Ok(vec![0]));
    assert_eq!(
        get(&session, object, CKA_VALUE),
        Err(Rv::ATTRIBUTE_TYPE_INVALID)
    );
    let by_name = Attributes::new()
        .ulong(CKA_CLASS, CKO_TRUST)
        .bytes(CKA_ISSUER, b"issuer of trust")
        .bytes(CKA_HASH_OF_CERTIFICATE, &[3; 32]);
    assert_eq!(find(&session, &by_name), [object]);
    let wild = trust.ulong(CKA_TRUST_IPSEC_IKE, 9);
    refused(create(&session, &wild).0, Rv::ATTRIBUTE_VALUE_INVALID);
    check(call!(C_DestroyObject, session.0, object));
}
