//! The root key sealed by a passphrase: Argon2id, then AES-256-GCM.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;

use super::Seal;
use super::locked::LockedKey;
use super::vault::{open_with, seal_with};
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// Memory in KiB, passes and lanes for new seals: RFC 9106's second recommended choice, for memory-constrained
/// environments. It is spent once when a store is opened.
const COST: (u32, u32, u32) = (64 * 1024, 3, 4);

/// Most that a stored seal may ask for: a changed store must not exhaust the machine.
const MOST: (u32, u32, u32) = (4 * 1024 * 1024, 64, 64);

const SALT_BYTES: usize = 16;

/// Version, memory, passes, lanes (big-endian), salt; then the sealed root key.
const HEADER_BYTES: usize = 1 + 3 * 4 + SALT_BYTES;

/// Layout of the blob.
const VERSION: u8 = 1;

const ASSOCIATED: &[u8] = b"keybridge passphrase seal";

/// Seals by a passphrase.
pub struct PassphraseSeal {
    passphrase: SecretBytes,
}

impl PassphraseSeal {
    /// A seal that opens with this passphrase.
    #[must_use]
    pub const fn new(passphrase: SecretBytes) -> Self {
        Self { passphrase }
    }

    fn key(&self, (memory, passes, lanes): (u32, u32, u32), salt: &[u8]) -> Result<LockedKey> {
        let failed = |error| Error::SealFailed(format!("Argon2: {error}"));
        let params = Params::new(memory, passes, lanes, None).map_err(failed)?;
        let mut key = LockedKey::zeroed();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(self.passphrase.expose(), salt, key.expose_mut())
            .map_err(failed)?;
        Ok(key)
    }
}

impl Seal for PassphraseSeal {
    fn kind(&self) -> &'static str {
        "passphrase"
    }

    fn seal(&self, root: &SecretBytes) -> Result<Vec<u8>> {
        let mut salt = [0; SALT_BYTES];
        rand::fill(&mut salt).map_err(|_| Error::Internal("the random generator failed".into()))?;
        let mut blob = Vec::with_capacity(HEADER_BYTES + 64);
        blob.push(VERSION);
        for number in [COST.0, COST.1, COST.2] {
            blob.extend_from_slice(&number.to_be_bytes());
        }
        blob.extend_from_slice(&salt);
        let key = self.key(COST, &salt)?;
        let sealed = seal_with(key.expose(), root.expose(), ASSOCIATED)?;
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }

    fn unseal(&self, sealed: &[u8]) -> Result<SecretBytes> {
        let damaged = || Error::SealFailed("the sealed root key in the store is damaged".into());
        let (header, sealed) = sealed.split_at_checked(HEADER_BYTES).ok_or_else(damaged)?;
        let number = |at: usize| {
            header[at..at + 4]
                .iter()
                .fold(0, |all, byte| all << 8 | u32::from(*byte))
        };
        let cost = (number(1), number(5), number(9));
        if header[0] != VERSION || cost.0 > MOST.0 || cost.1 > MOST.1 || cost.2 > MOST.2 {
            return Err(damaged());
        }
        let key = self.key(cost, &header[13..])?;
        open_with(key.expose(), sealed, ASSOCIATED)
            .ok_or_else(|| Error::SealFailed("wrong passphrase".into()))
    }
}
