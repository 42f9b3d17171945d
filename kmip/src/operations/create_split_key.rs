//! Create Split Key, from 1.2 (1.4 section 4.38; 2.1 section 6.1.10).

use super::ProtectionStorageMasks;
use crate::attributes::{TemplateAttribute, UniqueIdentifier};
use crate::enums::{ObjectType, SplitKeyMethod};
use crate::item::BigInteger;
use crate::wire::structure;

structure! {
    /// Request of Create Split Key.
    CreateSplitKeyRequest {
        /// What to create.
        object_type: required ObjectType = ObjectType,
        /// The key to split; absent, a new one.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// Number of parts.
        parts: required i32 = SplitKeyParts,
        /// Parts needed to join.
        threshold: required i32 = SplitKeyThreshold,
        /// How.
        method: required SplitKeyMethod = SplitKeyMethod,
        /// The prime, for Polynomial Sharing Prime Field.
        prime_field_size: optional BigInteger = PrimeFieldSize,
        /// Attributes of the new parts.
        attributes: required TemplateAttribute = TemplateAttribute or Attributes,
        /// Where the object may be kept, in order of preference; from 2.0.
        protection_storage_masks: optional ProtectionStorageMasks = ProtectionStorageMasks,
    }
}

structure! {
    /// Response of Create Split Key.
    #[derive(Default)]
    CreateSplitKeyResponse {
        /// What was created; in 1.2 only.
        object_type: optional ObjectType = ObjectType [V1_2 ..= V1_2],
        /// The parts.
        unique_identifiers: repeated UniqueIdentifier = UniqueIdentifier must [V1_2],
        /// Attributes that the server set on its own; to 1.4.
        template_attribute: optional TemplateAttribute = TemplateAttribute,
    }
}
