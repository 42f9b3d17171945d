//! The frame around every key: nothing reaches an algorithm that the table does not allow.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::hybrid;
use super::table::{self, Kind, Parts};
use crate::engine::{ReadyKey, Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{KeyDerivation, Mechanism, Purpose};
use crate::secret::SecretBytes;

/// What a parsed key does. [`Ready`] has checked the mechanism and purpose against the table before it
/// calls; mechanisms that the table does not give to a kind end in [`unsupported`] all the same.
pub(super) trait Operations: Send + Sync + Sized + 'static {
    /// The key's row in the table.
    fn kind(&self) -> Kind;

    /// Whether the private half is missing.
    fn is_public(&self) -> bool {
        false
    }

    /// See [`ReadyKey::output_length`].
    fn output_length(&self, purpose: Purpose, mechanism: &Mechanism, input: usize)
    -> Result<usize>;

    /// See [`ReadyKey::run`].
    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize>;

    /// See [`ReadyKey::verify`].
    fn verify(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        _data: &[u8],
        _signature: &[u8],
    ) -> Result<()> {
        unsupported(purpose, mechanism)
    }

    /// See [`ReadyKey::stream`].
    fn stream(self: &Arc<Self>, purpose: Purpose, mechanism: &Mechanism)
    -> Result<Box<dyn Stream>>;

    /// See [`ReadyKey::encapsulate`].
    fn encapsulate(&self, mechanism: &Mechanism) -> Result<(Vec<u8>, SecretBytes)> {
        unsupported(Purpose::Encapsulate, mechanism)
    }

    /// See [`ReadyKey::decapsulate`].
    fn decapsulate(&self, mechanism: &Mechanism, _ciphertext: &[u8]) -> Result<SecretBytes> {
        unsupported(Purpose::Decapsulate, mechanism)
    }

    /// Agrees on a secret with a key pair made for it: its public point and the secret.
    fn agree_with_new(
        &self,
        _derivation: &KeyDerivation,
        _length: Option<usize>,
    ) -> Result<(Vec<u8>, SecretBytes)> {
        Err(Error::KeyUnsupported(
            "the key agrees on nothing".to_owned(),
        ))
    }

    /// Bytes of a public point as in [`Operations::agree_with_new`].
    fn point_length(&self) -> usize {
        0
    }

    /// See [`ReadyKey::derive`].
    fn derive(&self, mechanism: &Mechanism, _length: Option<usize>) -> Result<SecretBytes> {
        unsupported(Purpose::Derive, mechanism)
    }
}

/// A key ready to use.
pub(super) struct Ready<K>(Arc<K>);

impl<K: Operations> Ready<K> {
    pub(super) fn share(key: K) -> Arc<dyn ReadyKey> {
        Arc::new(Self(Arc::new(key)))
    }

    fn check(&self, purpose: Purpose, mechanism: &Mechanism, parts: Parts) -> Result<()> {
        if table::allows(self.0.kind(), purpose, mechanism, parts)
            && (table::is_public(purpose) || !self.0.is_public())
        {
            Ok(())
        } else {
            unsupported(purpose, mechanism)
        }
    }
}

impl<K: Operations> ReadyKey for Ready<K> {
    fn output_length(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: usize,
    ) -> Result<usize> {
        self.check(purpose, mechanism, Parts::One)?;
        self.0.output_length(purpose, mechanism, input)
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        self.check(purpose, mechanism, Parts::One)?;
        self.0.run(purpose, mechanism, input, output)
    }

    fn verify(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        self.check(purpose, mechanism, Parts::One)?;
        self.0.verify(purpose, mechanism, data, signature)
    }

    fn stream(&self, purpose: Purpose, mechanism: &Mechanism) -> Result<Box<dyn Stream>> {
        self.check(purpose, mechanism, Parts::Several)?;
        self.0.stream(purpose, mechanism)
    }

    fn wrap(&self, mechanism: &Mechanism, target: &SecretBytes) -> Result<Vec<u8>> {
        self.check(Purpose::Wrap, mechanism, Parts::One)?;
        if hybrid::is_hybrid(mechanism) {
            return hybrid::wrap(&*self.0, mechanism, target.expose());
        }
        // Wrapping is encryption of the value, in all other mechanisms.
        let length = self
            .0
            .output_length(Purpose::Encrypt, mechanism, target.len())?;
        let mut wrapped = vec![0; length];
        let written = self
            .0
            .run(Purpose::Encrypt, mechanism, target.expose(), &mut wrapped)?;
        wrapped.truncate(written);
        Ok(wrapped)
    }

    fn unwrap(&self, mechanism: &Mechanism, wrapped: &[u8]) -> Result<SecretBytes> {
        self.check(Purpose::Unwrap, mechanism, Parts::One)?;
        if hybrid::is_hybrid(mechanism) {
            return hybrid::unwrap(&*self.0, mechanism, wrapped).map_err(one_error_of_unwrap);
        }
        let length = self
            .0
            .output_length(Purpose::Decrypt, mechanism, wrapped.len())?;
        let mut value = Zeroizing::new(vec![0; length]);
        let written = self
            .0
            .run(Purpose::Decrypt, mechanism, wrapped, &mut value)
            .map_err(one_error_of_unwrap)?;
        // A copy of the right size: shrinking in place could leave a copy behind.
        Ok(SecretBytes::from(&value[..written]))
    }

    fn encapsulate(
        &self,
        mechanism: &Mechanism,
        length: Option<usize>,
    ) -> Result<(Vec<u8>, SecretBytes)> {
        self.check(Purpose::Encapsulate, mechanism, Parts::One)?;
        match mechanism {
            // The ciphertext is the public point of a key pair made for it.
            Mechanism::Ecdh { derivation, .. } => self.0.agree_with_new(derivation, length),
            _ => self.0.encapsulate(mechanism),
        }
    }

    fn decapsulate(
        &self,
        mechanism: &Mechanism,
        ciphertext: &[u8],
        length: Option<usize>,
    ) -> Result<SecretBytes> {
        self.check(Purpose::Decapsulate, mechanism, Parts::One)?;
        let Mechanism::Ecdh { derivation, .. } = mechanism else {
            return self.0.decapsulate(mechanism, ciphertext);
        };
        if ciphertext.len() != self.0.point_length() {
            return Err(self::length("not the length of a point of this curve"));
        }
        let ecdh = Mechanism::Ecdh {
            peer: ciphertext.to_vec(),
            derivation: derivation.clone(),
        };
        self.0.derive(&ecdh, length).map_err(|error| match error {
            // The point, which is what arrived; the caller's own parameters were good for the other side.
            Error::MechanismParameter(_) => Error::InvalidCiphertext,
            other => other,
        })
    }

    fn derive(&self, mechanism: &Mechanism, length: Option<usize>) -> Result<SecretBytes> {
        self.check(Purpose::Derive, mechanism, Parts::One)?;
        self.0.derive(mechanism, length)
    }
}

/// Whatever is wrong with a wrapped key looks the same; a wrong parameter is the caller's own and may be named.
fn one_error_of_unwrap(error: Error) -> Error {
    match error {
        Error::InvalidCiphertext | Error::DataLength(_) => Error::InvalidWrappedKey,
        other => other,
    }
}

/// Calls `produce` with a buffer of `longest` bytes and copies what it wrote (its answer) to `output`: for
/// decryption, where the plaintext is shorter than what may be needed on the way.
pub(super) fn through_buffer(
    longest: usize,
    output: &mut [u8],
    produce: impl FnOnce(&mut [u8]) -> Result<usize>,
) -> Result<usize> {
    if output.len() >= longest {
        return produce(&mut output[..longest]);
    }
    let mut buffer = Zeroizing::new(vec![0; longest]);
    let written = produce(&mut buffer)?;
    check_room(output, written)?;
    output[..written].copy_from_slice(&buffer[..written]);
    Ok(written)
}

/// An error about a parameter.
pub(super) fn parameter(reason: &str) -> Error {
    Error::MechanismParameter(reason.to_owned())
}

/// An error about the length of the input.
pub(super) fn length(reason: &str) -> Error {
    Error::DataLength(reason.to_owned())
}
