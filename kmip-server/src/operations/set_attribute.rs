//! Set Attribute (2.1 section 6.1.53).

use keybridge_kmip::operations::{SetAttributeRequest, SetAttributeResponse};

use crate::attributes::{Edit, edit};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: SetAttributeRequest,
    context: &mut Context<'_>,
) -> Result<SetAttributeResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let new = request
        .attribute
        .0
        .ok_or_else(|| Failure::invalid_message("no attribute is given"))?;
    edit(context, id, &Edit::Set(new)).map_err(Failure::read_only_attribute)?;
    Ok(SetAttributeResponse {
        unique_identifier: identifier(id),
    })
}
