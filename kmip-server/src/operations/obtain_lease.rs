//! Obtain Lease (1.4 section 4.17; 2.1 section 6.1.35): how long a client may use what it fetched
//! without asking again. The bridge keeps no leases: a change is obeyed at the next call anyway.

use keybridge_core::ObjectState;
use keybridge_kmip::enums::ResultReason;
use keybridge_kmip::operations::{ObtainLeaseRequest, ObtainLeaseResponse};
use keybridge_kmip::wire::{DateTime, Interval};

use crate::attributes::{LEASE_SECONDS, state_of};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: ObtainLeaseRequest,
    context: &mut Context<'_>,
) -> Result<ObtainLeaseResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    // "If the server determines that a new lease SHALL NOT be issued": for what is out of use.
    if matches!(
        state_of(&object),
        ObjectState::Compromised | ObjectState::Destroyed | ObjectState::DestroyedCompromised
    ) {
        return Err(Failure::new(
            ResultReason::PermissionDenied,
            "the object is out of use: no lease is granted",
        ));
    }
    Ok(ObtainLeaseResponse {
        unique_identifier: identifier(id),
        lease_time: Interval(LEASE_SECONDS),
        last_change_date: DateTime(object.dates.last_change.0),
    })
}
