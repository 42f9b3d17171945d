//! The numbers of an RSA private key that were not given, from those that were.

use crypto_bigint::{BoxedUint, Gcd, NonZero, Resize};
use zeroize::Zeroizing;

use super::invalid;
use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// Longest number, in bytes, for which primes are searched: 8192 bits, the engine's largest key.
const LONGEST: usize = 1024;

fn no_key() -> Error {
    invalid("RSA: modulus, public and private exponent belong to no key of two primes")
}

/// p and q from n, e and d: SP 800-56B revision 2, appendix C.2.
pub(super) fn primes(n: &[u8], e: &[u8], d: &[u8]) -> Result<(SecretBytes, SecretBytes)> {
    if n.len() > LONGEST || e.len() > n.len() || d.len() > n.len() {
        return Err(no_key());
    }
    // Wide enough for a = (de − 1) · gcd(n − 1, de − 1), and for b² and 4n.
    let bits = (n.len() * 8 * 3 + e.len() * 8 * 2 + 64).next_multiple_of(64) as u32;
    let number = |bytes: &[u8]| {
        BoxedUint::from_be_slice(bytes, bits)
            .map(Zeroizing::new)
            .map_err(|_| no_key())
    };
    let one = BoxedUint::one_with_precision(bits);
    let (modulus, exponent, private) = (number(n)?, number(e)?, number(d)?);

    // Step 1.
    let product = Zeroizing::new(private.wrapping_mul(&*exponent).wrapping_sub(&one));
    if bool::from(product.is_zero()) || bool::from(modulus.is_one()) {
        return Err(no_key());
    }
    let common = modulus.wrapping_sub(&one).gcd(&product);
    if common.bits_vartime() + product.bits_vartime() > bits {
        return Err(no_key());
    }
    let a = Zeroizing::new(product.wrapping_mul(&common));
    // Step 2.
    let divisor = nonzero(modulus.clone())?;
    let (m, r) = a.div_rem_vartime(&*divisor);
    let (m, r) = (Zeroizing::new(m), Zeroizing::new(r));
    // Step 3.
    let (sum, rest) = modulus
        .wrapping_sub(&*r)
        .div_rem_vartime(&*nonzero(Zeroizing::new(m.wrapping_add(&one)))?);
    let b = Zeroizing::new(sum.wrapping_add(&one));
    let four_n = modulus.shl(2);
    if !bool::from(rest.is_zero()) || b.bits_vartime() * 2 > bits {
        return Err(no_key());
    }
    let square = Zeroizing::new(b.wrapping_mul(&*b));
    if *square <= four_n {
        return Err(no_key());
    }
    // Step 4.
    let root = Zeroizing::new(square.wrapping_sub(&four_n).floor_sqrt());
    let p = Zeroizing::new(b.wrapping_add(&*root).shr(1));
    let q = Zeroizing::new(b.wrapping_sub(&*root).shr(1));
    if p.wrapping_mul(&*q) != *modulus || bool::from(q.is_one()) {
        return Err(no_key());
    }
    Ok((bytes(&p), bytes(&q)))
}

/// d mod (p − 1), d mod (q − 1) and q⁻¹ mod p.
pub(super) fn remainders(
    d: &[u8],
    p: &[u8],
    q: &[u8],
) -> Result<(SecretBytes, SecretBytes, SecretBytes)> {
    let longest = d.len().max(p.len()).max(q.len());
    if longest > LONGEST {
        return Err(no_key());
    }
    let bits = (longest * 8).next_multiple_of(64) as u32;
    let number = |bytes: &[u8]| {
        BoxedUint::from_be_slice(bytes, bits)
            .map(Zeroizing::new)
            .map_err(|_| no_key())
    };
    let one = BoxedUint::one_with_precision(bits);
    let (d, p, q) = (number(d)?, number(p)?, number(q)?);
    let remainder = |prime: &BoxedUint| -> Result<SecretBytes> {
        let divisor = nonzero(Zeroizing::new(prime.wrapping_sub(&one)))?;
        Ok(bytes(&Zeroizing::new(d.rem(&*divisor).resize(bits))))
    };
    let modulus = nonzero(p.clone())?;
    let reduced = Zeroizing::new(q.rem(&*modulus).resize(bits));
    let inverse = Option::<BoxedUint>::from(reduced.invert_mod(&modulus))
        .map(Zeroizing::new)
        .ok_or_else(no_key)?;
    Ok((remainder(&p)?, remainder(&q)?, bytes(&inverse)))
}

fn nonzero(number: Zeroizing<BoxedUint>) -> Result<Zeroizing<NonZero<BoxedUint>>> {
    Option::from(NonZero::new((*number).clone()))
        .map(Zeroizing::new)
        .ok_or_else(no_key)
}

fn bytes(number: &BoxedUint) -> SecretBytes {
    let padded = Zeroizing::new(number.to_be_bytes().into_vec());
    let start = padded.iter().position(|&byte| byte != 0);
    SecretBytes::from(&padded[start.unwrap_or(padded.len())..])
}
