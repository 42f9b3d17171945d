//! MAC Verify, from 1.2 (1.4 section 4.34; 2.1 section 6.1.33).

use super::Data;
use crate::attributes::{CryptographicParameters, UniqueIdentifier};
use crate::enums::ValidityIndicator;
use crate::wire::structure;

structure! {
    /// Request of MAC Verify.
    #[derive(Default)]
    MACVerifyRequest {
        /// The key; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// How; absent, those of the key.
        cryptographic_parameters: optional CryptographicParameters = CryptographicParameters,
        /// The data, or the next part of it.
        data: optional Data = Data,
        /// The MAC.
        mac_data: optional Vec<u8> = MACData must [V1_2 ..= V1_2],
        /// The stream that this continues; from 1.3.
        correlation_value: optional Vec<u8> = CorrelationValue,
        /// This begins a stream; from 1.3.
        init_indicator: optional bool = InitIndicator,
        /// This ends a stream; from 1.3.
        final_indicator: optional bool = FinalIndicator,
    }
}

structure! {
    /// Response of MAC Verify.
    MACVerifyResponse {
        /// The key used.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Whether the MAC is valid; absent before the last part of a stream.
        validity_indicator: optional ValidityIndicator = ValidityIndicator,
        /// The stream, when there is more to come; from 1.3.
        correlation_value: optional Vec<u8> = CorrelationValue,
    }
}
