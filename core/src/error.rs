//! The one error type of the core. Doors map [`Error`] to their protocol's codes in one table each.

use std::fmt;

use crate::id::ObjectId;
use crate::mechanism::Purpose;
use crate::model::{KeyRole, KeyState, ObjectState};

/// Result of a call of the core.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, and what to do about it. No variant ever carries secret bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing by that name or identifier that the caller may know of.
    #[error("{}", not_found(what, name))]
    NotFound {
        /// `key`, `object`, `alias`, `account`, `client`, …
        what: &'static str,
        /// What was looked for.
        name: String,
    },
    /// Something by that name is there already.
    #[error("{what} {name:?} exists already")]
    AlreadyExists {
        /// `key`, `alias`, `client`, …
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The caller's role or grants do not allow it.
    #[error("not permitted: {0}")]
    Denied(String),
    /// Nobody is logged in, and this needs it.
    #[error("log in first")]
    LoginRequired,
    /// Somebody logged in, but what proved him was revoked since, or replaced by somebody else.
    #[error("the login has ended: its PIN or credential was replaced or revoked; log in again")]
    LoginEnded,
    /// Wrong PIN, password or credential.
    #[error("wrong PIN or credential")]
    WrongCredential,
    /// The PIN's tries are used up.
    #[error("the PIN is locked after too many wrong tries; the security officer sets a new one")]
    CredentialLocked,
    /// The credential was revoked or has expired.
    #[error("the credential {0:?} is revoked or expired")]
    CredentialRevoked(String),
    /// The user PIN has never been set.
    #[error("the user PIN is not set; the security officer sets it")]
    PinNotInitialized,
    /// A PIN too short, too long or not of characters that PINs have.
    #[error("a PIN has {min} to {max} bytes")]
    PinLength {
        /// Fewest bytes.
        min: usize,
        /// Most bytes.
        max: usize,
    },
    /// The account has no security officer yet: the token is uninitialized.
    #[error("the token is not initialized")]
    TokenNotInitialized,
    /// The key's gate is shut.
    #[error("the key is {state}")]
    KeyState {
        /// Its state.
        state: KeyState,
    },
    /// The object's lifecycle state forbids it.
    #[error("the object is {state}")]
    ObjectState {
        /// Its state.
        state: ObjectState,
    },
    /// A date of the object forbids this use now.
    #[error("the key's {0} forbids this use now")]
    OutsideDates(&'static str),
    /// The lifecycle has no such step.
    #[error("an object that is {from} cannot become {to}")]
    IllegalTransition {
        /// State before.
        from: ObjectState,
        /// State wanted.
        to: ObjectState,
    },
    /// The key has no such step.
    #[error("a key that is {from} cannot be {verb}")]
    IllegalKeyTransition {
        /// State before.
        from: KeyState,
        /// What was asked: `enabled`, `scheduled for deletion`, …
        verb: &'static str,
    },
    /// As many uses as its Usage Limits allow have been made, or fewer are left than this needs.
    #[error("the key's usage limit is used up: {left} {unit} left")]
    UsageLimit {
        /// Units left.
        left: u64,
        /// `bytes` or `uses`.
        unit: &'static str,
    },
    /// The object is archived: it is recovered before it is used.
    #[error("the object is archived; recover it first")]
    Archived,
    /// The usage mask lacks the bit.
    #[error("the key may not be used to {0}")]
    UsageNotPermitted(Purpose),
    /// The key has taken the other side at its first use: a key that wraps keys does not open data.
    #[error("the key is for {taken} since its first use, and not for {wanted} as well")]
    RoleTaken {
        /// What it is used for.
        taken: KeyRole,
        /// What was wanted.
        wanted: KeyRole,
    },
    /// The account's policy (`[policy]` of the configuration) forbids it.
    #[error("not permitted: {0}")]
    PolicyForbids(&'static str),
    /// The key's list of allowed mechanisms lacks it, or policy denies it.
    #[error("the mechanism {0} is not allowed for this key")]
    MechanismNotAllowed(&'static str),
    /// No engine does this with this kind of key.
    #[error("{mechanism} is not supported for {purpose} with this kind of key")]
    MechanismUnsupported {
        /// Name of the mechanism.
        mechanism: &'static str,
        /// What was wanted.
        purpose: Purpose,
    },
    /// A mechanism's parameter is outside its range.
    #[error("mechanism parameter: {0}")]
    MechanismParameter(String),
    /// No engine makes or takes such a key.
    #[error("unsupported key: {0}")]
    KeyUnsupported(String),
    /// The material given is not a valid key of its kind.
    #[error("invalid key material: {0}")]
    InvalidMaterial(String),
    /// A size that the algorithm does not have.
    #[error("key size {bits} bits is not possible: {allowed}")]
    KeySize {
        /// Bits asked for.
        bits: u32,
        /// What is possible, in words.
        allowed: &'static str,
    },
    /// Input of a length that the mechanism cannot take.
    #[error("input length: {0}")]
    DataLength(String),
    /// Decryption found the input not to be what encryption under this key makes. Deliberately one
    /// error for bad padding, bad tag and bad length of plaintext.
    #[error("the encrypted data is invalid")]
    InvalidCiphertext,
    /// A wrapped key could not be unwrapped. Deliberately one error, as above.
    #[error("the wrapped key is invalid")]
    InvalidWrappedKey,
    /// A signature or MAC does not match.
    #[error("the signature does not match")]
    SignatureInvalid,
    /// A signature of a length that the mechanism never makes.
    #[error("a signature of this mechanism has {expected} bytes")]
    SignatureLength {
        /// Bytes it should have.
        expected: usize,
    },
    /// The caller's buffer is too small; nothing was done.
    #[error("the output needs {needed} bytes")]
    BufferTooSmall {
        /// Bytes needed.
        needed: usize,
    },
    /// The value may not leave the bridge.
    #[error("the value is sensitive")]
    Sensitive,
    /// The key may not be wrapped out.
    #[error("the key is not extractable")]
    NotExtractable,
    /// There is no material: never there, destroyed, or kept in the HSM.
    #[error("the object has no material here: {0}")]
    NoMaterial(&'static str),
    /// The attribute cannot be changed, or not to this value, or not by this caller.
    #[error("attribute {attribute}: {reason}")]
    AttributeReadOnly {
        /// Name of the attribute.
        attribute: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// An attribute's value makes no sense, alone or with the others.
    #[error("attribute {attribute}: {reason}")]
    InvalidAttribute {
        /// Name of the attribute.
        attribute: String,
        /// Why.
        reason: String,
    },
    /// A key is not, or does not become, what another key's template demands.
    #[error("the key does not fit the {template} template of the other: {demand}")]
    TemplateMismatch {
        /// `wrap`, `unwrap`, `derive`, …
        template: &'static str,
        /// What it should have been.
        demand: String,
    },
    /// A new object is not what its account's constraints ask for.
    #[error("a constraint of the account asks for {0}")]
    ConstraintViolated(String),
    /// The object forbids copies, or changes, or its destruction.
    #[error("the object may not be {0}")]
    ActionProhibited(&'static str),
    /// A request makes no sense.
    #[error("{0}")]
    InvalidRequest(String),
    /// A limit would be passed.
    #[error("limit {name} = {limit} reached; the setting limits.{name} changes it")]
    Limit {
        /// Name of the setting below `[limits]`.
        name: &'static str,
        /// Its value.
        limit: u64,
    },
    /// The stored row is not what this bridge wrote.
    #[error("the stored {what} {id} was changed outside the bridge; it is refused")]
    Tampered {
        /// `object`, `key`, `account`, …
        what: &'static str,
        /// Which.
        id: String,
    },
    /// The seal does not open: wrong passphrase, wrong key file, or another HSM key.
    #[error("the seal does not open: {0}")]
    SealFailed(String),
    /// The HSM cannot be reached or has failed.
    #[error("HSM pool {pool:?}: {reason}")]
    HsmUnavailable {
        /// Name of the pool in the configuration.
        pool: String,
        /// What the module said.
        reason: String,
    },
    /// The HSM refused what was asked.
    #[error("HSM pool {pool:?} refused: {reason}")]
    HsmRefused {
        /// Name of the pool in the configuration.
        pool: String,
        /// What the module said.
        reason: String,
    },
    /// The store cannot be opened, read or written; nothing was changed.
    #[error("store: {0}")]
    Store(String),
    /// No room on the disk; nothing was changed.
    #[error("the disk that holds the store is full; nothing was changed")]
    DiskFull,
    /// The configuration cannot be used.
    #[error("configuration: {0}")]
    Configuration(String),
    /// The file of a secret cannot be read, or others may read it too.
    #[error("cannot use the secret in {path}: {reason}")]
    SecretFile {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A fault of the bridge itself.
    #[error("internal error: {0}")]
    Internal(String),
}

fn not_found(what: &str, name: &str) -> String {
    let place = if what == "account" {
        "store"
    } else {
        "account"
    };
    format!("no {what} {name:?} in this {place}")
}

impl Error {
    /// [`Error::NotFound`] for an object.
    #[must_use]
    pub fn no_object(id: ObjectId) -> Self {
        Self::NotFound {
            what: "object",
            name: id.to_string(),
        }
    }

    /// [`Error::InvalidAttribute`].
    pub fn invalid_attribute(attribute: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidAttribute {
            attribute: attribute.into(),
            reason: reason.into(),
        }
    }

    /// The stable number under which the audit keeps this result; 0 is success. Numbers are never
    /// reused: old audit rows must keep their meaning.
    #[must_use]
    pub const fn audit_code(&self) -> u16 {
        match self {
            Self::NotFound { .. } => 1,
            Self::AlreadyExists { .. } => 2,
            Self::Denied(_) => 3,
            Self::LoginRequired => 4,
            Self::WrongCredential => 5,
            Self::CredentialLocked => 6,
            Self::CredentialRevoked(_) => 7,
            Self::PinNotInitialized => 8,
            Self::PinLength { .. } => 9,
            Self::TokenNotInitialized => 10,
            Self::KeyState { .. } => 11,
            Self::ObjectState { .. } => 12,
            Self::OutsideDates(_) => 13,
            Self::IllegalTransition { .. } => 14,
            Self::IllegalKeyTransition { .. } => 15,
            Self::UsageNotPermitted(_) => 16,
            Self::MechanismNotAllowed(_) => 17,
            Self::MechanismUnsupported { .. } => 18,
            Self::MechanismParameter(_) => 19,
            Self::KeyUnsupported(_) => 20,
            Self::InvalidMaterial(_) => 21,
            Self::KeySize { .. } => 22,
            Self::DataLength(_) => 23,
            Self::InvalidCiphertext => 24,
            Self::InvalidWrappedKey => 25,
            Self::SignatureInvalid => 26,
            Self::SignatureLength { .. } => 27,
            Self::BufferTooSmall { .. } => 28,
            Self::Sensitive => 29,
            Self::NotExtractable => 30,
            Self::NoMaterial(_) => 31,
            Self::AttributeReadOnly { .. } => 32,
            Self::InvalidAttribute { .. } => 33,
            Self::ActionProhibited(_) => 34,
            Self::InvalidRequest(_) => 35,
            Self::Limit { .. } => 36,
            Self::Tampered { .. } => 37,
            Self::SealFailed(_) => 38,
            Self::HsmUnavailable { .. } => 39,
            Self::HsmRefused { .. } => 40,
            Self::Store(_) => 41,
            Self::DiskFull => 42,
            Self::Configuration(_) | Self::SecretFile { .. } => 43,
            Self::Internal(_) => 44,
            Self::UsageLimit { .. } => 45,
            Self::Archived => 46,
            Self::TemplateMismatch { .. } => 47,
            Self::RoleTaken { .. } => 48,
            Self::PolicyForbids(_) => 49,
            Self::ConstraintViolated(_) => 50,
            Self::LoginEnded => 51,
        }
    }
}

/// The words of [`Error::audit_code`] for people: `success`, `denied`, …
#[must_use]
pub const fn audit_result_name(code: u16) -> &'static str {
    const NAMES: [&str; 52] = [
        "success",
        "not found",
        "exists already",
        "denied",
        "login required",
        "wrong credential",
        "credential locked",
        "credential revoked",
        "PIN not set",
        "PIN length",
        "token not initialized",
        "key state",
        "object state",
        "outside dates",
        "illegal transition",
        "illegal key transition",
        "usage not permitted",
        "mechanism not allowed",
        "mechanism unsupported",
        "mechanism parameter",
        "key unsupported",
        "invalid material",
        "key size",
        "data length",
        "invalid ciphertext",
        "invalid wrapped key",
        "signature invalid",
        "signature length",
        "buffer too small",
        "sensitive",
        "not extractable",
        "no material",
        "attribute read-only",
        "invalid attribute",
        "action prohibited",
        "invalid request",
        "limit",
        "tampered",
        "seal failed",
        "HSM unavailable",
        "HSM refused",
        "store",
        "disk full",
        "configuration",
        "internal",
        "usage limit",
        "archived",
        "template mismatch",
        "role taken",
        "policy",
        "constraint violated",
        "login ended",
    ];
    if (code as usize) < NAMES.len() {
        NAMES[code as usize]
    } else {
        "unknown"
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Sign => "sign",
            Self::Verify => "verify",
            Self::MacGenerate => "make a MAC",
            Self::MacVerify => "verify a MAC",
            Self::Wrap => "wrap",
            Self::Unwrap => "unwrap",
            Self::Derive => "derive",
            Self::SignRecover => "sign with recovery",
            Self::VerifyRecover => "verify with recovery",
            Self::Encapsulate => "encapsulate",
            Self::Decapsulate => "decapsulate",
        })
    }
}
