//! Create: a new symmetric key or secret data (1.4 section 4.1; 2.1 section 6.1.8).

use super::ProtectionStorageMasks;
use crate::attributes::{TemplateAttribute, UniqueIdentifier};
use crate::enums::ObjectType;
use crate::wire::structure;

structure! {
    /// Request of Create.
    CreateRequest {
        /// What to create.
        object_type: required ObjectType = ObjectType,
        /// Attributes of the new object.
        attributes: required TemplateAttribute = TemplateAttribute or Attributes,
        /// Where the object may be kept, in order of preference; from 2.0.
        protection_storage_masks: optional ProtectionStorageMasks = ProtectionStorageMasks,
    }
}

structure! {
    /// Response of Create.
    CreateResponse {
        /// What was created.
        object_type: required ObjectType = ObjectType,
        /// The new object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server set on its own; to 1.4.
        template_attribute: optional TemplateAttribute = TemplateAttribute,
    }
}
