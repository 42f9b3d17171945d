//! The block ciphers: AES on AWS-LC, SM4 and triple DES on RustCrypto's crates. Modes are written once over
//! this trait.

use aws_lc_rs::cmac;
use des::{TdesEde2, TdesEde3};
use sm4::Sm4;
use sm4::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use super::gcm;
use crate::engine::software::aws_lc::aes::{Aes, TAG};
pub(super) use crate::engine::software::aws_lc::aes::{BLOCK, Counter};
use crate::engine::software::table::Kind;
use crate::error::{Error, Result};

/// A block cipher with its key. In all methods input and output have the same length.
pub(in crate::engine::software) trait BlockCipher:
    Send + Sync + 'static
{
    /// The key's row in the table.
    const KIND: Kind;

    /// Bytes of a block: 16, or 8 for triple DES, which has ECB and CBC only.
    const LENGTH: usize = BLOCK;

    /// Encrypts or decrypts whole blocks, each alone.
    fn ecb(&self, encrypt: bool, input: &[u8], output: &mut [u8]);

    /// Encrypts or decrypts whole blocks, chained; `iv`, as much of it as a block has, goes on for the next call.
    fn cbc(&self, encrypt: bool, iv: &mut [u8; BLOCK], input: &[u8], output: &mut [u8]) {
        let iv = &mut iv[..Self::LENGTH];
        let blocks = input.chunks_exact(Self::LENGTH);
        for (from, to) in blocks.zip(output.chunks_exact_mut(Self::LENGTH)) {
            if encrypt {
                xor_into(iv, from);
                self.ecb(true, iv, to);
                iv.copy_from_slice(to);
            } else {
                self.ecb(false, from, to);
                xor_into(to, iv);
                iv.copy_from_slice(from);
            }
        }
    }

    /// Encrypts or decrypts with the key stream of a 128-bit counter.
    fn ctr(&self, counter: &mut Counter, input: &[u8], output: &mut [u8]) {
        for (from, to) in input.iter().zip(output) {
            if counter.used == 0 {
                self.ecb(true, &counter.block, &mut counter.stream);
                counter.block = u128::from_be_bytes(counter.block)
                    .wrapping_add(1)
                    .to_be_bytes();
            }
            *to = from ^ counter.stream[counter.used as usize];
            counter.used = (counter.used + 1) % BLOCK as u32;
        }
    }

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
    pub(in crate::engine::software) aes: Aes,
    /// For CMAC.
    pub(super) cmac: cmac::Key,
    /// Bytes of the key.
    length: usize,
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
            length: key.len(),
        })
    }

    /// Whether XCBC-MAC is defined for the key (RFC 3566 section 4: keys of 128 bits only).
    pub(super) fn has_xcbc(&self) -> bool {
        self.length == 16
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
}

/// A triple DES key of two or three parts (SP 800-67). The crate's S-boxes are tables: not safe from an attacker who
/// shares the processor's cache.
pub(in crate::engine::software) enum Des3Key {
    Two(TdesEde2),
    Three(TdesEde3),
}

impl Des3Key {
    /// Takes a key of 16 or 24 bytes; parity bits are not looked at.
    pub(in crate::engine::software) fn new(key: &[u8]) -> Result<Self> {
        let three = TdesEde3::new_from_slice(key).map(Self::Three);
        three
            .or_else(|_| TdesEde2::new_from_slice(key).map(Self::Two))
            .map_err(|_| Error::InvalidMaterial("a triple DES key has 16 or 24 bytes".to_owned()))
    }
}

impl BlockCipher for Des3Key {
    const KIND: Kind = Kind::Des3;
    const LENGTH: usize = 8;

    fn ecb(&self, encrypt: bool, input: &[u8], output: &mut [u8]) {
        output.copy_from_slice(input);
        for block in output.as_chunks_mut::<8>().0 {
            let block: &mut Array<u8, _> = block.into();
            match (self, encrypt) {
                (Self::Two(cipher), true) => cipher.encrypt_block(block),
                (Self::Two(cipher), false) => cipher.decrypt_block(block),
                (Self::Three(cipher), true) => cipher.encrypt_block(block),
                (Self::Three(cipher), false) => cipher.decrypt_block(block),
            }
        }
    }
}

/// `to` xor `from`, as far as `to` goes.
pub(super) fn xor_into(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to ^= from;
    }
}
