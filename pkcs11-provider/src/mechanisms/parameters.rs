//! The parameter of a mechanism, out of the application's memory and checked for its shape.

use cryptoki_sys::*;

/// A mechanism as an application names it: its number and what came with it.
#[derive(Clone, Debug)]
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
    /// `CK_SIGN_ADDITIONAL_CONTEXT`, or none.
    Signing,
    /// `CK_HASH_SIGN_ADDITIONAL_CONTEXT`.
    HashSigning,
    /// `CK_OBJECT_HANDLE`.
    Handle,
    /// A `CK_ULONG` (`CK_EXTRACT_PARAMS`).
    Number,
    /// `CK_RSA_AES_KEY_WRAP_PARAMS`.
    RsaAesKeyWrap,
    /// `CK_ECDH_AES_KEY_WRAP_PARAMS`.
    EcdhAesKeyWrap,
    /// `CK_SP800_108_KDF_PARAMS`.
    Sp800108,
    /// `CK_SP800_108_FEEDBACK_KDF_PARAMS`.
    Sp800108Feedback,
    /// `CK_TLS12_MASTER_KEY_DERIVE_PARAMS`.
    TlsMaster,
    /// `CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS`.
    TlsExtendedMaster,
    /// `CK_TLS_KDF_PARAMS`.
    TlsKdf,
    /// `CK_TLS12_KEY_MAT_PARAMS`.
    TlsKeys,
    /// `CK_TLS_MAC_PARAMS`.
    TlsMac,
    /// `CK_PKCS5_PBKD2_PARAMS2`, or `CK_PKCS5_PBKD2_PARAMS` of before 2.40.
    Pbkdf2,
}

/// Most additional keys of one derivation by SP 800-108; the standard sets no limit.
pub(crate) const MOST_KEYS: usize = 64;

/// Most fields of an SP 800-108 input; the standard sets no limit.
pub(crate) const MOST_FIELDS: usize = 16;

/// Longest password of PBKDF2, in bytes: below every address that is valid, so that the pointer of the older structure
/// is not taken for a length.
pub(crate) const LONGEST_PASSWORD: CK_ULONG = 4096;

/// A field of an SP 800-108 input (`CK_PRF_DATA_PARAM`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrfField<'a> {
    /// The iteration variable: bytes, or a counter in this form.
    Iteration(Option<NumberForm>),
    /// The counter beside another variable.
    Counter(NumberForm),
    /// The length of what is derived: `CK_SP800_108_DKM_LENGTH_…` and its form.
    Length(CK_ULONG, NumberForm),
    /// Bytes.
    Bytes(&'a [u8]),
    /// The value of another key.
    Key(CK_OBJECT_HANDLE),
}

/// Form of a number in an SP 800-108 input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberForm {
    /// Least significant byte first.
    pub little_endian: bool,
    /// Width in bits.
    pub bits: CK_ULONG,
}

/// A parameter, by shape. Lengths are the application's and already safe to read; what they mean
/// is for the mechanism to judge.
#[derive(Clone, Debug)]
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
    /// For ML-DSA, when it is not plain.
    Signing {
        /// `CKH_…`.
        hedge: CK_ULONG,
        /// The context.
        context: &'a [u8],
        /// The hash that the data is of already.
        hash: Option<CK_MECHANISM_TYPE>,
    },
    /// The handle of another key.
    Handle(CK_OBJECT_HANDLE),
    /// A number.
    Number(CK_ULONG),
    /// For RSA-OAEP with AES key wrap.
    RsaAesKeyWrap {
        /// Size of the AES key.
        bits: CK_ULONG,
        /// As in `Oaep`.
        hash: CK_MECHANISM_TYPE,
        /// As in `Oaep`.
        mgf: CK_RSA_PKCS_MGF_TYPE,
        /// As in `Oaep`.
        source: CK_RSA_PKCS_OAEP_SOURCE_TYPE,
        /// As in `Oaep`.
        label: &'a [u8],
    },
    /// For ECDH with AES key wrap.
    EcdhAesKeyWrap {
        /// Size of the AES key.
        bits: CK_ULONG,
        /// Key derivation function.
        kdf: CK_EC_KDF_TYPE,
        /// Data shared by the two parties.
        shared: &'a [u8],
    },
    /// For SP 800-108.
    Sp800108 {
        /// The pseudo-random function.
        prf: CK_MECHANISM_TYPE,
        /// Its input.
        fields: Box<[PrfField<'a>]>,
        /// The initial value of feedback mode.
        iv: &'a [u8],
    },
    /// For TLS 1.2's secrets and exporter.
    Tls {
        /// The hash of the PRF.
        hash: CK_MECHANISM_TYPE,
        /// The exporter's label.
        label: &'a [u8],
        /// The client's random, or the session hash.
        client: &'a [u8],
        /// The server's random.
        server: &'a [u8],
        /// The exporter's context.
        context: &'a [u8],
    },
    /// For TLS 1.2's keys of a connection.
    TlsKeys {
        /// The hash of the PRF.
        hash: CK_MECHANISM_TYPE,
        /// Bits of each MAC key.
        mac_bits: CK_ULONG,
        /// Bits of each key.
        key_bits: CK_ULONG,
        /// Bits of each initialization vector.
        vector_bits: CK_ULONG,
        /// Whether the suite is an export one, of which TLS 1.2 has none.
        export: bool,
        /// The client's random.
        client: &'a [u8],
        /// The server's random.
        server: &'a [u8],
    },
    /// For TLS 1.2's verify data.
    TlsMac {
        /// The hash of the PRF.
        hash: CK_MECHANISM_TYPE,
        /// Bytes made.
        length: CK_ULONG,
        /// 1 for the server's, 2 for the client's.
        side: CK_ULONG,
    },
    /// For PBKDF2.
    Pbkdf2 {
        /// `CKP_PKCS5_PBKD2_HMAC_…`.
        prf: CK_ULONG,
        /// The password.
        password: &'a [u8],
        /// The salt.
        salt: &'a [u8],
        /// How often.
        iterations: CK_ULONG,
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

impl<'a> MechanismCall<'a> {
    /// Another one for verifying a signature, for which "the hedgeVariant parameter is ignored" (ML-DSA); none where
    /// this one is as good.
    pub(crate) fn for_verifying(&self) -> Option<MechanismCall<'a>> {
        let Parameters::Signing { context, hash, .. } = self.parameters else {
            return None;
        };
        Some(MechanismCall {
            kind: self.kind,
            parameters: Parameters::Signing {
                hedge: CKH_HEDGE_PREFERRED,
                context,
                hash,
            },
        })
    }
}

impl Parameters<'_> {
    /// Puts every number of a mechanism that is in it through `turn`.
    pub(crate) fn renumber(&mut self, turn: impl Fn(CK_MECHANISM_TYPE) -> CK_MECHANISM_TYPE) {
        match self {
            Parameters::Pss { hash, .. }
            | Parameters::Oaep { hash, .. }
            | Parameters::Signing {
                hash: Some(hash), ..
            }
            | Parameters::RsaAesKeyWrap { hash, .. }
            | Parameters::Tls { hash, .. }
            | Parameters::TlsKeys { hash, .. }
            | Parameters::TlsMac { hash, .. }
            | Parameters::Sp800108 { prf: hash, .. }
            | Parameters::Hkdf { prf: hash, .. } => *hash = turn(*hash),
            _ => {}
        }
    }
}
