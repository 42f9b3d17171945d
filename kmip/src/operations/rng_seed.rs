//! RNG Seed: entropy for the generator, from 1.2 (1.4 section 4.36; 2.1 section 6.1.50).

use super::Data;
use crate::wire::structure;

structure! {
    /// Request of RNG Seed.
    RNGSeedRequest {
        /// The seed.
        data: required Data = Data,
    }
}

structure! {
    /// Response of RNG Seed.
    RNGSeedResponse {
        /// How many bytes of it were used.
        data_length: required i32 = DataLength,
    }
}
