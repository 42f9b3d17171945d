//! Create (1.4 section 4.1; 2.1 section 6.1.10).

use keybridge_core::kms::CreateKey;
use keybridge_kmip::enums::{ObjectType, UniqueIdentifierEnumeration};
use keybridge_kmip::operations::{CreateRequest, CreateResponse};

use super::query::protection;
use crate::attributes::Draft;
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(request: CreateRequest, context: &mut Context<'_>) -> Result<CreateResponse> {
    if request.object_type != ObjectType::SymmetricKey {
        return Err(Failure::invalid_field(format!(
            "objects of type {} are not created: register them, or use Create Key Pair",
            request.object_type
        )));
    }
    let draft = Draft::of(context, &request.attributes)?;
    let spec = draft.kind.to_create(false)?;
    draft.check_quantum_safe(spec)?;
    let mut key = CreateKey::new(spec);
    key.protection = protection(request.protection_storage_masks.as_ref(), context)?;
    key.secret = draft.attributes;
    key.dates = draft.dates;
    let created = context.blocking(|kms, caller| kms.create_key(caller, key))?;
    context.set_placeholder(Some(created.secret));
    context.made(UniqueIdentifierEnumeration::Create, created.secret);
    Ok(CreateResponse {
        object_type: request.object_type,
        unique_identifier: identifier(created.secret),
        template_attribute: None,
    })
}
