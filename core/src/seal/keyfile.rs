//! The root key sealed by a file of 32 random bytes that only its owner may read.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::Seal;
use super::locked::{KEY_BYTES, LockedKey};
use super::vault::{open_with, seal_with};
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

const ASSOCIATED: &[u8] = b"keybridge keyfile seal";

/// Seals by a key file.
pub struct KeyfileSeal {
    key: LockedKey,
}

impl KeyfileSeal {
    /// Makes a new key file, readable by its owner only.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`]; [`Error::Configuration`] when it cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let mut key = LockedKey::zeroed();
        rand::fill(key.expose_mut())
            .map_err(|_| Error::Internal("the random generator failed".into()))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| {
                if error.kind() == std::io::ErrorKind::AlreadyExists {
                    Error::AlreadyExists {
                        what: "key file",
                        name: path.display().to_string(),
                    }
                } else {
                    Error::Configuration(format!(
                        "cannot write the key file {}: {error}",
                        path.display()
                    ))
                }
            })?;
        file.write_all(key.expose())
            .and_then(|()| file.sync_all())
            .map_err(|error| {
                Error::Configuration(format!(
                    "cannot write the key file {}: {error}",
                    path.display()
                ))
            })?;
        Ok(Self { key })
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`Error::SealFailed`] when it is not there, not 32 bytes, or others may read it.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |why: String| Error::SealFailed(format!("key file {}: {why}", path.display()));
        // One file: what is asked about is what is read, and no more of it than a key has.
        let file = File::open(path).map_err(|error| failed(error.to_string()))?;
        let metadata = file.metadata().map_err(|error| failed(error.to_string()))?;
        super::secrets::check_private(path, &metadata).map_err(failed)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES + 1));
        file.take(KEY_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| failed(error.to_string()))?;
        let key = LockedKey::from_slice(&bytes)
            .ok_or_else(|| failed(format!("it has {} bytes, not {KEY_BYTES}", metadata.len())))?;
        Ok(Self { key })
    }
}

impl Seal for KeyfileSeal {
    fn kind(&self) -> &'static str {
        "keyfile"
    }

    fn seal(&self, root: &SecretBytes) -> Result<Vec<u8>> {
        seal_with(self.key.expose(), root.expose(), ASSOCIATED)
    }

    fn unseal(&self, sealed: &[u8]) -> Result<SecretBytes> {
        open_with(self.key.expose(), sealed, ASSOCIATED)
            .ok_or_else(|| Error::SealFailed("the key file is not this store's".into()))
    }
}
