//! Interop: the beginning and end of a test case, from 2.0 (2.1 section 6.1.26).

use crate::enums::InteropFunction;
use crate::wire::structure;

structure! {
    /// Request of Interop.
    InteropRequest {
        /// Begin, end, reset.
        interop_function: required InteropFunction = InteropFunction,
        /// The test case.
        interop_identifier: optional String = InteropIdentifier must [V2_0],
    }
}

structure! {
    /// Response of Interop.
    #[derive(Default)]
    InteropResponse {
    }
}
