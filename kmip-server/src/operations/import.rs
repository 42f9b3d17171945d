//! Import (1.4 section 4.40; 2.1 section 6.1.25): brings an object in with its past.

use keybridge_kmip::attributes::{TemplateAttribute, UniqueIdentifier};
use keybridge_kmip::enums::UniqueIdentifierEnumeration;
use keybridge_kmip::operations::{ImportRequest, ImportResponse};

use super::object_in::Incoming;
use crate::attributes::Draft;
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(request: ImportRequest, context: &mut Context<'_>) -> Result<ImportResponse> {
    let object = request
        .object
        .0
        .ok_or_else(|| Failure::invalid_message("the object itself is missing"))?;
    if request
        .object_type
        .is_some_and(|kind| kind != object.object_type())
    {
        return Err(Failure::invalid_field(
            "the Object Type is not that of the object",
        ));
    }
    let given = TemplateAttribute::from(request.attributes.0);
    let (draft, mut imported) = Draft::imported(&given)?;
    // Identifiers of other servers' making are not the bridge's: "or assigned by the server".
    imported.id = match &request.unique_identifier {
        UniqueIdentifier::Text(text) => text.parse().ok(),
        _ => None,
    };
    imported.replace = request.replace_existing.unwrap_or(false);
    let incoming = Incoming {
        draft,
        protection: keybridge_core::Protection::Software,
        key_wrap_type: request.key_wrap_type,
        imported: Some(imported),
    };
    let id = incoming.take(context, object)?;
    context.set_placeholder(Some(id));
    context.made(UniqueIdentifierEnumeration::Import, id);
    Ok(ImportResponse {
        unique_identifier: identifier(id),
    })
}
