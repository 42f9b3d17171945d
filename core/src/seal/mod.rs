//! Sealing: the root key, the data keys under it, and rows that nobody can change from outside.

use crate::error::Result;
use crate::secret::SecretBytes;

/// What protects the root key: a passphrase, a key file, an HSM pool. One implementation each.
pub trait Seal: Send + Sync {
    /// Encrypts the root key for keeping in the store.
    ///
    /// # Errors
    /// [`crate::Error::SealFailed`], HSM failures.
    fn seal(&self, root: &SecretBytes) -> Result<Vec<u8>>;

    /// Opens what [`Seal::seal`] made.
    ///
    /// # Errors
    /// [`crate::Error::SealFailed`]: wrong passphrase, wrong key file, other HSM key.
    fn unseal(&self, sealed: &[u8]) -> Result<SecretBytes>;
}

/// Where passphrases and PINs come from: prompt, environment, file. Given by the door.
pub trait SecretSource: Send + Sync {
    /// The secret for `purpose` (`store passphrase`, `PIN of HSM pool "x"`), or none if there is no way
    /// to get it here.
    ///
    /// # Errors
    /// [`crate::Error::Configuration`] when a configured file cannot be read.
    fn secret(&self, purpose: &str) -> Result<Option<SecretBytes>>;
}
