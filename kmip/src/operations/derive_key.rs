//! Derive Key (1.4 section 4.6; 2.1 section 6.1.14).

use crate::attributes::{CryptographicParameters, TemplateAttribute, UniqueIdentifier};
use crate::enums::{DerivationMethod, ObjectType};
use crate::secret::SecretBytes;
use crate::wire::structure;

structure! {
    /// Derivation Parameters (1.4 section 4.6; 2.1 section 7.12).
    #[derive(Default)]
    DerivationParameters {
        /// Function and mode.
        cryptographic_parameters: optional CryptographicParameters = CryptographicParameters,
        /// Initialization vector of a cipher.
        initialization_vector: optional Vec<u8> = InitializationVector,
        /// Data to be hashed, encrypted or MACed.
        derivation_data: repeated SecretBytes = DerivationData,
        /// Salt of PBKDF2 and HKDF.
        salt: optional Vec<u8> = Salt,
        /// Iterations of PBKDF2.
        iteration_count: optional i32 = IterationCount,
    }
}

structure! {
    /// Request of Derive Key.
    DeriveKeyRequest {
        /// What to make.
        object_type: required ObjectType = ObjectType,
        /// What to make it from: a key, and maybe secret data to derive with.
        unique_identifiers: repeated UniqueIdentifier = UniqueIdentifier must [V1_0],
        /// How.
        derivation_method: required DerivationMethod = DerivationMethod,
        /// With what.
        derivation_parameters: required DerivationParameters = DerivationParameters,
        /// Attributes of the new object.
        attributes: required TemplateAttribute = TemplateAttribute or Attributes,
    }
}

structure! {
    /// Response of Derive Key.
    DeriveKeyResponse {
        /// The new object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server set on its own; to 1.4.
        template_attribute: optional TemplateAttribute = TemplateAttribute,
    }
}
