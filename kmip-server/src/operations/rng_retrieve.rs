//! RNG Retrieve (1.4 section 4.35; 2.1 section 6.1.50).

use keybridge_kmip::operations::{RNGRetrieveRequest, RNGRetrieveResponse};

use crate::failure::{Failure, Result};
use crate::processor::Context;

pub(super) fn handle(
    request: RNGRetrieveRequest,
    context: &mut Context<'_>,
) -> Result<RNGRetrieveResponse> {
    let length = usize::try_from(request.data_length)
        .map_err(|_| Failure::invalid_field("the Data Length is negative"))?;
    let data = context.inline(|kms, caller| {
        // The core knows the limit: ask it before there is memory for the answer.
        let limit = kms.settings().limits.random_bytes;
        let mut data = vec![0; length.min(limit.saturating_add(1))];
        kms.random(caller, &mut data).map(|()| data)
    })?;
    Ok(RNGRetrieveResponse { data: data.into() })
}
