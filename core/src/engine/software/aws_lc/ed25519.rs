//! Ed25519ctx and Ed25519ph (RFC 8032 section 5.1).

use aws_lc_sys as ffi;
use zeroize::Zeroizing;

use super::{Failed, Outcome, check};

/// Bytes of a signature.
const SIGNATURE: usize = 64;

/// Signs with a seed of 32 bytes, whose public key is `point`.
pub(crate) fn sign(
    seed: &[u8],
    point: &[u8; 32],
    prehash: bool,
    context: &[u8],
    message: &[u8],
) -> Outcome<[u8; SIGNATURE]> {
    if seed.len() != 32 {
        return Err(Failed);
    }
    // AWS-LC's private key is the seed with the public key after it.
    let mut private = Zeroizing::new([0; 64]);
    private[..32].copy_from_slice(seed);
    private[32..].copy_from_slice(point);
    let sign = if prehash {
        ffi::ED25519ph_sign
    } else {
        ffi::ED25519ctx_sign
    };
    let mut signature = [0; SIGNATURE];
    // SAFETY: pointers and lengths are of one slice each; the signature has 64 bytes, the private key 64.
    check(unsafe {
        sign(
            signature.as_mut_ptr(),
            message.as_ptr(),
            message.len(),
            private.as_ptr(),
            context.as_ptr(),
            context.len(),
        )
    })?;
    Ok(signature)
}

/// Checks a signature.
pub(crate) fn verify(
    point: &[u8; 32],
    prehash: bool,
    context: &[u8],
    message: &[u8],
    signature: &[u8; SIGNATURE],
) -> Outcome<()> {
    let verify = if prehash {
        ffi::ED25519ph_verify
    } else {
        ffi::ED25519ctx_verify
    };
    // SAFETY: pointers and lengths are of one slice each; the signature has 64 bytes, the public key 32.
    check(unsafe {
        verify(
            message.as_ptr(),
            message.len(),
            signature.as_ptr(),
            point.as_ptr(),
            context.as_ptr(),
            context.len(),
        )
    })
}
