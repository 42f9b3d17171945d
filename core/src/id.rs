//! Identifiers: UUIDs, unique without asking anybody.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier (UUID version 7): 74 random bits behind the time, so that what is made
            /// together stands together in the store's indexes, and making it writes few pages.
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::now_v7())
            }

            /// The identifier made of exactly these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes as they stand in the store.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

identifiers! {
    /// An account: the owner of keys, a PKCS#11 token, a KMIP namespace.
    AccountId,
    /// Somebody or something that calls: a user, a service, a security officer.
    PrincipalId,
    /// A key with its versions.
    KeyId,
    /// Something with a Unique Identifier: one half of a pair, a secret key, a certificate.
    ObjectId,
    /// A process's journal of uses, until it is folded into the audit chain.
    JournalId,
}
