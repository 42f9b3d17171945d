//! Keys as a whole: the gate, scheduled deletion, aliases and tags.

use std::collections::HashSet;
use std::sync::Arc;

use super::Kms;
use super::change::Change;
use super::intents::internal_caller;
use super::state::DAY;
use crate::audit::Verb;
use crate::authorize::{Caller, Resource, authorize};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::lifecycle::{self, GateStep};
use crate::model::{Alias, Key, KeyState, Material};
use crate::store;
use crate::time::Timestamp;

/// Bytes of a tag's name and of its value, and tags a key may have.
const TAG_BYTES: usize = 256;
const TAGS: usize = 50;

/// Keys whose deletion is executed in one transaction.
const DUE_BATCH: usize = 100;

impl Kms {
    /// The key that an identifier, an alias or an unambiguous name means.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::InvalidRequest`] for a name that several keys have.
    pub fn resolve_key(&self, caller: &Arc<Caller>, text: &str) -> Result<KeyId> {
        let account = caller.account();
        let resource = Resource::key(account);
        self.admit(caller)?;
        authorize(caller, Verb::Inspect, Some(&resource))?;
        let not_found = || Error::NotFound {
            what: "key",
            name: text.to_owned(),
        };
        store::read(self.store.as_ref(), |reader| {
            if let Ok(id) = text.parse::<KeyId>() {
                let row = reader.key(id)?.filter(|row| row.account == account);
                return row.map(|row| row.id).ok_or_else(not_found);
            }
            if let Some(row) = reader.alias(account, text.strip_prefix("alias/").unwrap_or(text))? {
                return self.vault.alias(&row).map(|alias| alias.key);
            }
            let named = reader.keys(account, Some(text), 0, 2)?;
            match named.as_slice() {
                [] => Err(not_found()),
                [row] => Ok(row.id),
                _ => Err(Error::InvalidRequest(format!(
                    "several keys are named {text:?}; name one by its identifier or give it an alias"
                ))),
            }
        })
    }

    /// A key.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn key(&self, caller: &Arc<Caller>, key: KeyId) -> Result<Key> {
        let not_found = || Error::NotFound {
            what: "key",
            name: key.to_string(),
        };
        let row = store::read(self.store.as_ref(), |reader| reader.key(key))?
            .filter(|row| row.account == caller.account())
            .ok_or_else(not_found)?;
        let resource = Resource::key(row.account);
        self.admit(caller)?;
        authorize(caller, Verb::Inspect, Some(&resource))?;
        self.vault.key(&row)
    }

    /// Keys of the account, in order of creation.
    ///
    /// # Errors
    /// [`Error::Denied`], store errors.
    pub fn keys(&self, caller: &Arc<Caller>, offset: usize, limit: usize) -> Result<Vec<Key>> {
        let resource = Resource::key(caller.account());
        self.admit(caller)?;
        authorize(caller, Verb::Find, Some(&resource))?;
        let limit = limit.min(self.settings.limits.found_objects);
        let rows = store::read(self.store.as_ref(), |reader| {
            reader.keys(caller.account(), None, offset, limit)
        })?;
        rows.iter().map(|row| self.vault.key(row)).collect()
    }

    /// Opens the gate.
    ///
    /// # Errors
    /// [`Error::IllegalKeyTransition`].
    pub fn enable_key(&self, caller: &Arc<Caller>, key: KeyId) -> Result<()> {
        self.move_gate(caller, Verb::Enable, key, GateStep::Enable)
    }

    /// Shuts the gate, for every door and process at its next call.
    ///
    /// # Errors
    /// [`Error::IllegalKeyTransition`].
    pub fn disable_key(&self, caller: &Arc<Caller>, key: KeyId) -> Result<()> {
        self.move_gate(caller, Verb::Disable, key, GateStep::Disable)
    }

    fn move_gate(
        &self,
        caller: &Arc<Caller>,
        verb: Verb,
        key: KeyId,
        step: GateStep,
    ) -> Result<()> {
        self.change(caller, verb, |change| {
            let mut key = change.key(key)?;
            key.state = lifecycle::gate_after(key.state, step)?;
            change.record.detail = format!("{:?}", key.name);
            change.put_key(&key)
        })
    }

    /// Schedules the key's destruction; `days` none means the configured window, 0 is at once. Returns when.
    ///
    /// # Errors
    /// [`Error::IllegalKeyTransition`].
    pub fn schedule_key_deletion(
        &self,
        caller: &Arc<Caller>,
        key: KeyId,
        days: Option<u32>,
    ) -> Result<Timestamp> {
        let days = days.unwrap_or(self.settings.deletion.window_days);
        let at = self.change(caller, Verb::Delete, |change| {
            let mut key = change.key(key)?;
            key.state = lifecycle::gate_after(key.state, GateStep::ScheduleDeletion)?;
            if days == 0 {
                change.refuse_if_protected()?;
            }
            let at = change.now.plus_seconds(i64::from(days) * DAY);
            key.deletion = Some(at);
            change.record.detail = format!("{:?} in {days} days", key.name);
            for id in key.objects() {
                let mut object = change.object_unchecked(id)?;
                object.deletion = Some(at);
                change.put_object(&mut object)?;
            }
            change.put_key(&key)?;
            Ok(at)
        })?;
        if days == 0 {
            self.run_due_deletions()?;
        }
        Ok(at)
    }

    /// Takes a scheduled deletion back, of the key and of every object that an application deleted: the key is
    /// Disabled then.
    ///
    /// # Errors
    /// [`Error::IllegalKeyTransition`].
    pub fn cancel_key_deletion(&self, caller: &Arc<Caller>, key: KeyId) -> Result<()> {
        self.change(caller, Verb::CancelDelete, |change| {
            let mut key = change.key(key)?;
            if key.state == KeyState::PendingDeletion {
                let mut has_material = false;
                for id in key.objects() {
                    has_material |=
                        !matches!(change.object_unchecked(id)?.material, Material::None);
                }
                key.state =
                    lifecycle::gate_after(key.state, GateStep::CancelDeletion { has_material })?;
            } else if key.deletion.is_none() {
                return Err(Error::IllegalKeyTransition {
                    from: key.state,
                    verb: "saved from deletion",
                });
            }
            key.deletion = None;
            change.record.detail = format!("{:?}", key.name);
            for id in key.objects() {
                let mut object = change.object_unchecked(id)?;
                if object.deletion.take().is_some() {
                    change.put_object(&mut object)?;
                }
            }
            change.put_key(&key)
        })
    }

    /// Destroys what is due. Called by the server on a timer and at every open; a key is destroyed exactly once,
    /// also when several processes do this at the same time. Returns how many keys were due.
    ///
    /// # Errors
    /// Store failures; what was due stays due then.
    pub fn run_due_deletions(&self) -> Result<usize> {
        let mut done = 0;
        let mut failed = HashSet::new();
        let mut first_failure = None;
        loop {
            let now = Timestamp::now();
            // Those that failed are still due: they stand before the rest again.
            let due = store::read(self.store.as_ref(), |reader| {
                reader.keys_due(now.0, DUE_BATCH + failed.len())
            })?;
            let mut more = false;
            for row in due {
                if failed.contains(&row.id) {
                    continue;
                }
                more = true;
                let bridge = internal_caller(row.account);
                match self.change(&bridge, Verb::Expire, |change| change.destroy_due(row.id)) {
                    Ok(()) => done += 1,
                    // One that cannot be destroyed does not keep the others.
                    Err(error) => {
                        failed.insert(row.id);
                        first_failure.get_or_insert(error);
                    }
                }
            }
            if !more {
                return first_failure.map_or(Ok(done), Err);
            }
        }
    }

    /// Points an alias to a key; an alias that points to another key moves only with `replace`.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::InvalidRequest`] for a name of more than 255 characters.
    pub fn set_alias(
        &self,
        caller: &Arc<Caller>,
        alias: &str,
        key: KeyId,
        replace: bool,
    ) -> Result<()> {
        self.change(caller, Verb::Alias, |change| {
            let alias = alias.strip_prefix("alias/").unwrap_or(alias);
            if alias.is_empty() || alias.chars().count() > 255 {
                return Err(Error::InvalidRequest(
                    "an alias has 1 to 255 characters".into(),
                ));
            }
            let key = change.key(key)?;
            change.record.detail = alias.to_owned();
            let alias = Alias {
                account: key.account,
                name: alias.to_owned(),
                key: key.id,
            };
            let row = change.kms.vault.alias_row(&alias)?;
            change.transaction.put_alias(&row, replace)
        })
    }

    /// Removes an alias.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete_alias(&self, caller: &Arc<Caller>, alias: &str) -> Result<()> {
        self.change(caller, Verb::Alias, |change| {
            change.authorize()?;
            let alias = alias.strip_prefix("alias/").unwrap_or(alias);
            change.record.detail = format!("remove {alias}");
            if change
                .transaction
                .delete_alias(change.caller.account(), alias)?
            {
                Ok(())
            } else {
                Err(Error::NotFound {
                    what: "alias",
                    name: alias.to_owned(),
                })
            }
        })
    }

    /// Aliases, of one key if given.
    ///
    /// # Errors
    /// [`Error::Denied`], store errors.
    pub fn aliases(&self, caller: &Arc<Caller>, key: Option<KeyId>) -> Result<Vec<Alias>> {
        let account = caller.account();
        self.admit(caller)?;
        authorize(caller, Verb::Find, Some(&Resource::key(account)))?;
        let rows = store::read(self.store.as_ref(), |reader| reader.aliases(account, key))?;
        rows.iter().map(|row| self.vault.alias(row)).collect()
    }

    /// Sets (some) or removes (none) a tag.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] for tags too long or too many.
    pub fn tag_key(
        &self,
        caller: &Arc<Caller>,
        key: KeyId,
        tag: &str,
        value: Option<&str>,
    ) -> Result<()> {
        self.change(caller, Verb::Tag, |change| {
            let mut key = change.key(key)?;
            change.record.detail = tag.to_owned();
            if tag.is_empty()
                || tag.len() > TAG_BYTES
                || value.is_some_and(|value| value.len() > TAG_BYTES)
            {
                return Err(Error::InvalidRequest(format!(
                    "a tag and its value have 1 to {TAG_BYTES} bytes"
                )));
            }
            match value {
                Some(value) => {
                    key.tags.insert(tag.to_owned(), value.to_owned());
                }
                None if key.tags.remove(tag).is_none() => {
                    return Err(Error::NotFound {
                        what: "tag",
                        name: tag.to_owned(),
                    });
                }
                None => {}
            }
            if key.tags.len() > TAGS {
                return Err(Error::InvalidRequest(format!(
                    "a key has at most {TAGS} tags"
                )));
            }
            change.put_key(&key)
        })
    }
}

impl Change<'_> {
    /// Destroys what is due of one key, if another process has not done so already.
    fn destroy_due(&mut self, id: KeyId) -> Result<()> {
        self.record.key = Some(id);
        let Some(key) = self.key_unchecked(id)? else {
            return Ok(());
        };
        if key.deletion.is_none_or(|at| at > self.now) {
            return Ok(());
        }
        self.record.detail = format!("{:?}", key.name);
        let whole = key.state == KeyState::PendingDeletion;
        let mut later: Option<Timestamp> = None;
        let mut left = key.clone();
        for object in key.objects() {
            let mut object = self.object_unchecked(object)?;
            match object.deletion {
                Some(at) if !whole && at > self.now => {
                    later = Some(later.map_or(at, |earlier| earlier.min(at)));
                }
                None if !whole => {}
                _ => {
                    for version in &mut left.versions {
                        version.remove(object.id);
                    }
                    object.deletion = object.deletion.or(Some(self.now));
                    // While it has its key, whose copies may have the material too.
                    self.destroy_material(&mut object)?;
                    object.key = None;
                    self.put_object(&mut object)?;
                }
            }
        }
        left.versions.retain(|version| !version.is_empty());
        if left.versions.is_empty() {
            return self.remove_key(id);
        }
        left.deletion = later;
        self.put_key(&left)
    }
}
