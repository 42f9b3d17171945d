//! Digests, one-part and streaming.

use std::fmt;

use aws_lc_rs::digest as aws;
use sha2::Sha512_224;
use sha3::Sha3_224;
use sm3::Sm3;
use sm3::digest::Digest as _;

use crate::algorithm::HashAlgorithm;

/// Bytes of the longest digest.
pub const LONGEST_DIGEST: usize = 64;

/// A digest: up to 64 bytes, without allocation.
#[derive(Clone, Copy)]
pub struct Digest {
    bytes: [u8; LONGEST_DIGEST],
    length: usize,
}

impl Digest {
    fn new(digest: &[u8]) -> Self {
        let mut bytes = [0; LONGEST_DIGEST];
        bytes[..digest.len()].copy_from_slice(digest);
        Self {
            bytes,
            length: digest.len(),
        }
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Hashes data in parts; a clone goes on from where the original is.
#[derive(Clone)]
pub struct Hasher {
    hash: HashAlgorithm,
    state: State,
}

#[derive(Clone)]
enum State {
    AwsLc(aws::Context),
    Sha512_224(Sha512_224),
    Sha3_224(Sha3_224),
    Sm3(Sm3),
}

impl fmt::Debug for Hasher {
    /// Without the state: it may come from a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

impl Hasher {
    /// A hasher that has seen no data.
    #[must_use]
    pub fn new(hash: HashAlgorithm) -> Self {
        let aws_lc = |algorithm| State::AwsLc(aws::Context::new(algorithm));
        let state = match hash {
            HashAlgorithm::Sha1 => aws_lc(&aws::SHA1_FOR_LEGACY_USE_ONLY),
            HashAlgorithm::Sha224 => aws_lc(&aws::SHA224),
            HashAlgorithm::Sha256 => aws_lc(&aws::SHA256),
            HashAlgorithm::Sha384 => aws_lc(&aws::SHA384),
            HashAlgorithm::Sha512 => aws_lc(&aws::SHA512),
            HashAlgorithm::Sha512_224 => State::Sha512_224(Sha512_224::new()),
            HashAlgorithm::Sha512_256 => aws_lc(&aws::SHA512_256),
            HashAlgorithm::Sha3_224 => State::Sha3_224(Sha3_224::new()),
            HashAlgorithm::Sha3_256 => aws_lc(&aws::SHA3_256),
            HashAlgorithm::Sha3_384 => aws_lc(&aws::SHA3_384),
            HashAlgorithm::Sha3_512 => aws_lc(&aws::SHA3_512),
            HashAlgorithm::Sm3 => State::Sm3(Sm3::new()),
        };
        Self { hash, state }
    }

    /// Which hash.
    #[must_use]
    pub fn algorithm(&self) -> HashAlgorithm {
        self.hash
    }

    /// Takes a part of the data.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.state {
            State::AwsLc(context) => context.update(data),
            State::Sha512_224(context) => context.update(data),
            State::Sha3_224(context) => context.update(data),
            State::Sm3(context) => context.update(data),
        }
    }

    /// The digest of all that was taken.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.state {
            State::AwsLc(context) => Digest::new(context.finish().as_ref()),
            State::Sha512_224(context) => Digest::new(&context.finalize()),
            State::Sha3_224(context) => Digest::new(&context.finalize()),
            State::Sm3(context) => Digest::new(&context.finalize()),
        }
    }

    /// The digest of data at hand.
    #[must_use]
    pub fn digest(hash: HashAlgorithm, data: &[u8]) -> Digest {
        let mut hasher = Self::new(hash);
        hasher.update(data);
        hasher.finish()
    }
}

/// Bytes of the blocks that a hash works on: HMAC's key block.
pub(super) const fn block_length(hash: HashAlgorithm) -> usize {
    match hash {
        HashAlgorithm::Sha1
        | HashAlgorithm::Sha224
        | HashAlgorithm::Sha256
        | HashAlgorithm::Sm3 => 64,
        HashAlgorithm::Sha384
        | HashAlgorithm::Sha512
        | HashAlgorithm::Sha512_224
        | HashAlgorithm::Sha512_256 => 128,
        HashAlgorithm::Sha3_224 => 144,
        HashAlgorithm::Sha3_256 => 136,
        HashAlgorithm::Sha3_384 => 104,
        HashAlgorithm::Sha3_512 => 72,
    }
}
