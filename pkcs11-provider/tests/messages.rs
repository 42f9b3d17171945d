//! Messages: many under one key, each with its own vector and tag.

use std::ffi::c_void;
use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::support::*;

fn aes(session: &Session, more: Attributes) -> CK_OBJECT_HANDLE {
    generate(session, CKM_AES_KEY_GEN, &more.ulong(CKA_VALUE_LEN, 32)).expect("made")
}

/// A `CK_GCM_MESSAGE_PARAMS` or `CK_CCM_MESSAGE_PARAMS` with its memory.
struct Parameters {
    iv: Vec<u8>,
    tag: Vec<u8>,
    fixed: CK_ULONG,
    generator: CK_GENERATOR_FUNCTION,
    /// For CCM.
    data_length: Option<CK_ULONG>,
    /// For ChaCha20-Poly1305, whose lengths are in bits.
    chacha: bool,
    memory: Vec<u64>,
}

impl Parameters {
    fn gcm(generator: CK_GENERATOR_FUNCTION, fixed: CK_ULONG) -> Self {
        Parameters {
            iv: (1..=12).collect(),
            tag: vec![0; 16],
            fixed,
            generator,
            data_length: None,
            chacha: false,
            memory: Vec::new(),
        }
    }

    fn ccm(data_length: usize) -> Self {
        Parameters {
            data_length: Some(data_length as CK_ULONG),
            ..Parameters::gcm(CKG_GENERATE, 0)
        }
    }

    fn chacha() -> Self {
        Parameters {
            chacha: true,
            ..Parameters::gcm(CKG_NO_GENERATE, 0)
        }
    }

    fn raw(&mut self) -> (*mut c_void, CK_ULONG) {
        let iv = self.iv.as_mut_ptr().expose_provenance() as u64;
        let tag = self.tag.as_mut_ptr().expose_provenance() as u64;
        let (iv_length, tag_length) = (self.iv.len() as u64, self.tag.len() as u64);
        self.memory = match self.data_length {
            None if self.chacha => vec![iv, iv_length * 8, tag],
            None => vec![
                iv,
                iv_length,
                self.fixed,
                self.generator,
                tag,
                tag_length * 8,
            ],
            Some(data) => vec![
                data,
                iv,
                iv_length,
                self.fixed,
                self.generator,
                tag,
                tag_length,
            ],
        };
        let length = std::mem::size_of_val(&self.memory[..]) as CK_ULONG;
        (self.memory.as_mut_ptr().cast(), length)
    }
}

const AAD: &[u8] = b"associated";

fn start(session: &Session, kind: CK_MECHANISM_TYPE, key: CK_OBJECT_HANDLE) {
    let mut gcm = mechanism(kind);
    check(call!(C_MessageEncryptInit, session.0, &mut gcm, key));
    check(call!(C_MessageDecryptInit, session.0, &mut gcm, key));
}

fn encrypt(session: &Session, parameters: &mut Parameters, data: &[u8]) -> Result<Vec<u8>, Rv> {
    let (raw, length) = parameters.raw();
    let (mut out, mut out_length) = (vec![0; data.len() + 1], data.len() as CK_ULONG + 1);
    let code = call!(
        C_EncryptMessage,
        session.0,
        raw,
        length,
        mutable(AAD),
        AAD.len() as _,
        mutable(data),
        data.len() as _,
        out.as_mut_ptr(),
        &mut out_length,
    );
    out.truncate(out_length as usize);
    Rv::from_code(code).map_or(Ok(out), Err)
}

fn decrypt(session: &Session, parameters: &mut Parameters, data: &[u8]) -> Result<Vec<u8>, Rv> {
    let (raw, length) = parameters.raw();
    let (mut out, mut out_length) = (vec![0; data.len() + 1], data.len() as CK_ULONG + 1);
    let code = call!(
        C_DecryptMessage,
        session.0,
        raw,
        length,
        mutable(AAD),
        AAD.len() as _,
        mutable(data),
        data.len() as _,
        out.as_mut_ptr(),
        &mut out_length,
    );
    out.truncate(out_length as usize);
    Rv::from_code(code).map_or(Ok(out), Err)
}

fn in_parts(
    session: &Session,
    parameters: &mut Parameters,
    data: &[u8],
    decrypts: bool,
) -> Result<Vec<u8>, Rv> {
    let list = module();
    let (begin, next) = if decrypts {
        (list.C_DecryptMessageBegin, list.C_DecryptMessageNext)
    } else {
        (list.C_EncryptMessageBegin, list.C_EncryptMessageNext)
    };
    let (begin, next) = (begin.expect("there"), next.expect("there"));
    let (raw, length) = parameters.raw();
    // SAFETY: all lengths are those of their slices.
    let code = unsafe { begin(session.0, raw, length, mutable(AAD), AAD.len() as _) };
    if let Some(rv) = Rv::from_code(code) {
        return Err(rv);
    }
    let mut all = Vec::new();
    let parts: Vec<&[u8]> = data.chunks(7).collect();
    for (index, part) in parts.iter().enumerate() {
        let flags = CK_FLAGS::from(index + 1 == parts.len());
        let (mut out, mut out_length) = (vec![0; 200], 200);
        let (raw, length) = parameters.raw();
        // SAFETY: as above.
        let code = unsafe {
            next(
                session.0,
                raw,
                length,
                mutable(part),
                part.len() as _,
                out.as_mut_ptr(),
                &mut out_length,
                flags,
            )
        };
        if let Some(rv) = Rv::from_code(code) {
            return Err(rv);
        }
        all.extend_from_slice(&out[..out_length as usize]);
    }
    Ok(all)
}

#[test]
fn messages_come_back_in_one_part_and_in_many() {
    let session = Session::new();
    let key = aes(&session, Attributes::new());
    let data: Vec<u8> = (0..100).collect();
    for (kind, parameters) in [
        (
            CKM_AES_GCM,
            (|_| Parameters::gcm(CKG_GENERATE, 32)) as fn(usize) -> _,
        ),
        (CKM_AES_CCM, Parameters::ccm),
    ] {
        start(&session, kind, key);
        let mut vectors = Vec::new();
        for _ in 0..3 {
            let mut first = parameters(data.len());
            let whole = encrypt(&session, &mut first, &data).expect("encrypted");
            assert_eq!(whole.len(), data.len());
            assert_eq!(decrypt(&session, &mut first, &whole), Ok(data.clone()));
            let parted = in_parts(&session, &mut first, &whole, true);
            assert_eq!(parted, Ok(data.clone()));
            let mut second = parameters(data.len());
            let parted = in_parts(&session, &mut second, &data, false).expect("encrypted");
            assert_eq!(decrypt(&session, &mut second, &parted), Ok(data.clone()));
            vectors.extend([first.iv.clone(), second.iv.clone()]);
            // What is wrong with a message ends that message only.
            first.tag[3] ^= 1;
            let refused = decrypt(&session, &mut first, &whole);
            assert_eq!(refused, Err(Rv::AEAD_DECRYPT_FAILED));
            let refused = in_parts(&session, &mut first, &whole, true);
            assert_eq!(refused, Err(Rv::AEAD_DECRYPT_FAILED));
        }
        let count = vectors.len();
        vectors.sort();
        vectors.dedup();
        assert_eq!(vectors.len(), count);
        if kind == CKM_AES_GCM {
            assert!(vectors.iter().all(|iv| iv[..4] == [1, 2, 3, 4]));
        }
        check(call!(C_MessageEncryptFinal, session.0));
        check(call!(C_MessageDecryptFinal, session.0));
    }
}

#[test]
fn chacha20_has_messages_too() {
    let session = Session::new();
    let key = generate(&session, CKM_CHACHA20_KEY_GEN, &Attributes::new()).expect("made");
    start(&session, CKM_CHACHA20_POLY1305, key);
    let data: Vec<u8> = (0..100).collect();
    let mut message = Parameters::chacha();
    let whole = encrypt(&session, &mut message, &data).expect("encrypted");
    assert_eq!(decrypt(&session, &mut message, &whole), Ok(data.clone()));
    let tag = message.tag.clone();
    let parted = in_parts(&session, &mut message, &data, false);
    assert_eq!((parted, &message.tag), (Ok(whole.clone()), &tag));
    assert_eq!(in_parts(&session, &mut message, &whole, true), Ok(data));
    message.tag[0] ^= 1;
    let refused = decrypt(&session, &mut message, &whole);
    assert_eq!(refused, Err(Rv::AEAD_DECRYPT_FAILED));
}

/// A message is what `C_Encrypt` makes, with the tag elsewhere.
#[test]
fn a_message_is_an_ordinary_ciphertext() {
    let session = Session::new();
    let key = aes(&session, Attributes::new());
    start(&session, CKM_AES_GCM, key);
    let mut parameters = Parameters::gcm(CKG_NO_GENERATE, 0);
    let data = [5; 40];
    let ciphertext = encrypt(&session, &mut parameters, &data).expect("encrypted");
    assert_eq!(parameters.iv, (1..=12).collect::<Vec<u8>>());
    let gcm = CK_GCM_PARAMS {
        pIv: parameters.iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: mutable(AAD),
        ulAADLen: AAD.len() as _,
        ulTagBits: 128,
    };
    let mut gcm = with_parameter(CKM_AES_GCM, &gcm);
    check(call!(C_DecryptInit, session.0, &mut gcm, key));
    let whole = [ciphertext, parameters.tag.clone()].concat();
    let (mut out, mut length) = ([0; 40], 40);
    check(call!(
        C_Decrypt,
        session.0,
        mutable(&whole),
        whole.len() as _,
        out.as_mut_ptr(),
        &mut length
    ));
    assert_eq!(out, data);
}

#[test]
fn generators_of_vectors() {
    let session = Session::new();
    let key = aes(&session, Attributes::new());
    start(&session, CKM_AES_GCM, key);
    let mut counter = Parameters::gcm(CKG_GENERATE_COUNTER, 64);
    for count in 0..3_u8 {
        encrypt(&session, &mut counter, &[1]).expect("encrypted");
        assert_eq!(counter.iv, [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, count]);
    }
    check(call!(C_SessionCancel, session.0, CKF_MESSAGE_ENCRYPT));
    check(call!(
        C_MessageEncryptInit,
        session.0,
        &mut mechanism(CKM_AES_GCM),
        key
    ));
    let mut xor = Parameters::gcm(CKG_GENERATE_COUNTER_XOR, 32);
    for last in [12, 13, 14] {
        encrypt(&session, &mut xor, &[1]).expect("encrypted");
        assert_eq!(xor.iv[11], last);
    }
    for (generator, fixed) in [
        (CKG_GENERATE, 96),
        (CKG_GENERATE_RANDOM, 80),
        (CKG_GENERATE, CK_ULONG::MAX),
        (99, 0),
    ] {
        let refused = encrypt(&session, &mut Parameters::gcm(generator, fixed), &[1]);
        assert_eq!(refused, Err(Rv::MECHANISM_PARAM_INVALID));
    }
}

#[test]
fn processes_and_messages_start_and_end_by_the_rules() {
    let session = Session::new();
    let key = aes(&session, Attributes::new().bool(CKA_DECRYPT, false));
    let mut gcm = mechanism(CKM_AES_GCM);
    let mut parameters = Parameters::gcm(CKG_GENERATE, 0);
    refused(
        call!(C_MessageDecryptInit, session.0, &mut gcm, key),
        Rv::KEY_FUNCTION_NOT_PERMITTED,
    );
    refused(
        call!(
            C_MessageEncryptInit,
            session.0,
            &mut mechanism(CKM_AES_CBC),
            key
        ),
        Rv::MECHANISM_INVALID,
    );
    let refused_early = encrypt(&session, &mut parameters, &[1]);
    assert_eq!(refused_early, Err(Rv::OPERATION_NOT_INITIALIZED));
    check(call!(C_MessageEncryptInit, session.0, &mut gcm, key));
    refused(
        call!(C_MessageEncryptInit, session.0, &mut gcm, key),
        Rv::OPERATION_ACTIVE,
    );
    // A message in parts stands in the way of another, and of the end.
    let (raw, length) = parameters.raw();
    check(call!(
        C_EncryptMessageBegin,
        session.0,
        raw,
        length,
        null_mut(),
        0
    ));
    let mut other = Parameters::gcm(CKG_GENERATE, 0);
    assert_eq!(
        encrypt(&session, &mut other, &[1]),
        Err(Rv::OPERATION_ACTIVE)
    );
    refused(
        call!(C_MessageEncryptFinal, session.0),
        Rv::OPERATION_ACTIVE,
    );
    // A size query and too small a buffer keep it; bad flags end it.
    let next = |raw, length, out: *mut u8, room: &mut CK_ULONG, flags| {
        call!(
            C_EncryptMessageNext,
            session.0,
            raw,
            length,
            mutable(&[1; 5]),
            5,
            out,
            room,
            flags
        )
    };
    let (mut out, mut room) = ([0; 5], 0);
    check(next(raw, length, null_mut(), &mut room, CKF_END_OF_MESSAGE));
    assert_eq!(room, 5);
    room = 4;
    let small = next(raw, length, out.as_mut_ptr(), &mut room, CKF_END_OF_MESSAGE);
    refused(small, Rv::BUFFER_TOO_SMALL);
    assert_eq!(room, 5);
    check(next(
        raw,
        length,
        out.as_mut_ptr(),
        &mut room,
        CKF_END_OF_MESSAGE,
    ));
    refused(
        next(raw, length, out.as_mut_ptr(), &mut room, 0),
        Rv::OPERATION_NOT_INITIALIZED,
    );
    check(call!(
        C_EncryptMessageBegin,
        session.0,
        raw,
        length,
        null_mut(),
        0
    ));
    refused(
        next(raw, length, out.as_mut_ptr(), &mut room, 6),
        Rv::ARGUMENTS_BAD,
    );
    encrypt(&session, &mut other, &[1]).expect("the process goes on");
    check(call!(C_MessageEncryptInit, session.0, null_mut(), 0));
    refused(
        call!(C_MessageEncryptFinal, session.0),
        Rv::OPERATION_NOT_INITIALIZED,
    );
}

#[test]
fn mechanisms_say_that_they_have_messages() {
    module();
    let flags = |kind| {
        let mut info = CK_MECHANISM_INFO {
            ulMinKeySize: 0,
            ulMaxKeySize: 0,
            flags: 0,
        };
        check(call!(C_GetMechanismInfo, MAIN, kind, &mut info));
        info.flags
    };
    let encrypts = CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;
    assert_eq!(flags(CKM_AES_GCM) & encrypts, encrypts);
    assert_eq!(flags(CKM_AES_CBC) & encrypts, 0);
    let signs = CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY;
    assert_eq!(flags(CKM_ECDSA_SHA256) & signs, signs);
}

#[test]
fn keys_are_wrapped_with_data_beside_them() {
    let session = Session::new();
    let key = aes(
        &session,
        Attributes::new().all_true(&[CKA_WRAP, CKA_UNWRAP]),
    );
    let target = aes(&session, Attributes::new().bool(CKA_EXTRACTABLE, true));
    for (kind, mut parameters) in [
        (CKM_AES_GCM, Parameters::gcm(CKG_GENERATE, 32)),
        (CKM_AES_CCM, Parameters::ccm(32)),
    ] {
        let given = parameters.iv.clone();
        let (raw, length) = parameters.raw();
        let mut wrapping = CK_MECHANISM {
            mechanism: kind,
            pParameter: raw,
            ulParameterLen: length,
        };
        let (mut wrapped, mut room) = ([0; 64], 0);
        let wrap = |wrapping: &mut CK_MECHANISM, out, room: &mut CK_ULONG| {
            let (aad, aad_length) = (mutable(AAD), AAD.len() as _);
            call!(
                C_WrapKeyAuthenticated,
                session.0,
                wrapping,
                key,
                target,
                aad,
                aad_length,
                out,
                room
            )
        };
        check(wrap(&mut wrapping, null_mut(), &mut room));
        assert_eq!(room, 32);
        check(wrap(&mut wrapping, wrapped.as_mut_ptr(), &mut room));
        assert_ne!(parameters.iv, given);
        let template = Attributes::new()
            .ulong(CKA_CLASS, CKO_SECRET_KEY)
            .ulong(CKA_KEY_TYPE, CKK_AES);
        let unwrap = |wrapping: &mut CK_MECHANISM, aad: &[u8]| {
            let (raw, mut unwrapped) = (template.raw(), 0);
            let code = call!(
                C_UnwrapKeyAuthenticated,
                session.0,
                wrapping,
                key,
                mutable(&wrapped),
                32,
                mutable(&raw),
                raw.len() as _,
                mutable(aad),
                aad.len() as _,
                &mut unwrapped
            );
            Rv::from_code(code).map_or(Ok(unwrapped), Err)
        };
        assert_eq!(
            unwrap(&mut wrapping, b"something else"),
            Err(Rv::WRAPPED_KEY_INVALID)
        );
        let unwrapped = unwrap(&mut wrapping, AAD).expect("unwrapped");
        assert_eq!(
            get(&session, unwrapped, CKA_VALUE_LEN),
            Ok(32_u64.to_ne_bytes().to_vec())
        );
    }
}
