//! Private and secret keys from their canonical encoding to the HSM's attributes, for import.

use aws_lc_rs::signature::RsaKeyPair;
use cryptoki::object::Attribute;

use super::public;
use crate::algorithm::KeySpec;
use crate::encoding::{PrivateKey, RsaPrivateKey};
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// The attributes that hold a key's value, validated; when there are several sets, the first that the token
/// takes (see [`public::curve_parameters`]).
pub(super) fn attributes(spec: KeySpec, value: &SecretBytes) -> Result<Vec<SecretTemplate>> {
    match spec {
        KeySpec::Aes { bits } | KeySpec::Hmac { bits, .. } | KeySpec::GenericSecret { bits } => {
            if value.len() * 8 != bits as usize {
                return Err(Error::InvalidMaterial(format!(
                    "{} bytes are no key of {bits} bits",
                    value.len()
                )));
            }
            Ok(vec![SecretTemplate(vec![Attribute::Value(
                value.expose().to_vec(),
            )])])
        }
        KeySpec::Rsa { .. } | KeySpec::Ec { .. } | KeySpec::Ed25519 | KeySpec::X25519 => {
            let key = PrivateKey::from_pkcs8(value.expose())?;
            if key.spec() != spec {
                return Err(Error::InvalidMaterial(format!(
                    "it is a key of kind {:?}, not {spec:?}",
                    key.spec()
                )));
            }
            match key {
                PrivateKey::Rsa(key) => {
                    check_rsa(value)?;
                    Ok(vec![SecretTemplate(rsa(&key))])
                }
                PrivateKey::Ec(key) => Ok(public::curve_parameters(spec)
                    .into_iter()
                    .map(|parameters| {
                        SecretTemplate(vec![
                            Attribute::EcParams(parameters),
                            Attribute::Value(key.private_value().expose().to_vec()),
                        ])
                    })
                    .collect()),
                PrivateKey::Lattice(_) => super::template::unsupported(spec),
            }
        }
        KeySpec::AesXts { .. }
        | KeySpec::Des3 { .. }
        | KeySpec::ChaCha20
        | KeySpec::Sm4
        | KeySpec::Lattice { .. }
        | KeySpec::Sm2
        | KeySpec::Foreign { .. } => super::template::unsupported(spec),
    }
}

/// That the numbers belong together: an HSM may take any, and then sign garbage.
fn check_rsa(pkcs8: &SecretBytes) -> Result<()> {
    RsaKeyPair::from_pkcs8(pkcs8.expose())
        .map(|_| ())
        .map_err(|error| Error::InvalidMaterial(format!("RSA key: {error}")))
}

fn rsa(key: &RsaPrivateKey) -> Vec<Attribute> {
    let secret = |number: &SecretBytes| number.expose().to_vec();
    vec![
        Attribute::Modulus(key.public.modulus().to_vec()),
        Attribute::PublicExponent(key.public.public_exponent().to_vec()),
        Attribute::PrivateExponent(secret(&key.private_exponent)),
        Attribute::Prime1(secret(&key.prime1)),
        Attribute::Prime2(secret(&key.prime2)),
        Attribute::Exponent1(secret(&key.exponent1)),
        Attribute::Exponent2(secret(&key.exponent2)),
        Attribute::Coefficient(secret(&key.coefficient)),
    ]
}

/// A template with secret values, zeroized when it goes.
pub(super) struct SecretTemplate(pub(super) Vec<Attribute>);

impl Drop for SecretTemplate {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        for attribute in &mut self.0 {
            if let Attribute::Value(value)
            | Attribute::PrivateExponent(value)
            | Attribute::Prime1(value)
            | Attribute::Prime2(value)
            | Attribute::Exponent1(value)
            | Attribute::Exponent2(value)
            | Attribute::Coefficient(value) = attribute
            {
                value.zeroize();
            }
        }
    }
}
