//! New keys, and keys that come in.

use aws_lc_rs::agreement;
use zeroize::Zeroizing;

use super::aws_lc;
use super::parse;
use super::random;
use crate::algorithm::{Curve, KeySpec};
use crate::encoding::{EcPrivateKey, LatticePrivateKey, NamedCurve, PrivateKey, RsaPrivateKey};
use crate::engine::{Generated, NewKey};
use crate::error::{Error, Result};
use crate::model::Material;
use crate::secret::SecretBytes;

/// Longest HMAC key or generic secret, in bits: 8 KiB.
const LONGEST_SECRET: u32 = 8 * 1024 * 8;

/// Largest public exponent with which AWS-LC makes keys (it takes in keys of one bit more).
const LARGEST_EXPONENT: u64 = u32::MAX as u64;

/// Makes a key or pair.
pub(super) fn generate(key: &NewKey<'_>) -> Result<Generated> {
    let private = match key.spec {
        KeySpec::Rsa { bits } => PrivateKey::Rsa(rsa(bits, key.public_exponent)?),
        KeySpec::Lattice { set } => {
            let mut seed = Zeroizing::new(vec![0; set.seed_length()]);
            random::fill(&mut seed)?;
            PrivateKey::Lattice(LatticePrivateKey::from_seed(set, &seed)?)
        }
        spec => match NamedCurve::of_spec(spec) {
            Some(curve) => PrivateKey::Ec(on_curve(curve)?),
            None => return secret(spec),
        },
    };
    Ok(Generated {
        secret: Material::Secret(private.to_pkcs8()?),
        public: Some(private.public_key()?.to_spki()?),
    })
}

/// Validates a secret or private key and brings it into its canonical form.
pub(super) fn import(key: &NewKey<'_>, value: &SecretBytes) -> Result<Material> {
    if let KeySpec::Foreign { .. } = key.spec {
        // Kept and handed out only; nothing here knows what is valid.
        return if value.is_empty() {
            Err(Error::InvalidMaterial("the key is empty".to_owned()))
        } else {
            Ok(Material::Secret(value.clone()))
        };
    }
    if key.spec.is_asymmetric() {
        let private = PrivateKey::from_pkcs8(value.expose())?;
        parse::check_spec(key.spec, private.spec())?;
        parse::private(&private)?;
        Ok(Material::Secret(private.to_pkcs8()?))
    } else {
        check_secret_size(key.spec)?;
        parse::secret(key.spec, value)?;
        Ok(Material::Secret(value.clone()))
    }
}

fn secret(spec: KeySpec) -> Result<Generated> {
    check_secret_size(spec)?;
    // A symmetric key of an algorithm that nothing here computes with is random bytes all the same.
    let mut value = vec![0; spec.value_length()];
    random::fill(&mut value)?;
    if let KeySpec::Des3 { .. } = spec {
        set_odd_parity(&mut value);
    }
    Ok(Generated {
        secret: Material::Secret(SecretBytes::new(value)),
        public: None,
    })
}

/// Sets the lowest bit of each byte so that the number of ones is odd (FIPS 46-3).
fn set_odd_parity(value: &mut [u8]) {
    for byte in value {
        *byte = *byte & 0xfe | u8::from((*byte >> 1).count_ones().is_multiple_of(2));
    }
}

/// Sizes that symmetric keys have.
pub(super) fn check_secret_size(spec: KeySpec) -> Result<()> {
    let bits = spec.bits();
    let (possible, allowed) = match spec {
        KeySpec::Aes { bits } => (
            matches!(bits, 128 | 192 | 256),
            "AES keys have 128, 192 or 256 bits",
        ),
        KeySpec::AesXts { bits } => (
            matches!(bits, 256 | 512),
            "AES-XTS keys have 256 or 512 bits",
        ),
        KeySpec::Des3 { bits } => (
            matches!(bits, 112 | 128 | 168 | 192),
            "triple DES keys have 112 or 168 bits, or 128 or 192 with parity",
        ),
        KeySpec::Sm4 | KeySpec::ChaCha20 => (true, ""),
        _ => (
            bits.is_multiple_of(8) && (8..=LONGEST_SECRET).contains(&bits),
            "secrets have 8 to 65536 bits, whole bytes",
        ),
    };
    if possible {
        Ok(())
    } else {
        Err(Error::KeySize { bits, allowed })
    }
}

/// Below 2048 bits RSA is for what lives a few days (DNSSEC's zone signing keys); `[policy] minimum-strength`
/// keeps it out.
fn rsa(bits: u32, public_exponent: Option<u64>) -> Result<RsaPrivateKey> {
    if !(1024..=8192).contains(&bits) || !bits.is_multiple_of(128) {
        return Err(Error::KeySize {
            bits,
            allowed: "new RSA keys have 1024 to 8192 bits, a multiple of 128",
        });
    }
    let exponent = public_exponent.unwrap_or(65537);
    // FIPS 186-5 section 5.1: odd, above 2^16; AWS-LC sets the other end.
    if exponent.is_multiple_of(2) || !(65537..=LARGEST_EXPONENT).contains(&exponent) {
        return Err(Error::KeyUnsupported(
            "RSA public exponents are odd, from 65537 to below 2^32".to_owned(),
        ));
    }
    let pkcs1 = aws_lc::rsa::RsaKey::generate(bits, exponent)
        .map_err(aws_lc::internal("RSA key generation"))?;
    RsaPrivateKey::from_pkcs1(pkcs1.expose())
}

fn on_curve(curve: NamedCurve) -> Result<EcPrivateKey> {
    match curve {
        NamedCurve::Weierstrass(Curve::P256) => agreed(curve, &agreement::ECDH_P256),
        NamedCurve::Weierstrass(Curve::P384) => agreed(curve, &agreement::ECDH_P384),
        NamedCurve::Weierstrass(Curve::P521) => agreed(curve, &agreement::ECDH_P521),
        NamedCurve::Weierstrass(Curve::Secp256k1) | NamedCurve::Sm2 => by_trial(curve),
        NamedCurve::Ed25519 | NamedCurve::X25519 => {
            let mut seed = Zeroizing::new([0; 32]);
            random::fill(&mut *seed)?;
            EcPrivateKey::new(curve, &*seed, None)
        }
    }
}

/// A key on a NIST curve, made by AWS-LC; key agreement is the interface of `aws-lc-rs` that shows the scalar.
fn agreed(curve: NamedCurve, algorithm: &'static agreement::Algorithm) -> Result<EcPrivateKey> {
    use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
    let failed = |_| Error::Internal("AWS-LC failed in EC key generation".to_owned());
    let key = agreement::PrivateKey::generate(algorithm).map_err(failed)?;
    let scalar: EcPrivateKeyBin<'_> = key.as_be_bytes().map_err(failed)?;
    EcPrivateKey::new(curve, scalar.as_ref(), None)
}

/// FIPS 186-5 appendix A.2.2: random candidates until one is in range. Both orders are just below 2^256, so that
/// more than one trial is needed once in 2^32 keys at most.
fn by_trial(curve: NamedCurve) -> Result<EcPrivateKey> {
    const TRIALS: usize = 16;
    let mut scalar = Zeroizing::new([0; 32]);
    for _ in 0..TRIALS {
        random::fill(&mut *scalar)?;
        if let Ok(key) = EcPrivateKey::new(curve, &*scalar, None) {
            return Ok(key);
        }
    }
    Err(Error::Internal("no random scalar was in range".to_owned()))
}
