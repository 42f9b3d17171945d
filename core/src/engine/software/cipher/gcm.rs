//! GCM (SP 800-38D) over any block cipher, in parts: for SM4, for cut tags and for streams. AES in one part
//! goes to AWS-LC.

use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;

use super::block::{BLOCK, BlockCipher, Counter};

/// Bytes that follow one initialization vector: 2^39 − 256 bits (SP 800-38D section 5.2.1.1).
const LONGEST_DATA: u64 = (1 << 36) - 32;

/// A running GCM computation.
pub(super) struct Gcm {
    counter: Counter,
    hash: GHash,
    /// Ciphertext that does not fill a block yet.
    held: [u8; BLOCK],
    held_length: usize,
    aad_length: u64,
    data_length: u64,
    /// E(J0): the tag is the hash xor this.
    mask: [u8; BLOCK],
}

impl Gcm {
    /// Starts with an initialization vector of any length but zero.
    pub(super) fn new(cipher: &impl BlockCipher, iv: &[u8], aad: &[u8]) -> Self {
        let mut subkey = [0; BLOCK];
        cipher.ecb(true, &[0; BLOCK], &mut subkey);
        let mut hash = GHash::new(&subkey.into());
        let first = if let Ok(iv) = <[u8; 12]>::try_from(iv) {
            let mut block = [0; BLOCK];
            block[..12].copy_from_slice(&iv);
            block[15] = 1;
            block
        } else {
            let mut lengths = [0; BLOCK];
            lengths[8..].copy_from_slice(&(iv.len() as u64 * 8).to_be_bytes());
            let mut hash = hash.clone();
            hash.update_padded(iv);
            hash.update(&[lengths.into()]);
            hash.finalize().into()
        };
        let mut mask = [0; BLOCK];
        cipher.ecb(true, &first, &mut mask);
        hash.update_padded(aad);
        let mut counter = Counter {
            block: first,
            ..Counter::default()
        };
        increment(&mut counter.block);
        Self {
            counter,
            hash,
            held: [0; BLOCK],
            held_length: 0,
            aad_length: aad.len() as u64,
            data_length: 0,
            mask,
        }
    }

    /// Whether that many bytes more are allowed under one initialization vector.
    pub(super) fn has_room(&self, more: usize) -> bool {
        self.data_length.saturating_add(more as u64) <= LONGEST_DATA
    }

    /// Encrypts a part.
    pub(super) fn encrypt(&mut self, cipher: &impl BlockCipher, input: &[u8], output: &mut [u8]) {
        self.key_stream(cipher, input, output);
        self.absorb(output);
    }

    /// Takes ciphertext into the tag without decrypting it.
    pub(super) fn absorb(&mut self, mut ciphertext: &[u8]) {
        self.data_length += ciphertext.len() as u64;
        if self.held_length > 0 {
            let taken = ciphertext.len().min(BLOCK - self.held_length);
            let (head, rest) = ciphertext.split_at(taken);
            self.held[self.held_length..][..taken].copy_from_slice(head);
            self.held_length += taken;
            ciphertext = rest;
            if self.held_length < BLOCK {
                return;
            }
            self.hash.update(&[self.held.into()]);
        }
        let whole = ciphertext.len() - ciphertext.len() % BLOCK;
        self.hash.update_padded(&ciphertext[..whole]);
        let rest = &ciphertext[whole..];
        self.held[..rest.len()].copy_from_slice(rest);
        self.held_length = rest.len();
    }

    /// The key stream, whose counter is of 32 bits: what is before them must not be carried into.
    fn key_stream(&mut self, cipher: &impl BlockCipher, mut input: &[u8], mut output: &mut [u8]) {
        while !input.is_empty() {
            let prefix: [u8; 12] = std::array::from_fn(|at| self.counter.block[at]);
            let low = u32::from_be_bytes(std::array::from_fn(|at| self.counter.block[12 + at]));
            let left = (BLOCK as u64 - u64::from(self.counter.used)) % BLOCK as u64;
            let blocks = (1 << 32) - u64::from(low);
            let most = usize::try_from(left + blocks * BLOCK as u64).unwrap_or(usize::MAX);
            let (now, later) = input.split_at(input.len().min(most));
            let (to, rest) = output.split_at_mut(now.len());
            cipher.ctr(&mut self.counter, now, to);
            self.counter.block[..12].copy_from_slice(&prefix);
            (input, output) = (later, rest);
        }
    }

    /// The tag of all that was taken.
    pub(super) fn tag(&self) -> [u8; BLOCK] {
        self.tag_with_lengths(self.aad_length, self.data_length)
    }

    /// GMAC: what was absorbed was no ciphertext but the associated data, of which `new` was given none. The hash
    /// differs in the lengths only.
    pub(super) fn tag_of_associated_data(&self) -> [u8; BLOCK] {
        self.tag_with_lengths(self.data_length, 0)
    }

    fn tag_with_lengths(&self, aad: u64, data: u64) -> [u8; BLOCK] {
        let mut hash = self.hash.clone();
        hash.update_padded(&self.held[..self.held_length]);
        let mut lengths = [0; BLOCK];
        lengths[..8].copy_from_slice(&(aad * 8).to_be_bytes());
        lengths[8..].copy_from_slice(&(data * 8).to_be_bytes());
        hash.update(&[lengths.into()]);
        let digest: [u8; BLOCK] = hash.finalize().into();
        std::array::from_fn(|at| digest[at] ^ self.mask[at])
    }
}

/// Encrypts in one part; none when that is too long.
pub(super) fn seal(
    cipher: &impl BlockCipher,
    iv: &[u8],
    aad: &[u8],
    input: &[u8],
    output: &mut [u8],
) -> Option<[u8; BLOCK]> {
    let mut gcm = Gcm::new(cipher, iv, aad);
    gcm.has_room(input.len()).then(|| {
        gcm.encrypt(cipher, input, output);
        gcm.tag()
    })
}

/// Decrypts in one part if the tag, which may be cut, matches; else writes nothing.
pub(super) fn open(
    cipher: &impl BlockCipher,
    iv: &[u8],
    aad: &[u8],
    input: &[u8],
    tag: &[u8],
    output: &mut [u8],
) -> bool {
    let mut gcm = Gcm::new(cipher, iv, aad);
    if tag.is_empty() || tag.len() > BLOCK || !gcm.has_room(input.len()) {
        return false;
    }
    gcm.absorb(input);
    let matches: bool = gcm.tag()[..tag.len()].ct_eq(tag).into();
    if matches {
        gcm.key_stream(cipher, input, output);
    }
    matches
}

/// inc32 of SP 800-38D section 6.2.
fn increment(block: &mut [u8; BLOCK]) {
    let low = u32::from_be_bytes(std::array::from_fn(|at| block[12 + at]));
    block[12..].copy_from_slice(&low.wrapping_add(1).to_be_bytes());
}
