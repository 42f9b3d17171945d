//! Key wrapping in two steps: a new AES key wraps the key (RFC 5649), and is itself wrapped with RSA-OAEP or agreed
//! upon by ECDH with a new key pair (PKCS#11 3.2, "RSA AES KEY WRAP", "ECDH AES KEY WRAP").

use zeroize::Zeroizing;

use super::cipher::{AesKey, SymmetricKey};
use super::random;
use super::ready::{Operations, parameter};
use crate::engine::unsupported;
use crate::error::{Error, Result};
use crate::mechanism::{KeyDerivation, Mechanism, Purpose};
use crate::secret::SecretBytes;

/// Whether a mechanism is one of these.
pub(super) const fn is_hybrid(mechanism: &Mechanism) -> bool {
    matches!(
        mechanism,
        Mechanism::RsaAesKeyWrap { .. } | Mechanism::EcdhAesKeyWrap { .. }
    )
}

/// Wraps with a public key: the wrapped or public temporary key, then the wrapped target.
pub(super) fn wrap<K: Operations>(
    key: &K,
    mechanism: &Mechanism,
    target: &[u8],
) -> Result<Vec<u8>> {
    let (mut wrapped, temporary) = match mechanism {
        Mechanism::RsaAesKeyWrap { hash, label, bits } => {
            let mut temporary = Zeroizing::new(vec![0; key_length(*bits)?]);
            random::fill(&mut temporary)?;
            let oaep = Mechanism::RsaOaep {
                hash: *hash,
                label: label.clone(),
            };
            let length = key.output_length(Purpose::Encrypt, &oaep, temporary.len())?;
            let mut wrapped = vec![0; length];
            key.run(Purpose::Encrypt, &oaep, &temporary, &mut wrapped)?;
            (wrapped, SecretBytes::from(temporary.as_slice()))
        }
        Mechanism::EcdhAesKeyWrap { derivation, bits } => {
            let length = key_length(*bits)?;
            let (point, shared) =
                key.agree_with_new(derivation, derived_length(derivation, length))?;
            (point, first(&shared, length)?)
        }
        _ => return unsupported(Purpose::Wrap, mechanism),
    };
    wrapped.extend_from_slice(&key_wrap(Purpose::Encrypt, &temporary, target)?);
    Ok(wrapped)
}

/// Unwraps what [`wrap`] made. Errors are for the caller to make one of.
pub(super) fn unwrap<K: Operations>(
    key: &K,
    mechanism: &Mechanism,
    wrapped: &[u8],
) -> Result<SecretBytes> {
    let (temporary, target) = match mechanism {
        Mechanism::RsaAesKeyWrap { hash, label, bits } => {
            let oaep = Mechanism::RsaOaep {
                hash: *hash,
                label: label.clone(),
            };
            let whole = key.output_length(Purpose::Encrypt, &oaep, 0)?;
            let (first, target) = split(wrapped, whole)?;
            let mut temporary = Zeroizing::new(vec![0; whole]);
            let written = key.run(Purpose::Decrypt, &oaep, first, &mut temporary)?;
            // The length of the key that came says which AES it is; the parameter is for wrapping.
            key_length(*bits)?;
            if !matches!(written, 16 | 24 | 32) {
                return Err(Error::InvalidCiphertext);
            }
            (SecretBytes::from(&temporary[..written]), target)
        }
        Mechanism::EcdhAesKeyWrap { derivation, bits } => {
            let length = key_length(*bits)?;
            let (point, target) = split(wrapped, key.point_length())?;
            let ecdh = Mechanism::Ecdh {
                peer: point.to_vec(),
                derivation: derivation.clone(),
            };
            // A point that is none came with the wrapped key.
            let shared = key.derive(&ecdh, derived_length(derivation, length));
            let shared = shared.map_err(|_| Error::InvalidCiphertext)?;
            (first(&shared, length)?, target)
        }
        _ => return unsupported(Purpose::Unwrap, mechanism),
    };
    key_wrap(Purpose::Decrypt, &temporary, target).map(SecretBytes::new)
}

fn key_length(bits: u32) -> Result<usize> {
    match bits {
        128 | 192 | 256 => Ok(bits as usize / 8),
        _ => Err(parameter("the temporary AES key has 128, 192 or 256 bits")),
    }
}

/// A derivation function makes what is wanted; without one it is the first of the whole shared secret.
fn derived_length(derivation: &KeyDerivation, length: usize) -> Option<usize> {
    (!matches!(derivation, KeyDerivation::None)).then_some(length)
}

fn first(shared: &SecretBytes, length: usize) -> Result<SecretBytes> {
    let start = shared.expose().get(..length);
    start
        .map(SecretBytes::from)
        .ok_or_else(|| parameter("the shared secret is shorter than the temporary AES key"))
}

fn split(wrapped: &[u8], at: usize) -> Result<(&[u8], &[u8])> {
    wrapped.split_at_checked(at).ok_or(Error::InvalidCiphertext)
}

fn key_wrap(purpose: Purpose, key: &SecretBytes, input: &[u8]) -> Result<Vec<u8>> {
    let key = SymmetricKey::new(AesKey::new(key.expose())?);
    let mechanism = Mechanism::KeyWrapPad;
    let mut output = Zeroizing::new(vec![
        0;
        key.output_length(purpose, &mechanism, input.len())?
    ]);
    let written = key.run(purpose, &mechanism, input, &mut output)?;
    Ok(output[..written].to_vec())
}
