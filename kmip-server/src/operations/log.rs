//! Log (2.1 section 6.1.26): a client's words for the server's log.

use keybridge_kmip::operations::{LogRequest, LogResponse};

use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(request: LogRequest, context: &mut Context<'_>) -> Result<LogResponse> {
    let client = context.inline(|_, caller| caller.name().to_owned());
    // Debug form: a client must not be able to forge lines of the log.
    tracing::info!(client, message = ?request.log_message, "a client's message");
    Ok(LogResponse::default())
}
