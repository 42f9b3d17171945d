//! Keys in HSMs: made before the transaction that writes their object, destroyed after the one that ends it.
//!
//! An HSM may hang, and knows no rollback; so none is called inside a write transaction ([`crate::exclusive`]). What the
//! two could disagree about is noted in the store as an [`Intent`], before a key is made and with the commit that
//! destroys one. A note that stays tells of a process that died in between, or of an HSM that did not answer, and
//! whoever comes next ends it. Every step may be done twice.

use std::collections::HashSet;
use std::sync::Arc;

use super::Kms;
use super::change::Change;
use super::create::new_object;
use crate::algorithm::KeySpec;
use crate::audit::Verb;
use crate::authorize::{Caller, Door, Origin};
use crate::error::{Error, Result};
use crate::id::{AccountId, ObjectId, PrincipalId};
use crate::model::{
    Aim, Attributes, GivenDates, Intent, Lifetime, Material, Object, ObjectClass, Protection, Role,
};
use crate::store::{self, Transaction};
use crate::time::Timestamp;

/// Seconds after which the making of a key, and a batch, is taken for cut off. HSMs take a minute or two for a large RSA
/// key; whoever is slower still is refused its commit, and removes its key itself.
const CUT_OFF_SECONDS: i64 = 600;

/// Seconds after which a process that destroys a key is taken for dead, or its HSM for away: until then nobody helps.
const UNFINISHED_SECONDS: i64 = 30;

/// Keys that a process removes, in passing, from an HSM that has just answered it.
const IN_PASSING: usize = 8;

impl Kms {
    /// Notes that a key is about to be made in an HSM. Nothing for what stays in the store or a session.
    pub(super) fn intend(
        &self,
        caller: &Caller,
        id: ObjectId,
        (protection, lifetime): (&Protection, Lifetime),
        spec: KeySpec,
    ) -> Result<()> {
        if *protection == Protection::Software || lifetime != Lifetime::Stored {
            return Ok(());
        }
        let intent = Intent {
            account: caller.account(),
            protection: protection.clone(),
            symmetric: !spec.is_asymmetric(),
            at: Timestamp::now(),
            aim: Aim::Make,
        };
        let row = self.vault.intent_row(id, &intent)?;
        store::write(self.store.as_ref(), |transaction| {
            transaction.put_intent(&row)
        })
    }

    /// Notes that nothing is left of a key that was to be made.
    pub(super) fn forget_intent(&self, id: ObjectId, protection: &Protection) {
        if *protection == Protection::Software {
            return;
        }
        if let Err(error) = self.forget(id) {
            tracing::warn!(object = %id, %error, "a key that was not made is still noted as under way");
        }
    }

    fn forget(&self, id: ObjectId) -> Result<bool> {
        store::write(self.store.as_ref(), |transaction| {
            transaction.delete_intent(id)
        })
    }

    /// What making a key in an HSM came to: when it failed, whether something may be left there.
    pub(super) fn made<T>(
        &self,
        id: ObjectId,
        protection: &Protection,
        made: Result<T>,
    ) -> Result<T> {
        match &made {
            Ok(_) => {
                #[cfg(test)]
                death::at("made");
                self.remove_in_passing(protection);
            }
            // Then nobody knows what is in the HSM: the note stays, and is followed up.
            Err(Error::HsmUnavailable { .. }) => {}
            Err(_) => self.forget_intent(id, protection),
        }
        made
    }

    /// Removes from their HSMs keys whose destruction is committed. What an HSM does not do now stays noted.
    pub(super) fn carry_out(&self, doomed: Vec<(ObjectId, Intent)>) {
        let mut answered = HashSet::new();
        let mut away = HashSet::new();
        for (id, intent) in doomed {
            if away.contains(&intent.protection) {
                continue;
            }
            #[cfg(test)]
            death::at("doomed");
            match self.remove(id, &intent) {
                Ok(()) => {
                    answered.insert(intent.protection);
                }
                Err(error) => {
                    tracing::warn!(
                        object = %id, %error,
                        "a destroyed key is still in its HSM, and goes as soon as that answers"
                    );
                    away.insert(intent.protection);
                }
            }
        }
        for protection in answered.difference(&away) {
            self.remove_in_passing(protection);
        }
    }

    /// Removes a key from its HSM, where it may be gone already, and its note.
    fn remove(&self, id: ObjectId, intent: &Intent) -> Result<()> {
        self.remove_from_hsm(id, intent)?;
        #[cfg(test)]
        death::at("removed");
        self.forget(id).map(drop)
    }

    fn remove_from_hsm(&self, id: ObjectId, intent: &Intent) -> Result<()> {
        let class = match intent.symmetric {
            true => ObjectClass::SecretKey,
            false => ObjectClass::PrivateKey,
        };
        let hsm_id = match &intent.aim {
            Aim::Make => id.as_bytes().to_vec(),
            Aim::Destroy { hsm_id } | Aim::DestroyLater { hsm_id } => hsm_id.clone(),
        };
        let bridge = internal_caller(intent.account);
        let (attributes, dates) = (Attributes::default(), GivenDates::default());
        let mut object = new_object(&bridge, id, class, attributes, dates);
        object.protection = intent.protection.clone();
        object.material = Material::Resident { hsm_id };
        self.engines.of(&object)?.destroy(&object)
    }

    /// Makes the destruction of what a batch destroyed final, and carries it out.
    pub(super) fn release(&self, mut doomed: Vec<(ObjectId, Intent)>) -> Result<()> {
        if doomed.is_empty() {
            return Ok(());
        }
        store::write(self.store.as_ref(), |transaction| {
            for (id, intent) in &mut doomed {
                self.make_final(transaction, *id, intent)?;
            }
            Ok(())
        })?;
        self.carry_out(doomed);
        Ok(())
    }

    /// From here on nobody makes the key, and nobody takes its destruction back.
    fn make_final(
        &self,
        transaction: &mut dyn Transaction,
        id: ObjectId,
        intent: &mut Intent,
    ) -> Result<()> {
        let hsm_id = match &mut intent.aim {
            Aim::Destroy { .. } => return Ok(()),
            Aim::Make => id.as_bytes().to_vec(),
            Aim::DestroyLater { hsm_id } => std::mem::take(hsm_id),
        };
        intent.aim = Aim::Destroy { hsm_id };
        transaction.put_intent(&self.vault.intent_row(id, intent)?)
    }

    /// How many keys may be in HSMs that are not in the store: made by processes that died, or destroyed while their HSM
    /// was away.
    ///
    /// # Errors
    /// Store errors.
    pub fn leftovers(&self) -> Result<usize> {
        let now = Timestamp::now();
        let left =
            |intent: &Intent| matches!(intent.aim, Aim::Destroy { .. }) || is_due(intent, now);
        Ok(self.intents_that(left)?.len())
    }

    fn intents_that(&self, fit: impl Fn(&Intent) -> bool) -> Result<Vec<(ObjectId, Intent)>> {
        let rows = store::read(self.store.as_ref(), |reader| reader.intents())?;
        let mut fitting = Vec::new();
        for row in rows {
            let intent = self.vault.intent(&row)?;
            if fit(&intent) {
                fitting.push((row.id, intent));
            }
        }
        Ok(fitting)
    }

    /// Removes from the HSMs what is left there: by processes that died while they made or destroyed keys, and while an HSM
    /// did not answer. Called by the server on its timer, and by `keybridge status`. Returns how many keys went.
    ///
    /// # Errors
    /// Store and HSM failures, after all that could be done; what could not be removed stays noted.
    pub fn remove_leftovers(&self) -> Result<usize> {
        self.remove_due(Timestamp::now())
    }

    pub(crate) fn remove_due(&self, now: Timestamp) -> Result<usize> {
        let mut done = 0;
        let mut away = HashSet::new();
        let mut first_failure = None;
        for (id, intent) in self.intents_that(|intent| is_due(intent, now))? {
            // An HSM that is away is asked once.
            if away.contains(&intent.protection) {
                continue;
            }
            match self.remove_leftover(id) {
                Ok(removed) => done += usize::from(removed),
                Err(error) => {
                    away.insert(intent.protection);
                    first_failure.get_or_insert(error);
                }
            }
        }
        first_failure.map_or(Ok(done), Err)
    }

    /// An HSM that has just answered is rid of what it did not remove when it was away. Nobody waits for many.
    fn remove_in_passing(&self, protection: &Protection) {
        if *protection == Protection::Software {
            return;
        }
        let now = Timestamp::now();
        let its = |intent: &Intent| intent.protection == *protection && is_due(intent, now);
        let removed = self.intents_that(its).and_then(|due| {
            let mut due = due.into_iter().take(IN_PASSING);
            due.try_for_each(|(id, _)| self.remove_leftover(id).map(drop))
        });
        if let Err(error) = removed {
            tracing::warn!(%error, "what is left over in an HSM could not be removed");
        }
    }

    /// False when somebody else has ended it.
    fn remove_leftover(&self, id: ObjectId) -> Result<bool> {
        let Some(intent) = self.claim(id)? else {
            return Ok(false);
        };
        self.remove_from_hsm(id, &intent)?;
        let bridge = internal_caller(intent.account);
        self.change(&bridge, Verb::Expire, |change| {
            change.record.object = Some(id);
            change.record.detail = format!("left over in {}", intent.protection);
            change.transaction.delete_intent(id)
        })
    }

    /// Takes it upon this process to remove a key, unless somebody else has done so.
    fn claim(&self, id: ObjectId) -> Result<Option<Intent>> {
        store::write(self.store.as_ref(), |transaction| {
            let Some(row) = transaction.intent(id)? else {
                return Ok(None);
            };
            let mut intent = self.vault.intent(&row)?;
            self.make_final(transaction, id, &mut intent)?;
            Ok(Some(intent))
        })
    }
}

/// Whether whoever was at it is so no more, so that anybody may end it.
fn is_due(intent: &Intent, now: Timestamp) -> bool {
    let patience = match intent.aim {
        Aim::Destroy { .. } => UNFINISHED_SECONDS,
        Aim::Make | Aim::DestroyLater { .. } => CUT_OFF_SECONDS,
    };
    intent.at <= now.plus_seconds(-patience)
}

/// The bridge itself, at work in an account.
pub(super) fn internal_caller(account: AccountId) -> Arc<Caller> {
    Arc::new(Caller::proven(
        account,
        PrincipalId::from_bytes([0; 16]),
        Role::Administrator,
        "bridge",
        "none",
        Origin::this_process(),
        Door::Internal,
    ))
}

impl Change<'_> {
    /// The commit that writes a key's object ends its making. Whoever took so long that somebody removed the key
    /// from the HSM as left over is refused.
    pub(super) fn fulfil_intent(&mut self, object: &Object) -> Result<()> {
        if !object.was_made_in_hsm() {
            return Ok(());
        }
        if self.aim(object.id)? == Some(Aim::Make) {
            return self.transaction.delete_intent(object.id).map(drop);
        }
        Err(Error::HsmUnavailable {
            pool: object.protection.to_string(),
            reason: "making the key took so long that it was removed as left over".into(),
        })
    }

    fn aim(&self, id: ObjectId) -> Result<Option<Aim>> {
        let row = self.transaction.intent(id)?;
        let intent = row.map(|row| self.kms.vault.intent(&row)).transpose()?;
        Ok(intent.map(|intent| intent.aim))
    }

    /// Destroys an object's material as far as the store goes. A key in an HSM goes from there after the commit, or after
    /// the batch.
    pub(super) fn doom(&mut self, object: &Object) -> Result<()> {
        let Material::Resident { hsm_id } = &object.material else {
            return Ok(());
        };
        // A pool that is not configured could never be asked.
        self.kms.engines.of(object)?;
        let hsm_id = hsm_id.clone();
        let intent = Intent {
            account: object.account,
            protection: object.protection.clone(),
            symmetric: object.class == ObjectClass::SecretKey,
            at: self.now,
            aim: match self.steps.may_be_undone() {
                true => Aim::DestroyLater { hsm_id },
                false => Aim::Destroy { hsm_id },
            },
        };
        let row = self.kms.vault.intent_row(object.id, &intent)?;
        self.transaction.put_intent(&row)?;
        self.steps.doomed.push((object.id, intent));
        Ok(())
    }

    /// [`Change::doom`] of what was made and is not kept: not of a copy, which shows another object's key.
    pub(super) fn doom_made(&mut self, object: &Object) -> Result<()> {
        match object.was_made_in_hsm() {
            true => self.doom(object),
            false => Ok(()),
        }
    }

    /// Takes a key's destruction back, while it waits for the end of its batch.
    pub(super) fn pardon(&mut self, id: ObjectId) -> Result<()> {
        match self.aim(id)? {
            Some(Aim::DestroyLater { .. }) => self.transaction.delete_intent(id).map(drop),
            _ => Err(Error::InvalidRequest(
                "a key of the batch is gone from its HSM already: it is not undone".into(),
            )),
        }
    }
}

/// Death between two steps, for tests: at the step that the environment names.
#[cfg(test)]
pub(crate) mod death {
    pub(crate) const AT: &str = "KEYBRIDGE_TEST_DIES_WHEN";

    pub(super) fn at(step: &str) {
        if std::env::var_os(AT).is_some_and(|wanted| wanted == step) {
            std::process::abort();
        }
    }
}
