//! A blocking client over any stream, and a helper that connects one with mutual TLS.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use zeroize::{Zeroize, Zeroizing};

use crate::enums::{Operation, ResultReason};
use crate::error::{DecodeError, EncodeError};
use crate::frame;
use crate::message::{Authentication, Outcome, RequestMessage, ResponseBatchItem, ResponseMessage};
use crate::operations::{DiscoverVersionsRequest, Request, RequestPayload, ResponsePayload};
use crate::ttlv::{HEAD, Limits, TtlvError};
use crate::version::Version;

/// The port that IANA has given to KMIP.
pub const PORT: u16 = 5696;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The stream failed, or the server closed it.
    #[error("the connection to the KMIP server failed: {0}")]
    Io(#[from] io::Error),
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// PEM without what it should hold.
    #[error("{0}: there is none in its PEM file")]
    Pem(&'static str),
    /// The server's name is neither a host name nor an address.
    #[error("{0:?} is no host name")]
    Name(String),
    /// The request cannot be expressed in the client's version.
    #[error("the request: {0}")]
    Encode(#[from] EncodeError),
    /// The response exceeds the client's limits, or is no TTLV.
    #[error("the response: {0}")]
    Frame(#[from] TtlvError),
    /// The response is none of the standard.
    #[error("the response: {0}")]
    Decode(#[from] DecodeError),
    /// The response does not answer the request.
    #[error("the response does not answer the request")]
    Mismatch,
    /// The server refused the operation.
    #[error("{}{reason}: {}", Named(*.operation), .message.as_deref().unwrap_or("no reason given"))]
    Failed {
        /// The operation.
        operation: Option<Operation>,
        /// Why.
        reason: ResultReason,
        /// The server's words about it.
        message: Option<String>,
    },
    /// The server will have the result later, or undid the operation; neither was asked for.
    #[error("the operation was not completed")]
    NotCompleted,
    /// No version is spoken by both.
    #[error("the server and this client have no version of KMIP in common")]
    NoCommonVersion,
}

struct Named(Option<Operation>);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .map_or(Ok(()), |operation| write!(f, "{operation} failed with "))
    }
}

/// A client on a stream. After an error other than [`ClientError::Failed`] and
/// [`ClientError::Encode`] the stream is of no further use.
pub struct Client<S> {
    stream: S,
    version: Version,
    limits: Limits,
    authentication: Option<Authentication>,
    /// Kept from call to call, wiped after each.
    buffer: Vec<u8>,
}

impl<S: Read + Write> Client<S> {
    /// A client that speaks `version`.
    pub fn new(stream: S, version: Version) -> Self {
        let (limits, buffer) = (Limits::default(), Vec::new());
        Self {
            stream,
            version,
            limits,
            authentication: None,
            buffer,
        }
    }

    /// The version spoken.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Speaks `version` from now on.
    pub const fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// What a response may cost.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Credentials sent with every request from now on.
    pub fn set_authentication(&mut self, authentication: Option<Authentication>) {
        self.authentication = authentication;
    }

    /// The stream.
    pub const fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// One operation: `client.call(GetRequest { .. })` returns a `GetResponse`.
    ///
    /// # Errors
    /// [`ClientError::Failed`] when the server refused it.
    pub fn call<R: Request>(&mut self, request: R) -> Result<R::Response, ClientError> {
        let item = self
            .send(vec![request.into()])?
            .pop()
            .ok_or(ClientError::Mismatch)?;
        let payload = match item.outcome {
            Outcome::Success(Some(payload)) => payload,
            Outcome::Success(None) => return Err(ClientError::Mismatch),
            Outcome::Failed {
                reason, message, ..
            } => {
                return Err(ClientError::Failed {
                    operation: item.operation,
                    reason,
                    message,
                });
            }
            Outcome::Pending { .. } | Outcome::Undone(_) => return Err(ClientError::NotCompleted),
        };
        payload
            .try_into()
            .map_err(|_: ResponsePayload| ClientError::Mismatch)
    }

    /// Several operations in one message, done in order; the first failure stops the others. As
    /// many results as were done.
    ///
    /// # Errors
    /// Whatever makes the message as a whole fail; a refused operation is in its result.
    pub fn send(
        &mut self,
        payloads: Vec<RequestPayload>,
    ) -> Result<Vec<ResponseBatchItem>, ClientError> {
        let mut request = RequestMessage::new(self.version, payloads);
        request.header.authentication = self.authentication.clone();
        let response = self.exchange(&request)?;
        if response.items.is_empty() || response.items.len() > request.items.len() {
            return Err(ClientError::Mismatch);
        }
        let in_order = request
            .items
            .iter()
            .zip(&response.items)
            .all(|(asked, answered)| {
                // A message refused as a whole is answered by one item that names nothing.
                answered
                    .operation
                    .is_none_or(|operation| operation == asked.operation)
                    && (answered.operation.is_none()
                        || answered.unique_batch_item_id == asked.unique_batch_item_id)
            });
        if in_order {
            Ok(response.items)
        } else {
            Err(ClientError::Mismatch)
        }
    }

    /// One message, and its answer.
    ///
    /// # Errors
    /// When it cannot be sent or the answer is no response message.
    pub fn exchange(&mut self, request: &RequestMessage) -> Result<ResponseMessage, ClientError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let buffer = request.encode(buffer)?;
        let response = self.exchange_bytes(&buffer);
        self.buffer = buffer;
        self.buffer.zeroize();
        Ok(ResponseMessage::decode(&response?, &self.limits)?)
    }

    /// The bytes of one message, and those of its answer.
    ///
    /// # Errors
    /// When they cannot be sent, or the answer exceeds the client's limits.
    pub fn exchange_bytes(&mut self, request: &[u8]) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        self.stream.write_all(request)?;
        self.stream.flush()?;
        let mut head = [0; HEAD];
        self.stream.read_exact(&mut head)?;
        let length = frame::read_length(&head, &self.limits)?;
        let mut response = Zeroizing::new(vec![0; length]);
        let (start, rest) = response.split_at_mut(HEAD);
        start.copy_from_slice(&head);
        self.stream.read_exact(rest)?;
        Ok(response)
    }

    /// Asks for the server's versions and speaks the newest that both know from now on. A server
    /// that does not know Discover Versions speaks 1.0 (1.4 section 4.26).
    ///
    /// # Errors
    /// [`ClientError::NoCommonVersion`], or as for a call.
    pub fn negotiate(&mut self) -> Result<Version, ClientError> {
        // 1.1 is the oldest version that has the operation, and so the one most servers take it in.
        self.version = Version::V1_1;
        let protocol_versions = Version::SUPPORTED.to_vec();
        let theirs = match self.call(DiscoverVersionsRequest { protocol_versions }) {
            Ok(response) => response.protocol_versions,
            Err(ClientError::Failed { .. }) => vec![Version::V1_0],
            Err(error) => return Err(error),
        };
        let common = Version::SUPPORTED
            .into_iter()
            .find(|version| theirs.contains(version));
        self.version = common.ok_or(ClientError::NoCommonVersion)?;
        Ok(self.version)
    }
}

/// What a connection needs: who the server must be, and who the client is.
#[derive(Debug)]
pub struct TlsIdentity {
    /// Certificates of authorities that may vouch for the server.
    pub authorities: Vec<CertificateDer<'static>>,
    /// The client's certificate, then those that lead to its authority.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The client's private key.
    pub private_key: PrivateKeyDer<'static>,
}

impl TlsIdentity {
    /// From the contents of PEM files: the authorities', the client's chain, its private key.
    ///
    /// # Errors
    /// When one has no PEM of its kind.
    pub fn from_pem(
        authorities: &[u8],
        certificates: &[u8],
        private_key: &[u8],
    ) -> Result<Self, ClientError> {
        let chain = |pem, what| {
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            match found {
                Ok(found) if !found.is_empty() => Ok(found),
                _ => Err(ClientError::Pem(what)),
            }
        };
        Ok(Self {
            authorities: chain(authorities, "the authorities' certificates")?,
            certificates: chain(certificates, "the client's certificate")?,
            private_key: PrivateKeyDer::from_pem_slice(private_key)
                .map_err(|_| ClientError::Pem("the client's private key"))?,
        })
    }
}

/// A client over TLS over TCP.
pub type TlsClient = Client<StreamOwned<ClientConnection, TcpStream>>;

/// Connects to `host`, whose certificate must name it, and speaks `version`. `timeout` bounds the
/// connecting, and each reading and writing.
///
/// # Errors
/// When the server cannot be reached or TLS cannot be set up. That the server refuses the client's
/// certificate may show at the first call only.
pub fn connect(
    host: &str,
    port: u16,
    identity: TlsIdentity,
    version: Version,
    timeout: Duration,
) -> Result<TlsClient, ClientError> {
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| ClientError::Name(host.to_owned()))?;
    let config = tls_config(identity)?;
    let tcp = connect_tcp(host, port, timeout)?;
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(timeout))?;
    tcp.set_write_timeout(Some(timeout))?;
    let mut connection = ClientConnection::new(Arc::new(config), name)?;
    let mut tcp = tcp;
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp)?;
    }
    Ok(Client::new(StreamOwned::new(connection, tcp), version))
}

/// TLS 1.2 and 1.3 with the client's certificate.
///
/// # Errors
/// When a certificate or the key is of no use.
pub fn tls_config(identity: TlsIdentity) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    for authority in identity.authorities {
        roots.add(authority)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(identity.certificates, identity.private_key)?)
}

fn connect_tcp(host: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
