//! Ping (2.1 section 6.1.31).

use keybridge_kmip::operations::{PingRequest, PingResponse};

use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(_: PingRequest, _: &mut Context<'_>) -> Result<PingResponse> {
    Ok(PingResponse::default())
}
