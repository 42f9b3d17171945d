//! Set Defaults: default attributes of new objects, from 2.1 (2.1 section 6.1.53).

use super::query::DefaultsInformation;
use crate::wire::structure;

structure! {
    /// Request of Set Defaults.
    #[derive(Default)]
    SetDefaultsRequest {
        /// The defaults; absent, those of the server.
        defaults_information: optional DefaultsInformation = DefaultsInformation,
    }
}

structure! {
    /// Response of Set Defaults.
    #[derive(Default)]
    SetDefaultsResponse {
    }
}
