//! What arrays, databases and hypervisors send, message by message, over TLS or HTTPS as each does: `tests/replays`,
//! requests and the whole answers, in XML. The answers are this server's; that they are right was read against the standard, and
//! that they stay so is looked at here.
//!
//! In the files, `$ID_n` is the n-th Unique Identifier that appeared, `$LAST_Name` the last value of
//! that element, and what is random or the time is written as what it is: `$BYTES(32)`, `$TIME`.
//! `KEYBRIDGE_BLESS=1` writes the answers anew.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use keybridge_kmip::{Item, Limits, Tag, Value};

use keybridge_server::pki::ServerKey;
use keybridge_server::settings::ServerLimits;

use crate::network::{Open, Stream, http, stream};

/// Elements whose bytes differ from run to run.
const RANDOM: &[Tag] = &[
    Tag::KeyMaterial,
    Tag::Data,
    Tag::SignatureData,
    Tag::IVCounterNonce,
    Tag::AuthenticatedEncryptionTag,
    Tag::DigestValue,
];

/// How a product carries its messages.
#[derive(Clone, Copy)]
enum Carried {
    Tls,
    Https,
}

struct Replay {
    carried: Carried,
    connection: Stream,
    ids: Vec<String>,
    last: HashMap<String, String>,
    /// Bytes that clients gave, and that come back as they are.
    given: Vec<Vec<u8>>,
}

impl Replay {
    /// A request with what the answers so far said.
    fn fill(&self, request: &str) -> String {
        let mut filled = request.to_owned();
        for (number, id) in self.ids.iter().enumerate().rev() {
            filled = filled.replace(&format!("$ID_{}", number + 1), id);
        }
        for (name, value) in &self.last {
            filled = filled.replace(&format!("$LAST_{name}\""), &format!("{value}\""));
        }
        filled
    }

    fn step(&mut self, request: &str) -> String {
        let limits = Limits::default();
        let request = Item::from_xml(&self.fill(request), &limits).unwrap();
        self.remember_given(&request);
        let answer = self.exchange(&request.to_ttlv().unwrap());
        let mut answer = Item::from_ttlv(&answer, &limits).unwrap();
        self.normalize(&mut answer);
        answer.to_xml()
    }

    fn exchange(&mut self, request: &[u8]) -> Vec<u8> {
        let connection = &mut self.connection;
        match self.carried {
            Carried::Tls => {
                connection.write_all(request).unwrap();
                connection.flush().unwrap();
                let mut answer = vec![0; 8];
                connection.read_exact(&mut answer).unwrap();
                let length = u32::from_be_bytes(answer[4..].try_into().unwrap());
                answer.resize(8 + length as usize, 0);
                connection.read_exact(&mut answer[8..]).unwrap();
                answer
            }
            Carried::Https => {
                let head = "POST /kmip HTTP/1.1\r\nContent-Type: application/octet-stream";
                let (head, answer) = http(connection, head, request).unwrap();
                assert!(head.starts_with("http/1.1 200"), "{head}");
                answer
            }
        }
    }

    fn remember_given(&mut self, item: &Item) {
        match &item.value {
            Value::Structure(items) => items.iter().for_each(|item| self.remember_given(item)),
            Value::ByteString(bytes) => self.given.push(bytes.to_vec()),
            _ => {}
        }
    }

    fn normalize(&mut self, item: &mut Item) {
        let is_given = |bytes: &[u8]| self.given.iter().any(|given| given == bytes);
        match &mut item.value {
            Value::Structure(items) => {
                if item.tag == Tag::ResponsePayload {
                    // What Query lists grows with the server.
                    let is_list =
                        |item: &Item| [Tag::Operation, Tag::ObjectType].contains(&item.tag);
                    if items.iter().filter(|item| is_list(item)).count() > 1 {
                        items.retain(|item| !is_list(item));
                    }
                }
                for item in items {
                    self.normalize(item);
                }
            }
            Value::DateTime(_) => item.value = Value::TextString("$TIME".to_owned()),
            Value::ByteString(bytes) if RANDOM.contains(&item.tag) => {
                let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let name = item.tag.name().unwrap_or_default().to_owned();
                self.last.insert(name, text);
                if !is_given(bytes) {
                    // The length of a DER encoding may differ by a byte or two.
                    let length = match item.tag {
                        Tag::KeyMaterial if bytes.len() > 200 => bytes.len() / 16 * 16,
                        _ => bytes.len(),
                    };
                    item.value = Value::TextString(format!("$BYTES({length})"));
                }
            }
            Value::TextString(text) => {
                let text = text.to_string();
                if text.len() == 36 && text.as_bytes()[8] == b'-' {
                    let known = self.ids.iter().position(|id| *id == text);
                    let number = known.unwrap_or_else(|| {
                        self.ids.push(text);
                        self.ids.len() - 1
                    });
                    let name = format!("$ID_{}", number + 1);
                    item.value = Value::TextString(name);
                }
            }
            _ => {}
        }
    }
}

/// The messages of a file, and what stands before them.
fn parts(text: &str) -> (String, Vec<String>) {
    let start = text.find("<RequestMessage>").unwrap();
    let (head, mut rest) = text.split_at(start);
    let mut found = Vec::new();
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let name = &rest[1..rest.find('>').unwrap()];
        let end = format!("</{name}>\n");
        let length = rest.find(&end).unwrap() + end.len();
        found.push(rest[..length].to_owned());
        rest = &rest[length..];
    }
    (head.to_owned(), found)
}

/// One product against a bridge of its own.
fn replay(product: &str, carried: Carried) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replays");
    let path = folder.join(format!("{product}.xml"));
    let text = fs::read_to_string(&path).unwrap();
    let (head, messages) = parts(&text);
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let config = open.config(&open.known(product));
    let port = match carried {
        Carried::Tls => open.port,
        Carried::Https => open.https_port,
    };
    let mut replay = Replay {
        carried,
        connection: stream(&config, port).unwrap(),
        ids: Vec::new(),
        last: HashMap::new(),
        given: Vec::new(),
    };
    let blesses = std::env::var_os("KEYBRIDGE_BLESS").is_some();
    let mut blessed = head;
    let mut messages = messages.into_iter().peekable();
    let mut step = 0;
    while let Some(request) = messages.next() {
        let answer = replay.step(&request);
        let is_answer = |message: &String| message.starts_with("<ResponseMessage>");
        let expected = messages.next_if(is_answer).unwrap_or_default();
        assert!(blesses || answer == expected, "step {step}:\n{answer}");
        blessed.push_str(&request);
        blessed.push_str(&answer);
        step += 1;
    }
    if blesses {
        fs::write(path, blessed).unwrap();
    }
}

macro_rules! products {
    ($($test:ident $product:literal $carried:ident;)*) => {
        $(
            #[test]
            fn $test() {
                replay($product, Carried::$carried);
            }
        )*

        #[test]
        fn no_product_is_left_out() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replays");
            let names = fs::read_dir(folder).unwrap().map(|entry| {
                let path = entry.unwrap().path();
                path.file_stem().unwrap().to_str().unwrap().to_owned()
            });
            let mut names: Vec<_> = names.collect();
            names.sort_unstable();
            assert_eq!(names, [$($product),*]);
        }
    };
}

products! {
    cascade "cascade" Tls;
    ceph_csi "ceph-csi" Tls;
    ceph_rgw_kms "ceph-rgw-kms" Tls;
    ceph_rgw_s3 "ceph-rgw-s3" Tls;
    fortigate "fortigate" Tls;
    ibm_tape "ibm-tape" Tls;
    mysql "mysql" Tls;
    netapp "netapp" Tls;
    openbao "openbao" Tls;
    percona_keyring "percona-keyring" Tls;
    pg_tde "pg_tde" Tls;
    san_array "san-array" Tls;
    synology "synology" Tls;
    vast "vast" Https;
    veeam "veeam" Tls;
    vsphere "vsphere" Tls;
}
