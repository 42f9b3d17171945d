//! Undo: a batch of verbs taken back as a whole (KMIP 1.4 section 6.13; 2.1 section 9.5).
//!
//! A caller made by [`Caller::undoable`] carries a log. Every changing verb appends the rows that it
//! wrote, as they were before and as they are after. [`Kms::undo`] writes the rows of before back, in
//! one transaction and with an audit row of its own. Two things are never taken back: uses counted
//! by Usage Limits, and that a value was handed out.

use std::collections::HashSet;
use std::sync::Arc;

use super::Kms;
use crate::audit::Verb;
use crate::authorize::Caller;
use crate::error::{Error, Result};
use crate::store::{Change as StoreChange, ObjectRow};
use crate::undo::{Step, Steps};

impl Kms {
    /// Takes back everything that this caller, made by [`Caller::undoable`], has changed.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] when somebody else has changed one of the objects meanwhile: then
    /// nothing is taken back. Store errors.
    pub fn undo(&self, caller: &Arc<Caller>) -> Result<()> {
        let Some(log) = caller.undo_log() else {
            return Ok(());
        };
        let steps = log.take();
        if steps.done.is_empty() {
            return Ok(());
        }
        self.change(caller, Verb::Undo, |change| {
            // The undoing itself is final.
            change.steps = Steps::default();
            for (id, _) in &steps.doomed {
                change.pardon(*id)?;
            }
            change.record.detail = format!("{} rows", steps.done.len());
            let (mut objects, mut keys) = (HashSet::new(), HashSet::new());
            let (mut account, mut principal) = (true, true);
            for step in steps.done.iter().rev() {
                match step {
                    Step::Object { id, before, after } => {
                        let now = change.transaction.object(*id)?;
                        // What this undoing has written itself is an older state of the batch.
                        unchanged(objects.insert(*id), &now, after)?;
                        match before {
                            Some(row) => {
                                let row = self.without_refund(row, now.as_ref())?;
                                change.transaction.put_object(&row)?;
                            }
                            None => {
                                if let Some(row) = now {
                                    change.doom_made(&self.vault.object(&row)?)?;
                                }
                                change.transaction.delete_object(*id)?;
                            }
                        }
                    }
                    Step::Key {
                        id,
                        before,
                        after,
                        aliases,
                    } => {
                        let now = change.transaction.key(*id)?;
                        unchanged(keys.insert(*id), &now, after)?;
                        match before {
                            Some(row) => {
                                change.transaction.put_key(row)?;
                                for object in self.vault.key(row)?.objects() {
                                    change.transaction.touch(StoreChange::Object(object))?;
                                }
                            }
                            None => change.transaction.delete_key(*id)?,
                        }
                        for alias in aliases {
                            change.transaction.put_alias(alias, false)?;
                        }
                    }
                    Step::Account { before, after } => {
                        let now = change.transaction.account(before.id)?;
                        let first = std::mem::replace(&mut account, false);
                        unchanged(first, &now, &Some(after.clone()))?;
                        change.transaction.put_account(before)?;
                    }
                    Step::Principal { before, after } => {
                        let now = change.transaction.principal(before.id)?;
                        let first = std::mem::replace(&mut principal, false);
                        unchanged(first, &now, &Some(after.clone()))?;
                        change.transaction.put_principal(before)?;
                    }
                }
            }
            Ok(())
        })
    }

    /// Ends a batch that is not to be undone any more: keys in HSMs whose destruction waited go now, or as soon as their HSM
    /// answers.
    ///
    /// # Errors
    /// Store errors; what is noted is followed up then, some minutes later.
    pub fn conclude(&self, caller: &Arc<Caller>) -> Result<()> {
        match caller.undo_log() {
            Some(log) => self.release(log.take().doomed),
            None => Ok(()),
        }
    }

    /// The row of before, but for what cannot be taken back.
    fn without_refund(&self, before: &ObjectRow, now: Option<&ObjectRow>) -> Result<ObjectRow> {
        let Some(now) = now else {
            return Ok(before.clone());
        };
        let (mut old, now) = (self.vault.object(before)?, self.vault.object(now)?);
        let mut changed = false;
        if let (Some(limits), Some(current)) = (
            &mut old.attributes.usage_limits,
            &now.attributes.usage_limits,
        ) && current.left < limits.left
        {
            limits.left = current.left;
            changed = true;
        }
        if old.fresh && !now.fresh {
            old.fresh = false;
            changed = true;
        }
        if changed {
            self.vault.object_row(&old)
        } else {
            Ok(before.clone())
        }
    }
}

/// What is undone must be as the batch left it.
fn unchanged<T: PartialEq>(first: bool, now: &Option<T>, after: &Option<T>) -> Result<()> {
    if !first || now == after {
        return Ok(());
    }
    Err(Error::InvalidRequest(
        "somebody else has changed an object of the batch: it is not undone".into(),
    ))
}
