//! Digests, which need no key and so no token.

use aws_lc_rs::digest::{
    Context, SHA1_FOR_LEGACY_USE_ONLY, SHA3_256, SHA3_384, SHA3_512, SHA224, SHA256, SHA384, SHA512,
};
use keybridge_core::HashAlgorithm;
use sm3::{Digest as _, Sm3};

/// A digest under way.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha(HashAlgorithm, Context),
    Sm3(Box<Sm3>),
}

impl Hasher {
    /// `None` for a hash that there is no implementation of here (SHA3-224).
    pub(crate) fn new(hash: HashAlgorithm) -> Option<Self> {
        let algorithm = match hash {
            HashAlgorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            HashAlgorithm::Sha224 => &SHA224,
            HashAlgorithm::Sha256 => &SHA256,
            HashAlgorithm::Sha384 => &SHA384,
            HashAlgorithm::Sha512 => &SHA512,
            HashAlgorithm::Sha3_224 => return None,
            HashAlgorithm::Sha3_256 => &SHA3_256,
            HashAlgorithm::Sha3_384 => &SHA3_384,
            HashAlgorithm::Sha3_512 => &SHA3_512,
            HashAlgorithm::Sm3 => return Some(Hasher::Sm3(Box::new(Sm3::new()))),
        };
        Some(Hasher::Sha(hash, Context::new(algorithm)))
    }

    /// Bytes of the digest.
    pub(crate) fn length(&self) -> usize {
        match self {
            Hasher::Sha(hash, _) => hash.length(),
            Hasher::Sm3(_) => HashAlgorithm::Sm3.length(),
        }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Hasher::Sha(_, context) => context.update(data),
            Hasher::Sm3(context) => context.update(data),
        }
    }

    /// Writes the digest to the start of `output`, which has at least [`Hasher::length`] bytes.
    pub(crate) fn finish(self, output: &mut [u8]) {
        match self {
            Hasher::Sha(_, context) => {
                let digest = context.finish();
                output[..digest.as_ref().len()].copy_from_slice(digest.as_ref());
            }
            Hasher::Sm3(context) => {
                let digest = context.finalize();
                output[..digest.len()].copy_from_slice(&digest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nothing_and_in_parts() {
        let mut empty = [0; 32];
        Hasher::new(HashAlgorithm::Sha256)
            .expect("there")
            .finish(&mut empty);
        assert_eq!(empty[..4], [0xe3, 0xb0, 0xc4, 0x42]);
        // GB/T 32905, appendix A.1.
        let mut sm3 = Hasher::new(HashAlgorithm::Sm3).expect("there");
        sm3.update(b"a");
        sm3.update(b"bc");
        let mut digest = [0; 32];
        sm3.finish(&mut digest);
        assert_eq!(digest[..4], [0x66, 0xc7, 0xf0, 0xf4]);
    }
}
