//! The local certificate authority: one P-256 key that signs the server's and the clients'
//! certificates.
//!
//! A convenience for bridges without a PKI of their own; the server itself only looks at the files
//! that the configuration names.

use std::path::{Path, PathBuf};

use aws_lc_rs::{digest, rand};
use keybridge_core::time::Timestamp;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

/// Validity of the CA's certificate: longer than anything it signs.
const CA_DAYS: i64 = 3652;
/// Validity of the server's certificate.
const SERVER_DAYS: i64 = 825;
/// Validity of a client's certificate when nothing else is said.
pub const CLIENT_DAYS: i64 = 825;
/// Certificates are valid from this long before they are made: clients' clocks run behind.
const BACKDATING: Duration = Duration::hours(1);

/// What can go wrong with certificates.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The certificate library refused.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The CA's files cannot be used.
    #[error("cannot use the local CA ({}): {reason}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A certificate that somebody gave cannot be read.
    #[error("cannot read the certificate {}: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The operating system's generator failed.
    #[error("the operating system gives no random bytes")]
    Random,
}

/// Algorithm of a server key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ServerKey {
    /// ECDSA on P-256.
    #[default]
    Ecdsa,
    /// RSA of 2048 bits, for clients whose TLS has no ECDSA.
    Rsa,
}

/// A certificate and its key, PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its DER encoding.
    pub der: Vec<u8>,
    /// The private key, PKCS#8.
    pub key: Zeroizing<String>,
    /// What the certificate says.
    pub facts: CertificateFacts,
}

/// What the bridge wants to know of a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// SHA-256 of the DER encoding, lower-case hex.
    pub fingerprint: String,
    /// Subject, for people.
    pub subject: String,
    /// Serial number in hex.
    pub serial: String,
    /// End of validity.
    pub expires: Timestamp,
}

/// The local CA.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new CA; returns it with its certificate and key.
    ///
    /// # Errors
    /// [`PkiError`].
    pub fn create(name: &str) -> Result<(Self, Issued), PkiError> {
        let key = KeyPair::generate()?;
        let mut params = params(name, CA_DAYS)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        let issued = issued(&certificate, &key)?;
        let issuer = Issuer::new(params, key);
        Ok((Self { issuer }, issued))
    }

    /// Opens the CA of the two files.
    ///
    /// # Errors
    /// [`PkiError::Authority`].
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, PkiError> {
        let failed = |path: &Path, reason: String| PkiError::Authority {
            path: path.to_owned(),
            reason,
        };
        let key_pem = std::fs::read_to_string(key)
            .map(Zeroizing::new)
            .map_err(|error| failed(key, error.to_string()))?;
        let pair = KeyPair::from_pem(&key_pem).map_err(|error| failed(key, error.to_string()))?;
        let pem = std::fs::read_to_string(certificate)
            .map_err(|error| failed(certificate, error.to_string()))?;
        let issuer = Issuer::from_ca_cert_pem(&pem, pair)
            .map_err(|error| failed(certificate, error.to_string()))?;
        Ok(Self { issuer })
    }

    /// A certificate for the server under these host names and addresses.
    ///
    /// # Errors
    /// [`PkiError::Make`], for instance for a name that is none.
    pub fn issue_server(&self, kind: ServerKey, names: &[String]) -> Result<Issued, PkiError> {
        let algorithm = match kind {
            ServerKey::Ecdsa => &rcgen::PKCS_ECDSA_P256_SHA256,
            ServerKey::Rsa => &rcgen::PKCS_RSA_SHA256,
        };
        let key = KeyPair::generate_for(algorithm)?;
        let mut params = params("keybridge server", SERVER_DAYS)?;
        params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if kind == ServerKey::Rsa {
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        issued(&certificate, &key)
    }

    /// A certificate for a client.
    ///
    /// # Errors
    /// [`PkiError::Make`].
    pub fn issue_client(&self, name: &str, days: i64) -> Result<Issued, PkiError> {
        let key = KeyPair::generate()?;
        let certificate = client_params(name, days)?.signed_by(&key, &self.issuer)?;
        issued(&certificate, &key)
    }

    /// A certificate, DER, for a client that has made its key itself: of the request (PKCS#10, DER), which proves
    /// the key, nothing but the key is taken.
    ///
    /// # Errors
    /// [`PkiError::Make`], also for what is no request.
    pub fn certify_client(
        &self,
        request: &[u8],
        name: &str,
        days: i64,
    ) -> Result<Vec<u8>, PkiError> {
        let request = rustls::pki_types::CertificateSigningRequestDer::from(request);
        let request = rcgen::CertificateSigningRequestParams::from_der(&request)?;
        let params = client_params(name, days)?;
        let certificate = params.signed_by(&request.public_key, &self.issuer)?;
        Ok(certificate.der().to_vec())
    }
}

/// What the certificate of a client says, whoever has its key.
fn client_params(name: &str, days: i64) -> Result<CertificateParams, PkiError> {
    let mut params = params(name, days)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn params(name: &str, days: i64) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
        .distinguished_name
        .push(DnType::OrganizationName, "keybridge");
    let now = OffsetDateTime::now_utc();
    params.not_before = now - BACKDATING;
    params.not_after = now + Duration::days(days);
    let mut serial = [0; 16];
    rand::fill(&mut serial).map_err(|_| PkiError::Random)?;
    // Positive and of full length, whatever the bytes.
    serial[0] = serial[0] & 0x7F | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn issued(certificate: &Certificate, key: &KeyPair) -> Result<Issued, PkiError> {
    let der = certificate.der().to_vec();
    let facts = facts(&der).map_err(|reason| PkiError::Certificate {
        path: PathBuf::from("just made"),
        reason,
    })?;
    Ok(Issued {
        certificate: certificate.pem(),
        der,
        key: Zeroizing::new(key.serialize_pem()),
        facts,
    })
}

/// SHA-256 of a certificate's DER encoding, lower-case hex: the client's identity.
#[must_use]
pub fn fingerprint(der: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, der).as_ref())
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What a certificate says.
///
/// # Errors
/// Words, when it is none.
pub fn facts(der: &[u8]) -> Result<CertificateFacts, String> {
    use x509_cert::der::Decode;
    let certificate = x509_cert::Certificate::from_der(der).map_err(|error| error.to_string())?;
    let inner = certificate.tbs_certificate();
    let expires = inner.validity().not_after.to_unix_duration().as_secs();
    Ok(CertificateFacts {
        fingerprint: fingerprint(der),
        subject: inner.subject().to_string(),
        serial: hex(inner.serial_number().as_bytes()),
        expires: Timestamp(i64::try_from(expires).unwrap_or(i64::MAX)),
    })
}

/// What of a certificate's subject may say who its bearer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubjectClaims {
    /// Common Names.
    pub cn: Vec<String>,
    /// User IDs (RFC 4519, section 2.39).
    pub uid: Vec<String>,
    /// Serial number in lower-case hex, without leading zeros.
    pub serial: String,
    /// Subject Alternative Names: DNS names in lower case, e-mail addresses, URIs, addresses.
    pub san: Vec<String>,
    /// End of validity.
    pub expires: Timestamp,
}

/// What a certificate says of its bearer.
///
/// # Errors
/// Words, when it is none.
pub fn claims(der: &[u8]) -> Result<SubjectClaims, String> {
    use x509_cert::der::Decode;
    use x509_cert::der::asn1::ObjectIdentifier;
    const CN: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
    const UID: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1");
    let certificate = x509_cert::Certificate::from_der(der).map_err(|error| error.to_string())?;
    let inner = certificate.tbs_certificate();
    let expires = inner.validity().not_after.to_unix_duration().as_secs();
    let texts = |kind| crate::attributes::name_texts(inner.subject(), kind);
    Ok(SubjectClaims {
        cn: texts(CN),
        uid: texts(UID),
        serial: plain_serial(&hex(inner.serial_number().as_bytes())),
        san: alternative_names(inner),
        expires: Timestamp(i64::try_from(expires).unwrap_or(i64::MAX)),
    })
}

/// A serial number as it is compared: lower-case hex digits without colons and leading zeros.
#[must_use]
pub fn plain_serial(text: &str) -> String {
    let digits: String = text
        .chars()
        .filter(char::is_ascii_hexdigit)
        .map(|digit| digit.to_ascii_lowercase())
        .collect();
    digits.trim_start_matches('0').to_owned()
}

fn alternative_names(certificate: &x509_cert::TbsCertificate) -> Vec<String> {
    use x509_cert::ext::pkix::name::GeneralName;

    use crate::attributes::{readable_name, subject_names};
    let text = |name: &GeneralName| {
        let text = readable_name(name)?;
        Some(match name {
            GeneralName::DnsName(_) => text.to_ascii_lowercase(),
            _ => text,
        })
    };
    subject_names(certificate).iter().filter_map(text).collect()
}

/// The first certificate of a PEM file.
///
/// # Errors
/// [`PkiError::Certificate`].
pub fn read_certificate(path: &Path) -> Result<Vec<u8>, PkiError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::{self, PemObject};
    CertificateDer::from_pem_file(path)
        .map(|der| der.to_vec())
        .map_err(|error| PkiError::Certificate {
            path: path.to_owned(),
            reason: match error {
                pem::Error::NoItemsFound => "there is no certificate (PEM) in it".to_owned(),
                pem::Error::Io(error) => error.to_string(),
                error => error.to_string(),
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_signs_for_server_and_clients() {
        let (authority, own) = Authority::create("test CA").unwrap();
        assert!(own.facts.subject.contains("test CA"));
        for kind in [ServerKey::Ecdsa, ServerKey::Rsa] {
            let names = [
                "localhost".to_owned(),
                "127.0.0.1".to_owned(),
                "::1".to_owned(),
            ];
            let server = authority.issue_server(kind, &names).unwrap();
            assert!(server.key.contains("PRIVATE KEY"));
        }
        let client = authority.issue_client("app", 10).unwrap();
        let left = client.facts.expires.0 - Timestamp::now().0;
        assert!((9 * 86_400..=10 * 86_400).contains(&left));
        assert_eq!(client.facts.fingerprint, fingerprint(&client.der));
        assert_eq!(client.facts.serial.len(), 32);
    }
}
