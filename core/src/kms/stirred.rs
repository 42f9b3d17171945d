//! Seeds that callers send, stirred into random bytes.
//!
//! The pool is a hash of all seeds. What comes out of the generator is combined, by exclusive or, with a
//! stream of the pool under a fresh random nonce: as random as the generator whatever the pool is, and
//! still unknown to one who knows the generator's state but not the seeds.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::{digest, hkdf, rand};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Bytes of the pool.
const POOL: usize = 32;

/// The longest stream of one expansion: HKDF's 255 blocks.
const STREAM: usize = 255 * POOL;

/// The pool; empty until the first seed.
#[derive(Default)]
pub(super) struct Stirred(Mutex<Option<Zeroizing<[u8; POOL]>>>);

impl Stirred {
    /// Takes a seed.
    pub(super) fn stir(&self, seed: &[u8]) {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(pool.as_ref().map_or(&[][..], |pool| pool.as_slice()));
        hash.update(seed);
        let mut mixed = Zeroizing::new([0; POOL]);
        mixed.copy_from_slice(hash.finish().as_ref());
        *pool = Some(mixed);
    }

    /// Mixes what was stirred in into random bytes.
    pub(super) fn mix(&self, random: &mut [u8]) -> Result<()> {
        let pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pool) = pool.clone() else {
            return Ok(());
        };
        let failed = |_| Error::Internal("the random generator failed".into());
        for part in random.chunks_mut(STREAM) {
            let mut nonce = [0; POOL];
            rand::fill(&mut nonce).map_err(failed)?;
            let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &nonce).extract(pool.as_slice());
            let mut stream = Zeroizing::new(vec![0; part.len()]);
            key.expand(&[b"stirred"], Length(part.len()))
                .and_then(|okm| okm.fill(&mut stream))
                .map_err(failed)?;
            for (byte, mask) in part.iter_mut().zip(stream.iter()) {
                *byte ^= mask;
            }
        }
        Ok(())
    }
}

/// How long a stream is wanted.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_changes_the_bytes_and_repeats_nothing() {
        let stirred = Stirred::default();
        let mut bytes = vec![0; STREAM + 5];
        stirred.mix(&mut bytes).expect("an empty pool");
        assert!(bytes.iter().all(|byte| *byte == 0));
        stirred.stir(b"seed");
        stirred.mix(&mut bytes).expect("mix");
        let mut again = vec![0; STREAM + 5];
        stirred.mix(&mut again).expect("mix");
        assert_ne!(bytes, again);
        assert!(bytes.iter().any(|byte| *byte != 0));
    }
}
