//! From an identifier to an object ready to use.

use std::sync::Arc;

use super::Kms;
use super::cache::Loaded;
use super::transport::SHORTEST_UNPROVEN;
use crate::algorithm::KeySpec;
use crate::encoding::{PrivateKey, PublicKey};
use crate::engine::ReadyKey;
use crate::error::{Error, Result};
use crate::id::{KeyId, ObjectId};
use crate::model::{Key, KeyState, Lifetime, Material, Object, ObjectClass};
use crate::secret::SecretBytes;
use crate::store::{self, ChangeNumber};

impl Kms {
    /// Brings the cache up to date: what any process committed before this call holds from here on.
    pub(super) fn freshen(&self) -> Result<ChangeNumber> {
        self.cache.freshen(self.store.as_ref())
    }

    /// The object, current as of the last [`Kms::freshen`].
    pub(super) fn load(&self, id: ObjectId) -> Result<Arc<Loaded>> {
        if let Some(loaded) = self.cache.object(id) {
            return Ok(loaded);
        }
        if let Some(loaded) = self.sessions.get(id) {
            return Ok(loaded);
        }
        let (number, row) = store::read(self.store.as_ref(), |reader| {
            let number = reader.change_number()?;
            let row = reader.object(id)?.ok_or_else(|| Error::no_object(id))?;
            Ok((number, row))
        })?;
        let mut object = self.vault.object(&row)?;
        object.digest = digest(&object).or(object.digest);
        let loaded = Arc::new(Loaded::new(object, None));
        self.cache.keep_object(number, &loaded);
        Ok(loaded)
    }

    /// Whether an object is of its key's primary version. Its key's row is read for this and for the gate only: who looks
    /// for objects needs neither.
    pub(super) fn is_primary(&self, loaded: &Loaded) -> Result<bool> {
        if let Some(known) = loaded.primary.get() {
            return Ok(*known);
        }
        let object = &loaded.object;
        let key = match (object.lifetime, object.key) {
            (Lifetime::Stored, Some(id)) => self.load_key(id)?,
            _ => None,
        };
        let primary = key.is_none_or(|key| key.primary == object.version);
        Ok(*loaded.primary.get_or_init(|| primary))
    }

    /// A key, whose gate is known from here on.
    fn load_key(&self, id: KeyId) -> Result<Option<Key>> {
        let (number, row) = store::read(self.store.as_ref(), |reader| {
            Ok((reader.change_number()?, reader.key(id)?))
        })?;
        let key = row.map(|row| self.vault.key(&row)).transpose()?;
        if let Some(key) = &key {
            self.cache.keep_gate(number, id, key.state);
        }
        Ok(key)
    }

    /// The gate of the key that an object belongs to; objects without a key have none.
    pub(super) fn gate_of(&self, object: &Object) -> Result<Option<KeyState>> {
        object.key.map(|key| self.gate(key)).transpose()
    }

    fn gate(&self, id: KeyId) -> Result<KeyState> {
        if let Some(state) = self.cache.gate(id) {
            return Ok(state);
        }
        // A session copy may outlive its key.
        let key = self.load_key(id)?;
        let key = key.ok_or(Error::NoMaterial("its key was destroyed"))?;
        Ok(key.state)
    }

    /// The object's key, parsed once and kept.
    pub(super) fn ready<'a>(&self, loaded: &'a Loaded) -> Result<&'a Arc<dyn ReadyKey>> {
        if let Some(ready) = loaded.ready.get() {
            return Ok(ready);
        }
        let ready = self.engines.of(&loaded.object)?.ready(&loaded.object)?;
        Ok(loaded.ready.get_or_init(|| ready))
    }
}

/// SHA-256 of a value that is here: of RSA keys in the form of PKCS#1, which is their default Key Format Type
/// (KMIP 2.1 section 4.26), of others in the canonical one. None of a sensitive value that could be found by trying.
pub(super) fn digest(object: &Object) -> Option<[u8; 32]> {
    let is_rsa = matches!(object.spec, Some(KeySpec::Rsa { .. }));
    let of = |value: &[u8]| {
        let mut digest = [0; 32];
        let made = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, value);
        digest.copy_from_slice(made.as_ref());
        Some(digest)
    };
    match &object.material {
        Material::Secret(value) if object.attributes.sensitive && is_guessable(object, value) => {
            None
        }
        Material::Public(value) if is_rsa && object.class == ObjectClass::PublicKey => {
            match PublicKey::from_spki(value) {
                Ok(PublicKey::Rsa(key)) => of(&key.to_pkcs1().ok()?),
                _ => of(value),
            }
        }
        Material::Secret(value) if is_rsa && object.class == ObjectClass::PrivateKey => {
            match PrivateKey::from_pkcs8(value.expose()) {
                Ok(PrivateKey::Rsa(key)) => of(key.to_pkcs1().ok()?.expose()),
                _ => of(value.expose()),
            }
        }
        Material::Public(value) => of(value),
        Material::Secret(value) => of(value.expose()),
        Material::None | Material::Resident { .. } | Material::Wrapped { .. } => None,
    }
}

/// Passwords, and what is shorter than 112 bits (the least of SP 800-131A).
fn is_guessable(object: &Object, value: &SecretBytes) -> bool {
    !object.class.is_key() || value.len() < SHORTEST_UNPROVEN
}
