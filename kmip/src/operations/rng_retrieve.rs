//! RNG Retrieve: random bytes, from 1.2 (1.4 section 4.35; 2.1 section 6.1.49).

use crate::secret::SecretBytes;
use crate::wire::structure;

structure! {
    /// Request of RNG Retrieve.
    RNGRetrieveRequest {
        /// How many bytes.
        data_length: required i32 = DataLength,
    }
}

structure! {
    /// Response of RNG Retrieve.
    RNGRetrieveResponse {
        /// The bytes; may be fewer.
        data: required SecretBytes = Data,
    }
}
