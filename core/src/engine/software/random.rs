//! Random bytes: AWS-LC's generator, seeded and reseeded by the operating system, safe after a fork.

use aws_lc_rs::rand;
use k256::elliptic_curve::rand_core::{TryCryptoRng, TryRng};

use crate::error::{Error, Result};

/// Fills a buffer with random bytes.
///
/// # Errors
/// [`Error::Internal`] when the operating system gives no entropy.
pub fn fill(buffer: &mut [u8]) -> Result<()> {
    rand::fill(buffer).map_err(|_| Error::Internal("no random bytes to be had".to_owned()))
}

/// The same for crates that want a generator.
pub(super) struct OsRandom;

impl TryRng for OsRandom {
    type Error = Error;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Error> {
        let mut bytes = [0; 4];
        fill(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Error> {
        let mut bytes = [0; 8];
        fill(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> std::result::Result<(), Error> {
        fill(buffer)
    }
}

impl TryCryptoRng for OsRandom {}

/// Zeros, for what asks for randomness where none is wanted.
pub(super) struct Zeros;

impl TryRng for Zeros {
    type Error = Error;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> std::result::Result<(), Error> {
        buffer.fill(0);
        Ok(())
    }
}

impl TryCryptoRng for Zeros {}
