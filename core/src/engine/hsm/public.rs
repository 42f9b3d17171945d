//! Public keys: from the HSM's attributes to SubjectPublicKeyInfo; and how curves are named to it.

use cryptoki::object::{Attribute, AttributeType, ObjectHandle};

use super::connection::Lease;
use super::failure::{self, Failure};
use crate::algorithm::KeySpec;
use crate::encoding::{EcPublicKey, NamedCurve, RsaPublicKey};
use crate::error::{Error, Result};

/// `CKA_EC_PARAMS` of a curve, in the order in which they are tried: the object identifier; for Ed25519 and
/// X25519 then the name, which is what PKCS#11 3.0 section 2.3.5 had before the identifiers of RFC 8410.
pub(super) fn curve_parameters(spec: KeySpec) -> Vec<Vec<u8>> {
    /// A DER PrintableString.
    fn name(name: &str) -> Vec<u8> {
        [&[0x13, name.len() as u8], name.as_bytes()].concat()
    }
    let Some(curve) = NamedCurve::of_spec(spec) else {
        return Vec::new();
    };
    let mut namings = vec![curve.to_ec_parameters()];
    match curve {
        NamedCurve::Ed25519 => namings.push(name("edwards25519")),
        NamedCurve::X25519 => namings.push(name("curve25519")),
        NamedCurve::Weierstrass(_) | NamedCurve::Sm2 => {}
    }
    namings
}

/// Reads the public key of that kind from the HSM: SubjectPublicKeyInfo, DER.
pub(super) fn read(
    pool: &str,
    lease: &Lease,
    spec: KeySpec,
    key: ObjectHandle,
) -> std::result::Result<Vec<u8>, Failure> {
    let attributes = lease.session().get_attributes(
        key,
        match spec {
            KeySpec::Rsa { .. } => &[AttributeType::Modulus, AttributeType::PublicExponent],
            _ => &[AttributeType::EcPoint],
        },
    )?;
    from_attributes(spec, &attributes).map_err(|error| {
        let words = format!("the new public key cannot be used: {error}");
        failure::refused(pool, words).into()
    })
}

fn from_attributes(spec: KeySpec, attributes: &[Attribute]) -> Result<Vec<u8>> {
    match (attributes, NamedCurve::of_spec(spec)) {
        (
            [
                Attribute::Modulus(modulus),
                Attribute::PublicExponent(exponent),
            ],
            None,
        ) => {
            let key = RsaPublicKey::new(modulus, exponent)?;
            if key.spec() == spec {
                key.to_spki()
            } else {
                Err(Error::InvalidMaterial("it has another size".to_owned()))
            }
        }
        ([Attribute::EcPoint(point)], Some(curve)) => {
            EcPublicKey::from_ec_point(curve, point)?.to_spki()
        }
        _ => Err(Error::InvalidMaterial(
            "the HSM does not show it".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::Curve;
    use crate::encoding::PublicKey;

    #[test]
    fn every_curve_is_named_as_its_own() {
        for spec in [
            KeySpec::Ec { curve: Curve::P256 },
            KeySpec::Ec {
                curve: Curve::Secp256k1,
            },
            KeySpec::Ed25519,
            KeySpec::X25519,
        ] {
            let namings = curve_parameters(spec);
            assert!(!namings.is_empty());
            for naming in namings {
                let curve = NamedCurve::from_ec_parameters(&naming).expect("parameters");
                assert_eq!(curve.spec(), spec);
            }
        }
    }

    #[test]
    fn keys_that_the_hsm_hides_or_garbles_are_refused() {
        let rsa = KeySpec::Rsa { bits: 2048 };
        let modulus = Attribute::Modulus([&[0, 0x80], [1; 255].as_slice()].concat());
        let exponent = Attribute::PublicExponent(vec![1, 0, 1]);
        let spki = from_attributes(rsa, &[modulus.clone(), exponent.clone()]).expect("SPKI");
        assert_eq!(PublicKey::from_spki(&spki).expect("parse").spec(), rsa);
        assert!(from_attributes(rsa, std::slice::from_ref(&modulus)).is_err());
        assert!(from_attributes(KeySpec::Rsa { bits: 4096 }, &[modulus, exponent]).is_err());
        let ed25519 = [Attribute::EcPoint(vec![7; 31])];
        assert!(from_attributes(KeySpec::Ed25519, &ed25519).is_err());
    }
}
