//! The server's section of the configuration file, `[server]`.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use keybridge_core::settings::ConfigurationFile;
use keybridge_core::{Error, Result};
use keybridge_kmip::message::RequestBatchItem;
use serde::Deserialize;

use crate::listener::{self, AttestationPolicy, IdentifyBy, ListenerSettings};

/// `[server]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerSettings {
    /// Addresses of the KMIP listeners. Port 0 takes a free port, which is then printed.
    #[serde(default = "default_listen", deserialize_with = "listener::addresses")]
    pub listen: Vec<SocketAddr>,
    /// Addresses of KMIP over HTTPS; none by default.
    #[serde(default, deserialize_with = "listener::addresses")]
    pub listen_https: Vec<SocketAddr>,
    /// The path of requests over HTTPS.
    #[serde(default = "default_path")]
    pub https_path: String,
    /// What of a client's certificate says who it is, in this order.
    #[serde(default = "default_identify_by")]
    pub identify_by: Vec<IdentifyBy>,
    /// Whether a client's certificate that names its uses must name client authentication.
    #[serde(default = "yes")]
    pub check_client_usage: bool,
    /// Account of users that prove themselves by name and password and whose certificate is nobody's.
    #[serde(default)]
    pub account: Option<String>,
    /// What is done with attestation credentials.
    #[serde(default)]
    pub attestation: AttestationPolicy,
    /// Listeners with settings of their own.
    #[serde(default)]
    pub listener: Vec<ListenerSettings>,
    /// The server's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub private_key: PathBuf,
    /// A second certificate chain with a key of another algorithm (RSA beside ECDSA), for clients
    /// that cannot use the first.
    #[serde(default)]
    pub other_certificate: Option<PathBuf>,
    /// Its private key, PEM.
    #[serde(default)]
    pub other_private_key: Option<PathBuf>,
    /// Certificates of the CAs whose client certificates are looked at, PEM.
    pub client_ca: PathBuf,
    /// Revocation lists of those CAs, PEM or DER; read again when a file changes.
    #[serde(default)]
    pub client_crl: Vec<PathBuf>,
    /// Whether, when there are lists, certificates of a CA without one are refused.
    #[serde(default = "yes")]
    pub require_crl: bool,
    /// Key of the local CA, PEM: `keybridge client add` signs with it. Without it clients bring
    /// certificates of their own.
    #[serde(default)]
    pub ca_private_key: Option<PathBuf>,
    /// `[server.limits]`.
    #[serde(default)]
    pub limits: ServerLimits,
    /// `[server.answers]`.
    #[serde(default)]
    pub answers: ServerAnswers,
}

/// `[server.limits]`: what a peer may cost. Each refusal names the setting.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerLimits {
    /// Bytes of a message.
    pub message_bytes: usize,
    /// Nesting of structures in a message.
    pub message_depth: usize,
    /// Items in a message.
    pub message_items: usize,
    /// Batch items in a message.
    pub batch_items: usize,
    /// Objects in an answer to Locate that names no maximum.
    pub located_objects: usize,
    /// Connections in all.
    pub connections: usize,
    /// Connections from one address.
    pub connections_per_client: usize,
    /// Batch items a second from one principal, on the average of a second or two; 0 is no limit.
    pub requests_per_second: u32,
    /// Tickets of Login and Delegated Login that one principal may have.
    pub tickets_per_client: usize,
    /// Seconds that a ticket is good at most.
    pub ticket_seconds: u32,
    /// Asynchronous requests of one principal that are pending or not fetched.
    pub asynchronous_per_client: usize,
    /// Seconds that the result of an asynchronous request is kept.
    pub asynchronous_seconds: u32,
    /// Operations in parts that one principal may have under way.
    pub streams_per_client: usize,
    /// Seconds after which an operation in parts is forgotten.
    pub stream_seconds: u64,
    /// Bytes that are collected for an operation that no engine does in parts.
    pub stream_bytes: usize,
    /// PKCS#11 modules that one principal may have open.
    pub pkcs11_per_client: usize,
    /// PKCS#11 modules of all clients.
    pub pkcs11_modules: usize,
    /// Seconds that a PKCS#11 module is kept without being used.
    pub pkcs11_idle_seconds: u32,
    /// Seconds until a TLS handshake must be done.
    pub handshake_seconds: u64,
    /// Seconds until a started message must be there, and until an answer must be taken.
    pub message_seconds: u64,
    /// Seconds a connection may do nothing.
    pub idle_seconds: u64,
    /// Seconds that running requests have to end when the server is asked to stop.
    pub shutdown_seconds: u64,
}

/// `[server.answers]`: where the standard leaves the answer to the server.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerAnswers {
    /// Leaves out of Get Attributes what PyKMIP cannot read and did not ask for by name: of requests
    /// that look like PyKMIP's, which have one batch item without a Unique Batch Item ID. On unless
    /// switched off, for a client that is not told of an attribute can ask for it, and PyKMIP drops
    /// the connection.
    pub for_pykmip: bool,
    /// What becomes of the seeds that clients send.
    pub seeds: Seeds,
    /// Answers Interop (2.1 section 6.1.24): for a bridge under test only.
    pub interop: bool,
}

/// What becomes of RNG Seed's data. It never replaces the operating system's randomness; where it is
/// taken, it is mixed into it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seeds {
    /// Nothing: the answer says that no byte was used.
    #[default]
    Ignored,
    /// All of it is used.
    Used,
    /// The first 16 bytes of it are used, which is all the strength that a seed can add.
    UsedInPart,
    /// The operation is refused.
    Refused,
}

impl Default for ServerAnswers {
    fn default() -> Self {
        Self {
            for_pykmip: true,
            ..Self::standard()
        }
    }
}

impl ServerAnswers {
    /// Those to a request of these batch items.
    #[must_use]
    pub(crate) fn to<'i>(self, mut items: impl Iterator<Item = &'i RequestBatchItem>) -> Self {
        let only = items.next().filter(|_| items.next().is_none());
        let as_pykmip_asks = only.is_some_and(|item| item.unique_batch_item_id.is_none());
        Self {
            for_pykmip: self.for_pykmip && as_pykmip_asks,
            ..self
        }
    }

    /// The standard's own.
    #[must_use]
    pub const fn standard() -> Self {
        Self {
            for_pykmip: false,
            seeds: Seeds::Ignored,
            interop: false,
        }
    }
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            message_bytes: 4 << 20,
            message_depth: 32,
            message_items: 1 << 16,
            batch_items: 1000,
            located_objects: 10_000,
            connections: 16_384,
            connections_per_client: 12_000,
            requests_per_second: 0,
            tickets_per_client: 100,
            ticket_seconds: 86_400,
            asynchronous_per_client: 1000,
            asynchronous_seconds: 3600,
            streams_per_client: 64,
            stream_seconds: 600,
            stream_bytes: 16 << 20,
            pkcs11_per_client: 100,
            pkcs11_modules: 10_000,
            pkcs11_idle_seconds: 3600,
            handshake_seconds: 10,
            message_seconds: 30,
            idle_seconds: 600,
            shutdown_seconds: 10,
        }
    }
}

impl ServerLimits {
    /// The codec's share of the limits.
    #[must_use]
    pub fn wire(&self) -> keybridge_kmip::Limits {
        keybridge_kmip::Limits {
            bytes: self.message_bytes,
            depth: self.message_depth,
            items: self.message_items,
        }
    }

    /// Until a TLS handshake must be done.
    #[must_use]
    pub const fn handshake(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds)
    }

    /// Until a started message must be there.
    #[must_use]
    pub const fn message(&self) -> Duration {
        Duration::from_secs(self.message_seconds)
    }

    /// How long a connection may do nothing.
    #[must_use]
    pub const fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    /// How long a stopping server waits for running requests.
    #[must_use]
    pub const fn shutdown(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds)
    }
}

fn default_listen() -> Vec<SocketAddr> {
    vec![SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 5696)]
}

fn default_path() -> String {
    "/kmip".into()
}

fn default_identify_by() -> Vec<IdentifyBy> {
    vec![IdentifyBy::Fingerprint]
}

const fn yes() -> bool {
    true
}

impl ServerSettings {
    /// The server's section of a configuration file that stands in `folder`; relative paths become
    /// absolute.
    ///
    /// # Errors
    /// [`Error::Configuration`] when there is no such section or something in it is wrong.
    pub fn of(file: &ConfigurationFile, folder: &Path) -> Result<Self> {
        let table = file.server.clone().ok_or_else(|| {
            Error::Configuration("the configuration file has no section [server]".into())
        })?;
        let mut settings: Self = table
            .try_into()
            .map_err(|error| Error::Configuration(format!("[server]: {error}")))?;
        settings.make_absolute(folder);
        settings.check()?;
        Ok(settings)
    }

    fn make_absolute(&mut self, folder: &Path) {
        let required = [
            &mut self.certificate,
            &mut self.private_key,
            &mut self.client_ca,
        ];
        let optional = [
            &mut self.other_certificate,
            &mut self.other_private_key,
            &mut self.ca_private_key,
        ];
        for path in required
            .into_iter()
            .chain(optional.into_iter().flat_map(Option::as_mut))
            .chain(self.client_crl.iter_mut())
        {
            *path = folder.join(&*path);
        }
        for listener in &mut self.listener {
            listener.make_absolute(folder);
        }
    }

    fn check(&self) -> Result<()> {
        let wrong = |text: &str| Err(Error::Configuration(format!("[server]: {text}")));
        self.check_listeners()?;
        if self.other_certificate.is_some() != self.other_private_key.is_some() {
            return wrong("other-certificate and other-private-key go together");
        }
        // Any KMIP request with a header and one operation fits in 4 KiB; less would only lock
        // everybody out.
        if self.limits.message_bytes < 4096 {
            return wrong("limits.message-bytes must be at least 4096");
        }
        if self.limits.message_depth > keybridge_kmip::ttlv::DEPTH_CEILING {
            return wrong("limits.message-depth is above what the codec can do");
        }
        Ok(())
    }
}
