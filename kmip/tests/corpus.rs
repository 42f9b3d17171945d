//! The OASIS test cases as a corpus: every message must be the same after XML, TTLV and JSON, and
//! must be read and written by the typed layer without losing a byte.

use std::fs;
use std::path::{Path, PathBuf};

use keybridge_kmip::message::{RequestMessage, ResponseMessage};
use keybridge_kmip::{Item, Limits, Tag};

/// A message of a test case.
pub(crate) struct Case {
    /// File and number within.
    pub(crate) name: String,
    pub(crate) item: Item,
}

fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = std::env::var_os("KEYBRIDGE_KMIP_CASES").map_or_else(
        || root.join("../shared/reference/kmip/test-cases"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    println!(
        "skipped: no OASIS test cases at {} (KEYBRIDGE_KMIP_CASES)",
        folder.display()
    );
    None
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "xml") {
            found.push(path);
        }
    }
}

/// The cases have placeholders for what a server makes; dates and bytes need real ones.
fn fill_placeholders(xml: &str) -> String {
    let mut out = String::new();
    let mut rest = xml;
    while let Some(at) = rest.find("value=\"$") {
        let (before, after) = rest.split_at(at);
        let end = after[7..].find('"').unwrap() + 7;
        let kind = &before[before.rfind('<').unwrap()..];
        out += before;
        out += if kind.contains("DateTime") {
            "value=\"2020-01-01T00:00:00Z"
        } else if kind.contains("ByteString") {
            "value=\"00ff"
        } else {
            &after[..end]
        };
        rest = &after[end..];
    }
    out + rest
}

pub(crate) fn cases() -> Vec<Case> {
    let Some(folder) = folder() else {
        return Vec::new();
    };
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    paths.sort();
    assert!(paths.len() > 200, "the corpus is there but nearly empty");
    let mut cases = Vec::new();
    for path in paths {
        let xml = fill_placeholders(&fs::read_to_string(&path).unwrap());
        let mut rest = xml.as_str();
        let mut number = 0;
        loop {
            let next = ["RequestMessage", "ResponseMessage"]
                .into_iter()
                .filter_map(|tag| Some((rest.find(&format!("<{tag}>"))?, tag)))
                .min();
            let Some((start, tag)) = next else { break };
            let close = format!("</{tag}>");
            let end = start + rest[start..].find(&close).unwrap() + close.len();
            let name = format!("{}#{number}", path.file_name().unwrap().display());
            let item = Item::from_xml(&rest[start..end], &Limits::default())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            cases.push(Case { name, item });
            rest = &rest[end..];
            number += 1;
        }
    }
    cases
}

#[test]
fn every_message_survives_all_three_encodings() {
    for Case { name, item } in cases() {
        let limits = Limits::default();
        assert_eq!(
            Item::from_xml(&item.to_xml(), &limits).unwrap(),
            item,
            "XML of {name}"
        );
        assert_eq!(
            Item::from_json(&item.to_json(), &limits).unwrap(),
            item,
            "JSON of {name}"
        );
        let bytes = item.to_ttlv().unwrap();
        assert_eq!(
            Item::from_ttlv(&bytes, &limits).unwrap(),
            item,
            "TTLV of {name}"
        );
    }
}

#[test]
fn every_message_survives_the_typed_layer() {
    let mut failures = Vec::new();
    let mut count = 0;
    for Case { name, item } in cases() {
        let bytes = item.to_ttlv().unwrap();
        let limits = Limits::default();
        let again = if item.tag == Tag::RequestMessage {
            RequestMessage::decode(&bytes, &limits)
                .map_err(|failure| failure.to_string())
                .and_then(|message| {
                    for item in &message.items {
                        item.payload.as_ref().map_err(ToString::to_string)?;
                    }
                    message
                        .encode(Vec::new())
                        .map_err(|error| error.to_string())
                })
        } else {
            ResponseMessage::decode(&bytes, &limits)
                .map_err(|error| error.to_string())
                .and_then(|message| {
                    message
                        .encode(Vec::new())
                        .map_err(|error| error.to_string())
                })
        };
        count += 1;
        match again {
            Ok(again) if again == bytes => {}
            Ok(again) => {
                let again = Item::from_ttlv(&again, &limits).unwrap();
                let (before, after) = (item.to_xml(), again.to_xml());
                let lines = before.lines().zip(after.lines()).find(|(a, b)| a != b);
                failures.push(format!("{name}: {lines:?}"));
            }
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {count}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
