//! RNG Seed (1.4 section 4.36; 2.1 section 6.1.51). The operating system seeds the generator. What a
//! client sends is mixed into it where `[server.answers] seeds` says so; else the answer says that no
//! byte of it was used.

use keybridge_kmip::enums::ResultReason;
use keybridge_kmip::operations::{RNGSeedRequest, RNGSeedResponse};

use crate::failure::{Failure, Result};
use crate::processor::Context;
use crate::settings::Seeds;

/// Bytes used of a seed that is used in part.
const PART: usize = 16;

pub(super) fn handle(
    request: RNGSeedRequest,
    context: &mut Context<'_>,
) -> Result<RNGSeedResponse> {
    let seed = context.data(Some(&request.data))?;
    let used = match context.answers.seeds {
        Seeds::Ignored => 0,
        Seeds::Used => seed.len(),
        Seeds::UsedInPart => seed.len().min(PART),
        Seeds::Refused => {
            return Err(Failure::new(
                ResultReason::PermissionDenied,
                "seeds are not taken here",
            ));
        }
    };
    if used > 0 {
        context.inline(|kms, caller| kms.stir_random(caller, &seed[..used]))?;
    }
    Ok(RNGSeedResponse {
        data_length: i32::try_from(used).unwrap_or(i32::MAX),
    })
}
