//! Certify: a certificate for a public key (1.4 section 4.7; 2.1 section 6.1.6).

use super::ProtectionStorageMasks;
use crate::attributes::{TemplateAttribute, UniqueIdentifier};
use crate::enums::CertificateRequestType;
use crate::wire::structure;

structure! {
    /// Request of Certify.
    #[derive(Default)]
    CertifyRequest {
        /// The public key or, from 2.0, the certificate request object; absent, the ID Placeholder.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
        /// Kind of certificate request; required with a request.
        certificate_request_type: optional CertificateRequestType =
            CertificateRequestType must [V1_0 ..= V1_0],
        /// The certificate request: Certificate Request to 1.4, Certificate Request Value from 2.0.
        certificate_request: optional Vec<u8> =
            CertificateRequest or CertificateRequestValue must [V1_0 ..= V1_0],
        /// Attributes of the new object.
        attributes: optional TemplateAttribute = TemplateAttribute or Attributes,
        /// Where the object may be kept, in order of preference; from 2.0.
        protection_storage_masks: optional ProtectionStorageMasks = ProtectionStorageMasks,
    }
}

structure! {
    /// Response of Certify.
    CertifyResponse {
        /// The new certificate.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server set on its own; to 1.4.
        template_attribute: optional TemplateAttribute = TemplateAttribute,
    }
}
