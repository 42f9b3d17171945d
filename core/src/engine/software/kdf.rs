//! Key derivation: HKDF, ANSI X9.63, and cutting to length.

use zeroize::Zeroizing;

use super::digest::{Hasher, LONGEST_DIGEST};
use super::mac::Hmac;
use super::ready::{length, parameter};
use crate::algorithm::HashAlgorithm;
use crate::error::Result;
use crate::secret::SecretBytes;

/// Longest secret derived, in bytes.
const LONGEST_DERIVED: usize = 64 * 1024;

/// Keeps the wanted number of bytes from the start.
pub(super) fn keep_first(secret: SecretBytes, wanted: Option<usize>) -> Result<SecretBytes> {
    match wanted {
        None => Ok(secret),
        Some(wanted) => match secret.expose().get(..wanted) {
            Some(kept) if wanted > 0 => Ok(SecretBytes::from(kept)),
            _ => Err(too_short()),
        },
    }
}

/// Keeps the wanted number of bytes from the end.
pub(super) fn keep_last(secret: &[u8], wanted: Option<usize>) -> Result<SecretBytes> {
    let wanted = wanted.unwrap_or(secret.len());
    match secret.len().checked_sub(wanted) {
        Some(start) if wanted > 0 => Ok(SecretBytes::from(&secret[start..])),
        _ => Err(too_short()),
    }
}

fn too_short() -> crate::Error {
    length("what is derived is shorter than the key that is wanted")
}

/// ANSI X9.63 (SEC 1 section 3.6.1): hash(secret ‖ counter ‖ info), counter from 1.
pub(in crate::engine) fn x963(
    hash: HashAlgorithm,
    secret: &[u8],
    info: &[u8],
    wanted: usize,
) -> Result<SecretBytes> {
    let mut derived = room(wanted)?;
    for (counter, part) in (1u32..).zip(derived.chunks_mut(hash.length())) {
        let mut hasher = Hasher::new(hash);
        hasher.update(secret);
        hasher.update(&counter.to_be_bytes());
        hasher.update(info);
        part.copy_from_slice(&hasher.finish().as_ref()[..part.len()]);
    }
    Ok(SecretBytes::from(derived.as_slice()))
}

/// SP 800-56C section 4 with a hash: hash(counter ‖ secret ‖ info), counter from 1.
pub(in crate::engine) fn one_step(
    hash: HashAlgorithm,
    secret: &[u8],
    info: &[u8],
    wanted: usize,
) -> Result<SecretBytes> {
    let mut derived = room(wanted)?;
    for (counter, part) in (1u32..).zip(derived.chunks_mut(hash.length())) {
        let mut hasher = Hasher::new(hash);
        hasher.update(&counter.to_be_bytes());
        hasher.update(secret);
        hasher.update(info);
        part.copy_from_slice(&hasher.finish().as_ref()[..part.len()]);
    }
    Ok(SecretBytes::from(derived.as_slice()))
}

/// What HKDF is asked for.
pub(super) struct Hkdf<'a> {
    pub(super) hash: HashAlgorithm,
    pub(super) salt: &'a [u8],
    pub(super) info: &'a [u8],
    pub(super) extract: bool,
    pub(super) expand: bool,
}

impl Hkdf<'_> {
    /// RFC 5869, either step or both.
    pub(super) fn derive(&self, key: &[u8], wanted: Option<usize>) -> Result<SecretBytes> {
        let whole = self.hash.length();
        let mut extracted = Zeroizing::new([0; LONGEST_DIGEST]);
        let key = if self.extract {
            // No salt is as many zeros as the hash is long, which HMAC fills up with zeros anyhow.
            let mut hmac = Hmac::new(self.hash, self.salt);
            hmac.update(key);
            hmac.finish(&mut extracted)
        } else {
            key
        };
        match (self.extract, self.expand) {
            (false, false) => Err(parameter("HKDF without extract and expand does nothing")),
            (true, false) => keep_first(SecretBytes::from(key), wanted),
            (_, true) => self.expand(key, wanted.unwrap_or(whole)),
        }
    }

    /// RFC 5869 section 2.3.
    fn expand(&self, key: &[u8], wanted: usize) -> Result<SecretBytes> {
        if wanted > 255 * self.hash.length() {
            return Err(length("HKDF gives at most 255 times the hash's length"));
        }
        let keyed = Hmac::new(self.hash, key);
        let mut derived = room(wanted)?;
        let mut last = Zeroizing::new([0; LONGEST_DIGEST]);
        let mut last_length = 0;
        for (counter, part) in (1u8..=255).zip(derived.chunks_mut(self.hash.length())) {
            let mut hmac = keyed.clone();
            hmac.update(&last[..last_length]);
            hmac.update(self.info);
            hmac.update(&[counter]);
            last_length = hmac.finish(&mut last).len();
            part.copy_from_slice(&last[..part.len()]);
        }
        Ok(SecretBytes::from(derived.as_slice()))
    }
}

pub(super) fn room(wanted: usize) -> Result<Zeroizing<Vec<u8>>> {
    if (1..=LONGEST_DERIVED).contains(&wanted) {
        Ok(Zeroizing::new(vec![0; wanted]))
    } else {
        Err(length("a derived key has 1 byte to 64 KiB"))
    }
}
