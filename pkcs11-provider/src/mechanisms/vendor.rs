//! Numbers for what the standard has no number for: SM2, SM3, SM4. Every vendor has its own; these
//! are ours, and they stand below `CKM_VENDOR_DEFINED | 0x4b42_0000` ("KB").

use cryptoki_sys::{CK_KEY_TYPE, CK_MECHANISM_TYPE, CKK_VENDOR_DEFINED, CKM_VENDOR_DEFINED};

const MECHANISMS: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED | 0x4b42_0000;
const KEY_TYPES: CK_KEY_TYPE = CKK_VENDOR_DEFINED | 0x4b42_0000;

/// SM3 digest.
pub const CKM_KB_SM3: CK_MECHANISM_TYPE = MECHANISMS + 0x01;
/// HMAC-SM3.
pub const CKM_KB_SM3_HMAC: CK_MECHANISM_TYPE = MECHANISMS + 0x02;
/// SM2 key pair: `CKM_EC_KEY_PAIR_GEN` for the SM2 curve, which `CKA_EC_PARAMS` names.
pub const CKM_KB_SM2_KEY_PAIR_GEN: CK_MECHANISM_TYPE = MECHANISMS + 0x10;
/// SM2 signature over a digest of 32 bytes; the signature is r ‖ s.
pub const CKM_KB_SM2: CK_MECHANISM_TYPE = MECHANISMS + 0x11;
/// SM2 signature over SM3(Z ‖ data); the parameter is the user id, none means the standard's
/// default.
pub const CKM_KB_SM2_SM3: CK_MECHANISM_TYPE = MECHANISMS + 0x12;
/// SM2 encryption, C1 ‖ C3 ‖ C2.
pub const CKM_KB_SM2_ENCRYPT: CK_MECHANISM_TYPE = MECHANISMS + 0x13;
/// SM4 key.
pub const CKM_KB_SM4_KEY_GEN: CK_MECHANISM_TYPE = MECHANISMS + 0x20;
/// SM4-ECB.
pub const CKM_KB_SM4_ECB: CK_MECHANISM_TYPE = MECHANISMS + 0x21;
/// SM4-CBC; parameter as of `CKM_AES_CBC`.
pub const CKM_KB_SM4_CBC: CK_MECHANISM_TYPE = MECHANISMS + 0x22;
/// SM4-CBC with padding; parameter as of `CKM_AES_CBC_PAD`.
pub const CKM_KB_SM4_CBC_PAD: CK_MECHANISM_TYPE = MECHANISMS + 0x23;
/// SM4-CTR; parameter as of `CKM_AES_CTR`.
pub const CKM_KB_SM4_CTR: CK_MECHANISM_TYPE = MECHANISMS + 0x24;
/// SM4-GCM; parameter as of `CKM_AES_GCM`.
pub const CKM_KB_SM4_GCM: CK_MECHANISM_TYPE = MECHANISMS + 0x25;

/// An SM4 key. SM2 keys are `CKK_EC` keys whose `CKA_EC_PARAMS` names the SM2 curve.
pub const CKK_KB_SM4: CK_KEY_TYPE = KEY_TYPES + 0x01;
/// A key for HMAC-SM3.
pub const CKK_KB_SM3_HMAC: CK_KEY_TYPE = KEY_TYPES + 0x02;
