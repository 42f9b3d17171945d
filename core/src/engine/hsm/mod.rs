//! The HSM engine: keys in PKCS#11 modules, through the `cryptoki` crate.
//!
//! An [`HsmPool`] is the way to the HSM: it loads the module, finds the token, logs in, lends sessions and
//! connects again when any of these is lost. [`HsmEngine`] makes, finds and uses keys through it, [`HsmSeal`]
//! protects the store's root key with it. Several pools or engines in one process may name the same token:
//! the module is loaded and logged in to once.
//!
//! Keys are *resident*: token objects, found by their `CKA_ID`, which is the identifier of the core's object.
//! Keys that are wrapped under a key of the pool ([`Material::Wrapped`]) and pools of several members are yet
//! to come; both have their place in the types.
//!
//! What is done in software, because it needs no secret: everything with public keys (the HSM keeps no public
//! halves where it can do without), and hashing before a signature.
//!
//! This module knows nothing of who asks and why, and decides nothing.

// Only `token_info` calls the module itself.
#![deny(unsafe_code)]

use std::sync::Arc;

use cryptoki::error::RvError;
use cryptoki::object::{Attribute, ObjectClass as TokenClass, ObjectHandle};

use super::{Engine, Generated, NewKey, ReadyKey};
use crate::algorithm::KeySpec;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Material, Object, ObjectClass};
use crate::secret::SecretBytes;

mod connection;
mod digest_info;
mod failure;
mod key;
mod module;
mod pin;
mod plan;
mod pool;
mod private;
mod public;
mod seal;
mod stream;
mod template;
mod token_info;
mod transport;

#[cfg(test)]
mod tests;

use connection::Lease;
use failure::Failure;
use key::{HsmKey, Locator};
use pool::Repeat;
use private::SecretTemplate;

pub use pool::{HsmPool, MemberStatus, PoolStatus, TokenStatus};
pub use seal::HsmSeal;

/// The engine of one pool.
#[derive(Clone, Debug)]
pub struct HsmEngine {
    pool: Arc<HsmPool>,
}

impl HsmEngine {
    /// An engine over a pool. No module is loaded before the first use.
    #[must_use]
    pub fn new(pool: Arc<HsmPool>) -> Self {
        Self { pool }
    }

    /// Its pool.
    #[must_use]
    pub fn pool(&self) -> &Arc<HsmPool> {
        &self.pool
    }

    /// Refuses what the token has no generation mechanism for, by its name.
    fn require_generation(&self, spec: KeySpec, name: &'static str) -> Result<()> {
        let connection = self.pool.connection()?;
        let info = template::generation_mechanism(spec).and_then(|kind| connection.mechanism(kind));
        match info {
            Some(info) if info.generate() || info.generate_key_pair() => Ok(()),
            _ => Err(Error::KeyUnsupported(format!(
                "the token of HSM pool {:?} has no {name}",
                self.pool.name()
            ))),
        }
    }

    /// When the HSM went away while it made a key, the key may be there without anybody knowing: removes it, as
    /// far as the HSM is back.
    fn or_clean_up<T>(&self, key: &NewKey<'_>, made: Result<T>) -> Result<T> {
        if matches!(made, Err(Error::HsmUnavailable { .. })) {
            let _ = self.remove(key.id.as_bytes(), !key.spec.is_asymmetric());
        }
        made
    }

    /// Removes every object of a key from the HSM; none is there already: done.
    fn remove(&self, hsm_id: &[u8], symmetric: bool) -> Result<()> {
        self.pool.call(Repeat::Safe, |lease| {
            for class in classes(symmetric) {
                let template = [Attribute::Class(*class), Attribute::Id(hsm_id.to_vec())];
                for handle in key::find_objects(lease, &template)? {
                    match lease.session().destroy_object(handle) {
                        Err(error)
                            if failure::return_code(&error)
                                == Some(RvError::ObjectHandleInvalid) => {}
                        other => other?,
                    }
                }
            }
            Ok(())
        })
    }

    fn generate_secret(&self, key: &NewKey<'_>, how: &template::Generation) -> Result<()> {
        let mut template = template::secret_template(key)?;
        template.extend(how.kind.iter().flatten().cloned());
        self.pool.call(Repeat::Never, |lease| {
            lease.session().generate_key(&how.mechanism, &template)?;
            Ok(())
        })
    }

    /// Makes a pair and reads its public half, which the HSM then need not keep.
    fn generate_pair(&self, key: &NewKey<'_>, how: &template::Generation) -> Result<Vec<u8>> {
        let private = template::secret_template(key)?;
        self.pool.call(Repeat::Never, |lease| {
            let (public, secret) = make_pair(lease, key, how, &private)?;
            let read = public::read(self.pool.name(), lease, key.spec, public);
            // If the HSM keeps it all the same, it goes with the private half: see `destroy`.
            let _ = lease.session().destroy_object(public);
            if read.is_err() {
                // Without its public half the pair is of no use to anybody.
                let _ = lease.session().destroy_object(secret);
            }
            read
        })
    }
}

/// The classes under which a key and what belongs to it are in the HSM.
fn classes(symmetric: bool) -> &'static [TokenClass] {
    if symmetric {
        &[TokenClass::SECRET_KEY]
    } else {
        &[TokenClass::PRIVATE_KEY, TokenClass::PUBLIC_KEY]
    }
}

/// Tries each naming of the kind, and a public half as session object before one as token object. A token
/// that refuses a template has made nothing, so the next may be tried.
fn make_pair(
    lease: &Lease,
    key: &NewKey<'_>,
    how: &template::Generation,
    private: &[Attribute],
) -> std::result::Result<(ObjectHandle, ObjectHandle), Failure> {
    let mut refusal = None;
    for kind in &how.kind {
        for token in [false, true] {
            let mut public = template::public_template(key, token);
            public.extend(kind.iter().cloned());
            let made = lease
                .session()
                .generate_key_pair(&how.mechanism, &public, private);
            match made {
                Ok(pair) => return Ok(pair),
                Err(error) if failure::refuses_template(&error) => refusal = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
    }
    match refusal {
        Some(error) => Err(error.into()),
        None => Err(Error::Internal("no way to make this kind of key".to_owned()).into()),
    }
}

/// Gives a key to the token, in the first form that it takes.
fn create(
    lease: &Lease,
    template: &[Attribute],
    values: &[SecretTemplate],
) -> std::result::Result<(), Failure> {
    let mut refusal = None;
    for value in values {
        let whole = SecretTemplate([template, &value.0].concat());
        match lease.session().create_object(&whole.0) {
            Ok(_) => return Ok(()),
            Err(error) if failure::refuses_template(&error) => refusal = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    match refusal {
        Some(error) => Err(error.into()),
        None => Err(Error::Internal("no form of this kind of key".to_owned()).into()),
    }
}

impl Engine for HsmEngine {
    /// Makes a token object; its value never leaves the HSM unless `extractable` allows wrapping it.
    fn generate(&self, key: &NewKey<'_>) -> Result<Generated> {
        let how = template::generation(key)?;
        self.require_generation(key.spec, how.name)?;
        let made = if key.spec.is_asymmetric() {
            self.generate_pair(key, &how).map(Some)
        } else {
            self.generate_secret(key, &how).map(|()| None)
        };
        let public = self.or_clean_up(key, made)?;
        Ok(Generated {
            secret: Material::Resident {
                hsm_id: key.id.as_bytes().to_vec(),
            },
            public,
        })
    }

    /// Gives the value to the HSM with `C_CreateObject`: it was outside, so it crosses the vendor's channel
    /// once more. HSMs that do not take keys in the clear answer [`Error::HsmRefused`].
    fn import(&self, key: &NewKey<'_>, value: SecretBytes) -> Result<Material> {
        template::check_size(key.spec)?;
        let template = template::secret_template(key)?;
        let values = private::attributes(key.spec, &value)?;
        let made = self
            .pool
            .call(Repeat::Never, |lease| create(lease, &template, &values));
        self.or_clean_up(key, made)?;
        Ok(Material::Resident {
            hsm_id: key.id.as_bytes().to_vec(),
        })
    }

    fn ready(&self, object: &Object) -> Result<Arc<dyn ReadyKey>> {
        let (spec, locator) = locate(object)?;
        let key = HsmKey::find(&self.pool, spec, object.id, locator)?;
        Ok(Arc::new(key))
    }

    /// Removes the token object, and the public half where the HSM has kept one.
    fn destroy(&self, object: &Object) -> Result<()> {
        let Material::Resident { hsm_id } = &object.material else {
            return Ok(());
        };
        self.remove(hsm_id, object.class == ObjectClass::SecretKey)
    }

    fn generates(&self, spec: KeySpec) -> bool {
        let Some(kind) = template::generation_mechanism(spec) else {
            return false;
        };
        match self.pool.connection() {
            Ok(connection) => connection
                .mechanism(kind)
                .is_some_and(|info| info.generate() || info.generate_key_pair()),
            Err(_) => true,
        }
    }

    /// What the token has a mechanism for; while it cannot be reached, what the engine could do, so that a
    /// user is told of the HSM and not that his key is of the wrong kind.
    fn supports(&self, spec: KeySpec, purpose: Purpose, mechanism: &Mechanism) -> bool {
        let Some(needed) = plan::needed(spec, purpose, mechanism) else {
            return false;
        };
        match self.pool.connection() {
            Ok(connection) => connection
                .mechanism(needed.kind)
                .is_some_and(|info| plan::serves(info, purpose)),
            Err(_) => true,
        }
    }
}

/// Where an object's key is in the HSM.
fn locate(object: &Object) -> Result<(KeySpec, Locator)> {
    let hsm_id = match &object.material {
        Material::Resident { hsm_id } => hsm_id.clone(),
        Material::Wrapped { .. } => {
            return Err(Error::NoMaterial("wrapped HSM keys are not yet supported"));
        }
        Material::None => return Err(Error::NoMaterial("it waits for import or was destroyed")),
        Material::Public(_) | Material::Secret(_) => {
            return Err(Error::NoMaterial("it is not a key in an HSM"));
        }
    };
    match (object.spec, object.class) {
        (Some(spec), ObjectClass::SecretKey | ObjectClass::PrivateKey) => Ok((
            spec,
            Locator {
                class: template::class(spec),
                hsm_id,
            },
        )),
        _ => Err(Error::KeyUnsupported(
            "only secret and private keys are used in an HSM".to_owned(),
        )),
    }
}
