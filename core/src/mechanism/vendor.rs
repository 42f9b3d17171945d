//! Numbers for what the standard has no number for: SM2, SM3, SM4. Every vendor has its own; these
//! are ours, and they stand from `CKM_VENDOR_DEFINED | 0x4b42_0000` ("KB") on. A token can show others
//! (`[token.numbers]`): inside the bridge a mechanism has this one number.

use cryptoki_sys::{CKK_VENDOR_DEFINED, CKM_VENDOR_DEFINED};

macro_rules! numbers {
    ($first:expr, $table:ident: $($(#[$doc:meta])* $name:ident = $number:expr;)+) => {
        $($(#[$doc])* pub const $name: u64 = $first + $number;)+

        /// The same by name.
        pub const $table: &[(&str, u64)] = &[$((stringify!($name), $name)),+];
    };
}

numbers! {
    CKM_VENDOR_DEFINED | 0x4b42_0000, MECHANISMS:
    /// SM3 digest.
    CKM_KB_SM3 = 0x01;
    /// HMAC-SM3.
    CKM_KB_SM3_HMAC = 0x02;
    /// HMAC-SM3, of which as many bytes are kept as the parameter says, as of `CKM_SHA256_HMAC_GENERAL`.
    CKM_KB_SM3_HMAC_GENERAL = 0x03;
    /// A key for HMAC-SM3.
    CKM_KB_SM3_KEY_GEN = 0x04;
    /// The SM3 digest of a key, as `CKM_SHA256_KEY_DERIVATION`.
    CKM_KB_SM3_KEY_DERIVATION = 0x05;
    /// SM2 key pair: `CKM_EC_KEY_PAIR_GEN` for the SM2 curve, which `CKA_EC_PARAMS` may name.
    CKM_KB_SM2_KEY_PAIR_GEN = 0x10;
    /// SM2 signature over a digest of 32 bytes; the signature is r ‖ s.
    CKM_KB_SM2 = 0x11;
    /// SM2 signature over SM3(Z ‖ data); the parameter is the user id, none means the standard's default.
    CKM_KB_SM2_SM3 = 0x12;
    /// SM2 encryption, C1 ‖ C3 ‖ C2.
    CKM_KB_SM2_ENCRYPT = 0x13;
    /// SM4 key.
    CKM_KB_SM4_KEY_GEN = 0x20;
    /// SM4-ECB.
    CKM_KB_SM4_ECB = 0x21;
    /// SM4-CBC; parameter as of `CKM_AES_CBC`.
    CKM_KB_SM4_CBC = 0x22;
    /// SM4-CBC with padding; parameter as of `CKM_AES_CBC_PAD`.
    CKM_KB_SM4_CBC_PAD = 0x23;
    /// SM4-CTR; parameter as of `CKM_AES_CTR`.
    CKM_KB_SM4_CTR = 0x24;
    /// SM4-GCM; parameter as of `CKM_AES_GCM`.
    CKM_KB_SM4_GCM = 0x25;
    /// SM4-OFB; parameter as of `CKM_AES_OFB`.
    CKM_KB_SM4_OFB = 0x26;
    /// SM4-CFB of one bit; parameter as of `CKM_AES_CFB1`.
    CKM_KB_SM4_CFB1 = 0x27;
    /// SM4-CFB of 8 bits; parameter as of `CKM_AES_CFB8`.
    CKM_KB_SM4_CFB8 = 0x28;
    /// SM4-CFB of 64 bits; parameter as of `CKM_AES_CFB64`.
    CKM_KB_SM4_CFB64 = 0x29;
    /// SM4-CFB of 128 bits; parameter as of `CKM_AES_CFB128`.
    CKM_KB_SM4_CFB128 = 0x2a;
    /// SM4-CBC with ciphertext stealing; parameter as of `CKM_AES_CTS`.
    CKM_KB_SM4_CTS = 0x2b;
    /// SM4-CCM; parameter as of `CKM_AES_CCM`.
    CKM_KB_SM4_CCM = 0x2c;
    /// SM4-GMAC; parameter as of `CKM_AES_GMAC`.
    CKM_KB_SM4_GMAC = 0x2d;
    /// Derivation by SM4-ECB; parameter as of `CKM_AES_ECB_ENCRYPT_DATA`.
    CKM_KB_SM4_ECB_ENCRYPT_DATA = 0x2e;
    /// Derivation by SM4-CBC; parameter as of `CKM_AES_CBC_ENCRYPT_DATA`.
    CKM_KB_SM4_CBC_ENCRYPT_DATA = 0x2f;
}

numbers! {
    CKK_VENDOR_DEFINED | 0x4b42_0000, KEY_TYPES:
    /// An SM4 key.
    CKK_KB_SM4 = 0x01;
    /// A key for HMAC-SM3.
    CKK_KB_SM3_HMAC = 0x02;
    /// An SM2 key: for applications that know such a type. It is the same as `CKK_EC` with the SM2 curve in
    /// `CKA_EC_PARAMS`, and shown as that unless the token has another number for it.
    CKK_KB_SM2 = 0x03;
}
