//! Signatures and MACs: they verify, in one part and in many, and nothing else does.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::operations::Cipher;
use crate::support::*;

pub(crate) fn sign(session: &Session, mechanism: &CK_MECHANISM, key: u64, data: &[u8]) -> Vec<u8> {
    let list = module();
    let sign = Cipher {
        init: list.C_SignInit.expect("there"),
        one: list.C_Sign.expect("there"),
        update: list.C_Encrypt.expect("not called"),
        finish: list.C_SignFinal.expect("there"),
    };
    sign.all(session, mechanism, key, data)
}

fn sign_in_parts(session: &Session, mechanism: &CK_MECHANISM, key: u64, data: &[u8]) -> Vec<u8> {
    let mechanism = std::ptr::from_ref(mechanism).cast_mut();
    check(call!(C_SignInit, session.0, mechanism, key));
    for part in data.chunks(7) {
        check(call!(
            C_SignUpdate,
            session.0,
            mutable(part),
            part.len() as _
        ));
    }
    let (mut out, mut length) = (vec![0; 1024], 1024);
    check(call!(C_SignFinal, session.0, out.as_mut_ptr(), &mut length));
    out.truncate(length as usize);
    out
}

fn verify(
    session: &Session,
    mechanism: &CK_MECHANISM,
    key: u64,
    data: &[u8],
    signature: &[u8],
) -> Option<Rv> {
    let mechanism = std::ptr::from_ref(mechanism).cast_mut();
    check(call!(C_VerifyInit, session.0, mechanism, key));
    let (data_length, length) = (data.len() as _, signature.len() as _);
    Rv::from_code(call!(
        C_Verify,
        session.0,
        mutable(data),
        data_length,
        mutable(signature),
        length
    ))
}

fn verify_in_parts(
    session: &Session,
    mechanism: &CK_MECHANISM,
    key: u64,
    data: &[u8],
    signature: &[u8],
) -> Option<Rv> {
    let mechanism = std::ptr::from_ref(mechanism).cast_mut();
    check(call!(C_VerifyInit, session.0, mechanism, key));
    for part in data.chunks(7) {
        check(call!(
            C_VerifyUpdate,
            session.0,
            mutable(part),
            part.len() as _
        ));
    }
    let length = signature.len() as _;
    Rv::from_code(call!(C_VerifyFinal, session.0, mutable(signature), length))
}

#[test]
fn signatures_and_macs_verify_and_nothing_else_does() {
    use keybridge_pkcs11::mechanisms::vendor as kb;
    let session = Session::new();
    let new = Attributes::new;
    let rsa = generate_pair(
        &session,
        CKM_RSA_PKCS_KEY_PAIR_GEN,
        &new().ulong(CKA_MODULUS_BITS, 2048),
        &new(),
    )
    .expect("made");
    let ec = generate_pair(
        &session,
        CKM_EC_KEY_PAIR_GEN,
        &new().bytes(CKA_EC_PARAMS, P256),
        &new(),
    );
    let ec = ec.expect("made");
    let ed = new().bytes(CKA_EC_PARAMS, ED25519);
    let ed = generate_pair(&session, CKM_EC_EDWARDS_KEY_PAIR_GEN, &ed, &new()).expect("made");
    let sm2_curve = [6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d];
    let sm2 = new().bytes(CKA_EC_PARAMS, &sm2_curve);
    let sm2 = generate_pair(&session, kb::CKM_KB_SM2_KEY_PAIR_GEN, &sm2, &new()).expect("made");
    let secret = new().ulong(CKA_VALUE_LEN, 32);
    let secret = generate(&session, CKM_GENERIC_SECRET_KEY_GEN, &secret).expect("made");
    let block = new()
        .ulong(CKA_VALUE_LEN, 16)
        .all_true(&[CKA_SIGN, CKA_VERIFY]);
    let block = generate(&session, CKM_AES_KEY_GEN, &block).expect("made");
    let pss = CK_RSA_PKCS_PSS_PARAMS {
        hashAlg: CKM_SHA256,
        mgf: CKG_MGF1_SHA256,
        sLen: 32,
    };
    let short = 10_u64;
    let random = false;
    let same = true;
    for (keys, mechanism, length, parts, repeatable) in [
        (rsa, mechanism(CKM_RSA_PKCS), 51, false, same),
        (rsa, mechanism(CKM_RSA_X_509), 200, false, same),
        (rsa, mechanism(CKM_SHA256_RSA_PKCS), 100, true, same),
        (rsa, mechanism(CKM_SHA512_RSA_PKCS), 100, true, same),
        (
            rsa,
            with_parameter(CKM_RSA_PKCS_PSS, &pss),
            32,
            false,
            random,
        ),
        (
            rsa,
            with_parameter(CKM_SHA256_RSA_PKCS_PSS, &pss),
            100,
            true,
            random,
        ),
        (ec, mechanism(CKM_ECDSA), 32, false, random),
        (ec, mechanism(CKM_ECDSA_SHA256), 100, true, random),
        (ec, mechanism(CKM_ECDSA_SHA384), 100, true, random),
        (ed, mechanism(CKM_EDDSA), 100, true, same),
        (sm2, mechanism(kb::CKM_KB_SM2), 32, false, random),
        (sm2, mechanism(kb::CKM_KB_SM2_SM3), 100, true, random),
        ((secret, secret), mechanism(CKM_SHA_1_HMAC), 100, true, same),
        (
            (secret, secret),
            mechanism(CKM_SHA256_HMAC),
            100,
            true,
            same,
        ),
        (
            (secret, secret),
            with_parameter(CKM_SHA256_HMAC_GENERAL, &short),
            100,
            true,
            same,
        ),
        ((block, block), mechanism(CKM_AES_CMAC), 100, true, same),
        (
            (block, block),
            with_parameter(CKM_AES_CMAC_GENERAL, &short),
            100,
            true,
            same,
        ),
    ] {
        let name = mechanism.mechanism;
        let (public, private) = keys;
        let mut data: Vec<u8> = (1..=length).map(|byte| byte as u8).collect();
        let mut signature = sign(&session, &mechanism, private, &data);
        assert_eq!(
            verify(&session, &mechanism, public, &data, &signature),
            None,
            "{name:#x}"
        );
        if parts {
            let in_parts = sign_in_parts(&session, &mechanism, private, &data);
            assert_eq!(in_parts == signature, repeatable, "{name:#x}");
            let verified = verify_in_parts(&session, &mechanism, public, &data, &in_parts);
            assert_eq!(verified, None, "{name:#x}");
        }
        data[5] ^= 1;
        let wrong = verify(&session, &mechanism, public, &data, &signature);
        assert_eq!(wrong, Some(Rv::SIGNATURE_INVALID), "{name:#x}");
        data[5] ^= 1;
        let cut = verify(&session, &mechanism, public, &data, &signature[1..]);
        assert_eq!(cut, Some(Rv::SIGNATURE_LEN_RANGE), "{name:#x}");
        signature[3] ^= 1;
        let wrong = verify(&session, &mechanism, public, &data, &signature);
        assert_eq!(wrong, Some(Rv::SIGNATURE_INVALID), "{name:#x}");
    }
}

#[test]
fn mechanisms_of_one_part_have_no_parts() {
    let session = Session::new();
    let public = Attributes::new().bytes(CKA_EC_PARAMS, P256);
    let (_, private) =
        generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, &Attributes::new()).expect("made");
    let mut ecdsa = mechanism(CKM_ECDSA);
    check(call!(C_SignInit, session.0, &mut ecdsa, private));
    let code = call!(C_SignUpdate, session.0, mutable(&[0; 32]), 32);
    refused(code, Rv::OPERATION_NOT_INITIALIZED);
    check(call!(C_SignInit, session.0, &mut ecdsa, private));
}

#[test]
fn a_key_that_asks_each_time_gets_the_pin_each_time() {
    let session = Session::new();
    let public = Attributes::new().bytes(CKA_EC_PARAMS, P256);
    let private = Attributes::new().bool(CKA_ALWAYS_AUTHENTICATE, true);
    let private = private.bool(CKA_DERIVE, true);
    let (public, private) =
        generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, &private).expect("made");
    let mut ecdsa = mechanism(CKM_ECDSA);
    let (mut out, mut length) = ([0; 64], 64);
    let out = out.as_mut_ptr();
    check(call!(C_SignInit, session.0, &mut ecdsa, private));
    let code = call!(C_Sign, session.0, mutable(&[1; 32]), 32, out, &mut length);
    refused(code, Rv::USER_NOT_LOGGED_IN);
    // A derivation is one call: there is no moment for the PIN.
    let point = get(&session, public, CKA_EC_POINT).expect("a point");
    let parameter = CK_ECDH1_DERIVE_PARAMS {
        kdf: CKD_NULL,
        ulSharedDataLen: 0,
        pSharedData: null_mut(),
        ulPublicDataLen: point.len() as _,
        pPublicData: mutable(&point),
    };
    let derived = crate::derivations::derive(
        &session,
        with_parameter(CKM_ECDH1_DERIVE, &parameter),
        private,
        &Attributes::new().ulong(CKA_VALUE_LEN, 32),
    );
    assert_eq!(derived.err(), Some(Rv::USER_NOT_LOGGED_IN));
    for _ in 0..2 {
        check(call!(C_SignInit, session.0, &mut ecdsa, private));
        refused(
            login(session.0, CKU_CONTEXT_SPECIFIC, b"not the pin"),
            Rv::PIN_INCORRECT,
        );
        check(login(session.0, CKU_CONTEXT_SPECIFIC, USER_PIN));
        check(call!(
            C_Sign,
            session.0,
            mutable(&[1; 32]),
            32,
            out,
            &mut length
        ));
    }
}

#[test]
fn a_key_is_used_as_its_list_of_mechanisms_allows() {
    let session = Session::new();
    let only = CKM_ECDSA_SHA256.to_ne_bytes();
    let public = Attributes::new().bytes(CKA_EC_PARAMS, P256);
    let private = Attributes::new().bytes(CKA_ALLOWED_MECHANISMS, &only);
    let (_, private) =
        generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, &private).expect("made");
    assert_eq!(
        get(&session, private, CKA_ALLOWED_MECHANISMS),
        Ok(only.to_vec())
    );
    check(call!(
        C_SignInit,
        session.0,
        &mut mechanism(CKM_ECDSA_SHA256),
        private
    ));
    check(call!(C_SignInit, session.0, null_mut(), 0));
    let code = call!(C_SignInit, session.0, &mut mechanism(CKM_ECDSA), private);
    refused(code, Rv::MECHANISM_INVALID);
}

/// 3.2, 6.3.1: a signature for verification may lack the zeros that both its halves start with. Java
/// gives P-521 signatures so: one in four is affected.
#[test]
fn ecdsa_signatures_may_be_shorter() {
    let session = Session::new();
    let p521 = [6, 5, 0x2b, 0x81, 4, 0, 35];
    let public = Attributes::new().bytes(CKA_EC_PARAMS, &p521);
    let (public, private) =
        generate_pair(&session, CKM_EC_KEY_PAIR_GEN, &public, &Attributes::new()).expect("made");
    let hashed = mechanism(CKM_ECDSA_SHA256);
    let signature = (0..1000)
        .map(|_| sign(&session, &hashed, private, b"data"))
        .find(|signature| signature[0] == 0 && signature[66] == 0)
        .expect("one in four");
    let (r, s) = signature.split_at(66);
    let short = [&r[1..], &s[1..]].concat();
    for (given, answer) in [
        (&signature[..], None),
        (&short[..], None),
        (&short[1..], Some(Rv::SIGNATURE_LEN_RANGE)),
        (
            &[&r[2..], &s[2..]].concat()[..],
            Some(Rv::SIGNATURE_INVALID),
        ),
        (
            &[&[0], r, &[0], s].concat()[..],
            Some(Rv::SIGNATURE_LEN_RANGE),
        ),
    ] {
        assert_eq!(verify(&session, &hashed, public, b"data", given), answer);
        assert_eq!(
            verify_in_parts(&session, &hashed, public, b"data", given),
            answer
        );
    }
}
