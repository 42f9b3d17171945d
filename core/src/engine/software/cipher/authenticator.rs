//! Message authentication codes of block ciphers: CMAC, GMAC, XCBC-MAC.

use aws_lc_rs::cmac;
use zeroize::Zeroize;

use super::SymmetricKey;
use super::block::{AesKey, BLOCK, BlockCipher, xor_into};
use super::gcm::Gcm;
use crate::engine::software::mac::{self, check_tag_length};
use crate::engine::software::ready::parameter;
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};

/// A running computation.
pub(super) enum Authenticator {
    Cmac(cmac::Context),
    Gmac(Box<Gcm>),
    Xcbc(Box<Xcbc>),
}

impl Authenticator {
    /// Starts what the mechanism says.
    pub(super) fn new<C: BlockCipher>(
        key: &SymmetricKey<C>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Self> {
        match (mechanism, key.cipher.aes()) {
            (Mechanism::Cmac { tag_length }, Some(aes)) => {
                check_tag_length(*tag_length, BLOCK)?;
                Ok(Self::Cmac(cmac::Context::with_key(&aes.cmac)))
            }
            (Mechanism::XcbcMac { tag_length }, Some(aes)) if aes.has_xcbc() => {
                check_tag_length(*tag_length, BLOCK)?;
                Xcbc::new(aes).map(Box::new).map(Self::Xcbc)
            }
            (Mechanism::Gmac { iv, tag_length }, _) => {
                super::check_gcm(iv, *tag_length)?;
                Ok(Self::Gmac(Box::new(Gcm::new(&key.cipher, iv, &[]))))
            }
            _ => unsupported(purpose, mechanism),
        }
    }

    pub(super) fn update(&mut self, data: &[u8]) -> Result<()> {
        match self {
            Self::Cmac(context) => context.update(data).map_err(|_| failed()),
            Self::Gmac(gcm) if !gcm.has_room(data.len()) => Err(parameter("too long for GMAC")),
            Self::Gmac(gcm) => {
                gcm.absorb(data);
                Ok(())
            }
            Self::Xcbc(xcbc) => {
                xcbc.update(data);
                Ok(())
            }
        }
    }

    /// The whole tag of what was taken.
    pub(super) fn tag(&self) -> Result<[u8; BLOCK]> {
        match self {
            Self::Cmac(context) => {
                let tag = context.clone().sign().map_err(|_| failed())?;
                tag.as_ref().try_into().map_err(|_| failed())
            }
            Self::Gmac(gcm) => Ok(gcm.tag_of_associated_data()),
            Self::Xcbc(xcbc) => Ok(xcbc.tag()),
        }
    }
}

fn failed() -> Error {
    Error::Internal("AWS-LC failed in CMAC".to_owned())
}

/// XCBC-MAC (RFC 3566): CBC-MAC under K1, whose last block is changed by K2 or K3.
pub(super) struct Xcbc {
    inner: AesKey,
    whole: [u8; BLOCK],
    padded: [u8; BLOCK],
    state: [u8; BLOCK],
    /// The last block, which may be whole, for it is treated differently.
    held: [u8; BLOCK],
    held_length: usize,
}

impl Drop for Xcbc {
    fn drop(&mut self) {
        self.whole.zeroize();
        self.padded.zeroize();
        self.held.zeroize();
    }
}

impl Xcbc {
    fn new(key: &AesKey) -> Result<Self> {
        let derived = |byte: u8| {
            let mut block = [0; BLOCK];
            key.aes.ecb(true, &[byte; BLOCK], &mut block);
            block
        };
        let mut first = derived(1);
        let inner = AesKey::new(&first);
        first.zeroize();
        Ok(Self {
            inner: inner?,
            whole: derived(2),
            padded: derived(3),
            state: [0; BLOCK],
            held: [0; BLOCK],
            held_length: 0,
        })
    }

    fn update(&mut self, data: &[u8]) {
        for byte in data {
            if self.held_length == BLOCK {
                let held = self.held;
                self.state = self.chained(&held);
                self.held_length = 0;
            }
            self.held[self.held_length] = *byte;
            self.held_length += 1;
        }
    }

    fn chained(&self, block: &[u8; BLOCK]) -> [u8; BLOCK] {
        let (mut input, mut output) = (self.state, [0; BLOCK]);
        xor_into(&mut input, block);
        self.inner.aes.ecb(true, &input, &mut output);
        output
    }

    fn tag(&self) -> [u8; BLOCK] {
        let mut last = [0; BLOCK];
        last[..self.held_length].copy_from_slice(&self.held[..self.held_length]);
        if self.held_length == BLOCK {
            xor_into(&mut last, &self.whole);
        } else {
            last[self.held_length] = 0x80;
            xor_into(&mut last, &self.padded);
        }
        self.chained(&last)
    }
}

/// A code in parts.
pub(super) struct MacStream {
    pub(super) authenticator: Authenticator,
    pub(super) tag_length: usize,
}

impl Stream for MacStream {
    fn update_length(&self, _input: usize) -> usize {
        0
    }

    fn finish_length(&self) -> usize {
        self.tag_length
    }

    fn update(&mut self, input: &[u8], _output: &mut [u8]) -> Result<usize> {
        self.authenticator.update(input)?;
        Ok(0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        check_room(output, self.tag_length)?;
        output[..self.tag_length].copy_from_slice(&self.authenticator.tag()?[..self.tag_length]);
        Ok(self.tag_length)
    }

    fn verify(&mut self, signature: &[u8]) -> Result<()> {
        mac::compare(&self.authenticator.tag()?[..self.tag_length], signature)
    }
}
