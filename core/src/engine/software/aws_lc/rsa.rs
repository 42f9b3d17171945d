//! RSA: what PKCS#11 asks of it below and beside `aws-lc-rs`.

use std::ptr;

use aws_lc_sys as ffi;

use super::{Failed, Outcome, Owned, Shared, check, number};
use crate::algorithm::HashAlgorithm;
use crate::secret::SecretBytes;

/// How a block is padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// RFC 8017 section 7.2 or 8.2, by whether it is an encryption or a signature.
    Pkcs1,
    /// None: the block has the modulus's length.
    None,
}

impl Padding {
    const fn number(self) -> i32 {
        match self {
            Self::Pkcs1 => ffi::RSA_PKCS1_PADDING,
            Self::None => ffi::RSA_NO_PADDING,
        }
    }
}

/// SHA-1, SHA-2 or SHA-3 inside a padding.
#[derive(Clone, Copy)]
pub(crate) struct PaddingHash(*const ffi::EVP_MD);

impl PaddingHash {
    /// None for other hashes.
    pub(crate) fn new(hash: HashAlgorithm) -> Option<Self> {
        Some(Self(match hash {
            // SAFETY: no arguments; the result is static.
            HashAlgorithm::Sha1 => unsafe { ffi::EVP_sha1() },
            // SAFETY: as above.
            HashAlgorithm::Sha224 => unsafe { ffi::EVP_sha224() },
            // SAFETY: as above.
            HashAlgorithm::Sha256 => unsafe { ffi::EVP_sha256() },
            // SAFETY: as above.
            HashAlgorithm::Sha384 => unsafe { ffi::EVP_sha384() },
            // SAFETY: as above.
            HashAlgorithm::Sha512 => unsafe { ffi::EVP_sha512() },
            // SAFETY: as above.
            HashAlgorithm::Sha512_224 => unsafe { ffi::EVP_sha512_224() },
            // SAFETY: as above.
            HashAlgorithm::Sha512_256 => unsafe { ffi::EVP_sha512_256() },
            // SAFETY: as above.
            HashAlgorithm::Sha3_224 => unsafe { ffi::EVP_sha3_224() },
            // SAFETY: as above.
            HashAlgorithm::Sha3_256 => unsafe { ffi::EVP_sha3_256() },
            // SAFETY: as above.
            HashAlgorithm::Sha3_384 => unsafe { ffi::EVP_sha3_384() },
            // SAFETY: as above.
            HashAlgorithm::Sha3_512 => unsafe { ffi::EVP_sha3_512() },
            HashAlgorithm::Sm3 => return None,
        }))
    }
}

/// An RSA key, with or without its private half. Private operations are blinded and constant-time.
pub(crate) struct RsaKey {
    key: Shared<ffi::RSA>,
    length: usize,
}

impl RsaKey {
    /// Reads PKCS#1 `RSAPrivateKey`; its numbers are checked to belong together.
    pub(crate) fn from_private(pkcs1: &[u8]) -> Outcome<Self> {
        // SAFETY: pointer and length are one slice's.
        let made = unsafe { ffi::RSA_private_key_from_bytes(pkcs1.as_ptr(), pkcs1.len()) };
        // SAFETY: just made, ours alone.
        unsafe { Owned::new(made) }.map(Self::of)
    }

    /// Reads PKCS#1 `RSAPublicKey`.
    pub(crate) fn from_public(pkcs1: &[u8]) -> Outcome<Self> {
        // SAFETY: pointer and length are one slice's.
        let made = unsafe { ffi::RSA_public_key_from_bytes(pkcs1.as_ptr(), pkcs1.len()) };
        // SAFETY: just made, ours alone.
        unsafe { Owned::new(made) }.map(Self::of)
    }

    /// Makes a key and writes it as PKCS#1 `RSAPrivateKey`.
    pub(crate) fn generate(bits: u32, public_exponent: u64) -> Outcome<SecretBytes> {
        let bits = i32::try_from(bits).map_err(|_| Failed)?;
        let exponent = number(&public_exponent.to_be_bytes())?;
        // SAFETY: no arguments.
        let made = unsafe { ffi::RSA_new() };
        // SAFETY: just made, ours alone.
        let key = unsafe { Owned::new(made) }?;
        // SAFETY: live objects; a null callback is none.
        check(unsafe {
            ffi::RSA_generate_key_ex(key.as_ptr(), bits, exponent.as_ptr(), ptr::null_mut())
        })?;
        let (mut bytes, mut length) = (ptr::null_mut(), 0);
        // SAFETY: the key lives; the two results are ours.
        check(unsafe {
            ffi::RSA_private_key_to_bytes(&raw mut bytes, &raw mut length, key.as_ptr())
        })?;
        // SAFETY: AWS-LC just allocated that many bytes there, and nobody else has them.
        let encoded = SecretBytes::from(unsafe { std::slice::from_raw_parts(bytes, length) });
        // SAFETY: allocated by AWS-LC, freed (and cleansed) once, not used again.
        unsafe { ffi::OPENSSL_free(bytes.cast()) };
        Ok(encoded)
    }

    fn of(key: Owned<ffi::RSA>) -> Self {
        // SAFETY: the key lives and has a modulus, else AWS-LC had not read it.
        let length = unsafe { ffi::RSA_size(key.as_ptr()) } as usize;
        Self {
            key: Shared(key),
            length,
        }
    }

    /// Bytes of the modulus, of every signature and ciphertext.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The private operation on a padded block: signatures.
    pub(crate) fn sign(&self, padding: Padding, input: &[u8], output: &mut [u8]) -> Outcome<()> {
        let mut written = 0;
        // SAFETY: pointers and lengths are of one slice each; AWS-LC checks the room, and refuses a key
        // without private half.
        check(unsafe {
            ffi::RSA_sign_raw(
                self.key.as_ptr(),
                &raw mut written,
                output.as_mut_ptr(),
                output.len(),
                input.as_ptr(),
                input.len(),
                padding.number(),
            )
        })?;
        (written == self.length).then_some(()).ok_or(Failed)
    }

    /// The public operation on a signature; answers the bytes of the padded content. `output` has
    /// the modulus's length.
    pub(crate) fn recover(
        &self,
        padding: Padding,
        signature: &[u8],
        output: &mut [u8],
    ) -> Outcome<usize> {
        let mut written = 0;
        // SAFETY: pointers and lengths are of one slice each; AWS-LC checks the room.
        check(unsafe {
            ffi::RSA_verify_raw(
                self.key.as_ptr(),
                &raw mut written,
                output.as_mut_ptr(),
                output.len(),
                signature.as_ptr(),
                signature.len(),
                padding.number(),
            )
        })?;
        Ok(written)
    }

    /// The public operation on a padded block: encryption.
    pub(crate) fn encrypt(&self, padding: Padding, input: &[u8], output: &mut [u8]) -> Outcome<()> {
        let mut written = 0;
        // SAFETY: pointers and lengths are of one slice each; AWS-LC checks the room.
        check(unsafe {
            ffi::RSA_encrypt(
                self.key.as_ptr(),
                &raw mut written,
                output.as_mut_ptr(),
                output.len(),
                input.as_ptr(),
                input.len(),
                padding.number(),
            )
        })?;
        (written == self.length).then_some(()).ok_or(Failed)
    }

    /// The private operation on a ciphertext; padding is removed in constant time. `output` has the
    /// modulus's length.
    pub(crate) fn decrypt(
        &self,
        padding: Padding,
        input: &[u8],
        output: &mut [u8],
    ) -> Outcome<usize> {
        let mut written = 0;
        // SAFETY: pointers and lengths are of one slice each; AWS-LC checks the room, and refuses a key
        // without private half.
        check(unsafe {
            ffi::RSA_decrypt(
                self.key.as_ptr(),
                &raw mut written,
                output.as_mut_ptr(),
                output.len(),
                input.as_ptr(),
                input.len(),
                padding.number(),
            )
        })?;
        Ok(written)
    }

    /// RSA-PSS over a digest.
    pub(crate) fn sign_pss(
        &self,
        hash: PaddingHash,
        mgf1: PaddingHash,
        salt_length: usize,
        digest: &[u8],
        output: &mut [u8],
    ) -> Outcome<()> {
        let salt_length = i32::try_from(salt_length).map_err(|_| Failed)?;
        let mut written = 0;
        // SAFETY: pointers and lengths are of one slice each; the hashes are static; AWS-LC checks the
        // digest's length and the room.
        check(unsafe {
            ffi::RSA_sign_pss_mgf1(
                self.key.as_ptr(),
                &raw mut written,
                output.as_mut_ptr(),
                output.len(),
                digest.as_ptr(),
                digest.len(),
                hash.0,
                mgf1.0,
                salt_length,
            )
        })?;
        (written == self.length).then_some(()).ok_or(Failed)
    }

    /// Checks an RSA-PSS signature over a digest.
    pub(crate) fn verify_pss(
        &self,
        hash: PaddingHash,
        mgf1: PaddingHash,
        salt_length: usize,
        digest: &[u8],
        signature: &[u8],
    ) -> Outcome<()> {
        let salt_length = i32::try_from(salt_length).map_err(|_| Failed)?;
        // SAFETY: pointers and lengths are of one slice each; the hashes are static.
        check(unsafe {
            ffi::RSA_verify_pss_mgf1(
                self.key.as_ptr(),
                digest.as_ptr(),
                digest.len(),
                hash.0,
                mgf1.0,
                salt_length,
                signature.as_ptr(),
                signature.len(),
            )
        })
    }

    /// RSA-OAEP encryption. `block` is room for the padded block; both have the modulus's length.
    pub(crate) fn encrypt_oaep(
        &self,
        hash: PaddingHash,
        mgf1: PaddingHash,
        label: &[u8],
        input: &[u8],
        block: &mut [u8],
        output: &mut [u8],
    ) -> Outcome<()> {
        if block.len() != self.length {
            return Err(Failed);
        }
        // SAFETY: pointers and lengths are of one slice each; the hashes are static.
        check(unsafe {
            ffi::RSA_padding_add_PKCS1_OAEP_mgf1(
                block.as_mut_ptr(),
                block.len(),
                input.as_ptr(),
                input.len(),
                label.as_ptr(),
                label.len(),
                hash.0,
                mgf1.0,
            )
        })?;
        self.encrypt(Padding::None, block, output)
    }

    /// RSA-OAEP decryption, in constant time. `output` has the modulus's length.
    pub(crate) fn decrypt_oaep(
        &self,
        hash: PaddingHash,
        mgf1: PaddingHash,
        label: &[u8],
        input: &[u8],
        output: &mut [u8],
    ) -> Outcome<usize> {
        // SAFETY: no arguments.
        let made = unsafe { ffi::EVP_PKEY_new() };
        // SAFETY: just made, ours alone.
        let key = unsafe { Owned::new(made) }?;
        // SAFETY: live objects; the key's reference count goes up.
        check(unsafe { ffi::EVP_PKEY_set1_RSA(key.as_ptr(), self.key.as_ptr()) })?;
        // SAFETY: the key lives; null asks for AWS-LC's own implementation.
        let made = unsafe { ffi::EVP_PKEY_CTX_new(key.as_ptr(), ptr::null_mut()) };
        // SAFETY: just made, ours alone.
        let context = unsafe { Owned::new(made) }?;
        // SAFETY: the context lives.
        check(unsafe { ffi::EVP_PKEY_decrypt_init(context.as_ptr()) })?;
        let padding = ffi::RSA_PKCS1_OAEP_PADDING;
        // SAFETY: the context lives and is one of RSA decryption.
        check(unsafe { ffi::EVP_PKEY_CTX_set_rsa_padding(context.as_ptr(), padding) })?;
        // SAFETY: as above; the hash is static.
        check(unsafe { ffi::EVP_PKEY_CTX_set_rsa_oaep_md(context.as_ptr(), hash.0) })?;
        // SAFETY: as above.
        check(unsafe { ffi::EVP_PKEY_CTX_set_rsa_mgf1_md(context.as_ptr(), mgf1.0) })?;
        set_label(&context, label)?;
        let mut written = output.len();
        // SAFETY: pointers and lengths are of one slice each; `written` tells the room.
        check(unsafe {
            ffi::EVP_PKEY_decrypt(
                context.as_ptr(),
                output.as_mut_ptr(),
                &raw mut written,
                input.as_ptr(),
                input.len(),
            )
        })?;
        Ok(written)
    }
}

/// Gives a copy of the label to a context of RSA-OAEP.
fn set_label(context: &Owned<ffi::EVP_PKEY_CTX>, label: &[u8]) -> Outcome<()> {
    if label.is_empty() {
        return Ok(());
    }
    // SAFETY: pointer and length are one slice's.
    let copy: *mut u8 = unsafe { ffi::OPENSSL_memdup(label.as_ptr().cast(), label.len()) }.cast();
    if copy.is_null() {
        return Err(Failed);
    }
    // SAFETY: the context lives; the copy is AWS-LC's own memory of that length, and goes to the context
    // when this succeeds.
    let given =
        unsafe { ffi::EVP_PKEY_CTX_set0_rsa_oaep_label(context.as_ptr(), copy, label.len()) };
    check(given).inspect_err(|Failed| {
        // SAFETY: not taken, so still ours, freed once.
        unsafe { ffi::OPENSSL_free(copy.cast()) };
    })
}
