//! Identifiers: UUIDs, unique without asking anybody.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier (UUID version 7): the time in milliseconds, then 74 random bits of the system's. What
            /// is made together so stands together in the store's indexes, and making it writes few pages. Within a
            /// millisecond there is no order: no counter stands in the place of random bits, which a fork would copy,
            /// behind a lock, which it might find taken.
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v7(Timestamp::now(NoContext)))
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    fn milliseconds() -> u128 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.expect("a clock").as_millis()
    }

    /// RFC 9562 section 5.7.
    #[test]
    fn an_identifier_is_the_time_and_random_bits() {
        let before = milliseconds();
        let made: Vec<ObjectId> = (0..1000).map(|_| ObjectId::random()).collect();
        let after = milliseconds();
        let (mut ones, mut zeros) = (0, 0);
        for id in &made {
            let bits = u128::from_be_bytes(*id.as_bytes());
            assert!((before..=after).contains(&(bits >> 80)));
            assert_eq!((bits >> 76) & 0xf, 7, "version");
            assert_eq!((bits >> 62) & 0b11, 0b10, "variant");
            ones |= bits;
            zeros |= !bits;
        }
        let random = !(0x3 << 62 | 0xf << 76) & ((1 << 80) - 1);
        assert_eq!(ones & random, random, "a bit that is never set");
        assert_eq!(zeros & random, random, "a bit that is always set");
        assert_eq!(made.iter().collect::<HashSet<_>>().len(), made.len());
    }
}
