//! Archive (1.4 section 4.22; 2.1 section 6.1.4).

use keybridge_kmip::operations::{ArchiveRequest, ArchiveResponse};

use crate::failure::Result;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: ArchiveRequest,
    context: &mut Context<'_>,
) -> Result<ArchiveResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    context.blocking(|kms, caller| kms.archive(caller, id))?;
    Ok(ArchiveResponse {
        unique_identifier: identifier(id),
    })
}
