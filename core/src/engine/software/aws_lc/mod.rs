//! What `aws-lc-rs` does not expose, over `aws-lc-sys`: ECDSA over a digest of any length, raw RSA and
//! RSA with padding given by the caller, and the AES modes and GCM parameters of PKCS#11.
//!
//! This folder is the only place of the engine with `unsafe`. Every type here owns its C object, is
//! complete and valid once made, and is never changed afterwards, so that `&self` methods may run on
//! many threads at once. Inputs and outputs are slices whose lengths are checked here, not by callers.

use std::ops::Deref;
use std::ptr::NonNull;

use aws_lc_sys as ffi;

use crate::error::Error;

pub(crate) mod aes;
pub(crate) mod ec;
pub(crate) mod ed25519;
pub(crate) mod rsa;

/// AWS-LC refused. Callers know what that means where they are; AWS-LC's own reason is not passed on,
/// because for decryption it must not be.
#[derive(Debug)]
pub(crate) struct Failed;

/// Result of a call of AWS-LC.
pub(crate) type Outcome<T> = std::result::Result<T, Failed>;

/// A failure that can only be lack of memory or a fault of ours.
pub(crate) fn internal(what: &'static str) -> impl Fn(Failed) -> Error {
    move |Failed| Error::Internal(format!("AWS-LC failed in {what}"))
}

/// AWS-LC answers 1 for success in all functions used here.
fn check(result: std::os::raw::c_int) -> Outcome<()> {
    if result == 1 { Ok(()) } else { Err(Failed) }
}

/// A C object that knows how it is freed.
trait Release {
    /// Frees the object.
    ///
    /// # Safety
    /// `object` must come from the function of AWS-LC that makes such objects, and is gone afterwards.
    unsafe fn release(object: *mut Self);
}

macro_rules! release {
    ($($type:ident: $free:ident),* $(,)?) => { $(
        impl Release for ffi::$type {
            unsafe fn release(object: *mut Self) {
                // SAFETY: the caller keeps to the trait's contract.
                unsafe { ffi::$free(object) }
            }
        }
    )* };
}

release! {
    BIGNUM: BN_clear_free,
    EC_KEY: EC_KEY_free,
    EC_POINT: EC_POINT_free,
    ECDSA_SIG: ECDSA_SIG_free,
    RSA: RSA_free,
    EVP_PKEY: EVP_PKEY_free,
    EVP_PKEY_CTX: EVP_PKEY_CTX_free,
    EVP_CIPHER_CTX: EVP_CIPHER_CTX_free,
}

/// A C object of our own.
struct Owned<T: Release>(NonNull<T>);

impl<T: Release> Owned<T> {
    /// Takes over what a function of AWS-LC just made; null is its failure.
    ///
    /// # Safety
    /// `object` must be null, or an object that nobody else will free.
    unsafe fn new(object: *mut T) -> Outcome<Self> {
        NonNull::new(object).map(Self).ok_or(Failed)
    }

    fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// Gives the object away to whoever frees it from now on.
    fn give(self) -> *mut T {
        let pointer = self.0.as_ptr();
        std::mem::forget(self);
        pointer
    }
}

impl<T: Release> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `new` requires an object that is ours alone to free.
        unsafe { T::release(self.0.as_ptr()) }
    }
}

/// An owned object that AWS-LC allows many threads to read.
struct Shared<T: Release>(Owned<T>);

// SAFETY: used for EC_KEY and RSA only. Both may be used from many threads as long as none changes
// them (`openssl/ec_key.h`, `openssl/rsa.h`); what they cache inside is under a lock of their own.
unsafe impl<T: Release> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Release> Sync for Shared<T> {}

impl<T: Release> Deref for Shared<T> {
    type Target = Owned<T>;

    fn deref(&self) -> &Owned<T> {
        &self.0
    }
}

/// A number from its big-endian bytes.
fn number(bytes: &[u8]) -> Outcome<Owned<ffi::BIGNUM>> {
    // SAFETY: pointer and length are one slice's; a null result pointer asks for a new object.
    let made = unsafe { ffi::BN_bin2bn(bytes.as_ptr(), bytes.len(), std::ptr::null_mut()) };
    // SAFETY: just made, ours alone.
    unsafe { Owned::new(made) }
}
