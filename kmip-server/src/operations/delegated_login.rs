//! Delegated Login (2.1 section 6.1.12): a ticket for somebody else, with rights.

use keybridge_kmip::operations::{DelegatedLoginRequest, DelegatedLoginResponse};

use crate::failure::Result;
use crate::processor::Context;
use crate::tickets::Wanted;

pub(super) fn handle(
    request: DelegatedLoginRequest,
    context: &mut Context<'_>,
) -> Result<DelegatedLoginResponse> {
    let ticket = context.issue_ticket(Wanted {
        lease: request.lease_time,
        requests: request.request_count,
        limits: request.usage_limits,
        rights: Some(request.rights),
    })?;
    Ok(DelegatedLoginResponse { ticket })
}
