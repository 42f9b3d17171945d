//! KMIP over HTTPS, in every encoding.

use keybridge_kmip::enums::{Operation, QueryFunction};
use keybridge_kmip::message::{Outcome, RequestMessage, ResponseMessage};
use keybridge_kmip::operations::{CreateRequest, LocateRequest, QueryRequest, ResponsePayload};
use keybridge_kmip::{Encoding, Limits, Version};
use keybridge_server::pki::ServerKey;
use keybridge_server::settings::ServerLimits;

use crate::network::{Open, http, stream, until};

const ENCODINGS: [Encoding; 3] = [Encoding::Ttlv, Encoding::Xml, Encoding::Json];

fn query() -> RequestMessage {
    let query = QueryRequest {
        query_functions: vec![QueryFunction::QueryOperations],
        ..QueryRequest::default()
    };
    RequestMessage::new(Version::V2_1, vec![query.into()])
}

#[test]
fn a_message_is_answered_in_its_own_encoding() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let config = open.config(&open.known("app"));
    // One connection for all: HTTP/1.1 keeps it.
    let mut stream = stream(&config, open.https_port).unwrap();
    assert_eq!(stream.conn.alpn_protocol(), None);
    let limits = Limits::default();
    for encoding in ENCODINGS {
        let ttlv = query().encode(Vec::new()).unwrap();
        let body = encoding.from_ttlv(ttlv, &limits).unwrap();
        let kind = encoding.content_type();
        let head = format!("POST /kmip HTTP/1.1\r\nContent-Type: {kind}; charset=utf-8");
        let (head, answer) = http(&mut stream, &head, &body).unwrap();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(
            head.contains(&format!("content-type: {kind}\r\n")),
            "{head}"
        );
        assert!(head.contains("cache-control: no-cache"), "{head}");
        let ttlv = encoding.to_ttlv(&answer, &limits).unwrap();
        let response = ResponseMessage::decode(&ttlv, &limits).unwrap();
        let Outcome::Success(Some(ResponsePayload::Query(answer))) = &response.items[0].outcome
        else {
            panic!("{response:?}");
        };
        assert!(answer.operations.contains(&Operation::Locate));
    }
}

#[test]
fn what_is_no_kmip_in_the_body_is_answered_by_kmip() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let config = open.config(&open.known("app"));
    let mut stream = stream(&config, open.https_port).unwrap();
    for encoding in ENCODINGS {
        let kind = encoding.content_type();
        for body in [&b""[..], b"<", b"{}", b"\x42\x00\x78\x01", &[0xFF; 100]] {
            let head = format!("POST /kmip HTTP/1.1\r\nContent-Type: {kind}");
            let (head, answer) = http(&mut stream, &head, body).unwrap();
            assert!(head.starts_with("http/1.1 200"), "{head}");
            let ttlv = encoding.to_ttlv(&answer, &Limits::default()).unwrap();
            let response = ResponseMessage::decode(&ttlv, &Limits::default()).unwrap();
            assert!(matches!(response.items[0].outcome, Outcome::Failed { .. }));
        }
    }
}

#[test]
fn what_is_no_request_of_kmip_gets_a_status() {
    let limits = ServerLimits {
        message_bytes: 4096,
        ..ServerLimits::default()
    };
    let open = Open::new(ServerKey::Ecdsa, limits);
    let config = open.config(&open.known("app"));
    let large = vec![0; 5000];
    let post = "POST /kmip HTTP/1.1\r\nContent-Type: application/octet-stream";
    let many = format!("{post}{}", "\r\nX-A: b".repeat(100));
    let long = format!("{post}\r\nX-Long: {}", "x".repeat(20_000));
    for (head, body, status) in [
        ("POST / HTTP/1.1", &b""[..], "404"),
        ("POST /kmip/ HTTP/1.1", b"", "404"),
        ("GET /kmip HTTP/1.1", b"", "405"),
        (
            "POST /kmip HTTP/1.1\r\nContent-Type: text/plain",
            b"",
            "415",
        ),
        (post, &large, "413"),
        (&many, b"", "431"),
        (&long, b"", "431"),
        ("nonsense", b"", "400"),
    ] {
        let mut stream = stream(&config, open.https_port).unwrap();
        let (answer, _) = http(&mut stream, head, body).unwrap();
        let head = &head[..head.len().min(80)];
        assert!(
            answer.starts_with(&format!("http/1.1 {status}")),
            "{head}: {answer}"
        );
    }
    // Chunked, and larger than allowed.
    let mut stream = stream(&config, open.https_port).unwrap();
    let chunk = format!("1388\r\n{}\r\n0\r\n", "x".repeat(5000));
    let head = format!("{post}\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n{chunk}\r\n");
    use std::io::{Read, Write};
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[test]
fn both_doors_have_the_same_clients_and_keys() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let client = open.known("app");
    let mut binary = open.speak(&client, Version::V2_1);
    binary.call(create()).unwrap();
    let mut stream = stream(&open.config(&client), open.https_port).unwrap();
    let post = "POST /kmip HTTP/1.1\r\nContent-Type: application/octet-stream";
    let locate = || {
        RequestMessage::new(Version::V2_1, vec![LocateRequest::default().into()])
            .encode(Vec::new())
            .unwrap()
    };
    let (_, answer) = http(&mut stream, post, &locate()).unwrap();
    let response = ResponseMessage::decode(&answer, &Limits::default()).unwrap();
    let Outcome::Success(Some(ResponsePayload::Locate(found))) = &response.items[0].outcome else {
        panic!("{response:?}");
    };
    assert_eq!(found.unique_identifiers.len(), 1);
    let kms = &open.house.kms;
    kms.revoke_client(&open.house.caller(), "app").unwrap();
    until("the client is refused", || {
        http(&mut stream, post, &locate()).is_ok_and(|(_, answer)| {
            let response = ResponseMessage::decode(&answer, &Limits::default()).unwrap();
            matches!(response.items[0].outcome, Outcome::Failed { .. })
        })
    });
}

fn create() -> CreateRequest {
    crate::identity::aes()
}
