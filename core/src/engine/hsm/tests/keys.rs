//! Making, finding, importing and destroying keys.

use cryptoki::object::{Attribute, AttributeType};

use super::harness::{Host, engine, generate, import, run, softhsm_test};
use crate::engine::{Engine, NewKey};
use crate::error::Error;
use crate::id::ObjectId;
use crate::model::{Attributes, Material};
use crate::{Curve, HashAlgorithm, KeySpec, Mechanism, Purpose};

fn hsm_id(object: &crate::Object) -> Vec<u8> {
    match &object.material {
        Material::Resident { hsm_id } => hsm_id.clone(),
        other => panic!("not resident: {other:?}"),
    }
}

softhsm_test! {
    /// What is on the token afterwards: the one secret object, guarded, with our names, and no public half.
    fn generated_keys_are_guarded_and_named() {
        let (engine, host) = (engine(), Host::new());
        for spec in [
            KeySpec::Aes { bits: 256 },
            KeySpec::Rsa { bits: 2048 },
            KeySpec::Ec { curve: Curve::P256 },
            KeySpec::Hmac { hash: HashAlgorithm::Sha256, bits: 256 },
        ] {
            let (object, public) = generate(&engine, spec);
            assert_eq!(hsm_id(&object), object.id.as_bytes());
            assert_eq!(public.is_some(), spec.is_asymmetric());
            let session = host.session();
            let found = session.find_objects(&[Attribute::Id(hsm_id(&object))]).expect("find");
            let [handle] = found[..] else { panic!("{spec:?}: {} objects", found.len()) };
            let attributes = session
                .get_attributes(handle, &[
                    AttributeType::Token,
                    AttributeType::Private,
                    AttributeType::Sensitive,
                    AttributeType::Extractable,
                    AttributeType::NeverExtractable,
                    AttributeType::Label,
                ])
                .expect("attributes");
            assert_eq!(attributes, [
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::NeverExtractable(true),
                Attribute::Label(b"keybridge:test".to_vec()),
            ]);
        }
    }
}

softhsm_test! {
    fn every_kind_is_made_found_and_destroyed() {
        let engine = engine();
        for spec in [
            KeySpec::Aes { bits: 128 },
            KeySpec::Aes { bits: 192 },
            KeySpec::GenericSecret { bits: 160 },
            KeySpec::Rsa { bits: 3072 },
            KeySpec::Ec { curve: Curve::P384 },
            KeySpec::Ec { curve: Curve::P521 },
            KeySpec::Ec { curve: Curve::Secp256k1 },
            KeySpec::Ed25519,
        ] {
            let (object, _) = generate(&engine, spec);
            engine.ready(&object).expect("ready");
            engine.destroy(&object).expect("destroy");
            engine.destroy(&object).expect("destroy again");
            let error = engine.ready(&object).err().expect("gone");
            assert!(matches!(error, Error::HsmRefused { .. }), "{error}");
            assert!(error.to_string().contains(&object.id.to_string()), "{error}");
        }
    }
}

softhsm_test! {
    fn impossible_keys_are_refused_before_the_hsm_is_asked() {
        let engine = engine();
        let attributes = Attributes::default();
        let make = |spec, public_exponent| {
            let id = ObjectId::random();
            engine
                .generate(&NewKey { id, spec, attributes: &attributes, public_exponent })
                .expect_err("impossible")
        };
        assert!(matches!(make(KeySpec::Aes { bits: 512 }, None), Error::KeySize { .. }));
        assert!(matches!(make(KeySpec::Rsa { bits: 1024 }, None), Error::KeySize { .. }));
        assert!(matches!(make(KeySpec::Rsa { bits: 2048 }, Some(3)), Error::KeyUnsupported(_)));
        assert!(matches!(make(KeySpec::Sm4, None), Error::KeyUnsupported(_)));
        let error = make(KeySpec::X25519, None);
        assert!(error.to_string().contains("CKM_EC_MONTGOMERY_KEY_PAIR_GEN"), "{error}");
    }
}

softhsm_test! {
    fn imported_secrets_work_as_the_same_secrets_elsewhere() {
        let engine = engine();
        // FIPS 197 appendix B.
        let key = [
            0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
            0x3c,
        ];
        let block = [
            0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07,
            0x34,
        ];
        let encrypted = [
            0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb, 0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b,
            0x32,
        ];
        let object = import(&engine, KeySpec::Aes { bits: 128 }, &key).expect("import");
        let output = run(&engine, &object, Purpose::Encrypt, &Mechanism::Ecb, &block).expect("run");
        assert_eq!(output, encrypted);
        let error = import(&engine, KeySpec::Aes { bits: 256 }, &key).expect_err("wrong length");
        assert!(matches!(error, Error::InvalidMaterial(_)));
    }
}

softhsm_test! {
    /// Pairs made in software sign in the HSM as they would outside.
    fn imported_pairs_work_and_wrong_ones_are_refused() {
        use aws_lc_rs::rand::SystemRandom;
        use aws_lc_rs::rsa::{KeyPair as RsaPair, KeySize};
        use aws_lc_rs::signature::{self as s, Ed25519KeyPair, EcdsaKeyPair, KeyPair, UnparsedPublicKey};
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};

        let engine = engine();
        let sign = |spec, value: &[u8], mechanism: &Mechanism| {
            let object = import(&engine, spec, value).expect("import");
            run(&engine, &object, Purpose::Sign, mechanism, b"message").expect("sign")
        };
        let hash = HashAlgorithm::Sha256;
        let pair = RsaPair::generate(KeySize::Rsa2048).expect("key");
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
        let rsa = KeySpec::Rsa { bits: 2048 };
        let mechanism = Mechanism::RsaPkcs1Hash { hash, digested: false };
        let signed = sign(rsa, der.as_ref(), &mechanism);
        UnparsedPublicKey::new(&s::RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
            .verify(b"message", &signed)
            .expect("RSA");

        let document = EcdsaKeyPair::generate_pkcs8(&s::ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new())
            .expect("key");
        let pair = EcdsaKeyPair::from_pkcs8(&s::ECDSA_P384_SHA384_FIXED_SIGNING, document.as_ref())
            .expect("key");
        let p384 = KeySpec::Ec { curve: Curve::P384 };
        let mechanism = Mechanism::EcdsaHash { hash: HashAlgorithm::Sha384 };
        let signed = sign(p384, document.as_ref(), &mechanism);
        UnparsedPublicKey::new(&s::ECDSA_P384_SHA384_FIXED, pair.public_key().as_ref())
            .verify(b"message", &signed)
            .expect("P-384");

        let pair = Ed25519KeyPair::generate().expect("key");
        let edwards = pair.to_pkcs8v1().expect("PKCS#8");
        let signed = sign(KeySpec::Ed25519, edwards.as_ref(), &Mechanism::Eddsa);
        UnparsedPublicKey::new(&s::ED25519, pair.public_key().as_ref())
            .verify(b"message", &signed)
            .expect("Ed25519");

        let mut garbled = der.as_ref().to_vec();
        let last = garbled.len() - 1;
        garbled[last] ^= 1;
        for (spec, value) in [
            (rsa, garbled.as_slice()),
            (rsa, &garbled[..100]),
            (KeySpec::Rsa { bits: 4096 }, der.as_ref()),
            (rsa, document.as_ref()),
            (KeySpec::Ec { curve: Curve::P256 }, document.as_ref()),
            (KeySpec::Ed25519, b""),
        ] {
            let error = import(&engine, spec, value).expect_err("wrong");
            assert!(matches!(error, Error::InvalidMaterial(_)), "{spec:?}: {error}");
        }
    }
}
