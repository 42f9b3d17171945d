//! Usage Limits, counted: each use that protects takes from them, in a transaction of its own, before
//! anybody sees its result.

use std::sync::Arc;

use super::Kms;
use super::operate::Operation;
use crate::audit::Verb;
use crate::authorize::Caller;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::lifecycle;
use crate::mechanism::Purpose;
use crate::model::{Object, UsageLimits, UsageUnit};
use crate::time::Timestamp;

impl Kms {
    /// KMIP Get Usage Allocation: takes `units` from an object's Usage Limits, for uses outside the bridge.
    ///
    /// # Errors
    /// [`Error::UsageLimit`] when fewer are left, [`Error::InvalidRequest`] for an object without limits,
    /// those of the lifecycle for one that may not protect anything now.
    pub fn allocate_usage(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        units: u64,
    ) -> Result<UsageLimits> {
        self.change(caller, Verb::Allocate, |change| {
            let mut object = change.object(object)?;
            change.record.detail = format!("{units}");
            if object.archived {
                return Err(Error::Archived);
            }
            if let Some(key) = object.key
                && let Some(key) = change.key_unchecked(key)?
            {
                lifecycle::check_gate(key.state)?;
            }
            // Whatever it protects, the same states and dates hold.
            lifecycle::check_use(&object, Purpose::Encrypt, change.now)?;
            let limits = object.attributes.usage_limits.as_mut().ok_or_else(|| {
                Error::InvalidRequest("the object has no Usage Limits to allocate from".into())
            })?;
            limits.take(units)?;
            let left = *limits;
            let row = change.kms.vault.object_row(&object)?;
            change.write_object(&row)?;
            Ok(left)
        })
    }

    /// Counts one use of `bytes` bytes, if the key has limits and the use protects. `first` tells the first
    /// part of a use from the following.
    pub(super) fn count_use(&self, operation: &Operation, bytes: usize, first: bool) -> Result<()> {
        let object = operation.object();
        self.count(
            operation.caller(),
            object,
            operation.purpose(),
            bytes,
            first,
        )
    }

    /// [`Kms::count_use`] without an operation: of wrapping and derivation.
    pub(super) fn count(
        &self,
        caller: &Arc<Caller>,
        object: &Object,
        purpose: Purpose,
        bytes: usize,
        first: bool,
    ) -> Result<()> {
        let Some(limits) = &object.attributes.usage_limits else {
            return Ok(());
        };
        let units = match limits.unit {
            UsageUnit::Byte => bytes as u64,
            UsageUnit::Object => u64::from(first),
        };
        if !lifecycle::protects(purpose) || units == 0 {
            return Ok(());
        }
        let id = object.id;
        if object.lifetime != crate::model::Lifetime::Stored {
            return Ok(());
        }
        self.change(caller, purpose.verb(), |change| {
            let mut object = change.object(id)?;
            change.record.detail = format!("counted {units}");
            lifecycle::check_use(&object, purpose, Timestamp::now())?;
            if let Some(limits) = &mut object.attributes.usage_limits {
                limits.take(units)?;
                // Not a change that anybody asked for: the Last Change Date stays.
                let row = change.kms.vault.object_row(&object)?;
                change.write_object(&row)?;
            }
            Ok(())
        })
    }
}

/// Refuses at once what has nothing left.
pub(super) const fn check_left(object: &Object, purpose: Purpose) -> Result<()> {
    match &object.attributes.usage_limits {
        Some(limits) if limits.left == 0 && lifecycle::protects(purpose) => Err(limits.exceeded()),
        _ => Ok(()),
    }
}
