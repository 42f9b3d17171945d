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
fn block_modes() {
    let mut count = 0;
    for row in rows(MODES) {
        let [cipher, mode, key, iv, plain, sealed] = row[..] else {
            panic!("{row:?}");
        };
        let key = match cipher {
            "aes" => aes(&hex(key)),
            _ => secret_key(KeySpec::Sm4, &hex(key)),
        };
        let iv = bytes(iv).try_into();
        let mechanism = match mode {
            "ecb" => Mechanism::Ecb,
            "cbc" => Mechanism::Cbc { iv: iv.unwrap() },
            "cbc-pad" => Mechanism::CbcPad { iv: iv.unwrap() },
            _ => Mechanism::Ctr {
                counter_block: iv.unwrap(),
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
        count += 1;
    }
    assert_eq!(count, 16);
}

/// GB/T 32907 appendix A.2: encrypted a million times over.
#[test]
fn sm4_a_million_times() {
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
fn sm2_signature_and_encryption() {
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
