//! Decrypt, from 1.2 (1.4 section 4.30; 2.1 section 6.1.11).

use super::Data;
use crate::attributes::{CryptographicParameters, UniqueIdentifier};
use crate::secret::SecretBytes;
use crate::wire::structure;

structure! {
    /// Request of Decrypt.
    #[derive(Default)]
    DecryptRequest {
        /// The key; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// How; absent, those of the key.
        cryptographic_parameters: optional CryptographicParameters = CryptographicParameters,
        /// The ciphertext, or the next part of it.
        data: optional Data = Data must [V1_2 ..= V1_2],
        /// Initialization vector, counter or nonce.
        iv_counter_nonce: optional Vec<u8> = IVCounterNonce,
        /// The stream that this continues; from 1.3.
        correlation_value: optional Vec<u8> = CorrelationValue,
        /// This begins a stream; from 1.3.
        init_indicator: optional bool = InitIndicator,
        /// This ends a stream; from 1.3.
        final_indicator: optional bool = FinalIndicator,
        /// Additional authenticated data; from 1.4.
        additional_data: optional Vec<u8> = AuthenticatedEncryptionAdditionalData,
        /// Authentication tag; from 1.4.
        authentication_tag: optional Vec<u8> = AuthenticatedEncryptionTag,
    }
}

structure! {
    /// Response of Decrypt.
    DecryptResponse {
        /// The key used.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// The plaintext.
        data: optional SecretBytes = Data must [V1_2 ..= V1_2],
        /// The stream, when there is more to come; from 1.3.
        correlation_value: optional Vec<u8> = CorrelationValue,
    }
}
