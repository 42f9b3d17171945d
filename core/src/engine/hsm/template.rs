//! Attribute templates of keys in the HSM.

use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, KeyType, ObjectClass as TokenClass};
use cryptoki::types::Ulong;

use super::public;
use crate::algorithm::KeySpec;
use crate::engine::NewKey;
use crate::error::{Error, Result};
use crate::model::UsageMask;

/// Smallest and largest RSA modulus that is made or taken, in bits.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=4096;

/// How keys of a kind are made.
pub(super) struct Generation {
    pub(super) mechanism: Mechanism<'static>,
    /// The standard's name of the mechanism.
    pub(super) name: &'static str,
    /// Attributes that say what kind of key: of the public half, or of the secret key. When there are
    /// several, the first that the token takes: modules differ in how they name Edwards curves.
    pub(super) kind: Vec<Vec<Attribute>>,
}

/// How to generate a key of that kind.
pub(super) fn generation(key: &NewKey<'_>) -> Result<Generation> {
    check_size(key.spec)?;
    let one = |mechanism, name, kind| Generation {
        mechanism,
        name,
        kind: vec![kind],
    };
    let curve = |mechanism, name| Generation {
        mechanism,
        name,
        kind: public::curve_parameters(key.spec)
            .into_iter()
            .map(|parameters| vec![Attribute::EcParams(parameters)])
            .collect(),
    };
    Ok(match key.spec {
        KeySpec::Aes { bits } => one(
            Mechanism::AesKeyGen,
            "CKM_AES_KEY_GEN",
            vec![Attribute::ValueLen(bytes_of(bits))],
        ),
        KeySpec::Hmac { bits, .. } | KeySpec::GenericSecret { bits } => one(
            Mechanism::GenericSecretKeyGen,
            "CKM_GENERIC_SECRET_KEY_GEN",
            vec![Attribute::ValueLen(bytes_of(bits))],
        ),
        KeySpec::Rsa { bits } => one(
            Mechanism::RsaPkcsKeyPairGen,
            "CKM_RSA_PKCS_KEY_PAIR_GEN",
            vec![
                Attribute::ModulusBits(Ulong::new(bits.into())),
                Attribute::PublicExponent(exponent(key.public_exponent)?),
            ],
        ),
        KeySpec::Ec { .. } => curve(Mechanism::EccKeyPairGen, "CKM_EC_KEY_PAIR_GEN"),
        KeySpec::Ed25519 => curve(
            Mechanism::EccEdwardsKeyPairGen,
            "CKM_EC_EDWARDS_KEY_PAIR_GEN",
        ),
        KeySpec::X25519 => curve(
            Mechanism::EccMontgomeryKeyPairGen,
            "CKM_EC_MONTGOMERY_KEY_PAIR_GEN",
        ),
        KeySpec::AesXts { .. }
        | KeySpec::Des3 { .. }
        | KeySpec::ChaCha20
        | KeySpec::Sm4
        | KeySpec::Lattice { .. }
        | KeySpec::Sm2
        | KeySpec::Foreign { .. } => return unsupported(key.spec),
    })
}

/// The mechanism that makes keys of that kind.
pub(super) fn generation_mechanism(spec: KeySpec) -> Option<MechanismType> {
    Some(match spec {
        KeySpec::Aes { .. } => MechanismType::AES_KEY_GEN,
        KeySpec::Hmac { .. } | KeySpec::GenericSecret { .. } => {
            MechanismType::GENERIC_SECRET_KEY_GEN
        }
        KeySpec::Rsa { .. } => MechanismType::RSA_PKCS_KEY_PAIR_GEN,
        KeySpec::Ec { .. } => MechanismType::ECC_KEY_PAIR_GEN,
        KeySpec::Ed25519 => MechanismType::ECC_EDWARDS_KEY_PAIR_GEN,
        KeySpec::X25519 => MechanismType::ECC_MONTGOMERY_KEY_PAIR_GEN,
        KeySpec::AesXts { .. }
        | KeySpec::Des3 { .. }
        | KeySpec::ChaCha20
        | KeySpec::Sm4
        | KeySpec::Lattice { .. }
        | KeySpec::Sm2
        | KeySpec::Foreign { .. } => return None,
    })
}

/// Refuses sizes that the algorithm does not have, before the HSM is asked.
pub(super) fn check_size(spec: KeySpec) -> Result<()> {
    let refuse = |bits, allowed| Err(Error::KeySize { bits, allowed });
    match spec {
        KeySpec::Aes { bits } if !matches!(bits, 128 | 192 | 256) => {
            refuse(bits, "128, 192 or 256")
        }
        KeySpec::Rsa { bits } if !RSA_BITS.contains(&bits) || !bits.is_multiple_of(1024) => {
            refuse(bits, "2048, 3072 or 4096")
        }
        KeySpec::Hmac { bits, .. } | KeySpec::GenericSecret { bits }
            if bits == 0 || !bits.is_multiple_of(8) || bits > 4096 =>
        {
            refuse(bits, "8 to 4096, whole bytes")
        }
        _ => Ok(()),
    }
}

/// [`Error::KeyUnsupported`].
pub(super) fn unsupported<T>(spec: KeySpec) -> Result<T> {
    Err(Error::KeyUnsupported(format!(
        "the HSM engine has no keys of kind {spec:?}"
    )))
}

/// `CKA_CLASS` of the secret key or private half.
pub(super) fn class(spec: KeySpec) -> TokenClass {
    if spec.is_asymmetric() {
        TokenClass::PRIVATE_KEY
    } else {
        TokenClass::SECRET_KEY
    }
}

/// `CKA_KEY_TYPE`.
pub(super) fn key_type(spec: KeySpec) -> Result<KeyType> {
    Ok(match spec {
        KeySpec::Aes { .. } => KeyType::AES,
        // Tokens differ in whether they have CKK_SHA256_HMAC and its like; all have this.
        KeySpec::Hmac { .. } | KeySpec::GenericSecret { .. } => KeyType::GENERIC_SECRET,
        KeySpec::Rsa { .. } => KeyType::RSA,
        KeySpec::Ec { .. } => KeyType::EC,
        KeySpec::Ed25519 => KeyType::EC_EDWARDS,
        KeySpec::X25519 => KeyType::EC_MONTGOMERY,
        KeySpec::AesXts { .. }
        | KeySpec::Des3 { .. }
        | KeySpec::ChaCha20
        | KeySpec::Sm4
        | KeySpec::Lattice { .. }
        | KeySpec::Sm2
        | KeySpec::Foreign { .. } => return unsupported(spec),
    })
}

/// The secret key or private half as a token object: everything but its kind and its value.
pub(super) fn secret_template(key: &NewKey<'_>) -> Result<Vec<Attribute>> {
    let mut template = vec![
        Attribute::Class(class(key.spec)),
        Attribute::KeyType(key_type(key.spec)?),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(key.attributes.extractable),
        Attribute::Id(key.id.as_bytes().to_vec()),
        Attribute::Label(format!("keybridge:{}", key.attributes.label).into_bytes()),
    ];
    template.extend(usage(key.spec, key.attributes.usage));
    Ok(template)
}

/// The public half while it is read: a session object, so that it does not fill the HSM. `token` for HSMs
/// that make pairs as token objects only.
pub(super) fn public_template(key: &NewKey<'_>, token: bool) -> Vec<Attribute> {
    vec![
        Attribute::Token(token),
        Attribute::Private(false),
        Attribute::Id(key.id.as_bytes().to_vec()),
        Attribute::Label(format!("keybridge:{}", key.attributes.label).into_bytes()),
    ]
}

/// The usage mask as the HSM knows it, cut to what keys of that kind do. A MAC is checked by making it
/// again, so a key that may check MACs may make them as far as the HSM is concerned.
fn usage(spec: KeySpec, mask: UsageMask) -> Vec<Attribute> {
    let any = |bits: UsageMask| mask.permits(bits);
    let signs = any(UsageMask::SIGN
        | UsageMask::CONTENT_COMMITMENT
        | UsageMask::CERTIFICATE_SIGN
        | UsageMask::CRL_SIGN);
    let macs =
        any(UsageMask::MAC_GENERATE | UsageMask::MAC_VERIFY | UsageMask::SIGN | UsageMask::VERIFY);
    let derives = any(UsageMask::DERIVE | UsageMask::KEY_AGREEMENT);
    match spec {
        KeySpec::Aes { .. } => vec![
            Attribute::Encrypt(any(UsageMask::ENCRYPT)),
            Attribute::Decrypt(any(UsageMask::DECRYPT)),
            Attribute::Sign(macs),
            Attribute::Wrap(any(UsageMask::WRAP)),
            Attribute::Unwrap(any(UsageMask::UNWRAP)),
            Attribute::Derive(derives),
        ],
        KeySpec::Hmac { .. } | KeySpec::GenericSecret { .. } => {
            vec![Attribute::Sign(macs), Attribute::Derive(derives)]
        }
        KeySpec::Rsa { .. } => vec![
            Attribute::Sign(signs),
            Attribute::Decrypt(any(UsageMask::DECRYPT)),
            Attribute::Unwrap(any(UsageMask::UNWRAP)),
        ],
        KeySpec::Ec { .. } => vec![Attribute::Sign(signs), Attribute::Derive(derives)],
        KeySpec::Ed25519 => vec![Attribute::Sign(signs)],
        KeySpec::X25519 => vec![Attribute::Derive(derives)],
        KeySpec::AesXts { .. }
        | KeySpec::Des3 { .. }
        | KeySpec::ChaCha20
        | KeySpec::Sm4
        | KeySpec::Lattice { .. }
        | KeySpec::Sm2
        | KeySpec::Foreign { .. } => Vec::new(),
    }
}

fn bytes_of(bits: u32) -> Ulong {
    Ulong::new((bits / 8).into())
}

/// An RSA public exponent as a big-endian integer: odd, from 65537 up to 64 bits (FIPS 186-5 A.1.1).
fn exponent(given: Option<u64>) -> Result<Vec<u8>> {
    let value = given.unwrap_or(65537);
    if value < 65537 || value.is_multiple_of(2) {
        return Err(Error::KeyUnsupported(format!(
            "RSA public exponent {value}: odd numbers from 65537 on"
        )));
    }
    let bytes = value.to_be_bytes();
    let zeros = value.leading_zeros() as usize / 8;
    Ok(bytes[zeros..].to_vec())
}
