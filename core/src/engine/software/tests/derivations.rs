//! Derivations and the wrapping of two steps: OpenSSL's answers in `core/tests/vectors/kdf.txt`, RFC 8032's examples,
//! and what PKCS#11's own examples say.

use super::*;
use crate::engine::software::kdf::one_step;
use crate::engine::software::pbkdf2;
use crate::mechanism::{KdfField, KdfMode, KdfPrf, KeyDerivation, RsaHash, TlsSecret};

const KDF: &str = include_str!("../../../../tests/vectors/kdf.txt");

fn hash(name: &str) -> HashAlgorithm {
    let named = |hash: &&HashAlgorithm| hash.name().eq_ignore_ascii_case(name);
    *ALL_HASHES.iter().find(named).unwrap()
}

/// [i] ‖ label ‖ 0 ‖ context ‖ [L], numbers of 32 bits: OpenSSL's fixed form.
fn sp800_108(mode: KdfMode, prf: KdfPrf, label: &[u8], context: &[u8]) -> Mechanism {
    let (bits, little_endian) = (32, false);
    let mut fields = vec![KdfField::Iteration {
        bits,
        little_endian,
    }];
    if mode != KdfMode::Counter {
        fields.push(KdfField::Counter {
            bits,
            little_endian,
        });
    }
    fields.extend([
        KdfField::Bytes([label, &[0], context].concat()),
        KdfField::Length {
            bits,
            little_endian,
            of_segments: false,
        },
    ]);
    Mechanism::Sp800108 {
        mode,
        prf,
        fields,
        keys: vec![],
    }
}

#[test]
pub(super) fn as_openssl_derives() {
    let mut count = 0;
    for line in KDF.lines().filter(|line| !line.starts_with('#')) {
        let row: Vec<&str> = line.split_whitespace().collect();
        let [function, name, secret, first, second, expected] = row[..] else {
            panic!("{line}");
        };
        let (secret, expected) = (hex(secret), hex(expected));
        let length = Some(expected.len());
        let derived = match function {
            "counter" if name == "aes" => {
                let (label, context) = (hex(first), hex(second));
                let mechanism = sp800_108(KdfMode::Counter, KdfPrf::Cmac, &label, &context);
                aes(&secret).derive(&mechanism, length)
            }
            "counter" => {
                let prf = KdfPrf::Hmac(hash(name));
                let mechanism = sp800_108(KdfMode::Counter, prf, &hex(first), &hex(second));
                generic(&secret).derive(&mechanism, length)
            }
            "feedback" => {
                let (context, iv) = second.split_once(':').unwrap();
                let mode = KdfMode::Feedback { iv: hex(iv) };
                let prf = KdfPrf::Hmac(hash(name));
                let mechanism = sp800_108(mode, prf, &hex(first), &hex(context));
                generic(&secret).derive(&mechanism, length)
            }
            "one-step" => one_step(hash(name), &secret, &hex(first), expected.len()),
            "pbkdf2" => {
                let iterations = second.parse().unwrap();
                pbkdf2(hash(name), &secret, &hex(first), iterations, expected.len())
            }
            "tls" => {
                let mechanism = Mechanism::TlsPrf {
                    hash: hash(name),
                    secret: TlsSecret::Master,
                    label: hex(first),
                    seed: hex(second),
                };
                generic(&secret).derive(&mechanism, length)
            }
            _ => {
                let bits = name.trim_start_matches("shake").parse().unwrap();
                generic(&secret).derive(&Mechanism::ShakeKey { bits }, length)
            }
        };
        assert_eq!(derived.unwrap().expose(), expected, "{function} {name}");
        count += 1;
    }
    assert_eq!(count, 22);
}

/// SP 800-108r1 section 4.3, which OpenSSL has not: A(i) and K(i) step by step.
#[test]
fn double_pipeline() {
    let key = generic(&[7; 32]);
    let prf = HashAlgorithm::Sha256;
    let mechanism = sp800_108(KdfMode::DoublePipeline, KdfPrf::Hmac(prf), b"l", b"c");
    let derived = key.derive(&mechanism, Some(64)).unwrap();
    let hmac = |data: &[u8]| {
        let mechanism = Mechanism::Hmac {
            hash: prf,
            tag_length: 32,
        };
        run(&*key, Purpose::MacGenerate, &mechanism, data).unwrap()
    };
    let tail = [&b"l\0c"[..], &512u32.to_be_bytes()].concat();
    let first_a = hmac(&tail);
    let second_a = hmac(&first_a);
    let segment = |a: &[u8], i: u32| hmac(&[a, &i.to_be_bytes(), &tail].concat());
    let expected = [segment(&first_a, 1), segment(&second_a, 2)].concat();
    assert_eq!(derived.expose(), expected);
}

#[test]
fn fields_of_sp800_108_that_do_not_go_together() {
    let key = generic(&[7; 32]);
    let iteration = |bits| KdfField::Iteration {
        bits,
        little_endian: false,
    };
    let counter = KdfField::Counter {
        bits: 8,
        little_endian: true,
    };
    for fields in [
        vec![],
        vec![iteration(32), iteration(32)],
        vec![iteration(32), counter],
        vec![iteration(7)],
        vec![iteration(72)],
        vec![iteration(0)],
    ] {
        let mechanism = Mechanism::Sp800108 {
            mode: KdfMode::Counter,
            prf: KdfPrf::Hmac(HashAlgorithm::Sha256),
            fields,
            keys: vec![],
        };
        key.derive(&mechanism, Some(16)).unwrap_err();
    }
    // 256 segments do not fit a counter of 8 bits.
    let narrow = Mechanism::Sp800108 {
        mode: KdfMode::Counter,
        prf: KdfPrf::Hmac(HashAlgorithm::Sha256),
        fields: vec![iteration(8)],
        keys: vec![],
    };
    key.derive(&narrow, Some(255 * 32)).unwrap();
    key.derive(&narrow, Some(255 * 32 + 1)).unwrap_err();
}

/// The examples of PKCS#11, "Miscellaneous simple key derivation mechanisms".
#[test]
fn simple_derivations() {
    let key = generic(&hex("01234567"));
    let data = || SecretBytes::new(hex("89abcdef"));
    let derive = |mechanism: &Mechanism, length| {
        let derived = key.derive(mechanism, length);
        derived.unwrap().expose().to_vec()
    };
    let after = Mechanism::Concatenate {
        data: data(),
        before: false,
    };
    assert_eq!(derive(&after, None), hex("0123456789abcdef"));
    assert_eq!(derive(&after, Some(5)), hex("0123456789"));
    let before = Mechanism::Concatenate {
        data: data(),
        before: true,
    };
    assert_eq!(derive(&before, None), hex("89abcdef01234567"));
    key.derive(&before, Some(9)).unwrap_err();
    let xor = Mechanism::Xor { data: data() };
    assert_eq!(derive(&xor, None), hex("88888888"));
    let key = generic(&hex("329f84a9"));
    let extract = |first_bit, length| key.derive(&Mechanism::Extract { first_bit }, length);
    assert_eq!(extract(21, Some(2)).unwrap().expose(), hex("9526"));
    assert_eq!(extract(0, Some(4)).unwrap().expose(), hex("329f84a9"));
    for (first_bit, length) in [
        (32, Some(2)),
        (usize::MAX, Some(2)),
        (0, None),
        (0, Some(5)),
    ] {
        extract(first_bit, length).unwrap_err();
    }
    let digest = Mechanism::HashKey {
        hash: HashAlgorithm::Sha256,
    };
    assert_eq!(
        generic(b"abc").derive(&digest, None).unwrap().expose(),
        hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    );
}

/// RFC 8032 sections 7.2 and 7.3.
#[test]
pub(super) fn ed25519_with_context_and_prehash() {
    for (seed, message, context, prehash, signature) in [
        (
            "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
            "f726936d19c800494e3fdaff20b276a8",
            "666f6f",
            false,
            "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d",
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "616263",
            "",
            true,
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
        ),
    ] {
        let (private, public) = pair_on(NamedCurve::Ed25519, &hex(seed));
        let mechanism = Mechanism::EddsaContext {
            prehash,
            context: hex(context),
        };
        let ours = run(&*private, Purpose::Sign, &mechanism, &hex(message)).unwrap();
        assert_eq!(ours, hex(signature));
        let verify = |mechanism: &Mechanism, signature: &[u8]| {
            public.verify(Purpose::Verify, mechanism, &hex(message), signature)
        };
        verify(&mechanism, &ours).unwrap();
        verify(&Mechanism::Eddsa, &ours).unwrap_err();
        let other = Mechanism::EddsaContext {
            prehash,
            context: b"bar".to_vec(),
        };
        verify(&other, &ours).unwrap_err();
        let mut wrong = ours.clone();
        wrong[0] ^= 1;
        verify(&mechanism, &wrong).unwrap_err();
        for context in [vec![], vec![1; 256]] {
            let mechanism = Mechanism::EddsaContext {
                prehash: false,
                context,
            };
            run(&*private, Purpose::Sign, &mechanism, b"").unwrap_err();
        }
    }
}

/// RFC 5246 section 7.4.9 is the PRF with a label.
#[test]
fn tls_verify_data() {
    let key = generic(&[9; 48]);
    let mac = |server, tag_length| Mechanism::TlsMac {
        hash: HashAlgorithm::Sha256,
        server,
        tag_length,
    };
    let ours = run(&*key, Purpose::MacGenerate, &mac(false, 12), &[1; 32]).unwrap();
    let prf = Mechanism::TlsPrf {
        hash: HashAlgorithm::Sha256,
        secret: TlsSecret::Exported,
        label: b"client finished".to_vec(),
        seed: vec![1; 32],
    };
    assert_eq!(key.derive(&prf, Some(12)).unwrap().expose(), ours);
    key.verify(Purpose::MacVerify, &mac(false, 12), &[1; 32], &ours)
        .unwrap();
    key.verify(Purpose::MacVerify, &mac(true, 12), &[1; 32], &ours)
        .unwrap_err();
    run(&*key, Purpose::MacGenerate, &mac(false, 11), &[1; 32]).unwrap_err();
}

fn wraps(private: &dyn ReadyKey, public: &dyn ReadyKey, mechanism: &Mechanism, first: usize) {
    for length in [1, 16, 33, 1200] {
        let target = SecretBytes::new(vec![5; length]);
        let wrapped = public.wrap(mechanism, &target).unwrap();
        assert_eq!(wrapped.len(), first + length.next_multiple_of(8) + 8);
        assert_eq!(private.unwrap(mechanism, &wrapped).unwrap(), target);
        assert_ne!(public.wrap(mechanism, &target).unwrap(), wrapped);
        for cut in [0, 1, first - 1, first, first + 8, wrapped.len() - 1] {
            assert!(matches!(
                private.unwrap(mechanism, &wrapped[..cut]),
                Err(crate::Error::InvalidWrappedKey)
            ));
        }
        for at in [1, first - 1, first, wrapped.len() - 1] {
            let mut wrong = wrapped.clone();
            wrong[at] ^= 1;
            assert!(matches!(
                private.unwrap(mechanism, &wrong),
                Err(crate::Error::InvalidWrappedKey)
            ));
        }
    }
}

#[test]
fn rsa_aes_key_wrap() {
    let (value, public) = generate(KeySpec::Rsa { bits: 2048 });
    let private = private_key(value.expose()).unwrap();
    let public = public_key(&public.unwrap()).unwrap();
    let hash = RsaHash {
        hash: HashAlgorithm::Sha256,
        mgf1: HashAlgorithm::Sha256,
    };
    for bits in [128, 192, 256] {
        let mechanism = Mechanism::RsaAesKeyWrap {
            hash,
            label: vec![],
            bits,
        };
        wraps(&*private, &*public, &mechanism, 256);
        // By hand: OAEP of the AES key, then RFC 5649.
        let target = SecretBytes::new(vec![8; 40]);
        let wrapped = public.wrap(&mechanism, &target).unwrap();
        let oaep = Mechanism::RsaOaep {
            hash,
            label: vec![],
        };
        let temporary = run(&*private, Purpose::Decrypt, &oaep, &wrapped[..256]).unwrap();
        assert_eq!(temporary.len() as u32 * 8, bits);
        let opened = aes(&temporary).unwrap(&Mechanism::KeyWrapPad, &wrapped[256..]);
        assert_eq!(opened.unwrap(), target);
    }
    let odd = Mechanism::RsaAesKeyWrap {
        hash,
        label: vec![],
        bits: 100,
    };
    public
        .wrap(&odd, &SecretBytes::new(vec![1; 16]))
        .unwrap_err();
}

#[test]
fn ecdh_aes_key_wrap() {
    use crate::Curve;
    for (curve, point) in [
        (NamedCurve::Weierstrass(Curve::P256), 65),
        (NamedCurve::Weierstrass(Curve::P521), 133),
        (NamedCurve::X25519, 32),
    ] {
        let scalar = vec![1; (point / 2).max(32)];
        let (private, public) = pair_on(curve, &scalar);
        for derivation in [
            KeyDerivation::None,
            KeyDerivation::X963 {
                hash: HashAlgorithm::Sha256,
                shared_info: b"x".to_vec(),
            },
            KeyDerivation::OneStep {
                hash: HashAlgorithm::Sha384,
                fixed_info: vec![],
            },
        ] {
            let mechanism = Mechanism::EcdhAesKeyWrap {
                derivation,
                bits: 256,
            };
            wraps(&*private, &*public, &mechanism, point);
        }
    }
}
