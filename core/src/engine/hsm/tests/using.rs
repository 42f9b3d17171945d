//! Using keys: every result is checked by another implementation or against a published vector.

use aws_lc_rs::{agreement, key_wrap, rsa, signature};

use super::harness::{engine, generate, import, run, softhsm_test};
use crate::encoding::PublicKey;
use crate::engine::Engine;
use crate::engine::hsm::HsmEngine;
use crate::error::Error;
use crate::mechanism::{KeyDerivation, RsaHash};
use crate::secret::SecretBytes;
use crate::{Curve, HashAlgorithm, KeySpec, Mechanism, Object, Purpose};

const MESSAGE: &[u8] = b"the message, longer than one block of any cipher that is used here";

fn pkcs1(spki: &[u8]) -> Vec<u8> {
    match PublicKey::from_spki(spki).expect("SPKI") {
        PublicKey::Rsa(key) => key.to_pkcs1().expect("PKCS#1"),
        _ => panic!("not RSA"),
    }
}

fn point(spki: &[u8]) -> Vec<u8> {
    match PublicKey::from_spki(spki).expect("SPKI") {
        PublicKey::Ec(key) => key.point().to_vec(),
        _ => panic!("not on a curve"),
    }
}

fn verified(
    algorithm: &'static dyn signature::VerificationAlgorithm,
    public: &[u8],
    message: &[u8],
    signed: &[u8],
) {
    signature::UnparsedPublicKey::new(algorithm, public)
        .verify(message, signed)
        .expect("the signature verifies");
}

/// r ‖ s as the ECDSA-Sig-Value of RFC 3279, for short curves.
fn asn1(fixed: &[u8]) -> Vec<u8> {
    use pkcs8::der::{Encode, asn1::UintRef};
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let number = |half| {
        UintRef::new(half)
            .and_then(|half| half.to_der())
            .expect("DER")
    };
    let content = [number(r), number(s)].concat();
    [&[0x30, content.len() as u8], content.as_slice()].concat()
}

/// The same operation in parts.
fn in_parts(
    engine: &HsmEngine,
    object: &Object,
    purpose: Purpose,
    mechanism: &Mechanism,
) -> Vec<u8> {
    let key = engine.ready(object).expect("ready");
    let mut stream = key.stream(purpose, mechanism).expect("stream");
    let mut output = Vec::new();
    for part in MESSAGE.chunks(7) {
        let mut room = vec![0; stream.update_length(part.len())];
        let length = stream.update(part, &mut room).expect("update");
        output.extend_from_slice(&room[..length]);
    }
    let mut room = vec![0; stream.finish_length()];
    if !room.is_empty() {
        let short = stream.finish(&mut room[1..]).expect_err("too small");
        assert!(matches!(short, Error::BufferTooSmall { .. }));
    }
    let length = stream.finish(&mut room).expect("finish");
    output.extend_from_slice(&room[..length]);
    assert!(stream.finish(&mut room).is_err(), "it is over");
    output
}

const fn pss(hash: HashAlgorithm, digested: bool) -> Mechanism {
    Mechanism::RsaPss {
        hash: RsaHash { hash, mgf1: hash },
        salt_length: hash.length(),
        digested,
    }
}

const fn oaep(hash: HashAlgorithm) -> Mechanism {
    Mechanism::RsaOaep {
        hash: RsaHash { hash, mgf1: hash },
        label: Vec::new(),
    }
}

softhsm_test! {
    fn rsa_signatures_verify() {
        let engine = engine();
        let (key, spki) = generate(&engine, KeySpec::Rsa { bits: 2048 });
        let public = pkcs1(&spki.expect("public"));
        let sign = |mechanism: &Mechanism, input: &[u8]| {
            run(&engine, &key, Purpose::Sign, mechanism, input).expect("sign")
        };
        let hashed = |hash, digested| Mechanism::RsaPkcs1Hash { hash, digested };

        let sha256 = sign(&hashed(HashAlgorithm::Sha256, false), MESSAGE);
        verified(&signature::RSA_PKCS1_2048_8192_SHA256, &public, MESSAGE, &sha256);
        assert_eq!(in_parts(&engine, &key, Purpose::Sign, &hashed(HashAlgorithm::Sha256, false)), sha256);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, MESSAGE);
        assert_eq!(sign(&hashed(HashAlgorithm::Sha256, true), digest.as_ref()), sha256);
        let info = super::super::digest_info::digest_info(HashAlgorithm::Sha256, digest.as_ref());
        assert_eq!(sign(&Mechanism::RsaPkcs1, &info), sha256);
        let padded = [&[0, 1], vec![0xff; 256 - 3 - info.len()].as_slice(), &[0], &info].concat();
        assert_eq!(sign(&Mechanism::RsaRaw, &padded), sha256);
        let sha512 = sign(&hashed(HashAlgorithm::Sha512, false), MESSAGE);
        verified(&signature::RSA_PKCS1_2048_8192_SHA512, &public, MESSAGE, &sha512);

        let signed = sign(&pss(HashAlgorithm::Sha256, false), MESSAGE);
        verified(&signature::RSA_PSS_2048_8192_SHA256, &public, MESSAGE, &signed);
        let signed = sign(&pss(HashAlgorithm::Sha256, true), digest.as_ref());
        verified(&signature::RSA_PSS_2048_8192_SHA256, &public, MESSAGE, &signed);
        let signed = in_parts(&engine, &key, Purpose::Sign, &pss(HashAlgorithm::Sha384, false));
        verified(&signature::RSA_PSS_2048_8192_SHA384, &public, MESSAGE, &signed);

        for (mechanism, input) in [
            (Mechanism::RsaPkcs1, 246),
            (Mechanism::RsaRaw, 257),
            (hashed(HashAlgorithm::Sha256, true), 31),
        ] {
            let error = run(&engine, &key, Purpose::Sign, &mechanism, &vec![1; input]);
            assert!(matches!(error, Err(Error::DataLength(_))), "{mechanism:?}: {error:?}");
        }
    }
}

softhsm_test! {
    fn curve_signatures_verify() {
        let engine = engine();
        let cases: [(Curve, HashAlgorithm, &'static dyn signature::VerificationAlgorithm); 4] = [
            (Curve::P256, HashAlgorithm::Sha256, &signature::ECDSA_P256_SHA256_FIXED),
            (Curve::P384, HashAlgorithm::Sha384, &signature::ECDSA_P384_SHA384_FIXED),
            (Curve::P521, HashAlgorithm::Sha512, &signature::ECDSA_P521_SHA512_FIXED),
            (Curve::Secp256k1, HashAlgorithm::Sha256, &signature::ECDSA_P256K1_SHA256_FIXED),
        ];
        for (curve, hash, algorithm) in cases {
            let (key, spki) = generate(&engine, KeySpec::Ec { curve });
            let public = point(&spki.expect("public"));
            let mechanism = Mechanism::EcdsaHash { hash };
            let signed = run(&engine, &key, Purpose::Sign, &mechanism, MESSAGE).expect("sign");
            verified(algorithm, &public, MESSAGE, &signed);
            verified(algorithm, &public, MESSAGE, &in_parts(&engine, &key, Purpose::Sign, &mechanism));
        }
        // A digest longer than the group is cut: P-256 over SHA-384.
        let (key, spki) = generate(&engine, KeySpec::Ec { curve: Curve::P256 });
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA384, MESSAGE);
        let signed = run(&engine, &key, Purpose::Sign, &Mechanism::Ecdsa, digest.as_ref()).expect("sign");
        let public = point(&spki.expect("public"));
        verified(&signature::ECDSA_P256_SHA384_ASN1, &public, MESSAGE, &asn1(&signed));

        let (key, spki) = generate(&engine, KeySpec::Ed25519);
        let signed = run(&engine, &key, Purpose::Sign, &Mechanism::Eddsa, MESSAGE).expect("sign");
        verified(&signature::ED25519, &point(&spki.expect("public")), MESSAGE, &signed);
    }
}

softhsm_test! {
    fn rsa_decrypts_and_unwraps_what_software_encrypts() {
        let engine = engine();
        let (key, spki) = generate(&engine, KeySpec::Rsa { bits: 2048 });
        let public = || rsa::PublicEncryptingKey::from_der(spki.as_ref().expect("public")).expect("key");
        let mut ciphertext = vec![0; 256];
        let secret = [7; 32];

        rsa::Pkcs1PublicEncryptingKey::new(public()).expect("key")
            .encrypt(&secret, &mut ciphertext).expect("encrypt");
        let output = run(&engine, &key, Purpose::Decrypt, &Mechanism::RsaPkcs1, &ciphertext);
        assert_eq!(output.expect("decrypt"), secret);
        let ready = engine.ready(&key).expect("ready");
        assert_eq!(ready.unwrap(&Mechanism::RsaPkcs1, &ciphertext).expect("unwrap").expose(), secret);

        rsa::OaepPublicEncryptingKey::new(public()).expect("key")
            .encrypt(&rsa::OAEP_SHA1_MGF1SHA1, &secret, &mut ciphertext, None).expect("encrypt");
        let mechanism = oaep(HashAlgorithm::Sha1);
        let output = run(&engine, &key, Purpose::Decrypt, &mechanism, &ciphertext);
        assert_eq!(output.expect("decrypt"), secret);
        assert_eq!(ready.unwrap(&mechanism, &ciphertext).expect("unwrap").expose(), secret);

        ciphertext[100] ^= 1;
        for mechanism in [Mechanism::RsaPkcs1, mechanism] {
            let wrong = run(&engine, &key, Purpose::Decrypt, &mechanism, &ciphertext);
            assert!(matches!(wrong, Err(Error::InvalidCiphertext)), "{wrong:?}");
            let wrong = ready.unwrap(&mechanism, &ciphertext);
            assert!(matches!(wrong, Err(Error::InvalidWrappedKey)), "{wrong:?}");
        }
        let short = run(&engine, &key, Purpose::Decrypt, &Mechanism::RsaPkcs1, &ciphertext[1..]);
        assert!(matches!(short, Err(Error::DataLength(_))), "{short:?}");
        // SoftHSM2 has OAEP with SHA-1 only.
        let refused = run(&engine, &key, Purpose::Decrypt, &oaep(HashAlgorithm::Sha256), &ciphertext);
        assert!(matches!(refused, Err(Error::MechanismParameter(_))), "{refused:?}");
    }
}

softhsm_test! {
    /// NIST SP 800-38A appendix F, first blocks.
    fn aes_modes_give_the_published_results() {
        let engine = engine();
        let key: [u8; 32] = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let block: [u8; 16] = hex("6bc1bee22e409f96e93d7e117393172a");
        let iv: [u8; 16] = hex("000102030405060708090a0b0c0d0e0f");
        let counter_block: [u8; 16] = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
        let object = import(&engine, KeySpec::Aes { bits: 256 }, &key).expect("import");
        let counter = Mechanism::Ctr { counter_block, counter_bits: 128 };
        for (mechanism, expected) in [
            (Mechanism::Ecb, "f3eed1bdb5d2a03c064b5a7e3db181f8"),
            (Mechanism::Cbc { iv }, "f58c4c04d6e5f1ba779eabfb5f7bfbd6"),
            (counter, "601ec313775789a5b7a7f504bbf3d228"),
        ] {
            let output = run(&engine, &object, Purpose::Encrypt, &mechanism, &block).expect("encrypt");
            assert_eq!(output, hex::<16>(expected), "{mechanism:?}");
            let output = run(&engine, &object, Purpose::Decrypt, &mechanism, &output).expect("decrypt");
            assert_eq!(output, block, "{mechanism:?}");
        }
        let error = run(&engine, &object, Purpose::Encrypt, &Mechanism::Ecb, &block[1..]);
        assert!(matches!(error, Err(Error::DataLength(_))), "{error:?}");
        let narrow = Mechanism::Ctr { counter_block: [0xff; 16], counter_bits: 8 };
        run(&engine, &object, Purpose::Encrypt, &narrow, &[0; 16]).expect("the last block");
        let error = run(&engine, &object, Purpose::Encrypt, &narrow, &[0; 17]);
        assert!(matches!(error, Err(Error::DataLength(_))), "{error:?}");

        let padded = Mechanism::CbcPad { iv };
        let output = run(&engine, &object, Purpose::Encrypt, &padded, MESSAGE).expect("encrypt");
        assert_eq!(in_parts(&engine, &object, Purpose::Encrypt, &padded), output);
        let back = run(&engine, &object, Purpose::Decrypt, &padded, &output).expect("decrypt");
        assert_eq!(back, MESSAGE);
        let wrong = run(&engine, &object, Purpose::Decrypt, &padded, &[5; 32]);
        assert!(matches!(wrong, Err(Error::InvalidCiphertext)), "{wrong:?}");
        let empty = run(&engine, &object, Purpose::Encrypt, &padded, b"").expect("encrypt");
        assert_eq!(run(&engine, &object, Purpose::Decrypt, &padded, &empty).expect("decrypt"), b"");
    }
}

softhsm_test! {
    fn gcm_agrees_with_software_and_finds_changes() {
        use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
        let engine = engine();
        let object = import(&engine, KeySpec::Aes { bits: 256 }, &[9; 32]).expect("import");
        let software = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[9; 32]).expect("key"));
        let gcm = |iv: &[u8], tag_length| Mechanism::Gcm {
            iv: iv.to_vec(),
            aad: b"bound".to_vec(),
            tag_length,
        };
        let mechanism = gcm(&[3; 12], 16);
        for plain in [MESSAGE, b""] {
            let mut expected = plain.to_vec();
            let nonce = Nonce::assume_unique_for_key([3; 12]);
            software.seal_in_place_append_tag(nonce, Aad::from(b"bound"), &mut expected).expect("seal");
            let output = run(&engine, &object, Purpose::Encrypt, &mechanism, plain).expect("encrypt");
            assert_eq!(output, expected);
            let back = run(&engine, &object, Purpose::Decrypt, &mechanism, &output).expect("decrypt");
            assert_eq!(back, plain);
        }
        let mut output = run(&engine, &object, Purpose::Encrypt, &mechanism, MESSAGE).expect("encrypt");
        output[5] ^= 1;
        let wrong = run(&engine, &object, Purpose::Decrypt, &mechanism, &output);
        assert!(matches!(wrong, Err(Error::InvalidCiphertext)), "{wrong:?}");
        let short = run(&engine, &object, Purpose::Decrypt, &mechanism, &output[..15]);
        assert!(matches!(short, Err(Error::DataLength(_))), "{short:?}");
        // SoftHSM2 crashes when it gets this one.
        let without = run(&engine, &object, Purpose::Encrypt, &gcm(&[], 16), MESSAGE);
        assert!(matches!(without, Err(Error::MechanismParameter(_))), "{without:?}");
        let key = engine.ready(&object).expect("ready");
        let room = &mut [0; 10];
        let error = key.run(Purpose::Encrypt, &mechanism, MESSAGE, room).expect_err("no room");
        assert!(matches!(error, Error::BufferTooSmall { needed } if needed == MESSAGE.len() + 16));
    }
}

softhsm_test! {
    fn macs_are_made_cut_and_checked() {
        let engine = engine();
        // RFC 4231 section 4.3.
        let hash = HashAlgorithm::Sha256;
        let data = b"what do ya want for nothing?";
        let tag: [u8; 32] = hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let mut value = b"Jefe".to_vec();
        // SoftHSM2 wants keys as long as the hash; HMAC pads with zeros anyway.
        value.resize(32, 0);
        let object = import(&engine, KeySpec::Hmac { hash, bits: 256 }, &value).expect("import");
        let hmac = |tag_length| Mechanism::Hmac { hash, tag_length };
        assert_eq!(run(&engine, &object, Purpose::MacGenerate, &hmac(32), data).expect("MAC"), tag);
        assert_eq!(run(&engine, &object, Purpose::MacGenerate, &hmac(10), data).expect("MAC"), tag[..10]);
        let key = engine.ready(&object).expect("ready");
        let verify = |mechanism: &Mechanism, tag: &[u8]| key.verify(Purpose::MacVerify, mechanism, data, tag);
        verify(&hmac(32), &tag).expect("good");
        verify(&hmac(10), &tag[..10]).expect("good");
        assert!(matches!(verify(&hmac(32), &tag[..10]), Err(Error::SignatureLength { expected: 32 })));
        assert!(matches!(verify(&hmac(32), &[0; 32]), Err(Error::SignatureInvalid)));
        let mut stream = key.stream(Purpose::MacVerify, &hmac(32)).expect("stream");
        for part in data.chunks(5) {
            stream.update(part, &mut []).expect("update");
        }
        stream.verify(&tag).expect("good");
        let other = Mechanism::Hmac { hash: HashAlgorithm::Sha384, tag_length: 48 };
        assert!(matches!(verify(&other, &tag), Err(Error::MechanismUnsupported { .. })));

        // RFC 4493 section 4, example 2.
        let value: [u8; 16] = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let object = import(&engine, KeySpec::Aes { bits: 128 }, &value).expect("import");
        let block: [u8; 16] = hex("6bc1bee22e409f96e93d7e117393172a");
        let cmac = Mechanism::Cmac { tag_length: 16 };
        let tag = run(&engine, &object, Purpose::MacGenerate, &cmac, &block).expect("MAC");
        assert_eq!(tag, hex::<16>("070a16b46b4d4144f79bdd9dd04a287c"));
    }
}

softhsm_test! {
    fn wrapping_agrees_with_software() {
        use key_wrap::{KeyWrap, KeyWrapPadded};
        let engine = engine();
        let object = import(&engine, KeySpec::Aes { bits: 256 }, &[4; 32]).expect("import");
        let key = engine.ready(&object).expect("ready");
        let software = || key_wrap::AesKek::new(&key_wrap::AES_256, &[4; 32]).expect("KEK");
        let plain = Mechanism::KeyWrap { iv: None };
        let mut room = [0; 64];
        for (mechanism, length) in [(&plain, 24), (&plain, 32), (&Mechanism::KeyWrapPad, 40)] {
            let target = SecretBytes::new(vec![6; length]);
            let expected = match mechanism {
                Mechanism::KeyWrapPad => {
                    software().wrap_with_padding(target.expose(), &mut room)
                }
                _ => software().wrap(target.expose(), &mut room),
            };
            let expected = expected.expect("wrap").to_vec();
            let mut wrapped = key.wrap(mechanism, &target).expect("wrap");
            assert_eq!(wrapped, expected, "{mechanism:?} {length}");
            assert_eq!(key.unwrap(mechanism, &wrapped).expect("unwrap"), target);
            wrapped[3] ^= 1;
            let wrong = key.unwrap(mechanism, &wrapped);
            assert!(matches!(wrong, Err(Error::InvalidWrappedKey)), "{mechanism:?}: {wrong:?}");
            for cut in 0..wrapped.len() {
                let wrong = key.unwrap(mechanism, &wrapped[..cut]);
                assert!(matches!(wrong, Err(Error::InvalidWrappedKey)), "{cut} bytes: {wrong:?}");
            }
        }
        let odd = key.wrap(&plain, &SecretBytes::new(vec![1; 17]));
        assert!(matches!(odd, Err(Error::DataLength(_))), "{odd:?}");
        // SoftHSM2 would wrap 24 bytes instead of these 21; it unwraps them right.
        let target = SecretBytes::new(vec![6; 21]);
        let changed = key.wrap(&Mechanism::KeyWrapPad, &target);
        assert!(matches!(changed, Err(Error::DataLength(_))), "{changed:?}");
        let wrapped = software().wrap_with_padding(target.expose(), &mut room).expect("wrap");
        assert_eq!(key.unwrap(&Mechanism::KeyWrapPad, wrapped).expect("unwrap"), target);
        // What passes through is gone afterwards.
        let left = super::harness::Host::new().session().find_objects(&[]).expect("find");
        assert_eq!(left.len(), 1, "the key alone");
    }
}

softhsm_test! {
    fn agreement_and_derivation_agree_with_software() {
        let engine = engine();
        for (curve, algorithm) in [
            (Curve::P256, &agreement::ECDH_P256),
            (Curve::P384, &agreement::ECDH_P384),
            (Curve::P521, &agreement::ECDH_P521),
        ] {
            let (object, spki) = generate(&engine, KeySpec::Ec { curve });
            let key = engine.ready(&object).expect("ready");
            let own = agreement::PrivateKey::generate(algorithm).expect("key");
            let peer = own.compute_public_key().expect("public").as_ref().to_vec();
            let theirs = agreement::UnparsedPublicKey::new(algorithm, point(&spki.expect("public")));
            let shared = agreement::agree(&own, theirs, Error::InvalidCiphertext, |shared| {
                Ok(shared.to_vec())
            })
            .expect("agree");
            let ecdh = |peer: &[u8], derivation| Mechanism::Ecdh { peer: peer.to_vec(), derivation };
            let plain = ecdh(&peer, KeyDerivation::None);
            assert_eq!(key.derive(&plain, None).expect("derive").expose(), shared);
            assert_eq!(key.derive(&plain, Some(16)).expect("derive").expose(), &shared[..16]);
            let derivation = KeyDerivation::X963 {
                hash: HashAlgorithm::Sha256,
                shared_info: b"info".to_vec(),
            };
            let block = |counter: u32| {
                let input = [&shared[..], &counter.to_be_bytes(), b"info"].concat();
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &input).as_ref().to_vec()
            };
            let derived = key.derive(&ecdh(&peer, derivation), Some(40)).expect("derive");
            assert_eq!(derived.expose(), &[block(1), block(2)].concat()[..40]);
            assert!(key.derive(&plain, Some(1000)).is_err(), "longer than the secret");
            let mut off_curve = peer.clone();
            off_curve[10] ^= 1;
            assert!(key.derive(&ecdh(&off_curve, KeyDerivation::None), None).is_err());
            let cut = key.derive(&ecdh(&peer[1..], KeyDerivation::None), None);
            assert!(matches!(cut, Err(Error::MechanismParameter(_))), "{cut:?}");
        }

        let object = import(&engine, KeySpec::Aes { bits: 256 }, &[8; 32]).expect("import");
        let key = engine.ready(&object).expect("ready");
        for iv in [None, Some([1; 16])] {
            let data = SecretBytes::new((0..48).collect());
            let same = iv.map_or(Mechanism::Ecb, |iv| Mechanism::Cbc { iv });
            let expected = run(&engine, &object, Purpose::Encrypt, &same, data.expose()).expect("encrypt");
            let mechanism = Mechanism::EncryptData { iv, data };
            assert_eq!(key.derive(&mechanism, None).expect("derive").expose(), expected);
            assert_eq!(key.derive(&mechanism, Some(32)).expect("derive").expose(), &expected[..32]);
        }
    }
}

softhsm_test! {
    fn what_the_token_lacks_is_refused_by_name() {
        let engine = engine();
        let spec = KeySpec::Aes { bits: 256 };
        let (object, _) = generate(&engine, spec);
        let ccm = Mechanism::Ccm { nonce: vec![0; 12], aad: Vec::new(), tag_length: 16, data_length: None };
        assert!(!engine.supports(spec, Purpose::Encrypt, &ccm));
        assert!(engine.supports(spec, Purpose::Encrypt, &Mechanism::Ecb));
        // Encrypting with CKM_AES_KEY_WRAP is possible by the standard, not in SoftHSM2.
        let wrap = Mechanism::KeyWrap { iv: None };
        assert!(!engine.supports(spec, Purpose::Encrypt, &wrap));
        let error = run(&engine, &object, Purpose::Encrypt, &wrap, &[0; 16]).expect_err("refused");
        assert!(error.to_string().contains("CKM_AES_KEY_WRAP"), "{error}");
        let error = run(&engine, &object, Purpose::Encrypt, &ccm, MESSAGE).expect_err("refused");
        assert!(matches!(error, Error::MechanismUnsupported { .. }), "{error}");
    }
}

fn hex<const N: usize>(text: &str) -> [u8; N] {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
}
