//! The tables of the seven specifications, as data taken from their text (`tables/*.txt`), against the
//! declarations: no item, value or rule too few, none too many, none in a version that does not have it.

use std::collections::{BTreeMap, BTreeSet};

use keybridge_kmip::attributes as a;
use keybridge_kmip::attributes::AttributeRow;
use keybridge_kmip::enums::{EnumTable, Operation, UniqueIdentifierEnumeration};
use keybridge_kmip::message as m;
use keybridge_kmip::objects as o;
use keybridge_kmip::operations::{self as p, Fields, RequestPayload};
use keybridge_kmip::tags::Values;
use keybridge_kmip::{Tag, Version};

/// An item of a table: its name, whether it is REQUIRED, whether it may be repeated.
type Item = (String, bool, bool);

/// A table in each version that has it.
type Tables = BTreeMap<Version, Vec<Item>>;

/// What is read more leniently than its table says, each for a reason: structure, item, versions.
const LENIENT: &[(&str, &str, &str)] = &[
    // PyKMIP and libkmip send none at all when they look for everything.
    ("Locate request", "Attributes", "2."),
    // An empty Query is the only request of 1.x that asks for nothing: clients see by it who is there.
    ("Query request", "Query Function", ""),
    // "Yes", in the answer to every query function: only to its own one.
    ("Query response", "Protection Storage Masks", "2."),
    // An answer to a request of names of which the object has none.
    ("Get Attributes response", "Attributes", "2."),
    ("Get Attribute List response", "Attribute Name", "1."),
    ("Get Attribute List response", "Attribute Reference", "2."),
    // Of a failed Check.
    ("Check response", "Unique Identifier", "1.0"),
    // The changed attribute, which a client may do without.
    ("Add Attribute response", "Attribute", "1."),
    ("Modify Attribute response", "Attribute", "1."),
    ("Delete Attribute response", "Attribute", "1."),
    // The cases' own answers to 1.2 have none (TC-SJ-1-12 to 4-12).
    ("Create Split Key response", "Object Type", "1.2"),
    ("Join Split Key response", "Object Type", "1.2"),
    // "Validity Indicator: Yes" in 1.3 and 1.4, which a stream's first parts cannot have.
    ("Signature Verify response", "Validity Indicator", "1."),
    ("MAC Verify response", "Validity Indicator", "1."),
    // "Client (Total and/or Unit only)" says the attribute's own table.
    ("Usage Limits", "Usage Limits Count", ""),
    // The server makes it where it is left out (1.0 section 3.36).
    ("Application Specific Information", "Application Data", "1."),
    // An account without defaults says so.
    ("Defaults Information", "Object Defaults", "2.0"),
    // What the server checks itself, with words of its own.
    ("Register request", "Object", ""),
    ("Get response", "Object", ""),
    ("Export response", "Object", ""),
    ("Import request", "Object", ""),
    ("Put request", "Object", ""),
    ("Export response", "Attribute", "1."),
    ("Export response", "Attributes", "2."),
    ("Import request", "Attribute", "1."),
    ("Import request", "Attributes", "2."),
    ("Notify request", "Attribute", "1."),
    ("Delete Attribute request", "Attribute Name", "1."),
    ("Adjust Attribute request", "Attribute Reference", "2."),
];

fn version(text: &str) -> Version {
    let (major, minor) = text.split_once('.').expect("a version");
    Version::new(major.parse().unwrap(), minor.parse().unwrap())
}

fn versions() -> impl Iterator<Item = Version> {
    Version::SUPPORTED.into_iter().rev()
}

fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

/// The tables of a file, by their names. One holds from its version on until another does; a dot ends the
/// last one.
fn tables(text: &str) -> BTreeMap<String, Tables> {
    let mut all: BTreeMap<String, Tables> = BTreeMap::new();
    let mut name = String::new();
    for line in rows(text) {
        let Some((first, items)) = line
            .split_once(' ')
            .filter(|(first, _)| first.starts_with(['1', '2']))
        else {
            line.clone_into(&mut name);
            all.insert(name.clone(), Tables::new());
            continue;
        };
        let first = version(first);
        let tables = all.get_mut(&name).expect("inserted");
        if items == "." {
            tables.retain(|version, _| *version < first);
            continue;
        }
        let items = items.split(", ").filter(|item| *item != "-");
        let items: Vec<Item> = items.map(item).collect();
        tables.extend(
            versions()
                .filter(|one| *one >= first)
                .map(|one| (one, items.clone())),
        );
    }
    all
}

fn item(text: &str) -> Item {
    let name = text.trim_end_matches(['!', '*', '+']);
    (
        name.to_owned(),
        text.ends_with(['!', '+']),
        text.ends_with(['*', '+']),
    )
}

/// The items that a declaration has in a version.
fn declared(fields: Fields, version: Version) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for field in fields.iter().flat_map(|field| field.iter()) {
        let Some(tag) = field.tag_in(version) else {
            continue;
        };
        let name = if field.choice {
            "Object"
        } else {
            tag.title().expect("declared")
        };
        // A choice is one item; attributes of 2.x are one structure.
        if field.choice && items.last().is_some_and(|item| item.0 == "Object") {
            continue;
        }
        let repeated = field.repeated && tag != Tag::Attributes;
        items.push((name.to_owned(), field.is_required_in(version), repeated));
    }
    items
}

/// The table, less what is read leniently.
fn leniently(name: &str, version: Version, items: &[Item]) -> Vec<Item> {
    let lenient = |item: &Item| {
        LENIENT.iter().any(|(structure, lenient, versions)| {
            *structure == name && *lenient == item.0 && version.to_string().starts_with(versions)
        })
    };
    let items = items.iter().cloned();
    items
        .map(|item| {
            let required = item.1 && !lenient(&item);
            (item.0, required, item.2)
        })
        .collect()
}

fn compare(name: &str, tables: &Tables, fields: Fields, wrong: &mut Vec<String>) {
    for (version, items) in tables {
        let (table, declared) = (leniently(name, *version, items), declared(fields, *version));
        if table != declared {
            let missing: Vec<_> = table.iter().filter(|one| !declared.contains(one)).collect();
            let more: Vec<_> = declared.iter().filter(|one| !table.contains(one)).collect();
            wrong.push(format!(
                "{name} in {version}: the table has {missing:?}, declared is {more:?}"
            ));
        }
    }
}

/// The name of an operation in the enumeration's table.
fn operation(title: &str) -> Operation {
    let bare = |name: &str| -> String {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters.collect::<String>().to_ascii_lowercase()
    };
    let row = Operation::TABLE
        .rows
        .iter()
        .find(|row| bare(row.name) == bare(title));
    Operation(row.unwrap_or_else(|| panic!("no operation {title}")).value)
}

#[test]
fn payloads_are_those_of_the_specifications() {
    let mut wrong = Vec::new();
    let all = tables(include_str!("tables/payloads.txt"));
    assert!(all.len() > 110);
    for (name, tables) in &all {
        let (title, kind) = name.rsplit_once(' ').unwrap();
        let operation = operation(title);
        // Without a table: the answers to Poll and to what servers send.
        let (request, response) = RequestPayload::fields(operation).unwrap();
        let fields = if kind == "request" { request } else { response };
        compare(name, tables, fields, &mut wrong);
        let first = tables.keys().next().unwrap();
        for version in versions() {
            assert_eq!(operation.exists_in(version), version >= *first, "{name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The structures that are declared field by field; the others have their own code, and tests.
fn structures() -> BTreeMap<&'static str, Fields> {
    BTreeMap::from([
        (
            "Credential Value, Username and Password",
            m::UsernameAndPassword::FIELDS,
        ),
        ("Credential Value, Device", m::Device::FIELDS),
        ("Credential Value, Attestation", m::Attestation::FIELDS),
        (
            "Credential Value, One Time Password",
            m::OneTimePassword::FIELDS,
        ),
        (
            "Credential Value, Hashed Password",
            m::HashedPassword::FIELDS,
        ),
        ("Credential Value, Ticket", m::TicketCredential::FIELDS),
        ("Nonce", m::Nonce::FIELDS),
        ("Ticket", m::Ticket::FIELDS),
        ("Encryption Key Information", o::KeyInformation::FIELDS),
        ("MAC/Signature Key Information", o::KeyInformation::FIELDS),
        ("Key Wrapping Data", o::KeyWrappingData::FIELDS),
        (
            "Key Wrapping Specification",
            o::KeyWrappingSpecification::FIELDS,
        ),
        (
            "Transparent Symmetric Key",
            o::TransparentSymmetricKey::FIELDS,
        ),
        (
            "Transparent DSA Private Key",
            o::TransparentDSAPrivateKey::FIELDS,
        ),
        (
            "Transparent DSA Public Key",
            o::TransparentDSAPublicKey::FIELDS,
        ),
        (
            "Transparent RSA Private Key",
            o::TransparentRSAPrivateKey::FIELDS,
        ),
        (
            "Transparent RSA Public Key",
            o::TransparentRSAPublicKey::FIELDS,
        ),
        (
            "Transparent DH Private Key",
            o::TransparentDHPrivateKey::FIELDS,
        ),
        (
            "Transparent DH Public Key",
            o::TransparentDHPublicKey::FIELDS,
        ),
        (
            "Transparent ECDSA Private Key",
            o::TransparentECPrivateKey::FIELDS,
        ),
        (
            "Transparent ECDSA Public Key",
            o::TransparentECPublicKey::FIELDS,
        ),
        (
            "Transparent ECDH Private Key",
            o::TransparentECPrivateKey::FIELDS,
        ),
        (
            "Transparent ECDH Public Key",
            o::TransparentECPublicKey::FIELDS,
        ),
        (
            "Transparent ECMQV Private Key",
            o::TransparentECPrivateKey::FIELDS,
        ),
        (
            "Transparent ECMQV Public Key",
            o::TransparentECPublicKey::FIELDS,
        ),
        (
            "Transparent EC Private Key",
            o::TransparentECPrivateKey::FIELDS,
        ),
        (
            "Transparent EC Public Key",
            o::TransparentECPublicKey::FIELDS,
        ),
        ("Certificate", o::Certificate::FIELDS),
        ("Certificate Request", o::CertificateRequest::FIELDS),
        ("Symmetric Key", o::Key::FIELDS),
        ("Public Key", o::Key::FIELDS),
        ("Private Key", o::Key::FIELDS),
        ("Split Key", o::SplitKey::FIELDS),
        ("Secret Data", o::SecretData::FIELDS),
        ("Opaque Object", o::OpaqueObject::FIELDS),
        ("PGP Key", o::PGPKey::FIELDS),
        ("Name", a::Name::FIELDS),
        (
            "Cryptographic Parameters",
            a::CryptographicParameters::FIELDS,
        ),
        (
            "Cryptographic Domain Parameters",
            a::CryptographicDomainParameters::FIELDS,
        ),
        ("Certificate Identifier", a::CertificateIdentifier::FIELDS),
        ("Certificate Subject", a::CertificateSubject::FIELDS),
        ("Certificate Issuer", a::CertificateIssuer::FIELDS),
        (
            "X.509 Certificate Identifier",
            a::X509CertificateIdentifier::FIELDS,
        ),
        (
            "X.509 Certificate Subject",
            a::X509CertificateSubject::FIELDS,
        ),
        ("X.509 Certificate Issuer", a::X509CertificateIssuer::FIELDS),
        ("Digest", a::Digest::FIELDS),
        ("Usage Limits", a::UsageLimits::FIELDS),
        ("Revocation Reason", a::RevocationReason::FIELDS),
        ("Link", a::Link::FIELDS),
        (
            "Application Specific Information",
            a::ApplicationSpecificInformation::FIELDS,
        ),
        ("Alternative Name", a::AlternativeName::FIELDS),
        ("Key Value Location", a::KeyValueLocation::FIELDS),
        ("RNG Parameters", a::RNGParameters::FIELDS),
        (
            "Derivation Parameters",
            p::derive_key::DerivationParameters::FIELDS,
        ),
        (
            "Extension Information",
            p::query::ExtensionInformation::FIELDS,
        ),
        ("Profile Information", p::query::ProfileInformation::FIELDS),
        ("Profile Version", p::query::ProfileVersion::FIELDS),
        (
            "Validation Information",
            p::query::ValidationInformation::FIELDS,
        ),
        (
            "Capability Information",
            p::query::CapabilityInformation::FIELDS,
        ),
        ("Server Information", p::query::ServerInformation::FIELDS),
        (
            "Defaults Information",
            p::query::DefaultsInformation::FIELDS,
        ),
        ("Object Groups", p::query::ObjectGroups::FIELDS),
        ("Object Types", p::query::ObjectTypes::FIELDS),
        ("Operations", p::Operations::FIELDS),
        ("Objects", p::delegated_login::Objects::FIELDS),
        ("Right", p::delegated_login::Right::FIELDS),
        ("Rights", p::delegated_login::Rights::FIELDS),
        ("Constraint", p::get_constraints::Constraint::FIELDS),
        ("Constraints", p::get_constraints::Constraints::FIELDS),
        (
            "Asynchronous Request",
            p::query_asynchronous_requests::AsynchronousRequest::FIELDS,
        ),
    ])
}

/// Those with their own code, and two whose tables have slips: 2.1 calls the Object Types of Object Defaults an
/// Object Type, and does not say that the Asynchronous Correlation Values are several.
const WRITTEN: &[&str] = &[
    "Object Defaults",
    "Asynchronous Correlation Values",
    "Attribute",
    "Attribute Reference",
    "Credential",
    "Key Block",
    "Key Value",
    "Template",
    "Template-Attribute Structures",
    "Derive Key",
    "Message Structure",
    "Request Message",
    "Response Message",
];

#[test]
fn structures_are_those_of_the_specifications() {
    let mut wrong = Vec::new();
    let mut declared = structures();
    for (name, tables) in tables(include_str!("tables/structures.txt")) {
        match declared.remove(name.as_str()) {
            Some(fields) => compare(&name, &tables, fields, &mut wrong),
            None if WRITTEN.contains(&name.as_str()) => {}
            None => wrong.push(format!("{name} is not declared")),
        }
    }
    assert!(
        declared.is_empty(),
        "without a table: {:?}",
        declared.keys()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn values_are_those_of_the_specifications() {
    let mut declared: BTreeMap<&str, &EnumTable> = BTreeMap::new();
    for row in Tag::ROWS {
        if let Values::Enumeration(table) | Values::Mask(table) = row.values {
            declared.insert(table.name, table);
        }
    }
    declared.insert(
        "UniqueIdentifierEnumeration",
        UniqueIdentifierEnumeration::TABLE,
    );
    // The numbers of another standard, which KMIP's text does not repeat.
    declared.retain(|name, _| !name.starts_with("PKCS_11"));
    let (mut wrong, mut name) = (Vec::new(), String::new());
    let mut found: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for line in rows(include_str!("tables/enumerations.txt")) {
        let Some((what, span)) = line.split_once("; ") else {
            name = match line {
                "Data" | "Unique Identifier" => format!("{line} Enumeration"),
                line => line.to_owned(),
            };
            name = name.replace(' ', "");
            continue;
        };
        // The types of TTLV are no enumeration of messages.
        if name == "ItemType" {
            continue;
        }
        let (number, title) = what.split_once(' ').unwrap();
        let number = u32::from_str_radix(number, 16).unwrap();
        let (first, last) = span.split_once(' ').unwrap_or((span, "2.1"));
        let has = |at: Version| at >= version(first) && at <= version(last);
        found.entry(name.clone()).or_default().insert(number);
        let exists = |at: Version| match declared.get(name.as_str()) {
            Some(table) => table.row(number).is_some_and(|row| row.span.contains(at)),
            None => name == "Tag" && Tag(number).row().is_some() && Tag(number).exists_in(at),
        };
        let differs: Vec<_> = versions().filter(|at| exists(*at) != has(*at)).collect();
        if !differs.is_empty() {
            wrong.push(format!("{name} {title}: {differs:?}"));
        }
    }
    for (name, table) in &declared {
        let numbers = found.get(*name);
        for row in table.rows {
            if !numbers.is_some_and(|numbers| numbers.contains(&row.value)) {
                wrong.push(format!("{name} {}: in no table", row.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Attributes whose declared rules differ from their tables, which call "Server" whatever the server may
/// have to set itself.
const SET_BY_REQUESTS: &[&str] = &[
    // What Create is asked for.
    "Cryptographic Algorithm",
    "Cryptographic Length",
    "Protection Storage Mask",
];

#[test]
fn rules_of_attributes_are_those_of_the_specifications() {
    let (mut wrong, mut found) = (Vec::new(), BTreeSet::new());
    for line in rows(include_str!("tables/attributes.txt")) {
        let [name, span, rules] = line.split("; ").collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        if name == "Custom Attribute" || name == "Certificate Attributes" {
            continue;
        }
        let (first, last) = span.split_once(' ').unwrap();
        let tag = Tag::by_title(name).unwrap_or_else(|| panic!("no tag {name}"));
        let row = AttributeRow::of(tag).unwrap_or_else(|| panic!("no attribute {name}"));
        found.insert(tag);
        let has = |at: Version| at >= version(first) && at <= version(last);
        // Of two lines about one attribute, each has its own versions.
        if versions().any(|at| has(at) && !row.span.contains(at)) {
            wrong.push(format!("{name}: {span}, declared {:?}", row.span));
        }
        let sets = rules.contains('s') || SET_BY_REQUESTS.contains(&name);
        let table = (
            rules.contains('m'),
            sets,
            rules.contains('c'),
            rules.contains('d'),
        );
        let declared = row.rules;
        let declared = (
            declared.multiple,
            declared.client_sets,
            declared.client_modifies,
            declared.client_deletes,
        );
        if table != declared {
            wrong.push(format!(
                "{name}: the table has {rules}, declared is {declared:?}"
            ));
        }
    }
    for row in AttributeRow::ROWS {
        let title = row.tag.title().unwrap();
        let of_name = ["Certificate Subject ", "Certificate Issuer "];
        if !found.contains(&row.tag) && !of_name.iter().any(|start| title.starts_with(start)) {
            wrong.push(format!("{title}: in no table"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
