//! Hash, from 1.2 (1.4 section 4.37; 2.1 section 6.1.24).

use super::Data;
use crate::attributes::CryptographicParameters;
use crate::wire::structure;

structure! {
    /// Request of Hash.
    HashRequest {
        /// Which hash.
        cryptographic_parameters: required CryptographicParameters = CryptographicParameters,
        /// The data, or the next part of it.
        data: optional Data = Data must [V1_2 ..= V1_2],
        /// The stream that this continues; from 1.3.
        correlation_value: optional Vec<u8> = CorrelationValue,
        /// This begins a stream; from 1.3.
        init_indicator: optional bool = InitIndicator,
        /// This ends a stream; from 1.3.
        final_indicator: optional bool = FinalIndicator,
    }
}

structure! {
    /// Response of Hash.
    #[derive(Default)]
    HashResponse {
        /// The hash; absent before the last part of a stream.
        data: optional Vec<u8> = Data must [V1_2 ..= V1_2],
        /// The stream, when there is more to come; from 1.3.
        correlation_value: optional Vec<u8> = CorrelationValue,
    }
}
