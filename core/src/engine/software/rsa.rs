//! RSA keys.

use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::aws_lc::rsa::{Padding, PaddingHash, RsaKey};
use super::digest::{Digest, Hasher};
use super::ready::{Operations, length, parameter, through_buffer};
use super::signature::{DigestSigner, SignatureStream, check_signature_length};
use super::table::Kind;
use crate::algorithm::HashAlgorithm;
use crate::encoding::{RsaPrivateKey, RsaPublicKey};
use crate::engine::{Stream, check_room, unsupported};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Purpose, RsaHash};

/// Bits of the longest modulus used.
pub(super) const MOST_BITS: u32 = 8192;

/// Bits of the shortest modulus taken in: keys of 1024 bits still verify and decrypt what was
/// protected long ago. Smaller ones protect nothing.
pub(super) const FEWEST_BITS: u32 = 1024;

/// Bytes of the longest modulus.
const MOST_BYTES: usize = MOST_BITS as usize / 8;

/// Bytes that RFC 8017 sections 7.2.1 and 9.2 add at least.
const PKCS1_ADDS: usize = 11;

/// Bytes of the longest DigestInfo: a SHA-512 digest with 19 bytes before it.
const LONGEST_DIGEST_INFO: usize = 19 + 64;

/// An RSA key.
pub(super) struct Rsa {
    key: RsaKey,
    is_public: bool,
}

impl Rsa {
    /// Takes a private key; its numbers are checked to belong together.
    pub(super) fn private(key: &RsaPrivateKey) -> Result<Self> {
        check_size(&key.public)?;
        Ok(Self {
            key: RsaKey::from_private(key.to_pkcs1()?.expose()).map_err(|_| {
                Error::InvalidMaterial("the RSA key's numbers do not belong together".to_owned())
            })?,
            is_public: false,
        })
    }

    /// Takes a public key.
    pub(super) fn public(key: &RsaPublicKey) -> Result<Self> {
        check_size(key)?;
        Ok(Self {
            key: RsaKey::from_public(&key.to_pkcs1()?).map_err(|_| {
                Error::InvalidMaterial("the RSA modulus or exponent is none of a key".to_owned())
            })?,
            is_public: true,
        })
    }

    fn sign(&self, mechanism: &Mechanism, data: &[u8], output: &mut [u8]) -> Result<()> {
        match mechanism {
            Mechanism::RsaPkcs1 => {
                if data.len() + PKCS1_ADDS > self.key.length() {
                    return Err(length("too long for this RSA key"));
                }
                self.key
                    .sign(Padding::Pkcs1, data, output)
                    .map_err(|_| failed("signing"))
            }
            Mechanism::RsaRaw => {
                let mut block = Zeroizing::new([0; MOST_BYTES]);
                let block = self.fill_left(data, &mut block)?;
                self.key
                    .sign(Padding::None, block, output)
                    .map_err(|_| length("not below the RSA modulus"))
            }
            Mechanism::RsaPkcs1Hash { hash, .. }
            | Mechanism::RsaPss {
                hash: RsaHash { hash, .. },
                ..
            } => {
                let digest = digest_of(mechanism, *hash, data)?;
                self.sign_digest(mechanism, digest.bytes(data), output)
            }
            _ => unsupported(Purpose::Sign, mechanism),
        }
    }

    /// What a PKCS#1 v1.5 signature holds must be `expected`.
    fn check_recovered(&self, expected: &[u8], signature: &[u8]) -> Result<()> {
        let mut buffer = [0; MOST_BYTES];
        let recovered = self
            .key
            .recover(Padding::Pkcs1, signature, &mut buffer[..self.key.length()])
            .map_err(|_| Error::SignatureInvalid)?;
        if bool::from(buffer[..recovered].ct_eq(expected)) {
            Ok(())
        } else {
            Err(Error::SignatureInvalid)
        }
    }

    fn encrypt(&self, mechanism: &Mechanism, data: &[u8], output: &mut [u8]) -> Result<()> {
        match mechanism {
            Mechanism::RsaPkcs1 => {
                if data.len() + PKCS1_ADDS > self.key.length() {
                    return Err(length("too long for this RSA key"));
                }
                self.key
                    .encrypt(Padding::Pkcs1, data, output)
                    .map_err(|_| failed("encryption"))
            }
            Mechanism::RsaRaw => {
                let mut block = Zeroizing::new([0; MOST_BYTES]);
                let block = self.fill_left(data, &mut block)?;
                self.key
                    .encrypt(Padding::None, block, output)
                    .map_err(|_| length("not below the RSA modulus"))
            }
            Mechanism::RsaOaep { hash, label } => {
                // RFC 8017 section 7.1.1.
                if data.len() + 2 * hash.hash.length() + 2 > self.key.length() {
                    return Err(length("too long for this RSA key and hash"));
                }
                let (hash, mgf1) = padding_hashes(*hash)?;
                let mut block = Zeroizing::new([0; MOST_BYTES]);
                let block = &mut block[..self.key.length()];
                self.key
                    .encrypt_oaep(hash, mgf1, label, data, block, output)
                    .map_err(|_| failed("encryption"))
            }
            _ => unsupported(Purpose::Encrypt, mechanism),
        }
    }

    /// `output` has the modulus's length.
    fn decrypt(&self, mechanism: &Mechanism, data: &[u8], output: &mut [u8]) -> Result<usize> {
        if data.len() != self.key.length() {
            return Err(length("an RSA ciphertext has the modulus's length"));
        }
        match mechanism {
            Mechanism::RsaPkcs1 => self.key.decrypt(Padding::Pkcs1, data, output),
            Mechanism::RsaRaw => self.key.decrypt(Padding::None, data, output),
            Mechanism::RsaOaep { hash, label } => {
                let (hash, mgf1) = padding_hashes(*hash)?;
                self.key.decrypt_oaep(hash, mgf1, label, data, output)
            }
            _ => return unsupported(Purpose::Decrypt, mechanism),
        }
        .map_err(|_| Error::InvalidCiphertext)
    }

    /// The data that a signature holds. `output` has the modulus's length.
    fn recover(&self, mechanism: &Mechanism, signature: &[u8], output: &mut [u8]) -> Result<usize> {
        check_signature_length(signature, self.key.length())?;
        let padding = match mechanism {
            Mechanism::RsaPkcs1 => Padding::Pkcs1,
            Mechanism::RsaRaw => Padding::None,
            _ => return unsupported(Purpose::VerifyRecover, mechanism),
        };
        self.key
            .recover(padding, signature, output)
            .map_err(|_| Error::SignatureInvalid)
    }

    /// Data for raw RSA: zeros on the left up to the modulus's length.
    fn fill_left<'a>(&self, data: &[u8], block: &'a mut [u8; MOST_BYTES]) -> Result<&'a [u8]> {
        let block = &mut block[..self.key.length()];
        let start = block
            .len()
            .checked_sub(data.len())
            .ok_or_else(|| length("longer than the RSA modulus"))?;
        block[start..].copy_from_slice(data);
        Ok(block)
    }
}

impl Operations for Rsa {
    fn kind(&self) -> Kind {
        Kind::Rsa
    }

    fn is_public(&self) -> bool {
        self.is_public
    }

    fn output_length(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        _input: usize,
    ) -> Result<usize> {
        let whole = self.key.length();
        Ok(match (purpose, mechanism) {
            (Purpose::Decrypt | Purpose::Unwrap | Purpose::VerifyRecover, Mechanism::RsaPkcs1) => {
                whole - PKCS1_ADDS
            }
            (Purpose::Decrypt | Purpose::Unwrap, Mechanism::RsaOaep { hash, .. }) => {
                whole.saturating_sub(2 * hash.hash.length() + 2)
            }
            _ => whole,
        })
    }

    fn run(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize> {
        let whole = self.key.length();
        match purpose {
            Purpose::Sign | Purpose::SignRecover => {
                check_room(output, whole)?;
                self.sign(mechanism, input, &mut output[..whole])?;
                Ok(whole)
            }
            Purpose::Encrypt => {
                check_room(output, whole)?;
                self.encrypt(mechanism, input, &mut output[..whole])?;
                Ok(whole)
            }
            Purpose::Decrypt => through_buffer(whole, output, |output| {
                self.decrypt(mechanism, input, output)
            }),
            Purpose::VerifyRecover => through_buffer(whole, output, |output| {
                self.recover(mechanism, input, output)
            }),
            _ => unsupported(purpose, mechanism),
        }
    }

    fn verify(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        check_signature_length(signature, self.key.length())?;
        match mechanism {
            Mechanism::RsaPkcs1 => self.check_recovered(data, signature),
            Mechanism::RsaRaw => {
                let mut block = Zeroizing::new([0; MOST_BYTES]);
                let expected = self.fill_left(data, &mut block)?;
                let mut buffer = [0; MOST_BYTES];
                let recovered = &mut buffer[..self.key.length()];
                self.key
                    .recover(Padding::None, signature, recovered)
                    .map_err(|_| Error::SignatureInvalid)?;
                if bool::from(recovered.ct_eq(expected)) {
                    Ok(())
                } else {
                    Err(Error::SignatureInvalid)
                }
            }
            Mechanism::RsaPkcs1Hash { hash, .. }
            | Mechanism::RsaPss {
                hash: RsaHash { hash, .. },
                ..
            } => {
                let digest = digest_of(mechanism, *hash, data)?;
                self.verify_digest(mechanism, digest.bytes(data), signature)
            }
            _ => unsupported(purpose, mechanism),
        }
    }

    fn stream(
        self: &Arc<Self>,
        purpose: Purpose,
        mechanism: &Mechanism,
    ) -> Result<Box<dyn Stream>> {
        let (Mechanism::RsaPkcs1Hash { hash, .. }
        | Mechanism::RsaPss {
            hash: RsaHash { hash, .. },
            ..
        }) = mechanism
        else {
            return unsupported(purpose, mechanism);
        };
        let hasher = Hasher::new(*hash);
        Ok(SignatureStream::start(self, purpose, mechanism, hasher))
    }
}

impl DigestSigner for Rsa {
    fn signature_length(&self) -> usize {
        self.key.length()
    }

    fn sign_digest(&self, mechanism: &Mechanism, digest: &[u8], output: &mut [u8]) -> Result<()> {
        match mechanism {
            Mechanism::RsaPkcs1Hash { hash, .. } => {
                let mut info = [0; LONGEST_DIGEST_INFO];
                let info = digest_info(*hash, digest, &mut info)?;
                self.sign(&Mechanism::RsaPkcs1, info, output)
            }
            Mechanism::RsaPss {
                hash, salt_length, ..
            } => {
                check_salt(*hash, *salt_length, self.key.length())?;
                let (hash, mgf1) = padding_hashes(*hash)?;
                self.key
                    .sign_pss(hash, mgf1, *salt_length, digest, output)
                    .map_err(|_| failed("signing"))
            }
            _ => unsupported(Purpose::Sign, mechanism),
        }
    }

    fn verify_digest(&self, mechanism: &Mechanism, digest: &[u8], signature: &[u8]) -> Result<()> {
        match mechanism {
            Mechanism::RsaPkcs1Hash { hash, .. } => {
                let mut info = [0; LONGEST_DIGEST_INFO];
                let info = digest_info(*hash, digest, &mut info)?;
                self.check_recovered(info, signature)
            }
            Mechanism::RsaPss {
                hash, salt_length, ..
            } => {
                check_salt(*hash, *salt_length, self.key.length())?;
                let (hash, mgf1) = padding_hashes(*hash)?;
                self.key
                    .verify_pss(hash, mgf1, *salt_length, digest, signature)
                    .map_err(|_| Error::SignatureInvalid)
            }
            _ => unsupported(Purpose::Verify, mechanism),
        }
    }
}

fn failed(what: &str) -> Error {
    Error::Internal(format!("AWS-LC failed in RSA {what}"))
}

/// Bits of the modulus within what is used here.
pub(super) fn check_size(key: &RsaPublicKey) -> Result<()> {
    let bits = key.spec().bits();
    if (FEWEST_BITS..=MOST_BITS).contains(&bits) {
        Ok(())
    } else {
        Err(Error::KeySize {
            bits,
            allowed: "RSA keys of 1024 to 8192 bits",
        })
    }
}

/// RFC 8017 section 9.1.1: digest, salt and two bytes fit into the block.
fn check_salt(hash: RsaHash, salt_length: usize, whole: usize) -> Result<()> {
    if salt_length.saturating_add(hash.hash.length() + 2) > whole {
        Err(parameter("the salt is too long for this RSA key and hash"))
    } else {
        Ok(())
    }
}

fn padding_hashes(hash: RsaHash) -> Result<(PaddingHash, PaddingHash)> {
    match (PaddingHash::new(hash.hash), PaddingHash::new(hash.mgf1)) {
        (Some(hash), Some(mgf1)) => Ok((hash, mgf1)),
        _ => Err(parameter("OAEP and PSS take SHA-1 and SHA-2")),
    }
}

/// The digest of the data, or the data itself when it is one already.
enum DigestOf {
    Computed(Digest),
    Given,
}

impl DigestOf {
    fn bytes<'a>(&'a self, data: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Computed(digest) => digest.as_ref(),
            Self::Given => data,
        }
    }
}

fn digest_of(mechanism: &Mechanism, hash: HashAlgorithm, data: &[u8]) -> Result<DigestOf> {
    let given = matches!(
        mechanism,
        Mechanism::RsaPkcs1Hash { digested: true, .. } | Mechanism::RsaPss { digested: true, .. }
    );
    if !given {
        Ok(DigestOf::Computed(Hasher::digest(hash, data)))
    } else if data.len() == hash.length() {
        Ok(DigestOf::Given)
    } else {
        Err(length("not a digest of the mechanism's hash"))
    }
}

/// DigestInfo, DER (RFC 8017 section 9.2 note 1; SHA-3 by NIST's identifiers): 2.16.840.1.101.3.4.2.x with NULL
/// parameters, except SHA-1.
fn digest_info<'a>(
    hash: HashAlgorithm,
    digest: &[u8],
    info: &'a mut [u8; LONGEST_DIGEST_INFO],
) -> Result<&'a [u8]> {
    let last = match hash {
        HashAlgorithm::Sha1 => {
            const PREFIX: [u8; 15] = [
                0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04,
                0x14,
            ];
            return Ok(put(info, &PREFIX, digest));
        }
        HashAlgorithm::Sha256 => 1,
        HashAlgorithm::Sha384 => 2,
        HashAlgorithm::Sha512 => 3,
        HashAlgorithm::Sha224 => 4,
        HashAlgorithm::Sha512_224 => 5,
        HashAlgorithm::Sha512_256 => 6,
        HashAlgorithm::Sha3_224 => 7,
        HashAlgorithm::Sha3_256 => 8,
        HashAlgorithm::Sha3_384 => 9,
        HashAlgorithm::Sha3_512 => 10,
        HashAlgorithm::Sm3 => return Err(parameter("no RSA signature with SM3")),
    };
    let length = digest.len() as u8;
    let prefix = [
        0x30,
        17 + length,
        0x30,
        0x0d,
        0x06,
        0x09,
        0x60,
        0x86,
        0x48,
        0x01,
        0x65,
        0x03,
        0x04,
        0x02,
        last,
        0x05,
        0x00,
        0x04,
        length,
    ];
    Ok(put(info, &prefix, digest))
}

fn put<'a>(info: &'a mut [u8; LONGEST_DIGEST_INFO], prefix: &[u8], digest: &[u8]) -> &'a [u8] {
    let whole = prefix.len() + digest.len();
    info[..prefix.len()].copy_from_slice(prefix);
    info[prefix.len()..whole].copy_from_slice(digest);
    &info[..whole]
}
