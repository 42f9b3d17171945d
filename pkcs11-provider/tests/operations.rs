//! Ciphers and digests: they come back, in one part and in many, and end when they should.

use std::ptr::null_mut;

use cryptoki_sys::*;
use keybridge_pkcs11::rv::Rv;

use crate::signatures::sign;
use crate::support::*;

pub(crate) type InitFn = unsafe extern "C" fn(CK_ULONG, *mut CK_MECHANISM, CK_ULONG) -> CK_RV;
pub(crate) type OneFn =
    unsafe extern "C" fn(CK_ULONG, *mut u8, CK_ULONG, *mut u8, *mut CK_ULONG) -> CK_RV;
pub(crate) type FinalFn = unsafe extern "C" fn(CK_ULONG, *mut u8, *mut CK_ULONG) -> CK_RV;

/// The functions of a direction.
#[derive(Clone, Copy)]
pub(crate) struct Cipher {
    pub(crate) init: InitFn,
    pub(crate) one: OneFn,
    pub(crate) update: OneFn,
    pub(crate) finish: FinalFn,
}

fn encrypt() -> Cipher {
    let list = module();
    Cipher {
        init: list.C_EncryptInit.expect("there"),
        one: list.C_Encrypt.expect("there"),
        update: list.C_EncryptUpdate.expect("there"),
        finish: list.C_EncryptFinal.expect("there"),
    }
}

fn decrypt() -> Cipher {
    let list = module();
    Cipher {
        init: list.C_DecryptInit.expect("there"),
        one: list.C_Decrypt.expect("there"),
        update: list.C_DecryptUpdate.expect("there"),
        finish: list.C_DecryptFinal.expect("there"),
    }
}

impl Cipher {
    fn init(self, session: &Session, mechanism: &CK_MECHANISM, key: CK_OBJECT_HANDLE) -> CK_RV {
        // SAFETY: a mechanism of this test.
        unsafe { (self.init)(session.0, std::ptr::from_ref(mechanism).cast_mut(), key) }
    }

    fn one(self, session: &Session, data: &[u8], out: &mut [u8], length: &mut CK_ULONG) -> CK_RV {
        let out = if out.is_empty() {
            null_mut()
        } else {
            out.as_mut_ptr()
        };
        // SAFETY: the output is NULL, or as long as `length` says at most.
        unsafe { (self.one)(session.0, mutable(data), data.len() as _, out, length) }
    }

    /// Size query, too small a buffer, then the real thing.
    pub(crate) fn all(
        self,
        session: &Session,
        mechanism: &CK_MECHANISM,
        key: u64,
        data: &[u8],
    ) -> Vec<u8> {
        check(self.init(session, mechanism, key));
        let mut length = 0;
        check(self.one(session, data, &mut [], &mut length));
        let mut out = vec![0; length as usize];
        if length as usize > 16 {
            let mut short = 0;
            let mut byte = [0];
            refused(
                self.one(session, data, &mut byte[..], &mut short),
                Rv::BUFFER_TOO_SMALL,
            );
            assert!(short > 0 && short <= length);
        }
        check(self.one(session, data, &mut out, &mut length));
        out.truncate(length as usize);
        let over = self.one(session, data, &mut [0; 8192], &mut 8192);
        refused(over, Rv::OPERATION_NOT_INITIALIZED);
        out
    }

    fn in_parts(
        self,
        session: &Session,
        mechanism: &CK_MECHANISM,
        key: u64,
        data: &[u8],
    ) -> Vec<u8> {
        check(self.init(session, mechanism, key));
        let mut all = Vec::new();
        for part in data.chunks(7) {
            let (mut out, mut length) = ([0; 64], 64);
            // SAFETY: both buffers are as long as said.
            let code = unsafe {
                let update = self.update;
                update(
                    session.0,
                    mutable(part),
                    part.len() as _,
                    out.as_mut_ptr(),
                    &mut length,
                )
            };
            check(code);
            all.extend_from_slice(&out[..length as usize]);
        }
        let mut length = 0;
        // SAFETY: a size query.
        check(unsafe { (self.finish)(session.0, null_mut(), &mut length) });
        let mut out = vec![0; length as usize + 1];
        length += 1;
        // SAFETY: the buffer is as long as said.
        check(unsafe { (self.finish)(session.0, out.as_mut_ptr(), &mut length) });
        all.extend_from_slice(&out[..length as usize]);
        all
    }
}

fn aes(session: &Session) -> CK_OBJECT_HANDLE {
    let template = Attributes::new().ulong(CKA_VALUE_LEN, 32);
    generate(session, CKM_AES_KEY_GEN, &template).expect("made")
}

#[test]
fn ciphers_come_back_in_one_part_and_in_many() {
    let session = Session::new();
    let key = aes(&session);
    let sm4 = Attributes::new();
    let sm4 = generate(
        &session,
        keybridge_pkcs11::mechanisms::vendor::CKM_KB_SM4_KEY_GEN,
        &sm4,
    );
    let sm4 = sm4.expect("made");
    let iv = [7_u8; 16];
    let counter = CK_AES_CTR_PARAMS {
        ulCounterBits: 32,
        cb: [9; 16],
    };
    let mut aad = *b"associated";
    let gcm = CK_GCM_PARAMS {
        pIv: mutable(&iv),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: aad.len() as _,
        ulTagBits: 128,
    };
    let ccm = CK_CCM_PARAMS {
        ulDataLen: 61,
        pNonce: mutable(&iv),
        ulNonceLen: 12,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: aad.len() as _,
        ulMACLen: 16,
    };
    use keybridge_pkcs11::mechanisms::vendor as kb;
    for (key, mechanism, length, in_parts) in [
        (key, mechanism(CKM_AES_ECB), 64, true),
        (key, with_parameter(CKM_AES_CBC, &iv), 64, true),
        (key, with_parameter(CKM_AES_CBC_PAD, &iv), 61, true),
        (key, with_parameter(CKM_AES_CBC_PAD, &iv), 64, true),
        (key, with_parameter(CKM_AES_CBC_PAD, &iv), 0, true),
        (key, with_parameter(CKM_AES_CTR, &counter), 61, true),
        (key, with_parameter(CKM_AES_GCM, &gcm), 61, true),
        (key, with_parameter(CKM_AES_GCM, &gcm), 1024, true),
        (sm4, mechanism(kb::CKM_KB_SM4_ECB), 64, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_CBC, &iv), 64, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_CBC_PAD, &iv), 61, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_CTR, &counter), 61, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_CTS, &iv), 61, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_OFB, &iv), 61, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_CFB1, &iv), 61, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_CFB8, &iv), 61, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_CFB64, &iv), 61, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_CFB128, &iv), 61, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_GCM, &gcm), 61, true),
        (sm4, with_parameter(kb::CKM_KB_SM4_CCM, &ccm), 61, true),
    ] {
        let name = mechanism.mechanism;
        let data: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
        let encrypted = encrypt().all(&session, &mechanism, key, &data);
        assert_eq!(
            decrypt().all(&session, &mechanism, key, &encrypted),
            data,
            "{name:#x}"
        );
        if in_parts {
            let parts = encrypt().in_parts(&session, &mechanism, key, &data);
            assert_eq!(parts, encrypted, "{name:#x}");
            let parts = decrypt().in_parts(&session, &mechanism, key, &encrypted);
            assert_eq!(parts, data, "{name:#x}");
        }
    }
}

#[test]
fn a_cipher_may_work_in_place() {
    let session = Session::new();
    let key = aes(&session);
    let iv = [1_u8; 16];
    let mechanism = with_parameter(CKM_AES_CBC_PAD, &iv);
    let apart = encrypt().all(&session, &mechanism, key, &[5; 40]);
    let mut buffer = [5_u8; 48];
    let mut length = 48;
    check(encrypt().init(&session, &mechanism, key));
    let place = buffer.as_mut_ptr();
    check(call!(C_Encrypt, session.0, place, 40, place, &mut length));
    assert_eq!(buffer[..], apart);
    check(decrypt().init(&session, &mechanism, key));
    check(call!(C_Decrypt, session.0, place, 48, place, &mut length));
    assert_eq!((length, &buffer[..40]), (40, &[5; 40][..]));
}

#[test]
fn a_decrypted_text_that_fits_is_not_too_small_a_buffer() {
    let session = Session::new();
    let key = aes(&session);
    let iv = [1_u8; 16];
    let mechanism = with_parameter(CKM_AES_CBC_PAD, &iv);
    let encrypted = encrypt().all(&session, &mechanism, key, b"five!");
    check(decrypt().init(&session, &mechanism, key));
    let (mut out, mut length) = ([0; 5], 4);
    let code = decrypt().one(&session, &encrypted, &mut out, &mut length);
    refused(code, Rv::BUFFER_TOO_SMALL);
    assert_eq!(length, 5);
    check(decrypt().one(&session, &encrypted, &mut out, &mut length));
    assert_eq!(&out, b"five!");
}

#[test]
fn what_is_wrong_with_a_ciphertext_is_not_told_apart() {
    let session = Session::new();
    let key = aes(&session);
    let iv = [1_u8; 16];
    let mechanism = with_parameter(CKM_AES_CBC_PAD, &iv);
    let mut encrypted = encrypt().all(&session, &mechanism, key, &[0; 31]);
    encrypted[31] ^= 1;
    check(decrypt().init(&session, &mechanism, key));
    let code = decrypt().one(&session, &encrypted, &mut [0; 64], &mut 64);
    refused(code, Rv::ENCRYPTED_DATA_INVALID);
    check(decrypt().init(&session, &mechanism, key));
    let code = decrypt().one(&session, &encrypted[..31], &mut [0; 64], &mut 64);
    refused(code, Rv::ENCRYPTED_DATA_LEN_RANGE);
    check(encrypt().init(&session, &with_parameter(CKM_AES_CBC, &iv), key));
    let code = encrypt().one(&session, &[0; 15], &mut [0; 64], &mut 64);
    refused(code, Rv::DATA_LEN_RANGE);
}

#[test]
fn operations_start_and_end_by_the_rules() {
    let session = Session::new();
    let key = aes(&session);
    let iv = [1_u8; 16];
    let cbc = with_parameter(CKM_AES_CBC, &iv);
    check(encrypt().init(&session, &cbc, key));
    refused(encrypt().init(&session, &cbc, key), Rv::OPERATION_ACTIVE);
    // Another kind of operation is another matter.
    check(decrypt().init(&session, &cbc, key));
    check(call!(C_EncryptInit, session.0, null_mut(), 0));
    refused(
        call!(C_EncryptInit, session.0, null_mut(), 0),
        Rv::ARGUMENTS_BAD,
    );
    check(call!(C_SessionCancel, session.0, CKF_DECRYPT));
    let code = decrypt().one(&session, &[0; 16], &mut [0; 16], &mut 16);
    refused(code, Rv::OPERATION_NOT_INITIALIZED);
    // The one-part function comes too late after a part, and ends it.
    check(encrypt().init(&session, &cbc, key));
    let (mut out, mut length) = ([0; 16], 16);
    check(call!(
        C_EncryptUpdate,
        session.0,
        mutable(&[0; 16]),
        16,
        out.as_mut_ptr(),
        &mut length
    ));
    let code = encrypt().one(&session, &[0; 16], &mut [0; 16], &mut 16);
    refused(code, Rv::OPERATION_ACTIVE);
    let code = encrypt().one(&session, &[0; 16], &mut [0; 16], &mut 16);
    refused(code, Rv::OPERATION_NOT_INITIALIZED);
    for (mechanism, key, with) in [
        (mechanism(CKM_DES_ECB), key, Rv::MECHANISM_INVALID),
        (mechanism(CKM_SHA256), key, Rv::MECHANISM_INVALID),
        (mechanism(CKM_AES_CBC), key, Rv::MECHANISM_PARAM_INVALID),
        (
            with_parameter(CKM_AES_CBC, &[0_u8; 15]),
            key,
            Rv::MECHANISM_PARAM_INVALID,
        ),
        (mechanism(CKM_RSA_PKCS), key, Rv::KEY_TYPE_INCONSISTENT),
        (mechanism(CKM_AES_ECB), 0, Rv::KEY_HANDLE_INVALID),
        (mechanism(CKM_AES_ECB), 0x7fff_ffff, Rv::KEY_HANDLE_INVALID),
    ] {
        refused(encrypt().init(&session, &mechanism, key), with);
    }
    let closed = Attributes::new()
        .ulong(CKA_VALUE_LEN, 16)
        .bool(CKA_ENCRYPT, false);
    let closed = generate(&session, CKM_AES_KEY_GEN, &closed).expect("made");
    refused(
        encrypt().init(&session, &cbc, closed),
        Rv::KEY_FUNCTION_NOT_PERMITTED,
    );
}

#[test]
fn rsa_encrypts_and_decrypts() {
    let session = Session::new();
    let public = Attributes::new().ulong(CKA_MODULUS_BITS, 2048);
    let (public, private) = generate_pair(
        &session,
        CKM_RSA_PKCS_KEY_PAIR_GEN,
        &public,
        &Attributes::new(),
    )
    .expect("made");
    let oaep = |hash, mgf| CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: hash,
        mgf,
        source: CKZ_DATA_SPECIFIED,
        pSourceData: null_mut(),
        ulSourceDataLen: 0,
    };
    let sha1 = oaep(CKM_SHA_1, CKG_MGF1_SHA1);
    let sha256 = oaep(CKM_SHA256, CKG_MGF1_SHA256);
    for mechanism in [
        mechanism(CKM_RSA_PKCS),
        with_parameter(CKM_RSA_PKCS_OAEP, &sha1),
        with_parameter(CKM_RSA_PKCS_OAEP, &sha256),
    ] {
        let encrypted = encrypt().all(&session, &mechanism, public, b"for you only");
        assert_eq!(encrypted.len(), 256);
        assert_eq!(
            decrypt().all(&session, &mechanism, private, &encrypted),
            b"for you only"
        );
        check(decrypt().init(&session, &mechanism, private));
        let mut wrong = encrypted.clone();
        wrong[255] ^= 1;
        let code = decrypt().one(&session, &wrong, &mut [0; 256], &mut 256);
        refused(code, Rv::ENCRYPTED_DATA_INVALID);
    }
}

#[test]
fn digests() {
    let session = Session::new();
    let mut sha256 = mechanism(CKM_SHA256);
    let abc = [0xba, 0x78, 0x16, 0xbf];
    let (mut digest, mut length) = ([0; 32], 0);
    check(call!(C_DigestInit, session.0, &mut sha256));
    check(call!(
        C_Digest,
        session.0,
        mutable(b"abc"),
        3,
        null_mut(),
        &mut length
    ));
    assert_eq!(length, 32);
    length = 31;
    let code = call!(
        C_Digest,
        session.0,
        mutable(b"abc"),
        3,
        digest.as_mut_ptr(),
        &mut length
    );
    refused(code, Rv::BUFFER_TOO_SMALL);
    assert_eq!(length, 32);
    check(call!(
        C_Digest,
        session.0,
        mutable(b"abc"),
        3,
        digest.as_mut_ptr(),
        &mut length
    ));
    assert_eq!(digest[..4], abc);
    let code = call!(
        C_Digest,
        session.0,
        mutable(b"abc"),
        3,
        digest.as_mut_ptr(),
        &mut length
    );
    refused(code, Rv::OPERATION_NOT_INITIALIZED);

    check(call!(C_DigestInit, session.0, &mut sha256));
    refused(
        call!(C_DigestInit, session.0, &mut sha256),
        Rv::OPERATION_ACTIVE,
    );
    check(call!(C_DigestUpdate, session.0, mutable(b"ab"), 2));
    check(call!(C_DigestUpdate, session.0, mutable(b"c"), 1));
    check(call!(
        C_DigestFinal,
        session.0,
        digest.as_mut_ptr(),
        &mut length
    ));
    assert_eq!(digest[..4], abc);

    let sensitive = aes(&session);
    let open = Attributes::new()
        .ulong(CKA_CLASS, CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
        .bool(CKA_SENSITIVE, false)
        .bool(CKA_EXTRACTABLE, true)
        .bytes(CKA_VALUE, b"abc");
    let (code, open) = create(&session, &open);
    check(code);
    check(call!(C_DigestInit, session.0, &mut sha256));
    refused(
        call!(C_DigestKey, session.0, sensitive),
        Rv::KEY_INDIGESTIBLE,
    );
    check(call!(C_DigestKey, session.0, open));
    check(call!(
        C_DigestFinal,
        session.0,
        digest.as_mut_ptr(),
        &mut length
    ));
    assert_eq!(digest[..4], abc);
}

#[test]
fn random_bytes() {
    let session = Session::new();
    let (mut one, mut two) = ([0_u8; 32], [0_u8; 32]);
    check(call!(C_GenerateRandom, session.0, one.as_mut_ptr(), 32));
    check(call!(C_GenerateRandom, session.0, two.as_mut_ptr(), 32));
    assert_ne!(one, two);
    check(call!(C_SeedRandom, session.0, one.as_mut_ptr(), 32));
}

#[test]
fn two_operations_in_one_call() {
    let session = Session::new();
    let key = aes(&session);
    let secret = Attributes::new().ulong(CKA_VALUE_LEN, 32);
    let secret = generate(&session, CKM_GENERIC_SECRET_KEY_GEN, &secret).expect("made");
    let iv = [4_u8; 16];
    let (mut cbc, mut sha) = (with_parameter(CKM_AES_CBC, &iv), mechanism(CKM_SHA256));
    let mut hmac = mechanism(CKM_SHA256_HMAC);
    let data = [9_u8; 64];
    let encrypted = encrypt().all(&session, &cbc, key, &data);
    let mac = sign(&session, &hmac, secret, &data);
    let (mut out, mut length) = ([0_u8; 64], 64);
    let mut expected = [0; 32];
    check(call!(C_DigestInit, session.0, &mut sha));
    check(call!(
        C_Digest,
        session.0,
        mutable(&data),
        64,
        expected.as_mut_ptr(),
        &mut 32
    ));

    let place = out.as_mut_ptr();
    let half = call!(
        C_DigestEncryptUpdate,
        session.0,
        mutable(&data),
        64,
        place,
        &mut length
    );
    refused(half, Rv::OPERATION_NOT_INITIALIZED);
    check(call!(C_EncryptInit, session.0, &mut cbc, key));
    check(call!(C_DigestInit, session.0, &mut sha));
    check(call!(
        C_DigestEncryptUpdate,
        session.0,
        mutable(&data),
        64,
        null_mut(),
        &mut length
    ));
    check(call!(
        C_DigestEncryptUpdate,
        session.0,
        mutable(&data),
        64,
        place,
        &mut length
    ));
    assert_eq!(out[..], encrypted);
    check(call!(C_EncryptFinal, session.0, place, &mut 64));
    let mut digest = [0; 32];
    check(call!(
        C_DigestFinal,
        session.0,
        digest.as_mut_ptr(),
        &mut 32
    ));
    assert_eq!(digest, expected);

    check(call!(C_DecryptInit, session.0, &mut cbc, key));
    check(call!(C_DigestInit, session.0, &mut sha));
    // In place, too.
    out.copy_from_slice(&encrypted);
    length = 64;
    check(call!(
        C_DecryptDigestUpdate,
        session.0,
        place,
        64,
        place,
        &mut length
    ));
    assert_eq!(out, data);
    check(call!(C_DecryptFinal, session.0, place, &mut 64));
    check(call!(
        C_DigestFinal,
        session.0,
        digest.as_mut_ptr(),
        &mut 32
    ));
    assert_eq!(digest, expected);

    check(call!(C_EncryptInit, session.0, &mut cbc, key));
    check(call!(C_SignInit, session.0, &mut hmac, secret));
    length = 64;
    check(call!(
        C_SignEncryptUpdate,
        session.0,
        mutable(&data),
        64,
        place,
        &mut length
    ));
    check(call!(C_EncryptFinal, session.0, place, &mut 64));
    check(call!(C_SignFinal, session.0, digest.as_mut_ptr(), &mut 32));
    assert_eq!(digest[..], mac);

    check(call!(C_DecryptInit, session.0, &mut cbc, key));
    check(call!(C_VerifyInit, session.0, &mut hmac, secret));
    length = 64;
    let code = call!(
        C_DecryptVerifyUpdate,
        session.0,
        mutable(&encrypted),
        64,
        place,
        &mut length
    );
    check(code);
    check(call!(C_DecryptFinal, session.0, place, &mut 64));
    check(call!(C_VerifyFinal, session.0, mutable(&mac), 32));
}

/// An operation goes on as it began: parts do not follow the one-part function's answer of how long
/// the result is, and the attempt ends the operation, as every error does.
#[test]
fn one_part_and_parts_do_not_mix() {
    let session = Session::new();
    let key = aes(&session);
    let ecb = mechanism(CKM_AES_ECB);
    let (mut out, mut length) = ([0; 64], 0);
    for cipher in [encrypt(), decrypt()] {
        check(cipher.init(&session, &ecb, key));
        check(cipher.one(&session, &[7; 32], &mut [], &mut length));
        assert_eq!(length, 32);
        let (data, mut room) = (mutable(&[7; 32]), 64);
        // SAFETY: both buffers are as long as said.
        let code = unsafe { (cipher.update)(session.0, data, 32, out.as_mut_ptr(), &mut room) };
        refused(code, Rv::OPERATION_ACTIVE);
        let code = cipher.one(&session, &[7; 32], &mut out, &mut 64);
        refused(code, Rv::OPERATION_NOT_INITIALIZED);
    }

    let (data, digest) = (mutable(&[7; 9]), out.as_mut_ptr());
    let begin = || {
        check(call!(C_DigestInit, session.0, &mut mechanism(CKM_SHA256)));
        check(call!(C_Digest, session.0, data, 9, null_mut(), &mut 0));
    };
    begin();
    let code = call!(C_DigestUpdate, session.0, data, 9);
    refused(code, Rv::OPERATION_ACTIVE);
    begin();
    let code = call!(C_DigestFinal, session.0, digest, &mut 64);
    refused(code, Rv::OPERATION_ACTIVE);
    let code = call!(C_DigestFinal, session.0, digest, &mut 64);
    refused(code, Rv::OPERATION_NOT_INITIALIZED);
    begin();
    check(call!(C_Digest, session.0, data, 9, digest, &mut 64));

    let hmac = Attributes::new()
        .ulong(CKA_VALUE_LEN, 32)
        .all_true(&[CKA_SIGN, CKA_VERIFY]);
    let hmac = generate(&session, CKM_GENERIC_SECRET_KEY_GEN, &hmac).expect("made");
    let mut by = mechanism(CKM_SHA256_HMAC);
    check(call!(C_SignInit, session.0, &mut by, hmac));
    check(call!(C_Sign, session.0, data, 9, null_mut(), &mut 0));
    let code = call!(C_SignUpdate, session.0, data, 9);
    refused(code, Rv::OPERATION_ACTIVE);
    let code = call!(C_Sign, session.0, data, 9, digest, &mut 64);
    refused(code, Rv::OPERATION_NOT_INITIALIZED);
}

/// A program that asks for the length first, and makes a buffer of that length, must come to hand in its part: one of
/// no bytes is NULL in most languages, which asks again (PyKCS11).
#[test]
fn a_part_that_gives_nothing_yet_still_wants_a_buffer() {
    let session = Session::new();
    let key = aes(&session);
    let vector = [0; 16];
    let cbc = CK_MECHANISM {
        mechanism: CKM_AES_CBC_PAD,
        pParameter: mutable(&vector).cast(),
        ulParameterLen: 16,
    };
    for cipher in [encrypt(), decrypt()] {
        check(cipher.init(&session, &cbc, key));
        let mut length = 0;
        let part = mutable(&[7; 5]);
        let update = cipher.update;
        // SAFETY: as the standard's prototype says.
        check(unsafe { update(session.0, part, 5, null_mut(), &mut length) });
        assert!((1..=16).contains(&length), "{length}");
        let mut buffer = vec![0; length as usize];
        // SAFETY: as above.
        check(unsafe { update(session.0, part, 5, buffer.as_mut_ptr(), &mut length) });
        assert_eq!(length, 0, "nothing yet");
        check(call!(C_SessionCancel, session.0, CKF_ENCRYPT | CKF_DECRYPT));
    }
}
