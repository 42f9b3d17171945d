//! The primitives by themselves, on `aws-lc-rs`: what the module could at best do.

use std::collections::HashMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

use crate::clock;

pub(crate) fn measure() -> HashMap<&'static str, f64> {
    let random = SystemRandom::new();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
    let mut signature = vec![0; rsa.public_modulus_len()];
    let rsa = clock::rate(|| {
        rsa.sign(
            &RSA_PKCS1_SHA256,
            &random,
            &crate::module::MESSAGE,
            &mut signature,
        )
        .expect("a signature");
    });

    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("an EC key");
    let p256 = clock::rate(|| {
        pair.sign(&random, &crate::module::MESSAGE)
            .expect("a signature");
    });

    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("an AES key"));
    let plain = vec![1; 1024];
    let gcm = clock::rate(|| {
        let mut data = plain.clone();
        let nonce = Nonce::assume_unique_for_key([3; 12]);
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut data)
            .expect("a sealed text");
    });
    HashMap::from([
        ("RSA-2048 sign", rsa),
        ("P-256 sign", p256),
        ("AES-256-GCM 1 KiB", gcm),
    ])
}
