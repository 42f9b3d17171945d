//! Process (2.1 section 6.1.39): an asynchronous operation shall be finished now.

use keybridge_kmip::operations::{ProcessRequest, ProcessResponse};

use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(
    request: ProcessRequest,
    context: &mut Context<'_>,
) -> Result<ProcessResponse> {
    let value = request.asynchronous_correlation_value;
    let pending = &context.services().pending;
    context.blocking(|_, caller| pending.process(caller, &value))?;
    Ok(ProcessResponse::default())
}
