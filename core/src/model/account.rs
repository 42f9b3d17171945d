//! Accounts, principals and the credentials by which principals prove who they are.

use serde::{Deserialize, Serialize};

use super::Conventions;
use crate::id::{AccountId, PrincipalId};
use crate::time::Timestamp;

/// The owner of keys: a PKCS#11 token (slot), the namespace of KMIP clients, a KMS account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Identifier.
    pub id: AccountId,
    /// Unique name, as the configuration and the command line say it.
    pub name: String,
    /// How PKCS#11 sees it.
    pub token: Token,
    /// While set, nothing destroys material at once: every deletion is scheduled (DESIGN section 2).
    pub deletion_protection: bool,
    /// What it has agreed on for its new objects.
    #[serde(default, skip_serializing_if = "Conventions::is_empty")]
    pub conventions: Conventions,
    /// When it was made.
    pub created: Timestamp,
}

/// The token that an account shows to PKCS#11.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// `CK_TOKEN_INFO.label`, at most 32 bytes of UTF-8, not padded.
    pub label: String,
    /// `CK_TOKEN_INFO.serialNumber`, 16 characters, made with the account and never changed.
    pub serial: String,
    /// Whether `C_InitToken` (or `keybridge init`) has set a security officer's PIN.
    pub initialized: bool,
}

/// What a principal may do: see [`crate::authorize`] for the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Nobody: sees public objects only (a PKCS#11 public session).
    Public,
    /// Uses and makes keys (PKCS#11 user, KMIP client).
    User,
    /// Sets PINs and marks keys trusted, and uses none (PKCS#11 security officer).
    SecurityOfficer,
    /// Manages accounts, clients, keys and settings on the bridge's own machine.
    Administrator,
    /// Reads the audit and nothing else.
    Auditor,
}

/// Somebody or something that calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Identifier.
    pub id: PrincipalId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Unique name in the account: `so`, `user`, a client's name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// How it proves who it is.
    pub credentials: Vec<Credential>,
    /// When it was made.
    pub created: Timestamp,
}

/// One proof of identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Short name for the audit: `pin`, `password`, or a certificate's serial number in hex.
    pub name: String,
    /// What is checked.
    pub kind: CredentialKind,
    /// Good until then; none means without end.
    pub expires: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
    /// Wrong tries since the last good one (PINs and passwords).
    pub failures: u32,
    /// How often somebody other than its holder has set it. A login is good for one generation; who changes
    /// his own PIN stays in it.
    #[serde(default, skip_serializing_if = "is_first")]
    pub generation: u32,
}

// The form that serde asks for.
#[expect(clippy::trivially_copy_pass_by_ref)]
const fn is_first(generation: &u32) -> bool {
    *generation == 0
}

/// What a credential is checked against. No variant holds a secret in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A PIN or password, kept as an Argon2id PHC string.
    Password {
        /// The PHC string.
        phc: String,
    },
    /// A client certificate, known by the SHA-256 of its DER encoding.
    Certificate {
        /// SHA-256 fingerprint, 64 lower-case hex digits.
        fingerprint: String,
        /// Subject, for people.
        subject: String,
    },
    /// Every client certificate of a trusted CA that says this of its subject, for clients whose
    /// certificates are renewed by somebody else.
    Subject {
        /// One claim: `cn=…`, `uid=…`, `serial=…` or `san=…`.
        identity: String,
    },
}
