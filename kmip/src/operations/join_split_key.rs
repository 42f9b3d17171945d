//! Join Split Key, from 1.2 (1.4 section 4.39; 2.1 section 6.1.27).

use super::ProtectionStorageMasks;
use crate::attributes::{TemplateAttribute, UniqueIdentifier};
use crate::enums::{ObjectType, SecretDataType};
use crate::wire::structure;

structure! {
    /// Request of Join Split Key.
    JoinSplitKeyRequest {
        /// What to make.
        object_type: required ObjectType = ObjectType,
        /// The parts.
        unique_identifiers: repeated UniqueIdentifier = UniqueIdentifier must [V1_2],
        /// Kind of secret data, when that is what the parts are of.
        secret_data_type: optional SecretDataType = SecretDataType,
        /// Attributes of the new object.
        attributes: optional TemplateAttribute = TemplateAttribute or Attributes,
        /// Where the object may be kept, in order of preference; from 2.0.
        protection_storage_masks: optional ProtectionStorageMasks = ProtectionStorageMasks,
    }
}

structure! {
    /// Response of Join Split Key.
    JoinSplitKeyResponse {
        /// What was made; in 1.2 only.
        object_type: optional ObjectType = ObjectType [V1_2 ..= V1_2],
        /// The new object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server set on its own; to 1.4.
        template_attribute: optional TemplateAttribute = TemplateAttribute,
    }
}
