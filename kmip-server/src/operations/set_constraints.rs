//! Set Constraints (2.1 section 6.1.52): says what the account's new objects must be, through every
//! door. For administrators, as it is about everybody's objects.

use keybridge_kmip::Tag;
use keybridge_kmip::operations::{SetConstraintsRequest, SetConstraintsResponse};

use crate::attributes::conventions::{constraints, said_bytes};
use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(
    request: SetConstraintsRequest,
    context: &mut Context<'_>,
) -> Result<SetConstraintsResponse> {
    let wanted = constraints(&request.constraints)?;
    let said = said_bytes(Tag::Constraints, &request.constraints)?;
    context.blocking(|kms, caller| kms.set_constraints(caller, wanted, said))?;
    Ok(SetConstraintsResponse::default())
}
