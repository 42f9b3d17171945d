//! Check (1.4 section 4.10; 2.1 section 6.1.8): whether an object may be used as the client wants
//! to.

use keybridge_kmip::enums::{CryptographicUsageMask, ResultReason};
use keybridge_kmip::operations::{CheckRequest, CheckResponse};

use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(request: CheckRequest, context: &mut Context<'_>) -> Result<CheckResponse> {
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let mut response = CheckResponse {
        unique_identifier: identifier(id),
        usage_limits_count: None,
        cryptographic_usage_mask: None,
        lease_time: None,
    };
    if let Some(CryptographicUsageMask(wanted)) = request.cryptographic_usage_mask
        && object.attributes.usage.0 & wanted != wanted
    {
        let failure = Failure::by_version(
            ResultReason::PermissionDenied,
            ResultReason::IncompatibleCryptographicUsageMask,
            "the object's Cryptographic Usage Mask lacks a bit that is asked for",
        );
        if context.version.has_tagged_attributes() {
            return Err(failure);
        }
        // To 1.4, what the client asked for and may not do is returned with the failure.
        response.cryptographic_usage_mask = request.cryptographic_usage_mask;
        return Err(failure.with_payload(response.into()));
    }
    Ok(response)
}
