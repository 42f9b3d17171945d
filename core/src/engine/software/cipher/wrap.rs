//! AES key wrap (RFC 3394), with padding (RFC 5649), and over data padded to half blocks.

use zeroize::{Zeroize, Zeroizing};

use super::block::BlockCipher;
use super::{SymmetricKey, padding};
use crate::engine::software::ready::{length, through_buffer};
use crate::engine::{check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};

/// What RFC 3394 and RFC 5649 add.
const KEY_WRAP_ADDS: usize = 8;

/// Half a block, in bytes.
const SEMIBLOCK: usize = 8;

/// Bytes that come out, at most.
pub(super) fn output_length(mechanism: &Mechanism, encrypt: bool, input: usize) -> usize {
    let padded = match mechanism {
        _ if !encrypt => return input.saturating_sub(KEY_WRAP_ADDS),
        Mechanism::KeyWrapPad => input.checked_next_multiple_of(SEMIBLOCK),
        Mechanism::KeyWrapPkcs7 { .. } => (input / SEMIBLOCK + 1).checked_mul(SEMIBLOCK),
        _ => Some(input),
    };
    padded.map_or(usize::MAX, |padded| padded.saturating_add(KEY_WRAP_ADDS))
}

impl<C: BlockCipher> SymmetricKey<C> {
    pub(super) fn key_wrap(
        &self,
        encrypt: bool,
        iv: Option<&[u8; 8]>,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let Some(key) = self.cipher.aes() else {
            return unsupported(Purpose::Wrap, &Mechanism::KeyWrap { iv: None });
        };
        // RFC 3394 section 2: two 64-bit blocks or more, and one more when wrapped.
        let fewest = if encrypt { 16 } else { 24 };
        if input.len() < fewest || !input.len().is_multiple_of(8) {
            return Err(length("key wrap takes 16 bytes or more, a multiple of 8"));
        }
        if encrypt {
            let needed = input.len() + KEY_WRAP_ADDS;
            check_room(output, needed)?;
            key.aes
                .wrap(iv, input, &mut output[..needed])
                .map_err(|_| length("too long for key wrap"))?;
            Ok(needed)
        } else {
            let needed = input.len() - KEY_WRAP_ADDS;
            check_room(output, needed)?;
            let plain = &mut output[..needed];
            if key.aes.unwrap(iv, input, plain).is_err() {
                plain.zeroize();
                return Err(Error::InvalidCiphertext);
            }
            Ok(needed)
        }
    }

    pub(super) fn key_wrap_pad(
        &self,
        encrypt: bool,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let Some(key) = self.cipher.aes() else {
            return unsupported(Purpose::Wrap, &Mechanism::KeyWrapPad);
        };
        if encrypt {
            if input.is_empty() {
                return Err(length("key wrap with padding takes a byte or more"));
            }
            let needed = output_length(&Mechanism::KeyWrapPad, true, input.len());
            check_room(output, needed)?;
            return key
                .aes
                .wrap_padded(input, &mut output[..needed])
                .map_err(|_| length("too long for key wrap"));
        }
        if input.len() < 16 || !input.len().is_multiple_of(8) {
            return Err(length(
                "a wrapped key has 16 bytes or more, a multiple of 8",
            ));
        }
        through_buffer(input.len() - KEY_WRAP_ADDS, output, |plain| {
            key.aes.unwrap_padded(input, plain).map_err(|_| {
                plain.zeroize();
                Error::InvalidCiphertext
            })
        })
    }

    /// `CKM_AES_KEY_WRAP_PKCS7`: padded to half blocks, then RFC 3394.
    pub(super) fn key_wrap_pkcs7(
        &self,
        encrypt: bool,
        iv: Option<&[u8; 8]>,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        if encrypt {
            let whole = input.len() - input.len() % SEMIBLOCK;
            let mut padded = Zeroizing::new(Vec::with_capacity(whole + SEMIBLOCK));
            padded.extend_from_slice(&input[..whole]);
            let last = Zeroizing::new(padding::pad(&input[whole..], SEMIBLOCK));
            padded.extend_from_slice(&last[..SEMIBLOCK]);
            return self.key_wrap(true, iv, &padded, output);
        }
        through_buffer(input.len().saturating_sub(KEY_WRAP_ADDS), output, |plain| {
            let written = self.key_wrap(false, iv, input, plain)?;
            let body = written - SEMIBLOCK;
            // Only who has the key gets this far, so what the padding looks like tells nothing.
            let Some(kept) = padding::unpad(&plain[body..written]) else {
                plain.zeroize();
                return Err(Error::InvalidCiphertext);
            };
            Ok(body + kept)
        })
    }
}
