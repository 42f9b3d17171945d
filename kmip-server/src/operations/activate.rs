//! Activate (1.4 section 4.19; 2.1 section 6.1.1).

use keybridge_kmip::operations::{ActivateRequest, ActivateResponse};

use crate::failure::Result;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: ActivateRequest,
    context: &mut Context<'_>,
) -> Result<ActivateResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    context.blocking(|kms, caller| kms.activate(caller, id))?;
    Ok(ActivateResponse {
        unique_identifier: identifier(id),
    })
}
