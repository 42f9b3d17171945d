//! The primitives by themselves, on `aws-lc-rs`: what the module could at best do.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

use crate::module::{MESSAGE, PLAIN};

pub(crate) fn rsa_2048_sign() -> impl FnMut() {
    let (key, random) = (
        RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key"),
        SystemRandom::new(),
    );
    move || {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature)
            .expect("a signature");
    }
}

pub(crate) fn p256_sign() -> impl FnMut() {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("an EC key");
    let random = SystemRandom::new();
    move || {
        key.sign(&random, &MESSAGE).expect("a signature");
    }
}

pub(crate) fn aes_256_gcm() -> impl FnMut() {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("an AES key"));
    move || {
        let mut data = Vec::with_capacity(PLAIN.len() + 16);
        data.extend_from_slice(&PLAIN);
        let nonce = Nonce::assume_unique_for_key([3; 12]);
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut data)
            .expect("a sealed text");
    }
}
