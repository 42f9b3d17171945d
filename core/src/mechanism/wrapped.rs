//! How long a wrapped key is, before anything is wrapped: `C_WrapKey` that asks for the length costs no operation with
//! a key, and no new key pair.

use super::{KeyDerivation, Mechanism, RsaHash};
use crate::algorithm::KeySpec;

/// Half a block of AES, in bytes: what key wrapping counts in and adds.
const SEMIBLOCK: usize = 8;

impl Mechanism {
    /// Bytes of so many bytes wrapped with a key of that kind; none where they cannot be wrapped, or only doing it tells.
    #[must_use]
    pub fn wrapped_length(&self, wrapping: Option<KeySpec>, length: usize) -> Option<usize> {
        let wrapping = wrapping?;
        let block = match wrapping {
            KeySpec::Des3 { .. } => 8,
            _ => 16,
        };
        match self {
            Self::Ecb | Self::Cbc { .. } => {
                (length > 0 && length.is_multiple_of(block)).then_some(length)
            }
            Self::CbcPad { .. } => Some(length / block * block + block),
            // Announced and given lengths differ, or nonces and tags that there are not.
            Self::Ccm {
                data_length: Some(announced),
                ..
            } if *announced != length => None,
            Self::Gcm { tag_length, .. }
            | Self::Ccm { tag_length, .. }
            | Self::ChaCha20Poly1305 { tag_length, .. } => Some(length + tag_length),
            Self::KeyWrap { .. } => (length >= 2 * SEMIBLOCK && length.is_multiple_of(SEMIBLOCK))
                .then_some(length + SEMIBLOCK),
            Self::KeyWrapPad => padded(length),
            // Less than half a block is padded to one of the two that key wrapping wants.
            Self::KeyWrapPkcs7 { .. } => {
                (length >= SEMIBLOCK).then_some(length / SEMIBLOCK * SEMIBLOCK + 2 * SEMIBLOCK)
            }
            Self::RsaPkcs1 => rsa(wrapping, length + 11),
            Self::RsaOaep { hash, .. } => oaep(wrapping, *hash, length),
            Self::RsaAesKeyWrap { hash, bits, .. } => {
                let temporary = temporary(*bits)?;
                Some(oaep(wrapping, *hash, temporary)? + padded(length)?)
            }
            Self::EcdhAesKeyWrap { derivation, bits } => {
                let (point, shared) = agreement(wrapping)?;
                let enough = match derivation {
                    KeyDerivation::None => temporary(*bits)? <= shared,
                    _ => temporary(*bits).is_some(),
                };
                enough.then_some(point + padded(length)?)
            }
            _ => None,
        }
    }
}

/// RFC 5649.
fn padded(length: usize) -> Option<usize> {
    (length > 0).then(|| length.next_multiple_of(SEMIBLOCK) + SEMIBLOCK)
}

/// RSA with that many bytes, padding among them.
fn rsa(wrapping: KeySpec, length: usize) -> Option<usize> {
    let KeySpec::Rsa { bits } = wrapping else {
        return None;
    };
    let modulus = usize::try_from(bits.div_ceil(8)).ok()?;
    (length <= modulus).then_some(modulus)
}

/// RFC 8017 section 7.1.1.
fn oaep(wrapping: KeySpec, hash: RsaHash, length: usize) -> Option<usize> {
    rsa(wrapping, length + 2 * hash.hash.length() + 2)
}

/// Bytes of a temporary AES key.
fn temporary(bits: u32) -> Option<usize> {
    matches!(bits, 128 | 192 | 256).then_some(bits as usize / 8)
}

/// Bytes of a public point and of a shared secret.
fn agreement(wrapping: KeySpec) -> Option<(usize, usize)> {
    match wrapping {
        KeySpec::Ec { curve } => {
            let field = curve.field_length();
            Some((1 + 2 * field, field))
        }
        KeySpec::X25519 => Some((32, 32)),
        _ => None,
    }
}
