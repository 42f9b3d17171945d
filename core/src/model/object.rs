//! An object: what has a Unique Identifier.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::algorithm::KeySpec;
use crate::id::{AccountId, KeyId, ObjectId, PrincipalId};
use crate::model::{Attributes, Fingerprint};
use crate::secret::SecretBytes;
use crate::time::Timestamp;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectClass {
    /// A symmetric key (`CKO_SECRET_KEY`).
    SecretKey,
    /// The private half of a pair.
    PrivateKey,
    /// The public half of a pair.
    PublicKey,
    /// An X.509 certificate.
    Certificate,
    /// KMIP Secret Data: a password or seed.
    SecretData,
    /// KMIP Opaque Object.
    Opaque,
    /// A PKCS#11 data object.
    Data,
    /// A KMIP Split Key share.
    SplitKey,
    /// A KMIP 1.x Template.
    Template,
    /// A PGP key.
    PgpKey,
    /// A certificate request.
    CertificateRequest,
    /// What a certificate is trusted for (`CKO_TRUST`): attributes without a value.
    Trust,
}

impl ObjectClass {
    /// Whether it is a version (or half of one) of a [`crate::model::Key`].
    #[must_use]
    pub const fn is_key(self) -> bool {
        matches!(self, Self::SecretKey | Self::PrivateKey | Self::PublicKey)
    }

    /// Whether its value is sealed in the store.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(
            self,
            Self::SecretKey
                | Self::PrivateKey
                | Self::SecretData
                | Self::Opaque
                | Self::SplitKey
                | Self::PgpKey
                | Self::Data
        )
    }
}

/// KMIP's State (KMIP 2.1 section 4.57). Mostly one-way; see [`crate::lifecycle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectState {
    /// Not yet to be used.
    PreActive,
    /// In use.
    Active,
    /// Only to process what it protected before.
    Deactivated,
    /// Believed known to somebody who should not know it.
    Compromised,
    /// Material gone.
    Destroyed,
    /// Material gone, and compromised before or after.
    DestroyedCompromised,
}

impl fmt::Display for ObjectState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PreActive => "pre-active",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Compromised => "compromised",
            Self::Destroyed => "destroyed",
            Self::DestroyedCompromised => "destroyed (compromised)",
        })
    }
}

/// Dates of an object's life, as KMIP names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dates {
    /// Initial Date: when the object came to be here.
    pub initial: Timestamp,
    /// Activation Date: in the future, the object becomes Active by itself then.
    pub activation: Option<Timestamp>,
    /// Process Start Date.
    pub process_start: Option<Timestamp>,
    /// Protect Stop Date.
    pub protect_stop: Option<Timestamp>,
    /// Deactivation Date: in the future, the object becomes Deactivated by itself then.
    pub deactivation: Option<Timestamp>,
    /// Destroy Date.
    pub destroy: Option<Timestamp>,
    /// Compromise Occurrence Date.
    pub compromise_occurrence: Option<Timestamp>,
    /// Compromise Date.
    pub compromise: Option<Timestamp>,
    /// Archive Date.
    pub archive: Option<Timestamp>,
    /// Last Change Date.
    pub last_change: Timestamp,
    /// Original Creation Date.
    pub original_creation: Option<Timestamp>,
}

/// KMIP's Revocation Reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationReason {
    /// Revocation Reason Code, the number on the wire (2 and 3: compromise).
    pub code: u32,
    /// Words.
    pub message: Option<String>,
}

/// Where a key lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// Sealed in the store, used by the software engine.
    #[default]
    Software,
    /// In the HSM pool of that name.
    Hsm(String),
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Software => f.write_str("software"),
            Self::Hsm(pool) => write!(f, "hsm:{pool}"),
        }
    }
}

/// An application of PKCS#11 in this process: a module that was initialized. Objects that live in its sessions are
/// seen by nobody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApplicationId(u64);

impl ApplicationId {
    /// Callers that are no application of PKCS#11, all of them.
    pub const NONE: Self = Self(0);

    /// An application that there was not before in this process.
    #[must_use]
    pub fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A session of a PKCS#11 application, for objects that end with it. No two in a process are the same, whatever
/// handles its applications have for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    application: ApplicationId,
    number: u64,
}

impl SessionId {
    /// A session that there was not before in this process, of no application.
    #[must_use]
    pub fn fresh() -> Self {
        Self::fresh_of(ApplicationId::NONE)
    }

    /// A session that there was not before in this process, of an application.
    #[must_use]
    pub fn fresh_of(application: ApplicationId) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            application,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn application(self) -> ApplicationId {
        self.application
    }
}

/// How long an object lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// In the store, until destroyed (`CKA_TOKEN` true).
    #[default]
    Stored,
    /// In this process's memory, until the session ends (`CKA_TOKEN` false).
    Session(SessionId),
}

impl Lifetime {
    /// Whether an application knows of such an object: of what is stored all do.
    #[must_use]
    pub fn is_known_to(self, application: ApplicationId) -> bool {
        match self {
            Self::Stored => true,
            Self::Session(session) => session.application == application,
        }
    }
}

/// Where an object's value is.
///
/// Canonical encodings: symmetric keys and secret data raw; private keys PKCS#8 (`PrivateKeyInfo`, DER);
/// public keys SubjectPublicKeyInfo (DER); certificates and requests DER; the rest as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// No value: waits for import, archived elsewhere, or destroyed.
    None,
    /// A value that is no secret.
    Public(Vec<u8>),
    /// A secret value; sealed whenever it is written to the store.
    Secret(SecretBytes),
    /// A token object in the HSM pool of [`Object::protection`], found there by this `CKA_ID`.
    Resident {
        /// `CKA_ID` of the object in the HSM.
        hsm_id: Vec<u8>,
    },
    /// In the store, wrapped under the pool's non-extractable key.
    Wrapped {
        /// The wrapped key.
        blob: Vec<u8>,
    },
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Unique Identifier.
    pub id: ObjectId,
    /// The account it belongs to.
    pub account: AccountId,
    /// What it is.
    pub class: ObjectClass,
    /// What kind of key; none for objects that are no keys.
    pub spec: Option<KeySpec>,
    /// The key it is a version (or half of one) of.
    pub key: Option<KeyId>,
    /// Which version of the key; 0 for objects without a key.
    pub version: u32,
    /// Who made it.
    pub owner: PrincipalId,
    /// Lifecycle state, as of the last change; [`crate::lifecycle::effective_state`] tells today's.
    pub state: ObjectState,
    /// Dates.
    pub dates: Dates,
    /// Why it was revoked.
    pub revocation: Option<RevocationReason>,
    /// When it goes, if a PKCS#11 or KMS deletion was asked; hidden from PKCS#11 from then on.
    pub deletion: Option<Timestamp>,
    /// Where the material lives.
    pub protection: Protection,
    /// Sensitive since it came to be (`CKA_ALWAYS_SENSITIVE`).
    pub always_sensitive: bool,
    /// Not extractable since it came to be (`CKA_NEVER_EXTRACTABLE`).
    pub never_extractable: bool,
    /// Made here by generation (`CKA_LOCAL`).
    pub local: bool,
    /// PKCS#11 number of the mechanism that made it (`CKA_KEY_GEN_MECHANISM`).
    pub key_gen_mechanism: Option<u64>,
    /// KMIP Key Format Type in which it was registered, or Certificate Type, Secret Data Type, Opaque Data Type:
    /// what the door needs to hand it out as it came. Uninterpreted here.
    pub format: Option<u32>,
    /// SHA-256 of the value in its canonical encoding, of RSA keys as PKCS#1; KMIP's Digest. Computed when the object is loaded, and
    /// stored only for keys that are destroyed: beside a value that can be guessed it would tell the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<[u8; 32]>,
    /// A private key's public half, `SubjectPublicKeyInfo`, DER: kept with it, as a sensitive key brought in alone
    /// must still tell its modulus or point (`CKA_PUBLIC_KEY_INFO`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key_info: Option<Vec<u8>>,
    /// Fingerprint of the value, for one that is not here to be hashed again: brought in and put into an HSM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint: Option<Fingerprint>,
    /// KMIP Fresh: not yet handed out.
    pub fresh: bool,
    /// KMIP's Key Value Present / archived flag.
    pub archived: bool,
    /// What callers said about it.
    pub attributes: Attributes,
    /// How long it lives. Stored objects only are ever serialized.
    #[serde(skip)]
    pub lifetime: Lifetime,
    /// Its value. Never part of the serialized record: the store keeps it beside it.
    #[serde(skip, default = "no_material")]
    pub(crate) material: Material,
}

const fn no_material() -> Material {
    Material::None
}

impl Object {
    /// Whether the HSM has a key that was made for this object: not so of a copy, which shows another object's.
    pub(crate) fn was_made_in_hsm(&self) -> bool {
        matches!(&self.material, Material::Resident { hsm_id } if hsm_id.as_slice() == self.id.as_bytes())
    }

    /// The value if it is no secret: SubjectPublicKeyInfo of a public key, DER of a certificate.
    #[must_use]
    pub fn public_value(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Public(value) => Some(value),
            _ => None,
        }
    }
}
