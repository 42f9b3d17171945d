//! What verbs are given and give back.

use std::sync::Arc;

use crate::algorithm::KeySpec;
use crate::error::Result;
use crate::id::{KeyId, ObjectId};
use crate::mechanism::Mechanism;
use crate::model::{
    Attributes, Dates, GivenDates, Lifetime, LinkType, Object, ObjectClass, ObjectState,
    Protection, RevocationReason, Role,
};
use crate::secret::SecretBytes;
use crate::store::ObjectQuery;
use crate::time::Timestamp;

/// Makes a key or pair.
#[derive(Clone, Debug)]
pub struct CreateKey {
    /// Kind.
    pub spec: KeySpec,
    /// Where it lives.
    pub protection: Protection,
    /// How long the secret key or private half lives.
    pub lifetime: Lifetime,
    /// How long the public half lives.
    pub public_lifetime: Lifetime,
    /// Attributes of the secret key or private half.
    pub secret: Attributes,
    /// Attributes of the public half; not looked at for symmetric keys.
    pub public: Attributes,
    /// Dates of the secret key or private half. Without an activation date it is Pre-Active.
    pub dates: GivenDates,
    /// Dates of the public half.
    pub public_dates: GivenDates,
    /// RSA public exponent; none means 65537.
    pub public_exponent: Option<u64>,
    /// PKCS#11 number of the generating mechanism.
    pub key_gen_mechanism: Option<u64>,
}

impl CreateKey {
    /// A stored software key with careful defaults, active at once.
    #[must_use]
    pub fn new(spec: KeySpec) -> Self {
        let now = GivenDates {
            activation: Some(Timestamp::now()),
            ..GivenDates::default()
        };
        let public = Attributes {
            private: false,
            sensitive: false,
            extractable: true,
            ..Attributes::default()
        };
        Self {
            spec,
            protection: Protection::Software,
            lifetime: Lifetime::Stored,
            public_lifetime: Lifetime::Stored,
            secret: Attributes::default(),
            public,
            dates: now,
            public_dates: now,
            public_exponent: None,
            key_gen_mechanism: None,
        }
    }
}

/// When a new version of a key begins to be used.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewDates {
    /// Seconds from now to its Activation Date; its other dates keep their distance from that (KMIP 1.4 section
    /// 4.4, table "Computing New Dates from Offset").
    pub offset: Option<u32>,
    /// Dates of its own. Without any, and without an offset, it is Active at once.
    pub given: GivenDates,
    /// Without an offset, the dates that are not given are those of the version before ("the Activation
    /// Date, Process Start Date, Protect Stop Date and Deactivation Date values are copied from the
    /// existing key", KMIP 1.4 section 4.4).
    pub copied: bool,
}

/// What a new key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// The key; none for session objects, which have no key.
    pub key: Option<KeyId>,
    /// The secret key or private half.
    pub secret: ObjectId,
    /// The public half.
    pub public: Option<ObjectId>,
}

/// Brings an object in.
#[derive(Clone, Debug)]
pub struct Register {
    /// What it is.
    pub class: ObjectClass,
    /// What kind of key; needed for keys.
    pub spec: Option<KeySpec>,
    /// Its value, canonically encoded (see [`crate::model::Material`]). None for an object that waits for its value.
    pub value: Option<SecretBytes>,
    /// Where it is to live.
    pub protection: Protection,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// Attributes.
    pub attributes: Attributes,
    /// Dates. Without an activation date it is Pre-Active.
    pub dates: GivenDates,
    /// The door's number for the format it came in (see [`Object::format`]).
    pub format: Option<u32>,
    /// PKCS#11 number of the mechanism that made it, if known.
    pub key_gen_mechanism: Option<u64>,
    /// What an object brings along that had another home before (KMIP Import).
    pub imported: Option<Imported>,
    /// What becomes true of other objects in the same transaction. For stored objects.
    pub consequences: Vec<Consequence>,
}

/// What a new object means for one that is there already.
#[derive(Clone, Debug)]
pub enum Consequence {
    /// That one points to the new one.
    Link {
        /// The one that points.
        from: ObjectId,
        /// As what.
        kind: LinkType,
        /// Whether it does instead of pointing elsewhere as the same.
        instead: bool,
    },
    /// The KMIP Names of that one become the new one's.
    Names {
        /// The one that had them.
        from: ObjectId,
    },
}

/// What an imported object brings along.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// Its identifier; none: it gets a new one.
    pub id: Option<ObjectId>,
    /// Whether an object of that identifier is replaced; else it is an error that there is one.
    pub replace: bool,
    /// Its state. Dates may have moved it on.
    pub state: Option<ObjectState>,
    /// Dates beyond those that any new object may be given.
    pub dates: Dates,
    /// Why it was revoked.
    pub revocation: Option<RevocationReason>,
    /// Whether its value was never handed out.
    pub fresh: Option<bool>,
}

impl Register {
    /// A stored object, active at once, with careful defaults.
    #[must_use]
    pub fn new(class: ObjectClass, value: SecretBytes) -> Self {
        Self {
            class,
            spec: None,
            value: Some(value),
            protection: Protection::Software,
            lifetime: Lifetime::Stored,
            attributes: Attributes::default(),
            dates: GivenDates {
                activation: Some(Timestamp::now()),
                ..GivenDates::default()
            },
            format: None,
            key_gen_mechanism: None,
            imported: None,
            consequences: Vec::new(),
        }
    }
}

/// Unwraps a key into a new object.
pub struct UnwrapKey<'a> {
    /// The key that unwraps.
    pub unwrapping_key: ObjectId,
    /// How.
    pub mechanism: Mechanism,
    /// The wrapped key.
    pub wrapped: &'a [u8],
    /// What becomes of it; its `value` is not looked at. The spec of a secret key may be none when `kind` tells it by
    /// the length found, and that of a private key when it is to be read from the key.
    pub template: Register,
    /// What kind of secret key a value of that many bytes is; none when no such key has that length.
    pub kind: &'a dyn Fn(usize) -> Option<KeySpec>,
    /// Turns what was unwrapped into the canonical value (PKCS#11: as it is; KMIP: perhaps out of a TTLV
    /// Key Value).
    pub decode: &'a dyn Fn(SecretBytes) -> Result<SecretBytes>,
}

/// Derives a new object from a key.
#[derive(Clone, Debug)]
pub struct DeriveKey {
    /// The base key.
    pub base_key: ObjectId,
    /// How.
    pub mechanism: Mechanism,
    /// Further keys, whose values go into the mechanism in this order: HKDF's salt, what is joined to the base key, the
    /// keys among the fields of SP 800-108.
    pub other_keys: Vec<ObjectId>,
    /// Bytes wanted; none means what the mechanism gives.
    pub length: Option<usize>,
    /// What becomes of it; its `value` is not looked at.
    pub template: Register,
}

/// Derives several objects from a key, one after the other out of the same bytes.
#[derive(Clone, Debug)]
pub struct DeriveKeys {
    /// The base key.
    pub base_key: ObjectId,
    /// How.
    pub mechanism: Mechanism,
    /// As in [`DeriveKey`].
    pub other_keys: Vec<ObjectId>,
    /// What becomes of the bytes, in their order: each has a kind, which says how many are its own, and all live
    /// equally long. Their `value` is not looked at.
    pub templates: Vec<Register>,
    /// Bytes after theirs that are handed out: no secrets (initialization vectors).
    pub open: usize,
}

/// Makes a secret object, and what carries its value to the holder of a private key.
#[derive(Clone, Debug)]
pub struct EncapsulateKey {
    /// The public key.
    pub public_key: ObjectId,
    /// How.
    pub mechanism: Mechanism,
    /// What becomes of the secret, whose first bytes are the value that its kind wants; its `value` is not looked at.
    pub template: Register,
}

/// Makes a secret object of what [`EncapsulateKey`] made.
#[derive(Clone, Debug)]
pub struct DecapsulateKey<'a> {
    /// The private key.
    pub private_key: ObjectId,
    /// How.
    pub mechanism: Mechanism,
    /// What carries the secret.
    pub ciphertext: &'a [u8],
    /// As of [`EncapsulateKey`].
    pub template: Register,
}

/// A value handed out.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The object.
    pub object: Arc<Object>,
    /// Its value, canonically encoded.
    pub value: SecretBytes,
}

/// What to search for.
#[derive(Clone, Default)]
pub struct Find<'a> {
    /// What the store's indexes answer. `account` and `public_only` are set by the verb; `limit` and `offset` count
    /// objects that also pass `filter`.
    pub query: ObjectQuery,
    /// What else must be true of each.
    pub filter: Option<&'a dyn Fn(&Object) -> bool>,
    /// The newest first, of whichever version, instead of the oldest of the primary one.
    pub newest_first: bool,
}

/// A new client.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Name, unique in the account.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// How it proves who it is.
    pub credential: NewCredential,
}

/// A credential to be.
#[derive(Clone, Debug)]
pub enum NewCredential {
    /// A client certificate.
    Certificate {
        /// SHA-256 of its DER encoding, lower-case hex.
        fingerprint: String,
        /// Subject, for people.
        subject: String,
        /// Serial number in hex: the credential's name in the audit.
        serial: String,
        /// End of validity.
        expires: Timestamp,
    },
    /// What the subject of a client certificate says: `cn=…`, `uid=…`, `serial=…` or `san=…`.
    Subject(String),
    /// A password.
    Password(SecretBytes),
}

/// A PIN's standing, for `CK_TOKEN_INFO.flags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PinState {
    /// Whether it has been set.
    pub set: bool,
    /// Wrong tries since the last good one.
    pub failures: u32,
    /// Tries after which it locks.
    pub tries: u32,
}

impl PinState {
    /// Whether no more tries are left.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        self.set && self.failures >= self.tries
    }
}

/// An account as PKCS#11 sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenState {
    /// Label and serial number.
    pub token: crate::model::Token,
    /// The security officer's PIN.
    pub so_pin: PinState,
    /// The user's PIN.
    pub user_pin: PinState,
    /// Shortest PIN, bytes.
    pub pin_min: usize,
    /// Longest PIN, bytes.
    pub pin_max: usize,
}
