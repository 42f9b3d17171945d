//! A key that is about to be made in an HSM: what must be known to remove it if its making is cut off.

use serde::{Deserialize, Serialize};

use super::Protection;
use crate::id::AccountId;
use crate::time::Timestamp;

/// Written before a key is made in an HSM, gone with the commit that writes its object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Whose key it is to be.
    pub account: AccountId,
    /// Where it is made.
    pub protection: Protection,
    /// Whether it is a secret key, not a pair.
    pub symmetric: bool,
    /// When.
    pub at: Timestamp,
}
