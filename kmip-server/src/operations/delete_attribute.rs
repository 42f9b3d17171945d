//! Delete Attribute (1.4 section 4.16; 2.1 section 6.1.13).

use keybridge_kmip::attributes::AttributeName;
use keybridge_kmip::operations::{DeleteAttributeRequest, DeleteAttributeResponse};

use crate::attributes::{Edit, Position, edit};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: DeleteAttributeRequest,
    context: &mut Context<'_>,
) -> Result<DeleteAttributeResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let (name, position): (AttributeName, _) =
        match (request.current_attribute.0, request.attribute_name) {
            (Some(current), None) => (current.name(), Position::Value(current.value)),
            (None, Some(name)) if context.version.has_tagged_attributes() => (name, Position::All),
            (None, Some(name)) => (name, Position::Index(request.attribute_index.unwrap_or(0))),
            (Some(_), Some(_)) => {
                return Err(Failure::invalid_field(
                    "Current Attribute and Attribute Reference are both given",
                ));
            }
            (None, None) => return Err(Failure::invalid_message("no attribute is named")),
        };
    let deleted = edit(context, id, &Edit::Delete(name, position))?;
    Ok(DeleteAttributeResponse {
        unique_identifier: identifier(id),
        attribute: deleted.map(Into::into).unwrap_or_default(),
    })
}
