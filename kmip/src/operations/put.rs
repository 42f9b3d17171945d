//! Put: an object, sent by a server to a client (1.4 section 5.2; 2.1 section 6.2.3).

use crate::attributes::{AttributeList, UniqueIdentifier};
use crate::enums::PutFunction;
use crate::objects::ObjectSlot;
use crate::wire::structure;

structure! {
    /// Request of Put.
    PutRequest {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Whether it is new or replaces another.
        put_function: required PutFunction = PutFunction,
        /// The one it replaces.
        replaced_unique_identifier: optional UniqueIdentifier = ReplacedUniqueIdentifier,
        /// The object itself.
        object: flattened ObjectSlot,
        /// What else is told of it.
        attributes: flattened AttributeList,
    }
}

structure! {
    /// Response of Put; clients may send no payload at all.
    #[derive(Default)]
    PutResponse {
    }
}
