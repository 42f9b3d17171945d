//! Mechanisms: how a key is used, with the parameters, in the core's own types.
//!
//! The doors parse their protocol's numbers and structures into these, so an engine never sees a
//! malformed parameter. Block cipher mechanisms name the mode only; the cipher (AES, SM4, triple DES) is the
//! key's. Initialization vectors of whole blocks have 16 bytes; a cipher of smaller blocks uses the first of them.

pub mod names;
mod numbers;
mod parameters;
pub mod vendor;
mod wrapped;

use crate::algorithm::HashAlgorithm;
use crate::secret::SecretBytes;

pub use parameters::{
    Hedge, Kdf, KdfField, KdfMode, KdfPrf, KeyDerivation, PreHash, RsaHash, TlsSecret,
};

/// What a key is asked to do: also the bit of the usage mask that must be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Encrypt data.
    Encrypt,
    /// Decrypt data.
    Decrypt,
    /// Make a signature.
    Sign,
    /// Check a signature.
    Verify,
    /// Make a message authentication code.
    MacGenerate,
    /// Check a message authentication code.
    MacVerify,
    /// Wrap another key.
    Wrap,
    /// Unwrap another key.
    Unwrap,
    /// Derive a key.
    Derive,
    /// Make a signature from which the data can be recovered.
    SignRecover,
    /// Check a signature and give the data that is in it.
    VerifyRecover,
    /// Make a secret and what carries it to the holder of the private key.
    Encapsulate,
    /// Open what carries a secret.
    Decapsulate,
}

/// A mechanism with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Electronic code book, whole blocks.
    Ecb,
    /// Cipher block chaining, whole blocks.
    Cbc {
        /// Initialization vector: one block.
        iv: [u8; 16],
    },
    /// Cipher block chaining with PKCS#7 padding.
    CbcPad {
        /// Initialization vector: one block.
        iv: [u8; 16],
    },
    /// Counter mode.
    Ctr {
        /// First counter block.
        counter_block: [u8; 16],
        /// How many of its low bits count, 1 to 128; running past them is an error.
        counter_bits: u32,
    },
    /// Cipher block chaining with ciphertext stealing, CBC-CS1 of SP 800-38A's addendum: 16 bytes or more.
    Cts {
        /// Initialization vector: one block.
        iv: [u8; 16],
    },
    /// Output feedback.
    Ofb {
        /// Initialization vector: one block.
        iv: [u8; 16],
    },
    /// Cipher feedback.
    Cfb {
        /// Initialization vector: one block.
        iv: [u8; 16],
        /// Bits fed back at a time: 1, 8, 64 or 128. Data are whole bytes always.
        bits: u32,
    },
    /// XTS (IEEE 1619) of one data unit of 16 bytes or more.
    Xts {
        /// The data unit's sequence number.
        unit: [u8; 16],
    },
    /// ChaCha20.
    ChaCha20 {
        /// Nonce: 8 bytes (the original), 12 (RFC 8439) or 24 (XChaCha20).
        nonce: Vec<u8>,
        /// Number of the first block; below 2^32 with a nonce of 12 bytes.
        counter: u64,
    },
    /// ChaCha20-Poly1305 (RFC 8439); the tag follows the ciphertext.
    ChaCha20Poly1305 {
        /// Nonce: 12 bytes, or 24 (XChaCha20-Poly1305).
        nonce: Vec<u8>,
        /// Additional authenticated data.
        aad: Vec<u8>,
        /// Tag length in bytes: 12 to 16.
        tag_length: usize,
    },
    /// Galois/counter mode; the tag follows the ciphertext.
    Gcm {
        /// Initialization vector, 1 to 256 bytes. Empty on encryption: the engine makes 12 random bytes
        /// (see `Operation::initialization_vector`).
        iv: Vec<u8>,
        /// Additional authenticated data.
        aad: Vec<u8>,
        /// Tag length in bytes: 4, 8, 12 to 16.
        tag_length: usize,
    },
    /// Counter with CBC-MAC; the tag follows the ciphertext.
    Ccm {
        /// Nonce, 7 to 13 bytes.
        nonce: Vec<u8>,
        /// Additional authenticated data.
        aad: Vec<u8>,
        /// Tag length in bytes: 4, 6, … 16.
        tag_length: usize,
        /// Data length that was announced; one-part operations may leave it out.
        data_length: Option<usize>,
    },
    /// AES key wrap, RFC 3394. `iv` other than the default is allowed.
    KeyWrap {
        /// Initial value, default `A6A6A6A6A6A6A6A6`.
        iv: Option<[u8; 8]>,
    },
    /// AES key wrap with padding, RFC 5649.
    KeyWrapPad,
    /// AES key wrap (RFC 3394) of data padded by PKCS#7 to half blocks.
    KeyWrapPkcs7 {
        /// Initial value, default `A6A6A6A6A6A6A6A6`.
        iv: Option<[u8; 8]>,
    },
    /// GMAC (SP 800-38D): GCM of no data, the message being the associated data.
    Gmac {
        /// Initialization vector, 1 to 256 bytes.
        iv: Vec<u8>,
        /// Tag length in bytes: 4, 8, 12 to 16.
        tag_length: usize,
    },
    /// AES-XCBC-MAC (RFC 3566), for AES keys of 128 bits.
    XcbcMac {
        /// Bytes of the tag kept, 1 to 16.
        tag_length: usize,
    },
    /// CMAC (SP 800-38B).
    Cmac {
        /// Bytes of the tag kept, 1 to 16.
        tag_length: usize,
    },
    /// HMAC.
    Hmac {
        /// The hash.
        hash: HashAlgorithm,
        /// Bytes of the tag kept, 1 to the hash's length.
        tag_length: usize,
    },
    /// RSA PKCS#1 v1.5: for signatures the data is padded as it is (the caller built the DigestInfo);
    /// for encryption the padding of RFC 8017 section 7.2.
    RsaPkcs1,
    /// RSA PKCS#1 v1.5 signature over the hash of the data.
    RsaPkcs1Hash {
        /// The hash.
        hash: HashAlgorithm,
        /// The data is the hash already (KMIP's Digested Data).
        digested: bool,
    },
    /// RSA-PSS.
    RsaPss {
        /// Hash and mask generation.
        hash: RsaHash,
        /// Salt length in bytes.
        salt_length: usize,
        /// The data is the hash already (`CKM_RSA_PKCS_PSS`).
        digested: bool,
    },
    /// RSA-OAEP.
    RsaOaep {
        /// Hash and mask generation.
        hash: RsaHash,
        /// The label, may be empty.
        label: Vec<u8>,
    },
    /// RSA without padding (`CKM_RSA_X_509`): the data is padded with zeros on the left.
    RsaRaw,
    /// ECDSA over a digest, which is cut to the group's size; the signature is r ‖ s.
    Ecdsa,
    /// ECDSA over the hash of the data; the signature is r ‖ s.
    EcdsaHash {
        /// The hash.
        hash: HashAlgorithm,
    },
    /// Ed25519 over the data.
    Eddsa,
    /// Ed25519ctx, or Ed25519ph of the data, which is hashed here (RFC 8032 section 5.1).
    EddsaContext {
        /// Ed25519ph.
        prehash: bool,
        /// The context, up to 255 bytes; not empty without `prehash`.
        context: Vec<u8>,
    },
    /// ML-DSA (FIPS 204).
    MlDsa {
        /// The context, up to 255 bytes.
        context: Vec<u8>,
        /// HashML-DSA with this hash.
        prehash: Option<PreHash>,
        /// The data is the hash already.
        digested: bool,
        /// Hedged or deterministic; of no matter for verification.
        hedge: Hedge,
    },
    /// ML-KEM (FIPS 203).
    MlKem,
    /// SM2 signature over SM3(Z ‖ data); the signature is r ‖ s.
    Sm2Sign {
        /// User id in Z; the standard's default is `1234567812345678`.
        user_id: Vec<u8>,
    },
    /// SM2 signature over a digest of 32 bytes that already contains Z; the signature is r ‖ s.
    Sm2SignDigest,
    /// SM2 encryption, C1 ‖ C3 ‖ C2.
    Sm2Encrypt,
    /// ECDH or X25519 with a peer's public point.
    Ecdh {
        /// The peer's point: uncompressed SEC1, or 32 bytes for X25519.
        peer: Vec<u8>,
        /// What becomes of the shared secret.
        derivation: KeyDerivation,
    },
    /// A new key is the encryption of data under this key (`CKM_AES_ECB_ENCRYPT_DATA`,
    /// `CKM_AES_CBC_ENCRYPT_DATA`).
    EncryptData {
        /// CBC's initialization vector; none for ECB.
        iv: Option<[u8; 16]>,
        /// What is encrypted: whole blocks.
        data: SecretBytes,
    },
    /// A key after this one, or data after or before it (`CKM_CONCATENATE_…`).
    Concatenate {
        /// What is joined to it.
        data: SecretBytes,
        /// Whether the data comes first.
        before: bool,
    },
    /// This key xor data, as long as the shorter (`CKM_XOR_BASE_AND_DATA`).
    Xor {
        /// The data.
        data: SecretBytes,
    },
    /// Bits of this key, going round its end (`CKM_EXTRACT_KEY_FROM_KEY`).
    Extract {
        /// The first of them, counted from the most significant.
        first_bit: usize,
    },
    /// The hash of this key (`CKM_SHA256_KEY_DERIVATION` and its like).
    HashKey {
        /// The hash.
        hash: HashAlgorithm,
    },
    /// SHAKE of this key.
    ShakeKey {
        /// 128 or 256.
        bits: u32,
    },
    /// SP 800-108 with this key.
    Sp800108 {
        /// The mode.
        mode: KdfMode,
        /// The pseudo-random function.
        prf: KdfPrf,
        /// Its input.
        fields: Vec<KdfField>,
        /// Bytes of each key, when several are derived: each out of segments of its own. Empty for one key.
        keys: Vec<usize>,
    },
    /// The pseudo-random function of TLS 1.2 with this key as the secret.
    TlsPrf {
        /// The hash.
        hash: HashAlgorithm,
        /// Which secret.
        secret: TlsSecret,
        /// The label.
        label: Vec<u8>,
        /// The seed after it.
        seed: Vec<u8>,
    },
    /// The verify data of TLS 1.2's Finished messages (RFC 5246 section 7.4.9) over a hash of the handshake.
    TlsMac {
        /// The hash.
        hash: HashAlgorithm,
        /// The server's, not the client's.
        server: bool,
        /// Bytes made.
        tag_length: usize,
    },
    /// A new AES key wraps (RFC 5649), RSA-OAEP wraps that (`CKM_RSA_AES_KEY_WRAP`).
    RsaAesKeyWrap {
        /// Hashes of OAEP.
        hash: RsaHash,
        /// Label of OAEP.
        label: Vec<u8>,
        /// Size of the AES key.
        bits: u32,
    },
    /// An AES key agreed upon with a new key pair wraps (RFC 5649): `CKM_ECDH_AES_KEY_WRAP`.
    EcdhAesKeyWrap {
        /// From the shared secret to the AES key.
        derivation: KeyDerivation,
        /// Size of the AES key.
        bits: u32,
    },
    /// Another key derivation function over this key.
    Kdf {
        /// The hash in it.
        hash: HashAlgorithm,
        /// Which.
        function: Kdf,
    },
    /// HKDF (RFC 5869) with this key as input key material.
    Hkdf {
        /// The hash.
        hash: HashAlgorithm,
        /// Salt; none skips extraction when `extract` is false.
        salt: SecretBytes,
        /// Info.
        info: Vec<u8>,
        /// Whether the extract step is done.
        extract: bool,
        /// Whether the expand step is done.
        expand: bool,
    },
}

impl Mechanism {
    /// Whether what it encrypts or wraps cannot be changed into something else that opens: unlike CBC, of which
    /// anybody flips bits and cuts blocks without the key.
    #[must_use]
    pub const fn authenticates(&self) -> bool {
        matches!(
            self,
            Self::Gcm { .. }
                | Self::Ccm { .. }
                | Self::KeyWrap { .. }
                | Self::KeyWrapPad
                | Self::KeyWrapPkcs7 { .. }
                | Self::ChaCha20Poly1305 { .. }
                | Self::RsaAesKeyWrap { .. }
                | Self::EcdhAesKeyWrap { .. }
                | Self::RsaOaep { .. }
                | Self::Sm2Encrypt
        )
    }

    /// How many bytes of the base key's own the first `length` bytes derived show, for a derivation that shows any:
    /// what comes of it must be as hidden as the base key.
    #[must_use]
    pub fn shown_of_base(&self, length: usize) -> Option<usize> {
        match self {
            Self::Concatenate { data, before: true } => Some(length.saturating_sub(data.len())),
            Self::Concatenate { .. } | Self::Xor { .. } | Self::Extract { .. } => Some(length),
            _ => None,
        }
    }

    /// Whether what is derived is as sensitive and as little extractable as the base key, though it shows nothing of
    /// it: what PKCS#11 says of the keys of TLS ("Generic Key Derivation using the TLS PRF", "Key and MAC derivation").
    #[must_use]
    pub const fn inherits_hiding(&self) -> bool {
        use TlsSecret::{Exported, KeyBlock, SafeKeyBlock};
        matches!(
            self,
            Self::TlsPrf {
                secret: Exported | KeyBlock | SafeKeyBlock,
                ..
            }
        )
    }

    /// Takes the value of a second key in: the salt of HKDF, what is joined to a key. False where none is wanted.
    pub(crate) fn take_other_key(&mut self, value: SecretBytes) -> bool {
        match self {
            Self::Hkdf { salt, .. } => *salt = value,
            Self::Concatenate { data, .. } => *data = value,
            Self::Sp800108 { fields, .. } => {
                let wanted = fields.iter_mut().find_map(|field| match field {
                    KdfField::Key(place @ None) => Some(place),
                    _ => None,
                });
                let Some(place) = wanted else { return false };
                *place = Some(value);
            }
            _ => return false,
        }
        true
    }

    /// A short name for messages and the audit.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ecb => "ECB",
            Self::Cbc { .. } => "CBC",
            Self::CbcPad { .. } => "CBC-PAD",
            Self::Ctr { .. } => "CTR",
            Self::Gcm { .. } => "GCM",
            Self::Ccm { .. } => "CCM",
            Self::KeyWrap { .. } => "KW",
            Self::KeyWrapPad => "KWP",
            Self::KeyWrapPkcs7 { .. } => "KW-PKCS7",
            Self::Cts { .. } => "CTS",
            Self::Ofb { .. } => "OFB",
            Self::Cfb { .. } => "CFB",
            Self::Xts { .. } => "XTS",
            Self::ChaCha20 { .. } => "CHACHA20",
            Self::ChaCha20Poly1305 { .. } => "CHACHA20-POLY1305",
            Self::Gmac { .. } => "GMAC",
            Self::XcbcMac { .. } => "XCBC-MAC",
            Self::Cmac { .. } => "CMAC",
            Self::Hmac { .. } => "HMAC",
            Self::RsaPkcs1 => "RSA-PKCS1",
            Self::RsaPkcs1Hash { .. } => "RSA-PKCS1-HASH",
            Self::RsaPss { .. } => "RSA-PSS",
            Self::RsaOaep { .. } => "RSA-OAEP",
            Self::RsaRaw => "RSA-RAW",
            Self::Ecdsa => "ECDSA",
            Self::EcdsaHash { .. } => "ECDSA-HASH",
            Self::Eddsa => "EDDSA",
            Self::MlDsa { prehash: None, .. } => "ML-DSA",
            Self::MlDsa { .. } => "HASH-ML-DSA",
            Self::MlKem => "ML-KEM",
            Self::EddsaContext { prehash: false, .. } => "ED25519CTX",
            Self::EddsaContext { .. } => "ED25519PH",
            Self::Concatenate { .. } => "CONCATENATE",
            Self::Xor { .. } => "XOR",
            Self::Extract { .. } => "EXTRACT",
            Self::HashKey { .. } => "HASH-KEY",
            Self::ShakeKey { .. } => "SHAKE-KEY",
            Self::Sp800108 { .. } => "SP800-108",
            Self::TlsPrf { .. } => "TLS-PRF",
            Self::TlsMac { .. } => "TLS-MAC",
            Self::RsaAesKeyWrap { .. } => "RSA-AES-KW",
            Self::EcdhAesKeyWrap { .. } => "ECDH-AES-KW",
            Self::Sm2Sign { .. } => "SM2-SIGN",
            Self::Sm2SignDigest => "SM2-SIGN-DIGEST",
            Self::Sm2Encrypt => "SM2-ENCRYPT",
            Self::Ecdh { .. } => "ECDH",
            Self::EncryptData { .. } => "ENCRYPT-DATA",
            Self::Hkdf { .. } => "HKDF",
            Self::Kdf { .. } => "KDF",
        }
    }
}
