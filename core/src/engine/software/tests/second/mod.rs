//! Every algorithm of the engine's table against a second implementation that shares no code with it, with random
//! keys, lengths and parts; or, where there is none, against published vectors. What has neither fails here by name.

mod ciphers;
mod derivations;
mod key_pairs;
mod macs;

use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::engine::software::table::{self, Form, Kind};

/// Random material of one case: proptest finds and keeps the seed.
struct Draw(u64);

impl Draw {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.bytes(N).try_into().unwrap()
    }

    /// Up to 300 bytes.
    fn data(&mut self) -> Vec<u8> {
        let length = self.below(301);
        self.bytes(length)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// What an algorithm is checked by.
enum By {
    /// A second implementation, or the standard's formula over one.
    Second(fn(&mut Draw, Kind)),
    /// The same for an algorithm with a hash.
    WithHash(fn(&mut Draw, Kind, HashAlgorithm)),
    /// Tests of published vectors, which run by their own names.
    Vectors(#[expect(dead_code, reason = "named here so that it must be there")] fn()),
}

use By::{Second, Vectors, WithHash};

const NIST: &[Kind] = &[Kind::Nist];
const AES: &[Kind] = &[Kind::Aes];
const BLOCKS: &[Kind] = &[Kind::Aes, Kind::Sm4];
const ALL_BLOCKS: &[Kind] = &[Kind::Aes, Kind::Sm4, Kind::Des3];
const RSA: &[Kind] = &[Kind::Rsa];
const BYTES: &[Kind] = &[Kind::Generic, Kind::Hmac, Kind::Aes];
const AGREEMENT: &[Kind] = &[Kind::Nist, Kind::X25519];
const K256: &[Kind] = &[Kind::Secp256k1];
const ED25519: &[Kind] = &[Kind::Ed25519];

#[rustfmt::skip]
const CHECKS: &[(Form, &[Kind], By)] = &[
    (Form::Ecb, AES, Second(ciphers::ecb)),
    // The ciphers themselves by vectors, the modes over them by formula.
    (Form::Ecb, &[Kind::Sm4], Vectors(vectors::sm4_a_million_times)),
    (Form::Ecb, &[Kind::Des3], Vectors(vectors::block_modes)),
    (Form::Cbc, ALL_BLOCKS, Second(ciphers::cbc)),
    (Form::CbcPad, ALL_BLOCKS, Second(ciphers::cbc_pad)),
    (Form::Cts, BLOCKS, Second(ciphers::cts)),
    (Form::Ofb, BLOCKS, Second(ciphers::ofb)),
    (Form::Cfb, BLOCKS, Second(ciphers::cfb)),
    (Form::Ctr, BLOCKS, Second(ciphers::ctr)),
    (Form::Gcm, BLOCKS, Second(ciphers::gcm)),
    (Form::Ccm, BLOCKS, Second(ciphers::ccm)),
    (Form::Xts, &[Kind::AesXts], Second(ciphers::xts)),
    (Form::ChaCha20, &[Kind::ChaCha20], Vectors(vectors::chacha20)),
    (Form::ChaCha20Poly1305, &[Kind::ChaCha20], Second(ciphers::chacha20_poly1305)),
    (Form::KeyWrap, AES, Second(ciphers::key_wrap)),
    (Form::KeyWrapPad, AES, Second(ciphers::key_wrap_pad)),
    (Form::KeyWrapPkcs7, AES, Second(ciphers::key_wrap_pkcs7)),
    (Form::EncryptData, BLOCKS, Second(ciphers::encrypt_data)),
    (Form::Gmac, BLOCKS, Second(macs::gmac)),
    (Form::Cmac, AES, Second(macs::cmac)),
    (Form::XcbcMac, AES, Vectors(vectors::aes_xcbc_mac)),
    (Form::Hmac, BYTES, WithHash(macs::hmac)),
    (Form::TlsMac, &[Kind::Generic], WithHash(macs::tls_mac)),
    (Form::Hkdf, BYTES, WithHash(derivations::hkdf)),
    (Form::Kdf, BYTES, WithHash(derivations::kdf)),
    (Form::Concatenate, BYTES, Second(derivations::concatenate)),
    (Form::Xor, BYTES, Second(derivations::xor)),
    (Form::Extract, BYTES, Second(derivations::extract)),
    (Form::HashKey, BYTES, WithHash(derivations::hash_key)),
    (Form::ShakeKey, BYTES, Vectors(super::derivations::as_openssl_derives)),
    (Form::Sp800108, BYTES, WithHash(derivations::sp800_108)),
    (Form::Sp800108Cmac, AES, Second(derivations::sp800_108_cmac)),
    (Form::TlsPrf, &[Kind::Generic], WithHash(derivations::tls_prf)),
    (Form::RsaPkcs1, RSA, Second(key_pairs::rsa_pkcs1)),
    (Form::RsaPkcs1Hash, RSA, WithHash(key_pairs::rsa_pkcs1_hash)),
    (Form::RsaPkcs1Digest, RSA, WithHash(key_pairs::rsa_pkcs1_hash)),
    (Form::RsaPss, RSA, WithHash(key_pairs::rsa_pss)),
    (Form::RsaPssDigest, RSA, WithHash(key_pairs::rsa_pss)),
    (Form::RsaOaep, RSA, WithHash(key_pairs::rsa_oaep)),
    (Form::RsaRaw, RSA, Vectors(second_implementation::raw_rsa_is_the_power)),
    (Form::RsaAesKeyWrap, RSA, WithHash(key_pairs::rsa_aes_key_wrap)),
    (Form::Ecdsa, NIST, Second(key_pairs::ecdsa)),
    (Form::Ecdsa, K256, Vectors(second_implementation::secp256k1_is_alike)),
    (Form::EcdsaHash, NIST, WithHash(key_pairs::ecdsa_hash)),
    (Form::EcdsaHash, K256, WithHash(key_pairs::ecdsa_hash)),
    (Form::Ecdh, AGREEMENT, WithHash(key_pairs::ecdh)),
    (Form::Ecdh, K256, WithHash(key_pairs::ecdh_derivation)),
    (Form::EcdhAesKeyWrap, AGREEMENT, WithHash(key_pairs::ecdh_aes_key_wrap)),
    (Form::EcdhAesKeyWrap, K256, WithHash(key_pairs::ecdh_aes_key_wrap)),
    (Form::Eddsa, ED25519, Second(key_pairs::eddsa)),
    (Form::EddsaContext, ED25519, Second(key_pairs::eddsa_prehashed)),
    (Form::MlDsa, &[Kind::MlDsa], WithHash(key_pairs::hash_ml_dsa)),
    (Form::MlDsaDigest, &[Kind::MlDsa], WithHash(key_pairs::hash_ml_dsa)),
    (Form::MlKem, &[Kind::MlKem], Vectors(lattice::ml_kem_against_aws_lc)),
    (Form::Sm2Sign, &[Kind::Sm2], Vectors(vectors::sm2_signature_and_encryption)),
    (Form::Sm2SignDigest, &[Kind::Sm2], Vectors(vectors::sm2_signature_and_encryption)),
    (Form::Sm2Encrypt, &[Kind::Sm2], Vectors(vectors::sm2_signature_and_encryption)),
];

fn check_of(kind: Kind, form: Form) -> Option<&'static By> {
    let mut checks = CHECKS.iter();
    let found = checks.find(|(of, kinds, _)| *of == form && kinds.contains(&kind));
    found.map(|(_, _, by)| by)
}

/// Runs a check with so many random cases.
fn cases(count: u32, check: impl Fn(&mut Draw)) {
    let config = Config {
        cases: count,
        failure_persistence: None,
        ..Config::default()
    };
    let ran = TestRunner::new(config).run(&any::<u64>(), |seed| {
        check(&mut Draw(seed));
        Ok(())
    });
    ran.unwrap();
}

#[test]
fn every_algorithm_has_a_second_check_or_vectors() {
    let algorithms = table::algorithms();
    let mut without = Vec::new();
    for (kind, form, hashes) in &algorithms {
        match check_of(*kind, *form) {
            Some(Second(_)) if !hashes.is_empty() => {
                without.push(format!("{kind:?} {form:?}, the hashes of it"));
            }
            Some(WithHash(_)) if hashes.is_empty() => {
                without.push(format!("{kind:?} {form:?} has no hash to be checked with"));
            }
            Some(Vectors(_)) if !hashes.is_empty() => {
                without.push(format!("{kind:?} {form:?}, hash by hash"));
            }
            Some(_) => {}
            None => without.push(format!("{kind:?} {form:?}")),
        }
    }
    assert!(without.is_empty(), "without a check: {without:#?}");
    // And no check is of what there is not.
    for (form, kinds, _) in CHECKS {
        for kind in *kinds {
            let is_there =
                |algorithm: &&(Kind, Form, _)| (algorithm.0, algorithm.1) == (*kind, *form);
            assert!(
                algorithms.iter().any(|algorithm| is_there(&algorithm)),
                "{kind:?} {form:?}"
            );
        }
    }
}

/// The checks of these kinds of algorithm.
fn run_checks(of: impl Fn(Form) -> bool, count: u32) -> usize {
    let mut ran = 0;
    for (kind, form, hashes) in table::algorithms() {
        if !of(form) {
            continue;
        }
        match check_of(kind, form) {
            Some(Second(check)) => {
                println!("{kind:?} {form:?}");
                cases(count, |draw| check(draw, kind));
                ran += 1;
            }
            Some(WithHash(check)) => {
                for hash in hashes {
                    println!("{kind:?} {form:?} {hash:?}");
                    cases(count, |draw| check(draw, kind, hash));
                    ran += 1;
                }
            }
            _ => {}
        }
    }
    ran
}

/// Operations of key pairs cost more in a build that is not optimized.
const fn is_of_pairs(form: Form) -> bool {
    matches!(
        form,
        Form::RsaPkcs1
            | Form::RsaPkcs1Hash
            | Form::RsaPkcs1Digest
            | Form::RsaPss
            | Form::RsaPssDigest
            | Form::RsaOaep
            | Form::RsaAesKeyWrap
            | Form::Ecdsa
            | Form::EcdsaHash
            | Form::Ecdh
            | Form::EcdhAesKeyWrap
            | Form::Eddsa
            | Form::EddsaContext
            | Form::MlDsa
            | Form::MlDsaDigest
    )
}

#[test]
fn ciphers_macs_and_derivations_are_alike() {
    let ran = run_checks(|form| !is_of_pairs(form), 24);
    assert!(ran > 200, "{ran}");
}

#[test]
fn key_pairs_are_alike() {
    let ran = run_checks(is_of_pairs, 2);
    assert!(ran > 100, "{ran}");
}

/// A digest by another implementation.
fn digest(hash: HashAlgorithm, data: &[u8]) -> Vec<u8> {
    of_hash!(hash, D => <D as sha2::Digest>::digest(data).to_vec())
}

/// An HMAC by another implementation.
fn hmac_of(hash: HashAlgorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
    use ::hmac::{KeyInit, Mac, SimpleHmac};
    of_hash!(hash, D => {
        let mut mac = <SimpleHmac<D> as KeyInit>::new_from_slice(key).unwrap();
        mac.update(data);
        mac.finalize().into_bytes().to_vec()
    })
}

/// The type of a hash in RustCrypto's crates.
macro_rules! of_hash {
    ($hash:expr, $type:ident => $body:expr) => {{
        macro_rules! of {
            ($of:ty) => {{
                type $type = $of;
                $body
            }};
        }
        match $hash {
            HashAlgorithm::Sha1 => of!(sha1::Sha1),
            HashAlgorithm::Sha224 => of!(sha2::Sha224),
            HashAlgorithm::Sha256 => of!(sha2::Sha256),
            HashAlgorithm::Sha384 => of!(sha2::Sha384),
            HashAlgorithm::Sha512 => of!(sha2::Sha512),
            HashAlgorithm::Sha512_224 => of!(sha2::Sha512_224),
            HashAlgorithm::Sha512_256 => of!(sha2::Sha512_256),
            HashAlgorithm::Sha3_224 => of!(sha3::Sha3_224),
            HashAlgorithm::Sha3_256 => of!(sha3::Sha3_256),
            HashAlgorithm::Sha3_384 => of!(sha3::Sha3_384),
            HashAlgorithm::Sha3_512 => of!(sha3::Sha3_512),
            HashAlgorithm::Sm3 => of!(sm3::Sm3),
        }
    }};
}
use of_hash;
