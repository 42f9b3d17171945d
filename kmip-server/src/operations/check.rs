//! Check (1.4 section 4.10; 2.1 section 6.1.7): whether an object may be used as the client wants
//! to.

use keybridge_core::ObjectClass;
use keybridge_kmip::enums::{CryptographicUsageMask, ResultReason};
use keybridge_kmip::operations::{CheckRequest, CheckResponse};

use crate::attributes::LEASE_SECONDS;
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(request: CheckRequest, context: &mut Context<'_>) -> Result<CheckResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    if object.class == ObjectClass::Template {
        return Err(Failure::by_version(
            ResultReason::IllegalOperation,
            ResultReason::InvalidObjectType,
            "a template is not used",
        ));
    }
    let mut response = CheckResponse {
        unique_identifier: Some(identifier(id)),
        usage_limits_count: None,
        cryptographic_usage_mask: None,
        lease_time: None,
    };
    let mut refused = None;
    let mut refuse = |legacy, modern, message: &str| {
        refused.get_or_insert_with(|| Failure::by_version(legacy, modern, message));
    };
    if let Some(CryptographicUsageMask(wanted)) = request.cryptographic_usage_mask
        && object.attributes.usage.0 & wanted != wanted
    {
        response.cryptographic_usage_mask = request.cryptographic_usage_mask;
        refuse(
            ResultReason::PermissionDenied,
            ResultReason::IncompatibleCryptographicUsageMask,
            "the object's Cryptographic Usage Mask lacks a bit that is asked for",
        );
    }
    // Without limits there is no amount that would be too much.
    if let (Some(wanted), Some(limits)) =
        (request.usage_limits_count, object.attributes.usage_limits)
        && u64::try_from(wanted).map_or(true, |wanted| wanted > limits.left)
    {
        response.usage_limits_count = request.usage_limits_count;
        refuse(
            ResultReason::PermissionDenied,
            ResultReason::UsageLimitExceeded,
            "fewer units than that are left of the object's Usage Limits",
        );
    }
    if let Some(wanted) = request.lease_time.filter(|wanted| wanted.0 > LEASE_SECONDS) {
        response.lease_time = Some(wanted);
        refuse(
            ResultReason::PermissionDenied,
            ResultReason::PermissionDenied,
            "leases are not that long",
        );
    }
    let Some(failure) = refused else {
        return Ok(response);
    };
    // "The server empties the ID Placeholder".
    context.set_placeholder(None);
    if context.version.has_tagged_attributes() {
        return Err(failure);
    }
    // To 1.4, what the client asked for and may not do is returned with the failure, in place of the identifier.
    response.unique_identifier = None;
    Err(failure.with_payload(response.into()))
}
