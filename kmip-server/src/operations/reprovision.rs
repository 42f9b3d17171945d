//! Re-Provision (2.1 section 6.1.48): a new certificate for the client that asks. The one that it came
//! by is not good for any further request.

use keybridge_core::kms::{Imported, NewCredential, Register};
use keybridge_core::model::{Link, LinkType, UsageMask};
use keybridge_core::{Error, KeySpec, ObjectClass, ObjectId, SecretBytes, encoding};
use keybridge_kmip::enums::{CertificateRequestType, CertificateType, KeyFormatType, ResultReason};
use keybridge_kmip::objects::{Certificate, CertificateRequest};
use keybridge_kmip::operations::{ReProvisionRequest, ReProvisionResponse};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};

use super::certify::pem;
use crate::failure::{Failure, Result};
use crate::identity::LinkCredential;
use crate::pki::{self, Authority, CLIENT_DAYS, CertificateFacts};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: ReProvisionRequest,
    context: &mut Context<'_>,
) -> Result<ReProvisionResponse> {
    if context.grant.is_some() {
        return Err(Failure::new(
            ResultReason::PermissionDenied,
            "a ticket gets its bearer no credential",
        ));
    }
    let link = context.link.clone().ok_or_else(|| {
        Failure::not_supported(
            "the client is not known by its very certificate here, so there is none to replace",
        )
    })?;
    let (der, objects) = match (request.certificate_request, request.certificate) {
        (Some(_), Some(_)) => {
            return Err(Failure::invalid_field(
                "either a Certificate Request or a Certificate is given",
            ));
        }
        (Some(request), None) => certified(context, &link, request)?,
        (None, Some(certificate)) => registered(certificate)?,
        (None, None) => generated(context, &link)?,
    };
    context
        .inline(|_, _| link.doorkeeper.accepts(&der))
        .map_err(|reason| {
            Failure::invalid_field(format!(
                "nobody would be let in by the certificate: {reason}"
            ))
        })?;
    let facts = facts(&der)?;
    let credential = NewCredential::Certificate {
        fingerprint: facts.fingerprint,
        subject: facts.subject,
        serial: facts.serial,
        expires: facts.expires,
    };
    let made = context
        .blocking(|kms, caller| kms.reprovision(caller, &link.fingerprint, credential, objects));
    let made = made.map_err(|error| match error {
        Error::InvalidRequest(reason) => Failure::not_supported(reason),
        Error::AlreadyExists { .. } => Failure::invalid_field(error.to_string()),
        error => error.into(),
    })?;
    // The client is not let in again to ask for it: the rest of the batch may.
    context.set_placeholder(made.first().copied());
    Ok(ReProvisionResponse {
        unique_identifier: made.first().copied().map(identifier),
    })
}

fn facts(der: &[u8]) -> Result<CertificateFacts> {
    pki::facts(der).map_err(Failure::invalid_field)
}

fn authority(link: &LinkCredential) -> Result<Authority> {
    let found = link.doorkeeper.authority().map_err(of_pki)?;
    found.ok_or_else(|| {
        Failure::not_supported("the bridge has no CA for its clients: send a Certificate")
    })
}

fn of_pki(error: pki::PkiError) -> Failure {
    match error {
        pki::PkiError::Make(reason) => Failure::invalid_field(reason.to_string()),
        error => Error::Configuration(error.to_string()).into(),
    }
}

type New = (Vec<u8>, Vec<Register>);

/// The client has a certificate.
fn registered(given: Certificate) -> Result<New> {
    if given.kind != CertificateType::X_509 {
        return Err(Failure::invalid_field("certificates are of type X.509"));
    }
    let object = certificate(&given.value)?;
    Ok((given.value, vec![object]))
}

/// The client has a key.
fn certified(
    context: &Context<'_>,
    link: &LinkCredential,
    given: CertificateRequest,
) -> Result<New> {
    let request = match given.kind {
        CertificateRequestType::PKCS_10 => given.value,
        CertificateRequestType::PEM => pem(&given.value)?,
        other => {
            return Err(Failure::not_supported(format!(
                "certificate requests of type {other}"
            )));
        }
    };
    let name = context.caller.name();
    let der = authority(link)?
        .certify_client(&request, name, CLIENT_DAYS)
        .map_err(of_pki)?;
    let object = certificate(&der)?;
    Ok((der, vec![object]))
}

/// The client has nothing: it gets its key by a Get in the same batch, or from somebody who may.
fn generated(context: &Context<'_>, link: &LinkCredential) -> Result<New> {
    let issued = authority(link)?
        .issue_client(context.caller.name(), CLIENT_DAYS)
        .map_err(of_pki)?;
    let broken = |reason: String| Failure::from(Error::Internal(reason));
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes())
        .map_err(|error| broken(error.to_string()))?;
    let value = SecretBytes::from(key.secret_der());
    let spec: KeySpec = encoding::private_key_spec(value.expose())?;
    let (key_id, certificate_id) = (ObjectId::random(), ObjectId::random());
    let mut private = Register {
        spec: Some(spec),
        format: Some(KeyFormatType::PKCS_8.0),
        imported: as_new(key_id),
        ..Register::new(ObjectClass::PrivateKey, value)
    };
    private.attributes.label = context.caller.name().to_owned();
    private.attributes.private = true;
    private.attributes.sensitive = false;
    private.attributes.extractable = true;
    private.attributes.usage = UsageMask::SIGN;
    private.attributes.links.push(Link {
        kind: LinkType::CERTIFICATE,
        object: certificate_id,
    });
    let mut public = certificate(&issued.der)?;
    public.imported = as_new(certificate_id);
    public.attributes.links.push(Link {
        kind: LinkType::PRIVATE_KEY,
        object: key_id,
    });
    Ok((issued.der, vec![private, public]))
}

/// An object whose identifier is known before it is there, so that another can point to it.
fn as_new(id: ObjectId) -> Option<Imported> {
    Some(Imported {
        id: Some(id),
        ..Imported::default()
    })
}

fn certificate(der: &[u8]) -> Result<Register> {
    let facts = facts(der)?;
    let mut new = Register {
        format: Some(CertificateType::X_509.0),
        ..Register::new(ObjectClass::Certificate, SecretBytes::from(der))
    };
    new.attributes.label = facts.subject;
    new.attributes.private = false;
    new.attributes.sensitive = false;
    new.dates.deactivation = Some(facts.expires);
    Ok(new)
}
