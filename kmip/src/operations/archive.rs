//! Archive (1.4 section 4.22; 2.1 section 6.1.4).

use crate::attributes::UniqueIdentifier;
use crate::wire::structure;

structure! {
    /// Request of Archive.
    #[derive(Default)]
    ArchiveRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
    }
}

structure! {
    /// Response of Archive.
    ArchiveResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
    }
}
