//! The tables of errors of the seven specifications (`tables/reasons.txt`, taken from their text): whatever
//! a test sees refused must be refused for a reason that its operation has in its version.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use keybridge_kmip::Version;
use keybridge_kmip::enums::{Operation, ResultReason};

/// The reasons of an operation, by the version from which on they are these.
type Reasons = Vec<(Version, Vec<&'static str>)>;

static TABLES: LazyLock<BTreeMap<String, Reasons>> = LazyLock::new(|| {
    let mut all: BTreeMap<String, Reasons> = BTreeMap::new();
    let mut name = String::new();
    for line in include_str!("tables/reasons.txt").lines() {
        match line
            .split_once(' ')
            .filter(|(first, _)| first.starts_with(['1', '2']))
        {
            Some((version, reasons)) => {
                let (major, minor) = version.split_once('.').unwrap();
                let version = Version::new(major.parse().unwrap(), minor.parse().unwrap());
                let rows = all.get_mut(&name).unwrap();
                rows.push((version, reasons.split(", ").collect()));
            }
            None if line.starts_with('#') => {}
            None => {
                name = bare(line);
                all.insert(name.clone(), Reasons::new());
            }
        }
    }
    all
});

/// What may be wrong with any request (1.4 section 11.1, and 6.10 where no table has it).
const OF_ALL: &[ResultReason] = &[
    ResultReason::InvalidMessage,
    ResultReason::InvalidField,
    ResultReason::PermissionDenied,
    ResultReason::OperationNotSupported,
    ResultReason::FeatureNotSupported,
    ResultReason::ResponseTooLarge,
    ResultReason::AuthenticationNotSuccessful,
    ResultReason::GeneralFailure,
    // "Any archived object SHALL first be made available by a Recover operation" (2.1 section 6.1).
    ResultReason::ObjectArchived,
    // Of an asynchronous one, whichever it is.
    ResultReason::OperationCanceledByRequester,
    // 2.x: of the message, the server and the account.
    ResultReason::CodecError,
    ResultReason::UnknownTag,
    ResultReason::UnknownEnumeration,
    ResultReason::UnsupportedProtocolVersion,
    ResultReason::InternalServerError,
    ResultReason::ServerLimitExceeded,
    ResultReason::NotAuthorised,
];

/// Reasons that 2.1 describes for what happened (section 11.46), and that its lists do not give to the
/// operation; the more general ones in the lists would say less. This list only shrinks.
const BEYOND: &[(Operation, ResultReason)] = &[
    // No list has these at all.
    (Operation::Create, ResultReason::ConstraintViolation),
    (Operation::ReKey, ResultReason::ConstraintViolation),
    (Operation::Process, ResultReason::DuplicateProcessRequest),
    (
        Operation::Create,
        ResultReason::OperationCanceledByRequester,
    ),
    // BL-M-8-21 has it.
    (Operation::Get, ResultReason::ObjectDestroyed),
    (Operation::Get, ResultReason::BadPassword),
    (Operation::Register, ResultReason::CryptographicFailure),
    (Operation::Register, ResultReason::KeyValueNotPresent),
    (Operation::Import, ResultReason::WrappingObjectNotFound),
    // These operations take attributes as Create does.
    (Operation::Certify, ResultReason::InvalidAttributeValue),
    (Operation::Certify, ResultReason::NonUniqueNameAttribute),
    (Operation::ReCertify, ResultReason::NonUniqueNameAttribute),
    (Operation::ReKey, ResultReason::AttributeReadOnly),
    (
        Operation::ReKeyKeyPair,
        ResultReason::NonUniqueNameAttribute,
    ),
    (Operation::DeriveKey, ResultReason::InvalidAttributeValue),
    (Operation::SetDefaults, ResultReason::AttributeReadOnly),
    (Operation::SetConstraints, ResultReason::AttributeReadOnly),
];

fn bare(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.collect::<String>().to_ascii_lowercase()
}

/// Panics at a reason that the operation does not have.
#[track_caller]
pub(crate) fn check(operation: Operation, version: Version, reason: ResultReason) {
    let name = operation.name().map(bare).unwrap_or_default();
    let rows = TABLES.get(&name).map(Vec::as_slice).unwrap_or_default();
    let of_major = |row: &&(Version, Vec<_>)| row.0 <= version && row.0.major == version.major;
    let Some((_, reasons)) = rows.iter().rfind(of_major) else {
        return;
    };
    let known = reason.name().is_some_and(|name| reasons.contains(&name));
    let beyond = BEYOND.contains(&(operation, reason)) && version >= Version::V2_0;
    assert!(
        known || beyond || OF_ALL.contains(&reason),
        "{operation} of {version} has no reason {reason}"
    );
}
