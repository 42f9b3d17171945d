//! What a batch did so far, so that it can be taken back as a whole. Data only: [`crate::Kms::undo`] takes back.

use std::sync::{Mutex, PoisonError};

use crate::error::Result;
use crate::id::{AccountId, KeyId, ObjectId};
use crate::model::Intent;
use crate::store::{AccountRow, AliasRow, KeyRow, ObjectRow, PrincipalRow, Reader};

/// What the verbs of one batch did so far.
#[derive(Debug, Default)]
pub(crate) struct UndoLog(Mutex<Steps>);

/// What one verb did, or several.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    wanted: bool,
    /// Rows, in the order in which they were written.
    pub(crate) done: Vec<Step>,
    /// Keys that go from their HSMs when this is done, with what is noted of them in the store.
    pub(crate) doomed: Vec<(ObjectId, Intent)>,
}

/// One row, before and after.
#[derive(Debug)]
pub(crate) enum Step {
    Object {
        id: ObjectId,
        before: Option<ObjectRow>,
        after: Option<ObjectRow>,
    },
    Key {
        id: KeyId,
        before: Option<KeyRow>,
        after: Option<KeyRow>,
        aliases: Vec<AliasRow>,
    },
    Account {
        before: AccountRow,
        after: AccountRow,
    },
    Principal {
        before: PrincipalRow,
        after: PrincipalRow,
    },
}

impl UndoLog {
    /// Adds what a verb did.
    pub(crate) fn append(&self, mut steps: Steps) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.done.append(&mut steps.done);
        log.doomed.append(&mut steps.doomed);
    }

    /// All of it; nothing is left.
    pub(crate) fn take(&self) -> Steps {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Steps {
    /// Notes for a verb; none are taken when nobody wants to undo.
    pub(crate) fn new(wanted: bool) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// Whether this may be taken back.
    pub(crate) const fn may_be_undone(&self) -> bool {
        self.wanted
    }

    /// An object's row is about to be written or removed.
    pub(crate) fn object<R: Reader + ?Sized>(
        &mut self,
        reader: &R,
        id: ObjectId,
        after: Option<&ObjectRow>,
    ) -> Result<()> {
        if self.wanted {
            self.done.push(Step::Object {
                id,
                before: reader.object(id)?,
                after: after.cloned(),
            });
        }
        Ok(())
    }

    /// A key's row is about to be written or removed.
    pub(crate) fn key<R: Reader + ?Sized>(
        &mut self,
        reader: &R,
        account: AccountId,
        id: KeyId,
        after: Option<&KeyRow>,
    ) -> Result<()> {
        if self.wanted {
            let aliases = match after {
                Some(_) => Vec::new(),
                None => reader.aliases(account, Some(id))?,
            };
            self.done.push(Step::Key {
                id,
                before: reader.key(id)?,
                after: after.cloned(),
                aliases,
            });
        }
        Ok(())
    }

    /// An account's row is about to be written.
    pub(crate) fn account(&mut self, before: AccountRow, after: &AccountRow) {
        if self.wanted {
            self.done.push(Step::Account {
                before,
                after: after.clone(),
            });
        }
    }

    /// A principal's row is about to be written.
    pub(crate) fn principal(&mut self, before: PrincipalRow, after: &PrincipalRow) {
        if self.wanted {
            self.done.push(Step::Principal {
                before,
                after: after.clone(),
            });
        }
    }
}
