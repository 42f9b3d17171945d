//! Published vectors, kept as files in `core/tests/vectors`.

use super::*;
use crate::engine::software::digest::Hasher;
use crate::mechanism::KeyDerivation;

const MODES: &str = include_str!("../../../../tests/vectors/modes.txt");
const X963: &str = include_str!("../../../../tests/vectors/x963.txt");
const DIGESTS: &str = include_str!("../../../../tests/vectors/digests.txt");
const SM2: &str = include_str!("../../../../tests/vectors/sm2.txt");

fn rows(file: &str) -> impl Iterator<Item = Vec<&str>> {
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect())
}

fn bytes(column: &str) -> Vec<u8> {
    if column == "-" {
        Vec::new()
    } else {
        hex(column)
    }
}

fn hash(name: &str) -> HashAlgorithm {
    let found = ALL_HASHES
        .iter()
        .find(|hash| hash.name().eq_ignore_ascii_case(name));
    *found.unwrap()
}

#[test]
pub(super) fn block_modes() {
    let mut count = 0;
    for row in rows(MODES) {
        let [cipher, mode, key, iv, plain, sealed] = row[..] else {
            panic!("{row:?}");
        };
        let key = match cipher {
            "aes" => aes(&hex(key)),
            "des3" => secret_key(KeySpec::Des3 { bits: 168 }, &hex(key)),
            _ => secret_key(KeySpec::Sm4, &hex(key)),
        };
        let iv = bytes(iv).try_into().unwrap_or_default();
        let cfb = |bits| Mechanism::Cfb { iv, bits };
        let mechanism = match mode {
            "ecb" => Mechanism::Ecb,
            "cbc" => Mechanism::Cbc { iv },
            "cbc-pad" => Mechanism::CbcPad { iv },
            "cts" => Mechanism::Cts { iv },
            "ofb" => Mechanism::Ofb { iv },
            "cfb1" => cfb(1),
            "cfb8" => cfb(8),
            "cfb128" => cfb(128),
            _ => Mechanism::Ctr {
                counter_block: iv,
                counter_bits: 128,
            },
        };
        let (plain, sealed) = (hex(plain), hex(sealed));
        assert_eq!(
            run(&*key, Purpose::Encrypt, &mechanism, &plain).unwrap(),
            sealed
        );
        assert_eq!(
            run(&*key, Purpose::Decrypt, &mechanism, &sealed).unwrap(),
            plain
        );
        for part in [1, 7, 16, 33] {
            let sealed_in_parts = in_parts(&*key, Purpose::Encrypt, &mechanism, &plain, part);
            assert_eq!(sealed_in_parts, sealed, "{mode} in parts of {part}");
            let opened_in_parts = in_parts(&*key, Purpose::Decrypt, &mechanism, &sealed, part);
            assert_eq!(opened_in_parts, plain, "{mode} in parts of {part}");
        }
        count += 1;
    }
    assert_eq!(count, 50);
}

/// Two keys are three, of which the last is the first.
#[test]
fn triple_des_of_two_keys() {
    let (first, second) = (hex("0123456789abcdef"), hex("23456789abcdef01"));
    let two = secret_key(KeySpec::Des3 { bits: 112 }, &[&first[..], &second].concat());
    let three = secret_key(
        KeySpec::Des3 { bits: 168 },
        &[&first[..], &second, &first].concat(),
    );
    let sealed = run(&*two, Purpose::Encrypt, &Mechanism::Ecb, &[5; 24]).unwrap();
    let opened = run(&*three, Purpose::Decrypt, &Mechanism::Ecb, &sealed).unwrap();
    assert_eq!(opened, [5; 24]);
}

/// CFB with segments of 64 bits, which OpenSSL has not, by the formula of SP 800-38A section 6.3.
#[test]
fn cfb64() {
    let (key, iv) = (aes(&[7; 32]), [9; 16]);
    let plain: Vec<u8> = (0..61).collect();
    let mechanism = Mechanism::Cfb { iv, bits: 64 };
    let sealed = run(&*key, Purpose::Encrypt, &mechanism, &plain).unwrap();
    let mut register = iv.to_vec();
    for (from, to) in plain.chunks(8).zip(sealed.chunks(8)) {
        let output = run(&*key, Purpose::Encrypt, &Mechanism::Ecb, &register).unwrap();
        let expected: Vec<u8> = from.iter().zip(&output).map(|(a, b)| a ^ b).collect();
        assert_eq!(to, expected);
        register.drain(..8);
        register.extend_from_slice(&[to, &[0; 8]].concat()[..8]);
    }
    let back = run(&*key, Purpose::Decrypt, &mechanism, &sealed).unwrap();
    assert_eq!(back, plain);
}

/// RFC 3566 section 4.6.
#[test]
pub(super) fn aes_xcbc_mac() {
    let key = aes(&hex("000102030405060708090a0b0c0d0e0f"));
    let message: Vec<u8> = (0..34).collect();
    for (length, tag) in [
        (0, "75f0251d528ac01c4573dfd584d79f29"),
        (3, "5b376580ae2f19afe7219ceef172756f"),
        (16, "d2a246fa349b68a79998a4394ff7a263"),
        (20, "47f51b4564966215b8985c63055ed308"),
        (32, "f54f0ec8d2b9f3d36807734bd5283fd4"),
        (34, "becbb3bccdb518a30677d5481fb6b4d8"),
    ] {
        let mechanism = Mechanism::XcbcMac { tag_length: 16 };
        let ours = run(&*key, Purpose::MacGenerate, &mechanism, &message[..length]);
        assert_eq!(ours.unwrap(), hex(tag), "{length}");
        for part in [1, 5, 16] {
            let mut stream = key.stream(Purpose::MacGenerate, &mechanism).unwrap();
            for data in message[..length].chunks(part) {
                stream.update(data, &mut []).unwrap();
            }
            let mut ours = [0; 16];
            stream.finish(&mut ours).unwrap();
            assert_eq!(ours.to_vec(), hex(tag));
        }
        let short = Mechanism::XcbcMac { tag_length: 12 };
        key.verify(
            Purpose::MacVerify,
            &short,
            &message[..length],
            &hex(tag)[..12],
        )
        .unwrap();
    }
    let long = aes(&[1; 32]);
    run(
        &*long,
        Purpose::MacGenerate,
        &Mechanism::XcbcMac { tag_length: 16 },
        &[],
    )
    .unwrap_err();
}

/// `CKM_AES_KEY_WRAP_PKCS7` is key wrap of what is padded by hand.
#[test]
fn key_wrap_pkcs7() {
    let key = aes(&[5; 16]);
    let padding_wrap = Mechanism::KeyWrapPkcs7 { iv: None };
    for length in 8..40 {
        let value = SecretBytes::new(vec![3; length]);
        let wrapped = key.wrap(&padding_wrap, &value).unwrap();
        let fill = 8 - length % 8;
        let padded = [&vec![3; length][..], &vec![fill as u8; fill]].concat();
        let by_hand = key.wrap(&Mechanism::KeyWrap { iv: None }, &SecretBytes::new(padded));
        assert_eq!(wrapped, by_hand.unwrap());
        assert_eq!(key.unwrap(&padding_wrap, &wrapped).unwrap(), value);
    }
    let unpadded = SecretBytes::new(vec![0; 24]);
    let wrapped = key.wrap(&Mechanism::KeyWrap { iv: None }, &unpadded);
    key.unwrap(&padding_wrap, &wrapped.unwrap()).unwrap_err();
}

/// RFC 8439 section 2.4.2; draft-irtf-cfrg-xchacha-03 appendix A.3.2.
#[test]
pub(super) fn chacha20() {
    let key = secret_key(KeySpec::ChaCha20, &(0..32).collect::<Vec<u8>>());
    let mechanism = Mechanism::ChaCha20 {
        nonce: hex("000000000000004a00000000"),
        counter: 1,
    };
    let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for \
        the future, sunscreen would be it.";
    let sealed = hex(
        "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dab
         cd62b3571639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806
         818ce91ab77937365af90bbf74a35be6b40b8eedf2785e42874d",
    );
    assert_eq!(
        run(&*key, Purpose::Encrypt, &mechanism, plain).unwrap(),
        sealed
    );
    for part in [1, 7, 64, 65] {
        let opened = in_parts(&*key, Purpose::Decrypt, &mechanism, &sealed, part);
        assert_eq!(opened, plain);
    }
    // The first key stream of the original with zeros everywhere (draft-agl-tls-chacha20poly1305-04 section 7).
    let zeros = secret_key(KeySpec::ChaCha20, &[0; 32]);
    let original = Mechanism::ChaCha20 {
        nonce: vec![0; 8],
        counter: 0,
    };
    let stream = run(&*zeros, Purpose::Encrypt, &original, &[0; 32]).unwrap();
    assert_eq!(
        stream,
        hex("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7")
    );
    let extended = secret_key(
        KeySpec::ChaCha20,
        &hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
    );
    let mechanism = Mechanism::ChaCha20 {
        nonce: hex("404142434445464748494a4b4c4d4e4f5051525354555658"),
        counter: 1,
    };
    let stream = run(
        &*extended,
        Purpose::Decrypt,
        &mechanism,
        &hex("7d0a2e6b7f7c65a236542630294e063b"),
    );
    assert_eq!(stream.unwrap(), b"The dhole (prono");
    // The counter does not run over.
    let last = Mechanism::ChaCha20 {
        nonce: vec![0; 12],
        counter: u64::from(u32::MAX),
    };
    run(&*zeros, Purpose::Encrypt, &last, &[0; 129]).unwrap_err();
    for (nonce, counter) in [(vec![0; 12], 1 << 32), (vec![0; 11], 0), (vec![], 0)] {
        let wrong = Mechanism::ChaCha20 { nonce, counter };
        run(&*zeros, Purpose::Encrypt, &wrong, &[0]).unwrap_err();
    }
}

/// GB/T 32907 appendix A.2: encrypted a million times over.
#[test]
pub(super) fn sm4_a_million_times() {
    let start = hex("0123456789abcdeffedcba9876543210");
    let key = secret_key(KeySpec::Sm4, &start);
    let (mut block, mut next) = (start, vec![0; 16]);
    for _ in 0..1_000_000 {
        key.run(Purpose::Encrypt, &Mechanism::Ecb, &block, &mut next)
            .unwrap();
        std::mem::swap(&mut block, &mut next);
    }
    assert_eq!(block, hex("595298c7c6fd271f0402f804c33d3f66"));
}

#[test]
fn digests() {
    for row in rows(DIGESTS) {
        let hash = hash(row[0]);
        assert_eq!(Hasher::digest(hash, b"abc").as_ref(), hex(row[1]));
        let mut hasher = Hasher::new(hash);
        for _ in 0..1000 {
            hasher.update(&[b'a'; 600]);
            let mut copy = hasher.clone();
            copy.update(b"something else");
            hasher.update(&[b'a'; 400]);
        }
        assert_eq!(hasher.finish().as_ref(), hex(row[2]));
    }
    assert_eq!(rows(DIGESTS).count(), ALL_HASHES.len());
}

#[test]
fn x963() {
    for row in rows(X963) {
        let derived = hex(row[3]);
        let ours = crate::engine::software::kdf::x963(
            hash(row[0]),
            &hex(row[1]),
            &bytes(row[2]),
            derived.len(),
        );
        assert_eq!(ours.unwrap().expose(), derived, "{}", row[0]);
    }
    assert_eq!(rows(X963).count(), 16);
}

/// An agreement with a derivation is the derivation of the agreement.
#[test]
fn ecdh_with_derivation() {
    let (key, _) = pair_on(NamedCurve::X25519, &[9; 32]);
    let (other, _) = pair_on(NamedCurve::X25519, &[5; 32]);
    let public = |scalar: &[u8]| {
        let key = EcPrivateKey::new(NamedCurve::X25519, scalar, None).unwrap();
        key.public_key().unwrap().point().to_vec()
    };
    let ecdh = |peer, derivation| Mechanism::Ecdh { peer, derivation };
    let mine = key.derive(&ecdh(public(&[5; 32]), KeyDerivation::None), None);
    let shared = mine.unwrap();
    let x963 = KeyDerivation::X963 {
        hash: HashAlgorithm::Sha256,
        shared_info: b"info".to_vec(),
    };
    let derived = key.derive(&ecdh(public(&[5; 32]), x963), Some(40)).unwrap();
    let expected =
        crate::engine::software::kdf::x963(HashAlgorithm::Sha256, shared.expose(), b"info", 40);
    assert_eq!(derived, expected.unwrap());
    // Cut from the leading end, as PKCS#11 has it.
    let cut = key.derive(&ecdh(public(&[5; 32]), KeyDerivation::None), Some(16));
    assert_eq!(cut.unwrap().expose(), &shared.expose()[16..]);
    key.derive(&ecdh(public(&[5; 32]), KeyDerivation::None), Some(33))
        .unwrap_err();
    other
        .derive(&ecdh(vec![0; 32], KeyDerivation::None), None)
        .unwrap_err();
}

#[test]
pub(super) fn sm2_signature_and_encryption() {
    let field = |name: &str| {
        let row = rows(SM2).find(|row| row[0] == name).unwrap();
        hex(row[1])
    };
    let (private, public) = pair_on(NamedCurve::Sm2, &field("private"));
    let point = EcPrivateKey::new(NamedCurve::Sm2, &field("private"), None)
        .unwrap()
        .public_key()
        .unwrap();
    assert_eq!(point.point(), field("public"));
    let sign = Mechanism::Sm2Sign {
        user_id: field("user-id"),
    };
    let (message, signature) = (field("message"), field("signature"));
    public
        .verify(Purpose::Verify, &sign, &message, &signature)
        .unwrap();
    let digest = field("digest");
    public
        .verify(
            Purpose::Verify,
            &Mechanism::Sm2SignDigest,
            &digest,
            &signature,
        )
        .unwrap();
    let mut wrong = signature;
    wrong[63] ^= 1;
    public
        .verify(Purpose::Verify, &sign, &message, &wrong)
        .unwrap_err();
    let ours = run(&*private, Purpose::Sign, &sign, &message).unwrap();
    public
        .verify(Purpose::Verify, &Mechanism::Sm2SignDigest, &digest, &ours)
        .unwrap();

    let (plain, sealed) = (field("plaintext"), field("ciphertext"));
    let encrypt = Mechanism::Sm2Encrypt;
    assert_eq!(
        run(&*private, Purpose::Decrypt, &encrypt, &sealed).unwrap(),
        plain
    );
    let ours = run(&*public, Purpose::Encrypt, &encrypt, &plain).unwrap();
    assert_eq!(
        run(&*private, Purpose::Decrypt, &encrypt, &ours).unwrap(),
        plain
    );
    for cut in 0..sealed.len() {
        run(&*private, Purpose::Decrypt, &encrypt, &sealed[..cut]).unwrap_err();
    }
    for at in 0..sealed.len() {
        let mut wrong = sealed.clone();
        wrong[at] ^= 1;
        run(&*private, Purpose::Decrypt, &encrypt, &wrong).unwrap_err();
    }
}

/// RFC 3394 section 4.1 and RFC 5649 section 6.
#[test]
fn key_wrap_examples() {
    let key = aes(&hex("000102030405060708090a0b0c0d0e0f"));
    let value = SecretBytes::new(hex("00112233445566778899aabbccddeeff"));
    let kw = Mechanism::KeyWrap { iv: None };
    let wrapped = key.wrap(&kw, &value).unwrap();
    assert_eq!(
        wrapped,
        hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5")
    );
    assert_eq!(key.unwrap(&kw, &wrapped).unwrap(), value);
    let other = Mechanism::KeyWrap { iv: Some([7; 8]) };
    let differently = key.wrap(&other, &value).unwrap();
    assert_ne!(differently, wrapped);
    assert_eq!(key.unwrap(&other, &differently).unwrap(), value);
    assert!(matches!(
        key.unwrap(&kw, &differently),
        Err(crate::Error::InvalidWrappedKey)
    ));

    let key = aes(&hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"));
    for (value, wrapped) in [
        (
            "c37b7e6492584340bed12207808941155068f738",
            "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
        ),
        ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
    ] {
        let value = SecretBytes::new(hex(value));
        assert_eq!(
            key.wrap(&Mechanism::KeyWrapPad, &value).unwrap(),
            hex(wrapped)
        );
        let back = key.unwrap(&Mechanism::KeyWrapPad, &hex(wrapped)).unwrap();
        assert_eq!(back, value);
    }
}
