//! Where the PIN of a pool comes from, and that a wrong one is tried once.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::module::lock;
use crate::error::Result;
use crate::seal::{SecretSource, secrets};
use crate::secret::SecretBytes;

/// The PIN of one pool.
pub(super) struct PinSource {
    pool: String,
    secrets: Arc<dyn SecretSource>,
    /// What the person at the prompt said; asked once, because a login that is lost at night must come back
    /// without him.
    prompted: Mutex<Option<SecretBytes>>,
}

impl PinSource {
    pub(super) fn new(pool: &str, secrets: Arc<dyn SecretSource>) -> Self {
        Self {
            pool: pool.to_owned(),
            secrets,
            prompted: Mutex::default(),
        }
    }

    /// The PIN: from `file` if there is one, else the environment, else whoever answers for the door. None
    /// if there is no way to get it. Files are read anew each time, so that a corrected PIN file helps
    /// without a restart.
    pub(super) fn get(&self, file: Option<&Path>) -> Result<Option<SecretBytes>> {
        if let Some(path) = file {
            return secrets::from_file(path).map(Some);
        }
        if let Some(pin) = secrets::from_environment(&variable(&self.pool))? {
            return Ok(Some(pin));
        }
        let mut prompted = lock(&self.prompted);
        if prompted.is_none() {
            let purpose = format!("PIN of HSM pool {:?}", self.pool);
            *prompted = self.secrets.secret(&purpose)?;
        }
        Ok(prompted.clone())
    }
}

/// `KEYBRIDGE_HSM_PIN_<POOL>`: upper case, `-` as `_`.
pub(super) fn variable(pool: &str) -> String {
    format!(
        "KEYBRIDGE_HSM_PIN_{}",
        pool.to_ascii_uppercase().replace('-', "_")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_upper_case_without_dashes() {
        assert_eq!(variable("hsm-east-1"), "KEYBRIDGE_HSM_PIN_HSM_EAST_1");
    }
}
