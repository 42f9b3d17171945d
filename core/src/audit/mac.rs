//! Keyed hashes of the audit.
//!
//! The chain of rows uses HMAC-SHA-256. A journal needs a keyed hash for each use of a key, within a few
//! dozen nanoseconds. Its chaining value is SHA-256 over the journal's own key, the value before and the
//! frame: 96 bytes, always, so that nothing can be made to look like something longer. Half of the value is
//! the *tag* that stands beside the frame; so a tag is right only if every frame before it is there,
//! unchanged and in order. The other half is the *head*, kept once and overwritten with each frame. So
//! frames cannot be cut off the end either: the head that would fit the shorter journal is nowhere.
//!
//! Measured on one machine, AMD EPYC with SHA and AES instructions, for a frame of 32 bytes (the `timing`
//! test): 92 ns this way, 217 ns by HMAC-SHA-256, 193 ns by an encrypted CBC-MAC with AES-256.

use aws_lc_rs::{digest, hmac};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::id::JournalId;

/// Bytes of a tag and of a head.
pub(super) const TAG_BYTES: usize = 16;

/// What one frame of a journal is.
pub(super) type Frame = [u8; 32];
/// A tag or a head.
pub(super) type Tag = [u8; TAG_BYTES];

/// Derives a key for one purpose.
pub(super) fn derive(key: &hmac::Key, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    derived.copy_from_slice(keyed_hash(key, parts).as_ref());
    derived
}

/// HMAC over the parts, each preceded by its length.
pub(super) fn keyed_hash(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.sign()
}

/// Compares without telling how far they agree.
pub(super) fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// The running keyed hash of a journal.
#[derive(Clone)]
pub(super) struct JournalMac {
    /// Key, chaining value, frame: what is hashed next.
    input: [u8; 96],
}

impl JournalMac {
    /// The hash of the empty journal of that identifier, made while the machine ran under `boot`.
    pub(super) fn new(key: &hmac::Key, id: JournalId, boot: &[u8; 16]) -> Self {
        let derived = |purpose: &[u8]| derive(key, &[b"journal", purpose, id.as_bytes(), boot]);
        let mut input = [0; 96];
        input[..32].copy_from_slice(&*derived(b"key"));
        input[32..64].copy_from_slice(&*derived(b"start"));
        Self { input }
    }

    /// What stands where the head before the first frame would: unlike any head, so that it cannot be
    /// copied there later.
    pub(super) fn blank(&self) -> Tag {
        let mut other = self.clone();
        other.input[32..].fill(0xff);
        other.advance();
        other.head()
    }

    /// Takes a frame in; its tag.
    #[inline]
    pub(super) fn update(&mut self, frame: &Frame) -> Tag {
        self.input[64..].copy_from_slice(frame);
        self.advance();
        self.half(32)
    }

    /// The head after the frames taken in.
    #[inline]
    pub(super) fn head(&self) -> Tag {
        self.half(32 + TAG_BYTES)
    }

    #[inline]
    fn advance(&mut self) {
        let value = digest::digest(&digest::SHA256, &self.input);
        self.input[32..64].copy_from_slice(value.as_ref());
    }

    #[inline]
    fn half(&self, start: usize) -> Tag {
        let mut half = [0; TAG_BYTES];
        half.copy_from_slice(&self.input[start..start + TAG_BYTES]);
        half
    }
}

impl Drop for JournalMac {
    fn drop(&mut self) {
        self.input.zeroize();
    }
}
