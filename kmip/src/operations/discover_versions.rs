//! Discover Versions, from 1.1 (1.4 section 4.26; 2.1 section 6.1.16).

use crate::version::Version;
use crate::wire::structure;

structure! {
    /// Request of Discover Versions.
    #[derive(Default)]
    DiscoverVersionsRequest {
        /// Versions of the client, best first; none asks for all of the server's.
        protocol_versions: repeated Version = ProtocolVersion,
    }
}

structure! {
    /// Response of Discover Versions.
    #[derive(Default)]
    DiscoverVersionsResponse {
        /// Versions of the server, best first, those asked for only.
        protocol_versions: repeated Version = ProtocolVersion,
    }
}
