//! Notify: attributes of an object have changed; sent by a server to a client (1.4 section 5.1;
//! 2.1 section 6.2.2).

use crate::attributes::{AttributeList, UniqueIdentifier};
use crate::wire::structure;

structure! {
    /// Request of Notify.
    NotifyRequest {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// The attributes that have changed, at least the Last Change Date.
        attributes: flattened AttributeList,
    }
}

structure! {
    /// Response of Notify; clients may send no payload at all.
    #[derive(Default)]
    NotifyResponse {
    }
}
