//! Ciphertext stealing: CBC-CS1 (SP 800-38A addendum) and XTS (IEEE 1619, SP 800-38E). Data of any length
//! from one block; the ciphertext is as long. Whole blocks are written as they come, except the last one or two,
//! which are treated together with what follows them.

use std::sync::Arc;

use zeroize::{Zeroize, Zeroizing};

use super::block::{BLOCK, BlockCipher, xor_into};
use super::stream::no_signature;
use super::{SymmetricKey, XtsKey};
use crate::engine::software::ready::length;
use crate::engine::{Stream, check_room};
use crate::error::Result;

/// Bytes treated at once by XTS.
const CHUNK: usize = 32 * BLOCK;

/// Most bytes that are kept back for the end.
pub(super) const LONGEST_TAIL: usize = 2 * BLOCK;

/// The chaining value of CBC, the tweak of XTS.
pub(super) type Chain = [u8; BLOCK];

/// A key with a mode that steals ciphertext. The slices have the same length.
pub(super) trait Stealing: Send + Sync + 'static {
    /// Encrypts or decrypts whole blocks that are not among the last.
    fn body(&self, chain: &mut Chain, encrypt: bool, input: &[u8], output: &mut [u8]);

    /// The end: one block to two.
    fn tail(&self, chain: &mut Chain, encrypt: bool, input: &[u8], output: &mut [u8]);
}

/// How much of `all` bytes can be treated before it is known whether more will come.
pub(super) const fn body_length(all: usize) -> usize {
    // 17 bytes are the shortest tail that has to be kept: a block and what would steal from it.
    all.saturating_sub(BLOCK + 1) / BLOCK * BLOCK
}

/// Encrypts or decrypts in one part; `output` has the input's length.
pub(super) fn whole(
    key: &impl Stealing,
    mut chain: Chain,
    encrypt: bool,
    input: &[u8],
    output: &mut [u8],
) -> Result<usize> {
    check(input.len())?;
    let body = body_length(input.len());
    let (head, tail) = output.split_at_mut(body);
    key.body(&mut chain, encrypt, &input[..body], head);
    key.tail(&mut chain, encrypt, &input[body..], tail);
    chain.zeroize();
    Ok(input.len())
}

pub(super) fn check(all: usize) -> Result<()> {
    if all < BLOCK {
        Err(length(
            "ciphertext stealing takes a block of 16 bytes or more",
        ))
    } else {
        Ok(())
    }
}

/// CBC with ciphertext stealing: the last block but one is the short one, and is where it would be in CBC.
impl<C: BlockCipher> Stealing for SymmetricKey<C> {
    fn body(&self, chain: &mut Chain, encrypt: bool, input: &[u8], output: &mut [u8]) {
        self.cipher.cbc(encrypt, chain, input, output);
    }

    fn tail(&self, chain: &mut Chain, encrypt: bool, input: &[u8], output: &mut [u8]) {
        let short = input.len() - BLOCK;
        if short == 0 || short == BLOCK {
            return self.body(chain, encrypt, input, output);
        }
        if encrypt {
            // The short block is filled up with zeros; as much of the block before it is not sent.
            let mut padded = Zeroizing::new([0; LONGEST_TAIL]);
            padded[..input.len()].copy_from_slice(input);
            let mut two = [0; LONGEST_TAIL];
            self.cipher.cbc(true, chain, &*padded, &mut two);
            output[..short].copy_from_slice(&two[..short]);
            output[short..].copy_from_slice(&two[BLOCK..]);
        } else {
            // What was not sent is what the zeros became.
            let (sent, last) = input.split_at(short);
            let mut opened = Zeroizing::new([0; BLOCK]);
            self.cipher.ecb(false, last, &mut *opened);
            let mut before = [0; BLOCK];
            before[..short].copy_from_slice(sent);
            before[short..].copy_from_slice(&opened[short..]);
            let (first, second) = output.split_at_mut(BLOCK);
            self.cipher.cbc(false, chain, &before, first);
            second.copy_from_slice(&opened[..short]);
            xor_into(second, sent);
        }
    }
}

/// XTS of one data unit.
impl Stealing for XtsKey {
    fn body(&self, tweak: &mut Chain, encrypt: bool, input: &[u8], output: &mut [u8]) {
        let mut tweaks = Zeroizing::new([0; CHUNK]);
        let mut masked = Zeroizing::new([0; CHUNK]);
        for (from, to) in input.chunks(CHUNK).zip(output.chunks_mut(CHUNK)) {
            for place in tweaks[..from.len()].chunks_exact_mut(BLOCK) {
                place.copy_from_slice(tweak);
                double(tweak);
            }
            let masked = &mut masked[..from.len()];
            masked.copy_from_slice(from);
            xor_into(masked, &*tweaks);
            self.data.ecb(encrypt, masked, to);
            xor_into(to, &*tweaks);
        }
    }

    fn tail(&self, tweak: &mut Chain, encrypt: bool, input: &[u8], output: &mut [u8]) {
        let short = input.len() - BLOCK;
        if short == 0 || short == BLOCK {
            return self.body(tweak, encrypt, input, output);
        }
        // Decryption takes the two tweaks in the other order.
        let (mut first, mut second) = (*tweak, *tweak);
        double(if encrypt { &mut second } else { &mut first });
        let (whole, rest) = output.split_at_mut(BLOCK);
        let mut block = Zeroizing::new([0; BLOCK]);
        self.body(&mut first, encrypt, &input[..BLOCK], &mut *block);
        rest.copy_from_slice(&block[..short]);
        block[..short].copy_from_slice(&input[BLOCK..]);
        self.body(&mut second, encrypt, &*block, whole);
        first.zeroize();
        second.zeroize();
    }
}

/// Multiplies a tweak by the primitive element of GF(2^128), least significant byte first.
fn double(tweak: &mut Chain) {
    let value = u128::from_le_bytes(*tweak);
    // Without a branch: the tweak is secret.
    let carry = (value >> 127) * 0x87;
    *tweak = (value << 1 ^ carry).to_le_bytes();
}

/// Ciphertext stealing in parts.
pub(super) struct Tailed<K> {
    key: Arc<K>,
    chain: Chain,
    encrypt: bool,
    held: [u8; LONGEST_TAIL],
    held_length: usize,
}

impl<K> Tailed<K> {
    pub(super) fn new(key: Arc<K>, chain: Chain, encrypt: bool) -> Self {
        Self {
            key,
            chain,
            encrypt,
            held: [0; LONGEST_TAIL],
            held_length: 0,
        }
    }
}

impl<K> Drop for Tailed<K> {
    fn drop(&mut self) {
        self.held.zeroize();
        self.chain.zeroize();
    }
}

impl<K: Stealing> Stream for Tailed<K> {
    fn update_length(&self, input: usize) -> usize {
        body_length(self.held_length.saturating_add(input))
    }

    fn finish_length(&self) -> usize {
        self.held_length
    }

    fn update(&mut self, mut input: &[u8], output: &mut [u8]) -> Result<usize> {
        let written = self.update_length(input.len());
        check_room(output, written)?;
        let mut output = &mut output[..written];
        // What was held, filled up to whole blocks, goes first.
        let fill = self.held_length.next_multiple_of(BLOCK);
        if !output.is_empty() && self.held_length > 0 && fill <= output.len() {
            let (head, rest) = input.split_at(fill - self.held_length);
            self.held[self.held_length..fill].copy_from_slice(head);
            let (first, more) = output.split_at_mut(fill);
            let held = Zeroizing::new(self.held);
            self.key
                .body(&mut self.chain, self.encrypt, &held[..fill], first);
            self.held_length = 0;
            (input, output) = (rest, more);
        } else if !output.is_empty() && self.held_length > 0 {
            // Two blocks are held, of which one can go: what comes is less than a block.
            let held = Zeroizing::new(self.held);
            self.key
                .body(&mut self.chain, self.encrypt, &held[..BLOCK], output);
            self.held.copy_within(BLOCK.., 0);
            self.held_length -= BLOCK;
            output = &mut [];
        }
        let (now, later) = input.split_at(output.len());
        self.key.body(&mut self.chain, self.encrypt, now, output);
        self.held[self.held_length..][..later.len()].copy_from_slice(later);
        self.held_length += later.len();
        Ok(written)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        check(self.held_length)?;
        check_room(output, self.held_length)?;
        let held = &self.held[..self.held_length];
        let output = &mut output[..held.len()];
        let mut chain = self.chain;
        self.key.tail(&mut chain, self.encrypt, held, output);
        Ok(self.held_length)
    }

    fn verify(&mut self, _signature: &[u8]) -> Result<()> {
        no_signature()
    }
}
