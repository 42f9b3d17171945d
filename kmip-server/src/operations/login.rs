//! Login (2.1 section 6.1.30): a ticket for later requests.

use keybridge_kmip::operations::{LoginRequest, LoginResponse};

use crate::failure::Result;
use crate::processor::Context;
use crate::tickets::Wanted;

pub(super) fn handle(request: LoginRequest, context: &mut Context<'_>) -> Result<LoginResponse> {
    let ticket = context.issue_ticket(Wanted {
        lease: request.lease_time,
        requests: request.request_count,
        limits: request.usage_limits,
        rights: None,
    })?;
    Ok(LoginResponse { ticket })
}
