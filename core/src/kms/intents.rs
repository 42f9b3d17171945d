//! Keys that a process was making in an HSM when it died: found by what it noted before, and removed.

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
    Attributes, GivenDates, Intent, Lifetime, Material, Object, ObjectClass, Protection, Role,
};
use crate::store;
use crate::time::Timestamp;

/// Seconds after which the making of a key is taken for cut off. HSMs take a minute or two for a large RSA key; whoever is
/// slower still is refused its commit, and removes its key itself.
const CUT_OFF_SECONDS: i64 = 600;

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
        let forgotten = store::write(self.store.as_ref(), |transaction| {
            transaction.delete_intent(id)
        });
        if let Err(error) = forgotten {
            tracing::warn!(object = %id, %error, "a key that was not made is still noted as under way");
        }
    }

    /// What making a key in an HSM came to: when it failed, whether something may be left there.
    pub(super) fn made<T>(
        &self,
        id: ObjectId,
        protection: &Protection,
        made: Result<T>,
    ) -> Result<T> {
        // Then nobody knows what is in the HSM: the note stays, and is followed up.
        if matches!(&made, Err(error) if !matches!(error, Error::HsmUnavailable { .. })) {
            self.forget_intent(id, protection);
        }
        made
    }

    /// Makes a key in an HSM and dies, an hour ago.
    #[cfg(test)]
    pub(crate) fn make_and_die(&self, caller: &Caller, request: &super::CreateKey) -> Result<()> {
        let intent = Intent {
            account: caller.account(),
            protection: request.protection.clone(),
            symmetric: !request.spec.is_asymmetric(),
            at: Timestamp::now().plus_seconds(-3600),
        };
        let id = ObjectId::random();
        let row = self.vault.intent_row(id, &intent)?;
        store::write(self.store.as_ref(), |transaction| {
            transaction.put_intent(&row)
        })?;
        let new = crate::engine::NewKey {
            id,
            spec: request.spec,
            attributes: &request.secret,
            public_exponent: None,
        };
        self.engines
            .by_protection(&request.protection)?
            .generate(&new)
            .map(drop)
    }

    /// How many keys may be left in HSMs by processes that died while they made them.
    ///
    /// # Errors
    /// Store errors.
    pub fn leftovers(&self) -> Result<usize> {
        Ok(self.cut_off()?.len())
    }

    fn cut_off(&self) -> Result<Vec<(ObjectId, Intent)>> {
        let latest = Timestamp::now().plus_seconds(-CUT_OFF_SECONDS);
        let rows = store::read(self.store.as_ref(), |reader| reader.intents())?;
        let mut cut_off = Vec::new();
        for row in rows {
            let intent = self.vault.intent(&row)?;
            if intent.at <= latest {
                cut_off.push((row.id, intent));
            }
        }
        Ok(cut_off)
    }

    /// Removes from the HSMs what processes left there that died while they made keys. Called by the server on its timer,
    /// and by `keybridge status`. Returns how many were followed up.
    ///
    /// # Errors
    /// Store and HSM failures; what could not be removed stays noted.
    pub fn remove_leftovers(&self) -> Result<usize> {
        let mut done = 0;
        for (id, intent) in self.cut_off()? {
            let bridge = internal_caller(intent.account);
            self.change(&bridge, Verb::Expire, |change| {
                change.remove_leftover(id, &intent)
            })?;
            done += 1;
        }
        Ok(done)
    }
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
        if !object.was_made_in_hsm() || self.transaction.delete_intent(object.id)? {
            return Ok(());
        }
        Err(Error::HsmUnavailable {
            pool: object.protection.to_string(),
            reason: "making the key took so long that it was removed as left over".into(),
        })
    }

    fn remove_leftover(&mut self, id: ObjectId, intent: &Intent) -> Result<()> {
        self.record.object = Some(id);
        self.record.detail = format!("left over in {}", intent.protection);
        // Somebody else was here first, or the key's object was written after all.
        if !self.transaction.delete_intent(id)? || self.transaction.object(id)?.is_some() {
            return Ok(());
        }
        let class = match intent.symmetric {
            true => ObjectClass::SecretKey,
            false => ObjectClass::PrivateKey,
        };
        let (attributes, dates) = (Attributes::default(), GivenDates::default());
        let mut object = new_object(self.caller, id, class, attributes, dates);
        object.protection = intent.protection.clone();
        object.material = Material::Resident {
            hsm_id: id.as_bytes().to_vec(),
        };
        self.kms.engines.of(&object)?.destroy(&object)
    }
}
