//! The server over TLS: who gets in.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use keybridge_core::kms::{NewClient, NewCredential};
use keybridge_core::model::Role;
use keybridge_kmip::Version;
use keybridge_kmip::client::{ClientError, TlsClient, TlsIdentity, connect};
use keybridge_kmip::operations::{DiscoverVersionsRequest, DiscoverVersionsResponse};
use keybridge_server::pki::{Authority, CertificateFacts, Issued, ServerKey};
use keybridge_server::server::Server;
use keybridge_server::settings::{ServerLimits, ServerSettings};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::harness::House;

const PATIENCE: Duration = Duration::from_secs(20);

/// A house with a door on the network.
struct Open {
    house: House,
    authority: Authority,
    ca: String,
    port: u16,
    stop: watch::Sender<bool>,
    runtime: Option<Runtime>,
    served: Option<tokio::task::JoinHandle<()>>,
}

impl Open {
    fn new(key: ServerKey, limits: ServerLimits) -> Self {
        let house = House::new();
        let (authority, own) = Authority::create("test CA").unwrap();
        let server = authority
            .issue_server(key, &["127.0.0.1".to_owned()])
            .unwrap();
        let file = |name: &str, content: &str| {
            let path = house.folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let settings = ServerSettings {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            certificate: file("server.crt", &server.certificate),
            private_key: file("server.key", &server.key),
            other_certificate: None,
            other_private_key: None,
            client_ca: file("ca.crt", &own.certificate),
            ca_private_key: None,
            limits,
        };
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = watch::channel(false);
        let kms = Arc::clone(&house.kms);
        let server = runtime.block_on(Server::bind(kms, &settings)).unwrap();
        let port = server.addresses()[0].port();
        let served = runtime.spawn(server.run(stopped));
        Self {
            house,
            authority,
            ca: own.certificate,
            port,
            stop,
            runtime: Some(runtime),
            served: Some(served),
        }
    }

    fn add(&self, name: &str, facts: CertificateFacts) {
        let credential = NewCredential::Certificate {
            fingerprint: facts.fingerprint,
            subject: facts.subject,
            serial: facts.serial,
            expires: facts.expires,
        };
        let client = NewClient {
            name: name.to_owned(),
            role: Role::User,
            credential,
        };
        self.house
            .kms
            .add_client(&self.house.caller(), client)
            .unwrap();
    }

    fn connect(&self, client: &Issued) -> Result<TlsClient, ClientError> {
        let (certificate, key) = (client.certificate.as_bytes(), client.key.as_bytes());
        let identity = TlsIdentity::from_pem(self.ca.as_bytes(), certificate, key).unwrap();
        connect("127.0.0.1", self.port, identity, Version::V1_4, PATIENCE)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let (Some(runtime), Some(served)) = (self.runtime.take(), self.served.take()) {
            let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, served).await });
            if !std::thread::panicking() {
                ended.expect("the server ends when it is asked to").unwrap();
            }
        }
    }
}

fn discover(client: &mut TlsClient) -> Result<DiscoverVersionsResponse, ClientError> {
    client.call(DiscoverVersionsRequest::default())
}

#[test]
fn known_clients_are_served_until_they_are_revoked() {
    for key in [ServerKey::Ecdsa, ServerKey::Rsa] {
        let open = Open::new(key, ServerLimits::default());
        let client = open.authority.issue_client("app", 10).unwrap();
        open.add("app", client.facts.clone());
        let mut connection = open.connect(&client).unwrap();
        assert_eq!(
            discover(&mut connection).unwrap().protocol_versions,
            Version::SUPPORTED
        );
        open.house
            .kms
            .revoke_client(&open.house.caller(), "app")
            .unwrap();
        let refused = discover(&mut connection).unwrap_err().to_string();
        assert!(refused.contains("AuthenticationNotSuccessful"), "{refused}");
    }
}

#[test]
fn strangers_are_turned_away() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    // Signed by the CA, but nobody here: TLS lets it in, the core does not.
    let unknown = open.authority.issue_client("unknown", 10).unwrap();
    let mut connection = open.connect(&unknown).unwrap();
    assert!(discover(&mut connection).is_err());
    // Expired, and of another CA: no connection, whenever the client notices.
    let expired = open.authority.issue_client("expired", -1).unwrap();
    let (other, _) = Authority::create("other CA").unwrap();
    let foreign = other.issue_client("foreign", 10).unwrap();
    for client in [expired, foreign] {
        open.add(&client.facts.serial, client.facts.clone());
        let served = open
            .connect(&client)
            .and_then(|mut connection| discover(&mut connection));
        assert!(served.is_err());
    }
}

#[test]
fn what_is_no_tls_is_dropped() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, open.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // An alert, or nothing: but an end.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.len() < 64);
}

#[test]
fn connections_beyond_the_limit_are_refused() {
    let limits = ServerLimits {
        connections_per_client: 2,
        ..ServerLimits::default()
    };
    let open = Open::new(ServerKey::Ecdsa, limits);
    let client = open.authority.issue_client("app", 10).unwrap();
    open.add("app", client.facts.clone());
    let mut first = open.connect(&client).unwrap();
    let mut second = open.connect(&client).unwrap();
    discover(&mut first).unwrap();
    discover(&mut second).unwrap();
    assert!(open.connect(&client).is_err());
    drop(first);
    // The server notices in its own time that there is room again.
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        if let Ok(mut third) = open.connect(&client) {
            discover(&mut third).unwrap();
            break;
        }
        assert!(std::time::Instant::now() < deadline, "no room again");
        std::thread::yield_now();
    }
}

#[test]
fn a_message_that_is_too_large_is_answered_and_ends_the_connection() {
    let limits = ServerLimits {
        message_bytes: 4096,
        ..ServerLimits::default()
    };
    let open = Open::new(ServerKey::Ecdsa, limits);
    let client = open.authority.issue_client("app", 10).unwrap();
    open.add("app", client.facts.clone());
    let mut connection = open.connect(&client).unwrap();
    let mut huge = vec![0x42, 0x00, 0x78, 0x01, 0x7F, 0xFF, 0xFF, 0xF8];
    huge.resize(64, 0);
    let answer = connection.exchange_bytes(&huge).unwrap();
    assert_eq!(answer[..3], [0x42, 0x00, 0x7B]);
    assert!(discover(&mut connection).is_err());
}
