//! Encryption and decryption in parts.
//!
//! Block modes write every block as soon as it is whole; decryption of CBC-PAD keeps the last one back,
//! for it may be padding. Decryption of GCM, and CCM both ways, collect everything: no plaintext leaves before its tag
//! was checked, and CCM begins with the data's length.

use std::sync::Arc;

use zeroize::{Zeroize, Zeroizing};

use super::authenticator::{Authenticator, MacStream};
use super::block::{BLOCK, BlockCipher, Counter};
use super::feedback::{Feedback, Mode};
use super::gcm::Gcm;
use super::stealing::Tailed;
use super::{SymmetricKey, cfb_mode, check_gcm, counter_blocks, padding};
use crate::engine::software::ready::{Operations, length};
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};

/// Most bytes that an operation in parts collects in memory: 64 MiB. Larger messages want another mode,
/// or parts of their own.
const MOST_COLLECTED: usize = 64 << 20;

pub(super) fn start<C: BlockCipher>(
    key: &Arc<SymmetricKey<C>>,
    purpose: Purpose,
    mechanism: &Mechanism,
) -> Result<Box<dyn Stream>> {
    let key = Arc::clone(key);
    let encrypt = purpose == Purpose::Encrypt;
    Ok(match mechanism {
        Mechanism::Ecb => Box::new(Blocks::new(key, encrypt, None, false)),
        Mechanism::Cbc { iv } => Box::new(Blocks::new(key, encrypt, Some(*iv), false)),
        Mechanism::CbcPad { iv } => Box::new(Blocks::new(key, encrypt, Some(*iv), true)),
        Mechanism::Ctr {
            counter_block,
            counter_bits,
        } => Box::new(KeyStream {
            key,
            counter: Counter {
                block: *counter_block,
                ..Counter::default()
            },
            left: counter_blocks(counter_block, *counter_bits)?.saturating_mul(BLOCK as u128),
        }),
        Mechanism::Gcm {
            iv,
            aad,
            tag_length,
        } if encrypt => {
            check_gcm(iv, *tag_length)?;
            let gcm = Gcm::new(&key.cipher, iv, aad);
            Box::new(GcmEncryption {
                key,
                gcm,
                tag_length: *tag_length,
            })
        }
        Mechanism::Gcm { .. } | Mechanism::Ccm { .. } => {
            Box::new(Collected::new(key, purpose, mechanism))
        }
        Mechanism::Cts { iv } => Box::new(Tailed::new(key, *iv, encrypt)),
        Mechanism::Ofb { iv } => Box::new(FeedbackStream {
            key,
            encrypt,
            feedback: Feedback::new(Mode::Ofb, iv),
        }),
        Mechanism::Cfb { iv, bits } => Box::new(FeedbackStream {
            key,
            encrypt,
            feedback: Feedback::new(cfb_mode(*bits)?, iv),
        }),
        Mechanism::Cmac { tag_length }
        | Mechanism::Gmac { tag_length, .. }
        | Mechanism::XcbcMac { tag_length } => Box::new(MacStream {
            authenticator: Authenticator::new(&key, purpose, mechanism)?,
            tag_length: *tag_length,
        }),
        _ => return unsupported(purpose, mechanism),
    })
}

/// A cipher stream is asked to verify: a fault of the caller.
pub(in crate::engine::software) fn no_signature<T>() -> Result<T> {
    Err(Error::InvalidRequest(
        "an encryption or decryption has no signature".to_owned(),
    ))
}

/// ECB and CBC.
struct Blocks<C> {
    key: Arc<SymmetricKey<C>>,
    encrypt: bool,
    chain: Option<[u8; BLOCK]>,
    padded: bool,
    held: [u8; BLOCK],
    held_length: usize,
}

impl<C: BlockCipher> Blocks<C> {
    fn new(
        key: Arc<SymmetricKey<C>>,
        encrypt: bool,
        chain: Option<[u8; BLOCK]>,
        padded: bool,
    ) -> Self {
        Self {
            key,
            encrypt,
            chain,
            padded,
            held: [0; BLOCK],
            held_length: 0,
        }
    }

    fn blocks(&mut self, input: &[u8], output: &mut [u8]) {
        let cipher = &self.key.cipher;
        match &mut self.chain {
            None => cipher.ecb(self.encrypt, input, output),
            Some(iv) => cipher.cbc(self.encrypt, iv, input, output),
        }
    }

    /// The last block of a padded encryption or decryption, without changing anything.
    fn last(&self) -> Result<(Zeroizing<[u8; BLOCK]>, usize)> {
        let mut iv = self.chain.unwrap_or_default();
        let mut block = Zeroizing::new([0; BLOCK]);
        let (cipher, last) = (&self.key.cipher, &mut block[..C::LENGTH]);
        if self.encrypt {
            let held = &self.held[..self.held_length];
            let padded = Zeroizing::new(padding::pad(held, C::LENGTH));
            cipher.cbc(true, &mut iv, &padded[..C::LENGTH], last);
            return Ok((block, C::LENGTH));
        }
        if self.held_length != C::LENGTH {
            return Err(length("not a multiple of the cipher's block"));
        }
        cipher.cbc(false, &mut iv, &self.held[..C::LENGTH], last);
        let kept = padding::unpad(last).ok_or(Error::InvalidCiphertext)?;
        Ok((block, kept))
    }
}

impl<C> Drop for Blocks<C> {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}

impl<C: BlockCipher> Stream for Blocks<C> {
    fn update_length(&self, input: usize) -> usize {
        let all = self.held_length.saturating_add(input);
        let kept_back = usize::from(self.padded && !self.encrypt);
        all.saturating_sub(kept_back) / C::LENGTH * C::LENGTH
    }

    fn finish_length(&self) -> usize {
        if self.padded { C::LENGTH } else { 0 }
    }

    fn update(&mut self, mut input: &[u8], output: &mut [u8]) -> Result<usize> {
        let written = self.update_length(input.len());
        check_room(output, written)?;
        let mut output = &mut output[..written];
        if self.held_length > 0 && !output.is_empty() {
            let (head, rest) = input.split_at(C::LENGTH - self.held_length);
            self.held[self.held_length..C::LENGTH].copy_from_slice(head);
            let (first, more) = output.split_at_mut(C::LENGTH);
            let held = Zeroizing::new(self.held);
            self.blocks(&held[..C::LENGTH], first);
            self.held_length = 0;
            (input, output) = (rest, more);
        }
        let (now, later) = input.split_at(output.len());
        self.blocks(now, output);
        self.held[self.held_length..][..later.len()].copy_from_slice(later);
        self.held_length += later.len();
        Ok(written)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        if self.padded {
            let (block, kept) = self.last()?;
            check_room(output, kept)?;
            output[..kept].copy_from_slice(&block[..kept]);
            return Ok(kept);
        }
        if self.held_length > 0 {
            return Err(length("not a multiple of the cipher's block"));
        }
        Ok(0)
    }

    fn verify(&mut self, _signature: &[u8]) -> Result<()> {
        no_signature()
    }
}

/// OFB and CFB.
struct FeedbackStream<C> {
    key: Arc<SymmetricKey<C>>,
    encrypt: bool,
    feedback: Feedback,
}

impl<C: BlockCipher> Stream for FeedbackStream<C> {
    fn update_length(&self, input: usize) -> usize {
        input
    }

    fn finish_length(&self) -> usize {
        0
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        check_room(output, input.len())?;
        let output = &mut output[..input.len()];
        self.feedback
            .apply(&self.key.cipher, self.encrypt, input, output);
        Ok(input.len())
    }

    fn finish(&mut self, _output: &mut [u8]) -> Result<usize> {
        Ok(0)
    }

    fn verify(&mut self, _signature: &[u8]) -> Result<()> {
        no_signature()
    }
}

/// CTR.
struct KeyStream<C> {
    key: Arc<SymmetricKey<C>>,
    counter: Counter,
    /// Bytes until the counter runs over.
    left: u128,
}

impl<C: BlockCipher> Stream for KeyStream<C> {
    fn update_length(&self, input: usize) -> usize {
        input
    }

    fn finish_length(&self) -> usize {
        0
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        check_room(output, input.len())?;
        self.left = self
            .left
            .checked_sub(input.len() as u128)
            .ok_or_else(|| length("the counter would run over"))?;
        let output = &mut output[..input.len()];
        self.key.cipher.ctr(&mut self.counter, input, output);
        Ok(input.len())
    }

    fn finish(&mut self, _output: &mut [u8]) -> Result<usize> {
        Ok(0)
    }

    fn verify(&mut self, _signature: &[u8]) -> Result<()> {
        no_signature()
    }
}

/// GCM encryption.
struct GcmEncryption<C> {
    key: Arc<SymmetricKey<C>>,
    gcm: Gcm,
    tag_length: usize,
}

impl<C: BlockCipher> Stream for GcmEncryption<C> {
    fn update_length(&self, input: usize) -> usize {
        input
    }

    fn finish_length(&self) -> usize {
        self.tag_length
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        check_room(output, input.len())?;
        if !self.gcm.has_room(input.len()) {
            return Err(length("too long for GCM"));
        }
        self.gcm
            .encrypt(&self.key.cipher, input, &mut output[..input.len()]);
        Ok(input.len())
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        check_room(output, self.tag_length)?;
        output[..self.tag_length].copy_from_slice(&self.gcm.tag()[..self.tag_length]);
        Ok(self.tag_length)
    }

    fn verify(&mut self, _signature: &[u8]) -> Result<()> {
        no_signature()
    }
}

/// What can only be done in one part, done when all parts are there.
pub(in crate::engine::software) struct Collected<K> {
    key: Arc<K>,
    purpose: Purpose,
    mechanism: Mechanism,
    data: Zeroizing<Vec<u8>>,
}

impl<K: Operations> Collected<K> {
    /// Starts to collect.
    pub(in crate::engine::software) fn new(
        key: Arc<K>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Self {
        Self {
            key,
            purpose,
            mechanism: mechanism.clone(),
            data: Zeroizing::default(),
        }
    }
}

impl<K: Operations> Stream for Collected<K> {
    fn update_length(&self, _input: usize) -> usize {
        0
    }

    fn finish_length(&self) -> usize {
        self.key
            .output_length(self.purpose, &self.mechanism, self.data.len())
            .unwrap_or(0)
    }

    fn update(&mut self, input: &[u8], _output: &mut [u8]) -> Result<usize> {
        let all = self.data.len() + input.len();
        if all > MOST_COLLECTED {
            return Err(Error::DataLength(format!(
                "more than {MOST_COLLECTED} bytes; this mechanism must collect them"
            )));
        }
        if all > self.data.capacity() {
            // Grown by hand: a vector that moves leaves its old contents behind.
            let mut larger = Vec::with_capacity(all.next_power_of_two());
            larger.extend_from_slice(&self.data);
            self.data = Zeroizing::new(larger);
        }
        self.data.extend_from_slice(input);
        Ok(0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        self.key
            .run(self.purpose, &self.mechanism, &self.data, output)
    }

    fn verify(&mut self, _signature: &[u8]) -> Result<()> {
        no_signature()
    }
}
