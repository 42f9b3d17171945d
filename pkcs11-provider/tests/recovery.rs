//! Signatures that hold their data.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::operations::Cipher;
use crate::support::*;

fn functions() -> (Cipher, Cipher) {
    let list = module();
    let direction = |init, one| Cipher {
        init,
        one,
        update: list.C_Encrypt.expect("not called"),
        finish: list.C_SignFinal.expect("not called"),
    };
    (
        direction(
            list.C_SignRecoverInit.expect("there"),
            list.C_SignRecover.expect("there"),
        ),
        direction(
            list.C_VerifyRecoverInit.expect("there"),
            list.C_VerifyRecover.expect("there"),
        ),
    )
}

fn pair(session: &Session) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let public = Attributes::new()
        .ulong(CKA_MODULUS_BITS, 2048)
        .bool(CKA_VERIFY_RECOVER, true);
    let private = Attributes::new().bool(CKA_SIGN_RECOVER, true);
    generate_pair(session, CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &private).expect("made")
}

#[test]
fn data_comes_back_out_of_its_signature() {
    let session = Session::new();
    let (public, private) = pair(&session);
    let (sign, verify) = functions();
    let pkcs = mechanism(CKM_RSA_PKCS);
    let data = [7; 40];
    let signature = sign.all(&session, &pkcs, private, &data);
    assert_eq!(signature.len(), 256);
    assert_eq!(verify.all(&session, &pkcs, public, &signature), data);
    let raw = mechanism(CKM_RSA_X_509);
    let signature = sign.all(&session, &raw, private, &data);
    let recovered = verify.all(&session, &raw, public, &signature);
    assert_eq!((recovered.len(), &recovered[216..]), (256, &data[..]));
    assert!(recovered[..216].iter().all(|&byte| byte == 0));
}

#[test]
fn a_wrong_signature_is_told_before_a_small_buffer() {
    let session = Session::new();
    let (public, private) = pair(&session);
    let (sign, _) = functions();
    let mut pkcs = mechanism(CKM_RSA_PKCS);
    let mut signature = sign.all(&session, &pkcs, private, &[7; 40]);
    let mut verify = |signature: &[u8]| {
        check(call!(C_VerifyRecoverInit, session.0, &mut pkcs, public));
        let (mut out, mut length) = ([0; 1], 1);
        call!(
            C_VerifyRecover,
            session.0,
            mutable(signature),
            signature.len() as _,
            out.as_mut_ptr(),
            &mut length
        )
    };
    refused(verify(&signature[1..]), Rv::SIGNATURE_LEN_RANGE);
    signature[9] ^= 1;
    refused(verify(&signature), Rv::SIGNATURE_INVALID);
    signature[9] ^= 1;
    refused(verify(&signature), Rv::BUFFER_TOO_SMALL);
    check(call!(C_SessionCancel, session.0, CKF_VERIFY_RECOVER));
    let code = call!(
        C_VerifyRecover,
        session.0,
        signature.as_mut_ptr(),
        256,
        null_mut(),
        &mut 0
    );
    refused(code, Rv::OPERATION_NOT_INITIALIZED);
}

#[test]
fn recovery_is_a_permission_of_its_own() {
    let session = Session::new();
    let public = Attributes::new().ulong(CKA_MODULUS_BITS, 2048);
    let (public, private) = generate_pair(
        &session,
        CKM_RSA_PKCS_KEY_PAIR_GEN,
        &public,
        &Attributes::new(),
    )
    .expect("made");
    let mut pkcs = mechanism(CKM_RSA_PKCS);
    refused(
        call!(C_SignRecoverInit, session.0, &mut pkcs, private),
        Rv::KEY_FUNCTION_NOT_PERMITTED,
    );
    refused(
        call!(C_VerifyRecoverInit, session.0, &mut pkcs, public),
        Rv::KEY_FUNCTION_NOT_PERMITTED,
    );
    let mut hashed = mechanism(CKM_SHA256_RSA_PKCS);
    refused(
        call!(C_SignRecoverInit, session.0, &mut hashed, private),
        Rv::MECHANISM_INVALID,
    );
}
