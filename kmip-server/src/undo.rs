//! The Batch Error Continuation Option Undo (1.4 section 6.13; 2.1 section 9.5): when an item of
//! the batch fails, what the items before it did is undone.
//!
//! Undone is what can be: an object that was made is destroyed, attributes get their old values. An
//! item that cannot be undone (Activate, Revoke, Destroy, Re-key, …) may only come last.

use std::cell::RefCell;

use keybridge_core::model::{Attributes, Dates, RevocationReason};
use keybridge_core::{Caller, Error, Kms, ObjectId};
use keybridge_kmip::enums::{Operation, RevocationReasonCode};
use std::sync::Arc;

/// What a batch did, if it is to be undone at a failure.
#[derive(Debug, Default)]
pub struct Undo {
    steps: Option<RefCell<Vec<Step>>>,
}

#[derive(Debug)]
enum Step {
    Made(ObjectId),
    Changed(ObjectId, Box<(Attributes, Dates)>),
}

impl Undo {
    /// Takes notes when `wanted`.
    #[must_use]
    pub fn new(wanted: bool) -> Self {
        Self {
            steps: wanted.then(RefCell::default),
        }
    }

    /// Whether the batch is to be undone at a failure.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.steps.is_some()
    }

    /// Notes that an object was made.
    pub fn made(&self, id: ObjectId) {
        if let Some(steps) = &self.steps {
            steps.borrow_mut().push(Step::Made(id));
        }
    }

    /// Notes an object's attributes before they are changed.
    ///
    /// # Errors
    /// When the object cannot be looked at.
    pub fn will_change(&self, kms: &Kms, caller: &Arc<Caller>, id: ObjectId) -> Result<(), Error> {
        if let Some(steps) = &self.steps {
            let object = kms.inspect(caller, id)?;
            let before = Box::new((object.attributes.clone(), object.dates));
            steps.borrow_mut().push(Step::Changed(id, before));
        }
        Ok(())
    }

    /// Undoes everything, the last first.
    ///
    /// # Errors
    /// The first failure; the rest is undone all the same.
    pub fn run(&self, kms: &Kms, caller: &Arc<Caller>) -> Result<(), Error> {
        let steps = self.steps.as_ref().map(RefCell::take).unwrap_or_default();
        let mut first = Ok(());
        for step in steps.iter().rev() {
            let undone = match step {
                Step::Made(id) => destroy(kms, caller, *id),
                Step::Changed(id, before) => restore(kms, caller, *id, before),
            };
            first = first.and(undone);
        }
        first
    }
}

fn destroy(kms: &Kms, caller: &Arc<Caller>, id: ObjectId) -> Result<(), Error> {
    match kms.destroy(caller, id) {
        Err(Error::IllegalTransition { .. }) => {
            // It was made active: that, too, is taken back.
            let RevocationReasonCode(code) = RevocationReasonCode::Unspecified;
            let reason = RevocationReason {
                code,
                message: Some("undone".into()),
            };
            kms.revoke(caller, id, reason, None)?;
            kms.destroy(caller, id)
        }
        other => other,
    }
}

fn restore(
    kms: &Kms,
    caller: &Arc<Caller>,
    id: ObjectId,
    (attributes, dates): &(Attributes, Dates),
) -> Result<(), Error> {
    let now = kms.inspect(caller, id)?;
    if now.attributes != *attributes {
        kms.modify(caller, id, &mut |current| {
            current.clone_from(attributes);
            Ok(())
        })?;
    }
    let given = |dates: &Dates| {
        [
            dates.activation,
            dates.process_start,
            dates.protect_stop,
            dates.deactivation,
        ]
    };
    if given(&now.dates) != given(dates) {
        kms.modify_dates(caller, id, &mut |current| {
            current.activation = dates.activation;
            current.process_start = dates.process_start;
            current.protect_stop = dates.protect_stop;
            current.deactivation = dates.deactivation;
            Ok(())
        })?;
    }
    Ok(())
}

/// Whether an operation can be undone: it makes an object, changes attributes, or changes nothing.
#[must_use]
pub const fn is_undoable(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::Activate
            | Operation::Revoke
            | Operation::Destroy
            | Operation::ReKey
            | Operation::ReKeyKeyPair
            | Operation::DeriveKey
            | Operation::Certify
            | Operation::ReCertify
            | Operation::Archive
            | Operation::Recover
            | Operation::Import
    )
}
