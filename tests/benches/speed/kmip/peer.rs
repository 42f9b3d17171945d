//! PyKMIP's server, with the bridge's own certificates.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};

use keybridge_kmip::operations::ResponsePayload;
use keybridge_tests::{Bridge, products, wait};

use super::wire::{Place, exchange, payloads};
use super::{beside, requests};

/// Measures and prints.
pub(super) fn measure(bridge: &Bridge, server: &Place<'_>) {
    let peer = Peer::start(bridge);
    let place = Place {
        config: server.config,
        port: peer.port,
    };
    println!("\nKMIP beside PyKMIP's server, requests a second");
    println!(
        "{:<28}{:>9}{:>12}{:>12}{:>8}",
        "", "clients", "PyKMIP", "keybridge", "ratio"
    );
    let create = requests::create(&[]);
    let made = |place: &Place<'_>| {
        let answer = exchange(&mut place.connect(), &create);
        match payloads("Create", &answer).pop() {
            Some(ResponsePayload::Create(created)) => created.unique_identifier,
            _ => panic!("not the answer of Create"),
        }
    };
    for clients in [1, 8] {
        // Each knows its own key only.
        let (theirs, ours) = (requests::get(&made(&place)), requests::get(&made(server)));
        let rounds =
            (0..super::ROUNDS).map(|_| (place.rate(&theirs, clients), server.rate(&ours, clients)));
        let (theirs, ours): (Vec<f64>, Vec<f64>) = rounds.unzip();
        print(
            "Get",
            clients,
            crate::clock::median(theirs),
            crate::clock::median(ours),
        );
    }
    for clients in [1, 8] {
        let (theirs, ours) = beside(&place, server, &create, clients);
        print("Create", clients, theirs, ours);
    }
}

fn print(name: &str, clients: usize, theirs: f64, ours: f64) {
    println!(
        "{name:<28}{clients:>9}{theirs:>12.0}{ours:>12.0}{:>8.1}",
        ours / theirs
    );
}

struct Peer {
    port: u16,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Peer {
    fn start(bridge: &Bridge) -> Self {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let file = |name: &str| folder.path().join(name);
        let port = wait::free_port();
        let certificates = bridge.dir();
        let settings = format!(
            "[server]\nhostname=127.0.0.1\nport={port}\ncertificate_path={0}/server.crt\nkey_path={0}/server.key\n\
             ca_path={0}/ca.crt\nauth_suite=TLS1.2\nenable_tls_client_auth=True\nlogging_level=ERROR\n\
             tls_cipher_suites=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\npolicy_path={1}\ndatabase_path={2}\n",
            certificates.display(),
            folder.path().display(),
            file("pykmip.db").display(),
        );
        fs::write(file("server.conf"), settings).expect("write its settings");
        let program = products::python().with_file_name("pykmip-server");
        let process = Command::new(program)
            .arg("-f")
            .arg(file("server.conf"))
            .arg("-l")
            .arg(file("server.log"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start pykmip-server");
        wait::until("PyKMIP's server to listen", wait::PATIENCE, || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        Self {
            port,
            process,
            _folder: folder,
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
