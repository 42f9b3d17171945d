//! Public keys: from the HSM's attributes to SubjectPublicKeyInfo (RFC 5280 section 4.1, RFC 8017, RFC 5480,
//! RFC 8410).

use cryptoki::object::{Attribute, AttributeType, ObjectHandle};

use super::connection::Lease;
use super::failure::{self, Failure};
use crate::algorithm::{Curve, KeySpec};
use crate::error::Result;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const PRINTABLE_STRING: u8 = 0x13;

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.3.101.112
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.3.101.110
const X25519: &[u8] = &[0x2b, 0x65, 0x6e];

/// One DER element.
pub(super) fn der(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let length: usize = content.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let digits = &bytes[length.leading_zeros() as usize / 8..];
        out.push(0x80 | digits.len() as u8);
        out.extend_from_slice(digits);
    }
    for part in content {
        out.extend_from_slice(part);
    }
    out
}

fn der_unsigned(value: &[u8]) -> Vec<u8> {
    let start = value.iter().position(|&byte| byte != 0);
    match start {
        None => der(INTEGER, &[&[0]]),
        Some(at) if value[at] >= 0x80 => der(INTEGER, &[&[0], &value[at..]]),
        Some(at) => der(INTEGER, &[&value[at..]]),
    }
}

/// `CKA_EC_PARAMS` of a curve: its object identifier, DER (RFC 5480 section 2.1.1.1, SEC 2).
pub(super) fn curve_oid(curve: Curve) -> Vec<u8> {
    let arcs: &[u8] = match curve {
        // 1.2.840.10045.3.1.7
        Curve::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        // 1.3.132.0.34
        Curve::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
        // 1.3.132.0.35
        Curve::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
        // 1.3.132.0.10
        Curve::Secp256k1 => &[0x2b, 0x81, 0x04, 0x00, 0x0a],
    };
    der(OBJECT_IDENTIFIER, &[arcs])
}

/// `CKA_EC_PARAMS` of Ed25519: the identifier of RFC 8410, or the name of PKCS#11 3.0 section 2.3.5.
pub(super) fn edwards_parameters() -> [Vec<u8>; 2] {
    [
        der(OBJECT_IDENTIFIER, &[ED25519]),
        der(PRINTABLE_STRING, &[b"edwards25519"]),
    ]
}

/// `CKA_EC_PARAMS` of X25519, likewise.
pub(super) fn montgomery_parameters() -> [Vec<u8>; 2] {
    [
        der(OBJECT_IDENTIFIER, &[X25519]),
        der(PRINTABLE_STRING, &[b"curve25519"]),
    ]
}

/// Reads the public key of that kind from the HSM: SubjectPublicKeyInfo, DER.
pub(super) fn read(
    pool: &str,
    lease: &Lease,
    spec: KeySpec,
    key: ObjectHandle,
) -> std::result::Result<Vec<u8>, Failure> {
    let read = |kinds: &[AttributeType]| lease.session().get_attributes(key, kinds);
    if matches!(spec, KeySpec::Rsa { .. }) {
        let (mut modulus, mut exponent) = (None, None);
        for attribute in read(&[AttributeType::Modulus, AttributeType::PublicExponent])? {
            match attribute {
                Attribute::Modulus(value) => modulus = Some(value),
                Attribute::PublicExponent(value) => exponent = Some(value),
                _ => {}
            }
        }
        return match (modulus, exponent) {
            (Some(modulus), Some(exponent)) => Ok(rsa(&modulus, &exponent)),
            _ => Err(incomplete(pool, "CKA_MODULUS and CKA_PUBLIC_EXPONENT").into()),
        };
    }
    let point =
        read(&[AttributeType::EcPoint])?
            .into_iter()
            .find_map(|attribute| match attribute {
                Attribute::EcPoint(value) => Some(value),
                _ => None,
            });
    match point {
        Some(point) => Ok(from_point(pool, spec, &point)?),
        None => Err(incomplete(pool, "CKA_EC_POINT").into()),
    }
}

fn incomplete(pool: &str, what: &str) -> crate::error::Error {
    failure::refused(pool, format!("the new public key has no {what}"))
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = der(SEQUENCE, &[&der_unsigned(modulus), &der_unsigned(exponent)]);
    let algorithm = [der(OBJECT_IDENTIFIER, &[RSA_ENCRYPTION]), der(NULL, &[])].concat();
    info(&algorithm, &key)
}

fn info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der(
        SEQUENCE,
        &[&der(SEQUENCE, &[algorithm]), &der(BIT_STRING, &[&[0], key])],
    )
}

/// From `CKA_EC_POINT`, which is an OCTET STRING by the standard (PKCS#11 2.40 mechanisms, section 2.3.3)
/// and the bare point in some modules.
fn from_point(pool: &str, spec: KeySpec, attribute: &[u8]) -> Result<Vec<u8>> {
    let (algorithm, length) = match spec {
        KeySpec::Ec { curve } => (
            [der(OBJECT_IDENTIFIER, &[EC_PUBLIC_KEY]), curve_oid(curve)].concat(),
            1 + 2 * curve.field_length(),
        ),
        KeySpec::Ed25519 => (der(OBJECT_IDENTIFIER, &[ED25519]), 32),
        KeySpec::X25519 => (der(OBJECT_IDENTIFIER, &[X25519]), 32),
        _ => return super::template::unsupported(spec),
    };
    let header = der(OCTET_STRING, &[&vec![0; length]]);
    let header = &header[..header.len() - length];
    let point = if attribute.len() == length {
        attribute
    } else {
        attribute.strip_prefix(header).unwrap_or_default()
    };
    let uncompressed = !matches!(spec, KeySpec::Ec { .. }) || point.first() == Some(&4);
    if point.len() != length || !uncompressed {
        return Err(failure::refused(
            pool,
            "the new public key's CKA_EC_POINT is no uncompressed point of its curve",
        ));
    }
    Ok(info(&algorithm, point))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_taken_bare_and_wrapped_and_nothing_else() {
        let spec = KeySpec::Ec { curve: Curve::P521 };
        let mut point = vec![7; 133];
        point[0] = 4;
        let wrapped = der(OCTET_STRING, &[&point]);
        let bare = from_point("p", spec, &point).expect("bare");
        assert_eq!(bare, from_point("p", spec, &wrapped).expect("wrapped"));
        assert!(bare.ends_with(&point));
        for cut in 0..wrapped.len() {
            if cut != point.len() {
                assert!(
                    from_point("p", spec, &wrapped[..cut]).is_err(),
                    "{cut} bytes"
                );
            }
        }
        point[0] = 2;
        assert!(from_point("p", spec, &point).is_err());
    }

    #[test]
    fn integers_and_lengths_are_minimal() {
        assert_eq!(der_unsigned(&[0, 0]), [2, 1, 0]);
        assert_eq!(der_unsigned(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(der_unsigned(&[0, 1, 2]), [2, 2, 1, 2]);
        assert_eq!(der(0x04, &[&[0; 0x80]])[..3], [0x04, 0x81, 0x80]);
        assert_eq!(der(0x04, &[&[0; 0x100]])[..4], [0x04, 0x82, 0x01, 0x00]);
    }
}
