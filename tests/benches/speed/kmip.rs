//! KMIP over loopback TLS, beside an echo of the same sizes on the same TLS library with the same
//! certificates. Requests are encoded once; what is measured is the server and the wire.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use crate::clock;
use keybridge_kmip::attributes::{CryptographicParameters, UniqueIdentifier};
use keybridge_kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm, DigitalSignatureAlgorithm, HashingAlgorithm,
    PaddingMethod,
};
use keybridge_kmip::message::{Outcome, RequestMessage, ResponseMessage};
use keybridge_kmip::operations::{EncryptRequest, GetRequest, RequestPayload, SignRequest};
use keybridge_kmip::{Limits, Version, frame};
use keybridge_tests::Bridge;
use keybridge_tests::bridge::ClientFiles;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 7;

/// Bytes of tag, type and length: enough to tell how long a message is (1.4 section 9.1.1).
const HEAD: usize = 8;

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Measures and prints.
pub(crate) fn measure() {
    let bridge = Bridge::serving();
    let config = client_config(&bridge.client_files());
    println!("\nKMIP over TLS 1.3 on loopback, requests a second");
    println!(
        "{:<28}{:>8}{:>10}{:>12}{:>12}{:>8}",
        "", "sizes", "clients", "TLS echo", "keybridge", "ratio"
    );
    for (name, request) in requests(&bridge) {
        let answer = exchange(&mut connect(&config, bridge.port), &request);
        expect_success(name, &answer);
        let echo = Echo::start(&bridge, request.len(), answer.len());
        for clients in [1, 8] {
            // In turns, so that whatever else the machine does falls on both.
            let rounds = |_| {
                let base = rate(&config, echo.port, &request, clients);
                (base, rate(&config, bridge.port, &request, clients))
            };
            let (base, own): (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(rounds).unzip();
            let (base, own) = (clock::median(base), clock::median(own));
            println!(
                "{name:<28}{:>8}{clients:>10}{base:>12.0}{own:>12.0}{:>8.2}",
                format!("{}/{}", request.len(), answer.len()),
                own / base
            );
        }
    }
}

/// The requests by name, encoded.
fn requests(bridge: &Bridge) -> Vec<(&'static str, Vec<u8>)> {
    let uid = |id: &str| Some(UniqueIdentifier::from(id));
    let plain = bridge
        .create_key("plain", "--type aes-256 --exportable")
        .secret;
    let sealer = bridge.create_key("sealer", "--type aes-256").secret;
    let ec = bridge.create_key("ec", "--type ec-p256").secret;
    let rsa = bridge.create_key("rsa", "--type rsa-2048").secret;
    let gcm = CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::GCM),
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        random_iv: Some(true),
        iv_length: Some(96),
        tag_length: Some(16),
        ..Default::default()
    };
    let ecdsa = CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        digital_signature_algorithm: Some(DigitalSignatureAlgorithm::ECDSAWithSHA256),
        ..Default::default()
    };
    let pkcs1 = CryptographicParameters {
        padding_method: Some(PaddingMethod::PKCS1V1_5),
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        digital_signature_algorithm: Some(DigitalSignatureAlgorithm::SHA_256WithRSAEncryption),
        ..Default::default()
    };
    let sign = |id: &str, parameters| SignRequest {
        unique_identifier: uid(id),
        cryptographic_parameters: Some(parameters),
        data: Some(crate::operations::MESSAGE.as_slice().into()),
        ..Default::default()
    };
    let encoded = |payload: RequestPayload| {
        let message = RequestMessage::new(Version::V1_4, vec![payload]);
        message.encode(Vec::new()).expect("a request")
    };
    vec![
        (
            "Get",
            encoded(
                GetRequest {
                    unique_identifier: uid(&plain),
                    ..Default::default()
                }
                .into(),
            ),
        ),
        (
            "Encrypt AES-256-GCM 1 KiB",
            encoded(
                EncryptRequest {
                    unique_identifier: uid(&sealer),
                    cryptographic_parameters: Some(gcm),
                    data: Some(crate::operations::PLAIN.as_slice().into()),
                    ..Default::default()
                }
                .into(),
            ),
        ),
        ("Sign P-256", encoded(sign(&ec, ecdsa).into())),
        ("Sign RSA-2048", encoded(sign(&rsa, pkcs1).into())),
    ]
}

fn expect_success(name: &str, answer: &[u8]) {
    let message = ResponseMessage::decode(answer, &Limits::default()).expect("a response");
    let outcome = &message.items[0].outcome;
    assert!(
        matches!(outcome, Outcome::Success(_)),
        "{name}: {outcome:?}"
    );
}

/// Requests a second of several connections together.
fn rate(config: &Arc<ClientConfig>, port: u16, request: &[u8], clients: usize) -> f64 {
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let ready = Barrier::new(clients + 1);
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut stream = connect(config, port);
                for _ in 0..50 {
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

/// One request, one answer.
fn exchange(stream: &mut Tls, request: &[u8]) -> Vec<u8> {
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

fn connect(config: &Arc<ClientConfig>, port: u16) -> Tls {
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connect");
    socket.set_nodelay(true).expect("set TCP_NODELAY");
    let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
    let connection = ClientConnection::new(Arc::clone(config), name).expect("a TLS client");
    StreamOwned::new(connection, socket)
}

fn client_config(files: &ClientFiles) -> Arc<ClientConfig> {
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

/// A TLS server that answers every request of one size with as many bytes as the bridge would.
struct Echo {
    port: u16,
}

impl Echo {
    fn start(bridge: &Bridge, request: usize, answer: usize) -> Self {
        let certificate =
            CertificateDer::from_pem_file(bridge.dir().join("server.crt")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(bridge.dir().join("server.key")).expect("a key");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a TLS server's configuration");
        let config = Arc::new(config);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a port");
        let port = listener.local_addr().expect("the port just bound").port();
        // The threads end with the process; a benchmark has nothing to tidy up.
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (socket, config) = (socket.expect("a connection"), Arc::clone(&config));
                std::thread::spawn(move || Self::answer(socket, config, request, answer));
            }
        });
        Self { port }
    }

    fn answer(socket: TcpStream, config: Arc<ServerConfig>, request: usize, answer: usize) {
        socket.set_nodelay(true).expect("set TCP_NODELAY");
        let connection = ServerConnection::new(config).expect("a TLS server");
        let mut stream = StreamOwned::new(connection, socket);
        let mut buffer = vec![0; request];
        // A TTLV head of the right length, so that the same client can read it.
        let mut reply = vec![0; answer];
        reply[..4].copy_from_slice(&[0x42, 0x00, 0x7B, 0x01]);
        let length = u32::try_from(answer - HEAD).expect("a small answer");
        reply[4..8].copy_from_slice(&length.to_be_bytes());
        while stream.read_exact(&mut buffer).is_ok() {
            if stream
                .write_all(&reply)
                .and_then(|()| stream.flush())
                .is_err()
            {
                break;
            }
        }
    }
}
