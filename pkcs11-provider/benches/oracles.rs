//! `cargo bench -p keybridge-pkcs11 --bench oracles`: whether the time of `C_Decrypt` and `C_UnwrapKey` tells what was wrong
//! with a padding. Inputs of two classes come in turns, in an order drawn anew each round; Welch's t of their times tells
//! whether they differ: beyond ±4.5 they do (ISO/IEC 17825, Goodwill and others 2011). The slowest 5 % of both are left
//! out, which are the machine's doing. Prints; judges nothing.

// Calls C functions.
#![allow(unsafe_code, missing_docs)]

use std::path::Path;
use std::ptr::null_mut;
use std::sync::Arc;
use std::time::Instant;

use cryptoki_sys::*;
use keybridge_core::kms::Kms;
use keybridge_core::seal::NobodyToAsk;
use keybridge_core::settings::ConfigurationFile;
use keybridge_pkcs11::ffi::interfaces::FUNCTION_LIST_3_2;

macro_rules! call {
    ($name:ident $(, $argument:expr)* $(,)?) => {{
        let function = FUNCTION_LIST_3_2.$name.expect("a function");
        // SAFETY: pointers to what lives as long as the call.
        unsafe { function($($argument),*) }
    }};
}

/// Inputs of each class.
const VARIANTS: usize = 64;
/// Measured calls of each class: RSA's take a millisecond, the others some microseconds.
const RSA_CALLS: usize = 6_000;
const AES_CALLS: usize = 60_000;
/// Left out of the slowest.
const OUTLIERS: f64 = 0.05;

const MODULUS: usize = 256;

fn ok(code: CK_RV) {
    assert_eq!(code, CKR_OK, "{code:#x}");
}

fn pointer<T>(slice: &[T]) -> *mut T {
    slice.as_ptr().cast_mut()
}

/// Numbers that look random; not for secrets.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        // No zeros: they end a padding.
        (0..length).map(|_| (self.next() % 255) as u8 + 1).collect()
    }
}

/// A token with a user logged in, in a store below `folder`.
fn session(folder: &Path) -> CK_SESSION_HANDLE {
    let path = folder.join("keybridge.toml");
    let text = "[store]\npath = 'store.db'\n[seal]\nkind = 'keyfile'\npath = 'root.key'\n\
                [[token]]\naccount = 'bench'\n";
    std::fs::write(&path, text).expect("written");
    let settings = ConfigurationFile::read(&path).expect("valid").settings();
    let kms = Kms::initialize(&settings, Arc::new(NobodyToAsk)).expect("a store");
    kms.create_account("bench").expect("an account");
    drop(kms);
    keybridge_pkcs11::module::initialize_from(&path).expect("initialized");
    let (pin, mut label) = (b"1234", [b' '; 32]);
    ok(call!(C_InitToken, 0, pointer(pin), 4, label.as_mut_ptr()));
    let (mut session, flags) = (0, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    ok(call!(
        C_OpenSession,
        0,
        flags,
        null_mut(),
        None,
        &mut session
    ));
    ok(call!(C_Login, session, CKU_SO, pointer(pin), 4));
    ok(call!(C_InitPIN, session, pointer(pin), 4));
    ok(call!(C_Logout, session));
    ok(call!(C_Login, session, CKU_USER, pointer(pin), 4));
    session
}

fn attribute(kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE {
        type_: kind,
        pValue: pointer(value).cast(),
        ulValueLen: value.len() as _,
    }
}

fn mechanism(kind: CK_MECHANISM_TYPE, parameter: &[u8]) -> CK_MECHANISM {
    CK_MECHANISM {
        mechanism: kind,
        pParameter: pointer(parameter).cast(),
        ulParameterLen: parameter.len() as _,
    }
}

fn rsa_pair(session: CK_SESSION_HANDLE) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let (bits, yes) = (2048_u64.to_ne_bytes(), [1]);
    let public = [
        attribute(CKA_MODULUS_BITS, &bits),
        attribute(CKA_ENCRYPT, &yes),
    ];
    let private = [attribute(CKA_DECRYPT, &yes), attribute(CKA_UNWRAP, &yes)];
    let (mut by, mut pair) = (mechanism(CKM_RSA_PKCS_KEY_PAIR_GEN, &[]), (0, 0));
    let (public, private) = (pointer(&public), pointer(&private));
    let (one, other) = (&mut pair.0, &mut pair.1);
    ok(call!(
        C_GenerateKeyPair,
        session,
        &mut by,
        public,
        2,
        private,
        2,
        one,
        other
    ));
    pair
}

fn aes_key(session: CK_SESSION_HANDLE) -> CK_OBJECT_HANDLE {
    let (length, yes) = (32_u64.to_ne_bytes(), [1]);
    let usages = [CKA_ENCRYPT, CKA_DECRYPT, CKA_UNWRAP];
    let mut template = vec![attribute(CKA_VALUE_LEN, &length)];
    template.extend(usages.map(|kind| attribute(kind, &yes)));
    let (mut by, mut key) = (mechanism(CKM_AES_KEY_GEN, &[]), 0);
    let (count, template) = (template.len() as _, pointer(&template));
    ok(call!(
        C_GenerateKey,
        session,
        &mut by,
        template,
        count,
        &mut key
    ));
    key
}

fn encrypt(
    session: CK_SESSION_HANDLE,
    mut by: CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
    plain: &[u8],
) -> Vec<u8> {
    let (mut sealed, mut length) = (vec![0; MODULUS], MODULUS as CK_ULONG);
    ok(call!(C_EncryptInit, session, &mut by, key));
    let (data, size) = (pointer(plain), plain.len() as _);
    ok(call!(
        C_Encrypt,
        session,
        data,
        size,
        sealed.as_mut_ptr(),
        &mut length
    ));
    sealed.truncate(length as usize);
    sealed
}

/// Times a decryption, whatever comes of it.
fn decrypt(
    session: CK_SESSION_HANDLE,
    mut by: CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
    sealed: &[u8],
) -> f64 {
    let (mut plain, mut length) = ([0; MODULUS], MODULUS as CK_ULONG);
    ok(call!(C_DecryptInit, session, &mut by, key));
    let (data, size) = (pointer(sealed), sealed.len() as _);
    let start = Instant::now();
    call!(
        C_Decrypt,
        session,
        data,
        size,
        plain.as_mut_ptr(),
        &mut length
    );
    start.elapsed().as_secs_f64()
}

/// Times an unwrapping; what it makes goes, outside of the time.
fn unwrap(
    session: CK_SESSION_HANDLE,
    mut by: CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
    wrapped: &[u8],
    length: Option<u64>,
) -> f64 {
    let class = CKO_SECRET_KEY.to_ne_bytes();
    let (kind, bytes) = (
        CKK_GENERIC_SECRET.to_ne_bytes(),
        length.map(u64::to_ne_bytes),
    );
    let mut template = vec![attribute(CKA_CLASS, &class), attribute(CKA_KEY_TYPE, &kind)];
    template.extend(bytes.iter().map(|bytes| attribute(CKA_VALUE_LEN, bytes)));
    let (data, size, mut made) = (pointer(wrapped), wrapped.len() as _, 0);
    let (count, template) = (template.len() as _, pointer(&template));
    let start = Instant::now();
    let code = call!(
        C_UnwrapKey,
        session,
        &mut by,
        key,
        data,
        size,
        template,
        count,
        &mut made
    );
    let time = start.elapsed().as_secs_f64();
    if code == CKR_OK {
        ok(call!(C_DestroyObject, session, made));
    }
    time
}

/// Welch's t of two classes of inputs, in turns; and both means in microseconds.
fn compare(
    what: &str,
    calls: usize,
    classes: [&[Vec<u8>]; 2],
    mut measure: impl FnMut(&[u8]) -> f64,
) {
    let (mut numbers, mut times) = (Numbers(0x9e37_79b9), [Vec::new(), Vec::new()]);
    for round in 0..calls + calls / 10 {
        let first = (numbers.next() >> 20 & 1) as usize;
        for class in [first, 1 - first] {
            let input = (numbers.next() >> 20) as usize % VARIANTS;
            let time = measure(&classes[class][input]);
            // The first tenth warms up.
            if round >= calls / 10 {
                times[class].push(time * 1e6);
            }
        }
    }
    let mut all = times.concat();
    all.sort_unstable_by(f64::total_cmp);
    let longest = all[(all.len() as f64 * (1.0 - OUTLIERS)) as usize];
    let moments = times.map(|mut times| {
        times.retain(|time| *time < longest);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let squares = times.iter().map(|time| (time - mean).powi(2));
        (mean, squares.sum::<f64>() / (count - 1.0) / count)
    });
    let [(one, one_error), (other, other_error)] = moments;
    let t = (one - other) / (one_error + other_error).sqrt();
    println!("{what:<62}{one:>10.3}{other:>10.3}{t:>8.1}");
}

/// Blocks of PKCS#1 v1.5, and of what looks like it: right with a key of 32 bytes, right with one of 16, of another type,
/// without the zero after the padding, with too short a padding.
fn blocks(numbers: &mut Numbers, form: usize) -> Vec<u8> {
    let mut block = [vec![0, 2], numbers.bytes(MODULUS - 2)].concat();
    match form {
        0 => block[MODULUS - 33] = 0,
        1 => block[MODULUS - 17] = 0,
        2 => {
            block[1] = 1;
            block[MODULUS - 33] = 0;
        }
        3 => {}
        _ => block[6] = 0,
    }
    block
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let session = session(folder.path());
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    println!("{:<62}{:>10}{:>10}{:>8}", "", "one, µs", "other", "t");

    let names = [
        "32 bytes",
        "16 bytes",
        "another type",
        "no end of padding",
        "short padding",
    ];
    let (public, private) = rsa_pair(session);
    let raw = mechanism(CKM_RSA_X_509, &[]);
    let sealed: Vec<Vec<Vec<u8>>> = (0..names.len())
        .map(|form| {
            let one = |_| encrypt(session, raw, public, &blocks(&mut numbers, form));
            (0..VARIANTS).map(one).collect()
        })
        .collect();
    let pkcs = mechanism(CKM_RSA_PKCS, &[]);
    for form in 1..names.len() {
        let what = format!("C_Decrypt RSA_PKCS: 32 bytes, {}", names[form]);
        let classes = [&sealed[0][..], &sealed[form][..]];
        compare(&what, RSA_CALLS, classes, |input| {
            decrypt(session, pkcs, private, input)
        });
    }
    // Its role is taken by now: another pair to unwrap with.
    let (public, private) = rsa_pair(session);
    let sealed: Vec<Vec<Vec<u8>>> = (0..names.len())
        .map(|form| {
            let one = |_| encrypt(session, raw, public, &blocks(&mut numbers, form));
            (0..VARIANTS).map(one).collect()
        })
        .collect();
    for length in [Some(32), None] {
        for form in 1..names.len() {
            let said = if length.is_some() { "with" } else { "without" };
            let what = format!(
                "C_UnwrapKey RSA_PKCS {said} length: 32 bytes, {}",
                names[form]
            );
            let classes = [&sealed[0][..], &sealed[form][..]];
            compare(&what, RSA_CALLS, classes, |input| {
                unwrap(session, pkcs, private, input, length)
            });
        }
    }

    // Blocks of CBC: right, the last byte beyond a block, one within the padding, all of it wrong.
    let names = ["right", "last byte 17", "first byte of 16", "random"];
    let iv = [7; 16];
    let padded = |numbers: &mut Numbers, form: usize| {
        let mut blocks = [numbers.bytes(32), vec![16; 16]].concat();
        match form {
            0 => {}
            1 => blocks[47] = 17,
            2 => blocks[32] = 15,
            _ => blocks[32..].copy_from_slice(&numbers.bytes(16)),
        }
        blocks
    };
    let (whole, pad) = (mechanism(CKM_AES_CBC, &iv), mechanism(CKM_AES_CBC_PAD, &iv));
    for unwraps in [false, true] {
        // An encrypting key takes the role of data, so what is unwrapped was encrypted with a copy of its value, made
        // of what may be read: a key of known value takes no role.
        let key = if unwraps {
            open_key(session)
        } else {
            aes_key(session)
        };
        let sealed: Vec<Vec<Vec<u8>>> = (0..names.len())
            .map(|form| {
                let one = |_| encrypt(session, whole, key, &padded(&mut numbers, form));
                (0..VARIANTS).map(one).collect()
            })
            .collect();
        for (one, other) in [(0, 1), (1, 2), (1, 3)] {
            let function = if unwraps { "C_UnwrapKey" } else { "C_Decrypt" };
            let what = format!("{function} AES_CBC_PAD: {}, {}", names[one], names[other]);
            let classes = [&sealed[one][..], &sealed[other][..]];
            compare(&what, AES_CALLS, classes, |input| {
                if unwraps {
                    unwrap(session, pad, key, input, None)
                } else {
                    decrypt(session, pad, key, input)
                }
            });
        }
    }
}

fn open_key(session: CK_SESSION_HANDLE) -> CK_OBJECT_HANDLE {
    let (class, kind) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_AES.to_ne_bytes());
    let (value, yes, no) = ([5; 32], [1], [0]);
    let template = [
        attribute(CKA_CLASS, &class),
        attribute(CKA_KEY_TYPE, &kind),
        attribute(CKA_VALUE, &value),
        attribute(CKA_ENCRYPT, &yes),
        attribute(CKA_UNWRAP, &yes),
        attribute(CKA_EXTRACTABLE, &yes),
        attribute(CKA_SENSITIVE, &no),
    ];
    let (count, mut key) = (template.len() as _, 0);
    ok(call!(
        C_CreateObject,
        session,
        pointer(&template),
        count,
        &mut key
    ));
    key
}
