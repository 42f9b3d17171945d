//! Vectors that the token makes for single operations.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::keys::{unwrap, wrap};
use crate::support::*;

fn aes(session: &Session, more: Attributes) -> CK_OBJECT_HANDLE {
    generate(session, CKM_AES_KEY_GEN, &more.ulong(CKA_VALUE_LEN, 32)).expect("made")
}

#[test]
fn gcm_writes_the_vector_that_it_made_where_it_was_asked_to() {
    let session = Session::new();
    let key = aes(&session, Attributes::new());
    let mut vectors = Vec::new();
    for _ in 0..2 {
        let mut iv = [0_u8; 12];
        let mut parameter = CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 0,
            ulIvBits: 96,
            pAAD: null_mut(),
            ulAADLen: 0,
            ulTagBits: 128,
        };
        let mut gcm = CK_MECHANISM {
            mechanism: CKM_AES_GCM,
            pParameter: (&raw mut parameter).cast(),
            ulParameterLen: size_of::<CK_GCM_PARAMS>() as _,
        };
        check(call!(C_EncryptInit, session.0, &mut gcm, key));
        assert_eq!(parameter.ulIvLen, 12);
        let (mut out, mut length) = ([0; 20], 20);
        let data = mutable(b"data");
        check(call!(
            C_Encrypt,
            session.0,
            data,
            4,
            out.as_mut_ptr(),
            &mut length
        ));
        check(call!(C_DecryptInit, session.0, &mut gcm, key));
        let (mut back, mut back_length) = ([0; 4], 4);
        check(call!(
            C_Decrypt,
            session.0,
            out.as_mut_ptr(),
            length,
            back.as_mut_ptr(),
            &mut back_length
        ));
        assert_eq!(&back, b"data");
        vectors.push(iv);
    }
    assert_ne!(vectors[0], vectors[1]);
    assert_ne!(vectors[0], [0; 12]);
}

#[test]
fn a_wrapping_makes_its_vector_when_asked() {
    let session = Session::new();
    let key = aes(
        &session,
        Attributes::new().all_true(&[CKA_WRAP, CKA_UNWRAP]),
    );
    let target = aes(&session, Attributes::new().bool(CKA_EXTRACTABLE, true));
    let mut iv = [7_u8; 12];
    let mut parameter = CK_GCM_WRAP_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvFixedBits: 32,
        ivGenerator: CKG_GENERATE_RANDOM,
        pAAD: mutable(b"beside"),
        ulAADLen: 6,
        ulTagBits: 128,
    };
    let gcm = with_parameter(CKM_AES_GCM, &parameter);
    let wrapped = wrap(&session, &gcm, key, target).expect("wrapped");
    assert_eq!(wrapped.len(), 48);
    assert_eq!(iv[..4], [7; 4]);
    assert_ne!(iv[4..], [7; 8]);
    let template = Attributes::new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, CKK_AES);
    unwrap(&session, &gcm, key, &wrapped, &template).expect("unwrapped");
    // Each call stands alone, so nothing counts.
    parameter.ivGenerator = CKG_GENERATE_COUNTER;
    let gcm = with_parameter(CKM_AES_GCM, &parameter);
    let refused = wrap(&session, &gcm, key, target);
    assert_eq!(refused, Err(Rv::MECHANISM_PARAM_INVALID));
}
