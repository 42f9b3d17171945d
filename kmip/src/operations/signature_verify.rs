//! Signature Verify, from 1.2 (1.4 section 4.32; 2.1 section 6.1.56).

use super::Data;
use crate::attributes::{CryptographicParameters, UniqueIdentifier};
use crate::enums::ValidityIndicator;
use crate::secret::SecretBytes;
use crate::wire::structure;

structure! {
    /// Request of Signature Verify.
    #[derive(Default)]
    SignatureVerifyRequest {
        /// The key; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// How; absent, those of the key.
        cryptographic_parameters: optional CryptographicParameters = CryptographicParameters,
        /// The data, or the next part of it; absent for signatures that contain it.
        data: optional Data = Data,
        /// The data's digest, instead of the data; from 1.4.
        digested_data: optional Vec<u8> = DigestedData,
        /// The signature.
        signature_data: optional Vec<u8> = SignatureData must [V1_2 ..= V1_2],
        /// The stream that this continues; from 1.3.
        correlation_value: optional Vec<u8> = CorrelationValue,
        /// This begins a stream; from 1.3.
        init_indicator: optional bool = InitIndicator,
        /// This ends a stream; from 1.3.
        final_indicator: optional bool = FinalIndicator,
    }
}

structure! {
    /// Response of Signature Verify.
    SignatureVerifyResponse {
        /// The key used.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Whether the signature is valid; absent before the last part of a stream.
        validity_indicator: optional ValidityIndicator = ValidityIndicator,
        /// The data, from a signature that contains it.
        data: optional SecretBytes = Data,
        /// The stream, when there is more to come; from 1.3.
        correlation_value: optional Vec<u8> = CorrelationValue,
    }
}
