//! The client's side of a case: messages to a served bridge, over TLS or HTTPS, in each encoding.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use keybridge_kmip::client::{TlsIdentity, tls_config};
use keybridge_kmip::{Item, Limits};
use keybridge_tests::{Bridge, wait};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::cases::{Case, Encoding};
use crate::element::Element;

/// A bridge under test and a connection to it.
pub(crate) struct Wire {
    // Its server ends with it.
    _bridge: Bridge,
    encoding: Encoding,
    stream: StreamOwned<ClientConnection, TcpStream>,
}

/// An answer, and its text in the encodings that have one.
pub(crate) struct Answer {
    /// What it says.
    pub(crate) message: Element,
    /// The text as it came.
    pub(crate) text: Option<String>,
}

impl Wire {
    /// Makes and serves a bridge for a case, and connects to it.
    pub(crate) fn new(case: &Case, encoding: Encoding) -> Self {
        let mut bridge = Bridge::new();
        let https = wait::free_port();
        let configuration = fs::read_to_string(bridge.config()).expect("the configuration");
        let listen = format!("listen-https = [\"127.0.0.1:{https}\"]");
        let configuration = case
            .configure(&configuration)
            .replace("# listen-https = [\"127.0.0.1:5697\"]", &listen);
        fs::write(bridge.config(), configuration).expect("write the configuration");
        bridge.serve();
        let port = match encoding {
            Encoding::Ttlv => bridge.port,
            _ => https,
        };
        let stream = connect(&config(&bridge), port);
        Self {
            _bridge: bridge,
            encoding,
            stream,
        }
    }

    /// Sends a request, whose XML is given, and reads the answer.
    pub(crate) fn exchange(&mut self, request: &Element) -> Result<Answer, String> {
        let failed = |error: std::io::Error| format!("the connection: {error}");
        match self.encoding {
            Encoding::Ttlv => {
                let request = ttlv(request)?;
                self.stream.write_all(&request).map_err(failed)?;
                self.stream.flush().map_err(failed)?;
                let mut answer = vec![0; 8];
                self.stream.read_exact(&mut answer).map_err(failed)?;
                let length = u32::from_be_bytes([answer[4], answer[5], answer[6], answer[7]]);
                answer.resize(8 + length as usize, 0);
                self.stream.read_exact(&mut answer[8..]).map_err(failed)?;
                of_ttlv(&answer)
            }
            Encoding::Https => {
                let answer = self.post("application/octet-stream", &ttlv(request)?)?;
                of_ttlv(&answer)
            }
            Encoding::Xml => {
                let answer = self.post("text/xml", request.to_xml().as_bytes())?;
                let text = String::from_utf8(answer).map_err(|error| error.to_string())?;
                let message = Element::from_xml(&text)?;
                Ok(Answer {
                    message,
                    text: Some(text),
                })
            }
            Encoding::Json => {
                let answer = self.post("application/json", request.to_json().as_bytes())?;
                let text = String::from_utf8(answer).map_err(|error| error.to_string())?;
                let message = Element::from_json(&text)?;
                Ok(Answer {
                    message,
                    text: Some(text),
                })
            }
        }
    }

    /// A message to `/kmip`; the answer must have the same content type.
    fn post(&mut self, content_type: &str, body: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |error: std::io::Error| format!("the connection: {error}");
        let head = format!(
            "POST /kmip HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n\
             Cache-Control: no-cache\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let message = [head.as_bytes(), body].concat();
        self.stream.write_all(&message).map_err(failed)?;
        self.stream.flush().map_err(failed)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).map_err(failed)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        if !head.starts_with("http/1.1 200 ") || field("content-type: ") != Some(content_type) {
            return Err(format!("HTTP answers {head}"));
        }
        let length = field("content-length: ").and_then(|length| length.parse().ok());
        let mut answer = vec![0; length.ok_or("an answer without a length")?];
        self.stream.read_exact(&mut answer).map_err(failed)?;
        Ok(answer)
    }
}

fn ttlv(request: &Element) -> Result<Vec<u8>, String> {
    let item = Item::from_xml(&request.to_xml(), &Limits::default());
    let item = item.map_err(|error| format!("the request: {error}"))?;
    item.to_ttlv()
        .ok_or_else(|| "the request cannot be TTLV".to_owned())
}

fn of_ttlv(answer: &[u8]) -> Result<Answer, String> {
    let item = Item::from_ttlv(answer, &Limits::default());
    let item = item.map_err(|error| format!("the answer: {error}"))?;
    let message = Element::from_xml(&item.to_xml())?;
    Ok(Answer {
        message,
        text: None,
    })
}

fn config(bridge: &Bridge) -> Arc<ClientConfig> {
    let files = bridge.client_files();
    let read = |path| fs::read(path).expect("a file that init made");
    let identity =
        TlsIdentity::from_pem(&read(files.ca), &read(files.certificate), &read(files.key));
    Arc::new(tls_config(identity.expect("PEM")).expect("a TLS configuration"))
}

fn connect(config: &Arc<ClientConfig>, port: u16) -> StreamOwned<ClientConnection, TcpStream> {
    // The server opens its ports one after the other.
    let tcp = wait::until("the port", wait::PATIENCE, || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
    });
    tcp.set_nodelay(true).expect("a socket option");
    tcp.set_read_timeout(Some(wait::PATIENCE))
        .expect("a socket option");
    let name = "127.0.0.1".try_into().expect("an address");
    let connection = ClientConnection::new(Arc::clone(config), name).expect("TLS");
    StreamOwned::new(connection, tcp)
}
