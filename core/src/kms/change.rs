//! A verb that changes something: its reads, its effects and its audit row in one transaction.

use std::sync::Arc;

use super::Kms;
use crate::audit::Record;
use crate::audit::Verb;
use crate::authorize::{Caller, Door, Resource, authorize};
use crate::error::{Error, Result};
use crate::id::{KeyId, ObjectId};
use crate::model::{Key, KeyVersion, Lifetime, Material, Object, ObjectClass, ObjectState};
use crate::store::{self, Change as StoreChange, ObjectRow, Transaction};
use crate::time::Timestamp;
use crate::undo::Steps;

/// The transaction of one verb, with who asked and what will stand in the audit.
pub(super) struct Change<'a> {
    pub(super) kms: &'a Kms,
    pub(super) transaction: &'a mut dyn Transaction,
    pub(super) caller: &'a Caller,
    pub(super) verb: Verb,
    pub(super) now: Timestamp,
    pub(super) record: Record,
    /// What it wrote, for a batch that may be undone.
    pub(super) steps: Steps,
}

impl Kms {
    /// Runs a changing verb. Success and failure are both recorded: success with the effect, failure alone.
    pub(super) fn change<T>(
        &self,
        caller: &Arc<Caller>,
        verb: Verb,
        job: impl FnOnce(&mut Change<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut touched = (None, None);
        let mut steps = Steps::default();
        let result = self.admit(caller).and_then(|_| {
            store::write(self.store.as_ref(), |transaction| {
                let mut change = Change {
                    kms: self,
                    transaction,
                    caller,
                    verb,
                    now: Timestamp::now(),
                    record: self.new_record(caller, verb),
                    steps: Steps::new(caller.undo_log().is_some()),
                };
                let done = job(&mut change);
                touched = (change.record.object, change.record.key);
                let value = done?;
                let Change {
                    transaction,
                    record,
                    steps: done,
                    ..
                } = change;
                self.audit.record_in(transaction, &record)?;
                steps = done;
                Ok(value)
            })
        });
        if result.is_ok() {
            match caller.undo_log().filter(|_| steps.may_be_undone()) {
                Some(log) => log.append(steps),
                None => self.carry_out(steps.doomed),
            }
        }
        if let Err(error) = &result {
            let mut record = self.new_record(caller, verb);
            (record.object, record.key) = touched;
            record.result = error.audit_code();
            record.detail = error.to_string();
            self.record_refusal(&record);
        }
        result
    }
}

/// Whether the door shows this object at all. PKCS#11 has neither objects without a value left nor objects
/// that an application has deleted.
pub(super) fn is_shown(caller: &Caller, object: &Object) -> bool {
    use crate::model::ObjectState::{Destroyed, DestroyedCompromised};
    caller.door() != Door::Pkcs11
        || (object.deletion.is_none() && !matches!(object.state, Destroyed | DestroyedCompromised))
}

/// Authorizes `verb` on an object; what the caller may not know of is not found.
pub(super) fn check_object(caller: &Caller, verb: Verb, object: &Object) -> Result<()> {
    if object.account != caller.account()
        || !object.lifetime.is_known_to(caller.application())
        || !is_shown(caller, object)
    {
        return Err(Error::no_object(object.id));
    }
    let resource = Resource {
        account: object.account,
        private: object.attributes.private,
        session: object.lifetime != Lifetime::Stored,
    };
    authorize(caller, verb, Some(&resource))
}

impl Change<'_> {
    /// Writes the record so far, and begins another, of the same verb on another object.
    pub(super) fn next_record(&mut self) -> Result<()> {
        self.kms.audit.record_in(self.transaction, &self.record)?;
        self.record = self.kms.new_record(self.caller, self.verb);
        Ok(())
    }

    /// Authorizes a verb that is not about one object or key.
    pub(super) fn authorize(&self) -> Result<()> {
        authorize(self.caller, self.verb, None)
    }

    /// The object, as this transaction sees it, authorized for this verb.
    pub(super) fn object(&mut self, id: ObjectId) -> Result<Object> {
        self.record.object = Some(id);
        let object = self.object_unchecked(id)?;
        check_object(self.caller, self.verb, &object)?;
        self.record.key = object.key;
        self.record.version = object.version;
        Ok(object)
    }

    /// The object, without asking who wants it: for objects that follow from an authorized one.
    pub(super) fn object_unchecked(&self, id: ObjectId) -> Result<Object> {
        let row = self
            .transaction
            .object(id)?
            .ok_or_else(|| Error::no_object(id))?;
        self.kms.vault.object(&row)
    }

    /// The key, authorized for this verb.
    pub(super) fn key(&mut self, id: KeyId) -> Result<Key> {
        self.record.key = Some(id);
        let not_found = || Error::NotFound {
            what: "key",
            name: id.to_string(),
        };
        let key = self.key_unchecked(id)?.ok_or_else(not_found)?;
        if key.account != self.caller.account() {
            return Err(not_found());
        }
        let resource = Resource::key(key.account);
        authorize(self.caller, self.verb, Some(&resource))?;
        Ok(key)
    }

    /// The key, without asking who wants it.
    pub(super) fn key_unchecked(&self, id: KeyId) -> Result<Option<Key>> {
        self.transaction
            .key(id)?
            .map(|row| self.kms.vault.key(&row))
            .transpose()
    }

    /// Whether the caller's account has its deletion protection on.
    pub(super) fn is_protected(&self) -> Result<bool> {
        let row = self.transaction.account(self.caller.account())?;
        let account = row.map(|row| self.kms.vault.account(&row)).transpose()?;
        Ok(account.is_some_and(|account| account.deletion_protection))
    }

    /// Refuses what destroys at once, where nothing does.
    pub(super) fn refuse_if_protected(&self) -> Result<()> {
        match self.is_protected()? {
            false => Ok(()),
            true => Err(Error::Denied(
                "the account's deletion protection is on".into(),
            )),
        }
    }

    /// Writes an object.
    pub(super) fn put_object(&mut self, object: &mut Object) -> Result<()> {
        object.dates.last_change = self.now;
        if !matches!(object.material, Material::None) {
            object.digest = None;
        }
        let row = self.kms.vault.object_row(object)?;
        let limit = self.kms.settings.limits.attribute_bytes;
        if row.record.len() > limit {
            return Err(Error::Limit {
                name: "attribute-bytes",
                limit: limit as u64,
            });
        }
        self.imprint(object)?;
        self.write_object(&row)
    }

    /// Writes an object's row; everything that writes one does it here.
    pub(super) fn write_object(&mut self, row: &ObjectRow) -> Result<()> {
        self.steps.object(self.transaction, row.id, Some(row))?;
        self.transaction.put_object(row)
    }

    /// Removes an object's row.
    pub(super) fn remove_object(&mut self, id: ObjectId) -> Result<()> {
        self.steps.object(self.transaction, id, None)?;
        self.transaction.delete_object(id)
    }

    /// Removes a key's row, and its aliases.
    pub(super) fn remove_key(&mut self, id: KeyId) -> Result<()> {
        self.steps
            .key(self.transaction, self.caller.account(), id, None)?;
        self.transaction.delete_key(id)
    }

    /// Adds an object that was not there before.
    pub(super) fn add_object(&mut self, object: &mut Object) -> Result<()> {
        let limit = self.kms.settings.limits.objects_per_account;
        if self.transaction.object_count(object.account)? >= limit {
            return Err(Error::Limit {
                name: "objects-per-account",
                limit,
            });
        }
        self.check_constraints(object)?;
        self.fulfil_intent(object)?;
        self.put_object(object)
    }

    /// Writes a key; caches of its objects go stale with it, as its gate stands before them all.
    pub(super) fn put_key(&mut self, key: &Key) -> Result<()> {
        let row = self.kms.vault.key_row(key)?;
        self.steps
            .key(self.transaction, key.account, key.id, Some(&row))?;
        self.transaction.put_key(&row)?;
        for object in key.objects() {
            self.transaction.touch(StoreChange::Object(object))?;
        }
        Ok(())
    }

    /// Destroys an object's material and notes it in the object: what is left is its description. From an HSM it goes
    /// after the commit.
    pub(super) fn destroy_material(&mut self, object: &mut Object) -> Result<()> {
        if !self.shares_material(object)? {
            self.doom(object)?;
        }
        let digest = super::load::digest(object);
        object.material = Material::None;
        object.dates.destroy = Some(self.now);
        object.state = match object.state {
            ObjectState::Compromised | ObjectState::DestroyedCompromised => {
                ObjectState::DestroyedCompromised
            }
            _ => ObjectState::Destroyed,
        };
        object.digest = digest.filter(|_| object.class.is_key());
        self.put_object(object)
    }

    /// Whether a copy of it is the same key in the HSM, which then has to stay.
    pub(super) fn shares_material(&self, object: &Object) -> Result<bool> {
        if !matches!(object.material, Material::Resident { .. }) {
            return Ok(false);
        }
        let Some(id) = object.key else {
            return Ok(false);
        };
        let Some(key) = self.key_unchecked(id)? else {
            return Ok(false);
        };
        for other in key.objects().filter(|id| *id != object.id) {
            if self.object_unchecked(other)?.material == object.material {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes an object out of its key; a key without objects goes with its last one.
    pub(super) fn leave_key(&mut self, object: &Object) -> Result<()> {
        let Some(id) = object.key else { return Ok(()) };
        let Some(mut key) = self.key_unchecked(id)? else {
            return Ok(());
        };
        for version in &mut key.versions {
            let (secret, public) = (version.secret, version.public);
            version.remove(object.id);
            // A copy of it takes its place.
            if secret == Some(object.id) {
                version.secret = self.take_copy(version, object.class)?;
            } else if public == Some(object.id) {
                version.public = self.take_copy(version, object.class)?;
            }
        }
        key.versions.retain(|version| !version.is_empty());
        if key.versions.is_empty() {
            return self.remove_key(id);
        }
        if key.primary_version().is_none() {
            key.primary = key
                .versions
                .iter()
                .map(|version| version.number)
                .max()
                .unwrap_or(0);
        }
        self.put_key(&key)
    }

    /// Takes a copy of that class out of a version's list, if there is one.
    fn take_copy(&self, version: &mut KeyVersion, class: ObjectClass) -> Result<Option<ObjectId>> {
        let copy = self.copy_in(version, class)?;
        version.copies.retain(|id| Some(*id) != copy);
        Ok(copy)
    }
}
