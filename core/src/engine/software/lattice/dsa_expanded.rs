//! Whether an expanded ML-DSA private key is one: FIPS 204's key generation from ρ, s₁ and s₂ on, which must come to the
//! t₀ that the key has. (That t₁ has the hash in the key is seen where the public key is made.) The crate trusts such keys,
//! and panics over some that are none.
//!
//! All of it but ρ is secret: nothing here branches on a coefficient or divides by anything but constants.

use shake::Shake128;
use shake::digest::{ExtendableOutput, Update, XofReader};
use zeroize::Zeroizing;

use crate::algorithm::LatticeSet;

/// The prime, and a root of unity of order 512 (FIPS 204 table 1 and section 7.5).
const Q: u32 = 8_380_417;
const ZETA: u32 = 1753;
/// 1/256 modulo the prime (algorithm 42).
const INVERSE: u32 = 8_347_681;
/// Bits dropped from t.
const D: u32 = 13;

/// Bytes of ρ, K and tr, before the vectors.
const HEADER: usize = 128;

type Polynomial = [u32; 256];

/// What differs between the sets (FIPS 204 table 1): k, ℓ, η and the bits in which η - coefficient is written.
struct Shape {
    k: usize,
    l: usize,
    eta: u32,
    bits: usize,
}

impl Shape {
    const fn of(set: LatticeSet) -> Option<Self> {
        let (k, l, eta, bits) = match set {
            LatticeSet::MlDsa44 => (4, 4, 2, 3),
            LatticeSet::MlDsa65 => (6, 5, 4, 4),
            LatticeSet::MlDsa87 => (8, 7, 2, 3),
            _ => return None,
        };
        Some(Self { k, l, eta, bits })
    }
}

/// Whether a key of the set's length is what some ρ, s₁ and s₂ make.
pub(super) fn is_consistent(set: LatticeSet, key: &[u8]) -> bool {
    let (Some(shape), true) = (Shape::of(set), key.len() == set.expanded_length()) else {
        return false;
    };
    let rho = &key[..32];
    let size = 32 * shape.bits;
    let (short, t0) = key[HEADER..].split_at((shape.k + shape.l) * size);
    let mut beyond = 0;
    let mut vectors = Zeroizing::new(Vec::new());
    for packed in short.chunks_exact(size) {
        let mut polynomial = unpacked(packed, shape.bits);
        for coefficient in &mut polynomial {
            beyond |= (2 * shape.eta).wrapping_sub(*coefficient) >> 31;
            *coefficient = (Q + shape.eta).wrapping_sub(*coefficient) % Q;
        }
        vectors.push(polynomial);
    }
    if beyond != 0 {
        return false;
    }
    let zetas = zetas();
    let (s1, s2) = vectors.split_at_mut(shape.l);
    s1.iter_mut().for_each(|polynomial| ntt(polynomial, &zetas));
    let mut differs = 0;
    for (row, (s2, packed)) in (0_u8..).zip(s2.iter().zip(t0.chunks_exact(32 * D as usize))) {
        let mut sum: Zeroizing<Polynomial> = Zeroizing::new([0; 256]);
        for (column, s1) in (0_u8..).zip(s1.iter()) {
            let a = sampled(rho, column, row);
            for (sum, (a, s)) in sum.iter_mut().zip(a.iter().zip(s1)) {
                *sum = (*sum + multiplied(*a, *s)) % Q;
            }
        }
        inverse_ntt(&mut sum, &zetas);
        let written = Zeroizing::new(unpacked(packed, D as usize));
        for (t, (s2, written)) in sum.iter().zip(s2.iter().zip(written.iter())) {
            let t = (t + s2) % Q;
            // Power2Round: t₀ of -2^12 + 1 to 2^12, written as 2^12 - t₀.
            let half = 1 << (D - 1);
            let low = t.wrapping_add(half - 1) & ((1 << D) - 1);
            differs |= (2 * half - 1 - low) ^ written;
        }
    }
    differs == 0
}

/// Coefficients of so many bits, the least significant first (algorithm 19 without the last step).
fn unpacked(bytes: &[u8], bits: usize) -> Polynomial {
    let mut polynomial = [0; 256];
    for (group, coefficients) in bytes.chunks_exact(bits).zip(polynomial.chunks_exact_mut(8)) {
        let packed = group
            .iter()
            .rev()
            .fold(0_u128, |packed, byte| packed << 8 | u128::from(*byte));
        for (place, coefficient) in coefficients.iter_mut().enumerate() {
            *coefficient = (packed >> (place * bits)) as u32 & ((1 << bits) - 1);
        }
    }
    polynomial
}

fn multiplied(a: u32, b: u32) -> u32 {
    (u64::from(a) * u64::from(b) % u64::from(Q)) as u32
}

/// The powers of ζ, by reversed bits (FIPS 204 appendix B).
fn zetas() -> Polynomial {
    let mut zetas = [0; 256];
    let mut power = 1;
    for exponent in 0..=u8::MAX {
        zetas[usize::from(exponent.reverse_bits())] = power;
        power = multiplied(power, ZETA);
    }
    zetas
}

/// Algorithm 41.
fn ntt(w: &mut Polynomial, zetas: &Polynomial) {
    let mut m = 0;
    let mut length = 128;
    while length >= 1 {
        for block in w.chunks_exact_mut(2 * length) {
            m += 1;
            let (low, high) = block.split_at_mut(length);
            for (low, high) in low.iter_mut().zip(high) {
                let t = multiplied(zetas[m], *high);
                (*low, *high) = ((*low + t) % Q, (*low + Q - t) % Q);
            }
        }
        length /= 2;
    }
}

/// Algorithm 42.
fn inverse_ntt(w: &mut Polynomial, zetas: &Polynomial) {
    let mut m = 256;
    let mut length = 1;
    while length < 256 {
        for block in w.chunks_exact_mut(2 * length) {
            m -= 1;
            let (low, high) = block.split_at_mut(length);
            for (low, high) in low.iter_mut().zip(high) {
                let t = *low;
                *low = (t + *high) % Q;
                *high = multiplied(Q - zetas[m], (t + Q - *high) % Q);
            }
        }
        length *= 2;
    }
    for coefficient in w {
        *coefficient = multiplied(*coefficient, INVERSE);
    }
}

/// An entry of Â (algorithms 30 and 32): of ρ alone, which is public.
fn sampled(rho: &[u8], column: u8, row: u8) -> Polynomial {
    let mut shake = Shake128::default();
    shake.update(rho);
    shake.update(&[column, row]);
    let mut reader = shake.finalize_xof();
    let mut polynomial = [0; 256];
    let mut filled = 0;
    while filled < 256 {
        let mut bytes = [0; 168];
        reader.read(&mut bytes);
        for three in bytes.chunks_exact(3) {
            let coefficient = u32::from_le_bytes([three[0], three[1], three[2] & 0x7f, 0]);
            if coefficient < Q && filled < 256 {
                polynomial[filled] = coefficient;
                filled += 1;
            }
        }
    }
    polynomial
}
