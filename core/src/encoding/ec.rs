//! Keys on curves: scalars and points, SEC1, PKCS#8, SPKI, and RFC 8410 for Ed25519 and X25519.

use aws_lc_rs::agreement::{self, X25519};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use k256::elliptic_curve::sec1::ToSec1Point;
use pkcs8::der::asn1::{BitStringRef, OctetStringRef};
use pkcs8::{PrivateKeyInfoRef, SubjectPublicKeyInfoRef};
use sec1::EcParameters;

use super::{NamedCurve, decode, encode, invalid, malformed};
use crate::algorithm::Curve;
use crate::engine::software::aws_lc::ec::EcKey;
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// A public key on a curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcPublicKey {
    curve: NamedCurve,
    point: Vec<u8>,
}

impl EcPublicKey {
    /// A key of its point: SEC1 uncompressed or compressed, or the 32 bytes of Ed25519 and X25519. A
    /// point of two coordinates is checked to be on the curve.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`].
    pub fn new(curve: NamedCurve, point: &[u8]) -> Result<Self> {
        let wrong = || invalid("the public point is not on the curve");
        let point = match curve {
            NamedCurve::Weierstrass(Curve::Secp256k1) => {
                k256::PublicKey::from_sec1_bytes(sec1_form(point, 32).ok_or_else(wrong)?)
                    .map_err(|_| wrong())?
                    .to_sec1_point(false)
                    .as_bytes()
                    .to_vec()
            }
            NamedCurve::Sm2 => {
                sm2::PublicKey::from_sec1_bytes(sec1_form(point, 32).ok_or_else(wrong)?)
                    .map_err(|_| wrong())?
                    .to_sec1_point(false)
                    .as_bytes()
                    .to_vec()
            }
            NamedCurve::Weierstrass(nist) => EcKey::from_point(nist, point)
                .and_then(|key| key.point())
                .map_err(|_| wrong())?,
            NamedCurve::Ed25519 | NamedCurve::X25519 if point.len() == 32 => point.to_vec(),
            NamedCurve::Ed25519 | NamedCurve::X25519 => {
                return Err(invalid("the public key does not have 32 bytes"));
            }
        };
        Ok(Self { curve, point })
    }

    /// Reads a point as PKCS#11 has it in `CKA_EC_POINT`: inside a DER OCTET STRING. The bare point is
    /// taken too, because PKCS#11 2.x was read both ways.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`].
    pub fn from_ec_point(curve: NamedCurve, bytes: &[u8]) -> Result<Self> {
        if let Ok(octets) = decode::<&OctetStringRef>(bytes, "EC point")
            && let Ok(key) = Self::new(curve, octets.as_bytes())
        {
            return Ok(key);
        }
        Self::new(curve, bytes)
    }

    /// Writes the point inside a DER OCTET STRING.
    ///
    /// # Errors
    /// None in practice: points are short.
    pub fn to_ec_point(&self) -> Result<Vec<u8>> {
        let octets = <&OctetStringRef>::try_from(self.point.as_slice())
            .map_err(|error| malformed("EC point", error))?;
        encode(&octets, "EC point")
    }

    /// The curve.
    #[must_use]
    pub fn curve(&self) -> NamedCurve {
        self.curve
    }

    /// The point: uncompressed, or 32 bytes for Ed25519 and X25519.
    #[must_use]
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// Writes `SubjectPublicKeyInfo`, DER.
    ///
    /// # Errors
    /// None in practice: points are short.
    pub fn to_spki(&self) -> Result<Vec<u8>> {
        let identifier = self.curve.identifier();
        let info = SubjectPublicKeyInfoRef {
            algorithm: self.curve.algorithm(&identifier),
            subject_public_key: BitStringRef::from_bytes(&self.point)
                .map_err(|error| malformed("EC point", error))?,
        };
        encode(&info, "SubjectPublicKeyInfo")
    }
}

/// A private key on a curve: the scalar, or the seed of Ed25519 and the value of X25519 as generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcPrivateKey {
    curve: NamedCurve,
    scalar: SecretBytes,
    public: EcPublicKey,
}

impl EcPrivateKey {
    /// A key of its private value, big-endian for scalars; a shorter scalar is filled with zeros on the
    /// left, leading zeros beyond the field's length are dropped. The public half is computed, and must be
    /// `point` if that is given.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`] for a value out of range or another key's point.
    pub fn new(curve: NamedCurve, private: &[u8], point: Option<&[u8]>) -> Result<Self> {
        let scalar = private_value(curve, private)?;
        let public = compute_public(curve, scalar.expose())?;
        if let Some(point) = point
            && EcPublicKey::new(curve, point)? != public
        {
            return Err(invalid("the public point belongs to another private key"));
        }
        Ok(Self {
            curve,
            scalar,
            public,
        })
    }

    /// Reads SEC1 `ECPrivateKey`, DER. `curve` is used when the encoding does not name one, and must be
    /// the one it names otherwise.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`], [`Error::KeyUnsupported`].
    pub fn from_sec1(curve: Option<NamedCurve>, bytes: &[u8]) -> Result<Self> {
        let key: sec1::EcPrivateKey<'_> = decode(bytes, "EC private key")?;
        let named = match key.parameters {
            Some(EcParameters::NamedCurve(identifier)) => {
                Some(NamedCurve::of_identifier(identifier)?)
            }
            None => None,
        };
        let curve = match (curve, named) {
            (Some(one), Some(other)) if one != other => {
                return Err(invalid("EC private key: two different curves"));
            }
            (Some(curve), _) | (None, Some(curve)) => curve,
            (None, None) => return Err(invalid("EC private key: no curve")),
        };
        if !curve.is_weierstrass() {
            return Err(invalid("EC private key: not a curve of SEC1 keys"));
        }
        // RFC 5915 section 3: the octet string has the length of the order.
        if key.private_key.len() != curve.field_length() {
            return Err(invalid("EC private key: wrong length"));
        }
        Self::new(curve, key.private_key, key.public_key)
    }

    /// Writes SEC1 `ECPrivateKey`, DER, with the public point; with the curve's name unless the encoding
    /// around it has it. Empty of meaning for Ed25519 and X25519.
    ///
    /// # Errors
    /// [`Error::KeyUnsupported`] for Ed25519 and X25519.
    pub fn to_sec1(&self, with_curve: bool) -> Result<SecretBytes> {
        if !self.curve.is_weierstrass() {
            return Err(Error::KeyUnsupported(
                "Ed25519 and X25519 keys have no SEC1 encoding".to_owned(),
            ));
        }
        let key = sec1::EcPrivateKey {
            private_key: self.scalar.expose(),
            parameters: with_curve.then(|| EcParameters::NamedCurve(self.curve.identifier())),
            public_key: Some(self.public.point()),
        };
        encode(&key, "EC private key").map(SecretBytes::new)
    }

    /// Writes PKCS#8 version 1, DER.
    ///
    /// # Errors
    /// None in practice: scalars are short.
    pub fn to_pkcs8(&self) -> Result<SecretBytes> {
        let identifier = self.curve.identifier();
        let key = if self.curve.is_weierstrass() {
            self.to_sec1(false)?
        } else {
            // RFC 8410 section 7: CurvePrivateKey, an OCTET STRING inside privateKey.
            let octets = octet_string(self.scalar.expose())?;
            SecretBytes::new(encode(&octets, "private key")?)
        };
        let octets = octet_string(key.expose())?;
        let info = PrivateKeyInfoRef::new(self.curve.algorithm(&identifier), octets);
        encode(&info, "PKCS#8 private key").map(SecretBytes::new)
    }

    /// The curve.
    #[must_use]
    pub fn curve(&self) -> NamedCurve {
        self.curve
    }

    /// The private value: as many bytes as the field has.
    #[must_use]
    pub fn private_value(&self) -> &SecretBytes {
        &self.scalar
    }

    /// The public half.
    ///
    /// # Errors
    /// None; the signature is that of [`super::PrivateKey::public_key`].
    pub fn public_key(&self) -> Result<EcPublicKey> {
        Ok(self.public.clone())
    }
}

/// The key inside a PKCS#8 structure whose algorithm is known.
pub(super) fn from_private_key_info(
    curve: NamedCurve,
    info: &PrivateKeyInfoRef<'_>,
) -> Result<EcPrivateKey> {
    let outer = match &info.public_key {
        Some(bits) => Some(
            bits.as_bytes()
                .ok_or_else(|| invalid("PKCS#8: public key is not whole bytes"))?,
        ),
        None => None,
    };
    let bytes = info.private_key.as_bytes();
    if curve.is_weierstrass() {
        let key = EcPrivateKey::from_sec1(Some(curve), bytes)?;
        match outer {
            Some(point) if EcPublicKey::new(curve, point)? != key.public => Err(invalid(
                "PKCS#8: the public key belongs to another private key",
            )),
            _ => Ok(key),
        }
    } else {
        let seed: &OctetStringRef = decode(bytes, "PKCS#8 private key")?;
        EcPrivateKey::new(curve, seed.as_bytes(), outer)
    }
}

fn octet_string(bytes: &[u8]) -> Result<&OctetStringRef> {
    bytes
        .try_into()
        .map_err(|error: pkcs8::der::Error| malformed("private key", error))
}

/// The private value at its full length.
fn private_value(curve: NamedCurve, private: &[u8]) -> Result<SecretBytes> {
    let length = curve.field_length();
    if !curve.is_weierstrass() {
        return if private.len() == length {
            Ok(SecretBytes::from(private))
        } else {
            Err(invalid("the private key does not have 32 bytes"))
        };
    }
    let extra = private.len().saturating_sub(length);
    if private.is_empty() || private[..extra].iter().any(|&byte| byte != 0) {
        return Err(invalid("the private scalar has the wrong length"));
    }
    let digits = &private[extra..];
    let mut scalar = vec![0; length];
    scalar[length - digits.len()..].copy_from_slice(digits);
    Ok(SecretBytes::new(scalar))
}

fn compute_public(curve: NamedCurve, scalar: &[u8]) -> Result<EcPublicKey> {
    let wrong = || invalid("the private scalar is out of range");
    let point = match curve {
        NamedCurve::Weierstrass(Curve::Secp256k1) => k256::SecretKey::from_slice(scalar)
            .map_err(|_| wrong())?
            .public_key()
            .to_sec1_point(false)
            .as_bytes()
            .to_vec(),
        NamedCurve::Sm2 => sm2::SecretKey::from_slice(scalar)
            .map_err(|_| wrong())?
            .public_key()
            .to_sec1_point(false)
            .as_bytes()
            .to_vec(),
        NamedCurve::Weierstrass(nist) => EcKey::from_scalar(nist, scalar)
            .and_then(|key| key.point())
            .map_err(|_| wrong())?,
        NamedCurve::Ed25519 => Ed25519KeyPair::from_seed_unchecked(scalar)
            .map_err(|_| wrong())?
            .public_key()
            .as_ref()
            .to_vec(),
        NamedCurve::X25519 => agreement::PrivateKey::from_private_key(&X25519, scalar)
            .map_err(|_| wrong())?
            .compute_public_key()
            .map_err(|_| wrong())?
            .as_ref()
            .to_vec(),
    };
    Ok(EcPublicKey { curve, point })
}

/// The point if it has one of the two SEC1 forms that keys have (not infinity, not compact).
fn sec1_form(point: &[u8], field: usize) -> Option<&[u8]> {
    match point.first() {
        Some(4) if point.len() == 1 + 2 * field => Some(point),
        Some(2 | 3) if point.len() == 1 + field => Some(point),
        _ => None,
    }
}
