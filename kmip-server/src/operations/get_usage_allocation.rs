//! Get Usage Allocation (1.4 section 4.18; 2.1 section 6.1.23): takes from an object's Usage Limits,
//! for what the client will protect itself.

use keybridge_core::Error;
use keybridge_kmip::enums::ResultReason as R;
use keybridge_kmip::operations::{GetUsageAllocationRequest, GetUsageAllocationResponse};

use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: GetUsageAllocationRequest,
    context: &mut Context<'_>,
) -> Result<GetUsageAllocationResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let units = u64::try_from(request.usage_limits_count)
        .map_err(|_| Failure::invalid_field("the Usage Limits Count is negative"))?;
    let taken = context.blocking(|kms, caller| kms.allocate_usage(caller, id, units));
    match taken {
        Ok(_) => Ok(GetUsageAllocationResponse {
            unique_identifier: identifier(id),
        }),
        Err(error @ Error::UsageLimit { .. }) => Err(Failure::by_version(
            R::PermissionDenied,
            R::UsageLimitExceeded,
            error.to_string(),
        )),
        // "Object has no Usage Limits attribute" (1.4 section 11.19).
        Err(error @ Error::InvalidRequest(_)) => Err(Failure::by_version(
            R::IllegalOperation,
            R::AttributeNotFound,
            error.to_string(),
        )),
        Err(error) => Err(error.into()),
    }
}
