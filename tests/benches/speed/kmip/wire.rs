//! Connections, and how many requests a second go through them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use keybridge_kmip::message::{Outcome, ResponseMessage};
use keybridge_kmip::operations::ResponsePayload;
use keybridge_kmip::{Limits, frame};
use keybridge_tests::bridge::ClientFiles;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const ROUND: Duration = Duration::from_millis(500);

/// Bytes of tag, type and length: enough to tell how long a message is (1.4 section 9.1.1).
pub(super) const HEAD: usize = 8;

pub(super) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A server: its port, and what it takes to connect.
pub(super) struct Place<'a> {
    pub(super) config: &'a Arc<ClientConfig>,
    pub(super) port: u16,
}

/// The payloads of an answer that must be a success.
pub(super) fn payloads(what: &str, answer: &[u8]) -> Vec<ResponsePayload> {
    let message = ResponseMessage::decode(answer, &Limits::default()).expect("a response");
    let payloads = message.items.into_iter().map(|item| match item.outcome {
        Outcome::Success(Some(payload)) => payload,
        outcome => panic!("{what}: {outcome:?}"),
    });
    payloads.collect()
}

impl Place<'_> {
    /// Requests a second of several connections together.
    pub(super) fn rate(&self, request: &[u8], clients: usize) -> f64 {
        let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let ready = Barrier::new(clients + 1);
        std::thread::scope(|scope| {
            for _ in 0..clients {
                scope.spawn(|| {
                    let mut stream = self.connect();
                    for _ in 0..20 {
                        exchange(&mut stream, request);
                    }
                    ready.wait();
                    while !stop.load(Ordering::Relaxed) {
                        exchange(&mut stream, request);
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            ready.wait();
            let start = Instant::now();
            std::thread::sleep(ROUND);
            let (count, elapsed) = (done.load(Ordering::Relaxed), start.elapsed());
            stop.store(true, Ordering::Relaxed);
            count as f64 / elapsed.as_secs_f64()
        })
    }

    pub(super) fn connect(&self) -> Tls {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("connect");
        socket.set_nodelay(true).expect("set TCP_NODELAY");
        let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
        let connection =
            ClientConnection::new(Arc::clone(self.config), name).expect("a TLS client");
        StreamOwned::new(connection, socket)
    }
}

/// One request, one answer.
pub(super) fn exchange(stream: &mut Tls, request: &[u8]) -> Vec<u8> {
    stream.write_all(request).expect("send a request");
    stream.flush().expect("send a request");
    let mut head = [0; HEAD];
    stream.read_exact(&mut head).expect("the head of an answer");
    let length = frame::read_length(&head, &Limits::default()).expect("the length of an answer");
    let mut answer = vec![0; length];
    answer[..head.len()].copy_from_slice(&head);
    stream
        .read_exact(&mut answer[head.len()..])
        .expect("the rest of an answer");
    answer
}

pub(super) fn client_config(files: &ClientFiles) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(&files.ca).expect("the CA"))
        .expect("a CA");
    let certificate = CertificateDer::from_pem_file(&files.certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(&files.key).expect("a key");
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)
        .expect("a TLS client's configuration");
    Arc::new(config)
}
