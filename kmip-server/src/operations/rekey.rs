//! Re-key (1.4 section 4.4; 2.1 section 6.1.46): a new primary version of the object's key.

use keybridge_core::{Error, ObjectId, kms::Created};
use keybridge_kmip::attributes::TemplateAttribute;
use keybridge_kmip::enums::{ResultReason, UniqueIdentifierEnumeration};
use keybridge_kmip::operations::{ReKeyRequest, ReKeyResponse};
use keybridge_kmip::wire::Interval;

use crate::attributes::{Edit, edit};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(request: ReKeyRequest, context: &mut Context<'_>) -> Result<ReKeyResponse> {
    let id = context.object(request.unique_identifier.as_ref())?;
    let created = rotate(context, id, request.offset)?;
    change(context, created.secret, request.attributes.as_ref())?;
    context.set_placeholder(Some(created.secret));
    context.made(UniqueIdentifierEnumeration::ReKey, created.secret);
    Ok(ReKeyResponse {
        unique_identifier: identifier(created.secret),
        template_attribute: None,
    })
}

/// Makes the new version.
pub(super) fn rotate(
    context: &Context<'_>,
    id: ObjectId,
    offset: Option<Interval>,
) -> Result<Created> {
    if offset.is_some() {
        return Err(Failure::not_supported(
            "dates by Offset: give the new key's dates, or none to use it at once",
        ));
    }
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let key = object.key.ok_or_else(|| {
        Failure::new(
            ResultReason::PermissionDenied,
            "the object is no key that can be re-keyed",
        )
    })?;
    Ok(context.blocking(|kms, caller| kms.rotate_key(caller, key))?)
}

/// Attributes that the request gives the new object differently.
pub(super) fn change(
    context: &Context<'_>,
    id: ObjectId,
    given: Option<&TemplateAttribute>,
) -> Result<()> {
    for attribute in given.into_iter().flat_map(|given| &given.attributes) {
        // The new key has what the old one had: a value given again replaces it, a new one is
        // added.
        let position = crate::attributes::Position::Only;
        let changed = edit(context, id, &Edit::Modify(position, attribute.clone()));
        if changed.is_err() {
            edit(context, id, &Edit::Add(attribute.clone()))?;
        }
    }
    Ok(())
}

/// The public half of a new version.
pub(super) fn public_half(created: &Created) -> Result<ObjectId> {
    created
        .public
        .ok_or_else(|| Error::Internal("a new version came without its public half".into()).into())
}
