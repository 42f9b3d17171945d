//! Modify Attribute (1.4 section 4.15; 2.1 section 6.1.29).

use keybridge_kmip::operations::{ModifyAttributeRequest, ModifyAttributeResponse};

use crate::attributes::{Edit, Position, edit};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: ModifyAttributeRequest,
    context: &mut Context<'_>,
) -> Result<ModifyAttributeResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let new = request
        .attribute
        .0
        .ok_or_else(|| Failure::invalid_message("no attribute is given"))?;
    let position = if context.version.has_tagged_attributes() {
        match request.current_attribute.0 {
            Some(current) if current.name() != new.name() => {
                return Err(Failure::invalid_field(
                    "Current and New Attribute are different attributes",
                ));
            }
            Some(current) => Position::Value(current.value),
            None => Position::Only,
        }
    } else {
        // "If no Attribute Index is specified, the instance with index 0".
        Position::Index(new.index.unwrap_or(0))
    };
    let echoed = edit(context, id, &Edit::Modify(position, new))?;
    Ok(ModifyAttributeResponse {
        unique_identifier: identifier(id),
        attribute: echoed.map(Into::into).unwrap_or_default(),
    })
}
