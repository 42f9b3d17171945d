//! TLS: who may connect at all. Certificates are checked against the configured CAs here; who the
//! client is, and whether it still may, is asked of the core at every message.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use keybridge_core::time::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore, ServerConfig, SignatureAlgorithm};
use webpki::{CertRevocationList, OwnedCertRevocationList};

use super::verify::ClientVerifier;
use crate::listener::{Listener, Transport};
use crate::pki;
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
    pub(super) fn file(path: &Path, reason: impl ToString) -> Self {
        Self::File {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// A PEM file, which should hold a `what`.
    fn pem(path: &Path, error: pem::Error, what: &str) -> Self {
        match error {
            pem::Error::NoItemsFound => Self::file(path, format!("there is no {what} (PEM) in it")),
            pem::Error::Io(error) => Self::file(path, error),
            error => Self::file(path, error),
        }
    }

    pub(super) fn library(error: impl ToString) -> Self {
        Self::Library(error.to_string())
    }
}

/// The TLS of one listener: its files, read again when one of them changes, and the sessions that
/// can be resumed.
pub(super) struct Tls {
    listener: Listener,
    keys: Vec<(PathBuf, PathBuf)>,
    sessions: Arc<ServerSessionMemoryCache>,
    loaded: ArcSwap<Loaded>,
    stamps: Mutex<Vec<Stamp>>,
}

/// What was read from the files.
pub(super) struct Loaded {
    config: Arc<ServerConfig>,
    verifier: Arc<ClientVerifier>,
    /// Of a listener for legacy TLS.
    #[cfg(feature = "legacy-tls")]
    legacy: Option<openssl::ssl::SslContext>,
    /// Counts readings: a connection whose number is older is verified again.
    generation: u64,
}

/// What tells whether a file was changed: device and inode, size, time of change.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

impl Tls {
    /// Reads the files of a listener.
    pub(super) fn new(settings: &ServerSettings, listener: Listener) -> Result<Self, TlsError> {
        let mut keys = vec![(settings.certificate.clone(), settings.private_key.clone())];
        if let (Some(certificate), Some(key)) =
            (&settings.other_certificate, &settings.other_private_key)
        {
            keys.push((certificate.clone(), key.clone()));
        }
        let sessions = ServerSessionMemoryCache::new(SESSIONS);
        let stamps = stamps(&listener, &keys);
        let loaded = load(&listener, &keys, &sessions, 0)?;
        Ok(Self {
            listener,
            keys,
            sessions,
            loaded: ArcSwap::from_pointee(loaded),
            stamps: Mutex::new(stamps),
        })
    }

    pub(super) const fn listener(&self) -> &Listener {
        &self.listener
    }

    /// What a new connection uses.
    pub(super) fn current(&self) -> Arc<Loaded> {
        self.loaded.load_full()
    }

    /// Reads the files again if one was changed. What cannot be used leaves things as they were.
    pub(super) fn refresh(&self) {
        let now = stamps(&self.listener, &self.keys);
        let mut seen = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return;
        }
        let generation = self.loaded.load().generation + 1;
        match load(&self.listener, &self.keys, &self.sessions, generation) {
            Ok(loaded) => {
                tracing::info!(listener = %self.listener.address, "certificates were read again");
                self.loaded.store(Arc::new(loaded));
            }
            Err(error) => {
                tracing::error!(%error, "changed certificates cannot be used: the old ones stay");
            }
        }
        // Also after a failure: the same error is not told every second.
        *seen = now;
    }

    /// Whether a client's certificate is still good, asked when the files were read again since
    /// `seen`. A session that is resumed was not verified at all, so it begins with none seen.
    pub(super) fn check(
        &self,
        certificates: &[CertificateDer<'_>],
        seen: &mut Option<u64>,
    ) -> Result<(), rustls::Error> {
        let loaded = self.loaded.load();
        if *seen == Some(loaded.generation) {
            return Ok(());
        }
        let (first, rest) = certificates
            .split_first()
            .ok_or(rustls::Error::NoCertificatesPresented)?;
        loaded
            .verifier
            .verify_client_cert(first, rest, UnixTime::now())?;
        *seen = Some(loaded.generation);
        Ok(())
    }
}

impl Loaded {
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// The configuration of a listener for legacy TLS.
    #[cfg(feature = "legacy-tls")]
    pub(super) const fn legacy(&self) -> Option<&openssl::ssl::SslContext> {
        self.legacy.as_ref()
    }
}

fn stamps(listener: &Listener, keys: &[(PathBuf, PathBuf)]) -> Vec<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let stamp = |path: &PathBuf| {
        let facts = std::fs::metadata(path).ok()?;
        Some((
            facts.dev(),
            facts.ino(),
            facts.size(),
            facts.mtime(),
            facts.mtime_nsec(),
        ))
    };
    keys.iter()
        .flat_map(|(certificate, key)| [certificate, key])
        .chain([&listener.client_ca])
        .chain(&listener.client_crl)
        .map(stamp)
        .collect()
}

/// The server's side of TLS 1.2 and 1.3 with client certificates.
fn load(
    listener: &Listener,
    keys: &[(PathBuf, PathBuf)],
    sessions: &Arc<ServerSessionMemoryCache>,
    generation: u64,
) -> Result<Loaded, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&listener.client_ca)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::file(&listener.client_ca, error))?;
    }
    let mut lists = Vec::new();
    for path in &listener.client_crl {
        lists.append(&mut revocations(path)?);
    }
    let verifier = Arc::new(ClientVerifier {
        hints: roots.subjects(),
        roots,
        lists,
        require_list: listener.require_crl,
        check_usage: listener.check_client_usage,
        provider: Arc::clone(&provider),
    });
    let certified = keys
        .iter()
        .map(|(certificate, key)| certified(certificate, key, &provider))
        .collect::<Result<Vec<_>, _>>()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::library)?
        .with_client_cert_verifier(Arc::clone(&verifier) as _)
        .with_cert_resolver(Arc::new(Keys(certified)));
    config.session_storage = Arc::clone(sessions) as _;
    if listener.transport == Transport::Https {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
    }
    Ok(Loaded {
        config: Arc::new(config),
        verifier,
        #[cfg(feature = "legacy-tls")]
        legacy: match listener.transport {
            Transport::LegacyTls => Some(super::legacy::load(listener, keys)?),
            Transport::Tls | Transport::Https => None,
        },
        generation,
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| TlsError::pem(path, error, "certificate"))?;
    if found.is_empty() {
        return Err(TlsError::file(path, "there is no certificate in it"));
    }
    Ok(found)
}

/// The revocation lists in a file, PEM or DER.
fn revocations(path: &Path) -> Result<Vec<CertRevocationList<'static>>, TlsError> {
    let bytes = std::fs::read(path).map_err(|error| TlsError::file(path, error))?;
    let mut ders: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .unwrap_or_default();
    if ders.is_empty() {
        ders.push(CertificateRevocationListDer::from(bytes));
    }
    let parse = |der: &CertificateRevocationListDer<'_>| {
        OwnedCertRevocationList::from_der(der)
            .map(CertRevocationList::from)
            .map_err(|error| TlsError::file(path, format!("no revocation list: {error}")))
    };
    ders.iter().map(parse).collect()
}

fn certified(
    certificate: &Path,
    key: &Path,
    provider: &rustls::crypto::CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = certificates(certificate)?;
    let der = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| TlsError::pem(key, error, "private key"))?;
    if let Ok(facts) = pki::facts(&chain[0])
        && facts.expires < Timestamp::now()
    {
        let file = certificate.display();
        tracing::warn!("the server's certificate {file} has expired: clients will refuse it");
    }
    let certified = CertifiedKey::from_der(chain, der, provider).map_err(|error| {
        let certificate = certificate.display();
        TlsError::file(
            key,
            match error {
                rustls::Error::InconsistentKeys(_) => {
                    format!("it is not the private key of the certificate {certificate}")
                }
                error => format!("{error} (with {certificate})"),
            },
        )
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
        Some(other) => refusal(other),
        None => error.to_string(),
    }
}

/// Words for the log about a certificate that is refused.
pub(super) fn refusal(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Revoked) => {
            "the client's certificate is on its CA's revocation list".into()
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownRevocationStatus) => {
            "there is no revocation list of the CA of the client's certificate; \
             [server] require-crl = false takes such certificates"
                .into()
        }
        rustls::Error::InvalidCertificate(CertificateError::InvalidPurpose) => {
            "the client's certificate is not for client authentication; \
             [server] check-client-usage = false takes it"
                .into()
        }
        other => other.to_string(),
    }
}
