//! Encodings against AWS-LC's and RustCrypto's, cut at every length and flipped in every bit.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use k256::elliptic_curve::Generate;
use pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};

use super::*;
use crate::algorithm::Curve;

/// RFC 8410 section 10.3 and 10.1.
const RFC_8410_PRIVATE: &str = "302e020100300506032b657004220420\
    d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
const RFC_8410_PUBLIC: &str = "302a300506032b6570032100\
    19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn rsa_pkcs8() -> Vec<u8> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    der.as_ref().to_vec()
}

/// One key of every kind, PKCS#8 as another implementation writes it.
fn foreign_keys() -> Vec<(KeySpec, Vec<u8>)> {
    let mut keys = vec![(KeySpec::Rsa { bits: 2048 }, rsa_pkcs8())];
    for (curve, algorithm) in [
        (Curve::P256, &ECDSA_P256_SHA256_FIXED_SIGNING),
        (Curve::P384, &ECDSA_P384_SHA384_FIXED_SIGNING),
        (Curve::P521, &ECDSA_P521_SHA512_FIXED_SIGNING),
    ] {
        let key = EcdsaKeyPair::generate(algorithm).unwrap();
        let der = key.to_pkcs8v1().unwrap();
        keys.push((KeySpec::Ec { curve }, der.as_ref().to_vec()));
    }
    let curve = Curve::Secp256k1;
    let key = k256::SecretKey::generate().to_pkcs8_der().unwrap();
    keys.push((KeySpec::Ec { curve }, key.as_bytes().to_vec()));
    let key = sm2::SecretKey::generate().to_pkcs8_der().unwrap();
    keys.push((KeySpec::Sm2, key.as_bytes().to_vec()));
    keys.push((KeySpec::Ed25519, hex(RFC_8410_PRIVATE)));
    let x25519 = EcPrivateKey::new(NamedCurve::X25519, &[7; 32], None).unwrap();
    keys.push((
        KeySpec::X25519,
        x25519.to_pkcs8().unwrap().expose().to_vec(),
    ));
    keys
}

#[test]
fn private_keys_of_others_are_read_and_written_alike() {
    for (spec, pkcs8) in foreign_keys() {
        let key = PrivateKey::from_pkcs8(&pkcs8).unwrap();
        assert_eq!(key.spec(), spec);
        assert_eq!(private_key_spec(&pkcs8).unwrap(), spec);
        assert_eq!(key.to_pkcs8().unwrap().expose(), pkcs8, "{spec:?}");
        let spki = public_key_info_of(&pkcs8).unwrap();
        assert_eq!(public_key_spec(&spki).unwrap(), spec);
        let public = PublicKey::from_spki(&spki).unwrap();
        assert_eq!(public, key.public_key().unwrap());
        assert_eq!(public.to_spki().unwrap(), spki);
    }
}

#[test]
fn rfc_8410_examples() {
    let spki = public_key_info_of(&hex(RFC_8410_PRIVATE)).unwrap();
    assert_eq!(spki, hex(RFC_8410_PUBLIC));
    // The same private key with an attribute and its public key (version 2), section 10.3.
    let two = hex(&[
        "3072020101300506032b657004220420",
        "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842",
        "a01f301d060a2a864886f70d01090914310f0c0d437572646c6520436861697273",
        "812100",
        "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
    ]
    .concat());
    let key = PrivateKey::from_pkcs8(&two).unwrap();
    assert_eq!(key.to_pkcs8().unwrap().expose(), hex(RFC_8410_PRIVATE));
}

#[test]
fn public_keys_are_read_alike_by_others() {
    for (spec, pkcs8) in foreign_keys() {
        let spki = public_key_info_of(&pkcs8).unwrap();
        match spec {
            KeySpec::Ec {
                curve: Curve::Secp256k1,
            } => {
                let theirs = k256::SecretKey::from_pkcs8_der(&pkcs8)
                    .unwrap()
                    .public_key();
                assert_eq!(k256::PublicKey::from_public_key_der(&spki).unwrap(), theirs);
            }
            KeySpec::Sm2 => {
                let theirs = sm2::SecretKey::from_pkcs8_der(&pkcs8).unwrap().public_key();
                assert_eq!(theirs.to_public_key_der().unwrap().as_bytes(), spki);
            }
            KeySpec::Ec { curve: Curve::P256 } => {
                let theirs =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).unwrap();
                let PublicKey::Ec(ours) = PublicKey::from_spki(&spki).unwrap() else {
                    panic!("not EC");
                };
                assert_eq!(ours.point(), theirs.public_key().as_ref());
            }
            _ => {}
        }
    }
}

#[test]
fn every_encoding_is_refused_when_cut_and_survives_flips() {
    for (spec, pkcs8) in foreign_keys() {
        let spki = public_key_info_of(&pkcs8).unwrap();
        let key = PrivateKey::from_pkcs8(&pkcs8).unwrap();
        let inner = match &key {
            PrivateKey::Rsa(key) => key.to_pkcs1().unwrap(),
            PrivateKey::Ec(key) if key.curve().is_weierstrass() => key.to_sec1(true).unwrap(),
            PrivateKey::Ec(key) => key.to_pkcs8().unwrap(),
            PrivateKey::Lattice(key) => key.to_pkcs8().unwrap(),
        };
        let read_inner = |bytes: &[u8]| match &key {
            PrivateKey::Rsa(_) => RsaPrivateKey::from_pkcs1(bytes).is_ok(),
            PrivateKey::Ec(key) if key.curve().is_weierstrass() => {
                EcPrivateKey::from_sec1(None, bytes).is_ok()
            }
            PrivateKey::Ec(_) | PrivateKey::Lattice(_) => PrivateKey::from_pkcs8(bytes).is_ok(),
        };
        for (bytes, read) in [
            (
                pkcs8.as_slice(),
                &(|bytes: &[u8]| PrivateKey::from_pkcs8(bytes).is_ok()) as &dyn Fn(&[u8]) -> bool,
            ),
            (&spki, &|bytes| PublicKey::from_spki(bytes).is_ok()),
            (inner.expose(), &read_inner),
        ] {
            assert!(read(bytes));
            for cut in 0..bytes.len() {
                assert!(!read(&bytes[..cut]), "{spec:?} cut at {cut}");
            }
            let mut longer = bytes.to_vec();
            longer.push(0);
            assert!(!read(&longer), "{spec:?} with a byte after it");
            let mut flipped = bytes.to_vec();
            for bit in 0..bytes.len() * 8 {
                flipped[bit / 8] ^= 1 << (bit % 8);
                read(&flipped);
                flipped[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}

#[test]
fn rsa_is_completed_from_what_is_known() {
    let PrivateKey::Rsa(key) = PrivateKey::from_pkcs8(&rsa_pkcs8()).unwrap() else {
        panic!("not RSA");
    };
    let private = key.private_exponent.expose();
    let (p, q) = (key.prime1.expose(), key.prime2.expose());
    let from_primes =
        RsaPrivateKey::from_components(key.public.clone(), private, Some((p, q)), None).unwrap();
    assert_eq!(from_primes, key);
    // The primes may come out the other way round: then the coefficient differs too.
    let recovered =
        RsaPrivateKey::from_components(key.public.clone(), private, None, None).unwrap();
    assert_eq!(recovered.public, key.public);
    let mut primes = [recovered.prime1.expose(), recovered.prime2.expose()];
    primes.sort_unstable();
    let mut expected = [p, q];
    expected.sort_unstable();
    assert_eq!(primes, expected);

    let mut other = private.to_vec();
    other[20] ^= 1;
    RsaPrivateKey::from_components(key.public.clone(), &other, None, None).unwrap_err();
    RsaPrivateKey::from_components(key.public.clone(), &[1], None, None).unwrap_err();
    RsaPrivateKey::from_components(key.public.clone(), &[0], None, None).unwrap_err();
    let tiny = RsaPublicKey::new(&[1], &[1]).unwrap();
    RsaPrivateKey::from_components(tiny, &[1], None, None).unwrap_err();
}

#[test]
fn primes_are_found_whichever_private_exponent_is_given() {
    use crypto_bigint::{BoxedUint, Lcm, Resize};
    let PrivateKey::Rsa(key) = PrivateKey::from_pkcs8(&rsa_pkcs8()).unwrap() else {
        panic!("not RSA");
    };
    let number = |bytes: &SecretBytes| BoxedUint::from_be_slice(bytes.expose(), 2048).unwrap();
    let one = BoxedUint::one_with_precision(2048);
    let lambda = (number(&key.prime1).wrapping_sub(&one))
        .lcm(&number(&key.prime2).wrapping_sub(&one))
        .resize(2048);
    // FIPS 186 wants d below λ(n); older software took it modulo φ(n), a multiple.
    let other = number(&key.private_exponent).wrapping_add(&lambda);
    let recovered =
        RsaPrivateKey::from_components(key.public.clone(), &other.to_be_bytes(), None, None)
            .unwrap();
    assert!([&key.prime1, &key.prime2].contains(&&recovered.prime1));
    assert_ne!(recovered.prime1, recovered.prime2);
}

#[test]
fn points_come_in_three_shapes() {
    for curve in [
        NamedCurve::Weierstrass(Curve::P256),
        NamedCurve::Weierstrass(Curve::P384),
        NamedCurve::Weierstrass(Curve::P521),
        NamedCurve::Weierstrass(Curve::Secp256k1),
        NamedCurve::Sm2,
    ] {
        let key = EcPrivateKey::new(curve, &[9; 32], None).unwrap();
        let public = key.public_key().unwrap();
        let wrapped = public.to_ec_point().unwrap();
        assert_eq!(EcPublicKey::from_ec_point(curve, &wrapped).unwrap(), public);
        assert_eq!(
            EcPublicKey::from_ec_point(curve, public.point()).unwrap(),
            public
        );
        let field = curve.field_length();
        let mut compressed = vec![2 + (public.point()[2 * field] & 1)];
        compressed.extend(&public.point()[1..=field]);
        assert_eq!(EcPublicKey::new(curve, &compressed).unwrap(), public);

        let mut off = public.point().to_vec();
        off[2 * field] ^= 1;
        EcPublicKey::new(curve, &off).unwrap_err();
        EcPublicKey::new(curve, &[0]).unwrap_err();
        EcPublicKey::new(curve, &[]).unwrap_err();
        EcPrivateKey::new(curve, key.private_value().expose(), Some(&off)).unwrap_err();
        EcPrivateKey::new(curve, &[0; 32], None).unwrap_err();
        EcPrivateKey::new(curve, &vec![0xff; field], None).unwrap_err();
        EcPrivateKey::new(curve, &[], None).unwrap_err();
    }
}

#[test]
fn keys_come_out_of_certificates() {
    let key = rcgen_certificate();
    let spki = public_key_info_of_certificate(&key.0).unwrap();
    assert_eq!(spki, key.1);
    assert_eq!(
        PublicKey::from_certificate(&key.0).unwrap().spec(),
        KeySpec::Ec { curve: Curve::P256 }
    );
    for cut in 0..key.0.len() {
        public_key_info_of_certificate(&key.0[..cut]).unwrap_err();
    }
    let mut flipped = key.0.clone();
    for bit in 0..flipped.len() * 8 {
        flipped[bit / 8] ^= 1 << (bit % 8);
        let _ = PublicKey::from_certificate(&flipped);
        flipped[bit / 8] ^= 1 << (bit % 8);
    }
}

/// A self-signed certificate and its SubjectPublicKeyInfo.
fn rcgen_certificate() -> (Vec<u8>, Vec<u8>) {
    use rcgen::PublicKeyData;
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    (certificate.der().to_vec(), key.subject_public_key_info())
}
