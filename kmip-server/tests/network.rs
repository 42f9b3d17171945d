//! A house with doors on the network, and ways through them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keybridge_core::kms::{NewClient, NewCredential};
use keybridge_core::model::Role;
use keybridge_kmip::Version;
use keybridge_kmip::client::{ClientError, TlsClient, TlsIdentity, connect, tls_config};
use keybridge_kmip::operations::{DiscoverVersionsRequest, DiscoverVersionsResponse};
use keybridge_server::listener::{AttestationPolicy, IdentifyBy};
use keybridge_server::pki::{Authority, CertificateFacts, Issued, ServerKey};
use keybridge_server::server::Server;
use keybridge_server::settings::{ServerLimits, ServerSettings};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, SerialNumber};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::harness::House;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A house with a door on the network, and one for HTTPS.
pub(crate) struct Open {
    pub(crate) house: House,
    pub(crate) authority: Authority,
    pub(crate) ca: Issued,
    pub(crate) port: u16,
    pub(crate) https_port: u16,
    /// Those of listeners with sections of their own.
    #[cfg(feature = "legacy-tls")]
    pub(crate) other_ports: Vec<u16>,
    stop: watch::Sender<bool>,
    runtime: Option<Runtime>,
    served: Option<tokio::task::JoinHandle<()>>,
}

/// TLS as a test's HTTP client holds it.
pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

impl Open {
    pub(crate) fn new(key: ServerKey, limits: ServerLimits) -> Self {
        Self::with(key, |settings, _| settings.limits = limits)
    }

    /// With settings of the test's own; it is given the CA, too.
    pub(crate) fn with(key: ServerKey, change: impl FnOnce(&mut ServerSettings, &Issued)) -> Self {
        let house = House::new();
        let (authority, ca) = Authority::create("test CA").unwrap();
        let issue = |key| {
            authority
                .issue_server(key, &["127.0.0.1".to_owned()])
                .unwrap()
        };
        let (server, other) = (issue(key), issue(ServerKey::Rsa));
        let file = |name: &str, content: &str| -> PathBuf {
            let path = house.folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let mut settings = ServerSettings {
            answers: keybridge_server::settings::ServerAnswers::standard(),
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            listen_https: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            https_path: "/kmip".into(),
            identify_by: vec![IdentifyBy::Fingerprint],
            check_client_usage: true,
            account: None,
            attestation: AttestationPolicy::Ignore,
            listener: Vec::new(),
            certificate: file("server.crt", &server.certificate),
            private_key: file("server.key", &server.key),
            other_certificate: None,
            other_private_key: None,
            client_ca: file("ca.crt", &ca.certificate),
            client_crl: Vec::new(),
            require_crl: true,
            ca_private_key: None,
            limits: ServerLimits::default(),
        };
        if key == ServerKey::Ecdsa {
            settings.other_certificate = Some(file("other.crt", &other.certificate));
            settings.other_private_key = Some(file("other.key", &other.key));
        }
        change(&mut settings, &ca);
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = watch::channel(false);
        let kms = Arc::clone(&house.kms);
        let server = runtime.block_on(Server::bind(kms, &settings)).unwrap();
        let ports: Vec<u16> = server.addresses().iter().map(SocketAddr::port).collect();
        let served = runtime.spawn(server.run(stopped));
        Self {
            house,
            authority,
            ca,
            port: ports[0],
            https_port: ports[1],
            #[cfg(feature = "legacy-tls")]
            other_ports: ports[2..].to_vec(),
            stop,
            runtime: Some(runtime),
            served: Some(served),
        }
    }

    pub(crate) fn add(&self, name: &str, facts: CertificateFacts) {
        self.add_credential(
            name,
            NewCredential::Certificate {
                fingerprint: facts.fingerprint,
                subject: facts.subject,
                serial: facts.serial,
                expires: facts.expires,
            },
        );
    }

    pub(crate) fn add_credential(&self, name: &str, credential: NewCredential) {
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

    /// A client of that name with a certificate that the server knows.
    pub(crate) fn known(&self, name: &str) -> Issued {
        let client = self.authority.issue_client(name, 10).unwrap();
        self.add(name, client.facts.clone());
        client
    }

    pub(crate) fn identity(&self, client: &Issued) -> TlsIdentity {
        let (certificate, key) = (client.certificate.as_bytes(), client.key.as_bytes());
        TlsIdentity::from_pem(self.ca.certificate.as_bytes(), certificate, key).unwrap()
    }

    pub(crate) fn config(&self, client: &Issued) -> Arc<ClientConfig> {
        Arc::new(tls_config(self.identity(client)).unwrap())
    }

    pub(crate) fn connect(&self, client: &Issued) -> Result<TlsClient, ClientError> {
        let identity = self.identity(client);
        connect("127.0.0.1", self.port, identity, Version::V1_4, PATIENCE)
    }

    /// A client of any version.
    pub(crate) fn speak(&self, client: &Issued, version: Version) -> TlsClient {
        let mut connection = self.connect(client).unwrap();
        connection.set_version(version);
        connection
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

/// A TLS connection of a configuration that may remember sessions.
pub(crate) fn stream(config: &Arc<ClientConfig>, port: u16) -> std::io::Result<Stream> {
    let tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    tcp.set_write_timeout(Some(PATIENCE))?;
    let name = "127.0.0.1".try_into().unwrap();
    let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// One request and its answer: the status line and headers, and the body.
pub(crate) fn http(
    stream: &mut Stream,
    head: &str,
    body: &[u8],
) -> std::io::Result<(String, Vec<u8>)> {
    let head = format!(
        "{head}\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((head, body))
}

pub(crate) fn discover(client: &mut TlsClient) -> Result<DiscoverVersionsResponse, ClientError> {
    client.call(DiscoverVersionsRequest::default())
}

/// Waits until `done`.
#[track_caller]
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// The CA with its key, for certificates that the product does not make.
pub(crate) fn issuer(ca: &Issued) -> Issuer<'static, KeyPair> {
    let key = KeyPair::from_pem(&ca.key).unwrap();
    Issuer::from_ca_cert_pem(&ca.certificate, key).unwrap()
}

/// A client's certificate with a subject and uses of the test's choosing.
pub(crate) fn odd_client(
    ca: &Issued,
    subject: &[(DnType, &str)],
    names: &[&str],
    uses: &[ExtendedKeyUsagePurpose],
) -> Issued {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for (kind, value) in subject {
        params.distinguished_name.push(kind.clone(), *value);
    }
    params.extended_key_usages = uses.to_vec();
    params.serial_number = Some(SerialNumber::from_slice(&[0, 0x0A, 0xBC, 0x01]));
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer(ca)).unwrap();
    Issued {
        facts: keybridge_server::pki::facts(certificate.der()).unwrap(),
        certificate: certificate.pem(),
        der: certificate.der().to_vec(),
        key: key.serialize_pem().into(),
    }
}

/// The CA's revocation list, PEM.
pub(crate) fn revocation_list(ca: &Issued, revoked: &[&Issued]) -> String {
    use rcgen::{CertificateRevocationListParams, RevokedCertParams};
    let now = time::OffsetDateTime::now_utc();
    let one = |client: &&Issued| {
        let serial: Vec<u8> = (0..client.facts.serial.len() / 2)
            .map(|at| u8::from_str_radix(&client.facts.serial[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        RevokedCertParams {
            serial_number: SerialNumber::from_slice(&serial),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        }
    };
    let params = CertificateRevocationListParams {
        this_update: now - time::Duration::hours(1),
        next_update: now + time::Duration::days(1),
        crl_number: SerialNumber::from_slice(&[1]),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(one).collect(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    params.signed_by(&issuer(ca)).unwrap().pem().unwrap()
}
