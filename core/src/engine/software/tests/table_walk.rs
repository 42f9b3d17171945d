//! The table against what keys really do: every kind, every mechanism, every purpose.

use super::*;
use crate::engine::software::table::{self, Parts};
use crate::error::Error;
use crate::mechanism::{Hedge, KdfMode, KdfPrf, KeyDerivation, PreHash, RsaHash, TlsSecret};
use crate::{Curve, LatticeSet};

const PURPOSES: [Purpose; 13] = [
    Purpose::Encapsulate,
    Purpose::Decapsulate,
    Purpose::Encrypt,
    Purpose::Decrypt,
    Purpose::Sign,
    Purpose::Verify,
    Purpose::MacGenerate,
    Purpose::MacVerify,
    Purpose::Wrap,
    Purpose::Unwrap,
    Purpose::Derive,
    Purpose::SignRecover,
    Purpose::VerifyRecover,
];

fn specs() -> Vec<KeySpec> {
    let mut specs = vec![
        KeySpec::Aes { bits: 128 },
        KeySpec::Aes { bits: 192 },
        KeySpec::Aes { bits: 256 },
        KeySpec::AesXts { bits: 256 },
        KeySpec::AesXts { bits: 512 },
        KeySpec::Des3 { bits: 112 },
        KeySpec::Des3 { bits: 168 },
        KeySpec::Des3 { bits: 192 },
        KeySpec::ChaCha20,
        KeySpec::Sm4,
        KeySpec::Rsa { bits: 2048 },
        KeySpec::Ed25519,
        KeySpec::X25519,
        KeySpec::Sm2,
        KeySpec::Lattice {
            set: LatticeSet::MlKem768,
        },
        KeySpec::Lattice {
            set: LatticeSet::MlDsa44,
        },
        KeySpec::GenericSecret { bits: 256 },
    ];
    for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1] {
        specs.push(KeySpec::Ec { curve });
    }
    for hash in ALL_HASHES {
        specs.push(KeySpec::Hmac { hash, bits: 160 });
    }
    specs
}

/// Every mechanism with parameters that are in range.
fn mechanisms() -> Vec<Mechanism> {
    let iv = [3; 16];
    let mut all = vec![
        Mechanism::Ecb,
        Mechanism::Cbc { iv },
        Mechanism::CbcPad { iv },
        Mechanism::Ctr {
            counter_block: iv,
            counter_bits: 64,
        },
        Mechanism::Gcm {
            iv: vec![1; 12],
            aad: vec![2; 5],
            tag_length: 16,
        },
        Mechanism::Ccm {
            nonce: vec![1; 12],
            aad: vec![2; 5],
            tag_length: 16,
            data_length: None,
        },
        Mechanism::KeyWrap { iv: None },
        Mechanism::KeyWrapPad,
        Mechanism::KeyWrapPkcs7 { iv: None },
        Mechanism::Cts { iv },
        Mechanism::Ofb { iv },
        Mechanism::Xts { unit: iv },
        Mechanism::MlKem,
        Mechanism::MlDsa {
            context: vec![1],
            prehash: None,
            digested: false,
            hedge: Hedge::Hedged,
        },
        Mechanism::ChaCha20 {
            nonce: vec![1; 12],
            counter: 1,
        },
        Mechanism::ChaCha20Poly1305 {
            nonce: vec![1; 12],
            aad: vec![2; 5],
            tag_length: 16,
        },
        Mechanism::Gmac {
            iv: vec![1; 12],
            tag_length: 16,
        },
        Mechanism::XcbcMac { tag_length: 16 },
        Mechanism::Cmac { tag_length: 16 },
        Mechanism::RsaPkcs1,
        Mechanism::RsaRaw,
        Mechanism::Ecdsa,
        Mechanism::Eddsa,
        Mechanism::EddsaContext {
            prehash: true,
            context: vec![],
        },
        Mechanism::Concatenate {
            data: SecretBytes::new(vec![1; 32]),
            before: false,
        },
        Mechanism::Xor {
            data: SecretBytes::new(vec![1; 32]),
        },
        Mechanism::Extract { first_bit: 3 },
        Mechanism::ShakeKey { bits: 128 },
        Mechanism::Sp800108 {
            mode: KdfMode::Counter,
            prf: KdfPrf::Cmac,
            fields: vec![],
            keys: vec![],
        },
        Mechanism::EcdhAesKeyWrap {
            derivation: KeyDerivation::None,
            bits: 128,
        },
        Mechanism::Sm2Sign {
            user_id: b"1234567812345678".to_vec(),
        },
        Mechanism::Sm2SignDigest,
        Mechanism::Sm2Encrypt,
        Mechanism::Ecdh {
            peer: vec![9; 32],
            derivation: KeyDerivation::None,
        },
        Mechanism::EncryptData {
            iv: Some(iv),
            data: SecretBytes::new(vec![1; 32]),
        },
    ];
    all.extend([1, 8, 64, 128].map(|bits| Mechanism::Cfb { iv, bits }));
    for hash in ALL_HASHES {
        let pair = RsaHash { hash, mgf1: hash };
        all.extend([
            Mechanism::Hmac {
                hash,
                tag_length: 10,
            },
            Mechanism::EcdsaHash { hash },
            Mechanism::HashKey { hash },
            Mechanism::MlDsa {
                context: vec![],
                prehash: Some(PreHash::Hash(hash)),
                digested: false,
                hedge: Hedge::Deterministic,
            },
            Mechanism::MlDsa {
                context: vec![],
                prehash: Some(PreHash::Hash(hash)),
                digested: true,
                hedge: Hedge::Deterministic,
            },
            Mechanism::Sp800108 {
                mode: KdfMode::Counter,
                prf: KdfPrf::Hmac(hash),
                fields: vec![],
                keys: vec![],
            },
            Mechanism::TlsPrf {
                hash,
                secret: TlsSecret::Master,
                label: vec![1],
                seed: vec![2],
            },
            Mechanism::TlsMac {
                hash,
                server: false,
                tag_length: 12,
            },
            Mechanism::RsaAesKeyWrap {
                hash: pair,
                label: vec![],
                bits: 256,
            },
            Mechanism::EcdhAesKeyWrap {
                derivation: KeyDerivation::OneStep {
                    hash,
                    fixed_info: vec![],
                },
                bits: 256,
            },
            Mechanism::RsaOaep {
                hash: pair,
                label: vec![1],
            },
            Mechanism::Hkdf {
                hash,
                salt: SecretBytes::new(vec![1]),
                info: vec![2],
                extract: true,
                expand: true,
            },
            Mechanism::Ecdh {
                peer: vec![9; 32],
                derivation: KeyDerivation::X963 {
                    hash,
                    shared_info: vec![],
                },
            },
        ]);
        for digested in [false, true] {
            all.extend([
                Mechanism::RsaPkcs1Hash { hash, digested },
                Mechanism::RsaPss {
                    hash: pair,
                    salt_length: 20,
                    digested,
                },
            ]);
        }
    }
    all
}

fn refused<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::MechanismUnsupported { .. }))
}

/// Whether the key refuses to do it in one part.
fn refuses(key: &dyn ReadyKey, purpose: Purpose, mechanism: &Mechanism) -> bool {
    let (input, mut output) = ([7; 32], [0; 4096]);
    match purpose {
        Purpose::Encrypt
        | Purpose::Decrypt
        | Purpose::Sign
        | Purpose::SignRecover
        | Purpose::VerifyRecover
        | Purpose::MacGenerate => {
            let refuses = refused(&key.run(purpose, mechanism, &input, &mut output));
            assert_eq!(refuses, refused(&key.output_length(purpose, mechanism, 32)));
            refuses
        }
        Purpose::Verify | Purpose::MacVerify => {
            // Of every length that some mechanism has, so that the length is not what is refused.
            [10, 16, 64, 96, 132, 256, 2420]
                .iter()
                .all(|&length| refused(&key.verify(purpose, mechanism, &input, &output[..length])))
        }
        Purpose::Wrap => refused(&key.wrap(mechanism, &SecretBytes::new(vec![1; 32]))),
        Purpose::Unwrap => refused(&key.unwrap(mechanism, &input)),
        Purpose::Derive => refused(&key.derive(mechanism, None)),
        Purpose::Encapsulate => refused(&key.encapsulate(mechanism, None)),
        Purpose::Decapsulate => refused(&key.decapsulate(mechanism, &input, None)),
    }
}

#[test]
fn keys_do_what_the_table_says_and_nothing_else() {
    let mut supported = 0;
    for spec in specs() {
        let (value, public) = generate(spec);
        let key = if spec.is_asymmetric() {
            private_key(value.expose()).unwrap()
        } else {
            parse::secret(spec, &value).unwrap()
        };
        let public = public.map(|spki| ready_public_key(spec, &spki).unwrap());
        for mechanism in mechanisms() {
            for purpose in PURPOSES {
                let said = SoftwareEngine.supports(spec, purpose, &mechanism);
                let what = format!("{spec:?} {purpose:?} {mechanism:?}");
                assert_eq!(said, !refuses(&*key, purpose, &mechanism), "{what}");
                if let Some(public) = &public {
                    let expected = said && table::is_public(purpose);
                    assert_eq!(expected, !refuses(&**public, purpose, &mechanism), "{what}");
                }
                let kind = table::kind_of(spec).unwrap();
                let streams = said && table::allows(kind, purpose, &mechanism, Parts::Several);
                let started = key.stream(purpose, &mechanism);
                assert_eq!(streams, !refused(&started), "{what} in parts");
                assert!(started.is_ok() || !streams, "{what} in parts");
                supported += usize::from(said);
            }
        }
    }
    assert!(supported > 350, "{supported}");
}

#[test]
fn other_keys_do_nothing() {
    for spec in [
        KeySpec::Aes { bits: 512 },
        KeySpec::Foreign {
            algorithm: 2,
            bits: 192,
        },
    ] {
        for mechanism in mechanisms() {
            for purpose in PURPOSES {
                assert!(!SoftwareEngine.supports(spec, purpose, &mechanism));
            }
        }
    }
}
