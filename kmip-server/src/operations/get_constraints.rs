//! Get Constraints (2.1 section 6.1.22): what the account's new objects must be.

use keybridge_kmip::operations::{GetConstraintsRequest, GetConstraintsResponse};

use crate::attributes::conventions::said_of;
use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(
    _: GetConstraintsRequest,
    context: &mut Context<'_>,
) -> Result<GetConstraintsResponse> {
    let conventions = context.inline(|kms, caller| kms.conventions(caller))?;
    Ok(GetConstraintsResponse {
        constraints: said_of(&conventions.said_constraints)?,
    })
}
