//! Logout (2.1 section 6.1.31): a ticket ends. Whoever shows it may end it.

use keybridge_kmip::operations::{LogoutRequest, LogoutResponse};

use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(request: LogoutRequest, context: &mut Context<'_>) -> Result<LogoutResponse> {
    context.services().tickets.end_of(&request.ticket)?;
    Ok(LogoutResponse::default())
}
