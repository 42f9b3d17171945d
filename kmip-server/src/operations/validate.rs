//! Validate (1.4 section 4.24; 2.1 section 6.1.58): whether certificates are a chain, each signed by
//! the next, and all good at a date.

use keybridge_core::engine::software::ready_public_key;
use keybridge_core::{HashAlgorithm, Mechanism, ObjectClass, Purpose, encoding};
use keybridge_kmip::enums::ValidityIndicator as Indicator;
use keybridge_kmip::operations::{ValidateRequest, ValidateResponse};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use super::sign;
use crate::failure::{Failure, Result};
use crate::processor::Context;

/// Certificates in one request.
const MOST: usize = 32;

pub(super) fn handle(
    request: ValidateRequest,
    context: &mut Context<'_>,
) -> Result<ValidateResponse> {
    let mut chain = Vec::new();
    for certificate in request.certificates {
        chain.push(certificate.value);
    }
    for given in &request.unique_identifiers {
        let id = context.online_object(Some(given))?;
        let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
        match object.public_value() {
            Some(der) if object.class == ObjectClass::Certificate => chain.push(der.to_vec()),
            _ => return Err(Failure::invalid_field("only certificates are validated")),
        }
    }
    if chain.is_empty() || chain.len() > MOST {
        return Err(Failure::invalid_message(format!(
            "1 to {MOST} certificates are validated"
        )));
    }
    let at = request
        .validity_date
        .map_or_else(|| keybridge_core::time::Timestamp::now().0, |date| date.0);
    let indicator = context.blocking(|_, _| validity(&chain, at));
    Ok(ValidateResponse {
        validity_indicator: indicator,
    })
}

/// Valid: every certificate is good at the date and signed by another one here, but for the roots,
/// which sign themselves. Unknown: an issuer is not among them.
fn validity(chain: &[Vec<u8>], at: i64) -> Indicator {
    let mut parsed = Vec::with_capacity(chain.len());
    for der in chain {
        let Ok(certificate) = Certificate::from_der(der) else {
            return Indicator::Invalid;
        };
        parsed.push(certificate);
    }
    let mut verdict = Indicator::Valid;
    for certificate in &parsed {
        if !is_current(certificate, at) {
            return Indicator::Invalid;
        }
        let issuer = certificate.tbs_certificate().issuer();
        let issuers = || {
            parsed
                .iter()
                .filter(|other| other.tbs_certificate().subject() == issuer)
        };
        if issuers().next().is_none() {
            verdict = Indicator::Unknown;
            continue;
        }
        match issuers()
            .filter_map(|other| is_signed_by(certificate, other))
            .max()
        {
            Some(true) => {}
            Some(false) => return Indicator::Invalid,
            // An algorithm that the bridge does not know.
            None => verdict = Indicator::Unknown,
        }
    }
    verdict
}

fn is_current(certificate: &Certificate, at: i64) -> bool {
    let validity = certificate.tbs_certificate().validity();
    let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
    let at = u64::try_from(at).unwrap_or(0);
    (seconds(validity.not_before)..=seconds(validity.not_after)).contains(&at)
}

/// Whether the signature is the issuer's; none when its algorithm is not known here.
fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> Option<bool> {
    let oid = certificate.signature_algorithm().oid.to_string();
    let rsa = |hash| Mechanism::RsaPkcs1Hash {
        hash,
        digested: false,
    };
    let ecdsa = |hash| Mechanism::EcdsaHash { hash };
    // RFC 3279, RFC 4055, RFC 5758, RFC 8410.
    let mechanism = match oid.as_str() {
        "1.2.840.113549.1.1.5" => rsa(HashAlgorithm::Sha1),
        "1.2.840.113549.1.1.11" => rsa(HashAlgorithm::Sha256),
        "1.2.840.113549.1.1.12" => rsa(HashAlgorithm::Sha384),
        "1.2.840.113549.1.1.13" => rsa(HashAlgorithm::Sha512),
        "1.2.840.10045.4.3.2" => ecdsa(HashAlgorithm::Sha256),
        "1.2.840.10045.4.3.3" => ecdsa(HashAlgorithm::Sha384),
        "1.2.840.10045.4.3.4" => ecdsa(HashAlgorithm::Sha512),
        "1.3.101.112" => Mechanism::Eddsa,
        _ => return None,
    };
    let tbs = certificate.tbs_certificate().to_der().ok()?;
    let mut signature = certificate.signature().raw_bytes().to_vec();
    let spki = issuer
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .ok()?;
    let spec = encoding::public_key_spec(&spki).ok()?;
    if let Some(curve) = encoding::NamedCurve::of_spec(spec)
        && matches!(mechanism, Mechanism::EcdsaHash { .. })
    {
        signature = sign::from_der(&signature, curve.field_length())?;
    }
    let key = ready_public_key(spec, &spki).ok()?;
    Some(
        key.verify(Purpose::Verify, &mechanism, &tbs, &signature)
            .is_ok(),
    )
}
