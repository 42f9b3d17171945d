//! Sealing: the root key, the data key under it, and rows that nobody can change from outside.
//!
//! The *root key* is random, made with the store, and kept there sealed by what the configuration says: a
//! passphrase, a key file, or a key in an HSM. Under it lies the *data key*, from which every key of the
//! store is derived: one for the seals of rows, one for the audit, and one for each object's value. So the
//! seal can be changed without touching any row.

use crate::error::Result;
use crate::secret::SecretBytes;

mod keyfile;
mod locked;
mod passphrase;
mod row;
pub mod secrets;
#[cfg(test)]
mod tests;
mod vault;

pub use keyfile::KeyfileSeal;
pub use passphrase::PassphraseSeal;
pub use row::index_entry;
pub use secrets::{NobodyToAsk, SecretSource};
pub use vault::Vault;

/// What protects the root key: a passphrase, a key file, an HSM pool. One implementation each.
pub trait Seal: Send + Sync {
    /// `passphrase`, `keyfile`, `hsm`: kept beside the sealed root key, so that a store opened with
    /// another kind of seal says so.
    fn kind(&self) -> &'static str;

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

    /// Removes what sealing made outside the store, when that store does not come to be.
    ///
    /// # Errors
    /// HSM failures; it is still there then.
    fn discard(&self) -> Result<()> {
        Ok(())
    }
}
