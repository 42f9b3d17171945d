//! Set Defaults (2.1 section 6.1.53): says what requests of KMIP may leave out about new objects of
//! the account. For administrators, as it is about everybody's objects.

use keybridge_kmip::Tag;
use keybridge_kmip::operations::{SetDefaultsRequest, SetDefaultsResponse};

use crate::attributes::conventions::{check_defaults, said_bytes};
use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(
    request: SetDefaultsRequest,
    context: &mut Context<'_>,
) -> Result<SetDefaultsResponse> {
    let said = match &request.defaults_information {
        Some(given) => {
            check_defaults(given)?;
            said_bytes(Tag::DefaultsInformation, given)?
        }
        // "The semantic is to remove all Object Defaults from the server."
        None => Vec::new(),
    };
    context.blocking(|kms, caller| kms.set_defaults(caller, said))?;
    Ok(SetDefaultsResponse::default())
}
