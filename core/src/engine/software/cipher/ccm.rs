//! CCM (SP 800-38C) over any block cipher, in one part: the length of the data is in the first block.

use subtle::ConstantTimeEq;

use super::block::{BLOCK, BlockCipher, Counter};

/// Bytes given to the cipher at once.
const CHUNK: usize = 16 * BLOCK;

/// Whether data of that length can be encrypted with a nonce of that length (7 to 13 bytes).
pub(super) fn has_room(nonce: usize, data: usize) -> bool {
    let length_bytes = 15 - nonce;
    length_bytes >= 8 || (data as u64) < 1 << (8 * length_bytes)
}

/// Encrypts; answers the tag, of which the caller keeps `tag_length` bytes. Nonce, tag length and room
/// were checked by the caller.
pub(super) fn seal(
    cipher: &impl BlockCipher,
    nonce: &[u8],
    aad: &[u8],
    tag_length: usize,
    input: &[u8],
    output: &mut [u8],
) -> [u8; BLOCK] {
    let mut tag = authenticate(cipher, nonce, aad, tag_length, input);
    let mut counter = first_counter(nonce);
    mask(cipher, &mut counter, &mut tag);
    cipher.ctr(&mut counter, input, output);
    tag
}

/// Decrypts if the tag matches; else `output` holds zeros.
pub(super) fn open(
    cipher: &impl BlockCipher,
    nonce: &[u8],
    aad: &[u8],
    input: &[u8],
    tag: &[u8],
    output: &mut [u8],
) -> bool {
    let mut counter = first_counter(nonce);
    let mut pad = [0; BLOCK];
    mask(cipher, &mut counter, &mut pad);
    cipher.ctr(&mut counter, input, output);
    let mut expected = authenticate(cipher, nonce, aad, tag.len(), output);
    for (byte, pad) in expected.iter_mut().zip(pad) {
        *byte ^= pad;
    }
    let matches: bool = expected[..tag.len()].ct_eq(tag).into();
    if !matches {
        output.fill(0);
    }
    matches
}

/// A.3: flags, nonce, counter 0.
fn first_counter(nonce: &[u8]) -> Counter {
    let mut block = [0; BLOCK];
    block[0] = (14 - nonce.len()) as u8;
    block[1..=nonce.len()].copy_from_slice(nonce);
    Counter {
        block,
        ..Counter::default()
    }
}

/// Encrypts a tag with the first block of the key stream.
fn mask(cipher: &impl BlockCipher, counter: &mut Counter, tag: &mut [u8; BLOCK]) {
    let plain = *tag;
    cipher.ctr(counter, &plain, tag);
}

/// The CBC-MAC of A.2's blocks: B0, the associated data with its length before it, the data.
fn authenticate(
    cipher: &impl BlockCipher,
    nonce: &[u8],
    aad: &[u8],
    tag_length: usize,
    data: &[u8],
) -> [u8; BLOCK] {
    let length_bytes = 15 - nonce.len();
    let mut first = [0; BLOCK];
    let has_aad = u8::from(!aad.is_empty());
    first[0] = has_aad << 6 | ((tag_length as u8 - 2) / 2) << 3 | (length_bytes as u8 - 1);
    first[1..=nonce.len()].copy_from_slice(nonce);
    let length = (data.len() as u64).to_be_bytes();
    for (to, from) in first[1 + nonce.len()..]
        .iter_mut()
        .rev()
        .zip(length.iter().rev())
    {
        *to = *from;
    }
    let mut mac = [0; BLOCK];
    chain(cipher, &mut mac, &first);
    if !aad.is_empty() {
        let mut head = [0; BLOCK];
        let prefix = aad_length(aad.len() as u64, &mut head);
        let (now, later) = aad.split_at(aad.len().min(BLOCK - prefix));
        head[prefix..][..now.len()].copy_from_slice(now);
        chain(cipher, &mut mac, &head);
        chain(cipher, &mut mac, later);
    }
    chain(cipher, &mut mac, data);
    mac
}

/// A.2.2: writes the length of the associated data; answers the bytes it took.
fn aad_length(length: u64, head: &mut [u8; BLOCK]) -> usize {
    let bytes = length.to_be_bytes();
    match length {
        0..0xff00 => {
            head[..2].copy_from_slice(&bytes[6..]);
            2
        }
        0xff00..=0xffff_ffff => {
            head[..2].copy_from_slice(&[0xff, 0xfe]);
            head[2..6].copy_from_slice(&bytes[4..]);
            6
        }
        _ => {
            head[..2].copy_from_slice(&[0xff, 0xff]);
            head[2..10].copy_from_slice(&bytes);
            10
        }
    }
}

/// Takes data into a CBC-MAC, filled up with zeros to whole blocks.
fn chain(cipher: &impl BlockCipher, mac: &mut [u8; BLOCK], data: &[u8]) {
    let mut scratch = zeroize::Zeroizing::new([0; CHUNK]);
    for part in data.chunks(CHUNK) {
        let whole = part.len() - part.len() % BLOCK;
        cipher.cbc(true, mac, &part[..whole], &mut scratch[..whole]);
        if whole < part.len() {
            let mut last = [0; BLOCK];
            last[..part.len() - whole].copy_from_slice(&part[whole..]);
            cipher.cbc(true, mac, &last, &mut scratch[..BLOCK]);
        }
    }
}
