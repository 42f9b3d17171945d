//! One audit record.

use serde::{Deserialize, Serialize};

use crate::audit::Verb;
use crate::id::{AccountId, KeyId, ObjectId, PrincipalId};

/// A record as `audit list` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Nanoseconds since 1970, UTC.
    pub time: i64,
    /// Request id: unique a request; batch items of one KMIP request share it.
    pub request: u64,
    /// Account.
    pub account: Option<AccountId>,
    /// Who: identifier.
    pub principal: Option<PrincipalId>,
    /// Who: name at the time.
    pub who: String,
    /// By which credential.
    pub credential: String,
    /// From where.
    pub origin: String,
    /// Through which door.
    pub door: String,
    /// What.
    pub verb: Verb,
    /// On which object.
    pub object: Option<ObjectId>,
    /// On which key.
    pub key: Option<KeyId>,
    /// On which version of it.
    pub version: u32,
    /// 0 for success, else [`crate::Error::audit_code`].
    pub result: u16,
    /// Words: name of the thing, mechanism, what changed. Never a secret.
    pub detail: String,
}
