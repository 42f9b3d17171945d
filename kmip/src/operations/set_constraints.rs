//! Set Constraints: what attributes objects must have, from 2.1 (2.1 section 6.1.52).

use super::get_constraints::Constraints;
use crate::wire::structure;

structure! {
    /// Request of Set Constraints.
    SetConstraintsRequest {
        /// The constraints.
        constraints: required Constraints = Constraints,
    }
}

structure! {
    /// Response of Set Constraints.
    #[derive(Default)]
    SetConstraintsResponse {
    }
}
