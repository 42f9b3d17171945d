//! Re-certify: a certificate that replaces another (1.4 section 4.8; 2.1 section 6.1.45).

use super::ProtectionStorageMasks;
use crate::attributes::{TemplateAttribute, UniqueIdentifier};
use crate::enums::CertificateRequestType;
use crate::wire::{Interval, structure};

structure! {
    /// Request of Re-certify.
    #[derive(Default)]
    ReCertifyRequest {
        /// The certificate to be replaced; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// The certificate request object; from 2.0.
        certificate_request_unique_identifier: optional UniqueIdentifier =
            CertificateRequestUniqueIdentifier,
        /// Kind of certificate request; required with a request.
        certificate_request_type: optional CertificateRequestType =
            CertificateRequestType must [V1_0 ..= V1_0],
        /// The certificate request: Certificate Request to 1.4, Certificate Request Value from 2.0.
        certificate_request: optional Vec<u8> =
            CertificateRequest or CertificateRequestValue must [V1_0 ..= V1_0],
        /// From the new certificate's Initial Date to its Activation Date.
        offset: optional Interval = Offset,
        /// Attributes of the new object.
        attributes: optional TemplateAttribute = TemplateAttribute or Attributes,
        /// Where the object may be kept, in order of preference; from 2.0.
        protection_storage_masks: optional ProtectionStorageMasks = ProtectionStorageMasks,
    }
}

structure! {
    /// Response of Re-certify.
    ReCertifyResponse {
        /// The new certificate.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server set on its own; to 1.4.
        template_attribute: optional TemplateAttribute = TemplateAttribute,
    }
}
