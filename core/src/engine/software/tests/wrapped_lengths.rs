//! The length that is told is the length that comes.

use super::*;
use crate::Curve;
use crate::mechanism::{KeyDerivation, RsaHash};

fn mechanisms() -> Vec<Mechanism> {
    let rsa_hash = |hash| RsaHash {
        hash,
        mgf1: HashAlgorithm::Sha256,
    };
    let mut all = vec![
        Mechanism::Ecb,
        Mechanism::Cbc { iv: [1; 16] },
        Mechanism::CbcPad { iv: [1; 16] },
        Mechanism::Gcm {
            iv: vec![1; 12],
            aad: vec![],
            tag_length: 12,
        },
        Mechanism::Ccm {
            nonce: vec![1; 12],
            aad: vec![],
            tag_length: 8,
            data_length: Some(32),
        },
        Mechanism::ChaCha20Poly1305 {
            nonce: vec![1; 12],
            aad: vec![],
            tag_length: 16,
        },
        Mechanism::KeyWrap { iv: None },
        Mechanism::KeyWrapPad,
        Mechanism::KeyWrapPkcs7 { iv: None },
        Mechanism::RsaPkcs1,
    ];
    for hash in ALL_HASHES {
        let (hash, label) = (rsa_hash(hash), vec![]);
        all.push(Mechanism::RsaOaep {
            hash,
            label: label.clone(),
        });
        all.extend([128, 256].map(|bits| Mechanism::RsaAesKeyWrap {
            hash,
            label: label.clone(),
            bits,
        }));
    }
    for derivation in [
        KeyDerivation::None,
        KeyDerivation::X963 {
            hash: HashAlgorithm::Sha384,
            shared_info: vec![],
        },
    ] {
        all.extend([128, 192, 256].map(|bits| Mechanism::EcdhAesKeyWrap {
            derivation: derivation.clone(),
            bits,
        }));
    }
    all
}

#[test]
fn the_length_told_is_the_length_that_comes() {
    let mut told = 0;
    for spec in [
        KeySpec::Aes { bits: 192 },
        KeySpec::Des3 { bits: 168 },
        KeySpec::Sm4,
        KeySpec::ChaCha20,
        KeySpec::Rsa { bits: 1024 },
        KeySpec::Ec { curve: Curve::P256 },
        KeySpec::Ec { curve: Curve::P521 },
        KeySpec::Ec {
            curve: Curve::Secp256k1,
        },
        KeySpec::X25519,
    ] {
        let (value, _) = generate(spec);
        let key = if spec.is_asymmetric() {
            private_key(value.expose()).unwrap()
        } else {
            parse::secret(spec, &value).unwrap()
        };
        for mechanism in mechanisms() {
            if !SoftwareEngine.supports(spec, Purpose::Wrap, &mechanism) {
                continue;
            }
            for length in [
                1, 7, 8, 15, 16, 17, 24, 32, 61, 62, 63, 64, 80, 117, 118, 121, 1217,
            ] {
                let wrapped = key.wrap(&mechanism, &SecretBytes::new(vec![7; length]));
                let expected = wrapped.ok().map(|wrapped| wrapped.len());
                let length = mechanism.wrapped_length(Some(spec), length);
                assert_eq!(length, expected, "{spec:?} {mechanism:?}");
                told += 1;
            }
        }
    }
    assert!(told > 500, "{told}");
}
