//! What the parameters of mechanisms are made of.

use crate::algorithm::HashAlgorithm;
use crate::secret::SecretBytes;

/// What is hashed before HashML-DSA signs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreHash {
    /// A hash function.
    Hash(HashAlgorithm),
    /// SHAKE128, 256 bits of it.
    Shake128,
    /// SHAKE256, 512 bits of it.
    Shake256,
}

/// Whether an ML-DSA signature has randomness in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hedge {
    /// It has: safer against faults and side channels.
    Hedged,
    /// It has not: one message, one signature.
    Deterministic,
}

/// The hash and mask generation function of RSA-OAEP and RSA-PSS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RsaHash {
    /// Hash of the label (OAEP) or message (PSS).
    pub hash: HashAlgorithm,
    /// Hash inside MGF1.
    pub mgf1: HashAlgorithm,
}

/// How the shared secret of a key agreement becomes key material (PKCS#11 `CKD_*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyDerivation {
    /// The shared x-coordinate itself (`CKD_NULL`); when fewer bytes are wanted, bytes are removed from its
    /// leading end (PKCS#11 "Elliptic Curve Diffie-Hellman key derivation").
    None,
    /// ANSI X9.63 with this hash and shared info (`CKD_SHA256_KDF` and its like).
    X963 {
        /// The hash.
        hash: HashAlgorithm,
        /// Shared info, may be empty.
        shared_info: Vec<u8>,
    },
    /// The one-step derivation of SP 800-56C with a hash (`CKD_SHA256_KDF_SP800` and its like).
    OneStep {
        /// The hash.
        hash: HashAlgorithm,
        /// Fixed info, may be empty.
        fixed_info: Vec<u8>,
    },
}

/// How SP 800-108 goes on from one segment to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KdfMode {
    /// Counter mode.
    Counter,
    /// Feedback mode.
    Feedback {
        /// What stands in for the output before the first; may be empty.
        iv: Vec<u8>,
    },
    /// Double-pipeline mode.
    DoublePipeline,
}

/// The pseudo-random function of SP 800-108.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KdfPrf {
    /// HMAC.
    Hmac(HashAlgorithm),
    /// AES-CMAC, of keys of AES lengths.
    Cmac,
}

/// A part of the pseudo-random function's input (PKCS#11 `CK_PRF_DATA_PARAM`). Numbers have 8 to 64 bits, whole bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KdfField {
    /// The iteration variable: the counter in counter mode, whose form this is, else bytes.
    Iteration {
        /// Width.
        bits: u32,
        /// Byte order.
        little_endian: bool,
    },
    /// The counter beside another iteration variable.
    Counter {
        /// Width.
        bits: u32,
        /// Byte order.
        little_endian: bool,
    },
    /// The length, in bits, of what is derived.
    Length {
        /// Width.
        bits: u32,
        /// Byte order.
        little_endian: bool,
        /// Of whole segments, not of the key.
        of_segments: bool,
    },
    /// Label, context, separators.
    Bytes(Vec<u8>),
    /// The value of another key ([`crate::kms::DeriveKey::other_keys`]); none until it is known.
    Key(Option<SecretBytes>),
}

/// What TLS 1.2 derives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsSecret {
    /// The master secret (RFC 5246 section 8.1).
    Master,
    /// The extended master secret (RFC 7627).
    ExtendedMaster,
    /// Whatever has a label (RFC 5705).
    Exported,
    /// The keys of a connection and its initialization vectors (RFC 5246 section 6.3).
    KeyBlock,
    /// The same without initialization vectors, which are handed out: `CKM_TLS12_KEY_SAFE_DERIVE`.
    SafeKeyBlock,
}

/// How a secret becomes another, with a hash (KMIP 2.1 section 11.14, Derivation Method). Fixed input data and
/// the like are the caller's, in the caller's encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kdf {
    /// PBKDF2 (RFC 8018 section 5.2) with HMAC.
    Pbkdf2 {
        /// Salt.
        salt: Vec<u8>,
        /// Iterations, 1 to 10 million.
        iterations: u32,
    },
    /// HMAC of data under the secret.
    Hmac {
        /// The data.
        data: SecretBytes,
    },
    /// A chain of HMACs: each datum under the result of the one before, the first under `prefix` and the secret
    /// (the signing key of AWS Signature Version 4).
    Chain {
        /// What stands before the secret.
        prefix: &'static [u8],
        /// The data, in order.
        data: Vec<SecretBytes>,
    },
}
