//! Keys between PKCS#11's attributes and the core's canonical encodings (SubjectPublicKeyInfo for
//! public keys, PKCS#8 for private ones).

use keybridge_core::{Curve, KeySpec, SecretBytes};
use zeroize::Zeroizing;

use super::der::{self, Reader};
use crate::rv::{Result, Rv};

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const X25519: &[u8] = &[0x2b, 0x65, 0x6e];

/// Object identifiers of the curves that have `id-ecPublicKey`.
const CURVES: &[(KeySpec, &[u8])] = &[
    (KeySpec::Ec { curve: Curve::P256 }, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
    (KeySpec::Ec { curve: Curve::P384 }, &[0x2b, 0x81, 0x04, 0x00, 0x22]),
    (KeySpec::Ec { curve: Curve::P521 }, &[0x2b, 0x81, 0x04, 0x00, 0x23]),
    (KeySpec::Ec { curve: Curve::Secp256k1 }, &[0x2b, 0x81, 0x04, 0x00, 0x0a]),
    (KeySpec::Sm2, &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d]),
];

/// What else `CKA_EC_PARAMS` may say for the 25519 curves, beside RFC 8410's object identifiers: the
/// names that PKCS#11 3.x gives (choice `curveName`), and the older identifiers that OpenSC sends.
const OTHER_25519: &[(KeySpec, u8, &[u8])] = &[
    (KeySpec::Ed25519, der::PRINTABLE_STRING, b"edwards25519"),
    (KeySpec::X25519, der::PRINTABLE_STRING, b"curve25519"),
    (KeySpec::Ed25519, der::OBJECT_IDENTIFIER, &[0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1]),
    (KeySpec::X25519, der::OBJECT_IDENTIFIER, &[0x2b, 6, 1, 4, 1, 0x97, 0x55, 1, 5, 1]),
];

/// The kind of key that `CKA_EC_PARAMS` names.
///
/// # Errors
/// `CKR_CURVE_NOT_SUPPORTED` for a curve that is not ours, explicit parameters included.
pub(crate) fn spec_of_ec_params(params: &[u8]) -> Result<KeySpec> {
    let mut reader = Reader::new(params);
    let tag = reader.peek().ok_or(Rv::DOMAIN_PARAMS_INVALID)?;
    let value = reader.read(tag).map_err(|_| Rv::DOMAIN_PARAMS_INVALID)?;
    reader.end().map_err(|_| Rv::DOMAIN_PARAMS_INVALID)?;
    let named = OTHER_25519.iter().find(|row| (row.1, row.2) == (tag, value)).map(|row| row.0);
    let by_identifier = || match value {
        _ if tag != der::OBJECT_IDENTIFIER => None,
        ED25519 => Some(KeySpec::Ed25519),
        X25519 => Some(KeySpec::X25519),
        _ => CURVES.iter().find(|row| row.1 == value).map(|row| row.0),
    };
    named.or_else(by_identifier).ok_or(Rv::CURVE_NOT_SUPPORTED)
}

/// `CKA_EC_PARAMS` of a kind of key: its object identifier. `None` for kinds without a curve.
pub(crate) fn ec_params(spec: KeySpec) -> Option<Vec<u8>> {
    let identifier = match spec {
        KeySpec::Ed25519 => ED25519,
        KeySpec::X25519 => X25519,
        _ => CURVES.iter().find(|row| row.0 == spec)?.1,
    };
    Some(der::write(der::OBJECT_IDENTIFIER, &[identifier]).to_vec())
}

/// What a SubjectPublicKeyInfo says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PublicKey<'a> {
    /// Modulus and public exponent, big-endian without leading zeros.
    Rsa { modulus: &'a [u8], exponent: &'a [u8] },
    /// The public point as the curve's own standard encodes it.
    Point(&'a [u8]),
}

/// Reads a SubjectPublicKeyInfo.
pub(crate) fn read_public(info: &[u8]) -> Result<PublicKey<'_>> {
    let mut outer = Reader::new(info).nested(der::SEQUENCE)?;
    let algorithm = outer.nested(der::SEQUENCE)?.read(der::OBJECT_IDENTIFIER)?;
    let (&unused_bits, key) =
        outer.read(der::BIT_STRING)?.split_first().ok_or(Rv::ATTRIBUTE_VALUE_INVALID)?;
    outer.end()?;
    if unused_bits != 0 {
        return Err(Rv::ATTRIBUTE_VALUE_INVALID);
    }
    if algorithm != RSA_ENCRYPTION {
        return Ok(PublicKey::Point(key));
    }
    let mut numbers = Reader::new(key).nested(der::SEQUENCE)?;
    let (modulus, exponent) = (numbers.unsigned()?, numbers.unsigned()?);
    numbers.end()?;
    Ok(PublicKey::Rsa { modulus, exponent })
}

/// The SubjectPublicKeyInfo of an RSA key.
pub(crate) fn write_rsa_public(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers =
        der::write(der::SEQUENCE, &[&der::write_unsigned(modulus), &der::write_unsigned(exponent)]);
    public_key_info(&rsa_algorithm(), &numbers)
}

/// The SubjectPublicKeyInfo of a key on a curve, from `CKA_EC_POINT`: the point itself, or a DER OCTET
/// STRING around it (PKCS#11 wants the latter for short Weierstrass curves; programs send either).
pub(crate) fn write_ec_public(spec: KeySpec, ec_point: &[u8]) -> Result<Vec<u8>> {
    let point = unwrap_point(ec_point, point_length(spec)?)?;
    Ok(public_key_info(&curve_algorithm(spec)?, point))
}

fn public_key_info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der::write(der::SEQUENCE, &[algorithm, &der::write(der::BIT_STRING, &[&[0], key])]).to_vec()
}

/// Bytes of a public point.
fn point_length(spec: KeySpec) -> Result<usize> {
    match spec {
        KeySpec::Ec { curve } => Ok(1 + 2 * curve.field_length()),
        KeySpec::Sm2 => Ok(65),
        KeySpec::Ed25519 | KeySpec::X25519 => Ok(32),
        _ => Err(Rv::TEMPLATE_INCONSISTENT),
    }
}

/// A point of `length` bytes, out of its OCTET STRING if it is in one. The lengths tell the two apart.
pub(crate) fn unwrap_point(encoded: &[u8], length: usize) -> Result<&[u8]> {
    if encoded.len() == length {
        return Ok(encoded);
    }
    let mut reader = Reader::new(encoded);
    let point = reader.read(der::OCTET_STRING)?;
    reader.end()?;
    if point.len() == length { Ok(point) } else { Err(Rv::ATTRIBUTE_VALUE_INVALID) }
}

/// The other party's point in a key agreement, out of its OCTET STRING if it is in one.
pub(crate) fn peer_point(spec: KeySpec, encoded: &[u8]) -> Result<&[u8]> {
    let length = point_length(spec).map_err(|_| Rv::KEY_TYPE_INCONSISTENT)?;
    unwrap_point(encoded, length).map_err(|_| Rv::MECHANISM_PARAM_INVALID)
}

/// `CKA_EC_POINT` of a point: in a DER OCTET STRING, but bare for the 25519 curves (PKCS#11 3.2, "Edwards
/// Elliptic Curve public key objects" and "Montgomery …").
pub(crate) fn ec_point(spec: KeySpec, point: &[u8]) -> Vec<u8> {
    match spec {
        KeySpec::Ed25519 | KeySpec::X25519 => point.to_vec(),
        _ => der::write(der::OCTET_STRING, &[point]).to_vec(),
    }
}

/// The numbers of an RSA private key, big-endian without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RsaPrivate<'a> {
    pub(crate) modulus: &'a [u8],
    pub(crate) public_exponent: &'a [u8],
    pub(crate) private_exponent: &'a [u8],
    pub(crate) prime_1: &'a [u8],
    pub(crate) prime_2: &'a [u8],
    pub(crate) exponent_1: &'a [u8],
    pub(crate) exponent_2: &'a [u8],
    pub(crate) coefficient: &'a [u8],
}

impl RsaPrivate<'_> {
    /// The PKCS#8 encoding.
    pub(crate) fn write(&self) -> SecretBytes {
        let numbers = [
            &[][..],
            self.modulus,
            self.public_exponent,
            self.private_exponent,
            self.prime_1,
            self.prime_2,
            self.exponent_1,
            self.exponent_2,
            self.coefficient,
        ]
        .map(der::write_unsigned);
        let parts: Vec<&[u8]> = numbers.iter().map(|number| number.as_slice()).collect();
        private_key_info(&rsa_algorithm(), &der::write(der::SEQUENCE, &parts))
    }
}

/// The PKCS#8 encoding of a private key on a curve, from `CKA_VALUE`. The public point is left out: the
/// core computes it.
pub(crate) fn write_ec_private(spec: KeySpec, value: &[u8]) -> Result<SecretBytes> {
    let algorithm = curve_algorithm(spec)?;
    let field = match spec {
        KeySpec::Ec { curve } => curve.field_length(),
        _ => 32,
    };
    // A big integer may come without its leading zeros, or with more of them.
    let number = der::strip_zeros(value);
    let mut scalar = Zeroizing::new(vec![0; field]);
    let inner = match spec {
        KeySpec::Ed25519 | KeySpec::X25519 if value.len() == field => {
            der::write(der::OCTET_STRING, &[value])
        }
        KeySpec::Ed25519 | KeySpec::X25519 => return Err(Rv::ATTRIBUTE_VALUE_INVALID),
        _ => {
            let start = field.checked_sub(number.len()).ok_or(Rv::ATTRIBUTE_VALUE_INVALID)?;
            scalar[start..].copy_from_slice(number);
            let version = der::write_unsigned(&[1]);
            der::write(der::SEQUENCE, &[&version, &der::write(der::OCTET_STRING, &[&scalar])])
        }
    };
    Ok(private_key_info(&algorithm, &inner))
}

fn private_key_info(algorithm: &[u8], key: &[u8]) -> SecretBytes {
    let version = der::write_unsigned(&[]);
    let key = der::write(der::OCTET_STRING, &[key]);
    let mut info = der::write(der::SEQUENCE, &[&version, algorithm, &key]);
    SecretBytes::new(std::mem::take(&mut *info))
}

/// What a PKCS#8 private key says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PrivateKey<'a> {
    /// All numbers of an RSA key.
    Rsa(RsaPrivate<'a>),
    /// The secret of a key on a curve, as `CKA_VALUE` has it.
    Value(&'a [u8]),
}

/// Reads a PKCS#8 private key. Attributes and the public key that may follow are not looked at.
pub(crate) fn read_private(info: &[u8]) -> Result<PrivateKey<'_>> {
    let mut outer = Reader::new(info).nested(der::SEQUENCE)?;
    outer.unsigned()?;
    let algorithm = outer.nested(der::SEQUENCE)?.read(der::OBJECT_IDENTIFIER)?;
    let key = outer.read(der::OCTET_STRING)?;
    match algorithm {
        RSA_ENCRYPTION => read_rsa_private(key).map(PrivateKey::Rsa),
        EC_PUBLIC_KEY => {
            let mut inner = Reader::new(key).nested(der::SEQUENCE)?;
            inner.unsigned()?;
            inner.read(der::OCTET_STRING).map(PrivateKey::Value)
        }
        _ => Reader::new(key).read(der::OCTET_STRING).map(PrivateKey::Value),
    }
}

fn read_rsa_private(key: &[u8]) -> Result<RsaPrivate<'_>> {
    let mut numbers = Reader::new(key).nested(der::SEQUENCE)?;
    numbers.unsigned()?;
    Ok(RsaPrivate {
        modulus: numbers.unsigned()?,
        public_exponent: numbers.unsigned()?,
        private_exponent: numbers.unsigned()?,
        prime_1: numbers.unsigned()?,
        prime_2: numbers.unsigned()?,
        exponent_1: numbers.unsigned()?,
        exponent_2: numbers.unsigned()?,
        coefficient: numbers.unsigned()?,
    })
}

fn rsa_algorithm() -> Zeroizing<Vec<u8>> {
    let identifier = der::write(der::OBJECT_IDENTIFIER, &[RSA_ENCRYPTION]);
    der::write(der::SEQUENCE, &[&identifier, &der::write(der::NULL, &[])])
}

fn curve_algorithm(spec: KeySpec) -> Result<Zeroizing<Vec<u8>>> {
    let params = ec_params(spec).ok_or(Rv::TEMPLATE_INCONSISTENT)?;
    Ok(match spec {
        KeySpec::Ed25519 | KeySpec::X25519 => der::write(der::SEQUENCE, &[&params]),
        _ => {
            let identifier = der::write(der::OBJECT_IDENTIFIER, &[EC_PUBLIC_KEY]);
            der::write(der::SEQUENCE, &[&identifier, &params])
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: [KeySpec; 7] = [
        KeySpec::Ec { curve: Curve::P256 },
        KeySpec::Ec { curve: Curve::P384 },
        KeySpec::Ec { curve: Curve::P521 },
        KeySpec::Ec { curve: Curve::Secp256k1 },
        KeySpec::Sm2,
        KeySpec::Ed25519,
        KeySpec::X25519,
    ];

    #[test]
    fn ec_params_come_back() {
        for spec in SPECS {
            let params = ec_params(spec).expect("a curve");
            assert_eq!(spec_of_ec_params(&params), Ok(spec));
        }
        assert_eq!(spec_of_ec_params(b"\x13\x0cedwards25519"), Ok(KeySpec::Ed25519));
        assert_eq!(spec_of_ec_params(b"\x06\x03\x2b\x65\x71"), Err(Rv::CURVE_NOT_SUPPORTED));
        assert_eq!(spec_of_ec_params(b"\x06\x03\x2b"), Err(Rv::DOMAIN_PARAMS_INVALID));
        assert_eq!(spec_of_ec_params(b""), Err(Rv::DOMAIN_PARAMS_INVALID));
    }

    #[test]
    fn points_come_wrapped_or_bare() {
        for spec in SPECS {
            let point = vec![4; point_length(spec).expect("a curve")];
            let wrapped = ec_point(spec, &point);
            for given in [&point, &wrapped] {
                let info = write_ec_public(spec, given).expect("a point");
                assert_eq!(read_public(&info), Ok(PublicKey::Point(&point)));
            }
            assert!(write_ec_public(spec, &point[1..]).is_err());
        }
    }

    #[test]
    fn rsa_keys_come_back() {
        let (n, d) = ([0x80; 256], [0x7f; 255]);
        let info = write_rsa_public(&n, &[1, 0, 1]);
        let public = PublicKey::Rsa { modulus: &n, exponent: &[1, 0, 1] };
        assert_eq!(read_public(&info), Ok(public));
        let key = RsaPrivate {
            modulus: &n,
            public_exponent: &[1, 0, 1],
            private_exponent: &d,
            prime_1: &[3],
            prime_2: &[5],
            exponent_1: &[7],
            exponent_2: &[9],
            coefficient: &[11],
        };
        let encoded = key.write();
        assert_eq!(read_private(encoded.expose()), Ok(PrivateKey::Rsa(key)));
        for end in 0..encoded.len() {
            assert!(read_private(&encoded.expose()[..end]).is_err(), "cut at {end}");
        }
        for end in 0..info.len() {
            assert!(read_public(&info[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn private_values_are_padded_to_the_field() {
        let spec = KeySpec::Ec { curve: Curve::P521 };
        let encoded = write_ec_private(spec, &[0, 0, 9]).expect("small enough");
        let mut expected = [0; 66];
        expected[65] = 9;
        assert_eq!(read_private(encoded.expose()), Ok(PrivateKey::Value(&expected)));
        assert!(write_ec_private(spec, &[1; 67]).is_err());
        let encoded = write_ec_private(KeySpec::Ed25519, &[5; 32]).expect("32 bytes");
        assert_eq!(read_private(encoded.expose()), Ok(PrivateKey::Value(&[5; 32])));
    }
}
