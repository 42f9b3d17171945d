//! Certify (1.4 section 4.7; 2.1 section 6.1.6): a certificate for a public key, by the account's
//! authority.

use keybridge_core::kms::{Consequence, Register};
use keybridge_core::model::{Link, LinkType};
use keybridge_core::time::Timestamp;
use keybridge_core::{ObjectClass, ObjectId, SecretBytes};
use keybridge_kmip::attributes::{Attribute, AttributeValue as A, TemplateAttribute};
use keybridge_kmip::enums::{
    CertificateRequestType, CertificateType, ObjectType, UniqueIdentifierEnumeration,
};
use keybridge_kmip::operations::{CertifyRequest, CertifyResponse};
use rcgen::DnType;

use super::object_in::register;
use crate::attributes::Draft;
use crate::certification::{Wanted, issue};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: CertifyRequest,
    context: &mut Context<'_>,
) -> Result<CertifyResponse> {
    let named = request.unique_identifier.as_ref();
    let id = match (named, &request.certificate_request) {
        // A request alone is enough: it holds its public key.
        (None, Some(_)) => None,
        _ => Some(context.online_object(named)?),
    };
    let (wanted, given) = wanted(
        request.certificate_request_type,
        request.certificate_request,
        request.attributes.as_ref(),
    )?;
    let made = certify(context, id, wanted, &given, None)?;
    context.set_placeholder(Some(made));
    context.made(UniqueIdentifierEnumeration::Certify, made);
    Ok(CertifyResponse {
        unique_identifier: identifier(made),
        template_attribute: None,
    })
}

/// What is asked of the certificate, and what of the object that it becomes.
pub(super) fn wanted(
    kind: Option<CertificateRequestType>,
    request: Option<Vec<u8>>,
    attributes: Option<&TemplateAttribute>,
) -> Result<(Wanted, TemplateAttribute)> {
    let request = match (request, kind) {
        (None, _) => None,
        (Some(der), None | Some(CertificateRequestType::PKCS_10)) => Some(der),
        (Some(text), Some(CertificateRequestType::PEM)) => Some(pem(&text)?),
        (Some(_), Some(other)) => {
            return Err(Failure::not_supported(format!(
                "certificate requests of type {other}"
            )));
        }
    };
    let mut wanted = Wanted {
        request,
        ..Wanted::default()
    };
    let given = attributes.cloned().unwrap_or_default();
    let mut rest = TemplateAttribute {
        templates: given.templates,
        attributes: Vec::new(),
    };
    for attribute in given.attributes {
        match subject(&attribute) {
            Some(part) => wanted.subject.push(part),
            None => rest.attributes.push(attribute),
        }
    }
    Ok((wanted, rest))
}

pub(super) fn pem(text: &[u8]) -> Result<Vec<u8>> {
    use rustls::pki_types::{CertificateSigningRequestDer, pem::PemObject};
    CertificateSigningRequestDer::from_pem_slice(text)
        .map(|der| der.to_vec())
        .map_err(|_| Failure::invalid_field("the Certificate Request is no PEM"))
}

/// A part of the subject's name.
fn subject(attribute: &Attribute) -> Option<(DnType, String)> {
    let (kind, text) = match &attribute.value {
        A::CertificateSubjectCN(text) => (DnType::CommonName, text),
        A::CertificateSubjectO(text) => (DnType::OrganizationName, text),
        A::CertificateSubjectOU(text) => (DnType::OrganizationalUnitName, text),
        A::CertificateSubjectC(text) => (DnType::CountryName, text),
        A::CertificateSubjectST(text) => (DnType::StateOrProvinceName, text),
        A::CertificateSubjectL(text) => (DnType::LocalityName, text),
        _ => return None,
    };
    Some((kind, text.clone()))
}

/// Makes the certificate and keeps it, linked to its public key and to the certificate that it replaces,
/// whose Names it takes.
pub(super) fn certify(
    context: &Context<'_>,
    public: Option<ObjectId>,
    mut wanted: Wanted,
    given: &TemplateAttribute,
    replaced: Option<ObjectId>,
) -> Result<ObjectId> {
    let public = public
        .map(|id| context.inline(|kms, caller| kms.inspect(caller, id)))
        .transpose()?;
    if let Some(public) = &public
        && public.class != ObjectClass::PublicKey
    {
        return Err(Failure::invalid_field("only public keys are certified"));
    }
    let mut draft = Draft::of(context, given)?;
    draft.fill_in(context, ObjectType::Certificate)?;
    let now = Timestamp::now();
    wanted.from = wanted.from.or(draft.dates.activation);
    wanted.to = wanted.to.or(draft.dates.deactivation);
    draft.dates.activation = draft.dates.activation.or(Some(now));
    let der = issue(context, public.as_deref(), wanted)?;
    if let Some(public) = &public {
        draft.attributes.links.push(Link {
            kind: LinkType::PUBLIC_KEY,
            object: public.id,
        });
    }
    let mut consequences = Vec::new();
    let mut points = |from, kind| {
        consequences.push(Consequence::Link {
            from,
            kind,
            instead: true,
        });
    };
    if let Some(public) = &public {
        points(public.id, LinkType::CERTIFICATE);
    }
    if let Some(old) = replaced {
        points(old, LinkType::REPLACEMENT);
        consequences.push(Consequence::Names { from: old });
        draft.attributes.links.push(Link {
            kind: LinkType::REPLACED,
            object: old,
        });
    }
    draft.attributes.private = false;
    let new = Register {
        attributes: draft.attributes,
        dates: draft.dates,
        format: Some(CertificateType::X_509.0),
        value: Some(SecretBytes::new(der)),
        consequences,
        ..Register::new(ObjectClass::Certificate, SecretBytes::default())
    };
    register(context, new)
}
