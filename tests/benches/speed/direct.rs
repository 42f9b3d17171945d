//! The primitives by themselves, on `aws-lc-rs`: what the module could at best do.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, VerificationAlgorithm,
};
use aws_lc_rs::{digest, hmac, rand};

use crate::operations::{Job, MESSAGE, PLAIN};

pub(crate) fn rsa_2048_sign() -> Job<'static> {
    let (key, random) = (rsa(), SystemRandom::new());
    Box::new(move || {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature)
            .expect("a signature");
    })
}

pub(crate) fn rsa_2048_verify() -> Job<'static> {
    let key = rsa();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        &MESSAGE,
        &mut signature,
    )
    .expect("a signature");
    verify(&RSA_PKCS1_2048_8192_SHA256, key.public_key(), signature)
}

pub(crate) fn p256_sign() -> Job<'static> {
    let (key, random) = (ec(), SystemRandom::new());
    Box::new(move || {
        key.sign(&random, &MESSAGE).expect("a signature");
    })
}

pub(crate) fn p256_verify() -> Job<'static> {
    let key = ec();
    let signature = key
        .sign(&SystemRandom::new(), &MESSAGE)
        .expect("a signature");
    verify(
        &ECDSA_P256_SHA256_ASN1,
        key.public_key(),
        signature.as_ref().to_vec(),
    )
}

pub(crate) fn aes_256_gcm_seal() -> Job<'static> {
    let key = aes();
    Box::new(move || drop(seal(&key)))
}

pub(crate) fn aes_256_gcm_open() -> Job<'static> {
    let key = aes();
    let sealed = seal(&key);
    Box::new(move || {
        let mut data = sealed.clone();
        key.open_in_place(nonce(), Aad::empty(), &mut data)
            .expect("the plain text");
    })
}

pub(crate) fn sha_256() -> Job<'static> {
    Box::new(|| {
        std::hint::black_box(digest::digest(&digest::SHA256, &PLAIN));
    })
}

pub(crate) fn hmac_sha_256() -> Job<'static> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
    Box::new(move || {
        std::hint::black_box(hmac::sign(&key, &PLAIN));
    })
}

pub(crate) fn random_32() -> Job<'static> {
    Box::new(|| rand::fill(&mut [0; 32]).expect("random bytes"))
}

fn rsa() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key")
}

fn ec() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("an EC key")
}

fn aes() -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("an AES key"))
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([3; 12])
}

fn seal(key: &LessSafeKey) -> Vec<u8> {
    let mut data = Vec::with_capacity(PLAIN.len() + 16);
    data.extend_from_slice(&PLAIN);
    key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut data)
        .expect("a sealed text");
    data
}

/// With the key parsed once, as the module keeps it.
fn verify(
    algorithm: &'static dyn VerificationAlgorithm,
    public: impl AsRef<[u8]>,
    signature: Vec<u8>,
) -> Job<'static> {
    let key = ParsedPublicKey::new(algorithm, public.as_ref()).expect("a public key");
    Box::new(move || {
        key.verify_sig(&MESSAGE, &signature)
            .expect("a good signature");
    })
}
