//! Destroy (1.4 section 4.21; 2.1 section 6.1.16).

use keybridge_kmip::operations::{DestroyRequest, DestroyResponse};

use crate::failure::Result;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: DestroyRequest,
    context: &mut Context<'_>,
) -> Result<DestroyResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    context.blocking(|kms, caller| kms.destroy(caller, id))?;
    Ok(DestroyResponse {
        unique_identifier: identifier(id),
    })
}
