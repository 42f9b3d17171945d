//! Output and cipher feedback (SP 800-38A sections 6.3 and 6.4) over any block cipher, in parts.

use zeroize::Zeroize;

use super::block::{BLOCK, BlockCipher};

/// What is fed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The cipher's output.
    Ofb,
    /// Ciphertext, this many bytes at a time: 1, 8 or 16.
    Cfb(usize),
    /// Ciphertext, a bit at a time. Data are whole bytes here, their most significant bit first.
    CfbBits,
}

/// A running computation.
pub(super) struct Feedback {
    mode: Mode,
    register: [u8; BLOCK],
    /// The register's encryption: key stream.
    stream: [u8; BLOCK],
    /// Ciphertext that has not been fed back yet.
    segment: [u8; BLOCK],
    /// Bytes used of the stream; 0 when the next one has to be made.
    used: usize,
}

impl Drop for Feedback {
    fn drop(&mut self) {
        self.stream.zeroize();
    }
}

impl Feedback {
    pub(super) fn new(mode: Mode, iv: &[u8; BLOCK]) -> Self {
        Self {
            mode,
            register: *iv,
            stream: [0; BLOCK],
            segment: [0; BLOCK],
            used: 0,
        }
    }

    /// Encrypts or decrypts a part of any length. The slices have the same length.
    pub(super) fn apply(
        &mut self,
        cipher: &impl BlockCipher,
        encrypt: bool,
        input: &[u8],
        output: &mut [u8],
    ) {
        for (from, to) in input.iter().zip(output) {
            *to = match self.mode {
                Mode::Ofb => self.output_feedback(cipher, *from),
                Mode::Cfb(length) => self.cipher_feedback(cipher, encrypt, length, *from),
                Mode::CfbBits => self.bits(cipher, encrypt, *from),
            };
        }
    }

    fn output_feedback(&mut self, cipher: &impl BlockCipher, from: u8) -> u8 {
        if self.used == 0 {
            cipher.ecb(true, &self.register, &mut self.stream);
            self.register = self.stream;
        }
        let to = from ^ self.stream[self.used];
        self.used = (self.used + 1) % BLOCK;
        to
    }

    fn cipher_feedback(
        &mut self,
        cipher: &impl BlockCipher,
        encrypt: bool,
        length: usize,
        from: u8,
    ) -> u8 {
        if self.used == 0 {
            cipher.ecb(true, &self.register, &mut self.stream);
        }
        let to = from ^ self.stream[self.used];
        self.segment[self.used] = if encrypt { to } else { from };
        self.used += 1;
        if self.used == length {
            self.register.copy_within(length.., 0);
            self.register[BLOCK - length..].copy_from_slice(&self.segment[..length]);
            self.used = 0;
        }
        to
    }

    fn bits(&mut self, cipher: &impl BlockCipher, encrypt: bool, from: u8) -> u8 {
        let mut to = 0;
        for place in (0..8).rev() {
            cipher.ecb(true, &self.register, &mut self.stream);
            let given = from >> place & 1;
            let made = given ^ self.stream[0] >> 7;
            to |= made << place;
            let fed_back = u128::from(if encrypt { made } else { given });
            let register = u128::from_be_bytes(self.register);
            self.register = (register << 1 | fed_back).to_be_bytes();
        }
        to
    }
}
