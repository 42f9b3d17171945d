//! What arrays, databases and hypervisors send, message by message: `tests/replays`, requests and the
//! whole answers, in XML. The answers are this server's; that they are right was read against the standard, and
//! that they stay so is looked at here.
//!
//! In the files, `$ID_n` is the n-th Unique Identifier that appeared, `$LAST_Name` the last value of
//! that element, and what is random or the time is written as what it is: `$BYTES(32)`, `$TIME`.
//! `KEYBRIDGE_BLESS=1` writes the answers anew.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use keybridge_kmip::{Item, Limits, Tag, Value};

use crate::harness::House;

/// Elements whose bytes differ from run to run.
const RANDOM: &[Tag] = &[
    Tag::KeyMaterial,
    Tag::Data,
    Tag::SignatureData,
    Tag::IVCounterNonce,
    Tag::AuthenticatedEncryptionTag,
    Tag::DigestValue,
];

struct Replay {
    house: House,
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
        let answer = self.house.bytes(&request.to_ttlv().unwrap());
        let mut answer = Item::from_ttlv(&answer, &limits).unwrap();
        self.normalize(&mut answer);
        answer.to_xml()
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

fn replay(path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).unwrap();
    let (head, messages) = parts(&text);
    let mut replay = Replay {
        house: House::new(),
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
        if !blesses && answer != expected {
            return Err(format!("{} step {step}:\n{answer}", path.display()));
        }
        blessed.push_str(&request);
        blessed.push_str(&answer);
        step += 1;
    }
    if blesses {
        fs::write(path, blessed).unwrap();
    }
    Ok(())
}

#[test]
fn every_product_gets_its_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replays");
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 10);
    let failed: Vec<_> = paths.iter().filter_map(|path| replay(path).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
