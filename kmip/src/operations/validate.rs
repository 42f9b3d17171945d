//! Validate: whether a chain of certificates is valid (1.4 section 4.24; 2.1 section 6.1.57).

use crate::attributes::UniqueIdentifier;
use crate::enums::ValidityIndicator;
use crate::objects::Certificate;
use crate::wire::{DateTime, structure};

structure! {
    /// Request of Validate.
    #[derive(Default)]
    ValidateRequest {
        /// Certificates of the chain.
        certificates: repeated Certificate = Certificate,
        /// Certificate objects of the chain.
        unique_identifiers: repeated UniqueIdentifier = UniqueIdentifier,
        /// When; absent, now.
        validity_date: optional DateTime = ValidityDate,
    }
}

structure! {
    /// Response of Validate.
    ValidateResponse {
        /// Whether it is.
        validity_indicator: required ValidityIndicator = ValidityIndicator,
    }
}
