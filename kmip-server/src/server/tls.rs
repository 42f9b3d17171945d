//! TLS: who may connect at all. Certificates are checked against the configured CAs here; who the
//! client is, and whether it still may, is asked of the core at every message.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::server::{
    ClientHello, ResolvesServerCert, ServerSessionMemoryCache, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore, ServerConfig, SignatureAlgorithm};

use crate::settings::ServerSettings;

/// TLS sessions that can be resumed, in memory.
const SESSIONS: usize = 4096;

/// What is wrong with the configured certificates and keys.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read or holds nothing of its kind.
    #[error("cannot use {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What the TLS library says.
    #[error("TLS: {0}")]
    Library(String),
}

impl TlsError {
    fn file(path: &Path, reason: impl ToString) -> Self {
        Self::File {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    fn library(error: impl ToString) -> Self {
        Self::Library(error.to_string())
    }
}

/// The server's side of TLS 1.2 and 1.3 with client certificates.
pub(super) fn configuration(settings: &ServerSettings) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&settings.client_ca)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::file(&settings.client_ca, error))?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(TlsError::library)?;
    let mut keys = vec![certified(
        &settings.certificate,
        &settings.private_key,
        &provider,
    )?];
    if let (Some(certificate), Some(key)) =
        (&settings.other_certificate, &settings.other_private_key)
    {
        keys.push(certified(certificate, key, &provider)?);
    }
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::library)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(Keys(keys)));
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| TlsError::file(path, error))?;
    if found.is_empty() {
        return Err(TlsError::file(path, "there is no certificate in it"));
    }
    Ok(found)
}

fn certified(
    certificate: &Path,
    key: &Path,
    provider: &rustls::crypto::CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = certificates(certificate)?;
    let der = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::file(key, error))?;
    let certified = CertifiedKey::from_der(chain, der, provider).map_err(|error| {
        TlsError::file(key, format!("{error} (with {})", certificate.display()))
    })?;
    Ok(Arc::new(certified))
}

/// Chooses, of certificates with keys of different kinds, the first that the client can use.
#[derive(Debug)]
struct Keys(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Keys {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let usable = self.0.iter().find(|key| {
            let kind = key.key.algorithm();
            key.key.choose_scheme(hello.signature_schemes()).is_some()
                && offers(hello.cipher_suites(), kind)
        });
        usable.or(self.0.first()).cloned()
    }
}

/// Whether a client's cipher suites go with a key of this kind: TLS 1.3's with every kind, those of
/// 1.2 with the one they name.
fn offers(suites: &[rustls::CipherSuite], kind: SignatureAlgorithm) -> bool {
    suites.iter().any(|suite| {
        let name = suite.as_str().unwrap_or_default();
        name.starts_with("TLS13_")
            || match kind {
                SignatureAlgorithm::RSA => name.contains("_RSA_"),
                SignatureAlgorithm::ECDSA => name.contains("_ECDSA_"),
                _ => true,
            }
    })
}

/// Words for the log about a handshake that failed.
pub(super) fn reason(error: &std::io::Error) -> String {
    let inner = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::NoCertificatesPresented) => "the client sent no certificate".into(),
        Some(rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => "the client's certificate has expired".into(),
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => "the client's certificate is not valid yet".into(),
        Some(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => "the client's certificate is of a CA that [server] client-ca does not name".into(),
        Some(other) => other.to_string(),
        None => error.to_string(),
    }
}
