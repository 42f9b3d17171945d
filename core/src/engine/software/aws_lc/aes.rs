//! AES: blocks, CBC, CTR, GCM with any nonce, key wrap. What a key needs is expanded once.

use std::ptr;

use aws_lc_sys as ffi;

use super::{Failed, Outcome, check};

/// Bytes of a block.
pub(crate) const BLOCK: usize = 16;

/// Bytes of a GCM tag.
pub(crate) const TAG: usize = 16;

/// Where a counter mode stands.
#[derive(Clone, Default)]
pub(crate) struct Counter {
    /// The next counter block.
    pub(crate) block: [u8; BLOCK],
    /// The encryption of the counter block before.
    pub(crate) stream: [u8; BLOCK],
    /// How many bytes of `stream` are used; 0 when none is left.
    pub(crate) used: u32,
}

impl Drop for Counter {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.stream);
    }
}

/// An AES key, expanded.
pub(crate) struct Aes {
    schedules: Box<Schedules>,
    /// On the heap: AWS-LC aligns its state inside by the address at which it was initialized.
    gcm: Box<ffi::EVP_AEAD_CTX>,
}

struct Schedules {
    encrypt: ffi::AES_KEY,
    decrypt: ffi::AES_KEY,
}

// SAFETY: nothing is changed after `new`; AWS-LC takes all of it as `const` from then on.
unsafe impl Send for Aes {}
// SAFETY: as above.
unsafe impl Sync for Aes {}

impl Drop for Aes {
    fn drop(&mut self) {
        // SAFETY: initialized in `new`; `Aes` exists only after that succeeded.
        unsafe { ffi::EVP_AEAD_CTX_cleanup(&raw mut *self.gcm) };
        // SAFETY: plain memory of our own, of that size; its contents are not used again.
        unsafe {
            ffi::OPENSSL_cleanse((&raw mut *self.gcm).cast(), size_of::<ffi::EVP_AEAD_CTX>())
        };
    }
}

impl Drop for Schedules {
    fn drop(&mut self) {
        let size = size_of::<Self>();
        // SAFETY: plain memory of our own, of that size; its contents are not used again.
        unsafe { ffi::OPENSSL_cleanse(ptr::from_mut(self).cast(), size) };
    }
}

impl Aes {
    /// Expands a key of 16, 24 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Outcome<Self> {
        let aead = match key.len() {
            // SAFETY: no arguments; the result is static.
            16 => unsafe { ffi::EVP_aead_aes_128_gcm() },
            // SAFETY: as above.
            24 => unsafe { ffi::EVP_aead_aes_192_gcm() },
            // SAFETY: as above.
            32 => unsafe { ffi::EVP_aead_aes_256_gcm() },
            _ => return Err(Failed),
        };
        let bits = key.len() as u32 * 8;
        let empty = ffi::AES_KEY {
            rd_key: [0; 60],
            rounds: 0,
        };
        let mut schedules = Box::new(Schedules {
            encrypt: empty,
            decrypt: empty,
        });
        let encrypt = &raw mut schedules.encrypt;
        // SAFETY: `key` has `bits` bits; the schedule is ours.
        let made = unsafe { ffi::AES_set_encrypt_key(key.as_ptr(), bits, encrypt) };
        expanded(made)?;
        let decrypt = &raw mut schedules.decrypt;
        // SAFETY: as above.
        let made = unsafe { ffi::AES_set_decrypt_key(key.as_ptr(), bits, decrypt) };
        expanded(made)?;
        let mut gcm = Box::new(ffi::EVP_AEAD_CTX {
            aead: ptr::null(),
            state: ffi::evp_aead_ctx_st_state { opaque: [0; 564] },
            state_offset: 0,
            tag_len: 0,
        });
        // SAFETY: the context is zeroed memory of ours that stays where it is; pointer and length are one
        // slice's; null asks for AWS-LC's own implementation.
        check(unsafe {
            ffi::EVP_AEAD_CTX_init(
                &raw mut *gcm,
                aead,
                key.as_ptr(),
                key.len(),
                TAG,
                ptr::null_mut(),
            )
        })?;
        Ok(Self { schedules, gcm })
    }

    /// Encrypts or decrypts whole blocks, each alone. The slices have the same length.
    pub(crate) fn ecb(&self, encrypt: bool, input: &[u8], output: &mut [u8]) {
        assert_eq!(input.len(), output.len());
        let (key, direction) = self.schedule(encrypt);
        let blocks = input.chunks_exact(BLOCK);
        for (from, to) in blocks.zip(output.chunks_exact_mut(BLOCK)) {
            // SAFETY: both have one block; the key was expanded for that direction.
            unsafe { ffi::AES_ecb_encrypt(from.as_ptr(), to.as_mut_ptr(), key, direction) };
        }
    }

    /// Encrypts or decrypts whole blocks, chained; `iv` goes on for the next call. The slices have the
    /// same length.
    pub(crate) fn cbc(&self, encrypt: bool, iv: &mut [u8; BLOCK], input: &[u8], output: &mut [u8]) {
        assert_eq!(input.len(), output.len());
        assert_eq!(input.len() % BLOCK, 0);
        if input.is_empty() {
            return;
        }
        let (key, direction) = self.schedule(encrypt);
        // SAFETY: both slices have that length, a multiple of the block; `iv` is one block; the key was
        // expanded for that direction.
        unsafe {
            ffi::AES_cbc_encrypt(
                input.as_ptr(),
                output.as_mut_ptr(),
                input.len(),
                key,
                iv.as_mut_ptr(),
                direction,
            );
        }
    }

    /// Encrypts or decrypts with the key stream of a 128-bit counter. The slices have the same length.
    pub(crate) fn ctr(&self, counter: &mut Counter, input: &[u8], output: &mut [u8]) {
        assert_eq!(input.len(), output.len());
        assert!(counter.used < BLOCK as u32);
        let key = &raw const self.schedules.encrypt;
        // SAFETY: both slices have that length; counter and stream are one block each; `used` is below
        // the block length, and AWS-LC keeps it there.
        unsafe {
            ffi::AES_ctr128_encrypt(
                input.as_ptr(),
                output.as_mut_ptr(),
                input.len(),
                key,
                counter.block.as_mut_ptr(),
                counter.stream.as_mut_ptr(),
                &raw mut counter.used,
            );
        }
    }

    /// GCM encryption; `output` has the input's length.
    pub(crate) fn gcm_seal(
        &self,
        nonce: &[u8],
        aad: &[u8],
        input: &[u8],
        output: &mut [u8],
    ) -> Outcome<[u8; TAG]> {
        assert_eq!(input.len(), output.len());
        let mut tag = [0; TAG];
        let mut tag_length = 0;
        // SAFETY: pointers and lengths are of one slice each; `output` has the input's length; there is no
        // extra input; the context is initialized and not changed.
        check(unsafe {
            ffi::EVP_AEAD_CTX_seal_scatter(
                &raw const *self.gcm,
                output.as_mut_ptr(),
                tag.as_mut_ptr(),
                &raw mut tag_length,
                TAG,
                nonce.as_ptr(),
                nonce.len(),
                input.as_ptr(),
                input.len(),
                ptr::null(),
                0,
                aad.as_ptr(),
                aad.len(),
            )
        })?;
        if tag_length == TAG {
            Ok(tag)
        } else {
            Err(Failed)
        }
    }

    /// GCM decryption with a whole tag; `output` has the input's length and holds zeros after a failure.
    pub(crate) fn gcm_open(
        &self,
        nonce: &[u8],
        aad: &[u8],
        input: &[u8],
        tag: &[u8; TAG],
        output: &mut [u8],
    ) -> Outcome<()> {
        assert_eq!(input.len(), output.len());
        // SAFETY: as in `gcm_seal`.
        check(unsafe {
            ffi::EVP_AEAD_CTX_open_gather(
                &raw const *self.gcm,
                output.as_mut_ptr(),
                nonce.as_ptr(),
                nonce.len(),
                input.as_ptr(),
                input.len(),
                tag.as_ptr(),
                TAG,
                aad.as_ptr(),
                aad.len(),
            )
        })
    }

    /// RFC 3394. `output` has 8 bytes more than the input, which has at least 16, a multiple of 8.
    pub(crate) fn wrap(
        &self,
        iv: Option<&[u8; 8]>,
        input: &[u8],
        output: &mut [u8],
    ) -> Outcome<()> {
        assert_eq!(output.len(), input.len() + 8);
        // SAFETY: pointers and lengths are of one slice each; the output has the room that the function
        // wants; a null initial value asks for the default.
        let written = unsafe {
            ffi::AES_wrap_key(
                &raw const self.schedules.encrypt,
                iv.map_or(ptr::null(), |iv| iv.as_ptr()),
                output.as_mut_ptr(),
                input.as_ptr(),
                input.len(),
            )
        };
        (usize::try_from(written) == Ok(output.len()))
            .then_some(())
            .ok_or(Failed)
    }

    /// RFC 3394. `output` has 8 bytes less than the input.
    pub(crate) fn unwrap(
        &self,
        iv: Option<&[u8; 8]>,
        input: &[u8],
        output: &mut [u8],
    ) -> Outcome<()> {
        assert_eq!(output.len() + 8, input.len());
        // SAFETY: as in `wrap`; the key was expanded for decryption.
        let written = unsafe {
            ffi::AES_unwrap_key(
                &raw const self.schedules.decrypt,
                iv.map_or(ptr::null(), |iv| iv.as_ptr()),
                output.as_mut_ptr(),
                input.as_ptr(),
                input.len(),
            )
        };
        (usize::try_from(written) == Ok(output.len()))
            .then_some(())
            .ok_or(Failed)
    }

    /// RFC 5649; answers the bytes written to `output`.
    pub(crate) fn wrap_padded(&self, input: &[u8], output: &mut [u8]) -> Outcome<usize> {
        let mut written = 0;
        // SAFETY: pointers and lengths are of one slice each; the function checks the room.
        check(unsafe {
            ffi::AES_wrap_key_padded(
                &raw const self.schedules.encrypt,
                output.as_mut_ptr(),
                &raw mut written,
                output.len(),
                input.as_ptr(),
                input.len(),
            )
        })?;
        Ok(written)
    }

    /// RFC 5649; answers the bytes written to `output`, which has 8 bytes less than the input.
    pub(crate) fn unwrap_padded(&self, input: &[u8], output: &mut [u8]) -> Outcome<usize> {
        let mut written = 0;
        // SAFETY: as in `wrap_padded`; the key was expanded for decryption.
        check(unsafe {
            ffi::AES_unwrap_key_padded(
                &raw const self.schedules.decrypt,
                output.as_mut_ptr(),
                &raw mut written,
                output.len(),
                input.as_ptr(),
                input.len(),
            )
        })?;
        Ok(written)
    }

    fn schedule(&self, encrypt: bool) -> (*const ffi::AES_KEY, i32) {
        if encrypt {
            (&raw const self.schedules.encrypt, ffi::AES_ENCRYPT)
        } else {
            (&raw const self.schedules.decrypt, ffi::AES_DECRYPT)
        }
    }
}

/// The AES functions answer 0 for success when they expand keys.
fn expanded(result: std::os::raw::c_int) -> Outcome<()> {
    if result == 0 { Ok(()) } else { Err(Failed) }
}
