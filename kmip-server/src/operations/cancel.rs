//! Cancel (1.4 section 4.27; 2.1 section 6.1.5): an asynchronous operation is no longer wanted.

use keybridge_kmip::operations::{CancelRequest, CancelResponse};

use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(request: CancelRequest, context: &mut Context<'_>) -> Result<CancelResponse> {
    let value = request.asynchronous_correlation_value;
    let pending = &context.services().pending;
    let cancellation_result = context.inline(|_, caller| pending.cancel(caller, &value));
    Ok(CancelResponse {
        asynchronous_correlation_value: value,
        cancellation_result,
    })
}
