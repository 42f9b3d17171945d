//! The seal.

use cryptoki::object::{Attribute, KeyType, ObjectClass as TokenClass};

use super::harness::{Host, pool, softhsm_test};
use crate::engine::hsm::HsmSeal;
use crate::error::Error;
use crate::seal::Seal;
use crate::secret::SecretBytes;

fn root() -> SecretBytes {
    SecretBytes::new((0..32).collect())
}

fn fails(outcome: crate::Result<SecretBytes>) -> String {
    match outcome {
        Err(error @ Error::SealFailed(_)) => error.to_string(),
        other => panic!("the seal should not open: {other:?}"),
    }
}

fn both_methods() -> [HsmSeal; 2] {
    [
        HsmSeal::new(pool(), "store-1"),
        HsmSeal::new(pool(), "store-2").without_gcm(),
    ]
}

softhsm_test! {
    fn a_root_key_is_sealed_and_opened() {
        for seal in both_methods() {
            let sealed = seal.seal(&root()).expect("seal");
            assert_eq!(seal.unseal(&sealed).expect("unseal"), root());
            let again = seal.seal(&root()).expect("seal");
            assert_ne!(sealed, again, "a new initialization vector each time");
            assert_eq!(seal.unseal(&again).expect("unseal"), root());
        }
        let one = HsmSeal::new(pool(), "store-1");
        let another = one.seal(&root()).expect("seal");
        assert_eq!(one.clone().without_gcm().unseal(&another).expect("by its method"), root());
        assert!(one.seal(&SecretBytes::new(vec![1; 31])).is_err());
        // One AES key, and for the second store one more with its HMAC key.
        let session = Host::new().session();
        assert_eq!(session.find_objects(&[Attribute::Class(TokenClass::SECRET_KEY)]).expect("find").len(), 3);
    }
}

softhsm_test! {
    fn every_change_and_cut_is_found() {
        for seal in both_methods() {
            let sealed = seal.seal(&root()).expect("seal");
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                fails(seal.unseal(&changed));
                fails(seal.unseal(&sealed[..at]));
            }
            fails(seal.unseal(&[sealed.as_slice(), &[0]].concat()));
        }
    }
}

softhsm_test! {
    fn another_store_or_a_token_without_the_key_does_not_open_it() {
        for seal in both_methods() {
            let sealed = seal.seal(&root()).expect("seal");
            let other = fails(HsmSeal::new(pool(), "store-3").unseal(&sealed));
            assert!(other.contains("keybridge-seal-store-3"), "{other}");
            let session = Host::new().session();
            for handle in session.find_objects(&[Attribute::Class(TokenClass::SECRET_KEY)]).expect("find") {
                session.destroy_object(handle).expect("destroy");
            }
            let gone = fails(seal.unseal(&sealed));
            assert!(gone.contains("does not have the key"), "{gone}");
            // Sealing makes a new key; what was sealed before stays shut.
            seal.seal(&root()).expect("seal");
            fails(seal.unseal(&sealed));
        }
    }
}

softhsm_test! {
    fn a_planted_extractable_key_is_refused() {
        let seal = HsmSeal::new(pool(), "store-1");
        // Logs the process in, so that the host may plant.
        assert_eq!(seal.pool().status().members[0].fault, None);
        Host::new().session()
            .create_object(&[
                Attribute::Class(TokenClass::SECRET_KEY),
                Attribute::KeyType(KeyType::AES),
                Attribute::Token(true),
                Attribute::Sensitive(false),
                Attribute::Extractable(true),
                Attribute::Encrypt(true),
                Attribute::Id(vec![1; 16]),
                Attribute::Label(b"keybridge-seal-store-1".to_vec()),
                Attribute::Value(vec![1; 32]),
            ])
            .expect("plant");
        let error = seal.seal(&root()).expect_err("refused");
        assert!(error.to_string().contains("extractable"), "{error}");
    }
}
