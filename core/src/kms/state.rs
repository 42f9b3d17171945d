//! The verbs of an object's lifecycle: activate, revoke, destroy, delete.

use std::sync::Arc;

use super::Kms;
use super::change::{Change, check_object};
use crate::audit::Verb;
use crate::authorize::Caller;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::lifecycle::{self, GateStep, Step};
use crate::model::{KeyVersion, Object, ObjectClass, ObjectState, RevocationReason};
use crate::time::Timestamp;

/// KMIP Revocation Reason Codes that mean compromise: Key Compromise and CA Compromise (KMIP 2.1 section 11.46).
const COMPROMISE_CODES: [u32; 2] = [2, 3];

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

impl Kms {
    /// KMIP Activate.
    ///
    /// # Errors
    /// [`Error::IllegalTransition`].
    pub fn activate(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<()> {
        self.change(caller, Verb::Activate, |change| {
            let mut object = change.object(object)?;
            let state = lifecycle::effective_state(object.state, &object.dates, change.now);
            object.state = lifecycle::after(state, Step::Activate)?;
            object.dates.activation = Some(change.now);
            change.put_object(&mut object)
        })
    }

    /// KMIP Revoke: to Compromised or Deactivated by the reason's code.
    ///
    /// # Errors
    /// [`Error::IllegalTransition`].
    pub fn revoke(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        reason: RevocationReason,
        compromise_occurrence: Option<Timestamp>,
    ) -> Result<()> {
        self.change(caller, Verb::Revoke, |change| {
            let mut object = change.object(object)?;
            change.record.detail = format!("reason code {}", reason.code);
            let state = lifecycle::effective_state(object.state, &object.dates, change.now);
            if COMPROMISE_CODES.contains(&reason.code) {
                object.state = lifecycle::after(state, Step::Compromise)?;
                object.dates.compromise = Some(change.now);
                object.dates.compromise_occurrence = compromise_occurrence.or(Some(change.now));
            } else {
                object.state = lifecycle::after(state, Step::Deactivate)?;
                object.dates.deactivation = Some(change.now);
            }
            object.revocation = Some(reason);
            change.put_object(&mut object)
        })
    }

    /// KMIP Archive: the object stays, and is not used until it is recovered. Of an archived object nothing
    /// changes.
    ///
    /// # Errors
    /// [`Error::NoMaterial`] for a destroyed object.
    pub fn archive(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<()> {
        self.change(caller, Verb::Archive, |change| {
            let mut object = change.object(object)?;
            if matches!(
                object.state,
                ObjectState::Destroyed | ObjectState::DestroyedCompromised
            ) {
                return Err(Error::ObjectState {
                    state: object.state,
                });
            }
            if !object.archived {
                object.archived = true;
                object.dates.archive = Some(change.now);
            }
            change.put_object(&mut object)
        })
    }

    /// KMIP Recover: brings an object back from the archive.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn recover(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<()> {
        self.change(caller, Verb::Recover, |change| {
            let mut object = change.object(object)?;
            object.archived = false;
            object.dates.archive = None;
            change.put_object(&mut object)
        })
    }

    /// KMIP Destroy: the material is gone when this returns (unless the account's deletion protection is on: then
    /// it is scheduled as by [`Kms::delete`]). Of a key in an HSM that does not answer it is out of everybody's reach
    /// here, and goes from there when the HSM answers ([`Kms::remove_leftovers`]).
    ///
    /// # Errors
    /// [`Error::IllegalTransition`] for an Active object: it is revoked first.
    pub fn destroy(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<()> {
        if self.account_by_id(caller.account())?.deletion_protection {
            return self.delete(caller, object);
        }
        self.change(caller, Verb::Destroy, |change| {
            let mut object = change.object(object)?;
            let state = lifecycle::effective_state(object.state, &object.dates, change.now);
            lifecycle::after(state, Step::Destroy)?;
            // Of the protection: somebody may have turned it on meanwhile.
            if !object.attributes.destroyable || change.is_protected()? {
                return Err(Error::ActionProhibited("destroyed"));
            }
            // While it has its key, whose copies may have the material too.
            change.destroy_material(&mut object)?;
            change.leave_key(&object)?;
            object.key = None;
            change.put_object(&mut object)
        })
    }

    /// `C_DestroyObject`. A stored secret or private key is scheduled for deletion with its key, or destroyed at
    /// once when the window is 0; anything else (public keys, certificates, data, session objects, and keys of which
    /// there is a copy) goes at once, as nothing is lost.
    ///
    /// # Errors
    /// [`Error::ActionProhibited`] for `CKA_DESTROYABLE` false.
    pub fn delete(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<()> {
        if let Some(loaded) = self.sessions.get(object) {
            self.refusable(caller, Verb::Delete, Some(object), || {
                check_object(caller, Verb::Delete, &loaded.object)?;
                check_destroyable(&loaded.object)
            })?;
            self.record_use(caller, Verb::Delete, Some(&loaded), None, "session")?;
            self.sessions.remove(object);
            return Ok(());
        }
        let window = self.settings.deletion.window_days;
        self.change(caller, Verb::Delete, |change| {
            let mut object = change.object(object)?;
            check_destroyable(&object)?;
            let scheduled = match object.class {
                ObjectClass::SecretKey | ObjectClass::PrivateKey => {
                    change.is_only_secret(&object)?
                }
                _ => false,
            };
            if !scheduled {
                change.record.detail = "at once".into();
                change.leave_key(&object)?;
                return change.remove_object(object.id);
            }
            if window == 0 {
                change.refuse_if_protected()?;
                change.record.detail = "at once".into();
                change.leave_key(&object)?;
                object.key = None;
                object.deletion = Some(change.now);
                return change.destroy_material(&mut object);
            }
            let at = change.now.plus_seconds(i64::from(window) * DAY);
            change.record.detail = format!("in {window} days");
            object.deletion = Some(at);
            change.put_object(&mut object)?;
            change.schedule_key(&object, at)
        })
    }
}

fn check_destroyable(object: &Object) -> Result<()> {
    if object.attributes.destroyable {
        Ok(())
    } else {
        Err(Error::ActionProhibited("destroyed"))
    }
}

impl Change<'_> {
    /// Whether an object is its version's secret key or private half, and there is no copy of it.
    fn is_only_secret(&self, object: &Object) -> Result<bool> {
        let Some(key) = object.key else {
            return Ok(true);
        };
        let Some(key) = self.key_unchecked(key)? else {
            return Ok(true);
        };
        let Some(version) = key.version(object.version) else {
            return Ok(true);
        };
        Ok(version.secret == Some(object.id) && self.copy_in(version, object.class)?.is_none())
    }

    /// A copy of that class in a version.
    pub(super) fn copy_in(
        &self,
        version: &KeyVersion,
        class: ObjectClass,
    ) -> Result<Option<ObjectId>> {
        for &copy in &version.copies {
            if self.object_unchecked(copy)?.class == class {
                return Ok(Some(copy));
            }
        }
        Ok(None)
    }

    /// Shuts the gate of an object's key until its deletion, unless other versions still have their
    /// material: then only this version goes.
    fn schedule_key(&mut self, object: &Object, at: Timestamp) -> Result<()> {
        let Some(id) = object.key else { return Ok(()) };
        let Some(mut key) = self.key_unchecked(id)? else {
            return Ok(());
        };
        let others: Vec<ObjectId> = key
            .versions
            .iter()
            .filter_map(|version| version.secret)
            .filter(|id| *id != object.id)
            .collect();
        for other in others {
            if self.object_unchecked(other)?.deletion.is_none() {
                key.deletion = Some(key.deletion.map_or(at, |earlier| earlier.min(at)));
                return self.put_key(&key);
            }
        }
        if let Ok(state) = lifecycle::gate_after(key.state, GateStep::ScheduleDeletion) {
            key.state = state;
        }
        key.deletion = Some(at);
        self.put_key(&key)
    }
}
