//! What a ready key costs beside the same call made directly on `aws-lc-rs`. Not a test of anything: run with
//! `cargo test --release -p keybridge-core measure -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

use super::*;
use crate::Curve;
use crate::engine::software::digest::Hasher;

/// Nanoseconds a call, the best of several rounds, each long enough for the clock.
fn time(mut call: impl FnMut()) -> f64 {
    const ROUNDS: usize = 7;
    const ROUND: Duration = Duration::from_millis(150);
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let (start, mut calls) = (Instant::now(), 0u32);
        while start.elapsed() < ROUND {
            for _ in 0..16 {
                call();
            }
            calls += 16;
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    best
}

fn report(what: &str, direct: f64, ours: f64) {
    println!(
        "{what:<40} direct {direct:>10.0} ns  engine {ours:>10.0} ns  speed {:.2} of direct",
        direct / ours
    );
}

#[test]
#[ignore = "a measurement"]
fn measure() {
    let random = SystemRandom::new();
    let message = [7; 1024];
    let hash = HashAlgorithm::Sha256;

    let (value, _) = generate(KeySpec::Ec { curve: Curve::P256 });
    let theirs =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, value.expose()).unwrap();
    let ours = private_key(value.expose()).unwrap();
    let digest = Hasher::digest(hash, &message);
    let mut output = [0; 2048];
    // The direct call hashes: 32 bytes take it one compression, far below a signature.
    report(
        "P-256 sign, 32 bytes",
        time(|| {
            black_box(theirs.sign(&random, digest.as_ref()).unwrap());
        }),
        time(|| {
            let written = ours.run(
                Purpose::Sign,
                &Mechanism::Ecdsa,
                digest.as_ref(),
                &mut output,
            );
            black_box(written.unwrap());
        }),
    );
    let signature = theirs.sign(&random, digest.as_ref()).unwrap();
    let public = signature::UnparsedPublicKey::new(
        &signature::ECDSA_P256_SHA256_FIXED,
        signature::KeyPair::public_key(&theirs).as_ref().to_vec(),
    );
    let parsed = signature::ParsedPublicKey::new(
        &signature::ECDSA_P256_SHA256_FIXED,
        signature::KeyPair::public_key(&theirs),
    )
    .unwrap();
    public.verify(digest.as_ref(), signature.as_ref()).unwrap();
    report(
        "P-256 verify, 32 bytes",
        time(|| {
            parsed
                .verify_sig(digest.as_ref(), signature.as_ref())
                .unwrap();
        }),
        time(|| {
            let hashed = Mechanism::EcdsaHash { hash };
            ours.verify(
                Purpose::Verify,
                &hashed,
                digest.as_ref(),
                signature.as_ref(),
            )
            .unwrap();
        }),
    );

    let (value, _) = generate(KeySpec::Rsa { bits: 2048 });
    let theirs = RsaKeyPair::from_pkcs8(value.expose()).unwrap();
    let ours = private_key(value.expose()).unwrap();
    let mut info = vec![
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0x04, 0x20,
    ];
    info.extend_from_slice(digest.as_ref());
    let mut signature = vec![0; 256];
    report(
        "RSA-2048 PKCS#1 sign, DigestInfo",
        time(|| {
            theirs
                .sign(&RSA_PKCS1_SHA256, &random, digest.as_ref(), &mut signature)
                .unwrap();
        }),
        time(|| {
            let written = ours.run(Purpose::Sign, &Mechanism::RsaPkcs1, &info, &mut output);
            black_box(written.unwrap());
        }),
    );

    let theirs = LessSafeKey::new(UnboundKey::new(&aead::AES_256_GCM, &[5; 32]).unwrap());
    let ours = aes(&[5; 32]);
    let gcm = Mechanism::Gcm {
        iv: vec![1; 12],
        aad: vec![],
        tag_length: 16,
    };
    for length in [16, 1024, 16 * 1024] {
        let plain = vec![7; length];
        let mut buffer = vec![0; length + 16];
        report(
            &format!("AES-256-GCM encrypt, {length} bytes"),
            time(|| {
                buffer.clear();
                buffer.extend_from_slice(&plain);
                let nonce = Nonce::assume_unique_for_key([1; 12]);
                theirs
                    .seal_in_place_append_tag(nonce, Aad::empty(), &mut buffer)
                    .unwrap();
                black_box(&buffer);
            }),
            {
                let mut output = vec![0; length + 16];
                time(|| {
                    let written = ours.run(Purpose::Encrypt, &gcm, &plain, &mut output);
                    black_box(written.unwrap());
                })
            },
        );
    }
    let theirs = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[5; 32]);
    let ours = secret_key(KeySpec::Hmac { hash, bits: 256 }, &[5; 32]);
    let hmac = Mechanism::Hmac {
        hash,
        tag_length: 32,
    };
    report(
        "HMAC-SHA-256, 1024 bytes",
        time(|| {
            black_box(aws_lc_rs::hmac::sign(&theirs, &message));
        }),
        time(|| {
            let written = ours.run(Purpose::MacGenerate, &hmac, &message, &mut output);
            black_box(written.unwrap());
        }),
    );
}
