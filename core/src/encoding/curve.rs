//! Named curves and their object identifiers.

use pkcs8::AlgorithmIdentifierRef;
use pkcs8::der::asn1::{AnyRef, ObjectIdentifier, PrintableStringRef};
use pkcs8::der::{Decode, Encode, Tag, Tagged};

use super::{invalid, malformed};
use crate::algorithm::{Curve, KeySpec};
use crate::error::{Error, Result};

/// `id-ecPublicKey` (RFC 5480 section 2.1.1).
pub(super) const EC_PUBLIC_KEY: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// A curve, by any of the names it has in standards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NamedCurve {
    /// A curve for ECDSA and ECDH.
    Weierstrass(Curve),
    /// SM2's recommended curve (GB/T 32918.5), `sm2p256v1`.
    Sm2,
    /// Ed25519 keys (RFC 8410).
    Ed25519,
    /// X25519 keys (RFC 8410).
    X25519,
}

/// Curve, object identifier, and the `curveName` of PKCS#11 3.0 (elliptic curves, `CKA_EC_PARAMS`) where
/// there is one.
const CURVES: [(NamedCurve, ObjectIdentifier, Option<&str>); 7] = [
    (
        NamedCurve::Weierstrass(Curve::P256),
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        None,
    ),
    (
        NamedCurve::Weierstrass(Curve::P384),
        ObjectIdentifier::new_unwrap("1.3.132.0.34"),
        None,
    ),
    (
        NamedCurve::Weierstrass(Curve::P521),
        ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        None,
    ),
    (
        NamedCurve::Weierstrass(Curve::Secp256k1),
        ObjectIdentifier::new_unwrap("1.3.132.0.10"),
        None,
    ),
    (
        NamedCurve::Sm2,
        ObjectIdentifier::new_unwrap("1.2.156.10197.1.301"),
        None,
    ),
    (
        NamedCurve::Ed25519,
        ObjectIdentifier::new_unwrap("1.3.101.112"),
        Some("edwards25519"),
    ),
    (
        NamedCurve::X25519,
        ObjectIdentifier::new_unwrap("1.3.101.110"),
        Some("curve25519"),
    ),
];

/// Identifiers that name curves, not kinds of keys, and were used before RFC 8410: GnuPG's for Ed25519
/// and X25519, still what some PKCS#11 programs send.
const OLD_IDENTIFIERS: [(ObjectIdentifier, NamedCurve); 2] = [
    (
        ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.15.1"),
        NamedCurve::Ed25519,
    ),
    (
        ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3029.1.5.1"),
        NamedCurve::X25519,
    ),
];

impl NamedCurve {
    /// The curve of a kind of key; none for keys without one.
    #[must_use]
    pub const fn of_spec(spec: KeySpec) -> Option<Self> {
        match spec {
            KeySpec::Ec { curve } => Some(Self::Weierstrass(curve)),
            KeySpec::Sm2 => Some(Self::Sm2),
            KeySpec::Ed25519 => Some(Self::Ed25519),
            KeySpec::X25519 => Some(Self::X25519),
            _ => None,
        }
    }

    /// The kind of key.
    #[must_use]
    pub const fn spec(self) -> KeySpec {
        match self {
            Self::Weierstrass(curve) => KeySpec::Ec { curve },
            Self::Sm2 => KeySpec::Sm2,
            Self::Ed25519 => KeySpec::Ed25519,
            Self::X25519 => KeySpec::X25519,
        }
    }

    /// Whether its points have two coordinates and SEC1 encodings; the others are 32 raw bytes.
    #[must_use]
    pub const fn is_weierstrass(self) -> bool {
        matches!(self, Self::Weierstrass(_) | Self::Sm2)
    }

    /// Bytes of a field element and of a private value.
    #[must_use]
    pub const fn field_length(self) -> usize {
        match self {
            Self::Weierstrass(curve) => curve.field_length(),
            Self::Sm2 | Self::Ed25519 | Self::X25519 => 32,
        }
    }

    /// The object identifier: of the curve, or of the key for Ed25519 and X25519 (RFC 8410).
    #[must_use]
    pub fn identifier(self) -> ObjectIdentifier {
        let row = CURVES.iter().find(|row| row.0 == self);
        // Every variant has its row: a test walks them.
        row.map_or(EC_PUBLIC_KEY, |row| row.1)
    }

    /// The curve of an object identifier.
    ///
    /// # Errors
    /// [`Error::KeyUnsupported`].
    pub fn of_identifier(identifier: ObjectIdentifier) -> Result<Self> {
        CURVES
            .iter()
            .map(|row| (row.1, row.0))
            .chain(OLD_IDENTIFIERS)
            .find_map(|(known, curve)| (known == identifier).then_some(curve))
            .ok_or_else(|| Error::KeyUnsupported(format!("curve or algorithm {identifier}")))
    }

    /// Reads ECParameters as PKCS#11 has them in `CKA_EC_PARAMS`: a named curve's object identifier, or a
    /// curve's name as a PrintableString (`edwards25519`, `curve25519`). Explicit curves are refused.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`], [`Error::KeyUnsupported`].
    pub fn from_ec_parameters(bytes: &[u8]) -> Result<Self> {
        let wrong = |error| malformed("ECParameters", error);
        let any = AnyRef::from_der(bytes).map_err(wrong)?;
        match any.tag() {
            Tag::ObjectIdentifier => Self::of_identifier(any.decode_as().map_err(wrong)?),
            Tag::PrintableString => {
                let name: PrintableStringRef<'_> = any.decode_as().map_err(wrong)?;
                CURVES
                    .iter()
                    .find(|row| row.2 == Some(name.as_str()))
                    .map(|row| row.0)
                    .ok_or_else(|| Error::KeyUnsupported(format!("curve {:?}", name.as_str())))
            }
            Tag::Sequence => Err(Error::KeyUnsupported(
                "explicit curve parameters; only named curves".to_owned(),
            )),
            _ => Err(invalid("ECParameters: neither an identifier nor a name")),
        }
    }

    /// Writes ECParameters: the object identifier, DER.
    #[must_use]
    pub fn to_ec_parameters(self) -> Vec<u8> {
        // Encoding an identifier into memory cannot fail; an empty answer would be refused by any reader.
        self.identifier().to_der().unwrap_or_default()
    }

    /// The curve of a PKCS#8 or SPKI algorithm that is not RSA.
    pub(super) fn of_algorithm(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Self> {
        if algorithm.oid == EC_PUBLIC_KEY {
            let parameters = algorithm
                .parameters
                .ok_or_else(|| invalid("elliptic curve key without ECParameters"))?;
            if parameters.tag() == Tag::Sequence {
                return Err(Error::KeyUnsupported(
                    "explicit curve parameters; only named curves".to_owned(),
                ));
            }
            let identifier = parameters
                .decode_as::<ObjectIdentifier>()
                .map_err(|error| malformed("ECParameters", error))?;
            let curve = Self::of_identifier(identifier)?;
            if curve.is_weierstrass() {
                Ok(curve)
            } else {
                Err(invalid(
                    "id-ecPublicKey with an Edwards or Montgomery curve",
                ))
            }
        } else {
            let curve = Self::of_identifier(algorithm.oid)?;
            match (curve.is_weierstrass(), algorithm.parameters) {
                (false, None) => Ok(curve),
                // RFC 8410 section 3: parameters MUST be absent.
                (false, Some(_)) => Err(invalid("parameters where RFC 8410 allows none")),
                (true, _) => Err(invalid("a curve's identifier in the algorithm's place")),
            }
        }
    }

    /// Algorithm of PKCS#8 and SPKI; `identifier` is room for the borrowed curve identifier.
    pub(super) fn algorithm(self, identifier: &ObjectIdentifier) -> AlgorithmIdentifierRef<'_> {
        if self.is_weierstrass() {
            AlgorithmIdentifierRef {
                oid: EC_PUBLIC_KEY,
                parameters: Some(AnyRef::from(identifier)),
            }
        } else {
            AlgorithmIdentifierRef {
                oid: *identifier,
                parameters: None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_curve_has_its_row() {
        for (curve, identifier, name) in CURVES {
            assert_eq!(curve.identifier(), identifier);
            assert_eq!(NamedCurve::of_identifier(identifier).unwrap(), curve);
            assert_eq!(NamedCurve::of_spec(curve.spec()), Some(curve));
            let parameters = curve.to_ec_parameters();
            assert_eq!(NamedCurve::from_ec_parameters(&parameters).unwrap(), curve);
            for cut in 0..parameters.len() {
                assert!(NamedCurve::from_ec_parameters(&parameters[..cut]).is_err());
            }
            if let Some(name) = name {
                let name = PrintableStringRef::new(name).unwrap().to_der().unwrap();
                assert_eq!(NamedCurve::from_ec_parameters(&name).unwrap(), curve);
            }
        }
        assert_eq!(CURVES.len(), 7, "a new variant needs a row");
    }

    #[test]
    fn other_parameters_are_refused() {
        // brainpoolP256r1, NULL, an empty sequence, a name that is none.
        for bytes in [
            &b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07"[..],
            b"\x05\x00",
            b"\x30\x00",
            b"\x13\x05curve",
        ] {
            assert!(NamedCurve::from_ec_parameters(bytes).is_err());
        }
    }
}
