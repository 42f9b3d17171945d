//! One PKCS#11 module in this process. `cryptoki` asks for the length first, so every signature is
//! three calls, as in most programs.

use std::path::Path;
use std::time::Instant;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::Session;
use keybridge_tests::loaded::Loaded;
use serde_json::{Map, Value};

use crate::{clock, direct};

/// The argument that tells this program that it is the process of one module.
pub(crate) const MODE: &str = "--one-module";

/// What is signed: as long as a SHA-256 digest, which is all that raw ECDSA takes.
pub(crate) const MESSAGE: [u8; 32] = [0x42; 32];

/// What is encrypted.
pub(crate) const PLAIN: [u8; 1024] = [1; 1024];

/// P-256 as an object identifier, DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];

/// Measures and prints JSON.
pub(crate) fn measure(args: &[String]) {
    let [module, label, pin, many] = args else {
        panic!("MODULE LABEL PIN COUNT")
    };
    let (module, many) = (
        Path::new(module),
        many.parse::<usize>().expect("a number of keys"),
    );
    let mut results = Map::new();
    let mut made = 0;
    for (count, suffix) in [(10, ""), (many, ", many")] {
        let loaded = Loaded::open(module, label).expect("the module");
        let session = loaded.session(pin).expect("a session");
        if made == 0 {
            primitives(&session, &mut results);
        }
        eprintln!("making {} keys", count - made);
        make_secrets(&loaded, pin, made..count);
        made = count;
        results.insert(
            format!("C_FindObjects by label{suffix}"),
            find(&session).into(),
        );
        drop(session);
        loaded.close().expect("C_Finalize");
        results.insert(format!("C_Initialize{suffix}"), initialize(module).into());
    }
    println!("{}", Value::Object(results));
}

fn primitives(session: &Session, results: &mut Map<String, Value>) {
    let (_, rsa) = session
        .generate_key_pair(
            &Mechanism::RsaPkcsKeyPairGen,
            &[
                Attribute::ModulusBits(2048.into()),
                Attribute::PublicExponent(vec![1, 0, 1]),
            ],
            &[Attribute::Token(true), Attribute::Sign(true)],
        )
        .expect("an RSA key");
    let (direct, rate) = clock::rates(direct::rsa_2048_sign(), || {
        session
            .sign(&Mechanism::Sha256RsaPkcs, rsa, &MESSAGE)
            .expect("a signature");
    });
    insert(results, "RSA-2048 sign", direct, rate);

    let (_, ec) = session
        .generate_key_pair(
            &Mechanism::EccKeyPairGen,
            &[Attribute::EcParams(P256.into())],
            &[Attribute::Token(true), Attribute::Sign(true)],
        )
        .expect("an EC key");
    let (direct, rate) = clock::rates(direct::p256_sign(), || {
        session
            .sign(&Mechanism::Ecdsa, ec, &MESSAGE)
            .expect("a signature");
    });
    insert(results, "P-256 sign", direct, rate);

    let aes = make_secret(session, "gcm");
    let (direct, rate) = clock::rates(direct::aes_256_gcm(), || {
        let mut iv = [3; 12];
        let parameters = GcmParams::new(&mut iv, &[], 128.into()).expect("GCM parameters");
        session
            .encrypt(&Mechanism::AesGcm(parameters), aes, &PLAIN)
            .expect("a sealed text");
    });
    insert(results, "AES-256-GCM 1 KiB", direct, rate);
}

fn insert(results: &mut Map<String, Value>, name: &str, direct: f64, rate: f64) {
    results.insert(name.to_owned(), rate.into());
    results.insert(format!("{name}, direct"), direct.into());
}

/// Makes many keys from several threads, as each waits for the disk.
fn make_secrets(loaded: &Loaded, pin: &str, numbers: std::ops::Range<usize>) {
    const THREADS: usize = 16;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let session = loaded.session(pin).expect("a session");
            let numbers = numbers.clone();
            scope.spawn(move || {
                for number in numbers.skip(thread).step_by(THREADS) {
                    make_secret(&session, &format!("key-{number}"));
                }
            });
        }
    });
}

fn make_secret(session: &Session, label: &str) -> ObjectHandle {
    session
        .generate_key(
            &Mechanism::AesKeyGen,
            &[
                Attribute::Token(true),
                Attribute::Label(label.into()),
                Attribute::ValueLen(32.into()),
                Attribute::Encrypt(true),
            ],
        )
        .expect("an AES key")
}

fn find(session: &Session) -> f64 {
    clock::median_microseconds(200, || {
        let found = session
            .find_objects(&[Attribute::Label("key-7".into())])
            .expect("a search");
        assert_eq!(found.len(), 1);
    })
}

/// C_Initialize alone; the library stays loaded all the time.
fn initialize(module: &Path) -> f64 {
    let library = Pkcs11::new(module).expect("the module");
    let mut context = Some(library);
    let mut times: Vec<f64> = (0..20)
        .map(|_| {
            let fresh = Pkcs11::new(module).expect("the module");
            drop(context.take());
            let start = Instant::now();
            fresh
                .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
                .expect("C_Initialize");
            let time = start.elapsed();
            context = Some(Pkcs11::new(module).expect("the module"));
            fresh.finalize().expect("C_Finalize");
            time.as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
