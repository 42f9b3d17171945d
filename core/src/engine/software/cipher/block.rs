//! The block ciphers: AES on AWS-LC, SM4 on the `sm4` crate. Modes are written once over this trait.

use aws_lc_rs::cmac;
use sm4::Sm4;
use sm4::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use super::gcm;
use crate::engine::software::aws_lc::aes::{Aes, TAG};
pub(super) use crate::engine::software::aws_lc::aes::{BLOCK, Counter};
use crate::engine::software::table::Kind;
use crate::error::{Error, Result};

/// A block cipher of 16-byte blocks with its key. In all methods input and output have the same length.
pub(in crate::engine::software) trait BlockCipher:
    Send + Sync + 'static
{
    /// The key's row in the table.
    const KIND: Kind;

    /// Encrypts or decrypts whole blocks, each alone.
    fn ecb(&self, encrypt: bool, input: &[u8], output: &mut [u8]);

    /// Encrypts or decrypts whole blocks, chained; `iv` goes on for the next call.
    fn cbc(&self, encrypt: bool, iv: &mut [u8; BLOCK], input: &[u8], output: &mut [u8]);

    /// Encrypts or decrypts with the key stream of a 128-bit counter.
    fn ctr(&self, counter: &mut Counter, input: &[u8], output: &mut [u8]);

    /// GCM encryption in one part.
    fn gcm_seal(
        &self,
        nonce: &[u8],
        aad: &[u8],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<[u8; TAG]>
    where
        Self: Sized,
    {
        gcm::seal(self, nonce, aad, input, output)
            .ok_or_else(|| Error::DataLength("too long for GCM".to_owned()))
    }

    /// GCM decryption in one part; false when the tag, which may be cut, does not match.
    fn gcm_open(
        &self,
        nonce: &[u8],
        aad: &[u8],
        input: &[u8],
        tag: &[u8],
        output: &mut [u8],
    ) -> bool
    where
        Self: Sized,
    {
        gcm::open(self, nonce, aad, input, tag, output)
    }

    /// What only AES has here: key wrap and CMAC.
    fn aes(&self) -> Option<&AesKey> {
        None
    }
}

/// An AES key.
pub(in crate::engine::software) struct AesKey {
    /// For the modes and key wrap.
    pub(super) aes: Aes,
    /// For CMAC.
    pub(super) cmac: cmac::Key,
}

impl AesKey {
    /// Takes a key of 16, 24 or 32 bytes.
    pub(in crate::engine::software) fn new(key: &[u8]) -> Result<Self> {
        let algorithm = match key.len() {
            16 => cmac::AES_128,
            24 => cmac::AES_192,
            32 => cmac::AES_256,
            _ => {
                return Err(Error::InvalidMaterial(
                    "an AES key has 16, 24 or 32 bytes".to_owned(),
                ));
            }
        };
        let failed = |_| Error::Internal("AWS-LC failed to expand an AES key".to_owned());
        Ok(Self {
            aes: Aes::new(key).map_err(|_| failed(()))?,
            cmac: cmac::Key::new(algorithm, key).map_err(|_| failed(()))?,
        })
    }
}

impl BlockCipher for AesKey {
    const KIND: Kind = Kind::Aes;

    fn ecb(&self, encrypt: bool, input: &[u8], output: &mut [u8]) {
        self.aes.ecb(encrypt, input, output);
    }

    fn cbc(&self, encrypt: bool, iv: &mut [u8; BLOCK], input: &[u8], output: &mut [u8]) {
        self.aes.cbc(encrypt, iv, input, output);
    }

    fn ctr(&self, counter: &mut Counter, input: &[u8], output: &mut [u8]) {
        self.aes.ctr(counter, input, output);
    }

    fn gcm_seal(
        &self,
        nonce: &[u8],
        aad: &[u8],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<[u8; TAG]> {
        self.aes
            .gcm_seal(nonce, aad, input, output)
            .map_err(|_| Error::DataLength("too long for GCM".to_owned()))
    }

    fn gcm_open(
        &self,
        nonce: &[u8],
        aad: &[u8],
        input: &[u8],
        tag: &[u8],
        output: &mut [u8],
    ) -> bool {
        match tag.try_into() {
            Ok(whole) => self.aes.gcm_open(nonce, aad, input, whole, output).is_ok(),
            // A context of AWS-LC has one tag length; cut tags take the way that all ciphers have.
            Err(_) => gcm::open(self, nonce, aad, input, tag, output),
        }
    }

    fn aes(&self) -> Option<&AesKey> {
        Some(self)
    }
}

/// An SM4 key.
pub(in crate::engine::software) struct Sm4Key(Sm4);

impl Sm4Key {
    /// Takes a key of 16 bytes.
    pub(in crate::engine::software) fn new(key: &[u8]) -> Result<Self> {
        Sm4::new_from_slice(key)
            .map(Self)
            .map_err(|_| Error::InvalidMaterial("an SM4 key has 16 bytes".to_owned()))
    }

    fn block(&self, encrypt: bool, block: &mut [u8; BLOCK]) {
        let block: &mut Array<u8, _> = block.into();
        if encrypt {
            self.0.encrypt_block(block);
        } else {
            self.0.decrypt_block(block);
        }
    }
}

impl BlockCipher for Sm4Key {
    const KIND: Kind = Kind::Sm4;

    fn ecb(&self, encrypt: bool, input: &[u8], output: &mut [u8]) {
        output.copy_from_slice(input);
        for block in output.as_chunks_mut().0 {
            self.block(encrypt, block);
        }
    }

    fn cbc(&self, encrypt: bool, iv: &mut [u8; BLOCK], input: &[u8], output: &mut [u8]) {
        let blocks = input.as_chunks().0.iter().zip(output.as_chunks_mut().0);
        for (from, to) in blocks {
            if encrypt {
                *to = xor(iv, from);
                self.block(true, to);
                *iv = *to;
            } else {
                *to = *from;
                self.block(false, to);
                *to = xor(iv, to);
                *iv = *from;
            }
        }
    }

    fn ctr(&self, counter: &mut Counter, input: &[u8], output: &mut [u8]) {
        for (from, to) in input.iter().zip(output) {
            if counter.used == 0 {
                counter.stream = counter.block;
                self.block(true, &mut counter.stream);
                counter.block = u128::from_be_bytes(counter.block)
                    .wrapping_add(1)
                    .to_be_bytes();
            }
            *to = from ^ counter.stream[counter.used as usize];
            counter.used = (counter.used + 1) % BLOCK as u32;
        }
    }
}

fn xor(one: &[u8; BLOCK], other: &[u8; BLOCK]) -> [u8; BLOCK] {
    (u128::from_ne_bytes(*one) ^ u128::from_ne_bytes(*other)).to_ne_bytes()
}
