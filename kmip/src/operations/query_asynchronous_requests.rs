//! Query Asynchronous Requests, from 2.1 (2.1 section 6.1.41).

use super::Operations;
use crate::enums::{Operation, ProcessingStage};
use crate::wire::{DateTimeExtended, structure};

structure! {
    /// Asynchronous Correlation Values (2.1 section 7.1).
    #[derive(Default)]
    AsynchronousCorrelationValues {
        /// The values.
        values: repeated Vec<u8> = AsynchronousCorrelationValue,
    }
}

structure! {
    /// Asynchronous Request (2.1 section 7.2).
    AsynchronousRequest {
        /// Which.
        asynchronous_correlation_value: required Vec<u8> = AsynchronousCorrelationValue,
        /// Its operation.
        operation: required Operation = Operation,
        /// When it was asked for.
        submission_date: required DateTimeExtended = SubmissionDate,
        /// How far it is.
        processing_stage: required ProcessingStage = ProcessingStage,
    }
}

structure! {
    /// Request of Query Asynchronous Requests.
    #[derive(Default)]
    QueryAsynchronousRequestsRequest {
        /// These only.
        asynchronous_correlation_values: optional AsynchronousCorrelationValues =
            AsynchronousCorrelationValues,
        /// Those of these operations only.
        operations: optional Operations = Operations,
    }
}

structure! {
    /// Response of Query Asynchronous Requests.
    #[derive(Default)]
    QueryAsynchronousRequestsResponse {
        /// The requests.
        asynchronous_requests: repeated AsynchronousRequest = AsynchronousRequest,
    }
}
