//! Key blocks: the standard's key formats to the core's canonical encodings and back.

use keybridge_core::encoding::{
    EcPrivateKey, EcPublicKey, NamedCurve, PrivateKey, PublicKey, RsaPrivateKey, RsaPublicKey,
};
use keybridge_core::{KeySpec, Object, ObjectClass, SecretBytes};
use keybridge_kmip::enums::{KeyFormatType as Format, ObjectType, RecommendedCurve, ResultReason};
use keybridge_kmip::item::BigInteger;
use keybridge_kmip::objects::{
    KeyMaterial, PlainKeyValue, TransparentECPrivateKey, TransparentECPublicKey,
    TransparentRSAPrivateKey, TransparentRSAPublicKey, TransparentSymmetricKey,
};
use keybridge_kmip::{Limits, SecretBytes as WireSecret, Version};

use x509_cert::der::Decode;
use x509_cert::der::asn1::{AnyRef, OctetStringRef};
use x509_cert::spki::AlgorithmIdentifierRef;

use crate::algorithms::{curve, recommended_curve};
use crate::attributes::notes::DigestAsItCame;
use crate::failure::{Failure, Result};

fn unsupported(format: Format) -> Failure {
    Failure::new(
        ResultReason::KeyFormatTypeNotSupported,
        format!("key format {format} is not supported for this object"),
    )
}

// ---- in -----------------------------------------------------------------------------------------

/// The canonical value of key material that came as `format` for an object of `kind`.
///
/// # Errors
/// Key Format Type Not Supported; Invalid Field for material that is no such key.
pub fn canonical(kind: ObjectType, format: Format, material: &KeyMaterial) -> Result<SecretBytes> {
    if is_numbers(format) {
        // Of DSA and DH the bridge computes nothing: the numbers are kept as they came.
        let value = PlainKeyValue::from(material.clone());
        let bytes = value
            .to_ttlv(Version::V2_1)
            .map_err(|error| Failure::invalid_field(error.to_string()))?;
        return Ok(secret(&bytes));
    }
    match kind {
        ObjectType::PrivateKey => private(format, material)?.to_pkcs8().map_err(Failure::from),
        ObjectType::PublicKey => {
            let spki = public(format, material)?.to_spki()?;
            Ok(SecretBytes::new(spki))
        }
        _ => match material {
            KeyMaterial::Bytes(bytes) => Ok(secret(bytes)),
            KeyMaterial::Symmetric(key) => Ok(secret(&key.key)),
            _ => Err(unsupported(format)),
        },
    }
}

/// The digest of key material that a client registers, where it is not what the core has: that is of RSA
/// keys in PKCS#1, of other pairs in PKCS#8 and X.509, and of everything else in bytes. "If the Key
/// Material is a structure, then the Digest Value SHALL be calculated on the TTLV-encoded Key Material
/// structure" (1.4 section 3.17).
///
/// # Errors
/// When 2.1 cannot express the material.
pub fn digest_as_it_came(
    class: ObjectClass,
    spec: Option<KeySpec>,
    format: Format,
    material: &KeyMaterial,
) -> Result<Option<DigestAsItCame>> {
    let is_rsa = matches!(spec, Some(KeySpec::Rsa { .. }));
    let of_core = match class {
        ObjectClass::PrivateKey if !is_rsa => Format::PKCS_8,
        ObjectClass::PublicKey if !is_rsa => Format::X_509,
        ObjectClass::PrivateKey | ObjectClass::PublicKey => Format::PKCS_1,
        _ => format,
    };
    let hash = |bytes: &[u8]| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let digest = digest.as_ref().to_vec();
        Some(DigestAsItCame { format, digest })
    };
    Ok(match material {
        KeyMaterial::Bytes(_) if format == of_core => None,
        KeyMaterial::Bytes(bytes) => hash(bytes),
        _ => {
            let value = PlainKeyValue::from(material.clone());
            let item = value
                .to_ttlv(Version::V2_1)
                .map_err(|error| Failure::invalid_field(error.to_string()))?;
            // The Key Value's own tag, type and length stand before the Key Material.
            item.get(8..).and_then(hash)
        }
    })
}

/// Whether a private key is one encrypted by a password (EncryptedPrivateKeyInfo, RFC 5958 section 3).
pub fn is_encrypted(format: Format, material: &KeyMaterial) -> bool {
    let (Format::PKCS_8, KeyMaterial::Bytes(bytes)) = (format, material) else {
        return false;
    };
    let parsed = AnyRef::from_der(bytes).and_then(|any| {
        any.sequence(|reader| {
            AlgorithmIdentifierRef::decode(reader)?;
            <&OctetStringRef>::decode(reader).map(drop)
        })
    });
    parsed.is_ok()
}

/// The transparent formats of keys that no engine has.
const fn is_numbers(format: Format) -> bool {
    matches!(
        format,
        Format::TransparentDSAPrivateKey
            | Format::TransparentDSAPublicKey
            | Format::TransparentDHPrivateKey
            | Format::TransparentDHPublicKey
    )
}

/// The value of a key of an algorithm that no engine has: kept as it came.
///
/// # Errors
/// Key Format Type Not Supported.
pub fn as_it_came(format: Format, material: &KeyMaterial) -> Result<SecretBytes> {
    match material {
        KeyMaterial::Bytes(bytes) => Ok(secret(bytes)),
        KeyMaterial::Symmetric(key) => Ok(secret(&key.key)),
        _ => canonical(ObjectType::PrivateKey, format, material),
    }
}

fn private(format: Format, material: &KeyMaterial) -> Result<PrivateKey> {
    Ok(match (format, material) {
        // PyKMIP's users and Barbican (`pkcs1_only`) call PKCS#1 so.
        (Format::PKCS_8, KeyMaterial::Bytes(bytes)) => {
            PrivateKey::from_pkcs8(bytes).or_else(|error| {
                let key = RsaPrivateKey::from_pkcs1(bytes).map(PrivateKey::Rsa);
                key.map_err(|_| error)
            })?
        }
        (Format::PKCS_1, KeyMaterial::Bytes(bytes)) => {
            PrivateKey::Rsa(RsaPrivateKey::from_pkcs1(bytes)?)
        }
        (Format::ECPrivateKey, KeyMaterial::Bytes(bytes)) => {
            PrivateKey::Ec(EcPrivateKey::from_sec1(None, bytes)?)
        }
        // What no format says is told by looking: some clients register every private key as Raw.
        (Format::Raw | Format::Opaque, KeyMaterial::Bytes(bytes)) => PrivateKey::from_pkcs8(bytes)
            .or_else(|_| RsaPrivateKey::from_pkcs1(bytes).map(PrivateKey::Rsa))?,
        (_, KeyMaterial::RSAPrivate(key)) => PrivateKey::Rsa(rsa_private(key)?),
        (_, KeyMaterial::ECPrivate(key)) => PrivateKey::Ec(EcPrivateKey::new(
            named_curve(key.recommended_curve)?,
            unsigned(&key.d)?,
            None,
        )?),
        _ => return Err(unsupported(format)),
    })
}

fn public(format: Format, material: &KeyMaterial) -> Result<PublicKey> {
    Ok(match (format, material) {
        (Format::X_509, KeyMaterial::Bytes(bytes)) => {
            PublicKey::from_spki(bytes).or_else(|error| {
                let key = RsaPublicKey::from_pkcs1(bytes).map(PublicKey::Rsa);
                key.map_err(|_| error)
            })?
        }
        (Format::PKCS_1, KeyMaterial::Bytes(bytes)) => {
            PublicKey::Rsa(RsaPublicKey::from_pkcs1(bytes)?)
        }
        (Format::Raw | Format::Opaque, KeyMaterial::Bytes(bytes)) => PublicKey::from_spki(bytes)
            .or_else(|_| RsaPublicKey::from_pkcs1(bytes).map(PublicKey::Rsa))?,
        (_, KeyMaterial::RSAPublic(key)) => PublicKey::Rsa(RsaPublicKey::new(
            unsigned(&key.modulus)?,
            unsigned(&key.public_exponent)?,
        )?),
        (_, KeyMaterial::ECPublic(key)) => PublicKey::Ec(EcPublicKey::new(
            named_curve(key.recommended_curve)?,
            &key.q_string,
        )?),
        _ => return Err(unsupported(format)),
    })
}

fn rsa_private(key: &TransparentRSAPrivateKey) -> Result<RsaPrivateKey> {
    let (Some(d), Some(e)) = (&key.private_exponent, &key.public_exponent) else {
        return Err(Failure::invalid_field(
            "a transparent RSA private key needs its private and its public exponent",
        ));
    };
    let public = RsaPublicKey::new(unsigned(&key.modulus)?, unsigned(e)?)?;
    let primes = match (&key.p, &key.q) {
        (Some(p), Some(q)) => Some((unsigned(p)?, unsigned(q)?)),
        _ => None,
    };
    let remainders = match (
        &key.prime_exponent_p,
        &key.prime_exponent_q,
        &key.crt_coefficient,
    ) {
        (Some(p), Some(q), Some(c)) if primes.is_some() => {
            Some((unsigned(p)?, unsigned(q)?, unsigned(c)?))
        }
        _ => None,
    };
    Ok(RsaPrivateKey::from_components(
        public,
        unsigned(d)?,
        primes,
        remainders,
    )?)
}

fn unsigned(number: &BigInteger) -> Result<&[u8]> {
    number
        .as_unsigned()
        .ok_or_else(|| Failure::invalid_field("a number of the key is negative"))
}

fn named_curve(number: RecommendedCurve) -> Result<NamedCurve> {
    curve(number).ok_or_else(|| Failure::invalid_field(format!("curve {number} is not supported")))
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::from(bytes)
}

// ---- out ----------------------------------------------------------------------------------------

/// The format in which an object is handed out when the request names none: as it was registered,
/// else the standard's default (2.1 section 4.26). Before 1.3 there is no transparent format that
/// EC keys of all uses share, so they go out as PKCS#8 and X.509.
#[must_use]
pub fn default_format(object: &Object, version: Version) -> Format {
    let registered = object
        .format
        .map(Format)
        .filter(|format| format.exists_in(version));
    if let Some(format) = registered
        && format != Format(0)
    {
        return format;
    }
    let is_rsa = matches!(object.spec, Some(keybridge_core::KeySpec::Rsa { .. }));
    let has_transparent = object
        .spec
        .and_then(NamedCurve::of_spec)
        .is_some_and(|curve| curve.is_weierstrass() && recommended_curve(curve).is_some());
    match object.class {
        ObjectClass::PrivateKey | ObjectClass::PublicKey if is_rsa => Format::PKCS_1,
        ObjectClass::PrivateKey if version >= Version::V2_0 && has_transparent => {
            Format::TransparentECPrivateKey
        }
        ObjectClass::PublicKey if version >= Version::V2_0 && has_transparent => {
            Format::TransparentECPublicKey
        }
        ObjectClass::PrivateKey => Format::PKCS_8,
        ObjectClass::PublicKey => Format::X_509,
        _ => Format::Raw,
    }
}

/// Key material of a canonical value in `format`.
///
/// # Errors
/// Key Format Type Not Supported.
pub fn material(object: &Object, value: &SecretBytes, format: Format) -> Result<KeyMaterial> {
    let bytes = value.expose();
    if is_numbers(format) && object.format == Some(format.0) {
        let kept = PlainKeyValue::from_ttlv(bytes, format, Version::V2_1, &Limits::default());
        let broken = |_| keybridge_core::Error::Internal("kept numbers cannot be read".into());
        return Ok(kept.map_err(broken)?.key_material);
    }
    if matches!(object.spec, Some(KeySpec::Foreign { .. })) && object.format == Some(format.0) {
        return Ok(KeyMaterial::Bytes(bytes.into()));
    }
    match object.class {
        ObjectClass::PrivateKey => private_material(bytes, format),
        ObjectClass::PublicKey => public_material(bytes, format),
        _ => match format {
            Format::TransparentSymmetricKey => {
                Ok(KeyMaterial::Symmetric(TransparentSymmetricKey {
                    key: bytes.into(),
                }))
            }
            Format::Raw | Format::Opaque => Ok(KeyMaterial::Bytes(bytes.into())),
            // A vendor's own format of bytes goes out as it came in.
            format if object.format == Some(format.0) => Ok(KeyMaterial::Bytes(bytes.into())),
            format => Err(unsupported(format)),
        },
    }
}

fn private_material(pkcs8: &[u8], format: Format) -> Result<KeyMaterial> {
    let exposed = |secret: SecretBytes| KeyMaterial::Bytes(WireSecret::from(secret.expose()));
    if matches!(format, Format::PKCS_8 | Format::Raw | Format::Opaque) {
        return Ok(KeyMaterial::Bytes(pkcs8.into()));
    }
    Ok(match (PrivateKey::from_pkcs8(pkcs8)?, format) {
        (PrivateKey::Rsa(key), Format::PKCS_1) => exposed(key.to_pkcs1()?),
        (PrivateKey::Rsa(key), Format::TransparentRSAPrivateKey) => {
            let number = |secret: &SecretBytes| Some(BigInteger::from_unsigned(secret.expose()));
            KeyMaterial::RSAPrivate(TransparentRSAPrivateKey {
                modulus: BigInteger::from_unsigned(key.public.modulus()),
                private_exponent: number(&key.private_exponent),
                public_exponent: Some(BigInteger::from_unsigned(key.public.public_exponent())),
                p: number(&key.prime1),
                q: number(&key.prime2),
                prime_exponent_p: number(&key.exponent1),
                prime_exponent_q: number(&key.exponent2),
                crt_coefficient: number(&key.coefficient),
            })
        }
        (PrivateKey::Ec(key), Format::ECPrivateKey) => exposed(key.to_sec1(true)?),
        (
            PrivateKey::Ec(key),
            Format::TransparentECPrivateKey
            | Format::TransparentECDSAPrivateKey
            | Format::TransparentECDHPrivateKey,
        ) => KeyMaterial::ECPrivate(TransparentECPrivateKey {
            recommended_curve: recommended_curve(key.curve()).ok_or_else(|| unsupported(format))?,
            d: BigInteger::from_unsigned(key.private_value().expose()),
        }),
        _ => return Err(unsupported(format)),
    })
}

fn public_material(spki: &[u8], format: Format) -> Result<KeyMaterial> {
    if matches!(format, Format::X_509 | Format::Raw | Format::Opaque) {
        return Ok(KeyMaterial::Bytes(spki.into()));
    }
    Ok(match (PublicKey::from_spki(spki)?, format) {
        (PublicKey::Rsa(key), Format::PKCS_1) => KeyMaterial::Bytes(key.to_pkcs1()?.into()),
        (PublicKey::Rsa(key), Format::TransparentRSAPublicKey) => {
            KeyMaterial::RSAPublic(TransparentRSAPublicKey {
                modulus: BigInteger::from_unsigned(key.modulus()),
                public_exponent: BigInteger::from_unsigned(key.public_exponent()),
            })
        }
        (
            PublicKey::Ec(key),
            Format::TransparentECPublicKey
            | Format::TransparentECDSAPublicKey
            | Format::TransparentECDHPublicKey,
        ) => KeyMaterial::ECPublic(TransparentECPublicKey {
            recommended_curve: recommended_curve(key.curve()).ok_or_else(|| unsupported(format))?,
            q_string: key.point().to_vec(),
        }),
        _ => return Err(unsupported(format)),
    })
}
