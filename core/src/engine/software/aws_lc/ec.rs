//! NIST curves: points, ECDSA over any digest.

use aws_lc_sys as ffi;

use super::{Failed, Outcome, Owned, Shared, check, number};
use crate::algorithm::Curve;

/// Bytes of the longest uncompressed point here: P-521.
const LONGEST_POINT: usize = 1 + 2 * 66;

/// A key on a NIST curve, with or without its private half.
pub(crate) struct EcKey {
    key: Shared<ffi::EC_KEY>,
    curve: Curve,
}

impl EcKey {
    /// The key of a private scalar; the point is computed.
    pub(crate) fn from_scalar(curve: Curve, scalar: &[u8]) -> Outcome<Self> {
        let key = Self::empty(curve)?;
        let scalar = number(scalar)?;
        // SAFETY: both objects live; AWS-LC copies the number, and refuses zero and the order or more.
        check(unsafe { ffi::EC_KEY_set_private_key(key.key.as_ptr(), scalar.as_ptr()) })?;
        let public = key.new_point()?;
        let group = key.group();
        // SAFETY: all objects live and belong to one group; null means no second term, no context.
        check(unsafe {
            ffi::EC_POINT_mul(
                group,
                public.as_ptr(),
                scalar.as_ptr(),
                std::ptr::null(),
                std::ptr::null(),
                std::ptr::null_mut(),
            )
        })?;
        key.set_point(&public)?;
        Ok(key)
    }

    /// The key of a public point, SEC1 compressed or uncompressed; it must be on the curve.
    pub(crate) fn from_point(curve: Curve, point: &[u8]) -> Outcome<Self> {
        // The point at infinity (one zero byte) and the hybrid forms are no keys.
        match point.first() {
            Some(4) if point.len() == 1 + 2 * curve.field_length() => {}
            Some(2 | 3) if point.len() == 1 + curve.field_length() => {}
            _ => return Err(Failed),
        }
        let key = Self::empty(curve)?;
        let public = key.new_point()?;
        // SAFETY: live objects of one group; pointer and length are one slice's.
        check(unsafe {
            ffi::EC_POINT_oct2point(
                key.group(),
                public.as_ptr(),
                point.as_ptr(),
                point.len(),
                std::ptr::null_mut(),
            )
        })?;
        key.set_point(&public)?;
        Ok(key)
    }

    /// The public point, uncompressed.
    pub(crate) fn point(&self) -> Outcome<Vec<u8>> {
        let mut bytes = [0; LONGEST_POINT];
        // SAFETY: the key lives; every constructor set its point.
        let point = unsafe { ffi::EC_KEY_get0_public_key(self.key.as_ptr()) };
        // SAFETY: live objects of one group; pointer and length are one array's.
        let length = unsafe {
            ffi::EC_POINT_point2oct(
                self.group(),
                point,
                ffi::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED,
                bytes.as_mut_ptr(),
                bytes.len(),
                std::ptr::null_mut(),
            )
        };
        match bytes.get(..length) {
            Some(encoded) if !encoded.is_empty() => Ok(encoded.to_vec()),
            _ => Err(Failed),
        }
    }

    /// ECDSA over a digest of any length (its leftmost bits are used): r ‖ s into `output`, which
    /// must have exactly twice the field's length.
    pub(crate) fn sign(&self, digest: &[u8], output: &mut [u8]) -> Outcome<()> {
        let half = self.curve.field_length();
        if output.len() != 2 * half {
            return Err(Failed);
        }
        // SAFETY: the key lives and has a private half, else AWS-LC answers null; pointer and length
        // are one slice's.
        let made = unsafe { ffi::ECDSA_do_sign(digest.as_ptr(), digest.len(), self.key.as_ptr()) };
        // SAFETY: just made, ours alone.
        let signature = unsafe { Owned::new(made) }?;
        let (mut r, mut s) = (std::ptr::null(), std::ptr::null());
        // SAFETY: the signature lives; both results are borrowed from it.
        unsafe { ffi::ECDSA_SIG_get0(signature.as_ptr(), &raw mut r, &raw mut s) };
        let (first, second) = output.split_at_mut(half);
        // SAFETY: `r` lives as long as `signature`; pointer and length are one slice's.
        check(unsafe { ffi::BN_bn2bin_padded(first.as_mut_ptr(), half, r) })?;
        // SAFETY: as above.
        check(unsafe { ffi::BN_bn2bin_padded(second.as_mut_ptr(), half, s) })
    }

    /// Checks r ‖ s over a digest of any length.
    pub(crate) fn verify(&self, digest: &[u8], signature: &[u8]) -> Outcome<()> {
        let half = self.curve.field_length();
        if signature.len() != 2 * half {
            return Err(Failed);
        }
        let (first, second) = signature.split_at(half);
        let (r, s) = (number(first)?, number(second)?);
        // SAFETY: no arguments.
        let made = unsafe { ffi::ECDSA_SIG_new() };
        // SAFETY: just made, ours alone.
        let signature = unsafe { Owned::new(made) }?;
        let (r, s) = (r.give(), s.give());
        // SAFETY: both numbers are ours to give and non-null, which is all that this call can refuse.
        check(unsafe { ffi::ECDSA_SIG_set0(signature.as_ptr(), r, s) })?;
        // SAFETY: live objects; pointer and length are one slice's.
        check(unsafe {
            ffi::ECDSA_do_verify(
                digest.as_ptr(),
                digest.len(),
                signature.as_ptr(),
                self.key.as_ptr(),
            )
        })
    }

    fn empty(curve: Curve) -> Outcome<Self> {
        let nid = match curve {
            Curve::P256 => ffi::NID_X9_62_prime256v1,
            Curve::P384 => ffi::NID_secp384r1,
            Curve::P521 => ffi::NID_secp521r1,
            Curve::Secp256k1 => return Err(Failed),
        };
        // SAFETY: no pointers.
        let made = unsafe { ffi::EC_KEY_new_by_curve_name(nid) };
        // SAFETY: just made, ours alone.
        let key = Shared(unsafe { Owned::new(made) }?);
        Ok(Self { key, curve })
    }

    fn group(&self) -> *const ffi::EC_GROUP {
        // SAFETY: the key lives; its group is static in AWS-LC.
        unsafe { ffi::EC_KEY_get0_group(self.key.as_ptr()) }
    }

    fn new_point(&self) -> Outcome<Owned<ffi::EC_POINT>> {
        // SAFETY: the group lives.
        let made = unsafe { ffi::EC_POINT_new(self.group()) };
        // SAFETY: just made, ours alone.
        unsafe { Owned::new(made) }
    }

    /// Used by constructors only, before anybody else sees the key.
    fn set_point(&self, point: &Owned<ffi::EC_POINT>) -> Outcome<()> {
        // SAFETY: live objects of one group; AWS-LC copies the point.
        check(unsafe { ffi::EC_KEY_set_public_key(self.key.as_ptr(), point.as_ptr()) })
    }
}
