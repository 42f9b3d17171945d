//! SM2 keys (GB/T 32918): signatures and encryption on the recommended curve.

use std::hint::black_box;
use std::sync::Arc;

use sm2::dsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::pke::{Cipher, DecryptingKey, EncryptingKey, Mode};
use sm2::{PublicKey, SecretKey};
use zeroize::Zeroize;

use super::digest::Hasher;
use super::random::OsRandom;
use super::ready::{Operations, length, parameter};
use super::signature::{DigestSigner, SignatureStream, check_signature_length};
use super::table::Kind;
use crate::algorithm::HashAlgorithm;
use crate::encoding::{EcPrivateKey, EcPublicKey};
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose};

/// Bytes of r ‖ s.
const SIGNATURE: usize = 64;

/// Bytes of C1 (an uncompressed point) and C3 (an SM3 digest).
const CIPHERTEXT_ADDS: usize = 65 + 32;

/// Longest user id: its length in bits has 16 bits (GB/T 32918.2 section 5.5).
const LONGEST_USER_ID: usize = 8191;

/// a, b, xG and yG of the recommended curve (GB/T 32918.5), which Z begins with after the user id.
const CURVE: [[u8; 32]; 4] = [
    *b"\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
       \xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xfc",
    *b"\x28\xe9\xfa\x9e\x9d\x9f\x5e\x34\x4d\x5a\x9e\x4b\xcf\x65\x09\xa7\
       \xf3\x97\x89\xf5\x15\xab\x8f\x92\xdd\xbc\xbd\x41\x4d\x94\x0e\x93",
    *b"\x32\xc4\xae\x2c\x1f\x19\x81\x19\x5f\x99\x04\x46\x6a\x39\xc9\x94\
       \x8f\xe3\x0b\xbf\xf2\x66\x0b\xe1\x71\x5a\x45\x89\x33\x4c\x74\xc7",
    *b"\xbc\x37\x36\xa2\xf4\xf6\x77\x9c\x59\xbd\xce\xe3\x6b\x69\x21\x53\
       \xd0\xa9\x87\x7c\xc6\x2a\x47\x40\x02\xdf\x32\xe5\x21\x39\xf0\xa0",
];

/// An SM2 key.
pub(super) struct Sm2 {
    private: Option<Box<Private>>,
    verifying: VerifyingKey,
    encrypting: EncryptingKey,
    /// x ‖ y, which Z ends with.
    coordinates: [u8; 64],
}

struct Private {
    signing: SigningKey,
    decrypting: DecryptingKey,
}

impl Private {
    fn new(secret: &SecretKey) -> Result<Self> {
        let (signing, decrypting) = Self::parts(secret).ok_or_else(invalid)?;
        Ok(Self {
            signing,
            decrypting,
        })
    }

    fn parts(secret: &SecretKey) -> Option<(SigningKey, DecryptingKey)> {
        // The user id is the mechanism's, not the key's: Z is made here.
        let signing = SigningKey::new("", secret).ok()?;
        let decrypting = DecryptingKey::new_with_mode(secret.to_nonzero_scalar(), Mode::C1C3C2);
        Some((signing, decrypting))
    }
}

impl Drop for Private {
    /// The `sm2` crate does not cleanse its keys: another key is written over them.
    fn drop(&mut self) {
        let another = SecretKey::from_slice(&[1; 32]).ok();
        if let Some(another) = another.and_then(|key| Self::parts(&key)) {
            (self.signing, self.decrypting) = another;
            // As if somebody looked, so that the writes are not left out.
            black_box(&self.signing);
            black_box(&self.decrypting);
        }
    }
}

impl Sm2 {
    pub(super) fn private(key: &EcPrivateKey) -> Result<Self> {
        let secret = SecretKey::from_slice(key.private_value().expose()).map_err(|_| invalid())?;
        let mut made = Self::public(&key.public_key()?)?;
        made.private = Some(Box::new(Private::new(&secret)?));
        Ok(made)
    }

    pub(super) fn public(key: &EcPublicKey) -> Result<Self> {
        let public = PublicKey::from_sec1_bytes(key.point()).map_err(|_| invalid())?;
        let mut coordinates = [0; 64];
        // An `EcPublicKey`'s point is uncompressed: one byte before the coordinates.
        coordinates.copy_from_slice(key.point().get(1..65).ok_or_else(invalid)?);
        Ok(Self {
            private: None,
            verifying: VerifyingKey::new("", public).map_err(|_| invalid())?,
            encrypting: EncryptingKey::new_with_mode(public, Mode::C1C3C2),
            coordinates,
        })
    }

    /// SM3 after Z (GB/T 32918.2 section 5.5): what the data is hashed into.
    fn hasher(&self, user_id: &[u8]) -> Result<Hasher> {
        if user_id.len() > LONGEST_USER_ID {
            return Err(parameter("an SM2 user id has at most 8191 bytes"));
        }
        let mut hasher = Hasher::new(HashAlgorithm::Sm3);
        hasher.update(&(user_id.len() as u16 * 8).to_be_bytes());
        hasher.update(user_id);
        for number in &CURVE {
            hasher.update(number);
        }
        hasher.update(&self.coordinates);
        let z = hasher.finish();
        let mut hasher = Hasher::new(HashAlgorithm::Sm3);
        hasher.update(z.as_ref());
        Ok(hasher)
    }

    fn encrypt(&self, data: &[u8], output: &mut [u8]) -> Result<usize> {
        if data.is_empty() {
            return Err(length("SM2 encrypts a byte or more"));
        }
        let needed = data.len() + CIPHERTEXT_ADDS;
        check_room(output, needed)?;
        let encrypted = self
            .encrypting
            .encrypt(&mut OsRandom, data)
            .map_err(|_| Error::Internal("SM2 encryption failed".to_owned()))?;
        check_room(output, encrypted.len())?;
        output[..encrypted.len()].copy_from_slice(&encrypted);
        Ok(encrypted.len())
    }

    fn decrypt(&self, data: &[u8], output: &mut [u8]) -> Result<usize> {
        let Some(private) = &self.private else {
            return unsupported(Purpose::Decrypt, &Mechanism::Sm2Encrypt);
        };
        // C1 uncompressed, as the standard's default; one byte of data or more.
        if data.len() <= CIPHERTEXT_ADDS || data[0] != 4 {
            return Err(Error::InvalidCiphertext);
        }
        let plain = data.len() - CIPHERTEXT_ADDS;
        check_room(output, plain)?;
        let cipher: Cipher<'_> =
            Cipher::from_slice(data, Mode::C1C3C2).map_err(|_| Error::InvalidCiphertext)?;
        let output = &mut output[..plain];
        private
            .decrypting
            .decrypt_cipher_with_buf(&cipher, output)
            .map_err(|_| {
                output.zeroize();
                Error::InvalidCiphertext
            })
    }
}

fn invalid() -> Error {
    Error::InvalidMaterial("not an SM2 key".to_owned())
}

impl Operations for Sm2 {
    fn kind(&self) -> Kind {
        Kind::Sm2
    }

    fn is_public(&self) -> bool {
        self.private.is_none()
    }

    fn output_length(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: usize,
    ) -> Result<usize> {
        Ok(match (mechanism, purpose) {
            (Mechanism::Sm2Encrypt, Purpose::Encrypt) => input.saturating_add(CIPHERTEXT_ADDS),
            (Mechanism::Sm2Encrypt, _) => input.saturating_sub(CIPHERTEXT_ADDS),
            _ => SIGNATURE,
        })
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        match (mechanism, purpose) {
            (Mechanism::Sm2Encrypt, Purpose::Encrypt) => return self.encrypt(input, output),
            (Mechanism::Sm2Encrypt, _) => return self.decrypt(input, output),
            _ => check_room(output, SIGNATURE)?,
        }
        let output = &mut output[..SIGNATURE];
        match mechanism {
            Mechanism::Sm2Sign { user_id } => {
                let mut hasher = self.hasher(user_id)?;
                hasher.update(input);
                self.sign_digest(mechanism, hasher.finish().as_ref(), output)?;
            }
            Mechanism::Sm2SignDigest => self.sign_digest(mechanism, input, output)?,
            _ => return unsupported(purpose, mechanism),
        }
        Ok(SIGNATURE)
    }

    fn verify(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        check_signature_length(signature, SIGNATURE)?;
        match mechanism {
            Mechanism::Sm2Sign { user_id } => {
                let mut hasher = self.hasher(user_id)?;
                hasher.update(data);
                self.verify_digest(mechanism, hasher.finish().as_ref(), signature)
            }
            Mechanism::Sm2SignDigest => self.verify_digest(mechanism, data, signature),
            _ => unsupported(purpose, mechanism),
        }
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        let Mechanism::Sm2Sign { user_id } = mechanism else {
            return unsupported(purpose, mechanism);
        };
        let hasher = self.hasher(user_id)?;
        Ok(SignatureStream::start(self, purpose, mechanism, hasher))
    }
}

impl DigestSigner for Sm2 {
    fn signature_length(&self) -> usize {
        SIGNATURE
    }

    fn sign_digest(&self, mechanism: &Mechanism, digest: &[u8], output: &mut [u8]) -> Result<()> {
        let Some(private) = &self.private else {
            return unsupported(Purpose::Sign, mechanism);
        };
        check_digest(digest)?;
        let signature: Signature = private
            .signing
            .sign_prehash_with_rng(&mut OsRandom, digest)
            .map_err(|_| Error::Internal("SM2 signing failed".to_owned()))?;
        output.copy_from_slice(&signature.to_bytes());
        Ok(())
    }

    fn verify_digest(&self, _mechanism: &Mechanism, digest: &[u8], signature: &[u8]) -> Result<()> {
        check_digest(digest)?;
        let signature = Signature::from_slice(signature).map_err(|_| Error::SignatureInvalid)?;
        self.verifying
            .verify_prehash(digest, &signature)
            .map_err(|_| Error::SignatureInvalid)
    }
}

fn check_digest(digest: &[u8]) -> Result<()> {
    if digest.len() == HashAlgorithm::Sm3.length() {
        Ok(())
    } else {
        Err(length("an SM2 signature is over 32 bytes"))
    }
}
