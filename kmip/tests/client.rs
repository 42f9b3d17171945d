//! The blocking client against a server of a few lines, over TLS and over memory.

use std::io::{self, Cursor, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use keybridge_kmip::client::{Client, ClientError, TlsIdentity, connect};
use keybridge_kmip::enums::{Operation, ResultReason};
use keybridge_kmip::message::{Outcome, RequestMessage, ResponseBatchItem, ResponseMessage};
use keybridge_kmip::operations::{
    ActivateRequest, DiscoverVersionsResponse, GetAttributeListRequest, RNGRetrieveRequest,
    RNGRetrieveResponse, RequestPayload, ResponsePayload,
};
use keybridge_kmip::wire::DateTime;
use keybridge_kmip::{Limits, Version, frame};

/// Knows Discover Versions and RNG Retrieve only.
fn answer(bytes: &[u8]) -> Vec<u8> {
    let request = RequestMessage::decode(bytes, &Limits::default()).unwrap();
    let version = request.header.protocol_version;
    let items = request.items.into_iter().map(|item| ResponseBatchItem {
        operation: Some(item.operation),
        unique_batch_item_id: item.unique_batch_item_id,
        outcome: match item.payload {
            Ok(RequestPayload::DiscoverVersions(_)) => {
                let protocol_versions = vec![Version::new(3, 0), Version::V1_4, Version::V1_1];
                ResponsePayload::from(DiscoverVersionsResponse { protocol_versions }).into()
            }
            Ok(RequestPayload::RNGRetrieve(request)) => {
                let data = vec![4; usize::try_from(request.data_length).unwrap()].into();
                ResponsePayload::from(RNGRetrieveResponse { data }).into()
            }
            Ok(_) => Outcome::failed(ResultReason::PermissionDenied, "no"),
            Err(error) => Outcome::failed(error.reason(version), error.to_string()),
        },
        message_extension: None,
    });
    let response = ResponseMessage::new(version, DateTime(0), items.collect());
    response.encode(Vec::new()).unwrap()
}

/// Answers each message as soon as it is written.
struct Memory<F> {
    answer: F,
    out: Cursor<Vec<u8>>,
}

impl<F> Memory<F> {
    fn new(answer: F) -> Self {
        Self {
            answer,
            out: Cursor::default(),
        }
    }
}

impl<F: Fn(&[u8]) -> Vec<u8>> Write for Memory<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out = Cursor::new((self.answer)(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F> Read for Memory<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.out.read(into)
    }
}

#[test]
fn a_call_returns_the_payload_of_its_operation() {
    let mut client = Client::new(Memory::new(answer), Version::V1_4);
    let response = client.call(RNGRetrieveRequest { data_length: 5 }).unwrap();
    assert_eq!(&*response.data, [4; 5]);
}

#[test]
fn a_refusal_tells_operation_reason_and_message() {
    let mut client = Client::new(Memory::new(answer), Version::V1_4);
    match client.call(ActivateRequest::default()) {
        Err(
            error @ ClientError::Failed {
                reason: ResultReason::PermissionDenied,
                ..
            },
        ) => {
            assert_eq!(
                error.to_string(),
                "Activate failed with PermissionDenied: no"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_returns_one_result_an_operation() {
    let mut client = Client::new(Memory::new(answer), Version::V2_1);
    let payloads = vec![
        RNGRetrieveRequest { data_length: 1 }.into(),
        GetAttributeListRequest::default().into(),
    ];
    let items = client.send(payloads).unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0].operation, Some(Operation::RNGRetrieve));
    assert!(matches!(items[1].outcome, Outcome::Failed { .. }));
}

#[test]
fn negotiation_takes_the_newest_version_of_both() {
    let mut client = Client::new(Memory::new(answer), Version::V2_1);
    assert_eq!(client.negotiate().unwrap(), Version::V1_4);
}

#[test]
fn answers_to_something_else_are_refused() {
    let foreign = |bytes: &[u8]| {
        let mut request = RequestMessage::decode(bytes, &Limits::default()).unwrap();
        request.items[0].operation = Operation::Get;
        let item = ResponseBatchItem {
            operation: Some(Operation::Get),
            unique_batch_item_id: None,
            outcome: Outcome::failed(ResultReason::ItemNotFound, "no"),
            message_extension: None,
        };
        ResponseMessage::new(Version::V1_4, DateTime(0), vec![item])
            .encode(Vec::new())
            .unwrap()
    };
    let mut client = Client::new(Memory::new(foreign), Version::V1_4);
    assert!(matches!(
        client.call(ActivateRequest::default()),
        Err(ClientError::Mismatch)
    ));
}

#[test]
fn a_response_that_is_too_long_is_not_read() {
    let huge = |_: &[u8]| b"\x42\x00\x7B\x01\x7F\xFF\xFF\xF8".to_vec();
    let mut client = Client::new(Memory::new(huge), Version::V1_4);
    assert!(matches!(
        client.call(ActivateRequest::default()),
        Err(ClientError::Frame(_))
    ));
}

#[test]
fn a_stream_that_ends_early_is_an_error() {
    for length in 0..answer_length() {
        let cut = move |bytes: &[u8]| answer(bytes)[..length].to_vec();
        let mut client = Client::new(Memory::new(cut), Version::V1_4);
        let result = client.call(RNGRetrieveRequest { data_length: 5 });
        assert!(matches!(result, Err(ClientError::Io(_))), "{length}");
    }
}

fn answer_length() -> usize {
    let payload = RNGRetrieveRequest { data_length: 5 }.into();
    answer(
        &RequestMessage::new(Version::V1_4, vec![payload])
            .encode(Vec::new())
            .unwrap(),
    )
    .len()
}

struct Identities {
    client: TlsIdentity,
    server: rustls::ServerConfig,
}

fn identities() -> Identities {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let issue = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let identity = |(certificate, key): (String, String)| {
        let authority = authority.pem();
        TlsIdentity::from_pem(authority.as_bytes(), certificate.as_bytes(), key.as_bytes()).unwrap()
    };
    let (client, server) = (identity(issue("client")), identity(issue("localhost")));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::clone(&provider),
    );
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(server.certificates, server.private_key)
        .unwrap();
    Identities { client, server }
}

#[test]
fn a_call_goes_through_mutual_tls() {
    let Identities { client, server } = identities();
    let listener = TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        let (tcp, _) = listener.accept().unwrap();
        let connection = rustls::ServerConnection::new(Arc::new(server)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, tcp);
        let mut head = [0; 8];
        stream.read_exact(&mut head).unwrap();
        let length = frame::read_length(&head, &Limits::default()).unwrap();
        let mut request = head.to_vec();
        request.resize(length, 0);
        stream.read_exact(&mut request[8..]).unwrap();
        stream.write_all(&answer(&request)).unwrap();
        stream.flush().unwrap();
        stream.conn.peer_certificates().unwrap().len()
    });
    let timeout = Duration::from_secs(20);
    let mut client = connect("localhost", port, client, Version::V2_0, timeout).unwrap();
    let response = client.call(RNGRetrieveRequest { data_length: 3 }).unwrap();
    assert_eq!(&*response.data, [4; 3]);
    assert_eq!(serving.join().unwrap(), 1);
}

#[test]
fn pem_without_its_kind_is_an_error() {
    let nothing = TlsIdentity::from_pem(b"", b"", b"");
    assert!(matches!(
        nothing,
        Err(ClientError::Pem("the authorities' certificates"))
    ));
}
