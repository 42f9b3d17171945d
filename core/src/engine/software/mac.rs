//! HMAC (RFC 2104, FIPS 198-1) with every hash: SHA-1 and SHA-2 on AWS-LC's, the others over their [`Hasher`].

use aws_lc_rs::hmac as aws;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::digest::{Digest, Hasher, LONGEST_DIGEST, block_length};
use super::ready::parameter;
use crate::algorithm::HashAlgorithm;
use crate::engine::{Stream, check_room};
use crate::error::{Error, Result};

/// An HMAC computation: a key's, ready to clone, or a running one.
#[derive(Clone)]
pub(super) struct Hmac {
    hash: HashAlgorithm,
    state: State,
}

// Neither variant is boxed: a MAC then allocates nothing of its own.
#[allow(clippy::large_enum_variant)]
#[derive(Clone)]
enum State {
    AwsLc(aws::Context),
    /// Inner and outer hash, each after its key block.
    Hashers(Hasher, Hasher),
}

impl Hmac {
    pub(super) fn new(hash: HashAlgorithm, key: &[u8]) -> Self {
        let algorithm = match hash {
            HashAlgorithm::Sha1 => Some(aws::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            HashAlgorithm::Sha224 => Some(aws::HMAC_SHA224),
            HashAlgorithm::Sha256 => Some(aws::HMAC_SHA256),
            HashAlgorithm::Sha384 => Some(aws::HMAC_SHA384),
            HashAlgorithm::Sha512 => Some(aws::HMAC_SHA512),
            HashAlgorithm::Sha512_224
            | HashAlgorithm::Sha512_256
            | HashAlgorithm::Sha3_224
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_384
            | HashAlgorithm::Sha3_512
            | HashAlgorithm::Sm3 => None,
        };
        let state = match algorithm {
            Some(algorithm) => State::AwsLc(aws::Context::with_key(&aws::Key::new(algorithm, key))),
            None => {
                let key = key_block(hash, key);
                State::Hashers(keyed(hash, &key, 0x36), keyed(hash, &key, 0x5c))
            }
        };
        Self { hash, state }
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        match &mut self.state {
            State::AwsLc(context) => context.update(data),
            State::Hashers(inner, _) => inner.update(data),
        }
    }

    /// Writes the tag to the start of `tag`; answers it.
    pub(super) fn finish(self, tag: &mut [u8; LONGEST_DIGEST]) -> &[u8] {
        let length = self.hash.length();
        match self.state {
            State::AwsLc(context) => tag[..length].copy_from_slice(context.sign().as_ref()),
            State::Hashers(inner, mut outer) => {
                outer.update(inner.finish().as_ref());
                let digest: Digest = outer.finish();
                tag[..length].copy_from_slice(digest.as_ref());
            }
        }
        &tag[..length]
    }
}

/// The key filled up to a block, or its hash if it is longer.
fn key_block(hash: HashAlgorithm, key: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut block = Zeroizing::new(vec![0; block_length(hash)]);
    if key.len() > block.len() {
        let digest = Hasher::digest(hash, key);
        block[..digest.as_ref().len()].copy_from_slice(digest.as_ref());
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    block
}

fn keyed(hash: HashAlgorithm, key: &[u8], pad: u8) -> Hasher {
    let block: Zeroizing<Vec<u8>> = Zeroizing::new(key.iter().map(|byte| byte ^ pad).collect());
    let mut hasher = Hasher::new(hash);
    hasher.update(&block);
    hasher
}

/// Refuses tags that the mechanism does not have.
pub(super) fn check_tag_length(wanted: usize, whole: usize) -> Result<()> {
    if (1..=whole).contains(&wanted) {
        Ok(())
    } else {
        Err(parameter(&format!("the tag has 1 to {whole} bytes")))
    }
}

/// Compares tags in constant time.
pub(super) fn compare(expected: &[u8], given: &[u8]) -> Result<()> {
    if expected.len() != given.len() {
        Err(Error::SignatureLength {
            expected: expected.len(),
        })
    } else if bool::from(expected.ct_eq(given)) {
        Ok(())
    } else {
        Err(Error::SignatureInvalid)
    }
}

/// HMAC in parts.
pub(super) struct HmacStream {
    pub(super) hmac: Hmac,
    pub(super) tag_length: usize,
}

impl Stream for HmacStream {
    fn update_length(&self, _input: usize) -> usize {
        0
    }

    fn finish_length(&self) -> usize {
        self.tag_length
    }

    fn update(&mut self, input: &[u8], _output: &mut [u8]) -> Result<usize> {
        self.hmac.update(input);
        Ok(0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        check_room(output, self.tag_length)?;
        let mut tag = [0; LONGEST_DIGEST];
        let tag = self.hmac.clone().finish(&mut tag);
        output[..self.tag_length].copy_from_slice(&tag[..self.tag_length]);
        Ok(self.tag_length)
    }

    fn verify(&mut self, signature: &[u8]) -> Result<()> {
        let mut tag = [0; LONGEST_DIGEST];
        let tag = self.hmac.clone().finish(&mut tag);
        compare(&tag[..self.tag_length], signature)
    }
}
