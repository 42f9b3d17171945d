//! From canonical encodings to keys ready to use: every check that a key passes once.

use std::sync::Arc;

use super::chacha::ChaCha;
use super::cipher::{AesKey, Des3Key, Sm4Key, SymmetricKey, XtsKey};
use super::ec::{Nist, Secp256k1};
use super::edwards::{Ed25519, X25519};
use super::lattice::dsa::MlDsa;
use super::lattice::kem::MlKem;
use super::ready::Ready;
use super::rsa::Rsa;
use super::secret::SecretKey;
use super::sm2::Sm2;
use super::with_mac::WithMac;
use crate::algorithm::{Curve, KeySpec};
use crate::encoding::{EcPrivateKey, EcPublicKey, NamedCurve, PrivateKey, PublicKey};
use crate::engine::ReadyKey;
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// A symmetric key of its bytes.
pub(super) fn secret(spec: KeySpec, value: &SecretBytes) -> Result<Arc<dyn ReadyKey>> {
    if value.len() != spec.value_length() || !spec.bits().is_multiple_of(8) {
        return Err(Error::InvalidMaterial(format!(
            "the value has {} bytes, the key should have {} bits",
            value.len(),
            spec.bits()
        )));
    }
    match spec {
        KeySpec::Aes { .. } => {
            let key = AesKey::new(value.expose())?;
            Ok(Ready::share(WithMac::new(SymmetricKey::new(key), value)))
        }
        KeySpec::AesXts { .. } => XtsKey::new(value.expose()).map(Ready::share),
        KeySpec::Des3 { .. } => {
            Des3Key::new(value.expose()).map(|key| Ready::share(SymmetricKey::new(key)))
        }
        KeySpec::ChaCha20 => ChaCha::new(value).map(Ready::share),
        KeySpec::Sm4 => Sm4Key::new(value.expose()).map(|key| Ready::share(SymmetricKey::new(key))),
        KeySpec::Hmac { hash, .. } => Ok(Ready::share(SecretKey::hmac(hash, value.clone()))),
        KeySpec::GenericSecret { .. } => Ok(Ready::share(SecretKey::generic(value.clone()))),
        _ => Err(Error::KeyUnsupported(
            "not a symmetric key of the software engine".to_owned(),
        )),
    }
}

/// A secret that is no key: keys are derived from it.
pub(super) fn secret_data(value: &SecretBytes) -> Arc<dyn ReadyKey> {
    Ready::share(SecretKey::generic(value.clone()))
}

/// A private key of its components.
pub(super) fn private(key: &PrivateKey) -> Result<Arc<dyn ReadyKey>> {
    match key {
        PrivateKey::Rsa(key) => Rsa::private(key).map(Ready::share),
        PrivateKey::Ec(key) => private_on_curve(key),
        PrivateKey::Lattice(key) if key.set().is_kem() => MlKem::private(key).map(Ready::share),
        PrivateKey::Lattice(key) => MlDsa::private(key).map(Ready::share),
    }
}

fn private_on_curve(key: &EcPrivateKey) -> Result<Arc<dyn ReadyKey>> {
    match key.curve() {
        NamedCurve::Weierstrass(Curve::Secp256k1) => Secp256k1::private(key).map(Ready::share),
        NamedCurve::Weierstrass(curve) => Nist::private(curve, key).map(Ready::share),
        NamedCurve::Sm2 => Sm2::private(key).map(Ready::share),
        NamedCurve::Ed25519 => Ed25519::private(key).map(Ready::share),
        NamedCurve::X25519 => X25519::private(key).map(Ready::share),
    }
}

/// A public key of its components.
pub(super) fn public(key: &PublicKey) -> Result<Arc<dyn ReadyKey>> {
    match key {
        PublicKey::Rsa(key) => Rsa::public(key).map(Ready::share),
        PublicKey::Ec(key) => public_on_curve(key),
        PublicKey::Lattice(key) if key.set().is_kem() => MlKem::public(key).map(Ready::share),
        PublicKey::Lattice(key) => MlDsa::public(key).map(Ready::share),
    }
}

fn public_on_curve(key: &EcPublicKey) -> Result<Arc<dyn ReadyKey>> {
    match key.curve() {
        NamedCurve::Weierstrass(Curve::Secp256k1) => Secp256k1::public(key).map(Ready::share),
        NamedCurve::Weierstrass(curve) => Nist::public(curve, key).map(Ready::share),
        NamedCurve::Sm2 => Sm2::public(key).map(Ready::share),
        NamedCurve::Ed25519 => Ed25519::public(key).map(Ready::share),
        NamedCurve::X25519 => Ok(Ready::share(X25519::public(key))),
    }
}

/// The material must be of the kind that the object says.
pub(super) fn check_spec(said: KeySpec, found: KeySpec) -> Result<()> {
    if said == found {
        Ok(())
    } else {
        Err(Error::InvalidMaterial(format!(
            "the material is a key of kind {found:?}, not {said:?}"
        )))
    }
}
