//! What is agreed on for all of an account: constraints and defaults (KMIP 2.1 sections 6.1.22, 6.1.52 and 6.1.53), and
//! that nothing is destroyed at once.

use std::sync::Arc;

use super::Kms;
use super::change::Change;
use crate::audit::Verb;
use crate::authorize::{Caller, authorize};
use crate::error::{Error, Result};
use crate::model::{Account, Constraint, Conventions, Object};
use crate::store;

impl Kms {
    /// What the caller's account has agreed on for its new objects; nothing, for an account that there is not.
    ///
    /// # Errors
    /// [`Error::Denied`], store errors.
    pub fn conventions(&self, caller: &Arc<Caller>) -> Result<Arc<Conventions>> {
        authorize(caller, Verb::Inspect, None)?;
        self.admit(caller)?;
        let account = caller.account();
        if let Some(kept) = self.cache.conventions(account) {
            return Ok(kept);
        }
        let (number, row) = store::read(self.store.as_ref(), |reader| {
            Ok((reader.change_number()?, reader.account(account)?))
        })?;
        let Some(row) = row else {
            return Ok(Arc::default());
        };
        let conventions = Arc::new(self.vault.account(&row)?.conventions);
        self.cache.keep_conventions(number, account, &conventions);
        Ok(conventions)
    }

    /// Says what new objects of the account must be, instead of what was said before. `said` is the same in the
    /// words of the door.
    ///
    /// # Errors
    /// [`Error::Denied`] for all but administrators, [`Error::Limit`].
    pub fn set_constraints(
        &self,
        caller: &Arc<Caller>,
        constraints: Vec<Constraint>,
        said: Vec<u8>,
    ) -> Result<()> {
        let detail = format!("{} constraints", constraints.len());
        self.set_conventions(caller, Verb::SetConstraints, detail, |conventions| {
            conventions.constraints = constraints;
            conventions.said_constraints = said;
        })
    }

    /// Keeps a door's defaults for new objects of the account, instead of those before; without any, it has none.
    ///
    /// # Errors
    /// [`Error::Denied`] for all but administrators, [`Error::Limit`].
    pub fn set_defaults(&self, caller: &Arc<Caller>, said: Vec<u8>) -> Result<()> {
        let detail = format!("{} bytes", said.len());
        self.set_conventions(caller, Verb::SetDefaults, detail, |conventions| {
            conventions.defaults = said;
        })
    }

    fn set_conventions(
        &self,
        caller: &Arc<Caller>,
        verb: Verb,
        detail: String,
        edit: impl FnOnce(&mut Conventions),
    ) -> Result<()> {
        self.change(caller, verb, |change| {
            change.authorize()?;
            change.record.detail = detail;
            change.edit_account(|account| edit(&mut account.conventions))
        })
    }

    /// Lets nothing in the caller's account destroy material at once, or lets it again.
    ///
    /// # Errors
    /// [`Error::Denied`] for all but administrators.
    pub fn protect_account(&self, caller: &Arc<Caller>, on: bool) -> Result<()> {
        self.change(caller, Verb::ProtectAccount, |change| {
            change.authorize()?;
            change.record.detail = if on { "on" } else { "off" }.into();
            change.edit_account(|account| account.deletion_protection = on)
        })
    }
}

impl Change<'_> {
    /// Changes the caller's account.
    fn edit_account(&mut self, edit: impl FnOnce(&mut Account)) -> Result<()> {
        let id = self.caller.account();
        let before = self
            .transaction
            .account(id)?
            .ok_or_else(|| Error::NotFound {
                what: "account",
                name: id.to_string(),
            })?;
        let mut account = self.kms.vault.account(&before)?;
        edit(&mut account);
        let after = self.kms.vault.account_row(&account)?;
        let limit = self.kms.settings.limits.attribute_bytes;
        if after.record.len() > limit {
            return Err(Error::Limit {
                name: "attribute-bytes",
                limit: limit as u64,
            });
        }
        self.transaction.put_account(&after)?;
        self.steps.account(before, &after);
        Ok(())
    }

    /// Holds a new object against the account's constraints, as this transaction sees them.
    pub(super) fn check_constraints(&self, object: &Object) -> Result<()> {
        let Some(row) = self.transaction.account(object.account)? else {
            return Ok(());
        };
        let conventions = self.kms.vault.account(&row)?.conventions;
        let violated = conventions
            .constraints
            .iter()
            .find_map(|constraint| constraint.violated_by(object));
        match violated {
            None => Ok(()),
            Some(demand) => Err(Error::ConstraintViolated(format!("{demand:?}"))),
        }
    }
}
