//! A TLS server that answers every request of one size with as many bytes as the bridge would. In a
//! process of its own, as the bridge's server is: a thread of the client's own process is woken for less.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use keybridge_tests::Bridge;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::wire::HEAD;

/// The argument that tells this program that it is the echo.
pub(crate) const MODE: &str = "--tls-echo";

/// The echo's process; it ends with this.
pub(super) struct Echo {
    pub(super) port: u16,
    process: Child,
}

impl Echo {
    pub(super) fn start(bridge: &Bridge, request: usize, answer: usize) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .arg(MODE)
            .arg(bridge.dir())
            .args([request.to_string(), answer.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the echo");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the echo's port");
        let port = line.trim().parse().expect("a port");
        Self { port, process }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Is the echo: prints its port, and answers until it is killed.
pub(crate) fn serve(args: &[String]) {
    let [folder, request, answer] = args else {
        panic!("FOLDER REQUEST ANSWER")
    };
    let folder = Path::new(folder);
    let size = |text: &String| text.parse::<usize>().expect("a size");
    let (request, answer) = (size(request), size(answer));
    let certificate =
        CertificateDer::from_pem_file(folder.join("server.crt")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a TLS server's configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a port");
    println!(
        "{}",
        listener.local_addr().expect("the port just bound").port()
    );
    for socket in listener.incoming() {
        let (socket, config) = (socket.expect("a connection"), Arc::clone(&config));
        std::thread::spawn(move || repeat(socket, config, request, answer));
    }
}

fn repeat(socket: TcpStream, config: Arc<ServerConfig>, request: usize, answer: usize) {
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
