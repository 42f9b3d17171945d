//! Activate (1.4 section 4.19; 2.1 section 6.1.1).

use keybridge_core::{ObjectClass, ObjectId};
use keybridge_kmip::enums::ResultReason as R;
use keybridge_kmip::operations::{ActivateRequest, ActivateResponse};

use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

/// "Unique Identifier specifies a template or other object that is not able to be activated" (1.4 section
/// 11.20), or revoked (section 11.21).
///
/// # Errors
/// Illegal Operation.
pub(super) fn refuse_template(context: &Context<'_>, id: ObjectId, done: &str) -> Result<()> {
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    if object.class == ObjectClass::Template {
        return Err(Failure::by_version(
            R::IllegalOperation,
            R::InvalidObjectType,
            format!("a template cannot be {done}"),
        ));
    }
    Ok(())
}

pub(super) fn handle(
    request: ActivateRequest,
    context: &mut Context<'_>,
) -> Result<ActivateResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    refuse_template(context, id, "activated")?;
    context.blocking(|kms, caller| kms.activate(caller, id))?;
    Ok(ActivateResponse {
        unique_identifier: identifier(id),
    })
}
