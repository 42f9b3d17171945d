//! Poll (1.4 section 4.28; 2.1 section 6.1.38) is answered by [`crate::deferred::poll`], because its
//! answer is that of the operation polled: this is for Query, which lists it.

use keybridge_core::Error;
use keybridge_kmip::operations::{PollRequest, PollResponse};

use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(_: PollRequest, _: &mut Context<'_>) -> Result<PollResponse> {
    Err(Error::Internal("Poll is answered before".into()).into())
}
