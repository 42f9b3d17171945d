//! A key: a named thing with versions, and the reversible gate in front of all of them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::algorithm::KeySpec;
use crate::id::{AccountId, KeyId, ObjectId, PrincipalId};
use crate::model::Protection;
use crate::time::Timestamp;

/// The gate of a key (the cloud KMS's KeyState). Reversible, unlike an object's lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// May be used as its objects' own states allow.
    Enabled,
    /// Refused to everybody until enabled again.
    Disabled,
    /// To be destroyed at [`Key::deletion`]; refused until then, and can be cancelled until then.
    PendingDeletion,
    /// Waits for its material to be imported.
    PendingImport,
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::PendingDeletion => "pending deletion",
            Self::PendingImport => "pending import",
        })
    }
}

/// Where a key's material came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyOrigin {
    /// Made by an engine of the bridge.
    Generated,
    /// Brought in from outside.
    Imported,
}

/// One version: the objects that were made together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyVersion {
    /// Counts from 1; never reused.
    pub number: u32,
    /// The secret key, or the private half. A public key registered alone has none.
    pub secret: Option<ObjectId>,
    /// The public half of a pair.
    pub public: Option<ObjectId>,
    /// Copies of either: the same material under other attributes, so behind the same gate.
    #[serde(default)]
    pub copies: Vec<ObjectId>,
    /// When it was made.
    pub created: Timestamp,
}

impl KeyVersion {
    /// Every object of this version.
    pub fn objects(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.secret
            .into_iter()
            .chain(self.public)
            .chain(self.copies.iter().copied())
    }

    /// Forgets an object.
    pub(crate) fn remove(&mut self, object: ObjectId) {
        self.secret = self.secret.filter(|id| *id != object);
        self.public = self.public.filter(|id| *id != object);
        self.copies.retain(|id| *id != object);
    }

    /// Whether no object is left.
    pub(crate) const fn is_empty(&self) -> bool {
        self.secret.is_none() && self.public.is_none() && self.copies.is_empty()
    }
}

/// A key with its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Identifier.
    pub id: KeyId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Name for people: the `CKA_LABEL` or the first KMIP Name of its first object. Not unique; aliases are.
    pub name: String,
    /// What kind of key all its versions are.
    pub spec: KeySpec,
    /// Where its material is kept.
    pub protection: Protection,
    /// Where its material came from.
    pub origin: KeyOrigin,
    /// The gate.
    pub state: KeyState,
    /// When a key that is pending deletion is destroyed.
    pub deletion: Option<Timestamp>,
    /// Its versions, oldest first; never empty but for a key that waits for import.
    pub versions: Vec<KeyVersion>,
    /// Number of the version that encrypts and signs when a caller names the key.
    pub primary: u32,
    /// Tags for people and policies.
    pub tags: BTreeMap<String, String>,
    /// Free text.
    pub description: String,
    /// Who made it.
    pub creator: PrincipalId,
    /// When it was made.
    pub created: Timestamp,
}

impl Key {
    /// The version of that number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&KeyVersion> {
        self.versions
            .iter()
            .find(|version| version.number == number)
    }

    /// The version that encrypts and signs.
    #[must_use]
    pub fn primary_version(&self) -> Option<&KeyVersion> {
        self.version(self.primary)
    }

    /// Every object of every version, copies too.
    pub fn objects(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.versions.iter().flat_map(KeyVersion::objects)
    }
}

/// A name of the account that points to one key and can be pointed elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The account it belongs to.
    pub account: AccountId,
    /// The name, unique in the account: 1 to 255 characters.
    pub name: String,
    /// The key it points to.
    pub key: KeyId,
}
