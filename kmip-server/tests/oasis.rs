//! The OASIS profile test cases, run against the processor. They are not part of this project:
//! `KEYBRIDGE_KMIP_CASES` names their folder.
//!
//! A case is an XML file of request and response messages by turns. A value that begins with `$` is
//! bound where a response first has it. What may differ is named in [`MAY_DIFFER`].

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use keybridge_kmip::{Encoding, Item, Limits};

use keybridge_server::settings::{Seeds, ServerAnswers};

use crate::harness::House;

/// Elements whose value is the server's own affair.
const MAY_DIFFER: &[&str] = &[
    "TimeStamp",
    "ResultMessage",
    "ServerInformation",
    "VendorIdentification",
    "LeaseTime",
    "ClientCorrelationValue",
    "ServerCorrelationValue",
    // The bridge's generator is its own: a Random Number Generator in 1.x and in 2.x.
    "RandomNumberGenerator",
    // What the library tells of itself.
    "PKCS_11OutputParameters",
    // What the server makes at random in the cases, and so in the answers.
    "DigestValue",
];

/// The attribute's name in 1.x.
const GENERATOR: &str = "Random Number Generator";

/// Elements of which the order says nothing.
const UNORDERED: &[&str] = &["ResponsePayload", "Attributes"];

/// Elements of which a server may say more, or other ones, than the cases' server did.
const OPEN: &[&str] = &[
    "Operation",
    "ObjectType",
    "ProfileInformation",
    "ApplicationNamespace",
    "ExtensionInformation",
    "RNGParameters",
    "CapabilityInformation",
    "ValidationInformation",
    "AttributeIndex",
    "ProtectionStorageMasks",
    "AttestationType",
    "ClientRegistrationMethod",
    "DefaultsInformation",
];

/// Cases that are not passed, and why. The list only shrinks.
const SKIPPED: &[(&str, &str)] = &[
    (
        "SKFF-O-6",
        "in 1.1 the case finds an Object Group that nobody gave the key",
    ),
    (
        "TL-M-3",
        "in 1.4 Get Attribute List tells of Sensitive and its like, Get Attributes leaves them out",
    ),
    ("OMOS-O-1", "the case answers 1.4 with 1.3"),
];

fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = std::env::var_os("KEYBRIDGE_KMIP_CASES").map_or_else(
        || root.join("../shared/reference/kmip/test-cases"),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
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

/// An element of the XML encoding.
#[derive(Debug, Default)]
struct Element {
    name: String,
    value: Option<String>,
    children: Vec<Element>,
}

/// Reads the little XML that KMIP messages are.
fn parse(text: &str) -> Vec<Element> {
    let mut stack = vec![Element::default()];
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = &comment[comment.find("-->").unwrap() + 3..];
            continue;
        }
        let end = rest.find('>').unwrap();
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('?') {
            continue;
        }
        if tag.starts_with('/') {
            let done = stack.pop().unwrap();
            stack.last_mut().unwrap().children.push(done);
            continue;
        }
        let closed = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let name = tag.split_whitespace().next().unwrap().to_owned();
        let value = tag.find("value=\"").map(|at| {
            let value = &tag[at + 7..];
            value[..value.find('"').unwrap()].to_owned()
        });
        let element = Element {
            name,
            value,
            children: Vec::new(),
        };
        if closed {
            stack.last_mut().unwrap().children.push(element);
        } else {
            stack.push(element);
        }
    }
    stack.pop().unwrap().children
}

/// The messages of a case, as text.
fn messages(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let starts = ["<RequestMessage>", "<ResponseMessage>"].map(|start| rest.find(start));
        let Some(at) = starts.into_iter().flatten().min() else {
            return found;
        };
        rest = &rest[at..];
        let name = &rest[1..rest.find('>').unwrap()];
        let end = format!("</{name}>");
        let Some(length) = rest.find(&end) else {
            return found;
        };
        let length = length + end.len();
        found.push(&rest[..length]);
        rest = &rest[length..];
    }
}

struct Run<'a> {
    house: &'a House,
    encoding: Encoding,
    bound: HashMap<String, String>,
    /// The last value of each element in the responses.
    last: HashMap<String, String>,
    now: i64,
    /// Keys are made in this case, or its ciphertexts are random: bytes cannot be those of the
    /// case.
    random: bool,
}

impl Run<'_> {
    /// Puts in what is bound, and times.
    fn fill(&self, xml: &str) -> String {
        // Some names were broken over lines when the cases were typeset.
        let xml = xml.replace("   ", " ");
        let mut out = String::new();
        let mut rest = xml.as_str();
        while let Some(at) = rest.find("value=\"$") {
            out += &rest[..at + 7];
            rest = &rest[at + 7..];
            let end = rest.find('"').unwrap();
            let name = &rest[..end];
            out += &self.value_or_last(name, &out);
            rest = &rest[end..];
        }
        out + rest
    }

    fn value(&self, name: &str) -> Option<String> {
        if let Some(offset) = name.strip_prefix("$NOW") {
            let offset: i64 = offset.replace('+', "").parse().unwrap_or(0);
            return Some(rfc3339(self.now + offset));
        }
        self.bound.get(name).cloned()
    }

    /// A name that no response bound stands for the last value of that element: `$DATA_0` of Data.
    fn value_or_last(&self, name: &str, before: &str) -> String {
        let element = before
            .rsplit('<')
            .next()
            .and_then(|tag| tag.split_whitespace().next())
            .unwrap_or_default();
        self.value(name)
            .or_else(|| self.last.get(element).cloned())
            .unwrap_or_else(|| name.to_owned())
    }

    /// Remembers what a response says.
    fn remember(&mut self, element: &Element) {
        if let Some(value) = &element.value {
            self.last.insert(element.name.clone(), value.clone());
        }
        for child in &element.children {
            self.remember(child);
        }
    }

    /// The answer to a request, both in this run's encoding.
    fn answer(&self, request: &Item, limits: &Limits) -> Result<Item, String> {
        let message = match self.encoding {
            Encoding::Ttlv => request.to_ttlv().unwrap(),
            Encoding::Xml => request.to_xml().into_bytes(),
            Encoding::Json => request.to_json().into_bytes(),
        };
        let answer = self.house.bytes_in(self.encoding, &message);
        let text = || std::str::from_utf8(&answer).unwrap();
        let read = match self.encoding {
            Encoding::Ttlv => Item::from_ttlv(&answer, limits),
            Encoding::Xml => Item::from_xml(text(), limits),
            Encoding::Json => Item::from_json(text(), limits),
        };
        read.map_err(|error| error.to_string())
    }

    fn run(&mut self, text: &str) -> Result<(), String> {
        let mut turns = messages(text).into_iter();
        let mut step = 0;
        while let (Some(request), Some(expected)) = (turns.next(), turns.next()) {
            let limits = Limits::default();
            let request = Item::from_xml(&self.fill(request), &limits)
                .map_err(|error| format!("step {step}: the request: {error}"))?;
            let answer = self
                .answer(&request, &limits)
                .map_err(|error| format!("step {step}: the answer: {error}"))?
                .to_xml();
            let (expected, actual) = (parse(expected), parse(&answer));
            self.remember(&actual[0]);
            self.compare(&expected[0], &actual[0]).map_err(|what| {
                let message = find(&actual[0], "ResultMessage").unwrap_or_default();
                format!("step {step}: {what} {message}")
            })?;
            step += 1;
        }
        Ok(())
    }

    fn compare(&mut self, expected: &Element, actual: &Element) -> Result<(), String> {
        let name = &expected.name;
        if *name != actual.name {
            return Err(format!("{name} expected, {} found", actual.name));
        }
        if MAY_DIFFER.contains(&name.as_str())
            || (name == "Attribute" && [named(expected), named(actual)] == [GENERATOR; 2])
        {
            return Ok(());
        }
        match (&expected.value, &actual.value) {
            (Some(wanted), Some(found)) => self.compare_value(name, wanted, found)?,
            (None, None) => {}
            _ => return Err(format!("{name}: a value and a structure")),
        }
        self.compare_children(expected, actual)
    }

    fn compare_children(&mut self, expected: &Element, actual: &Element) -> Result<(), String> {
        let inside = !matches!(expected.name.as_str(), "ResponseMessage" | "BatchItem");
        let own = |child: &&Element| {
            let name = child.name.as_str();
            !(MAY_DIFFER.contains(&name) || inside && OPEN.contains(&name))
        };
        let wanted: Vec<_> = expected.children.iter().filter(own).collect();
        let mut found: Vec<_> = actual.children.iter().filter(own).collect();
        let unordered = UNORDERED.contains(&expected.name.as_str());
        for one in wanted {
            let at = if unordered {
                let same = |other: &&Element| self.clone_compare(one, other).is_ok();
                found.iter().position(same).or_else(|| {
                    found
                        .iter()
                        .position(|other| other.name == one.name && named(other) == named(one))
                })
            } else {
                (!found.is_empty()).then_some(0)
            };
            let Some(at) = at else {
                return Err(format!(
                    "{}: {} {} is missing",
                    expected.name,
                    one.name,
                    named(one)
                ));
            };
            let other = found.remove(at);
            self.compare(one, other)
                .map_err(|what| format!("{} / {what}", expected.name))?;
        }
        match found.first() {
            Some(more) => Err(format!(
                "{}: {} {} is too much",
                expected.name,
                more.name,
                named(more)
            )),
            None => Ok(()),
        }
    }

    /// Compares without binding anything.
    fn clone_compare(&self, expected: &Element, actual: &Element) -> Result<(), String> {
        let mut trial = Run {
            house: self.house,
            encoding: self.encoding,
            bound: self.bound.clone(),
            last: HashMap::new(),
            now: self.now,
            random: self.random,
        };
        trial.compare(expected, actual)
    }

    fn compare_value(&mut self, name: &str, wanted: &str, found: &str) -> Result<(), String> {
        if wanted.starts_with("$NOW") {
            return Ok(());
        }
        if wanted.starts_with('$') {
            let known = self
                .bound
                .entry(wanted.to_owned())
                .or_insert_with(|| found.to_owned());
            if known == found {
                return Ok(());
            }
            return Err(format!("{name}: {wanted} is {known}, {found} found"));
        }
        let words = |text: &str| {
            let mut words: Vec<_> = text
                .split_whitespace()
                .map(str::to_ascii_lowercase)
                .collect();
            words.sort();
            words
        };
        let is_date = |text: &str| {
            text.len() > 18 && text.as_bytes()[10] == b'T' && text.as_bytes()[4] == b'-'
        };
        if is_date(wanted) && is_date(found) {
            // The cases of 1.0 to 1.2 have the dates of the day they were written.
            return Ok(());
        }
        let random = ["KeyMaterial", "Data", "SignatureData", "IVCounterNonce"].contains(&name);
        if self.random && random && wanted.len() == found.len() {
            return Ok(());
        }
        if words(wanted) == words(found) || name == "UniqueBatchItemID" {
            return Ok(());
        }
        Err(format!("{name}: {wanted} expected, {found} found"))
    }
}

/// The name of an attribute in its 1.x form.
fn named(element: &Element) -> String {
    let name = element
        .children
        .iter()
        .find(|child| child.name == "AttributeName");
    let words = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    name.and_then(|name| name.value.as_ref().map(words))
        .unwrap_or_default()
}

fn find(element: &Element, name: &str) -> Option<String> {
    if element.name == name {
        return element.value.clone();
    }
    element.children.iter().find_map(|child| find(child, name))
}

fn rfc3339(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .unwrap()
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap()
}

/// All cases, as KMIP's own encoding.
#[test]
fn cases() {
    cases_in(Encoding::Ttlv);
}

/// Those of 2.1 as XML.
#[test]
fn cases_in_xml() {
    cases_in(Encoding::Xml);
}

/// Those of 2.1 as JSON.
#[test]
fn cases_in_json() {
    cases_in(Encoding::Json);
}

fn cases_in(encoding: Encoding) {
    let Some(folder) = folder() else {
        println!("skipped: no OASIS test cases (KEYBRIDGE_KMIP_CASES)");
        return;
    };
    let wanted = std::env::var("KEYBRIDGE_KMIP_CASE").unwrap_or_default();
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    paths.sort();
    let (mut passed, mut failed) = (0, Vec::new());
    let (mut house, mut family) = (House::new(), String::new());
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let other = encoding != Encoding::Ttlv;
        if !name.contains(&wanted) || (other && !name.ends_with("-21")) {
            continue;
        }
        // Cases of a family build on each other.
        let own = name.rsplit_once('-').map_or("", |(family, _)| family);
        let own = own
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned()
            + name.rsplit('-').next().unwrap_or_default()
            + &format!("{:?}", answers_of(&name).seeds);
        if own != family {
            (house, family) = (House::answering(answers_of(&name)), own);
        }
        // In the past, so that a date that is moved is another one.
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
            .cast_signed()
            - 100;
        let text = fs::read_to_string(&path).unwrap();
        let random = ["\"Create\"", "\"OAEP\"", "\"RNGRetrieve\"", "RandomIV"]
            .iter()
            .any(|what| text.contains(what))
            || name.starts_with("TL-");
        let mut run = Run {
            house: &house,
            encoding,
            bound: HashMap::new(),
            last: HashMap::new(),
            now,
            random,
        };
        match run.run(&text) {
            Ok(()) => passed += 1,
            Err(what) => failed.push(format!("{name}: {what}")),
        }
    }
    println!("{passed} cases passed, {} did not", failed.len());
    let (known, news): (Vec<_>, Vec<_>) = failed
        .iter()
        .partition(|failure| skipped(failure).is_some());
    for failure in known {
        println!("  known: {failure}");
    }
    assert!(news.is_empty(), "{news:#?}");
    let passed_now = |case: &str| {
        let fails = |failure: &String| {
            failure
                .split(':')
                .next()
                .and_then(|name| name.rsplit_once('-'))
                .is_some_and(|(name, _)| name == case)
        };
        encoding == Encoding::Ttlv && wanted.is_empty() && !failed.iter().any(fails)
    };
    let shrink: Vec<_> = SKIPPED
        .iter()
        .filter(|(case, _)| passed_now(case))
        .collect();
    assert!(
        shrink.is_empty(),
        "these pass now, take them off the list: {shrink:?}"
    );
}

/// The settings of the servers that these cases are about: they differ by design.
fn answers_of(name: &str) -> ServerAnswers {
    let seeds = [
        ("CS-RNG-O-1", Seeds::Used),
        ("CS-RNG-O-2", Seeds::UsedInPart),
        ("CS-RNG-O-4", Seeds::Refused),
    ];
    let own = seeds.iter().find(|(case, _)| name.starts_with(case));
    ServerAnswers {
        interop: true,
        seeds: own.map_or(Seeds::Ignored, |(_, seeds)| *seeds),
        ..ServerAnswers::standard()
    }
}

/// Why a case is not passed, if that is known.
fn skipped(failure: &str) -> Option<&'static str> {
    let case = failure.split(':').next()?;
    // The last part of a name is the version.
    let (case, _) = case.rsplit_once('-')?;
    let row = SKIPPED.iter().find(|(known, _)| *known == case)?;
    Some(row.1)
}
