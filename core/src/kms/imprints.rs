//! What is remembered of values, and what follows: that what was sensitive once is sensitive again, and the role
//! that a key takes at its first use ([`super::roles`]). `docs/SECURITY.md` says the rules and why.
//!
//! Stored values are remembered in the store, from the commit that writes their object on. Values of session objects
//! are remembered in this process, by those objects, and in the store from the moment that they leave it wrapped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Kms;
use super::cache::Loaded;
use super::change::Change;
use crate::encoding;
use crate::error::Result;
use crate::id::AccountId;
use crate::model::{Fingerprint, Imprint, Material, Object, ObjectClass};
use crate::store::{self, Reader, Transaction};

/// Meta value that says that every object of the store has its imprint: stores of before version 2 get them once.
const META_IMPRINTED: &str = "imprinted";

/// Objects that get their imprint in one transaction.
const IMPRINT_BATCH: usize = 1000;

/// Values of session objects, which this process alone remembers.
#[derive(Default)]
pub(super) struct SessionImprints {
    entries: Mutex<HashMap<Fingerprint, Weak<Held>>>,
}

/// What is remembered of one value of session objects, as long as one of them lives.
pub(super) struct Held {
    fingerprint: Fingerprint,
    pub(super) imprint: Mutex<Imprint>,
}

impl SessionImprints {
    /// The value's memory, made if there is none yet.
    fn hold(&self, fingerprint: Fingerprint, imprint: Imprint) -> Arc<Held> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = entries.get(&fingerprint).and_then(Weak::upgrade) {
            let mut known = held.imprint.lock().unwrap_or_else(PoisonError::into_inner);
            *known = known.and(imprint);
            drop(known);
            return held;
        }
        // What no object holds any more goes before the table grows.
        if entries.len() == entries.capacity() {
            entries.retain(|_, held| held.strong_count() > 0);
        }
        let held = Arc::new(Held {
            fingerprint,
            imprint: Mutex::new(imprint),
        });
        entries.insert(fingerprint, Arc::downgrade(&held));
        held
    }

    fn get(&self, fingerprint: Fingerprint) -> Option<Imprint> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let held = entries.get(&fingerprint)?.upgrade()?;
        let imprint = held.imprint.lock().unwrap_or_else(PoisonError::into_inner);
        Some(*imprint)
    }
}

/// Whether the value of an object never comes out in the clear: what it takes for a value to be remembered, and for a
/// role to mean anything. With a key that can be read anybody decrypts outside.
pub(super) const fn is_hidden(object: &Object) -> bool {
    let attributes = &object.attributes;
    match object.class {
        ObjectClass::SecretKey | ObjectClass::PrivateKey => {
            attributes.sensitive || !attributes.extractable
        }
        class => class.is_secret() && attributes.sensitive,
    }
}

impl Kms {
    /// The fingerprint of an object's value: one for both halves of a pair.
    pub(super) fn fingerprint_of(&self, object: &Object) -> Option<Fingerprint> {
        if object.fingerprint.is_some() {
            return object.fingerprint;
        }
        let account = object.account;
        let pair = |info: &[u8]| self.fingerprint_of_pair(account, info);
        match (object.class, &object.material, &object.public_key_info) {
            (ObjectClass::PrivateKey, Material::None, _) => None,
            (ObjectClass::PrivateKey, _, Some(info)) => Some(pair(info)),
            (ObjectClass::PublicKey, Material::Public(info), _) => Some(pair(info)),
            (class, Material::Secret(value), _) if class.is_secret() => {
                Some(self.fingerprint_of_value(object, value.expose()))
            }
            (_, Material::Resident { hsm_id }, _) => {
                let pool = object.protection.to_string();
                let parts = [pool.as_bytes(), hsm_id];
                Some(self.vault.fingerprint(account, "resident", &parts))
            }
            (_, Material::Wrapped { blob }, _) => {
                Some(self.vault.fingerprint(account, "blob", &[blob]))
            }
            _ => None,
        }
    }

    /// The fingerprint of a pair, by its SubjectPublicKeyInfo. One key may be written in several ways.
    pub(super) fn fingerprint_of_pair(&self, account: AccountId, info: &[u8]) -> Fingerprint {
        let canonical = encoding::PublicKey::from_spki(info).and_then(|key| key.to_spki());
        let info = canonical.as_deref().unwrap_or(info);
        self.vault.fingerprint(account, "pair", &[info])
    }

    /// The fingerprint of bytes as they are.
    pub(super) fn fingerprint_of_value(&self, object: &Object, value: &[u8]) -> Fingerprint {
        self.vault.fingerprint(object.account, "value", &[value])
    }

    /// What is remembered of a value, in the store and in this process.
    pub(super) fn remembered(&self, fingerprint: Fingerprint) -> Result<Imprint> {
        let row = store::read(self.store.as_ref(), |reader| reader.imprint(fingerprint))?;
        let stored = row.map(|row| self.vault.imprint(&row)).transpose()?;
        let held = self.session_imprints.get(fingerprint);
        Ok(stored.unwrap_or_default().and(held.unwrap_or_default()))
    }

    /// Makes a session object remember its value.
    pub(super) fn hold_imprint(&self, object: &Object) -> Option<Arc<Held>> {
        if !is_hidden(object) {
            return None;
        }
        let fingerprint = self.fingerprint_of(object)?;
        let imprint = Imprint::of(&object.attributes);
        Some(self.session_imprints.hold(fingerprint, imprint))
    }

    /// Remembers in the store what leaves wrapped, and that its wrapping key wraps such. Unwrapped it may come
    /// back, to any process, as it is or in the form in which it was wrapped.
    pub(super) fn imprint_wrapped(
        &self,
        wrapping: &Loaded,
        target: &Loaded,
        form: &[u8],
    ) -> Result<()> {
        if !is_hidden(&target.object) {
            return Ok(());
        }
        let has_wrapped = Imprint {
            wrapped_hidden: true,
            ..Imprint::default()
        };
        self.imprint_stored(wrapping, has_wrapped, None)?;
        let form = self.fingerprint_of_value(&target.object, form);
        self.imprint_stored(target, Imprint::default(), Some(form))
    }

    /// Remembers in the store a key's value: as its attributes say and this process knows it, and `more`. `form` is the
    /// fingerprint of another form of it, which is as strict.
    pub(super) fn imprint_stored(
        &self,
        loaded: &Loaded,
        more: Imprint,
        form: Option<Fingerprint>,
    ) -> Result<()> {
        let object = &loaded.object;
        let held = loaded.held.as_deref();
        // Held until the store knows, so that no role is taken in between. No job of the store takes it.
        let memory = held.map(|held| held.imprint.lock().unwrap_or_else(PoisonError::into_inner));
        let mut imprint = more;
        if is_hidden(object) {
            imprint = imprint.and(Imprint::of(&object.attributes));
        }
        if let Some(memory) = &memory {
            imprint = imprint.and(**memory);
        }
        let whole = held.map_or_else(
            || self.fingerprint_of(object),
            |held| Some(held.fingerprint),
        );
        let mut wanted: Vec<_> = whole.map(|whole| (whole, imprint)).into_iter().collect();
        if let Some(form) = form.filter(|form| Some(*form) != whole) {
            let imprint = Imprint {
                role: None,
                ..imprint
            };
            wanted.push((form, imprint));
        }
        let missing = store::read(self.store.as_ref(), |reader| {
            self.missing(reader, &wanted).map(|rows| !rows.is_empty())
        })?;
        if !missing {
            return Ok(());
        }
        store::write(self.store.as_ref(), |transaction| {
            for (fingerprint, imprint) in self.missing(transaction, &wanted)? {
                transaction.put_imprint(&self.vault.imprint_row(fingerprint, &imprint)?)?;
            }
            Ok(())
        })
    }

    /// Which of these the store does not know yet, and what it is to know then.
    fn missing(
        &self,
        reader: &(impl Reader + ?Sized),
        wanted: &[(Fingerprint, Imprint)],
    ) -> Result<Vec<(Fingerprint, Imprint)>> {
        let mut missing = Vec::new();
        for &(fingerprint, imprint) in wanted {
            let known = match reader.imprint(fingerprint)? {
                Some(row) => Some(self.vault.imprint(&row)?),
                None => None,
            };
            let both = known.unwrap_or_default().and(imprint);
            if known != Some(both) {
                missing.push((fingerprint, both));
            }
        }
        Ok(missing)
    }

    /// Remembers the values of a store that was made before values were remembered. Once.
    pub(super) fn imprint_old_objects(&self) -> Result<()> {
        let done = |reader: &dyn Reader| Ok(reader.meta(META_IMPRINTED)?.is_some());
        if store::read(self.store.as_ref(), done)? {
            return Ok(());
        }
        let accounts = store::read(self.store.as_ref(), |reader| reader.accounts())?;
        for account in accounts {
            let query = store::ObjectQuery {
                account: Some(account.id),
                ..Default::default()
            };
            let ids = store::read(self.store.as_ref(), |reader| reader.objects(&query))?;
            for batch in ids.chunks(IMPRINT_BATCH) {
                store::write(self.store.as_ref(), |transaction| {
                    for id in batch {
                        let row = transaction.object(*id)?;
                        // A row that was changed from outside is refused when it is used.
                        if let Some(Ok(object)) = row.map(|row| self.vault.object(&row)) {
                            self.imprint_in(transaction, &object)?;
                        }
                    }
                    Ok(())
                })?;
            }
        }
        self.note_imprinted()
    }

    /// Notes that every object of the store has its imprint.
    pub(super) fn note_imprinted(&self) -> Result<()> {
        store::write(self.store.as_ref(), |transaction| {
            transaction.put_meta(META_IMPRINTED, &[])
        })
    }

    fn imprint_in(&self, transaction: &mut dyn Transaction, object: &Object) -> Result<()> {
        if !is_hidden(object) {
            return Ok(());
        }
        let Some(fingerprint) = self.fingerprint_of(object) else {
            return Ok(());
        };
        let wanted = [(fingerprint, Imprint::of(&object.attributes))];
        for (fingerprint, imprint) in self.missing(transaction, &wanted)? {
            transaction.put_imprint(&self.vault.imprint_row(fingerprint, &imprint)?)?;
        }
        Ok(())
    }
}

impl Change<'_> {
    /// Remembers the value of an object that is written.
    pub(super) fn imprint(&mut self, object: &Object) -> Result<()> {
        self.kms.imprint_in(self.transaction, object)
    }
}
