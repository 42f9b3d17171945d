//! Key encodings: the canonical forms in which the core keeps keys, and the components and other
//! encodings in which the doors take and give them.
//!
//! | key | canonical | also |
//! | --- | --- | --- |
//! | symmetric | the raw bytes | |
//! | private | PKCS#8 `PrivateKeyInfo`, DER (RFC 5208) | PKCS#1 (RFC 8017), SEC1 `ECPrivateKey` (RFC 5915), components |
//! | public | `SubjectPublicKeyInfo`, DER (RFC 5280) | PKCS#1, point, components, out of a certificate |
//!
//! What comes out of a constructor here is complete and in range: numbers without leading zeros,
//! scalars of the field's length, points uncompressed and on their curve. Whether an RSA key's numbers
//! belong together is for the engine to check when the key enters. This module knows no protocol.

use pkcs8::der;
use pkcs8::{PrivateKeyInfoRef, SubjectPublicKeyInfoRef};

use crate::algorithm::KeySpec;
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

mod certificate;
mod curve;
mod ec;
mod lattice;
mod recover;
mod rsa;
#[cfg(test)]
mod tests;

pub use certificate::public_key_info_of_certificate;
pub use curve::NamedCurve;
pub use ec::{EcPrivateKey, EcPublicKey};
pub use lattice::{LatticePrivateKey, LatticePublicKey};
pub use rsa::{RsaPrivateKey, RsaPublicKey};

/// Longest key encoding read: an RSA key of 8192 bits is below 5 KiB as PKCS#8.
pub const LONGEST_KEY: usize = 16 * 1024;

/// Longest certificate read.
pub const LONGEST_CERTIFICATE: usize = 64 * 1024;

/// A private key by its components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivateKey {
    /// RSA.
    Rsa(RsaPrivateKey),
    /// On a curve: ECDSA, ECDH, SM2, Ed25519, X25519.
    Ec(EcPrivateKey),
    /// ML-KEM and ML-DSA.
    Lattice(LatticePrivateKey),
}

impl PrivateKey {
    /// Reads PKCS#8 `PrivateKeyInfo` (RFC 5208) or `OneAsymmetricKey` (RFC 5958), DER.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`]; [`Error::KeyUnsupported`] for other algorithms and curves.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self> {
        let info: PrivateKeyInfoRef<'_> = decode(bytes, "PKCS#8 private key")?;
        if info.algorithm.oid == rsa::RSA_ENCRYPTION {
            rsa::check_parameters(info.algorithm.parameters)?;
            RsaPrivateKey::from_pkcs1(info.private_key.as_bytes()).map(Self::Rsa)
        } else if let Some(set) = lattice::set_of(&info.algorithm) {
            LatticePrivateKey::from_private_key_info(set, &info).map(Self::Lattice)
        } else {
            let curve = NamedCurve::of_algorithm(&info.algorithm)?;
            ec::from_private_key_info(curve, &info).map(Self::Ec)
        }
    }

    /// The canonical form: PKCS#8 version 1, DER.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`] when a number is too long to encode.
    pub fn to_pkcs8(&self) -> Result<SecretBytes> {
        match self {
            Self::Rsa(key) => key.to_pkcs8(),
            Self::Ec(key) => key.to_pkcs8(),
            Self::Lattice(key) => key.to_pkcs8(),
        }
    }

    /// The public half.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`] when the private half is out of range.
    pub fn public_key(&self) -> Result<PublicKey> {
        match self {
            Self::Rsa(key) => Ok(PublicKey::Rsa(key.public.clone())),
            Self::Ec(key) => key.public_key().map(PublicKey::Ec),
            Self::Lattice(key) => Ok(PublicKey::Lattice(key.public_key().clone())),
        }
    }

    /// What kind of key it is.
    #[must_use]
    pub fn spec(&self) -> KeySpec {
        match self {
            Self::Rsa(key) => key.public.spec(),
            Self::Ec(key) => key.curve().spec(),
            Self::Lattice(key) => KeySpec::Lattice { set: key.set() },
        }
    }
}

/// A public key by its components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA.
    Rsa(RsaPublicKey),
    /// On a curve: ECDSA, ECDH, SM2, Ed25519, X25519.
    Ec(EcPublicKey),
    /// ML-KEM and ML-DSA.
    Lattice(LatticePublicKey),
}

impl PublicKey {
    /// Reads `SubjectPublicKeyInfo`, DER. Points are checked to be on their curve.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`]; [`Error::KeyUnsupported`] for other algorithms and curves.
    pub fn from_spki(bytes: &[u8]) -> Result<Self> {
        let info: SubjectPublicKeyInfoRef<'_> = decode(bytes, "SubjectPublicKeyInfo")?;
        let key = info
            .subject_public_key
            .as_bytes()
            .ok_or_else(|| invalid("SubjectPublicKeyInfo: key is not whole bytes"))?;
        if info.algorithm.oid == rsa::RSA_ENCRYPTION {
            rsa::check_parameters(info.algorithm.parameters)?;
            RsaPublicKey::from_pkcs1(key).map(Self::Rsa)
        } else if let Some(set) = lattice::set_of(&info.algorithm) {
            LatticePublicKey::new(set, key).map(Self::Lattice)
        } else {
            let curve = NamedCurve::of_algorithm(&info.algorithm)?;
            EcPublicKey::new(curve, key).map(Self::Ec)
        }
    }

    /// The canonical form: `SubjectPublicKeyInfo`, DER.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`] when a number is too long to encode.
    pub fn to_spki(&self) -> Result<Vec<u8>> {
        match self {
            Self::Rsa(key) => key.to_spki(),
            Self::Ec(key) => key.to_spki(),
            Self::Lattice(key) => key.to_spki(),
        }
    }

    /// The key of an X.509 certificate, DER.
    ///
    /// # Errors
    /// As [`PublicKey::from_spki`].
    pub fn from_certificate(bytes: &[u8]) -> Result<Self> {
        Self::from_spki(public_key_info_of_certificate(bytes)?)
    }

    /// What kind of key it is.
    #[must_use]
    pub fn spec(&self) -> KeySpec {
        match self {
            Self::Rsa(key) => key.spec(),
            Self::Ec(key) => key.curve().spec(),
            Self::Lattice(key) => KeySpec::Lattice { set: key.set() },
        }
    }
}

/// What kind of key a PKCS#8 private key is, reading no further than needed for an answer.
///
/// # Errors
/// As [`PrivateKey::from_pkcs8`].
pub fn private_key_spec(pkcs8: &[u8]) -> Result<KeySpec> {
    let info: PrivateKeyInfoRef<'_> = decode(pkcs8, "PKCS#8 private key")?;
    if info.algorithm.oid == rsa::RSA_ENCRYPTION {
        PrivateKey::from_pkcs8(pkcs8).map(|key| key.spec())
    } else if let Some(set) = lattice::set_of(&info.algorithm) {
        Ok(KeySpec::Lattice { set })
    } else {
        NamedCurve::of_algorithm(&info.algorithm).map(NamedCurve::spec)
    }
}

/// What kind of key a `SubjectPublicKeyInfo` holds, reading no further than needed for an answer.
///
/// # Errors
/// As [`PublicKey::from_spki`].
pub fn public_key_spec(spki: &[u8]) -> Result<KeySpec> {
    let info: SubjectPublicKeyInfoRef<'_> = decode(spki, "SubjectPublicKeyInfo")?;
    if info.algorithm.oid == rsa::RSA_ENCRYPTION {
        PublicKey::from_spki(spki).map(|key| key.spec())
    } else if let Some(set) = lattice::set_of(&info.algorithm) {
        Ok(KeySpec::Lattice { set })
    } else {
        NamedCurve::of_algorithm(&info.algorithm).map(NamedCurve::spec)
    }
}

/// `SubjectPublicKeyInfo` of a PKCS#8 private key's public half.
///
/// # Errors
/// As [`PrivateKey::from_pkcs8`].
pub fn public_key_info_of(pkcs8: &[u8]) -> Result<Vec<u8>> {
    PrivateKey::from_pkcs8(pkcs8)?.public_key()?.to_spki()
}

/// Decodes DER with nothing after it.
fn decode<'a, T>(bytes: &'a [u8], what: &str) -> Result<T>
where
    T: der::Decode<'a, Error = der::Error>,
{
    if bytes.len() > LONGEST_KEY {
        return Err(invalid(&format!("{what}: longer than {LONGEST_KEY} bytes")));
    }
    T::from_der(bytes).map_err(|error| malformed(what, error))
}

/// Encodes; fails for lengths that DER as limited by the `der` crate (256 MiB) does not have.
fn encode(value: &impl der::Encode, what: &str) -> Result<Vec<u8>> {
    value.to_der().map_err(|error| malformed(what, error))
}

/// What `der` says names positions and tags, never contents.
fn malformed(what: &str, error: impl std::fmt::Display) -> Error {
    Error::InvalidMaterial(format!("{what}: {error}"))
}

fn invalid(reason: &str) -> Error {
    Error::InvalidMaterial(reason.to_owned())
}
