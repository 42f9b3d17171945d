//! Secrets in shares (KMIP 1.4 section 2.2.5; 2.1 section 13.1): XOR, and Shamir's polynomials over GF(2^8),
//! GF(2^16) and prime fields.
//!
//! The two versions of the standard do not agree on GF(2^8). The field of GF(2^16)'s coefficients is that of
//! FIPS 197, as 1.4 has it (its constant m = 3A is meant there too); the method GF(2^8), which only 2.1 describes,
//! is in the field of x^8+x^4+x^3+x^2+1.

use crypto_bigint::{BoxedUint, NonZero, Resize};
use zeroize::{Zeroize, Zeroizing};

use super::random;
use super::ready::parameter;
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// x^8+x^4+x^3+x+1, without its first term.
const FIPS_197: u8 = 0x1B;
/// x^8+x^4+x^3+x^2+1, without its first term.
const REED_SOLOMON: u8 = 0x1D;
/// m of y^2+y+m.
const M: u8 = 0x3A;

/// Most shares; GF(2^8) has 255 at most.
const MOST_PARTS: u32 = 1024;

/// Longest prime, in bytes: a key of 8192 bits with its structure is below.
const LONGEST_PRIME: usize = 8 * 1024;

/// In what field a secret is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// All shares are needed.
    Xor,
    /// Byte by byte in GF(2^8).
    Gf8,
    /// Two bytes by two in GF(2^16).
    Gf16,
    /// As one number modulo this prime, big-endian.
    Prime(Vec<u8>),
}

impl Sharing {
    /// Splits a secret into `parts` shares, numbered from 1, of which `threshold` give it back.
    ///
    /// # Errors
    /// [`Error::MechanismParameter`] for numbers that do not go together, or a secret that does not fit the field.
    pub fn split(
        &self,
        secret: &SecretBytes,
        parts: u32,
        threshold: u32,
    ) -> Result<Vec<SecretBytes>> {
        let most = if *self == Self::Gf8 { 255 } else { MOST_PARTS };
        if threshold == 0 || threshold > parts || parts > most || secret.is_empty() {
            return Err(parameter("the threshold is 1 to the number of parts"));
        }
        match self {
            Self::Xor if threshold != parts => Err(parameter("of XOR all parts are needed")),
            Self::Xor => xor_split(secret.expose(), parts),
            Self::Gf8 => polynomial(secret.expose(), parts, threshold, 1),
            Self::Gf16 if !secret.len().is_multiple_of(2) => Err(parameter(
                "GF(2^16) shares secrets of an even number of bytes",
            )),
            Self::Gf16 => polynomial(secret.expose(), parts, threshold, 2),
            Self::Prime(prime) => Prime::new(prime)?.split(secret.expose(), parts, threshold),
        }
    }

    /// Joins shares, each with its number. `length` is that of the secret, where the field does not tell it.
    ///
    /// # Errors
    /// [`Error::MechanismParameter`] for shares that do not go together.
    pub fn join(
        &self,
        shares: &[(u32, SecretBytes)],
        length: Option<usize>,
    ) -> Result<SecretBytes> {
        let Some((_, first)) = shares.first() else {
            return Err(parameter("no shares to join"));
        };
        let repeats = shares
            .iter()
            .enumerate()
            .any(|(at, (number, _))| shares[..at].iter().any(|(other, _)| other == number));
        let uneven = shares.iter().any(|(_, share)| share.len() != first.len());
        if repeats || uneven || shares.iter().any(|(number, _)| *number == 0) {
            return Err(parameter(
                "the shares are not different parts of one secret",
            ));
        }
        match self {
            Self::Xor => {
                let mut secret = Zeroizing::new(vec![0; first.len()]);
                for (_, share) in shares {
                    xor(&mut secret, share.expose());
                }
                Ok(SecretBytes::from(secret.as_slice()))
            }
            Self::Gf8 => Ok(interpolated(shares, 1)),
            Self::Gf16 if !first.len().is_multiple_of(2) => {
                Err(parameter("shares of GF(2^16) are even"))
            }
            Self::Gf16 => Ok(interpolated(shares, 2)),
            Self::Prime(prime) => Prime::new(prime)?.join(shares, length),
        }
    }
}

fn xor(into: &mut [u8], other: &[u8]) {
    for (byte, other) in into.iter_mut().zip(other) {
        *byte ^= other;
    }
}

fn xor_split(secret: &[u8], parts: u32) -> Result<Vec<SecretBytes>> {
    let mut last = Zeroizing::new(secret.to_vec());
    let mut shares = Vec::new();
    for _ in 1..parts {
        let mut share = vec![0; secret.len()];
        random::fill(&mut share)?;
        xor(&mut last, &share);
        shares.push(SecretBytes::new(share));
    }
    shares.push(SecretBytes::from(last.as_slice()));
    Ok(shares)
}

// ---- GF(2^8) and GF(2^16) -----------------------------------------------------------------------

/// The product in GF(2^8), in a time that does not depend on the factors.
const fn times8(a: u8, b: u8, reduction: u8) -> u8 {
    let (mut product, mut a) = (0, a);
    let mut bit = 0;
    while bit < 8 {
        product ^= a & 0u8.wrapping_sub((b >> bit) & 1);
        let carry = 0u8.wrapping_sub(a >> 7);
        a = (a << 1) ^ (reduction & carry);
        bit += 1;
    }
    product
}

/// An element: of GF(2^8) in the low byte, of GF(2^16) as the pair (u, v) of uy + v.
fn times(a: u16, b: u16, width: usize) -> u16 {
    let [r, s] = a.to_be_bytes();
    let [u, v] = b.to_be_bytes();
    if width == 1 {
        return u16::from(times8(s, v, REED_SOLOMON));
    }
    let of = |a, b| times8(a, b, FIPS_197);
    let low = of(s, v);
    // (ry + s)(uy + v) = ((r + s)(u + v) + sv)y + (ru·m + sv).
    u16::from_be_bytes([of(r ^ s, u ^ v) ^ low, of(of(r, u), M) ^ low])
}

/// a to the power of the field's order less two: its inverse.
fn inverse(a: u16, width: usize) -> u16 {
    let bits = 8 * width;
    let (mut result, mut square) = (1, a);
    for _ in 1..bits {
        square = times(square, square, width);
        result = times(result, square, width);
    }
    result
}

fn pieces(bytes: &[u8], width: usize) -> impl Iterator<Item = u16> + '_ {
    bytes.chunks(width).map(|piece| {
        piece
            .iter()
            .fold(0, |all, byte| (all << 8) | u16::from(*byte))
    })
}

fn polynomial(secret: &[u8], parts: u32, threshold: u32, width: usize) -> Result<Vec<SecretBytes>> {
    let mut shares = vec![Zeroizing::new(Vec::with_capacity(secret.len())); parts as usize];
    let mut random_bytes = Zeroizing::new(vec![0; (threshold as usize - 1) * width]);
    for piece in pieces(secret, width) {
        random::fill(&mut random_bytes)?;
        for (x, share) in (1u16..).zip(&mut shares) {
            // Horner's rule, from the highest coefficient to the secret.
            let value = pieces(&random_bytes, width)
                .chain([piece])
                .fold(0, |value, coefficient| times(value, x, width) ^ coefficient);
            share.extend_from_slice(&value.to_be_bytes()[2 - width..]);
        }
    }
    Ok(shares
        .iter()
        .map(|share| SecretBytes::from(share.as_slice()))
        .collect())
}

/// Lagrange's interpolation at 0.
fn interpolated(shares: &[(u32, SecretBytes)], width: usize) -> SecretBytes {
    let at = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    let length = shares.first().map_or(0, |(_, share)| share.len());
    let mut secret = Zeroizing::new(vec![0; length]);
    for (number, share) in shares {
        let weight =
            shares
                .iter()
                .filter(|(other, _)| other != number)
                .fold(1, |weight, (other, _)| {
                    let difference = at(*other) ^ at(*number);
                    times(
                        weight,
                        times(at(*other), inverse(difference, width), width),
                        width,
                    )
                });
        let mut part = Zeroizing::new(Vec::with_capacity(length));
        for piece in pieces(share.expose(), width) {
            part.extend_from_slice(&times(piece, weight, width).to_be_bytes()[2 - width..]);
        }
        xor(&mut secret, &part);
    }
    SecretBytes::from(secret.as_slice())
}

// ---- GF(p) --------------------------------------------------------------------------------------

/// Arithmetic modulo a prime.
struct Prime {
    prime: NonZero<BoxedUint>,
    bytes: usize,
    bits: u32,
}

impl Prime {
    fn new(prime: &[u8]) -> Result<Self> {
        let digits: Vec<u8> = prime
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect();
        let wrong = || parameter("the Prime Field Size is an odd prime of at most 8 KiB");
        let is_odd = digits.last().is_some_and(|last| last & 1 == 1);
        if digits.len() > LONGEST_PRIME || !is_odd {
            return Err(wrong());
        }
        // Wide enough for a product.
        let bits = u32::try_from(digits.len() * 16 + 128)
            .map_err(|_| wrong())?
            .next_multiple_of(64);
        let number = BoxedUint::from_be_slice(&digits, bits).map_err(|_| wrong())?;
        Ok(Self {
            prime: Option::<NonZero<BoxedUint>>::from(NonZero::new(number)).ok_or_else(wrong)?,
            bytes: digits.len(),
            bits,
        })
    }

    fn number(&self, bytes: &[u8]) -> Result<Zeroizing<BoxedUint>> {
        BoxedUint::from_be_slice(bytes, self.bits)
            .map(Zeroizing::new)
            .map_err(|_| parameter("a number is too long for the Prime Field Size"))
    }

    fn small(&self, number: u32) -> BoxedUint {
        BoxedUint::from(u64::from(number)).resize_unchecked(self.bits)
    }

    fn reduced(&self, number: &BoxedUint) -> BoxedUint {
        number.rem(&self.prime)
    }

    fn times(&self, a: &BoxedUint, b: &BoxedUint) -> BoxedUint {
        self.reduced(&a.wrapping_mul(b))
    }

    fn minus(&self, a: &BoxedUint, b: &BoxedUint) -> BoxedUint {
        self.reduced(&a.wrapping_add(self.prime.as_ref()).wrapping_sub(b))
    }

    /// Of a number that is no secret; by Fermat, so a number that has none shows that p is no prime.
    fn inverse(&self, a: &BoxedUint) -> Result<BoxedUint> {
        let exponent = self.prime.wrapping_sub(self.small(2));
        let digits = exponent.to_be_bytes();
        let mut result = self.small(1);
        for bit in digits
            .iter()
            .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1))
        {
            result = self.times(&result, &result);
            if bit == 1 {
                result = self.times(&result, a);
            }
        }
        if self.times(&result, a) == self.small(1) {
            Ok(result)
        } else {
            Err(parameter("the Prime Field Size is no prime"))
        }
    }

    fn bytes_of(&self, number: &BoxedUint) -> SecretBytes {
        let digits = Zeroizing::new(number.to_be_bytes());
        SecretBytes::from(&digits[digits.len() - self.bytes..])
    }

    fn split(&self, secret: &[u8], parts: u32, threshold: u32) -> Result<Vec<SecretBytes>> {
        let number = self.number(secret)?;
        if *number >= *self.prime.as_ref() {
            return Err(parameter("the secret is larger than the Prime Field Size"));
        }
        let mut coefficients = Vec::new();
        for _ in 1..threshold {
            // Eight bytes more than the prime has: the remainder is as good as even.
            let mut bytes = Zeroizing::new(vec![0; self.bytes + 8]);
            random::fill(&mut bytes)?;
            let wide = self.number(&bytes)?;
            coefficients.push(Zeroizing::new(self.reduced(&wide)));
        }
        coefficients.push(number);
        let share = |x: u32| {
            let x = self.small(x);
            let mut value = self.small(0);
            for coefficient in &coefficients {
                let product = self.times(&value, &x);
                value.zeroize();
                value = self.reduced(&product.wrapping_add(&**coefficient));
            }
            let bytes = self.bytes_of(&value);
            value.zeroize();
            bytes
        };
        Ok((1..=parts).map(share).collect())
    }

    fn join(&self, shares: &[(u32, SecretBytes)], length: Option<usize>) -> Result<SecretBytes> {
        let mut secret = Zeroizing::new(self.small(0));
        for (number, share) in shares {
            let mut weight = self.small(1);
            for (other, _) in shares.iter().filter(|(other, _)| other != number) {
                let difference = self.minus(&self.small(*other), &self.small(*number));
                let quotient = self.times(&self.small(*other), &self.inverse(&difference)?);
                weight = self.times(&weight, &quotient);
            }
            let value = self.number(share.expose())?;
            let part = Zeroizing::new(self.times(&self.reduced(&value), &weight));
            secret = Zeroizing::new(self.reduced(&secret.wrapping_add(&*part)));
        }
        let whole = self.bytes_of(&secret);
        let significant = whole.expose().iter().position(|byte| *byte != 0);
        let shortest = whole.len() - significant.unwrap_or(whole.len());
        let length = length.unwrap_or(shortest);
        if length < shortest || length > whole.len() {
            return Err(Error::InvalidMaterial(
                "the shares give no secret of that length".to_owned(),
            ));
        }
        Ok(SecretBytes::from(&whole.expose()[whole.len() - length..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2^521 - 1.
    fn mersenne() -> Vec<u8> {
        let mut prime = vec![0xFF; 66];
        prime[0] = 1;
        prime
    }

    #[test]
    fn any_threshold_of_shares_gives_the_secret() {
        let secret = SecretBytes::from(&[0, 1, 0xFE, 0x80, 5, 0x53, 0xCA, 0xFF][..]);
        for sharing in [Sharing::Gf8, Sharing::Gf16, Sharing::Prime(mersenne())] {
            let shares = sharing.split(&secret, 5, 3).expect("split");
            let numbered = |numbers: &[u32]| -> Vec<_> {
                let share = |number: &u32| (*number, shares[*number as usize - 1].clone());
                numbers.iter().map(share).collect()
            };
            for numbers in [[1, 2, 3], [5, 1, 4], [2, 4, 5]] {
                let joined = sharing.join(&numbered(&numbers), Some(8)).expect("join");
                assert_eq!(joined.expose(), secret.expose(), "{sharing:?} {numbers:?}");
            }
            let few = sharing.join(&numbered(&[1, 2]), Some(8));
            assert!(few.is_err() || few.is_ok_and(|few| few.expose() != secret.expose()));
            assert!(sharing.join(&numbered(&[1, 1, 2]), Some(8)).is_err());
        }
        let shares = Sharing::Xor.split(&secret, 3, 3).expect("split");
        let all: Vec<_> = (1..).zip(shares).collect();
        let joined = Sharing::Xor.join(&all, None).expect("join");
        assert_eq!(joined.expose(), secret.expose());
    }

    #[test]
    fn every_element_has_its_inverse() {
        for a in 1..=255 {
            assert_eq!(times(a, inverse(a, 1), 1), 1);
        }
        for a in (1..=u16::MAX).step_by(97) {
            assert_eq!(times(a, inverse(a, 2), 2), 1, "{a:04x}");
        }
        // FIPS 197 section 4.2.
        assert_eq!(times8(0x57, 0x83, FIPS_197), 0xC1);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let secret = SecretBytes::from(&[1, 2, 3][..]);
        assert!(Sharing::Gf8.split(&secret, 2, 3).is_err());
        assert!(Sharing::Gf8.split(&secret, 256, 2).is_err());
        assert!(Sharing::Gf16.split(&secret, 3, 2).is_err());
        assert!(Sharing::Xor.split(&secret, 3, 2).is_err());
        assert!(Sharing::Prime(vec![251]).split(&secret, 3, 2).is_err());
        assert!(Sharing::Prime(vec![4]).split(&secret, 3, 2).is_err());
        let one = SecretBytes::from(&[7][..]);
        let composite = Sharing::Prime(vec![255]);
        let shares = composite.split(&one, 3, 2).expect("nobody looks yet");
        let shares = [(1, shares[0].clone()), (3, shares[2].clone())];
        let joined = composite.join(&shares, None);
        assert!(joined.is_err() || joined.is_ok_and(|joined| joined.expose() == [7]));
    }
}
