//! RNG Seed (1.4 section 4.36; 2.1 section 6.1.51). The operating system seeds the generator; a
//! client's bytes are taken into account for nothing, which the answer says: no byte of them was
//! used.

use keybridge_kmip::operations::{RNGSeedRequest, RNGSeedResponse};

use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(_: RNGSeedRequest, _: &mut Context<'_>) -> Result<RNGSeedResponse> {
    Ok(RNGSeedResponse { data_length: 0 })
}
