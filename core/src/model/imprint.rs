//! What the bridge remembers of a secret value, apart from the objects that hold it.
//!
//! One value may be in several objects, at once or one after another: a copy, the other half of a pair, what was
//! wrapped and comes back. What must hold for all of them is remembered under the value's fingerprint.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Attributes;

/// A keyed hash of a value of one account: equal for equal values, and nothing without the store's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The side that a key takes at its first use. With both, one key would open what it wrapped: wrap a key, then
/// decrypt it as if it were data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyRole {
    /// Wraps and unwraps keys.
    Wrapping,
    /// Encrypts and decrypts data, makes and checks MACs, derives.
    Data,
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wrapping => "wrapping keys",
            Self::Data => "data",
        })
    }
}

/// What is remembered of a value. It only ever grows stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Imprint {
    /// The side it took at its first use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<KeyRole>,
    /// It was in a sensitive object.
    pub sensitive: bool,
    /// It was in an object that was not extractable.
    pub unextractable: bool,
    /// It was in an object that only trusted keys may wrap.
    pub wrap_with_trusted: bool,
    /// It wrapped, as a key, a value that never comes out in the clear.
    #[serde(skip_serializing_if = "is_false")]
    pub wrapped_hidden: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Imprint {
    /// What attributes say about the value under them.
    #[must_use]
    pub const fn of(attributes: &Attributes) -> Self {
        Self {
            role: None,
            sensitive: attributes.sensitive,
            unextractable: !attributes.extractable,
            wrap_with_trusted: attributes.wrap_with_trusted,
            wrapped_hidden: false,
        }
    }

    /// Both together. A role once taken stays.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            role: match self.role {
                Some(role) => Some(role),
                None => other.role,
            },
            sensitive: self.sensitive || other.sensitive,
            unextractable: self.unextractable || other.unextractable,
            wrap_with_trusted: self.wrap_with_trusted || other.wrap_with_trusted,
            wrapped_hidden: self.wrapped_hidden || other.wrapped_hidden,
        }
    }

    /// Makes the attributes of a new object as strict as its value is remembered to be.
    pub const fn bind(self, attributes: &mut Attributes) {
        attributes.sensitive |= self.sensitive;
        attributes.extractable &= !self.unextractable;
        attributes.wrap_with_trusted |= self.wrap_with_trusted;
    }
}
