//! Log: a message for the server's log, from 2.0 (2.1 section 6.1.29).

use crate::wire::structure;

structure! {
    /// Request of Log.
    LogRequest {
        /// The message.
        log_message: required String = LogMessage,
    }
}

structure! {
    /// Response of Log.
    #[derive(Default)]
    LogResponse {
    }
}
