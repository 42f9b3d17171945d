//! The parameter of a mechanism, out of the application's memory and checked for its shape.

use cryptoki_sys::*;

/// A mechanism as an application names it: its number and what came with it.
#[derive(Clone, Copy, Debug)]
pub struct MechanismCall<'a> {
    /// `CKM_…`.
    pub kind: CK_MECHANISM_TYPE,
    /// Its parameter, in the shape that the registry gives for this mechanism.
    pub parameters: Parameters<'a>,
}

/// What shape a mechanism's parameter has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterShape {
    /// It takes none.
    None,
    /// An initialization vector of this many bytes.
    Iv(usize),
    /// It may have an initialization vector of this many bytes, or none (AES key wrap).
    OptionalIv(usize),
    /// `CK_AES_CTR_PARAMS`.
    Counter,
    /// `CK_GCM_PARAMS`.
    Gcm,
    /// `CK_CCM_PARAMS`.
    Ccm,
    /// `CK_CHACHA20_PARAMS`.
    ChaCha20,
    /// `CK_SALSA20_CHACHA20_POLY1305_PARAMS`.
    ChaCha20Poly1305,
    /// `CK_MAC_GENERAL_PARAMS`: a length in bytes.
    MacLength,
    /// `CK_RSA_PKCS_PSS_PARAMS`.
    Pss,
    /// `CK_RSA_PKCS_OAEP_PARAMS`.
    Oaep,
    /// `CK_EDDSA_PARAMS`, or none.
    EdDsa,
    /// `CK_ECDH1_DERIVE_PARAMS`.
    Ecdh1,
    /// `CK_HKDF_PARAMS`.
    Hkdf,
    /// `CK_AES_CBC_ENCRYPT_DATA_PARAMS`.
    CbcEncryptData,
    /// `CK_KEY_DERIVATION_STRING_DATA`.
    StringData,
    /// The bytes of a user identity (SM2), or none.
    OptionalBytes,
}

/// A parameter, by shape. Lengths are the application's and already safe to read; what they mean
/// is for the mechanism to judge.
#[derive(Clone, Copy, Debug)]
pub enum Parameters<'a> {
    /// No parameter.
    None,
    /// An initialization vector, or other bytes.
    Bytes(&'a [u8]),
    /// A counter block and how many of its low bits count.
    Counter {
        /// Bits that count, 1 to 128.
        bits: CK_ULONG,
        /// The first counter block.
        block: [u8; 16],
    },
    /// For GCM.
    Gcm {
        /// Initialization vector.
        iv: &'a [u8],
        /// Additional authenticated data.
        aad: &'a [u8],
        /// Length of the tag in bits.
        tag_bits: CK_ULONG,
    },
    /// For CCM.
    Ccm {
        /// Length of the data, in bytes; for decryption without the MAC.
        data_len: CK_ULONG,
        /// Nonce.
        nonce: &'a [u8],
        /// Additional authenticated data.
        aad: &'a [u8],
        /// Length of the MAC in bytes.
        mac_len: CK_ULONG,
    },
    /// For ChaCha20.
    ChaCha20 {
        /// Block counter, 4 or 8 bytes, little-endian.
        counter: &'a [u8],
        /// Nonce, whole bytes.
        nonce: &'a [u8],
    },
    /// For ChaCha20-Poly1305.
    ChaCha20Poly1305 {
        /// Nonce, whole bytes.
        nonce: &'a [u8],
        /// Additional authenticated data.
        aad: &'a [u8],
    },
    /// Length of a MAC, in bytes.
    MacLength(CK_ULONG),
    /// For PSS.
    Pss {
        /// Hash of the message.
        hash: CK_MECHANISM_TYPE,
        /// Mask generation function.
        mgf: CK_RSA_PKCS_MGF_TYPE,
        /// Length of the salt in bytes.
        salt_len: CK_ULONG,
    },
    /// For OAEP.
    Oaep {
        /// Hash of the label.
        hash: CK_MECHANISM_TYPE,
        /// Mask generation function.
        mgf: CK_RSA_PKCS_MGF_TYPE,
        /// Where the label comes from; 0 with no label, or `CKZ_DATA_SPECIFIED`.
        source: CK_RSA_PKCS_OAEP_SOURCE_TYPE,
        /// The label.
        label: &'a [u8],
    },
    /// For EdDSA, when it is not plain.
    EdDsa {
        /// Whether the data is a hash already.
        prehash: bool,
        /// The context.
        context: &'a [u8],
    },
    /// For ECDH.
    Ecdh1 {
        /// Key derivation function.
        kdf: CK_EC_KDF_TYPE,
        /// Data shared by the two parties.
        shared: &'a [u8],
        /// The other party's public point, raw or as a DER OCTET STRING.
        public: &'a [u8],
    },
    /// For HKDF.
    Hkdf {
        /// Run the extract step.
        extract: bool,
        /// Run the expand step.
        expand: bool,
        /// Hash of the pseudo-random function.
        prf: CK_MECHANISM_TYPE,
        /// `CKF_HKDF_SALT_…`.
        salt_type: CK_ULONG,
        /// Salt, when it is data.
        salt: &'a [u8],
        /// Salt, when it is a key.
        salt_key: CK_OBJECT_HANDLE,
        /// Context information.
        info: &'a [u8],
    },
    /// For derivation by CBC encryption.
    CbcEncryptData {
        /// Initialization vector.
        iv: [u8; 16],
        /// The data that is encrypted to give the key.
        data: &'a [u8],
    },
}
