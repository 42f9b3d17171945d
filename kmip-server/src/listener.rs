//! Listeners as the configuration says them: where, in which transport, and how clients are known
//! there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use keybridge_core::{Error, Result};
use serde::{Deserialize, Deserializer, Serialize};

use crate::settings::ServerSettings;

/// How messages are carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TTLV over TLS: the KMIP port.
    #[default]
    Tls,
    /// HTTP POST over TLS, encoded as the Content-Type says (KMIP Profiles 2.1, section 5.3).
    Https,
    /// TTLV over OpenSSL's TLS with cipher suites that TLS here does not have otherwise: TLS 1.2 with
    /// static RSA or CBC. Needs the cargo feature `legacy-tls`.
    LegacyTls,
}

/// What is said of a listener for legacy TLS, at the start and by `keybridge status`.
pub const LEGACY_WARNING: &str = "LEGACY TLS: this listener takes cipher suites without forward secrecy and with CBC; \
     use it for devices that have nothing better, and for nothing else";

/// What of a client's certificate says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentifyBy {
    /// SHA-256 of the certificate: each certificate is made known by itself.
    Fingerprint,
    /// Common Name of the subject.
    Cn,
    /// User ID of the subject.
    Uid,
    /// Serial number of the certificate: unique within one CA, so for listeners with one only.
    Serial,
    /// A Subject Alternative Name: DNS name, address, e-mail address or URI.
    San,
}

/// What is done with attestation credentials; none is ever a proof here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttestationPolicy {
    /// They are taken and not looked at.
    #[default]
    Ignore,
    /// Requests with one are refused (Attestation Failed).
    Refuse,
}

/// `[[server.listener]]`: a listener of its own. What it does not say is as `[server]` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ListenerSettings {
    /// Its address. Port 0 takes a free port, which is then printed.
    #[serde(deserialize_with = "address")]
    pub address: SocketAddr,
    /// How messages are carried.
    #[serde(default)]
    pub transport: Transport,
    /// The path of requests over HTTPS.
    pub path: Option<String>,
    /// What of a certificate is looked at, in this order.
    pub identify_by: Option<Vec<IdentifyBy>>,
    /// Certificates of the CAs whose client certificates are looked at, PEM.
    pub client_ca: Option<PathBuf>,
    /// Revocation lists of those CAs, PEM or DER.
    pub client_crl: Option<Vec<PathBuf>>,
    /// Whether a client's certificate that names its uses must name client authentication.
    pub check_client_usage: Option<bool>,
    /// Account of users whose certificate is nobody's.
    pub account: Option<String>,
    /// What is done with attestation credentials.
    pub attestation: Option<AttestationPolicy>,
}

/// An address in the configuration; what is none is named with what one looks like.
fn address<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<SocketAddr, D::Error> {
    parse_address(&String::deserialize(from)?)
}

/// Several of them.
pub(crate) fn addresses<'de, D: Deserializer<'de>>(
    from: D,
) -> std::result::Result<Vec<SocketAddr>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts.iter().map(|text| parse_address(text)).collect()
}

fn parse_address<E: serde::de::Error>(text: &str) -> std::result::Result<SocketAddr, E> {
    text.parse().map_err(|_| {
        E::custom(format!(
            "{text:?} is no address with a port, as \"127.0.0.1:5696\" and \"[::]:5696\" are"
        ))
    })
}

/// A listener with everything that concerns it.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its address.
    pub address: SocketAddr,
    /// How messages are carried.
    pub transport: Transport,
    /// The path of requests over HTTPS.
    pub path: String,
    /// What of a certificate is looked at, in this order.
    pub identify_by: Vec<IdentifyBy>,
    /// Certificates of the clients' CAs.
    pub client_ca: PathBuf,
    /// Their revocation lists.
    pub client_crl: Vec<PathBuf>,
    /// Whether a certificate of a CA without a list here is refused.
    pub require_crl: bool,
    /// Whether a certificate that names its uses must name client authentication.
    pub check_client_usage: bool,
    /// Account of users whose certificate is nobody's.
    pub account: Option<String>,
    /// What is done with attestation credentials.
    pub attestation: AttestationPolicy,
}

impl ListenerSettings {
    pub(crate) fn make_absolute(&mut self, folder: &Path) {
        for path in self
            .client_ca
            .iter_mut()
            .chain(self.client_crl.iter_mut().flatten())
        {
            *path = folder.join(&*path);
        }
    }
}

impl ServerSettings {
    /// All listeners: those of `listen`, of `listen-https`, and the ones with sections of their own.
    #[must_use]
    pub fn listeners(&self) -> Vec<Listener> {
        let plain = |address: SocketAddr, transport| ListenerSettings {
            address,
            transport,
            path: None,
            identify_by: None,
            client_ca: None,
            client_crl: None,
            check_client_usage: None,
            account: None,
            attestation: None,
        };
        let tls = self.listen.iter().map(|at| plain(*at, Transport::Tls));
        let https = self
            .listen_https
            .iter()
            .map(|at| plain(*at, Transport::Https));
        tls.chain(https)
            .chain(self.listener.iter().cloned())
            .map(|listener| self.complete(listener))
            .collect()
    }

    fn complete(&self, own: ListenerSettings) -> Listener {
        // A CA of its own is not what the general revocation lists are of.
        let crl = match (&own.client_ca, own.client_crl) {
            (_, Some(own)) => own,
            (None, None) => self.client_crl.clone(),
            (Some(_), None) => Vec::new(),
        };
        Listener {
            address: own.address,
            transport: own.transport,
            path: own.path.unwrap_or_else(|| self.https_path.clone()),
            identify_by: own.identify_by.unwrap_or_else(|| self.identify_by.clone()),
            client_ca: own.client_ca.unwrap_or_else(|| self.client_ca.clone()),
            client_crl: crl,
            require_crl: self.require_crl,
            check_client_usage: own.check_client_usage.unwrap_or(self.check_client_usage),
            account: own.account.or_else(|| self.account.clone()),
            attestation: own.attestation.unwrap_or(self.attestation),
        }
    }

    pub(crate) fn check_listeners(&self) -> Result<()> {
        let wrong = |text: &str| Err(Error::Configuration(format!("[server]: {text}")));
        let listeners = self.listeners();
        if listeners.is_empty() {
            return wrong("listen, listen-https and [[server.listener]] name no address");
        }
        for listener in listeners {
            if !listener.path.starts_with('/') || listener.path.contains(['?', '#', ' ']) {
                return wrong("https-path is a path: it begins with / and has no query");
            }
            if listener.transport == Transport::LegacyTls && !cfg!(feature = "legacy-tls") {
                return wrong(
                    "transport = \"legacy-tls\" needs a keybridge that was built for it: install OpenSSL's \
                     headers (libssl-dev), then cargo build -p keybridge-server --features legacy-tls",
                );
            }
            if listener.identify_by.is_empty() && listener.account.is_none() {
                return wrong(
                    "identify-by is empty, so users prove themselves by name and password: \
                     account must say of which account they are",
                );
            }
        }
        Ok(())
    }
}
