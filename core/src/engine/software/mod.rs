//! The software engine: keys in this process's memory, on AWS-LC where it has the algorithm and on
//! RustCrypto crates where not (secp256k1, SM2, SM3, SM4, SHA3-224).
//!
//! A key is checked when it comes in ([`SoftwareEngine::import`]) and parsed once when it is made ready;
//! what [`ReadyKey`] then does allocates nothing of its own for AES, RSA signatures and ECDSA. What
//! keys of each kind can do stands in one table; no algorithm is reached past it.
//!
//! GCM encryption wants its initialization vector: an empty one is refused here, because only the
//! caller can hand out the one that was used.

use std::sync::Arc;

use crate::algorithm::KeySpec;
use crate::encoding::{PrivateKey, PublicKey};
use crate::engine::{Engine, Generated, NewKey, ReadyKey};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Material, Object, ObjectClass};
use crate::secret::SecretBytes;

// The engine's only unsafe code: see the module.
#[allow(unsafe_code)]
pub(crate) mod aws_lc;
mod chacha;
mod cipher;
mod derive;
pub use derive::pbkdf2;
pub mod digest;
mod ec;
mod edwards;
mod functions;
mod generate;
mod hybrid;
pub(super) mod kdf;
pub(crate) mod lattice;
mod mac;
mod parse;
pub mod random;
mod ready;
mod rsa;
mod secret;
pub mod sharing;
mod signature;
mod sm2;
mod table;
#[cfg(test)]
mod tests;
mod with_mac;

use table::Parts;

/// The engine of keys whose material is in the store. It holds nothing itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoftwareEngine;

impl Engine for SoftwareEngine {
    /// RSA keys have 1024 to 8192 bits, a multiple of 128; secrets up to 8 KiB.
    fn generate(&self, key: &NewKey<'_>) -> Result<Generated> {
        generate::generate(key)
    }

    /// RSA keys may have 1024 to 8192 bits: what was protected with old keys must still be read.
    /// The answer is in canonical form even where the value was not quite.
    fn import(&self, key: &NewKey<'_>, value: SecretBytes) -> Result<Material> {
        generate::import(key, &value)
    }

    fn ready(&self, object: &Object) -> Result<Arc<dyn ReadyKey>> {
        // KMIP derives keys from passwords and seeds too.
        if let (ObjectClass::SecretData, Material::Secret(value)) = (object.class, &object.material)
        {
            return Ok(parse::secret_data(value));
        }
        let spec = object
            .spec
            .ok_or_else(|| Error::KeyUnsupported("the object is no key".to_owned()))?;
        match (object.class, &object.material) {
            (_, Material::None) => Err(Error::NoMaterial("destroyed, archived or awaited")),
            (_, Material::Resident { .. } | Material::Wrapped { .. }) => {
                Err(Error::NoMaterial("it is in an HSM"))
            }
            (ObjectClass::SecretKey, Material::Secret(value)) => parse::secret(spec, value),
            (ObjectClass::PrivateKey, Material::Secret(value)) => {
                let key = PrivateKey::from_pkcs8(value.expose())?;
                parse::check_spec(spec, key.spec())?;
                parse::private(&key)
            }
            (ObjectClass::PublicKey, Material::Public(value)) => ready_public_key(spec, value),
            _ => Err(Error::KeyUnsupported(
                "the object's class and its material do not go together".to_owned(),
            )),
        }
    }

    /// Nothing to do: the material is in the store only, and goes with its row.
    fn destroy(&self, _object: &Object) -> Result<()> {
        Ok(())
    }

    fn generates(&self, spec: KeySpec) -> bool {
        table::kind_of(spec).is_some()
    }

    fn supports(&self, spec: KeySpec, purpose: Purpose, mechanism: &Mechanism) -> bool {
        let fits = match (spec, mechanism) {
            (KeySpec::Hmac { hash: own, .. }, Mechanism::Hmac { hash, .. }) => own == *hash,
            // RFC 3566 has keys of this size only.
            (KeySpec::Aes { bits }, Mechanism::XcbcMac { .. }) => bits == 128,
            _ => true,
        };
        fits && table::kind_of(spec).is_some_and(|kind| {
            table::allows(kind, purpose, mechanism, Parts::One)
                || table::allows(kind, purpose, mechanism, Parts::Several)
        })
    }
}

/// Makes a public key ready, which also validates it: `SubjectPublicKeyInfo`, DER, of that kind. For public
/// keys of HSM pools too, whose public operations need no HSM.
///
/// # Errors
/// [`Error::InvalidMaterial`], [`Error::KeyUnsupported`], [`Error::KeySize`].
pub fn ready_public_key(spec: KeySpec, spki: &[u8]) -> Result<Arc<dyn ReadyKey>> {
    let key = PublicKey::from_spki(spki)?;
    parse::check_spec(spec, key.spec())?;
    parse::public(&key)
}
