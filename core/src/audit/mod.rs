//! The audit: who did what to which key, with what result. No reply without its record.
//!
//! Two ways in, one trail out. A verb that changes the store appends its row to the *chain* in the same
//! transaction ([`Audit::record_in`]). A use of a key (sign, encrypt, read …) changes nothing in the store;
//! its record goes to this process's *journal* ([`Audit::record_use`]): a memory-mapped file of
//! fixed-size frames under a running keyed hash, which survives the process's death, costs about a tenth
//! of a microsecond a use, and is folded into the chain later. `audit list` and `audit verify` see both.
//!
//! Nothing can be removed unseen: a row of the chain says that a journal was begun, another that it was
//! folded, and in between its file must be there and fit.

use std::fmt;

use serde::{Deserialize, Serialize};

mod actor;
mod chain;
mod entry;
mod frame;
mod journal;
mod list;
mod mac;
mod mapped;
mod packed;
pub mod record;
mod report;
mod segment;
#[cfg(test)]
mod tests;
mod trail;

pub use actor::{Actor, Target, Use};
pub use list::Filter;
pub use record::Record;
pub use report::{Finding, Place, Report};
pub use trail::Audit;

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $kind:ident;)+) => {
        /// What was done: one for each verb of [`crate::Kms`]. The numbers are part of the audit's format
        /// and never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Verb {
            $($(#[$doc])* $name = $code,)+
        }

        impl Verb {
            /// Every verb.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The verb of that number in the audit.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)+ _ => None }
            }

            /// The word for people.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)+ }
            }
        }
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    PublicUse,
    Use,
    Change,
    Administration,
}

verbs! {
    /// Look at attributes.
    Inspect = 1, "inspect", Read;
    /// Search.
    Find = 2, "find", Read;
    /// Hand out a value.
    Export = 3, "export", Read;
    /// Encrypt.
    Encrypt = 4, "encrypt", PublicUse;
    /// Decrypt.
    Decrypt = 5, "decrypt", Use;
    /// Sign.
    Sign = 6, "sign", Use;
    /// Verify a signature.
    Verify = 7, "verify", PublicUse;
    /// Make a MAC.
    MacGenerate = 8, "mac", Use;
    /// Verify a MAC.
    MacVerify = 9, "mac-verify", Use;
    /// Wrap a key.
    Wrap = 10, "wrap", Use;
    /// Unwrap a key into a new object.
    Unwrap = 11, "unwrap", Change;
    /// Derive a new object.
    Derive = 12, "derive", Change;
    /// Random bytes.
    Random = 13, "random", PublicUse;
    /// Make a key or pair.
    Create = 14, "create", Change;
    /// Bring an object in.
    Register = 15, "register", Change;
    /// Copy an object.
    Copy = 16, "copy", Change;
    /// Change attributes.
    Modify = 17, "modify", Change;
    /// Make active.
    Activate = 18, "activate", Change;
    /// Revoke.
    Revoke = 19, "revoke", Change;
    /// Destroy material for good.
    Destroy = 20, "destroy", Change;
    /// Schedule for deletion.
    Delete = 21, "delete", Change;
    /// Take a scheduled deletion back.
    CancelDelete = 22, "cancel-delete", Administration;
    /// Open a key's gate.
    Enable = 23, "enable", Administration;
    /// Shut a key's gate.
    Disable = 24, "disable", Administration;
    /// Make a new primary version.
    Rotate = 25, "rotate", Change;
    /// Point an alias.
    Alias = 26, "alias", Change;
    /// Tag a key.
    Tag = 27, "tag", Change;
    /// Log in.
    Login = 28, "login", Read;
    /// Initialize a token.
    InitToken = 29, "init-token", Administration;
    /// Set the user's PIN as security officer.
    InitPin = 30, "init-pin", Administration;
    /// Change one's own PIN.
    SetPin = 31, "set-pin", Use;
    /// Make an account.
    CreateAccount = 32, "create-account", Administration;
    /// Add a client.
    AddClient = 33, "add-client", Administration;
    /// Revoke a client's credential.
    RevokeClient = 34, "revoke-client", Administration;
    /// Read the audit.
    ReadAudit = 35, "read-audit", Administration;
    /// Destroy what was scheduled, when it is due.
    Expire = 36, "expire", Administration;
    /// Hash data with no key, or with a key as data.
    Digest = 37, "digest", PublicUse;
    /// Turn an account's deletion protection on or off.
    ProtectAccount = 38, "protect-account", Administration;
    /// Take an allocation from a key's Usage Limits.
    Allocate = 50, "allocate-usage", Change;
    /// Archive.
    Archive = 51, "archive", Change;
    /// Recover from the archive.
    Recover = 52, "recover", Change;
    /// Undo what a batch did.
    Undo = 53, "undo", Change;
    /// Say what new objects of the account must be.
    SetConstraints = 54, "set-constraints", Administration;
    /// Say what new objects of the account are when nobody says otherwise.
    SetDefaults = 55, "set-defaults", Administration;
    /// Put a credential of one's own in the place of the one that one came with.
    Reprovision = 56, "re-provision", Change;
}

impl Verb {
    /// Only looks.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(self.kind(), Kind::Read)
    }

    /// Allowed with public keys before login.
    #[must_use]
    pub const fn is_public_use(self) -> bool {
        matches!(self.kind(), Kind::PublicUse)
    }

    /// For administrators (and, where said, security officers) only.
    #[must_use]
    pub const fn is_administration(self) -> bool {
        matches!(self.kind(), Kind::Administration)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
