//! Ping: whether the server is there, from 2.1 (2.1 section 6.1.36).

use crate::wire::structure;

structure! {
    /// Request of Ping.
    #[derive(Default)]
    PingRequest {
    }
}

structure! {
    /// Response of Ping.
    #[derive(Default)]
    PingResponse {
    }
}
