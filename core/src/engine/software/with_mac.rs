//! Ciphers whose keys make HMACs too: KMIP lets the Cryptographic Parameters of a key name one whatever the
//! key's own algorithm is.

use std::sync::Arc;

use super::derive;
use super::ready::Operations;
use super::secret::SecretKey;
use super::table::Kind;
use crate::engine::Stream;
use crate::error::Result;
use crate::mechanism::{Mechanism, Purpose};
use crate::secret::SecretBytes;

/// A key of a cipher, and the same bytes as the key of HMACs.
pub(super) struct WithMac<K> {
    cipher: Arc<K>,
    bytes: Arc<SecretKey>,
}

impl<K> WithMac<K> {
    pub(super) fn new(cipher: K, value: &SecretBytes) -> Self {
        Self {
            cipher: Arc::new(cipher),
            bytes: Arc::new(SecretKey::generic(value.clone())),
        }
    }
}

const fn is_hmac(mechanism: &Mechanism) -> bool {
    matches!(mechanism, Mechanism::Hmac { .. })
}

impl<K: Operations> Operations for WithMac<K> {
    fn kind(&self) -> Kind {
        self.cipher.kind()
    }

    fn output_length(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: usize,
    ) -> Result<usize> {
        if is_hmac(mechanism) {
            return self.bytes.output_length(purpose, mechanism, input);
        }
        self.cipher.output_length(purpose, mechanism, input)
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        if is_hmac(mechanism) {
            return self.bytes.run(purpose, mechanism, input, output);
        }
        self.cipher.run(purpose, mechanism, input, output)
    }

    fn verify(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        if is_hmac(mechanism) {
            return self.bytes.verify(purpose, mechanism, data, signature);
        }
        self.cipher.verify(purpose, mechanism, data, signature)
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        if is_hmac(mechanism) {
            return self.bytes.stream(purpose, mechanism);
        }
        self.cipher.stream(purpose, mechanism)
    }

    fn derive(&self, mechanism: &Mechanism, length: Option<usize>) -> Result<SecretBytes> {
        if derive::is_of_bytes(mechanism) || matches!(mechanism, Mechanism::Kdf { .. }) {
            return self.bytes.derive(mechanism, length);
        }
        self.cipher.derive(mechanism, length)
    }
}
