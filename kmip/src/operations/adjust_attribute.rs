//! Adjust Attribute: change a number or a Boolean, from 2.0 (2.1 section 6.1.3).

use crate::attributes::{AttributeName, UniqueIdentifier};
use crate::enums::AdjustmentType;
use crate::item::Value;
use crate::wire::structure;

structure! {
    /// Request of Adjust Attribute.
    AdjustAttributeRequest {
        /// The object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// The attribute; a server checks that it is there.
        attribute_name: flattened Option<AttributeName>,
        /// What to do with it.
        adjustment_type: required AdjustmentType = AdjustmentType,
        /// By how much; absent, by one.
        adjustment_value: optional Value = AdjustmentValue,
    }
}

structure! {
    /// Response of Adjust Attribute.
    AdjustAttributeResponse {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
    }
}
