//! Locate (1.4 section 4.9; 2.1 section 6.1.28).

use crate::attributes::{AttributeList, UniqueIdentifier};
use crate::enums::{ObjectGroupMember, StorageStatusMask};
use crate::wire::structure;

structure! {
    /// Request of Locate.
    #[derive(Default)]
    LocateRequest {
        /// At most so many identifiers; absent, no limit of the client's.
        maximum_items: optional i32 = MaximumItems,
        /// So many are skipped first; from 1.3.
        offset_items: optional i32 = OffsetItems,
        /// On-line, archived, destroyed objects; absent, on-line.
        storage_status_mask: optional StorageStatusMask = StorageStatusMask,
        /// Fresh or default member of a group; from 1.1.
        object_group_member: optional ObjectGroupMember = ObjectGroupMember,
        /// All of these an object must have.
        attributes: flattened AttributeList,
    }
}

structure! {
    /// Response of Locate.
    #[derive(Default)]
    LocateResponse {
        /// How many objects match; from 1.3.
        located_items: optional i32 = LocatedItems,
        /// The objects.
        unique_identifiers: repeated UniqueIdentifier = UniqueIdentifier,
    }
}
