//! Cancel: an asynchronous operation is no longer wanted (1.4 section 4.27; 2.1 section 6.1.5).

use crate::enums::CancellationResult;
use crate::wire::structure;

structure! {
    /// Request of Cancel.
    CancelRequest {
        /// Which.
        asynchronous_correlation_value: required Vec<u8> = AsynchronousCorrelationValue,
    }
}

structure! {
    /// Response of Cancel.
    CancelResponse {
        /// Which.
        asynchronous_correlation_value: required Vec<u8> = AsynchronousCorrelationValue,
        /// What came of it.
        cancellation_result: required CancellationResult = CancellationResult,
    }
}
