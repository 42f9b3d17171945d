//! Process: an asynchronous operation shall be finished now, from 2.1 (2.1 section 6.1.39).

use crate::wire::structure;

structure! {
    /// Request of Process.
    ProcessRequest {
        /// Which.
        asynchronous_correlation_value: required Vec<u8> = AsynchronousCorrelationValue,
    }
}

structure! {
    /// Response of Process.
    #[derive(Default)]
    ProcessResponse {
    }
}
