//! A token with the numbers of a vendor for SM2, SM3 and SM4, and one without over the same account.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::mechanisms::vendor as kb;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

/// What follows the last `[[token]]`, and the policy of its account.
pub(crate) const SETTINGS: &str = "\
[token.numbers]
CKM_KB_SM4_KEY_GEN = 0x80000101
CKM_KB_SM4_CBC = 0x80000102
CKM_KB_SM3 = 0x5001
CKM_KB_SM2_KEY_PAIR_GEN = 0x80000110
CKM_KB_SM2 = 0x80000111
CKK_KB_SM4 = 0x80000103
CKK_KB_SM2 = 0x80000104
[policy.account.vendor]
deny-mechanisms = ['CKM_KB_SM4_ECB', 'CKM_KB_SM4_CTR', 'CKM_SHA_1', 'CKM_AES_KEY_GEN', 'CKM_SHA256_HMAC']
";

const KEY_GEN: CK_MECHANISM_TYPE = 0x8000_0101;
const CBC: CK_MECHANISM_TYPE = 0x8000_0102;
const SM3: CK_MECHANISM_TYPE = 0x5001;
const PAIR_GEN: CK_MECHANISM_TYPE = 0x8000_0110;
const SM2: CK_MECHANISM_TYPE = 0x8000_0111;
const SM4_KEY: CK_KEY_TYPE = 0x8000_0103;
const SM2_KEY: CK_KEY_TYPE = 0x8000_0104;

/// A session whose user is logged in.
fn session(slot: CK_SLOT_ID) -> Session {
    module();
    let session = raw_session(slot, true);
    let code = login(session, CKU_USER, USER_PIN);
    assert!(
        matches!(code, CKR_OK | CKR_USER_ALREADY_LOGGED_IN),
        "{code:#x}"
    );
    Session(session)
}

fn ulong(value: &[u8]) -> CK_ULONG {
    CK_ULONG::from_ne_bytes(value.try_into().expect("a number"))
}

fn encrypt(
    session: &Session,
    mechanism: &CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> Result<[u8; 16], Rv> {
    let mut mechanism = *mechanism;
    let code = call!(C_EncryptInit, session.0, &mut mechanism, key);
    Rv::from_code(code).map_or(Ok(()), Err)?;
    let (mut out, mut length) = ([0; 16], 16);
    let code = call!(
        C_Encrypt,
        session.0,
        mutable(&[3; 16]),
        16,
        out.as_mut_ptr(),
        &mut length
    );
    Rv::from_code(code).map_or(Ok(out), Err)
}

#[test]
fn a_key_is_made_used_and_read_by_the_vendors_numbers() {
    let (vendor, own) = (session(VENDOR), session(UNNUMBERED));
    let allowed = [CKM_AES_CBC, CBC].map(CK_ULONG::to_ne_bytes).concat();
    let template = Attributes::new()
        .ulong(CKA_KEY_TYPE, SM4_KEY)
        .bool(CKA_TOKEN, true)
        .bytes(CKA_LABEL, b"by numbers")
        .bytes(CKA_ALLOWED_MECHANISMS, &allowed);
    let key = generate(&vendor, KEY_GEN, &template).expect("made");
    let read = |kind| get(&vendor, key, kind).expect("told");
    assert_eq!(ulong(&read(CKA_KEY_TYPE)), SM4_KEY);
    assert_eq!(ulong(&read(CKA_KEY_GEN_MECHANISM)), KEY_GEN);
    assert_eq!(read(CKA_ALLOWED_MECHANISMS), allowed);

    let named = Attributes::new().bytes(CKA_LABEL, b"by numbers");
    assert_eq!(
        find(&vendor, &named.clone().ulong(CKA_KEY_TYPE, SM4_KEY)),
        [key]
    );
    let ours = named.clone().ulong(CKA_KEY_TYPE, kb::CKK_KB_SM4);
    assert_eq!(find(&vendor, &ours), [0; 0]);
    let [same] = find(&own, &ours)[..] else {
        panic!("the other slot shows it");
    };
    let read = |kind| get(&own, same, kind).expect("told");
    assert_eq!(ulong(&read(CKA_KEY_GEN_MECHANISM)), kb::CKM_KB_SM4_KEY_GEN);
    let inside = [CKM_AES_CBC, kb::CKM_KB_SM4_CBC].map(CK_ULONG::to_ne_bytes);
    assert_eq!(read(CKA_ALLOWED_MECHANISMS), inside.concat());

    let iv = [9_u8; 16];
    let one = encrypt(&vendor, &with_parameter(CBC, &iv), key).expect("encrypted");
    let other = encrypt(&own, &with_parameter(kb::CKM_KB_SM4_CBC, &iv), same);
    assert_eq!(other, Ok(one));
    for taken in [kb::CKM_KB_SM4_CBC, kb::CKM_KB_SM4_OFB] {
        // The one was given another number, the other is not on the key's list.
        let refused = encrypt(&vendor, &with_parameter(taken, &iv), key);
        assert_eq!(refused, Err(Rv::MECHANISM_INVALID), "{taken:#x}");
    }
    let refused = encrypt(&own, &with_parameter(CBC, &iv), same);
    assert_eq!(refused, Err(Rv::MECHANISM_INVALID));
    check(call!(C_DestroyObject, vendor.0, key));
}

#[test]
fn a_key_type_is_given_in_templates_within_templates_too() {
    let (vendor, own) = (session(VENDOR), session(UNNUMBERED));
    for (session, sm4, sm2) in [
        (&vendor, SM4_KEY, SM2_KEY),
        (&own, kb::CKK_KB_SM4, kb::CKK_KB_SM2),
    ] {
        for key_type in [sm4, sm2] {
            let inner = Attributes::new().ulong(CKA_KEY_TYPE, key_type).leaked();
            let template = Attributes::new()
                .ulong(CKA_CLASS, CKO_SECRET_KEY)
                .ulong(CKA_KEY_TYPE, sm4)
                .bytes(CKA_VALUE, &[7; 16])
                .template(CKA_WRAP_TEMPLATE, inner);
            let (code, key) = create(session, &template);
            check(code);
            let mut value = [0_u8; 8];
            let mut within = CK_ATTRIBUTE {
                type_: CKA_KEY_TYPE,
                pValue: value.as_mut_ptr().cast(),
                ulValueLen: 8,
            };
            let mut attribute = CK_ATTRIBUTE {
                type_: CKA_WRAP_TEMPLATE,
                pValue: (&raw mut within).cast(),
                ulValueLen: size_of::<CK_ATTRIBUTE>() as _,
            };
            check(call!(
                C_GetAttributeValue,
                session.0,
                key,
                &mut attribute,
                1
            ));
            assert_eq!(ulong(&value), key_type);
        }
    }
    let unknown = Attributes::new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, kb::CKK_KB_SM4)
        .bytes(CKA_VALUE, &[7; 16]);
    refused(create(&vendor, &unknown).0, Rv::ATTRIBUTE_VALUE_INVALID);
}

#[test]
fn an_sm2_key_needs_no_curve_and_has_the_type_that_the_application_knows() {
    let (vendor, own) = (session(VENDOR), session(UNNUMBERED));
    let new = Attributes::new;
    let typed = || new().ulong(CKA_KEY_TYPE, SM2_KEY);
    let (public, private) = generate_pair(&vendor, PAIR_GEN, &typed(), &typed()).expect("made");
    for key in [public, private] {
        assert_eq!(
            ulong(&get(&vendor, key, CKA_KEY_TYPE).expect("told")),
            SM2_KEY
        );
    }
    let (mut sign, mut signature, mut length) = (mechanism(SM2), [0; 64], 64);
    check(call!(C_SignInit, vendor.0, &mut sign, private));
    let digest = mutable(&[5; 32]);
    check(call!(
        C_Sign,
        vendor.0,
        digest,
        32,
        signature.as_mut_ptr(),
        &mut length
    ));
    check(call!(C_VerifyInit, vendor.0, &mut sign, public));
    check(call!(
        C_Verify,
        vendor.0,
        digest,
        32,
        signature.as_mut_ptr(),
        length
    ));

    // Without a number of its own the type is taken, and shown as what it is to the standard.
    let typed = || new().ulong(CKA_KEY_TYPE, kb::CKK_KB_SM2);
    let pair = generate_pair(&own, kb::CKM_KB_SM2_KEY_PAIR_GEN, &typed(), &new()).expect("made");
    assert_eq!(
        ulong(&get(&own, pair.0, CKA_KEY_TYPE).expect("told")),
        CKK_EC
    );
    let point = get(&own, pair.0, CKA_EC_POINT).expect("told");
    let template = typed()
        .ulong(CKA_CLASS, CKO_PUBLIC_KEY)
        .bytes(CKA_EC_POINT, &point);
    check(create(&own, &template).0);
    let curve = |curve| typed().bytes(CKA_EC_PARAMS, curve);
    let made = generate_pair(&own, kb::CKM_KB_SM2_KEY_PAIR_GEN, &curve(P256), &new());
    assert_eq!(made, Err(Rv::CURVE_NOT_SUPPORTED));
}

#[test]
fn a_hash_is_known_by_its_number_in_parameters_too() {
    let (vendor, own) = (session(VENDOR), session(UNNUMBERED));
    let mut values = Vec::new();
    for (session, hash) in [(&vendor, SM3), (&own, kb::CKM_KB_SM3)] {
        let (mut by, mut digest, mut length) = (mechanism(hash), [0; 32], 32);
        check(call!(C_DigestInit, session.0, &mut by));
        check(call!(
            C_Digest,
            session.0,
            mutable(b"abc"),
            3,
            digest.as_mut_ptr(),
            &mut length
        ));
        assert_eq!(digest[..4], [0x66, 0xc7, 0xf0, 0xf4]);
        let secret = Attributes::new()
            .ulong(CKA_CLASS, CKO_SECRET_KEY)
            .ulong(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
            .bytes(CKA_VALUE, &[1; 32])
            .bool(CKA_DERIVE, true);
        let (code, base) = create(session, &secret);
        check(code);
        let parameter = CK_HKDF_PARAMS {
            bExtract: CK_TRUE,
            bExpand: CK_TRUE,
            prfHashMechanism: hash,
            ulSaltType: CKF_HKDF_SALT_NULL,
            pSalt: null_mut(),
            ulSaltLen: 0,
            hSaltKey: 0,
            pInfo: null_mut(),
            ulInfoLen: 0,
        };
        let mut derive = with_parameter(CKM_HKDF_DERIVE, &parameter);
        let template = Attributes::new()
            .ulong(CKA_CLASS, CKO_SECRET_KEY)
            .ulong(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
            .ulong(CKA_VALUE_LEN, 20)
            .bool(CKA_SENSITIVE, false)
            .bool(CKA_EXTRACTABLE, true);
        let (raw, mut key) = (template.raw(), 0);
        let count = raw.len() as _;
        check(call!(
            C_DeriveKey,
            session.0,
            &mut derive,
            base,
            mutable(&raw),
            count,
            &mut key
        ));
        values.push(get(session, key, CKA_VALUE).expect("readable"));
    }
    assert_eq!(values[0], values[1]);
}

fn mechanisms(slot: CK_SLOT_ID) -> Vec<CK_MECHANISM_TYPE> {
    let mut count = 0;
    check(call!(C_GetMechanismList, slot, null_mut(), &mut count));
    let mut list = vec![0; count as usize];
    check(call!(
        C_GetMechanismList,
        slot,
        list.as_mut_ptr(),
        &mut count
    ));
    list
}

#[test]
fn mechanisms_are_listed_by_the_vendors_numbers_and_not_when_they_are_denied() {
    module();
    let (vendor, own, main) = (mechanisms(VENDOR), mechanisms(UNNUMBERED), mechanisms(MAIN));
    assert_eq!(vendor.len(), own.len());
    for shown in [KEY_GEN, CBC, SM3, PAIR_GEN, SM2, kb::CKM_KB_SM4_OFB] {
        assert!(vendor.contains(&shown), "{shown:#x}");
    }
    for (hidden, instead) in [
        (kb::CKM_KB_SM4_KEY_GEN, KEY_GEN),
        (kb::CKM_KB_SM4_CBC, CBC),
        (kb::CKM_KB_SM3, SM3),
    ] {
        assert!(!vendor.contains(&hidden) && !own.contains(&instead));
        assert!(own.contains(&hidden));
    }
    // SAFETY: three numbers.
    let mut info: CK_MECHANISM_INFO = unsafe { std::mem::zeroed() };
    check(call!(C_GetMechanismInfo, VENDOR, CBC, &mut info));
    assert_eq!((info.ulMinKeySize, info.ulMaxKeySize), (16, 16));
    let hidden = call!(C_GetMechanismInfo, VENDOR, kb::CKM_KB_SM4_CBC, &mut info);
    refused(hidden, Rv::MECHANISM_INVALID);

    // Denied with CKM_SHA256_HMAC: the two are one mechanism.
    for denied in [
        kb::CKM_KB_SM4_ECB,
        kb::CKM_KB_SM4_CTR,
        CKM_SHA_1,
        CKM_AES_KEY_GEN,
        CKM_SHA256_HMAC,
        CKM_SHA256_HMAC_GENERAL,
    ] {
        assert!(
            main.contains(&denied) && !own.contains(&denied),
            "{denied:#x}"
        );
        assert!(!vendor.contains(&denied), "{denied:#x}");
        let info = call!(C_GetMechanismInfo, VENDOR, denied, &mut info);
        refused(info, Rv::MECHANISM_INVALID);
    }
}

#[test]
fn what_is_denied_is_not_done() {
    let own = session(UNNUMBERED);
    let key = generate(&own, kb::CKM_KB_SM4_KEY_GEN, &Attributes::new()).expect("made");
    let refused = encrypt(&own, &mechanism(kb::CKM_KB_SM4_ECB), key);
    assert_eq!(refused, Err(Rv::MECHANISM_INVALID));
    let mut sha_1 = mechanism(CKM_SHA_1);
    let denied = call!(C_DigestInit, own.0, &mut sha_1);
    crate::support::refused(denied, Rv::MECHANISM_INVALID);
    let template = Attributes::new().ulong(CKA_VALUE_LEN, 16);
    assert!(generate(&own, CKM_AES_KEY_GEN, &template).is_err());
}
