//! Poll: the result of an asynchronous operation (1.4 section 4.28; 2.1 section 6.1.38). The
//! response is that of the operation polled, or pending; only that of a pending one names Poll.

use crate::wire::structure;

structure! {
    /// Request of Poll.
    PollRequest {
        /// Which.
        asynchronous_correlation_value: required Vec<u8> = AsynchronousCorrelationValue,
    }
}

structure! {
    /// Response of Poll, for an operation that returns nothing.
    #[derive(Default)]
    PollResponse {
    }
}
