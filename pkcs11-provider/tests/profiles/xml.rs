//! The XML in which the profiles write calls down ("PKCS#11 XML Representation"), read and compared.

use std::collections::HashMap;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// An element: a call, what it gave, a parameter, or a field of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn new(name: &str) -> Self {
        Element {
            name: name.to_owned(),
            ..Element::default()
        }
    }

    pub(super) fn with(mut self, attribute: &str, value: impl ToString) -> Self {
        self.attributes
            .push((attribute.to_owned(), value.to_string()));
        self
    }

    pub(super) fn child(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }

    /// A child that is a value.
    pub(super) fn value(self, name: &str, value: impl ToString) -> Self {
        self.child(Element::new(name).with("value", value))
    }

    pub(super) fn get(&self, attribute: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name == attribute);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn find(&self, child: &str) -> Option<&Element> {
        self.children.iter().find(|element| element.name == child)
    }
}

/// The calls of a case: each with what it is to give.
pub(super) fn read(text: &str) -> Vec<(Element, Element)> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open = vec![Element::new("document")];
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(start) => open.push(element(&start)),
            Event::Empty(start) => put(&mut open, element(&start)),
            Event::End(_) => {
                let done = open.pop().expect("an element that began");
                put(&mut open, done);
            }
            Event::Text(words) if words.trim_ascii().is_empty() => {}
            Event::Comment(_) | Event::Decl(_) => {}
            Event::Eof => break,
            other => panic!("{other:?} in a case"),
        }
    }
    let document = open.pop().expect("the document");
    let root = document.find("PKCS11").expect("a case").clone();
    let pairs = root.children.chunks_exact(2);
    assert!(pairs.remainder().is_empty(), "a call without its return");
    pairs
        .map(|pair| {
            assert_eq!(pair[0].name, pair[1].name, "a call and its return");
            (pair[0].clone(), pair[1].clone())
        })
        .collect()
}

fn put(open: &mut [Element], done: Element) {
    open.last_mut().expect("a parent").children.push(done);
}

fn element(start: &BytesStart<'_>) -> Element {
    let name = start.name();
    let mut element = Element::new(name.as_ref());
    for attribute in start.attributes() {
        let attribute = attribute.expect("an attribute");
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .expect("a value");
        element = element.with(attribute.key.as_ref(), value);
    }
    element
}

/// What `${…}` stands for.
pub(super) type Symbols = HashMap<String, String>;

/// The name in `${name}`.
pub(super) fn symbol(value: &str) -> Option<&str> {
    value.strip_prefix("${")?.strip_suffix('}')
}

/// Fields that "an implementation conformant to a Profile MAY vary" ("Variable Items").
const VARIABLE: [&str; 16] = [
    "LibraryDescription",
    "LibraryVersion",
    "ManufacturerID",
    "SlotDescription",
    "HardwareVersion",
    "FirmwareVersion",
    "serialNumber",
    "label",
    "model",
    "utcTime",
    "SlotID",
    "Object",
    "Session",
    "Data",
    "EncryptedData",
    "RandomData",
];

/// Attributes that may vary.
const VARIABLE_ATTRIBUTES: [&str; 13] = [
    "VALUE",
    "PUBLIC_EXPONENT",
    "PRIVATE_EXPONENT",
    "PRIME_1",
    "PRIME_2",
    "EXPONENT_1",
    "EXPONENT_2",
    "COEFFICIENT",
    "PRIME",
    "SUBPRIME",
    "BASE",
    "EC_POINT",
    "UNIQUE_ID",
];

/// Compares what a call gave with what it was to give, field by field, and takes what symbols stand for. Gives the
/// differences: `path: expected …, found …`.
pub(super) fn differences(
    path: &str,
    expected: &Element,
    found: &Element,
    symbols: &mut Symbols,
) -> Vec<String> {
    let mut differences = Vec::new();
    let varies = VARIABLE.contains(&expected.name.as_str())
        || expected
            .get("type")
            .is_some_and(|kind| VARIABLE_ATTRIBUTES.contains(&kind));
    for (name, wanted) in &expected.attributes {
        let is = found.get(name);
        match (symbol(wanted), is) {
            (Some(symbol), Some(is)) => {
                symbols.insert(symbol.to_owned(), is.to_owned());
            }
            (None, Some(is)) if (varies && name != "type") || same(&expected.name, wanted, is) => {}
            _ => differences.push(format!(
                "{path}.{name}: expected {wanted}, found {}",
                is.unwrap_or("nothing")
            )),
        }
    }
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for child in &expected.children {
        let number = numbers.entry(&child.name).or_default();
        let kind = child.get("type");
        let mut candidates = found.children.iter().filter(|candidate| {
            candidate.name == child.name && (kind.is_none() || candidate.get("type") == kind)
        });
        // Of a list of mechanisms each must be there; of other lists, the entries are told by their place.
        let one = if child.name == "Type" {
            candidates.find(|candidate| candidate.get("value") == child.get("value"))
        } else if kind.is_some() {
            candidates.next()
        } else {
            candidates.nth(*number)
        };
        *number += 1;
        let path = format!("{path}/{}", kind.unwrap_or(&child.name));
        match one {
            Some(one) => differences.extend(self::differences(&path, child, one, symbols)),
            None => differences.push(format!("{path}: is not there")),
        }
    }
    differences
}

/// Whether two values are the same: flags in any order, hexadecimal numbers in any case.
fn same(name: &str, wanted: &str, is: &str) -> bool {
    let flags = |value: &str| {
        let mut flags: Vec<String> = value
            .split(['|', ' '])
            .filter(|flag| !flag.is_empty() && *flag != "0x0")
            .map(str::to_owned)
            .collect();
        flags.sort_unstable();
        flags
    };
    wanted.eq_ignore_ascii_case(is) || (name == "Flags" && flags(wanted) == flags(is))
}

#[test]
fn differences_are_found() {
    let expected = Element::new("Info")
        .value("Flags", "RNG|LOGIN_REQUIRED")
        .value("model", "any")
        .value("Session", "${Session}")
        .child(Element::new("CryptokiVersion").with("major", 3));
    let found = Element::new("Info")
        .value("Session", 7)
        .value("model", "ours")
        .value("Flags", "LOGIN_REQUIRED RNG");
    let mut symbols = Symbols::new();
    let without = differences("Info", &expected, &found, &mut symbols);
    assert_eq!(without, ["Info/CryptokiVersion: is not there"]);
    assert_eq!(symbols["Session"], "7");
    let found = found.child(Element::new("CryptokiVersion").with("major", 2));
    assert_eq!(
        differences("Info", &expected, &found, &mut symbols),
        ["Info/CryptokiVersion.major: expected 3, found 2"]
    );
}
