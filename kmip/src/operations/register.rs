//! Register: an object made elsewhere (1.4 section 4.3; 2.1 section 6.1.43).

use super::ProtectionStorageMasks;
use crate::attributes::{TemplateAttribute, UniqueIdentifier};
use crate::enums::ObjectType;
use crate::objects::ObjectSlot;
use crate::wire::structure;

structure! {
    /// Request of Register.
    RegisterRequest {
        /// Type of the object.
        object_type: required ObjectType = ObjectType,
        /// Attributes of the new object.
        attributes: required TemplateAttribute = TemplateAttribute or Attributes,
        /// The object. Only a 1.0 or 1.1 client may leave it out; a server checks this, and that it
        /// is of the type above.
        object: flattened ObjectSlot,
        /// Where the object may be kept, in order of preference; from 2.0.
        protection_storage_masks: optional ProtectionStorageMasks = ProtectionStorageMasks,
    }
}

structure! {
    /// Response of Register: unlike that of Create it names no Object Type.
    RegisterResponse {
        /// The new object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server set on its own; to 1.4.
        template_attribute: optional TemplateAttribute = TemplateAttribute,
    }
}
