//! The client at the other end of a connection, on both transports.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use keybridge_core::AccountId;
use keybridge_core::authorize::Origin;
use rustls::HandshakeKind;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::tls::{Tls, refusal};
use crate::identity::{Doorkeeper, Peer};
use crate::pki::{Authority, PkiError};

/// A listener's part in its connections.
pub(super) struct Entrance {
    pub(super) tls: Tls,
    /// Account of users whose certificate is nobody's.
    pub(super) account: Option<AccountId>,
    /// Certificate and key of the CA that makes clients' certificates.
    pub(super) authority: Option<(PathBuf, PathBuf)>,
}

impl fmt::Debug for Entrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entrance").finish_non_exhaustive()
    }
}

impl Doorkeeper for Entrance {
    fn accepts(&self, certificate: &[u8]) -> Result<(), String> {
        let certificate = CertificateDer::from(certificate);
        self.tls
            .check(&[certificate], &mut None)
            .map_err(|error| refusal(&error))
    }

    fn authority(&self) -> Result<Option<Authority>, PkiError> {
        let files = self.authority.as_ref();
        files
            .map(|(certificate, key)| Authority::open(certificate, key))
            .transpose()
    }
}

/// A client that has completed its handshake.
pub(super) struct Client {
    pub(super) address: SocketAddr,
    pub(super) peer: Peer,
    certificates: Vec<CertificateDer<'static>>,
    /// The reading of the listener's files by which the certificates were verified.
    seen: Mutex<Option<u64>>,
    entrance: Arc<Entrance>,
}

impl Client {
    /// Who has connected; `generation` is of the TLS configuration of the handshake. None, with a
    /// line in the log, when the certificate cannot be used.
    pub(super) fn of(
        stream: &TlsStream<TcpStream>,
        address: SocketAddr,
        entrance: Arc<Entrance>,
        generation: u64,
    ) -> Option<Self> {
        let (_, session) = stream.get_ref();
        let certificates = session.peer_certificates().unwrap_or_default();
        let certificates = certificates.iter().map(|one| one.clone().into_owned());
        // In a resumed session nobody has looked at the certificate: it may be revoked since.
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        let seen = (!resumed).then_some(generation);
        Self::with(certificates.collect(), address, entrance, seen)
    }

    /// The one who proved to have the key of the first certificate; those after it lead to its CA.
    /// They were verified by the reading of the files that is `seen`, if at all.
    pub(super) fn with(
        certificates: Vec<CertificateDer<'static>>,
        address: SocketAddr,
        entrance: Arc<Entrance>,
        seen: Option<u64>,
    ) -> Option<Self> {
        let listener = entrance.tls.listener();
        let origin = Origin::Network(address.ip().to_canonical());
        let own = certificates.first().map(AsRef::as_ref).unwrap_or_default();
        let peer = match Peer::of_certificate(own, &listener.identify_by, origin) {
            Ok(peer) => peer
                .with_account(entrance.account)
                .with_attestation(listener.attestation)
                .let_in_by(Arc::clone(&entrance) as Arc<dyn Doorkeeper>),
            Err(reason) => {
                tracing::warn!(%address, reason, "a client certificate that cannot be read");
                return None;
            }
        };
        let client = Self {
            address,
            peer,
            certificates,
            seen: Mutex::new(seen),
            entrance,
        };
        client.is_good().then_some(client)
    }

    /// Whether its certificate is good by what the listener's files say now.
    pub(super) fn is_good(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match self.entrance.tls.check(&self.certificates, &mut seen) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(peer = %self.address, reason = refusal(&error), "a client was refused");
                false
            }
        }
    }

    /// The path of requests over HTTPS.
    pub(super) fn path(&self) -> &str {
        &self.entrance.tls.listener().path
    }
}
