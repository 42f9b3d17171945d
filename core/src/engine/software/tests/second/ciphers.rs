//! Block and stream ciphers: modes by their formulas (SP 800-38A) over RustCrypto's ciphers, or by its crates.

use aes::cipher::consts::{U7, U8, U12, U13, U16};
use aes::cipher::{Array, Block, BlockCipherEncrypt, KeyInit};
use aes_gcm::aead::{Aead, Payload};

use super::{Draw, Kind, in_parts, run, secret_key};
use crate::algorithm::KeySpec;
use crate::engine::ReadyKey;
use crate::engine::software::tests::Arc;
use crate::mechanism::{Mechanism, Purpose};
use crate::secret::SecretBytes;

/// One block encrypted by another implementation.
type Encrypt = Box<dyn Fn(&[u8]) -> Vec<u8>>;

fn encrypt_with<C: BlockCipherEncrypt + KeyInit + 'static>(key: &[u8]) -> Encrypt {
    let cipher = C::new_from_slice(key).unwrap();
    Box::new(move |block| {
        let mut block = Block::<C>::try_from(block).unwrap();
        cipher.encrypt_block(&mut block);
        block.to_vec()
    })
}

/// A random key of ours, its bytes, one block of the other's, and the length of a block.
struct Pair {
    ours: Arc<dyn ReadyKey>,
    value: Vec<u8>,
    block: Encrypt,
    size: usize,
}

fn pair(draw: &mut Draw, kind: Kind) -> Pair {
    let length = match kind {
        Kind::Aes => draw.pick(&[16, 24, 32]),
        Kind::Des3 => 24,
        _ => 16,
    };
    let value = draw.bytes(length);
    let bits = 8 * length as u32;
    let (spec, block): (_, Encrypt) = match (kind, length) {
        (Kind::Aes, 16) => (KeySpec::Aes { bits }, encrypt_with::<aes::Aes128>(&value)),
        (Kind::Aes, 24) => (KeySpec::Aes { bits }, encrypt_with::<aes::Aes192>(&value)),
        (Kind::Aes, _) => (KeySpec::Aes { bits }, encrypt_with::<aes::Aes256>(&value)),
        (Kind::Des3, _) => (
            KeySpec::Des3 { bits: 168 },
            encrypt_with::<des::TdesEde3>(&value),
        ),
        _ => (KeySpec::Sm4, encrypt_with::<sm4::Sm4>(&value)),
    };
    Pair {
        ours: secret_key(spec, &value),
        value,
        block,
        size: if kind == Kind::Des3 { 8 } else { 16 },
    }
}

/// Encrypts and decrypts with ours, whole and in parts, against what the other made.
fn both_ways(draw: &mut Draw, ours: &dyn ReadyKey, of: &Mechanism, plain: &[u8], sealed: &[u8]) {
    assert_eq!(run(ours, Purpose::Encrypt, of, plain).unwrap(), sealed);
    assert_eq!(run(ours, Purpose::Decrypt, of, sealed).unwrap(), plain);
    let part = 1 + draw.below(40);
    assert_eq!(in_parts(ours, Purpose::Encrypt, of, plain, part), sealed);
    assert_eq!(in_parts(ours, Purpose::Decrypt, of, sealed, part), plain);
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter()
        .zip(other)
        .map(|(one, other)| one ^ other)
        .collect()
}

fn whole_blocks(draw: &mut Draw, size: usize) -> Vec<u8> {
    let blocks = 1 + draw.below(18);
    draw.bytes(blocks * size)
}

/// An initialization vector in the core's form: the first bytes are a short block's.
fn vector(draw: &mut Draw, size: usize) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[..size].copy_from_slice(&draw.bytes(size));
    iv
}

pub(super) fn ecb(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let plain = whole_blocks(draw, pair.size);
    let sealed = plain
        .chunks(pair.size)
        .flat_map(|block| (pair.block)(block));
    let sealed: Vec<u8> = sealed.collect();
    both_ways(draw, &*pair.ours, &Mechanism::Ecb, &plain, &sealed);
}

fn cbc_by_formula(pair: &Pair, iv: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut last = iv[..pair.size].to_vec();
    let mut sealed = Vec::new();
    for block in plain.chunks(pair.size) {
        last = (pair.block)(&xor(block, &last));
        sealed.extend_from_slice(&last);
    }
    sealed
}

pub(super) fn cbc(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let (plain, iv) = (whole_blocks(draw, pair.size), vector(draw, pair.size));
    let sealed = cbc_by_formula(&pair, &iv, &plain);
    both_ways(draw, &*pair.ours, &Mechanism::Cbc { iv }, &plain, &sealed);
}

pub(super) fn cbc_pad(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let (plain, iv) = (draw.data(), vector(draw, pair.size));
    let missing = pair.size - plain.len() % pair.size;
    let padded = [&plain[..], &vec![missing as u8; missing]].concat();
    let sealed = cbc_by_formula(&pair, &iv, &padded);
    both_ways(
        draw,
        &*pair.ours,
        &Mechanism::CbcPad { iv },
        &plain,
        &sealed,
    );
}

pub(super) fn cts(draw: &mut Draw, kind: Kind) {
    use cts::cipher::InnerIvInit;
    use cts::{CbcCs1, Encrypt as _};
    let pair = pair(draw, kind);
    let length = 17 + draw.below(200);
    let (plain, iv) = (draw.bytes(length), vector(draw, 16));
    fn theirs<C: BlockCipherEncrypt + KeyInit>(key: &[u8], iv: &[u8; 16], data: &[u8]) -> Vec<u8>
    where
        CbcCs1<C>: InnerIvInit<Inner = C> + cts::Encrypt,
    {
        let cipher = C::new_from_slice(key).unwrap();
        let mode = CbcCs1::<C>::inner_iv_slice_init(cipher, iv).unwrap();
        let mut sealed = data.to_vec();
        mode.encrypt(&mut sealed).unwrap();
        sealed
    }
    let sealed = match (kind, pair.value.len()) {
        (Kind::Sm4, _) => theirs::<sm4::Sm4>(&pair.value, &iv, &plain),
        (_, 16) => theirs::<aes::Aes128>(&pair.value, &iv, &plain),
        (_, 24) => theirs::<aes::Aes192>(&pair.value, &iv, &plain),
        _ => theirs::<aes::Aes256>(&pair.value, &iv, &plain),
    };
    both_ways(draw, &*pair.ours, &Mechanism::Cts { iv }, &plain, &sealed);
}

pub(super) fn ofb(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let (plain, iv) = (draw.data(), vector(draw, 16));
    let (mut stream, mut sealed) = (iv.to_vec(), Vec::new());
    for part in plain.chunks(16) {
        stream = (pair.block)(&stream);
        sealed.extend(xor(part, &stream));
    }
    both_ways(draw, &*pair.ours, &Mechanism::Ofb { iv }, &plain, &sealed);
}

/// Bit by bit: segments of s bits, of which the register takes the ciphertext in.
pub(super) fn cfb(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let bits = draw.pick(&[1, 8, 64, 128]);
    let iv = vector(draw, 16);
    let length = match bits {
        1 => 1 + draw.below(20),
        _ => draw.below(200),
    };
    let plain = draw.bytes(length);
    let bit = |bytes: &[u8], at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
    let mut register: Vec<u8> = (0..128).map(|at| bit(&iv, at)).collect();
    let mut sealed = vec![0; plain.len()];
    let total = 8 * plain.len();
    for start in (0..total).step_by(bits as usize) {
        let bytes: Vec<u8> = register
            .chunks(8)
            .map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit))
            .collect();
        let output = (pair.block)(&bytes);
        let end = (start + bits as usize).min(total);
        for at in start..end {
            let mixed = bit(&plain, at) ^ bit(&output, at - start);
            sealed[at / 8] |= mixed << (7 - at % 8);
            register.remove(0);
            register.push(mixed);
        }
    }
    let mechanism = Mechanism::Cfb { iv, bits };
    both_ways(draw, &*pair.ours, &mechanism, &plain, &sealed);
}

pub(super) fn ctr(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let (plain, start) = (draw.data(), vector(draw, 16));
    let counter_bits = draw.pick(&[20, 32, 64, 100, 128]);
    let mut counter = u128::from_be_bytes(start);
    // From a number from which there is room.
    counter &= !(1 << (counter_bits - 1));
    let counter_block = counter.to_be_bytes();
    let mut sealed = Vec::new();
    for part in plain.chunks(16) {
        sealed.extend(xor(part, &(pair.block)(&counter.to_be_bytes())));
        counter += 1;
    }
    let mechanism = Mechanism::Ctr {
        counter_block,
        counter_bits,
    };
    both_ways(draw, &*pair.ours, &mechanism, &plain, &sealed);
}

fn sealed_by<C: Aead>(cipher: &C, nonce: &[u8], aad: &[u8], msg: &[u8]) -> Vec<u8> {
    let nonce = nonce.try_into().unwrap();
    cipher.encrypt(nonce, Payload { msg, aad }).unwrap()
}

pub(super) fn gcm_of(kind: Kind, key: &[u8], iv: &[u8], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    use aes_gcm::AesGcm;
    macro_rules! theirs {
        ($cipher:ty) => {
            match iv.len() {
                8 => sealed_by(
                    &<AesGcm<$cipher, U8>>::new_from_slice(key).unwrap(),
                    iv,
                    aad,
                    plain,
                ),
                12 => sealed_by(
                    &<AesGcm<$cipher, U12>>::new_from_slice(key).unwrap(),
                    iv,
                    aad,
                    plain,
                ),
                _ => sealed_by(
                    &<AesGcm<$cipher, U16>>::new_from_slice(key).unwrap(),
                    iv,
                    aad,
                    plain,
                ),
            }
        };
    }
    match (kind, key.len()) {
        (Kind::Sm4, _) => theirs!(sm4::Sm4),
        (_, 16) => theirs!(aes::Aes128),
        (_, 24) => theirs!(aes::Aes192),
        _ => theirs!(aes::Aes256),
    }
}

pub(super) fn gcm(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let (plain, aad) = (draw.data(), draw.data());
    let length = draw.pick(&[8, 12, 16]);
    let iv = draw.bytes(length);
    let sealed = gcm_of(kind, &pair.value, &iv, &aad, &plain);
    let mechanism = Mechanism::Gcm {
        iv,
        aad,
        tag_length: 16,
    };
    both_ways(draw, &*pair.ours, &mechanism, &plain, &sealed);
}

pub(super) fn ccm(draw: &mut Draw, kind: Kind) {
    use ::ccm::Ccm;
    let pair = pair(draw, kind);
    let (plain, aad) = (draw.data(), draw.data());
    let (nonce_length, tag_length) = draw.pick(&[(7, 8), (12, 16), (13, 8), (13, 16)]);
    let nonce = draw.bytes(nonce_length);
    macro_rules! theirs {
        ($cipher:ty) => {{
            macro_rules! of {
                ($tag:ty, $nonce:ty) => {
                    sealed_by(
                        &<Ccm<$cipher, $tag, $nonce>>::new_from_slice(&pair.value).unwrap(),
                        &nonce,
                        &aad,
                        &plain,
                    )
                };
            }
            match (nonce_length, tag_length) {
                (7, _) => of!(U8, U7),
                (12, _) => of!(U16, U12),
                (_, 8) => of!(U8, U13),
                _ => of!(U16, U13),
            }
        }};
    }
    let sealed = match (kind, pair.value.len()) {
        (Kind::Sm4, _) => theirs!(sm4::Sm4),
        (_, 16) => theirs!(aes::Aes128),
        (_, 24) => theirs!(aes::Aes192),
        _ => theirs!(aes::Aes256),
    };
    let mechanism = Mechanism::Ccm {
        nonce,
        aad,
        tag_length,
        data_length: Some(plain.len()),
    };
    both_ways(draw, &*pair.ours, &mechanism, &plain, &sealed);
}

pub(super) fn xts(draw: &mut Draw, _kind: Kind) {
    use xts_mode::Xts128;
    let length = draw.pick(&[32, 64]);
    let (value, unit) = (draw.bytes(length), draw.array());
    let size = 16 + draw.below(200);
    let plain = draw.bytes(size);
    let mut sealed = plain.clone();
    let (one, other) = value.split_at(length / 2);
    macro_rules! theirs {
        ($cipher:ty) => {{
            let cipher = |key| <$cipher>::new_from_slice(key).unwrap();
            Xts128::new(cipher(one), cipher(other)).encrypt_sector(&mut sealed, Array(unit));
        }};
    }
    match length {
        32 => theirs!(aes::Aes128),
        _ => theirs!(aes::Aes256),
    }
    let bits = 8 * length as u32;
    let ours = secret_key(KeySpec::AesXts { bits }, &value);
    both_ways(draw, &*ours, &Mechanism::Xts { unit }, &plain, &sealed);
}

pub(super) fn chacha20_poly1305(draw: &mut Draw, _kind: Kind) {
    use ::chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};
    let (value, plain, aad) = (draw.bytes(32), draw.data(), draw.data());
    let length = draw.pick(&[12, 24]);
    let nonce = draw.bytes(length);
    let sealed = match length {
        12 => sealed_by(
            &ChaCha20Poly1305::new_from_slice(&value).unwrap(),
            &nonce,
            &aad,
            &plain,
        ),
        _ => sealed_by(
            &XChaCha20Poly1305::new_from_slice(&value).unwrap(),
            &nonce,
            &aad,
            &plain,
        ),
    };
    let mechanism = Mechanism::ChaCha20Poly1305 {
        nonce,
        aad,
        tag_length: 16,
    };
    let ours = secret_key(KeySpec::ChaCha20, &value);
    both_ways(draw, &*ours, &mechanism, &plain, &sealed);
}

/// Key wrap by another implementation: padded by RFC 5649, or not.
pub(super) fn wrapped_by(key: &[u8], value: &[u8], pads: bool) -> Vec<u8> {
    use aes_kw::{AesKw, AesKwp};
    let mut room = vec![0; value.len() + 24];
    macro_rules! theirs {
        ($cipher:ty) => {
            match pads {
                true => <AesKwp<$cipher>>::new_from_slice(key)
                    .unwrap()
                    .wrap_key(value, &mut room)
                    .unwrap()
                    .to_vec(),
                false => <AesKw<$cipher>>::new_from_slice(key)
                    .unwrap()
                    .wrap_key(value, &mut room)
                    .unwrap()
                    .to_vec(),
            }
        };
    }
    match key.len() {
        16 => theirs!(aes::Aes128),
        24 => theirs!(aes::Aes192),
        _ => theirs!(aes::Aes256),
    }
}

fn wraps_alike(pair: &Pair, mechanism: &Mechanism, value: &[u8], wrapped: &[u8]) {
    let secret = SecretBytes::from(value);
    assert_eq!(pair.ours.wrap(mechanism, &secret).unwrap(), wrapped);
    assert_eq!(pair.ours.unwrap(mechanism, wrapped).unwrap(), secret);
}

pub(super) fn key_wrap(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let blocks = 2 + draw.below(30);
    let value = draw.bytes(8 * blocks);
    let wrapped = wrapped_by(&pair.value, &value, false);
    wraps_alike(&pair, &Mechanism::KeyWrap { iv: None }, &value, &wrapped);
}

pub(super) fn key_wrap_pad(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let length = 1 + draw.below(200);
    let value = draw.bytes(length);
    let wrapped = wrapped_by(&pair.value, &value, true);
    wraps_alike(&pair, &Mechanism::KeyWrapPad, &value, &wrapped);
}

pub(super) fn key_wrap_pkcs7(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let length = 8 + draw.below(200);
    let value = draw.bytes(length);
    let missing = 8 - length % 8;
    let padded = [&value[..], &vec![missing as u8; missing]].concat();
    let wrapped = wrapped_by(&pair.value, &padded, false);
    wraps_alike(
        &pair,
        &Mechanism::KeyWrapPkcs7 { iv: None },
        &value,
        &wrapped,
    );
}

pub(super) fn encrypt_data(draw: &mut Draw, kind: Kind) {
    let pair = pair(draw, kind);
    let (plain, iv) = (whole_blocks(draw, 16), vector(draw, 16));
    let data = SecretBytes::from(&plain[..]);
    let derive = |iv| {
        let data = data.clone();
        let derived = pair.ours.derive(&Mechanism::EncryptData { iv, data }, None);
        derived.unwrap().expose().to_vec()
    };
    let sealed = plain.chunks(16).flat_map(|block| (pair.block)(block));
    assert_eq!(derive(None), sealed.collect::<Vec<u8>>());
    assert_eq!(derive(Some(iv)), cbc_by_formula(&pair, &iv, &plain));
}
