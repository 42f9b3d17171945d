//! Key check values: fingerprints of three bytes, by which people compare keys (PKCS#11 3.2, "Secret key
//! objects").

use std::sync::Arc;

use aws_lc_rs::digest;

use super::Kms;
use super::cache::Loaded;
use super::change::check_object;
use crate::algorithm::KeySpec;
use crate::audit::Verb;
use crate::authorize::Caller;
use crate::engine::ReadyKey;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Attributes, Material, Object, ObjectClass};

/// Bytes of a check value.
const LENGTH: usize = 3;

/// Bytes of the longest block of a cipher here.
const LONGEST_BLOCK: usize = 16;

/// Bytes of the shortest secret whose hash is told: of a shorter one it would tell too much ("should not be usable to
/// obtain any part of the key value").
const SHORTEST_SECRET: usize = 16;

impl Kms {
    /// The check value of a key or certificate: for a block cipher's key the start of the encryption of a block of
    /// zeros, else the start of SHA-1 of the value. None for an object that has none, or is told to show none.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn check_value(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<Option<[u8; 3]>> {
        self.admit(caller)?;
        let loaded = self.load(object)?;
        check_object(caller, Verb::Inspect, &loaded.object)?;
        if loaded.object.attributes.check_value.is_some() {
            return Ok(None);
        }
        compute(&loaded.object, || self.ready(&loaded).cloned())
    }

    /// Compares a check value that was given with the object's own, and forgets it; an empty one stays, and means
    /// that none is shown.
    pub(super) fn settle_check_value(&self, object: &mut Object) -> Result<()> {
        self.settle_check_value_known(object, None)
    }

    /// [`Kms::settle_check_value`] inside a transaction, where no HSM may be asked: `own` was asked for before, by
    /// [`Kms::check_value_ahead`].
    pub(super) fn settle_check_value_known(
        &self,
        object: &mut Object,
        own: Option<OwnCheckValue>,
    ) -> Result<()> {
        let Some(given) = object
            .attributes
            .check_value
            .take_if(|given| !given.is_empty())
        else {
            return Ok(());
        };
        let own = match own {
            Some(OwnCheckValue(own)) => own,
            None => compute(object, || self.engines.of(object)?.ready(object))?,
        };
        match own {
            Some(own) if own != *given => Err(Error::invalid_attribute(
                "CKA_CHECK_VALUE",
                "it is not this key's",
            )),
            // "If the library does not support the attribute then it should ignore it."
            _ => Ok(()),
        }
    }

    /// What a key in an HSM has as check value, if `edit` gives one to compare it with. Asked before the transaction that
    /// changes or copies the object, and only for whom `verb` is allowed; other keys are asked inside it.
    pub(super) fn check_value_ahead(
        &self,
        caller: &Caller,
        verb: Verb,
        loaded: &Loaded,
        edit: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<Option<OwnCheckValue>> {
        let object = &loaded.object;
        if !matches!(object.material, Material::Resident { .. })
            || check_object(caller, verb, object).is_err()
        {
            return Ok(None);
        }
        let mut probe = object.attributes.clone();
        // What is wrong with it is said when it is done.
        let given = edit(&mut probe).is_ok()
            && probe
                .check_value
                .as_ref()
                .is_some_and(|given| !given.is_empty());
        let own = match given {
            true => compute(object, || self.ready(loaded).cloned())?,
            false => None,
        };
        Ok(Some(OwnCheckValue(own)))
    }
}

impl Kms {
    /// [`Kms::check_value_ahead`] of a stored object that is to be changed.
    pub(super) fn own_check_value_ahead(
        &self,
        caller: &Caller,
        object: ObjectId,
        edit: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<Option<OwnCheckValue>> {
        if self.engines.pools.is_empty() {
            return Ok(None);
        }
        self.freshen()?;
        match self.load(object) {
            Ok(loaded) => self.check_value_ahead(caller, Verb::Modify, &loaded, edit),
            // The transaction says what is wrong.
            Err(_) => Ok(None),
        }
    }
}

/// What a key has as check value, if it has one: always the same.
#[derive(Clone, Copy)]
pub(super) struct OwnCheckValue(Option<[u8; LENGTH]>);

fn compute(
    object: &Object,
    ready: impl FnOnce() -> Result<Arc<dyn ReadyKey>>,
) -> Result<Option<[u8; LENGTH]>> {
    let block = match object.spec {
        Some(KeySpec::Aes { .. } | KeySpec::Sm4) => LONGEST_BLOCK,
        Some(KeySpec::Des3 { .. }) => LONGEST_BLOCK / 2,
        _ => 0,
    };
    match (object.class, &object.material) {
        (_, Material::None) => Ok(None),
        (ObjectClass::Certificate, Material::Public(value)) if !value.is_empty() => {
            Ok(Some(hash(value)))
        }
        (ObjectClass::SecretKey, _) if block > 0 => {
            let mut output = [0; LONGEST_BLOCK];
            let zeros = &[0; LONGEST_BLOCK][..block];
            let written = ready()?.run(Purpose::Encrypt, &Mechanism::Ecb, zeros, &mut output);
            match written {
                Ok(_) => Ok(output.first_chunk().copied()),
                // An HSM that does not encrypt with this key.
                Err(Error::MechanismUnsupported { .. } | Error::HsmRefused { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        }
        (ObjectClass::SecretKey, Material::Secret(value)) if value.len() >= SHORTEST_SECRET => {
            Ok(Some(hash(value.expose())))
        }
        _ => Ok(None),
    }
}

fn hash(value: &[u8]) -> [u8; LENGTH] {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, value);
    let mut start = [0; LENGTH];
    start.copy_from_slice(&digest.as_ref()[..LENGTH]);
    start
}
