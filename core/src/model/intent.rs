//! What is under way with a key in an HSM, and what must be known to end it when the process that was at it died.

use serde::{Deserialize, Serialize};

use super::Protection;
use crate::id::AccountId;
use crate::time::Timestamp;

/// Written before a key is made in an HSM, or with the commit that destroys it in the store; gone when that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Whose key it is.
    pub account: AccountId,
    /// Where it is.
    pub protection: Protection,
    /// Whether it is a secret key, not a pair.
    pub symmetric: bool,
    /// When.
    pub at: Timestamp,
    /// What is to be done.
    #[serde(default)]
    pub aim: Aim,
}

/// What is to be done with a key in an HSM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aim {
    /// It is being made, with its object's identifier as `CKA_ID`. The commit that writes its object ends that.
    #[default]
    Make,
    /// It is destroyed in the store, by a batch that may still be taken back.
    DestroyLater {
        /// Its `CKA_ID`.
        hsm_id: Vec<u8>,
    },
    /// It is destroyed in the store, and goes from the HSM as soon as that answers. Nothing takes that back.
    Destroy {
        /// Its `CKA_ID`.
        hsm_id: Vec<u8>,
    },
}
