//! Certificates that the bridge makes with an authority's key, which may live in an HSM.
//!
//! The authority of an account is a private key whose usage mask has Certificate Sign and that has a
//! certificate (its own or its public key's Certificate Link). Certifying the public half of such a
//! key, while the account has no authority yet, makes the first one: self-signed.

use keybridge_core::kms::Find;
use keybridge_core::model::{LinkType, ObjectState, UsageMask};
use keybridge_core::store::ObjectQuery;
use keybridge_core::time::Timestamp;
use keybridge_core::{
    Curve, Error, HashAlgorithm, KeySpec, Mechanism, Object, ObjectClass, ObjectId, Purpose,
};
use keybridge_kmip::enums::ResultReason as R;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, IsCa, Issuer, KeyUsagePurpose, PublicKeyData, SignatureAlgorithm, SigningKey,
    SubjectPublicKeyInfo,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use time::{Duration, OffsetDateTime};

use crate::attributes::state_of;
use crate::failure::{Failure, Result};
use crate::operations::ecdsa_der;
use crate::processor::Context;

/// How long a certificate is good when nobody says.
const DAYS: i64 = 365;

/// What a certificate is asked to be.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Subject, when there is no request for it.
    pub subject: Vec<(DnType, String)>,
    /// The certificate request, DER.
    pub request: Option<Vec<u8>>,
    /// Beginning of its validity.
    pub from: Option<Timestamp>,
    /// End of its validity.
    pub to: Option<Timestamp>,
}

/// A signing key of the core, for rcgen.
struct Key<'a> {
    context: &'a Context<'a>,
    id: ObjectId,
    spec: KeySpec,
    public: SubjectPublicKeyInfo,
    algorithm: &'static SignatureAlgorithm,
}

impl PublicKeyData for Key<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.public.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for Key<'_> {
    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, rcgen::Error> {
        let signed = self.context.blocking(|kms, caller| {
            let mechanism = self.mechanism()?;
            let mut operation = kms.begin(caller, self.id, Purpose::Sign, mechanism)?;
            let mut signature = vec![0; operation.output_length(message.len())?];
            let written = kms.run(&mut operation, message, &mut signature)?;
            signature.truncate(written);
            Ok::<_, Error>(signature)
        });
        let signature = signed.map_err(|error| {
            tracing::warn!(%error, "the authority's key did not sign");
            rcgen::Error::RemoteKeyError
        })?;
        if matches!(self.spec, KeySpec::Ec { .. }) {
            return ecdsa_der(&signature).map_err(|_| rcgen::Error::RemoteKeyError);
        }
        Ok(signature)
    }
}

impl Key<'_> {
    fn mechanism(&self) -> keybridge_core::Result<Mechanism> {
        let ecdsa = |hash| Mechanism::EcdsaHash { hash };
        Ok(match self.spec {
            KeySpec::Rsa { .. } => Mechanism::RsaPkcs1Hash {
                hash: HashAlgorithm::Sha256,
                digested: false,
            },
            KeySpec::Ec { curve: Curve::P384 } => ecdsa(HashAlgorithm::Sha384),
            KeySpec::Ec { curve: Curve::P521 } => ecdsa(HashAlgorithm::Sha512),
            KeySpec::Ec { .. } => ecdsa(HashAlgorithm::Sha256),
            KeySpec::Ed25519 => Mechanism::Eddsa,
            _ => return Err(Error::KeyUnsupported("it signs no certificates".into())),
        })
    }
}

/// The signature algorithm of an authority's kind of key.
fn algorithm_of(spec: KeySpec) -> Result<&'static SignatureAlgorithm> {
    Ok(match spec {
        KeySpec::Rsa { .. } => &rcgen::PKCS_RSA_SHA256,
        KeySpec::Ec { curve: Curve::P256 } => &rcgen::PKCS_ECDSA_P256_SHA256,
        KeySpec::Ec { curve: Curve::P384 } => &rcgen::PKCS_ECDSA_P384_SHA384,
        KeySpec::Ec { curve: Curve::P521 } => &rcgen::PKCS_ECDSA_P521_SHA512,
        KeySpec::Ed25519 => &rcgen::PKCS_ED25519,
        _ => {
            return Err(Failure::not_supported(
                "certificates are signed with RSA, ECDSA (NIST curves) or Ed25519",
            ));
        }
    })
}

fn made(error: &rcgen::Error) -> Failure {
    match error {
        rcgen::Error::RemoteKeyError => Failure::new(
            R::CryptographicFailure,
            "the authority's key did not sign; the server's log says more",
        ),
        other => Failure::by_version(R::InvalidField, R::InvalidCSR, other.to_string()),
    }
}

fn linked(object: &Object, kind: LinkType) -> Option<ObjectId> {
    let link = object
        .attributes
        .links
        .iter()
        .find(|link| link.kind == kind);
    link.map(|link| link.object)
}

fn inspect(context: &Context<'_>, id: ObjectId) -> Result<std::sync::Arc<Object>> {
    Ok(context.inline(|kms, caller| kms.inspect(caller, id))?)
}

/// The certificate of a private key, by its own link or its public key's.
fn certificate_of(context: &Context<'_>, key: &Object) -> Option<ObjectId> {
    linked(key, LinkType::CERTIFICATE).or_else(|| {
        let public = inspect(context, linked(key, LinkType::PUBLIC_KEY)?).ok()?;
        linked(&public, LinkType::CERTIFICATE)
    })
}

/// The account's authority: its private key and its certificate.
fn authority(context: &Context<'_>) -> Result<Option<(ObjectId, Vec<u8>)>> {
    let signs = |object: &Object| {
        object
            .attributes
            .usage
            .contains(UsageMask::CERTIFICATE_SIGN)
            && state_of(object) == ObjectState::Active
    };
    let find = Find {
        query: ObjectQuery {
            class: Some(ObjectClass::PrivateKey),
            ..ObjectQuery::default()
        },
        filter: Some(&signs),
        ..Find::default()
    };
    for id in context.blocking(|kms, caller| kms.find(caller, &find))? {
        let key = inspect(context, id)?;
        let Some(certificate) = certificate_of(context, &key) else {
            continue;
        };
        let certificate = inspect(context, certificate)?;
        if let Some(der) = certificate.public_value() {
            return Ok(Some((id, der.to_vec())));
        }
    }
    Ok(None)
}

fn key<'a>(context: &'a Context<'a>, id: ObjectId) -> Result<Key<'a>> {
    let object = inspect(context, id)?;
    let spki = object.public_key_info.as_deref();
    let (Some(spec), Some(spki)) = (object.spec, spki) else {
        return Err(Failure::invalid_field(
            "the authority's public key is not known",
        ));
    };
    Ok(Key {
        context,
        id,
        spec,
        public: SubjectPublicKeyInfo::from_der(spki).map_err(|error| made(&error))?,
        algorithm: algorithm_of(spec)?,
    })
}

/// Makes a certificate, DER, of the public key (or of the one in the request).
///
/// # Errors
/// When the account has no authority, or the request is not good.
pub fn issue(context: &Context<'_>, public: Option<&Object>, wanted: Wanted) -> Result<Vec<u8>> {
    let requested = match &wanted.request {
        Some(der) => {
            let der = CertificateSigningRequestDer::from(der.as_slice());
            Some(CertificateSigningRequestParams::from_der(&der).map_err(|error| made(&error))?)
        }
        None => None,
    };
    let spki = public.and_then(Object::public_value);
    if let (Some(request), Some(spki)) = (&requested, spki)
        && request.public_key.der_bytes()
            != SubjectPublicKeyInfo::from_der(spki)
                .map_err(|error| made(&error))?
                .der_bytes()
    {
        return Err(Failure::by_version(
            R::InvalidField,
            R::InvalidCSR,
            "the Certificate Request is for another public key",
        ));
    }
    let mut params = requested
        .as_ref()
        .map_or_else(CertificateParams::default, |request| request.params.clone());
    if requested.is_none() {
        params.distinguished_name = name(&wanted.subject, public);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    }
    // Who may certify others is the bridge's to say, not the request's.
    params.is_ca = IsCa::NoCa;
    let now = OffsetDateTime::now_utc();
    let date = |at: Option<Timestamp>, default: OffsetDateTime| {
        at.and_then(|at| OffsetDateTime::from_unix_timestamp(at.0).ok())
            .unwrap_or(default)
    };
    params.not_before = date(wanted.from, now);
    params.not_after = date(wanted.to, params.not_before + Duration::days(DAYS));
    params.use_authority_key_identifier_extension = true;
    if let Some((signer, certificate)) = authority(context)? {
        let signer = key(context, signer)?;
        let issuer = Issuer::from_ca_cert_der(&CertificateDer::from(certificate), signer)
            .map_err(|error| made(&error))?;
        let issued = match (requested, spki) {
            (Some(request), _) => params.signed_by(&request.public_key, &issuer),
            (None, Some(spki)) => {
                let subject = SubjectPublicKeyInfo::from_der(spki).map_err(|error| made(&error))?;
                params.signed_by(&subject, &issuer)
            }
            (None, None) => return Err(Failure::invalid_message("no public key is named")),
        };
        return Ok(issued.map_err(|error| made(&error))?.der().to_vec());
    }
    self_signed(context, public, params)
}

/// The first certificate of an authority to be.
fn self_signed(
    context: &Context<'_>,
    public: Option<&Object>,
    mut params: CertificateParams,
) -> Result<Vec<u8>> {
    let none = || {
        Failure::not_supported(
            "the account has no authority: a private key with Certificate Sign, and its certificate",
        )
    };
    let private = public.and_then(|public| linked(public, LinkType::PRIVATE_KEY));
    let private = inspect(context, private.ok_or_else(none)?)?;
    if !private
        .attributes
        .usage
        .contains(UsageMask::CERTIFICATE_SIGN)
    {
        return Err(none());
    }
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let signer = key(context, private.id)?;
    let made_certificate = params.self_signed(&signer).map_err(|error| made(&error))?;
    Ok(made_certificate.der().to_vec())
}

fn name(subject: &[(DnType, String)], public: Option<&Object>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, text) in subject {
        name.push(kind.clone(), text.as_str());
    }
    if subject.is_empty() {
        let named = public.and_then(|public| {
            let attributes = &public.attributes;
            attributes
                .names
                .first()
                .map(|name| name.value.clone())
                .or_else(|| Some(attributes.label.clone()).filter(|label| !label.is_empty()))
        });
        let common = named.or_else(|| public.map(|public| public.id.to_string()));
        name.push(DnType::CommonName, common.unwrap_or_default());
    }
    name
}
