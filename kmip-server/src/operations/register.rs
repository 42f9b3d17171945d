//! Register (1.4 section 4.3; 2.1 section 6.1.45): brings an object in, in the clear or wrapped.

use keybridge_kmip::enums::UniqueIdentifierEnumeration;
use keybridge_kmip::operations::{RegisterRequest, RegisterResponse};

use super::object_in::Incoming;
use super::query::protection;
use crate::attributes::Draft;
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: RegisterRequest,
    context: &mut Context<'_>,
) -> Result<RegisterResponse> {
    let object = request
        .object
        .0
        .ok_or_else(|| Failure::invalid_message("the object itself is missing"))?;
    // "Object Type does not match type of cryptographic object provided" (1.4 section 11.4).
    if object.object_type() != request.object_type {
        return Err(Failure::invalid_field(format!(
            "the Object Type is {}, the object a {}",
            request.object_type,
            object.object_type()
        )));
    }
    let incoming = Incoming {
        draft: Draft::of(context, &request.attributes)?,
        protection: protection(request.protection_storage_masks.as_ref(), context)?,
        key_wrap_type: None,
        imported: None,
    };
    let id = incoming.take(context, object)?;
    context.set_placeholder(Some(id));
    context.made(UniqueIdentifierEnumeration::Register, id);
    Ok(RegisterResponse {
        unique_identifier: identifier(id),
        template_attribute: None,
    })
}
