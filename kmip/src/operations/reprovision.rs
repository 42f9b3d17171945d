//! Re-Provision: a client gets a new certificate of its own, from 2.0 (2.1 section 6.1.48).

use crate::attributes::UniqueIdentifier;
use crate::objects::{Certificate, CertificateRequest};
use crate::wire::structure;

structure! {
    /// Request of Re-Provision.
    #[derive(Default)]
    ReProvisionRequest {
        /// The request to be signed.
        certificate_request: optional CertificateRequest = CertificateRequest,
        /// The certificate to replace the present one.
        certificate: optional Certificate = Certificate,
    }
}

structure! {
    /// Response of Re-Provision.
    #[derive(Default)]
    ReProvisionResponse {
        /// The certificate or private key.
        unique_identifier: optional UniqueIdentifier = UniqueIdentifier,
    }
}
