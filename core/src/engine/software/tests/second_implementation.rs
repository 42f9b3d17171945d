//! The algorithms that answer most requests, against RustCrypto's.

use aes_gcm::aead::{AeadInOut, Nonce};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit};
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{Oaep, Pkcs1v15Encrypt, Pkcs1v15Sign, Pss, RsaPrivateKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::*;
use crate::Curve;
use crate::engine::software::random::OsRandom;
use crate::mechanism::RsaHash;

fn data(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 256) as u8).collect()
}

#[test]
fn aes_gcm_seals_alike() {
    for length in [0, 1, 15, 16, 17, 1024, 5000] {
        let (plain, aad, iv) = (data(length), data(length % 33), [9; 12]);
        let mechanism = Mechanism::Gcm {
            iv: iv.to_vec(),
            aad: aad.clone(),
            tag_length: 16,
        };
        let theirs = |mut buffer: Vec<u8>, tag: Vec<u8>| {
            buffer.extend(tag);
            buffer
        };
        let mut buffer = plain.clone();
        let cipher = Aes256Gcm::new(&[5; 32].into());
        let nonce: Nonce<Aes256Gcm> = iv.into();
        let tag = cipher
            .encrypt_inout_detached(&nonce, &aad, buffer.as_mut_slice().into())
            .unwrap();
        let expected = theirs(buffer, tag.to_vec());
        assert_eq!(
            run(&*aes(&[5; 32]), Purpose::Encrypt, &mechanism, &plain).unwrap(),
            expected
        );

        let mut buffer = plain.clone();
        let cipher = Aes128Gcm::new(&[5; 16].into());
        let tag = cipher
            .encrypt_inout_detached(&nonce, &aad, buffer.as_mut_slice().into())
            .unwrap();
        let expected = theirs(buffer, tag.to_vec());
        assert_eq!(
            run(&*aes(&[5; 16]), Purpose::Encrypt, &mechanism, &plain).unwrap(),
            expected
        );
    }
}

#[test]
fn hmac_is_alike() {
    let (key, message) = (data(200), data(1000));
    let ours = |hash: HashAlgorithm| {
        let tag_length = hash.length();
        let mechanism = Mechanism::Hmac { hash, tag_length };
        run(&*generic(&key), Purpose::MacGenerate, &mechanism, &message).unwrap()
    };
    macro_rules! theirs {
        ($hash:ty) => {{
            let mut mac = <Hmac<$hash> as KeyInit>::new_from_slice(&key).unwrap();
            mac.update(&message);
            mac.finalize().into_bytes().to_vec()
        }};
    }
    assert_eq!(ours(HashAlgorithm::Sha1), theirs!(sha1::Sha1));
    assert_eq!(ours(HashAlgorithm::Sha224), theirs!(sha2::Sha224));
    assert_eq!(ours(HashAlgorithm::Sha256), theirs!(Sha256));
    assert_eq!(ours(HashAlgorithm::Sha384), theirs!(Sha384));
    assert_eq!(ours(HashAlgorithm::Sha512), theirs!(Sha512));
    assert_eq!(ours(HashAlgorithm::Sm3), theirs!(sm3::Sm3));
}

#[test]
fn ecdsa_is_alike() {
    let spec = KeySpec::Ec { curve: Curve::P256 };
    let (value, spki) = generate(spec);
    let private = private_key(value.expose()).unwrap();
    let public = ready_public_key(spec, &spki.unwrap()).unwrap();
    let theirs = p256::ecdsa::SigningKey::from_pkcs8_der(value.expose()).unwrap();
    for length in [20, 32, 48, 64, 100] {
        let digest = data(length);
        let signature = run(&*private, Purpose::Sign, &Mechanism::Ecdsa, &digest).unwrap();
        let parsed = p256::ecdsa::Signature::from_slice(&signature).unwrap();
        theirs
            .verifying_key()
            .verify_prehash(&digest, &parsed)
            .unwrap();
        let signature: p256::ecdsa::Signature = theirs.sign_prehash(&digest).unwrap();
        public
            .verify(
                Purpose::Verify,
                &Mechanism::Ecdsa,
                &digest,
                &signature.to_bytes(),
            )
            .unwrap();
    }
}

#[test]
pub(super) fn secp256k1_is_alike() {
    use aws_lc_rs::signature::{ECDSA_P256K1_SHA256_FIXED, UnparsedPublicKey};
    let curve = Curve::Secp256k1;
    let (value, _) = generate(KeySpec::Ec { curve });
    let private = private_key(value.expose()).unwrap();
    let key = crate::encoding::PrivateKey::from_pkcs8(value.expose()).unwrap();
    let crate::encoding::PublicKey::Ec(public) = key.public_key().unwrap() else {
        panic!("not EC");
    };
    let hash = HashAlgorithm::Sha256;
    let signature = run(
        &*private,
        Purpose::Sign,
        &Mechanism::EcdsaHash { hash },
        b"data",
    )
    .unwrap();
    UnparsedPublicKey::new(&ECDSA_P256K1_SHA256_FIXED, public.point())
        .verify(b"data", &signature)
        .unwrap();
    for length in [0, 1, 16, 31, 32, 33, 64] {
        let digest = data(length);
        let signature = run(&*private, Purpose::Sign, &Mechanism::Ecdsa, &digest).unwrap();
        private
            .verify(Purpose::Verify, &Mechanism::Ecdsa, &digest, &signature)
            .unwrap();
    }
}

struct RsaPair {
    ours: Arc<dyn ReadyKey>,
    theirs: RsaPrivateKey,
}

fn rsa_pair() -> RsaPair {
    let (value, _) = generate(KeySpec::Rsa { bits: 2048 });
    RsaPair {
        ours: private_key(value.expose()).unwrap(),
        theirs: RsaPrivateKey::from_pkcs8_der(value.expose()).unwrap(),
    }
}

#[test]
fn rsa_signatures_are_alike() {
    let RsaPair { ours, theirs } = rsa_pair();
    let message = data(99);
    let hash = HashAlgorithm::Sha256;
    let padding = Pkcs1v15Sign::new::<Sha256>();
    let expected = theirs.sign(padding, &Sha256::digest(&message)).unwrap();
    let hashed = Mechanism::RsaPkcs1Hash {
        hash,
        digested: false,
    };
    assert_eq!(
        run(&*ours, Purpose::Sign, &hashed, &message).unwrap(),
        expected
    );
    let digested = Mechanism::RsaPkcs1Hash {
        hash,
        digested: true,
    };
    let digest = Sha256::digest(&message);
    assert_eq!(
        run(&*ours, Purpose::Sign, &digested, &digest).unwrap(),
        expected
    );
    // Raw: the DigestInfo, or anything else.
    let any = data(245);
    let expected = theirs.sign(Pkcs1v15Sign::new_unprefixed(), &any).unwrap();
    assert_eq!(
        run(&*ours, Purpose::Sign, &Mechanism::RsaPkcs1, &any).unwrap(),
        expected
    );
    ours.verify(Purpose::Verify, &Mechanism::RsaPkcs1, &any, &expected)
        .unwrap();
    run(&*ours, Purpose::Sign, &Mechanism::RsaPkcs1, &data(246)).unwrap_err();

    for (salt_length, mgf1) in [(0, hash), (32, hash), (222, hash)] {
        let pss = |digested| Mechanism::RsaPss {
            hash: RsaHash { hash, mgf1 },
            salt_length,
            digested,
        };
        let signature = run(&*ours, Purpose::Sign, &pss(false), &message).unwrap();
        let padding = || Pss::<Sha256>::new_with_salt(salt_length);
        theirs
            .to_public_key()
            .verify(padding(), &digest, &signature)
            .unwrap();
        let signature = theirs
            .sign_with_rng(&mut Infallible, padding(), &digest)
            .unwrap();
        ours.verify(Purpose::Verify, &pss(true), &digest, &signature)
            .unwrap();
        ours.verify(Purpose::Verify, &pss(false), &message, &signature)
            .unwrap();
    }
    let too_long = Mechanism::RsaPss {
        hash: RsaHash { hash, mgf1: hash },
        salt_length: 223,
        digested: false,
    };
    run(&*ours, Purpose::Sign, &too_long, &message).unwrap_err();
}

#[test]
fn rsa_encryption_is_alike() {
    let RsaPair { ours, theirs } = rsa_pair();
    let message = data(60);
    let sealed = run(&*ours, Purpose::Encrypt, &Mechanism::RsaPkcs1, &message).unwrap();
    assert_eq!(theirs.decrypt(Pkcs1v15Encrypt, &sealed).unwrap(), message);
    let sealed = theirs
        .to_public_key()
        .encrypt(&mut Infallible, Pkcs1v15Encrypt, &message)
        .unwrap();
    let plain = run(&*ours, Purpose::Decrypt, &Mechanism::RsaPkcs1, &sealed).unwrap();
    assert_eq!(plain, message);

    let oaep = Mechanism::RsaOaep {
        hash: RsaHash {
            hash: HashAlgorithm::Sha256,
            mgf1: HashAlgorithm::Sha1,
        },
        label: b"label".to_vec(),
    };
    let padding = || Oaep::<Sha256, sha1::Sha1>::new_with_mgf_hash_and_label(b"label".to_vec());
    let sealed = run(&*ours, Purpose::Encrypt, &oaep, &message).unwrap();
    assert_eq!(theirs.decrypt(padding(), &sealed).unwrap(), message);
    let sealed = theirs
        .to_public_key()
        .encrypt(&mut Infallible, padding(), &message)
        .unwrap();
    assert_eq!(
        run(&*ours, Purpose::Decrypt, &oaep, &sealed).unwrap(),
        message
    );
    // Wrapping is the same, and goes to a buffer of the value's own size.
    let wrapped = ours.wrap(&oaep, &SecretBytes::from(&message[..])).unwrap();
    assert_eq!(ours.unwrap(&oaep, &wrapped).unwrap().expose(), message);
    let mut exact = vec![0; message.len()];
    assert_eq!(
        ours.run(Purpose::Decrypt, &oaep, &sealed, &mut exact)
            .unwrap(),
        60
    );
    assert_eq!(exact, message);
    ours.run(Purpose::Decrypt, &oaep, &sealed, &mut exact[1..])
        .unwrap_err();
}

#[test]
pub(super) fn raw_rsa_is_the_power() {
    let RsaPair { ours, theirs } = rsa_pair();
    let raw = Mechanism::RsaRaw;
    let message = data(100);
    let sealed = run(&*ours, Purpose::Encrypt, &raw, &message).unwrap();
    let number = crypto_bigint::BoxedUint::from_be_slice(&message, 2048).unwrap();
    let expected = rsa::hazmat::rsa_encrypt(&theirs.to_public_key(), &number).unwrap();
    assert_eq!(sealed, expected.to_be_bytes().to_vec());
    let plain = run(&*ours, Purpose::Decrypt, &raw, &sealed).unwrap();
    assert_eq!(plain[156..], message);
    let signature = run(&*ours, Purpose::Sign, &raw, &message).unwrap();
    ours.verify(Purpose::Verify, &raw, &message, &signature)
        .unwrap();
    run(&*ours, Purpose::Sign, &raw, &theirs.n().to_be_bytes()).unwrap_err();
    run(&*ours, Purpose::Sign, &raw, &data(257)).unwrap_err();
}

/// Our generator under the bound that the `rsa` crate wants.
pub(super) struct Infallible;

impl rsa::rand_core::TryRng for Infallible {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Self::Error> {
        Ok(OsRandom.try_next_u32().unwrap())
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Self::Error> {
        Ok(OsRandom.try_next_u64().unwrap())
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> std::result::Result<(), Self::Error> {
        OsRandom.try_fill_bytes(buffer).unwrap();
        Ok(())
    }
}

impl rsa::rand_core::TryCryptoRng for Infallible {}
