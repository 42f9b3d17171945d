//! Tickets: what Login and Delegated Login return, and later requests show instead of another
//! credential (2.1 sections 6.1.12, 6.1.30, 6.1.31 and 7.39). Kept in memory: a server that starts
//! anew knows none.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::{digest, rand};
use keybridge_core::authorize::Origin;
use keybridge_core::time::Timestamp;
use keybridge_core::{Caller, Door, Error, Kms, ObjectId};
use keybridge_kmip::attributes::{UniqueIdentifier, UsageLimits};
use keybridge_kmip::enums::{Operation, ResultReason, TicketType, UsageLimitsUnit};
use keybridge_kmip::message::Ticket;
use keybridge_kmip::operations::delegated_login::{Objects, Right, Rights};
use keybridge_kmip::operations::login::LeaseLimit;

use crate::failure::{Failure, Result};

/// How long a ticket is good when its request does not say.
const LEASE_SECONDS: i64 = 3600;

/// The tickets that are good.
#[derive(Debug)]
pub struct Tickets {
    /// By SHA-256 of the ticket's value, so that memory that leaks gives no ticket away.
    kept: Mutex<HashMap<[u8; 32], Kept>>,
    longest: i64,
    per_client: usize,
}

#[derive(Debug)]
struct Kept {
    caller: Arc<Caller>,
    expires: Timestamp,
    requests: Option<u32>,
    grant: Arc<Grant>,
}

/// What the bearer of a ticket may do, besides what its giver may.
#[derive(Debug)]
pub struct Grant {
    left: Option<AtomicI64>,
    /// One of these must hold; none: everything.
    rights: Option<Vec<Allowed>>,
}

#[derive(Debug)]
struct Allowed {
    left: Option<AtomicI64>,
    operations: Option<Vec<Operation>>,
    objects: Option<Vec<ObjectId>>,
    groups: Option<Vec<String>>,
}

/// What a ticket is asked to be.
#[derive(Debug, Default)]
pub struct Wanted {
    /// How long it shall be good.
    pub lease: Option<LeaseLimit>,
    /// For how many requests.
    pub requests: Option<i32>,
    /// For how many operations.
    pub limits: Option<UsageLimits>,
    /// What for; none: everything.
    pub rights: Option<Rights>,
}

impl Tickets {
    /// No tickets yet; each to be good for at most `longest` seconds.
    #[must_use]
    pub fn new(longest: u32, per_client: usize) -> Self {
        Self {
            kept: Mutex::default(),
            longest: i64::from(longest),
            per_client,
        }
    }

    /// A new ticket for a caller.
    ///
    /// # Errors
    /// Invalid Field for a lease in the past or a unit that is not counted, Server Limit Exceeded.
    pub fn issue(&self, caller: &Arc<Caller>, wanted: Wanted) -> Result<Ticket> {
        let now = Timestamp::now();
        let expires = self.end(wanted.lease, now)?;
        let requests = match wanted.requests {
            None => None,
            Some(count) => Some(
                u32::try_from(count)
                    .ok()
                    .filter(|count| *count > 0)
                    .ok_or_else(|| Failure::invalid_field("a Request Count is at least 1"))?,
            ),
        };
        let grant = Grant {
            left: wanted.limits.as_ref().map(operations_of).transpose()?,
            rights: wanted.rights.map(allowed).transpose()?,
        };
        let mut value = vec![0; 32];
        rand::fill(&mut value)
            .map_err(|_| Failure::from(Error::Internal("the random generator failed".into())))?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, ticket| ticket.expires > now);
        let own = kept
            .values()
            .filter(|ticket| ticket.caller.principal() == caller.principal());
        if own.count() >= self.per_client {
            return Err(Failure::by_version(
                ResultReason::GeneralFailure,
                ResultReason::ServerLimitExceeded,
                format!(
                    "limit tickets-per-client = {} reached; server.limits.tickets-per-client changes it",
                    self.per_client
                ),
            ));
        }
        let ticket = Kept {
            caller: Arc::clone(caller),
            expires,
            requests,
            grant: Arc::new(grant),
        };
        kept.insert(name(&value), ticket);
        Ok(Ticket {
            ticket_type: TicketType::Login,
            ticket_value: value.into(),
        })
    }

    fn end(&self, lease: Option<LeaseLimit>, now: Timestamp) -> Result<Timestamp> {
        let seconds = match lease {
            None => LEASE_SECONDS,
            Some(LeaseLimit::Interval(seconds)) => i64::from(seconds),
            Some(LeaseLimit::DateTime(at)) => at.saturating_sub(now.0),
        };
        if seconds <= 0 {
            return Err(Failure::invalid_field("the Lease Time is over"));
        }
        Ok(now.plus_seconds(seconds.min(self.longest)))
    }

    /// Who shows this ticket, and what it may do; one request of the ticket is used up.
    ///
    /// # Errors
    /// Authentication Not Successful, also when its giver's own credential is no longer good.
    pub fn redeem(
        &self,
        ticket: &Ticket,
        kms: &Kms,
        origin: Origin,
    ) -> Result<(Arc<Caller>, Arc<Grant>)> {
        let (giver, grant) = self.take(ticket).ok_or_else(|| {
            Failure::new(
                ResultReason::AuthenticationNotSuccessful,
                "the ticket is not good, or not any more",
            )
        })?;
        let caller = kms.still_proven(&giver, origin, Door::Kmip)?;
        Ok((caller, grant))
    }

    fn take(&self, ticket: &Ticket) -> Option<(Arc<Caller>, Arc<Grant>)> {
        let name = name(&ticket.ticket_value);
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get_mut(&name)?;
        let used_up = kept.requests == Some(0) || kept.expires <= Timestamp::now();
        if used_up || ticket.ticket_type != TicketType::Login {
            return None;
        }
        if let Some(requests) = &mut kept.requests {
            *requests -= 1;
        }
        Some((Arc::clone(&kept.caller), Arc::clone(&kept.grant)))
    }

    /// Ends a ticket.
    ///
    /// # Errors
    /// Invalid Ticket.
    pub fn end_of(&self, ticket: &Ticket) -> Result<()> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match all.remove(&name(&ticket.ticket_value)) {
            Some(_) => Ok(()),
            None => Err(Failure::new(
                ResultReason::InvalidTicket,
                "there is no such ticket",
            )),
        }
    }
}

fn name(value: &[u8]) -> [u8; 32] {
    let mut name = [0; 32];
    name.copy_from_slice(digest::digest(&digest::SHA256, value).as_ref());
    name
}

fn operations_of(limits: &UsageLimits) -> Result<AtomicI64> {
    if limits.unit != UsageLimitsUnit::Object {
        return Err(Failure::not_supported(
            "a ticket's Usage Limits count operations (unit Object), not bytes",
        ));
    }
    Ok(AtomicI64::new(limits.count.unwrap_or(limits.total)))
}

fn identifiers(objects: Objects) -> Result<Vec<ObjectId>> {
    let names = objects.unique_identifiers.iter();
    names
        .map(|name| match name {
            UniqueIdentifier::Text(text) => text.parse().map_err(|_| Failure::no_object(text)),
            _ => Err(Failure::invalid_field(
                "Rights name their objects by Unique Identifier, in text",
            )),
        })
        .collect()
}

fn allowed(rights: Rights) -> Result<Vec<Allowed>> {
    let one = |right: Right| {
        Ok(Allowed {
            left: right.usage_limits.as_ref().map(operations_of).transpose()?,
            operations: right.operations.map(|list| list.operations),
            objects: right.objects.map(identifiers).transpose()?,
            groups: right.object_groups.map(|list| list.object_groups),
        })
    };
    rights.rights.into_iter().map(one).collect()
}

fn spend(left: Option<&AtomicI64>) -> bool {
    left.is_none_or(|left| {
        left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
            (left > 0).then(|| left - 1)
        })
        .is_ok()
    })
}

impl Grant {
    /// Whether it narrows what its bearer may do.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.rights.is_some()
    }

    /// Whether an operation may be done; true when it depends on its objects, each of which is then
    /// to be asked about with [`Grant::check_object`].
    ///
    /// # Errors
    /// Permission Denied; Usage Limit Exceeded.
    pub fn check_operation(&self, operation: Operation) -> Result<bool> {
        if !spend(self.left.as_ref()) {
            return Err(used_up());
        }
        let Some(rights) = &self.rights else {
            return Ok(false);
        };
        let fitting = || rights.iter().filter(|right| right.has(operation));
        let mut any = fitting().filter(|right| right.objects.is_none() && right.groups.is_none());
        if any.any(|right| spend(right.left.as_ref())) {
            return Ok(false);
        }
        if fitting().any(|right| right.objects.is_some() || right.groups.is_some())
            && !works_without_object(operation)
        {
            return Ok(true);
        }
        if fitting().next().is_some() && !works_without_object(operation) {
            return Err(used_up());
        }
        Err(denied())
    }

    /// Whether an operation may be done to an object of these groups.
    ///
    /// # Errors
    /// Permission Denied.
    pub fn check_object(
        &self,
        operation: Operation,
        id: ObjectId,
        groups: &[String],
    ) -> Result<()> {
        let allows = |right: &&Allowed| {
            let object = right.objects.as_ref();
            let group = right.groups.as_ref();
            right.has(operation)
                && object.is_none_or(|names| names.contains(&id))
                && group.is_none_or(|names| names.iter().any(|name| groups.contains(name)))
        };
        let mut rights = self.rights.iter().flatten().filter(allows);
        if rights.any(|right| spend(right.left.as_ref())) {
            Ok(())
        } else {
            Err(denied())
        }
    }
}

impl Allowed {
    fn has(&self, operation: Operation) -> bool {
        self.operations
            .as_ref()
            .is_none_or(|list| list.contains(&operation))
    }
}

/// Operations that do not name an object that is there: a right that is about objects does not
/// allow them.
fn works_without_object(operation: Operation) -> bool {
    use Operation as O;
    matches!(
        operation,
        O::Create
            | O::CreateKeyPair
            | O::CreateSplitKey
            | O::JoinSplitKey
            | O::Register
            | O::Import
            | O::Locate
            | O::Login
            | O::DelegatedLogin
            | O::RNGRetrieve
            | O::RNGSeed
            | O::Hash
            | O::Log
            | O::Interop
            | O::PKCS_11
            | O::SetDefaults
            | O::SetConstraints
            | O::GetConstraints
            | O::SetEndpointRole
            | O::QueryAsynchronousRequests
            | O::Poll
            | O::Process
            | O::Cancel
    )
}

fn denied() -> Failure {
    Failure::new(
        ResultReason::PermissionDenied,
        "the ticket's Rights do not allow it",
    )
}

fn used_up() -> Failure {
    Failure::new(
        ResultReason::UsageLimitExceeded,
        "the ticket's Usage Limits are used up",
    )
}
