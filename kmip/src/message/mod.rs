//! Messages: a header and batch items (1.4 section 7; 2.1 section 8).

mod credential;
mod header;
mod reasons;
mod request;
mod response;

pub use credential::{
    Attestation, Authentication, Credential, Device, HashedPassword, Nonce, OneTimePassword,
    OpaqueValue, Ticket, TicketCredential, UsernameAndPassword,
};
pub use header::{Asynchronous, RequestHeader, ResponseHeader};
pub use request::{PayloadError, RequestBatchItem, RequestFailure, RequestMessage};
pub use response::{Outcome, ResponseBatchItem, ResponseMessage};

use crate::item::Value;
use crate::wire::structure;

structure! {
    /// Message Extension (1.4 section 6.16; 2.1 section 9.13).
    MessageExtension {
        /// The vendor.
        vendor_identification: required String = VendorIdentification,
        /// Whether a receiver that does not know the extension must refuse the message.
        criticality_indicator: required bool = CriticalityIndicator,
        /// The extension, a structure of the vendor's.
        vendor_extension: required Value = VendorExtension,
    }
}

#[cfg(test)]
mod tests;
