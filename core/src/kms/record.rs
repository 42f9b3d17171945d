//! The audit's door of the key manager: recording, reading and proving.

use std::sync::Arc;

use super::Kms;
use super::cache::Loaded;
use crate::audit::{Filter, Record, Report, Use, Verb};
use crate::authorize::{Caller, authorize};
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::time::nanoseconds_now;

impl Kms {
    /// Records a use, or a refusal that had no effect, in this process's journal: no system call, no
    /// allocation.
    pub(super) fn record_use(
        &self,
        caller: &Caller,
        verb: Verb,
        target: Option<&Loaded>,
        error: Option<&Error>,
        mechanism: &'static str,
    ) -> Result<()> {
        self.audit.record_use(&Use {
            actor: caller.actor(),
            target: target.map(|loaded| &loaded.target),
            verb,
            mechanism: (!mechanism.is_empty()).then_some(mechanism),
            request: self.next_request(),
            result: error.map_or(0, Error::audit_code),
        })
    }

    /// [`Kms::record_use`] of an object by its identifier, as far as it is known here.
    pub(super) fn record_use_of(
        &self,
        caller: &Caller,
        verb: Verb,
        object: ObjectId,
        error: Option<&Error>,
        mechanism: &'static str,
    ) -> Result<()> {
        let target = self.load(object).ok();
        self.record_use(caller, verb, target.as_deref(), error, mechanism)
    }

    /// A record with everything that the caller tells.
    pub(super) fn new_record(&self, caller: &Caller, verb: Verb) -> Record {
        Record {
            time: nanoseconds_now(),
            request: self.next_request(),
            account: Some(caller.account()),
            principal: Some(caller.principal()),
            who: caller.name().to_owned(),
            credential: caller.credential().to_owned(),
            origin: caller.origin().to_string(),
            door: caller.door().to_string(),
            verb,
            object: None,
            key: None,
            version: 0,
            result: 0,
            detail: String::new(),
        }
    }

    /// Records a refused change. The refusal stands even where it cannot be recorded (the disk is full,
    /// which may be why it was refused): nothing was done, so no effect goes unrecorded.
    pub(super) fn record_refusal(&self, record: &Record) {
        if let Err(error) = self.audit.record(record) {
            tracing::warn!(verb = %record.verb, %error, "a refusal could not be recorded");
        }
    }

    /// The audit's records that fit, newest last; at most `limit`, the newest.
    ///
    /// # Errors
    /// [`Error::Denied`], store errors.
    pub fn audit_records(
        &self,
        caller: &Arc<Caller>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Record>> {
        self.admit(caller)?;
        authorize(caller, Verb::ReadAudit, None)?;
        let filter = Filter {
            account: Some(caller.account()),
            ..filter.clone()
        };
        self.audit.list(&filter, limit)
    }

    /// Proves the whole audit, of all accounts and processes: finds any row removed, changed or
    /// reordered.
    ///
    /// # Errors
    /// [`Error::Denied`], store errors. What is wrong with the audit is in the report.
    pub fn verify_audit(&self, caller: &Arc<Caller>) -> Result<Report> {
        self.admit(caller)?;
        authorize(caller, Verb::ReadAudit, None)?;
        // Journals are proven in place: folding them first would be refused where the chain's end was
        // changed, and say less than the report.
        self.audit.verify()
    }

    /// Folds this process's journal, and those of processes that died, into the store's chain. Called by doors
    /// when they close in good order; whatever is not folded then is folded by the next.
    ///
    /// # Errors
    /// Store errors; the journals stay as they are.
    pub fn fold_audit(&self) -> Result<()> {
        self.audit.fold()
    }
}
