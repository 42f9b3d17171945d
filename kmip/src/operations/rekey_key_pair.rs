//! Re-key Key Pair: a pair that replaces another, from 1.1 (1.4 section 4.5; 2.1 section 6.1.47).

use super::ProtectionStorageMasks;
use crate::attributes::{TemplateAttribute, UniqueIdentifier};
use crate::wire::{Interval, structure};

structure! {
    /// Request of Re-key Key Pair.
    #[derive(Default)]
    ReKeyKeyPairRequest {
        /// The private key to be replaced; absent, the ID Placeholder.
        private_key_unique_identifier: optional UniqueIdentifier = PrivateKeyUniqueIdentifier,
        /// From the new keys' Initial Date to their Activation Date.
        offset: optional Interval = Offset,
        /// Attributes of both keys.
        common: optional TemplateAttribute = CommonTemplateAttribute or CommonAttributes,
        /// Attributes of the private key.
        private_key: optional TemplateAttribute =
            PrivateKeyTemplateAttribute or PrivateKeyAttributes,
        /// Attributes of the public key.
        public_key: optional TemplateAttribute =
            PublicKeyTemplateAttribute or PublicKeyAttributes,
        /// Where both keys may be kept; from 2.0.
        common_protection_storage_masks: optional ProtectionStorageMasks =
            CommonProtectionStorageMasks,
        /// Where the private key may be kept; from 2.0.
        private_protection_storage_masks: optional ProtectionStorageMasks =
            PrivateProtectionStorageMasks,
        /// Where the public key may be kept; from 2.0.
        public_protection_storage_masks: optional ProtectionStorageMasks =
            PublicProtectionStorageMasks,
    }
}

structure! {
    /// Response of Re-key Key Pair.
    ReKeyKeyPairResponse {
        /// The new private key.
        private_key_unique_identifier: required UniqueIdentifier = PrivateKeyUniqueIdentifier,
        /// The new public key.
        public_key_unique_identifier: required UniqueIdentifier = PublicKeyUniqueIdentifier,
        /// Attributes of the private key that the server set on its own; to 1.4.
        private_key: optional TemplateAttribute = PrivateKeyTemplateAttribute,
        /// Attributes of the public key that the server set on its own; to 1.4.
        public_key: optional TemplateAttribute = PublicKeyTemplateAttribute,
    }
}
