//! Re-key: a symmetric key that replaces another (1.4 section 4.4; 2.1 section 6.1.46).

use super::ProtectionStorageMasks;
use crate::attributes::{TemplateAttribute, UniqueIdentifier};
use crate::wire::{Interval, structure};

structure! {
    /// Request of Re-key.
    #[derive(Default)]
    ReKeyRequest {
        /// The key to be replaced; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// From the new key's Initial Date to its Activation Date.
        offset: optional Interval = Offset,
        /// Attributes of the new object.
        attributes: optional TemplateAttribute = TemplateAttribute or Attributes,
        /// Where the object may be kept, in order of preference; from 2.0.
        protection_storage_masks: optional ProtectionStorageMasks = ProtectionStorageMasks,
    }
}

structure! {
    /// Response of Re-key.
    ReKeyResponse {
        /// The new key.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server set on its own; to 1.4.
        template_attribute: optional TemplateAttribute = TemplateAttribute,
    }
}
