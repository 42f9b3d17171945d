//! Listeners for devices whose TLS has nothing but static RSA or CBC, which rustls leaves out: on
//! OpenSSL. Only the handshake is OpenSSL's. Which certificates are good, and who the client is, is decided
//! where it is for all listeners.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use openssl::ssl::{
    SslContext, SslFiletype, SslMethod, SslOptions, SslRef, SslSessionCacheMode, SslVerifyMode,
    SslVersion,
};
use openssl::x509::X509;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use super::client::{Client, Entrance};
use super::connection;
use super::tls::TlsError;
use crate::listener::Listener;
use crate::processor::Processor;

/// What TLS 1.2 may use: the good suites first, so that whoever has them gets them. No suite without
/// authentication, and none with a cipher that is broken (RC4, triple DES).
const SUITES: &str = "ECDHE+AESGCM:ECDHE+AES:kRSA+AESGCM:kRSA+AES:!aNULL:!PSK:!SRP";

/// Sessions are resumed at this kind of listener only.
const SESSION_CONTEXT: &[u8] = b"keybridge legacy";

/// Reads the files of a listener.
pub(super) fn load(
    listener: &Listener,
    keys: &[(PathBuf, PathBuf)],
) -> Result<SslContext, TlsError> {
    let mut context = SslContext::builder(SslMethod::tls_server()).map_err(TlsError::library)?;
    context
        .set_min_proto_version(Some(SslVersion::TLS1_2))
        .map_err(TlsError::library)?;
    context.set_cipher_list(SUITES).map_err(TlsError::library)?;
    for (certificate, key) in keys {
        context
            .set_certificate_chain_file(certificate)
            .map_err(|error| TlsError::file(certificate, error))?;
        context
            .set_private_key_file(key, SslFiletype::PEM)
            .map_err(|error| TlsError::file(key, error))?;
    }
    for authority in authorities(&listener.client_ca)? {
        context
            .add_client_ca(&authority)
            .map_err(TlsError::library)?;
    }
    // The client must prove that it has the key of its certificate. Whether the certificate is good
    // is asked of the same verifier as on other listeners, once the handshake is done.
    let demanded = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    context.set_verify_callback(demanded, |_, _| true);
    // Sessions with their certificates are kept here. Tickets would bring the client's own only, and
    // not those that lead to its CA.
    context.set_session_cache_mode(SslSessionCacheMode::SERVER);
    context
        .set_session_id_context(SESSION_CONTEXT)
        .map_err(TlsError::library)?;
    context.set_options(
        SslOptions::NO_TICKET | SslOptions::CIPHER_SERVER_PREFERENCE | SslOptions::NO_RENEGOTIATION,
    );
    Ok(context.build())
}

fn authorities(path: &Path) -> Result<Vec<X509>, TlsError> {
    let pem = std::fs::read(path).map_err(|error| TlsError::file(path, error))?;
    X509::stack_from_pem(&pem).map_err(|error| TlsError::file(path, error))
}

/// One connection, from its handshake on.
pub(super) async fn connect(
    stream: TcpStream,
    peer: SocketAddr,
    entrance: Arc<Entrance>,
    processor: &Processor,
    stop: watch::Receiver<bool>,
) {
    let Some(stream) = handshake(stream, peer, &entrance, processor).await else {
        return;
    };
    let certificates = certificates(stream.ssl());
    // Nobody has looked at the certificates yet.
    let Some(mut client) = Client::with(certificates, peer, entrance, None) else {
        return;
    };
    client.peer = client.peer.that_may_turn();
    connection::serve(stream, &client, processor, stop).await;
}

async fn handshake(
    stream: TcpStream,
    peer: SocketAddr,
    entrance: &Entrance,
    processor: &Processor,
) -> Option<SslStream<TcpStream>> {
    let loaded = entrance.tls.current();
    let started =
        openssl::ssl::Ssl::new(loaded.legacy()?).and_then(|ssl| SslStream::new(ssl, stream));
    let mut stream = match started {
        Ok(stream) => stream,
        Err(error) => {
            tracing::error!(%peer, %error, "OpenSSL makes no connection");
            return None;
        }
    };
    let limit = processor.limits().handshake();
    match timeout(limit, Pin::new(&mut stream).accept()).await {
        Err(_) => tracing::info!(%peer, "the TLS handshake took too long"),
        Ok(Err(error)) => tracing::info!(%peer, reason = %error, "no TLS connection"),
        Ok(Ok(())) => {
            let suite = stream.ssl().current_cipher().map(|cipher| cipher.name());
            tracing::debug!(%peer, suite, "legacy TLS");
            return Some(stream);
        }
    }
    None
}

/// The client's certificate, then those that lead to its CA.
fn certificates(ssl: &SslRef) -> Vec<CertificateDer<'static>> {
    let own = ssl.peer_certificate().and_then(|own| own.to_der().ok());
    // At a server the chain is without the client's own.
    let chain = ssl.peer_cert_chain().into_iter().flatten();
    own.into_iter()
        .chain(chain.filter_map(|certificate| certificate.to_der().ok()))
        .map(CertificateDer::from)
        .collect()
}
