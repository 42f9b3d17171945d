//! Get Attribute List (1.4 section 4.13; 2.1 section 6.1.21).

use keybridge_kmip::operations::{GetAttributeListRequest, GetAttributeListResponse};

use crate::attributes::names_of;
use crate::failure::Result;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: GetAttributeListRequest,
    context: &mut Context<'_>,
) -> Result<GetAttributeListResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    Ok(GetAttributeListResponse {
        unique_identifier: identifier(id),
        attribute_names: names_of(&object, context.version),
    })
}
