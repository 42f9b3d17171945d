//! Keys from keys: RustCrypto's HKDF and PBKDF2, and the formulas of the standards over its HMAC.

use super::macs::{cmac_of, key_of_bytes};
use super::{Draw, HashAlgorithm, Kind, digest, hmac_of, of_hash};
use crate::engine::ReadyKey;
use crate::mechanism::{Kdf, KdfField, KdfMode, KdfPrf, Mechanism, TlsSecret};
use crate::secret::SecretBytes;

fn derived(ours: &dyn ReadyKey, mechanism: &Mechanism, length: Option<usize>) -> Vec<u8> {
    ours.derive(mechanism, length).unwrap().expose().to_vec()
}

pub(super) fn hkdf(draw: &mut Draw, kind: Kind, hash: HashAlgorithm) {
    use ::hkdf::SimpleHkdf;
    let (ours, value) = key_of_bytes(draw, kind, Some(hash));
    let (salt, info, length) = (draw.data(), draw.data(), 1 + draw.below(400));
    let mut expected = vec![0; length];
    of_hash!(hash, D => {
        let hkdf = SimpleHkdf::<D>::new(Some(&salt), &value);
        hkdf.expand(&info, &mut expected).unwrap();
    });
    let mechanism = Mechanism::Hkdf {
        hash,
        salt: SecretBytes::new(salt),
        info,
        extract: true,
        expand: true,
    };
    assert_eq!(derived(&*ours, &mechanism, Some(length)), expected);
}

pub(super) fn kdf(draw: &mut Draw, kind: Kind, hash: HashAlgorithm) {
    use ::hmac::SimpleHmac;
    let (ours, value) = key_of_bytes(draw, kind, Some(hash));
    let (salt, length) = (draw.bytes(20), 1 + draw.below(150));
    let iterations = 1 + draw.below(4) as u32;
    let mut expected = vec![0; length];
    of_hash!(hash, D => {
        ::pbkdf2::pbkdf2::<SimpleHmac<D>>(&value, &salt, iterations, &mut expected).unwrap();
    });
    let function = Kdf::Pbkdf2 { salt, iterations };
    let mechanism = Mechanism::Kdf { hash, function };
    assert_eq!(derived(&*ours, &mechanism, Some(length)), expected);

    let data = draw.data();
    let function = Kdf::Hmac {
        data: SecretBytes::from(&data[..]),
    };
    let mechanism = Mechanism::Kdf { hash, function };
    let expected = hmac_of(hash, &value, &data);
    assert_eq!(derived(&*ours, &mechanism, None), expected);

    let (one, other) = (draw.data(), draw.data());
    let function = Kdf::Chain {
        prefix: b"AWS4",
        data: [&one, &other]
            .map(|data| SecretBytes::from(&data[..]))
            .to_vec(),
    };
    let mechanism = Mechanism::Kdf { hash, function };
    let first = hmac_of(hash, &[b"AWS4", &value[..]].concat(), &one);
    let expected = hmac_of(hash, &first, &other);
    assert_eq!(derived(&*ours, &mechanism, None), expected);
}

pub(super) fn concatenate(draw: &mut Draw, kind: Kind) {
    let (ours, value) = key_of_bytes(draw, kind, None);
    let data = draw.data();
    let mechanism = |before| Mechanism::Concatenate {
        data: SecretBytes::from(&data[..]),
        before,
    };
    let after = [&value[..], &data].concat();
    assert_eq!(derived(&*ours, &mechanism(false), None), after);
    let before = [&data[..], &value].concat();
    assert_eq!(derived(&*ours, &mechanism(true), None), before);
    assert_eq!(derived(&*ours, &mechanism(true), Some(9)), before[..9]);
}

pub(super) fn xor(draw: &mut Draw, kind: Kind) {
    let (ours, value) = key_of_bytes(draw, kind, None);
    let length = 1 + draw.below(100);
    let data = draw.bytes(length);
    let expected: Vec<u8> = value.iter().zip(&data).map(|(a, b)| a ^ b).collect();
    let mechanism = Mechanism::Xor {
        data: SecretBytes::new(data),
    };
    assert_eq!(derived(&*ours, &mechanism, None), expected);
}

pub(super) fn extract(draw: &mut Draw, kind: Kind) {
    let (ours, value) = key_of_bytes(draw, kind, None);
    let first_bit = draw.below(8 * value.len());
    let length = 1 + draw.below(value.len());
    let bits: String = value.iter().map(|byte| format!("{byte:08b}")).collect();
    let round = [&bits[first_bit..], &bits[..first_bit]].concat();
    let byte = |at: usize| u8::from_str_radix(&round[8 * at..8 * at + 8], 2).unwrap();
    let expected: Vec<u8> = (0..length).map(byte).collect();
    let mechanism = Mechanism::Extract { first_bit };
    assert_eq!(derived(&*ours, &mechanism, Some(length)), expected);
}

pub(super) fn hash_key(draw: &mut Draw, kind: Kind, hash: HashAlgorithm) {
    let (ours, value) = key_of_bytes(draw, kind, Some(hash));
    let mechanism = Mechanism::HashKey { hash };
    assert_eq!(derived(&*ours, &mechanism, None), digest(hash, &value));
}

/// A number of so many bits, whole bytes.
fn number(value: u64, bits: u32, little_endian: bool) -> Vec<u8> {
    let bytes = bits as usize / 8;
    match little_endian {
        true => value.to_le_bytes()[..bytes].to_vec(),
        false => value.to_be_bytes()[8 - bytes..].to_vec(),
    }
}

/// SP 800-108r1 sections 4.1 to 4.3 step by step: counter (or output, and counter) ‖ label ‖ length.
fn sp800_108_alike(
    draw: &mut Draw,
    (ours, prf): (&dyn ReadyKey, KdfPrf),
    function: impl Fn(&[u8]) -> Vec<u8>,
) {
    let (label, wanted) = (draw.bytes(11), 1 + draw.below(200));
    let (bits, little_endian) = (draw.pick(&[8, 16, 32, 64]), draw.below(2) == 0);
    let iv = draw.bytes(16);
    let mode = match draw.below(3) {
        0 => KdfMode::Counter,
        1 => KdfMode::Feedback { iv: iv.clone() },
        _ => KdfMode::DoublePipeline,
    };
    let length_bits = 32;
    let tail = [&label[..], &number(8 * wanted as u64, length_bits, false)].concat();
    let mut expected = Vec::new();
    let (mut last, mut pipeline) = (iv, tail.clone());
    for i in 1.. {
        if expected.len() >= wanted {
            break;
        }
        let counter = number(i, bits, little_endian);
        pipeline = function(&pipeline);
        let before = match mode {
            KdfMode::Counter => Vec::new(),
            KdfMode::Feedback { .. } => last,
            KdfMode::DoublePipeline => pipeline.clone(),
        };
        last = function(&[&before[..], &counter, &tail].concat());
        expected.extend_from_slice(&last);
    }
    expected.truncate(wanted);
    let counter = KdfField::Counter {
        bits,
        little_endian,
    };
    let mut fields = vec![KdfField::Iteration {
        bits,
        little_endian,
    }];
    if mode != KdfMode::Counter {
        fields.push(counter);
    }
    fields.extend([
        KdfField::Bytes(label),
        KdfField::Length {
            bits: length_bits,
            little_endian: false,
            of_segments: false,
        },
    ]);
    let mechanism = Mechanism::Sp800108 {
        mode,
        prf,
        fields,
        keys: vec![],
    };
    assert_eq!(derived(ours, &mechanism, Some(wanted)), expected);
}

pub(super) fn sp800_108(draw: &mut Draw, kind: Kind, hash: HashAlgorithm) {
    let (ours, value) = key_of_bytes(draw, kind, Some(hash));
    let function = |data: &[u8]| hmac_of(hash, &value, data);
    sp800_108_alike(draw, (&*ours, KdfPrf::Hmac(hash)), function);
}

pub(super) fn sp800_108_cmac(draw: &mut Draw, kind: Kind) {
    let (ours, value) = key_of_bytes(draw, kind, None);
    let function = |data: &[u8]| cmac_of(&value, data);
    sp800_108_alike(draw, (&*ours, KdfPrf::Cmac), function);
}

/// RFC 5246 section 5, `P_hash`.
pub(super) fn p_hash(hash: HashAlgorithm, secret: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let (mut a, mut output) = (seed.to_vec(), Vec::new());
    while output.len() < length {
        a = hmac_of(hash, secret, &a);
        output.extend(hmac_of(hash, secret, &[&a[..], seed].concat()));
    }
    output.truncate(length);
    output
}

pub(super) fn tls_prf(draw: &mut Draw, kind: Kind, hash: HashAlgorithm) {
    let (ours, value) = key_of_bytes(draw, kind, Some(hash));
    let (label, seed, length) = (draw.bytes(13), draw.bytes(64), 1 + draw.below(200));
    let expected = p_hash(hash, &value, &[&label[..], &seed].concat(), length);
    let mechanism = Mechanism::TlsPrf {
        hash,
        secret: TlsSecret::Exported,
        label,
        seed,
    };
    assert_eq!(derived(&*ours, &mechanism, Some(length)), expected);
}
