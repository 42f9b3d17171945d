//! Recover (1.4 section 4.23; 2.1 section 6.1.44).

use keybridge_kmip::operations::{RecoverRequest, RecoverResponse};

use crate::failure::Result;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: RecoverRequest,
    context: &mut Context<'_>,
) -> Result<RecoverResponse> {
    let id = context.object(request.unique_identifier.as_ref())?;
    context.blocking(|kms, caller| kms.recover(caller, id))?;
    // It is among those of which "the ID Placeholder is obtained" (1.4 section 4).
    context.set_placeholder(Some(id));
    Ok(RecoverResponse {
        unique_identifier: identifier(id),
    })
}
