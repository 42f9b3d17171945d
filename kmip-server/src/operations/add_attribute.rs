//! Add Attribute (1.4 section 4.14; 2.1 section 6.1.2).

use keybridge_kmip::enums::ResultReason as R;
use keybridge_kmip::operations::{AddAttributeRequest, AddAttributeResponse};

use crate::attributes::{Edit, edit};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: AddAttributeRequest,
    context: &mut Context<'_>,
) -> Result<AddAttributeResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let new = request
        .attribute
        .0
        .ok_or_else(|| Failure::invalid_message("no attribute is given"))?;
    // "New attribute contains Attribute Index" (1.4 section 11.15): the server gives it.
    if new.index.is_some() {
        return Err(Failure::invalid_field(
            "a new attribute has no Attribute Index",
        ));
    }
    let echoed = edit(context, id, &Edit::Add(new)).map_err(in_its_words)?;
    Ok(AddAttributeResponse {
        unique_identifier: identifier(id),
        attribute: echoed.map(Into::into).unwrap_or_default(),
    })
}

/// Of what is wrong with a value this operation's table knows Invalid Field alone (2.1 section 6.1.2.1).
fn in_its_words(failure: Failure) -> Failure {
    failure
        .read_only_attribute()
        .renamed(R::InvalidAttributeValue, R::InvalidField)
}
