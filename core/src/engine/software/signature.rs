//! Signatures over a hash: in parts for every key that can sign a digest.

use std::sync::Arc;

use super::digest::Hasher;
use super::ready::Operations;
use crate::engine::{Stream, check_room};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};

/// A key that signs and checks a digest, as the mechanism says that hashed it.
pub(super) trait DigestSigner: Operations {
    /// Bytes of every signature.
    fn signature_length(&self) -> usize;

    /// Writes a signature; `output` has room for it.
    fn sign_digest(&self, mechanism: &Mechanism, digest: &[u8], output: &mut [u8]) -> Result<()>;

    /// Checks a signature of the right length.
    fn verify_digest(&self, mechanism: &Mechanism, digest: &[u8], signature: &[u8]) -> Result<()>;
}

/// Refuses a signature of a length that the mechanism never makes.
pub(super) fn check_signature_length(signature: &[u8], expected: usize) -> Result<()> {
    if signature.len() == expected {
        Ok(())
    } else {
        Err(Error::SignatureLength { expected })
    }
}

/// A signature in parts.
pub(super) struct SignatureStream<K> {
    key: Arc<K>,
    mechanism: Mechanism,
    purpose: Purpose,
    hasher: Hasher,
}

impl<K: DigestSigner> SignatureStream<K> {
    /// Starts with a hasher that may have taken what comes before the data.
    pub(super) fn start(
        key: &Arc<K>,
        purpose: Purpose,
        mechanism: &Mechanism,
        hasher: Hasher,
    ) -> Box<dyn Stream> {
        Box::new(Self {
            key: Arc::clone(key),
            mechanism: mechanism.clone(),
            purpose,
            hasher,
        })
    }
}

impl<K: DigestSigner> Stream for SignatureStream<K> {
    fn update_length(&self, _input: usize) -> usize {
        0
    }

    fn finish_length(&self) -> usize {
        self.key.signature_length()
    }

    fn update(&mut self, input: &[u8], _output: &mut [u8]) -> Result<usize> {
        self.hasher.update(input);
        Ok(0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        if self.purpose != Purpose::Sign {
            return Err(Error::InvalidRequest("not a signing operation".to_owned()));
        }
        let length = self.key.signature_length();
        check_room(output, length)?;
        let digest = self.hasher.clone().finish();
        self.key
            .sign_digest(&self.mechanism, digest.as_ref(), &mut output[..length])?;
        Ok(length)
    }

    fn verify(&mut self, signature: &[u8]) -> Result<()> {
        check_signature_length(signature, self.key.signature_length())?;
        let digest = self.hasher.clone().finish();
        self.key
            .verify_digest(&self.mechanism, digest.as_ref(), signature)
    }
}
