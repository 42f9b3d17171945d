//! Key Material: bytes, or the numbers of a transparent key (1.4 section 2.1.7; 2.1 sections 3.4 to
//! 3.12).

use crate::enums::{KeyFormatType, RecommendedCurve};
use crate::error::{DecodeError, EncodeError};
use crate::item::{BigInteger, ItemType, Value};
use crate::secret::SecretBytes;
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::wire::{Context, Encoder, Wire, structure};

structure! {
    /// Transparent Symmetric Key.
    TransparentSymmetricKey {
        /// The key.
        key: required SecretBytes = Key,
    }
}

structure! {
    /// Transparent DSA Private Key.
    TransparentDSAPrivateKey {
        /// Prime of the field.
        p: required BigInteger = P,
        /// Order of the subgroup.
        q: required BigInteger = Q,
        /// Generator.
        g: required BigInteger = G,
        /// Private key.
        x: required BigInteger = X,
    }
}

structure! {
    /// Transparent DSA Public Key.
    TransparentDSAPublicKey {
        /// Prime of the field.
        p: required BigInteger = P,
        /// Order of the subgroup.
        q: required BigInteger = Q,
        /// Generator.
        g: required BigInteger = G,
        /// Public key.
        y: required BigInteger = Y,
    }
}

structure! {
    /// Transparent RSA Private Key.
    TransparentRSAPrivateKey {
        /// Modulus.
        modulus: required BigInteger = Modulus,
        /// Private exponent.
        private_exponent: optional BigInteger = PrivateExponent,
        /// Public exponent.
        public_exponent: optional BigInteger = PublicExponent,
        /// First prime.
        p: optional BigInteger = P,
        /// Second prime.
        q: optional BigInteger = Q,
        /// Private exponent modulo P - 1.
        prime_exponent_p: optional BigInteger = PrimeExponentP,
        /// Private exponent modulo Q - 1.
        prime_exponent_q: optional BigInteger = PrimeExponentQ,
        /// Inverse of Q modulo P.
        crt_coefficient: optional BigInteger = CRTCoefficient,
    }
}

structure! {
    /// Transparent RSA Public Key.
    TransparentRSAPublicKey {
        /// Modulus.
        modulus: required BigInteger = Modulus,
        /// Public exponent.
        public_exponent: required BigInteger = PublicExponent,
    }
}

structure! {
    /// Transparent DH Private Key.
    TransparentDHPrivateKey {
        /// Prime of the field.
        p: required BigInteger = P,
        /// Order of the subgroup.
        q: optional BigInteger = Q,
        /// Generator.
        g: required BigInteger = G,
        /// Cofactor.
        j: optional BigInteger = J,
        /// Private key.
        x: required BigInteger = X,
    }
}

structure! {
    /// Transparent DH Public Key.
    TransparentDHPublicKey {
        /// Prime of the field.
        p: required BigInteger = P,
        /// Order of the subgroup.
        q: optional BigInteger = Q,
        /// Generator.
        g: required BigInteger = G,
        /// Cofactor.
        j: optional BigInteger = J,
        /// Public key.
        y: required BigInteger = Y,
    }
}

structure! {
    /// Transparent EC Private Key, and to 1.4 the ECDSA, ECDH and ECMQV ones.
    TransparentECPrivateKey {
        /// The curve.
        recommended_curve: required RecommendedCurve = RecommendedCurve,
        /// Private key.
        d: required BigInteger = D,
    }
}

structure! {
    /// Transparent EC Public Key, and to 1.4 the ECDSA, ECDH and ECMQV ones.
    TransparentECPublicKey {
        /// The curve.
        recommended_curve: required RecommendedCurve = RecommendedCurve,
        /// Public point, as SEC 1 encodes it.
        q_string: required Vec<u8> = QString,
    }
}

/// Key Material. Which structure a transparent key has follows from the Key Format Type beside it.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyMaterial {
    /// Bytes, for all formats but the transparent ones.
    Bytes(SecretBytes),
    /// Transparent Symmetric Key.
    Symmetric(TransparentSymmetricKey),
    /// Transparent DSA Private Key.
    DSAPrivate(TransparentDSAPrivateKey),
    /// Transparent DSA Public Key.
    DSAPublic(TransparentDSAPublicKey),
    /// Transparent RSA Private Key.
    RSAPrivate(TransparentRSAPrivateKey),
    /// Transparent RSA Public Key.
    RSAPublic(TransparentRSAPublicKey),
    /// Transparent DH Private Key.
    DHPrivate(TransparentDHPrivateKey),
    /// Transparent DH Public Key.
    DHPublic(TransparentDHPublicKey),
    /// Transparent EC, ECDSA, ECDH or ECMQV Private Key.
    ECPrivate(TransparentECPrivateKey),
    /// Transparent EC, ECDSA, ECDH or ECMQV Public Key.
    ECPublic(TransparentECPublicKey),
    /// A structure of a vendor's format.
    Other(Value),
}

impl KeyMaterial {
    pub(crate) fn encode(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        let tag = Tag::KeyMaterial;
        match self {
            Self::Bytes(bytes) => bytes.encode(tag, out),
            Self::Symmetric(key) => key.encode(tag, out),
            Self::DSAPrivate(key) => key.encode(tag, out),
            Self::DSAPublic(key) => key.encode(tag, out),
            Self::RSAPrivate(key) => key.encode(tag, out),
            Self::RSAPublic(key) => key.encode(tag, out),
            Self::DHPrivate(key) => key.encode(tag, out),
            Self::DHPublic(key) => key.encode(tag, out),
            Self::ECPrivate(key) => key.encode(tag, out),
            Self::ECPublic(key) => key.encode(tag, out),
            Self::Other(value) => value.encode(tag, out),
        }
    }

    pub(crate) fn decode(
        format: KeyFormatType,
        item: &ItemRef<'_>,
        context: Context,
    ) -> Result<Self, DecodeError> {
        use KeyFormatType as Format;
        if item.kind != ItemType::Structure {
            return Ok(Self::Bytes(item.bytes()?.into()));
        }
        Ok(match format {
            Format::TransparentSymmetricKey => Self::Symmetric(Wire::decode(item, context)?),
            Format::TransparentDSAPrivateKey => Self::DSAPrivate(Wire::decode(item, context)?),
            Format::TransparentDSAPublicKey => Self::DSAPublic(Wire::decode(item, context)?),
            Format::TransparentRSAPrivateKey => Self::RSAPrivate(Wire::decode(item, context)?),
            Format::TransparentRSAPublicKey => Self::RSAPublic(Wire::decode(item, context)?),
            Format::TransparentDHPrivateKey => Self::DHPrivate(Wire::decode(item, context)?),
            Format::TransparentDHPublicKey => Self::DHPublic(Wire::decode(item, context)?),
            Format::TransparentECPrivateKey
            | Format::TransparentECDSAPrivateKey
            | Format::TransparentECDHPrivateKey
            | Format::TransparentECMQVPrivateKey => Self::ECPrivate(Wire::decode(item, context)?),
            Format::TransparentECPublicKey
            | Format::TransparentECDSAPublicKey
            | Format::TransparentECDHPublicKey
            | Format::TransparentECMQVPublicKey => Self::ECPublic(Wire::decode(item, context)?),
            // The standard's other formats are bytes.
            standard if standard.name().is_some() => {
                return Err(DecodeError::WrongType {
                    tag: item.tag,
                    expected: ItemType::ByteString,
                    found: item.kind,
                });
            }
            _ => Self::Other(Value::read(item)?),
        })
    }
}
