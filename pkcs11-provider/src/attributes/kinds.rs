//! `CKK_…` and the core's kinds of keys: which is which, and what goes with each.

use cryptoki_sys::*;
use keybridge_core::model::UsageMask;
use keybridge_core::{Curve, HashAlgorithm, KeySpec, LatticeSet};

use crate::mechanisms::vendor::{CKK_KB_SM2, CKK_KB_SM3_HMAC, CKK_KB_SM4};
use crate::rv::{Result, Rv};

const HMAC_TYPES: &[(CK_KEY_TYPE, HashAlgorithm)] = &[
    (CKK_SHA_1_HMAC, HashAlgorithm::Sha1),
    (CKK_SHA224_HMAC, HashAlgorithm::Sha224),
    (CKK_SHA256_HMAC, HashAlgorithm::Sha256),
    (CKK_SHA384_HMAC, HashAlgorithm::Sha384),
    (CKK_SHA512_HMAC, HashAlgorithm::Sha512),
    (CKK_SHA512_224_HMAC, HashAlgorithm::Sha512_224),
    (CKK_SHA512_256_HMAC, HashAlgorithm::Sha512_256),
    (CKK_SHA3_224_HMAC, HashAlgorithm::Sha3_224),
    (CKK_SHA3_256_HMAC, HashAlgorithm::Sha3_256),
    (CKK_SHA3_384_HMAC, HashAlgorithm::Sha3_384),
    (CKK_SHA3_512_HMAC, HashAlgorithm::Sha3_512),
    (CKK_KB_SM3_HMAC, HashAlgorithm::Sm3),
];

/// The kind of a secret key of `length` bytes.
///
/// # Errors
/// `CKR_ATTRIBUTE_VALUE_INVALID` for a type or size that no engine has.
pub(super) fn secret_spec(key_type: CK_KEY_TYPE, length: usize) -> Result<KeySpec> {
    let bits = length
        .checked_mul(8)
        .and_then(|bits| u32::try_from(bits).ok());
    let bits = bits.ok_or(Rv::ATTRIBUTE_VALUE_INVALID)?;
    match key_type {
        CKK_AES if matches!(length, 16 | 24 | 32) => Ok(KeySpec::Aes { bits }),
        CKK_AES_XTS if matches!(length, 32 | 64) => Ok(KeySpec::AesXts { bits }),
        CKK_DES2 if length == 16 => Ok(KeySpec::Des3 { bits: 112 }),
        CKK_DES3 if length == 24 => Ok(KeySpec::Des3 { bits: 168 }),
        CKK_CHACHA20 if length == 32 => Ok(KeySpec::ChaCha20),
        CKK_KB_SM4 if length == 16 => Ok(KeySpec::Sm4),
        // A generic secret holds any secret; the types that are one in all but name are kept as
        // one.
        CKK_GENERIC_SECRET | CKK_HKDF if length > 0 => Ok(KeySpec::GenericSecret { bits }),
        _ => match HMAC_TYPES.iter().find(|row| row.0 == key_type) {
            Some((_, hash)) if length > 0 => Ok(KeySpec::Hmac { hash: *hash, bits }),
            _ => Err(Rv::ATTRIBUTE_VALUE_INVALID),
        },
    }
}

/// Bytes of a secret key when its template does not say: what its type has, or the digest of its HMAC.
pub(crate) fn usual_length(key_type: CK_KEY_TYPE) -> Option<usize> {
    match key_type {
        CKK_KB_SM4 | CKK_DES2 => Some(16),
        CKK_DES3 => Some(24),
        CKK_CHACHA20 => Some(32),
        _ => HMAC_TYPES
            .iter()
            .find(|row| row.0 == key_type)
            .map(|row| row.1.length()),
    }
}

/// Key type, `CKA_PARAMETER_SET`, set.
const LATTICE_SETS: &[(CK_KEY_TYPE, CK_ULONG, LatticeSet)] = &[
    (CKK_ML_KEM, CKP_ML_KEM_512, LatticeSet::MlKem512),
    (CKK_ML_KEM, CKP_ML_KEM_768, LatticeSet::MlKem768),
    (CKK_ML_KEM, CKP_ML_KEM_1024, LatticeSet::MlKem1024),
    (CKK_ML_DSA, CKP_ML_DSA_44, LatticeSet::MlDsa44),
    (CKK_ML_DSA, CKP_ML_DSA_65, LatticeSet::MlDsa65),
    (CKK_ML_DSA, CKP_ML_DSA_87, LatticeSet::MlDsa87),
];

/// The parameter set of a type of key by its number.
pub(super) fn lattice_set(key_type: CK_KEY_TYPE, number: CK_ULONG) -> Option<LatticeSet> {
    let mut rows = LATTICE_SETS.iter();
    let row = rows.find(|row| (row.0, row.1) == (key_type, number));
    row.map(|row| row.2)
}

/// `CKA_PARAMETER_SET` of a kind of key.
pub(crate) fn parameter_set(spec: KeySpec) -> Option<CK_ULONG> {
    let KeySpec::Lattice { set } = spec else {
        return None;
    };
    LATTICE_SETS
        .iter()
        .find(|row| row.2 == set)
        .map(|row| row.1)
}

/// `CKA_KEY_TYPE` of a kind of key.
pub(crate) fn key_type_of(spec: KeySpec) -> CK_KEY_TYPE {
    match spec {
        KeySpec::Aes { .. } => CKK_AES,
        KeySpec::AesXts { .. } => CKK_AES_XTS,
        KeySpec::Des3 { bits: 112 | 128 } => CKK_DES2,
        KeySpec::Des3 { .. } => CKK_DES3,
        KeySpec::ChaCha20 => CKK_CHACHA20,
        KeySpec::Sm4 => CKK_KB_SM4,
        KeySpec::Rsa { .. } => CKK_RSA,
        KeySpec::Ec { .. } | KeySpec::Sm2 => CKK_EC,
        KeySpec::Ed25519 => CKK_EC_EDWARDS,
        KeySpec::X25519 => CKK_EC_MONTGOMERY,
        KeySpec::Lattice { set } if set.is_kem() => CKK_ML_KEM,
        KeySpec::Lattice { .. } => CKK_ML_DSA,
        KeySpec::Hmac { hash, .. } => HMAC_TYPES
            .iter()
            .find(|row| row.1 == hash)
            .map_or(CKK_GENERIC_SECRET, |row| row.0),
        KeySpec::GenericSecret { .. } | KeySpec::Foreign { .. } => CKK_GENERIC_SECRET,
    }
}

/// The algorithms whose keys are of a `CKK_…`, of some size each.
pub(crate) fn algorithms_of(key_type: CK_KEY_TYPE) -> Vec<KeySpec> {
    let secret = [16, 1, 24, 32, 64].map(|length| secret_spec(key_type, length));
    let curve = |curve| KeySpec::Ec { curve };
    let pair: &[KeySpec] = match key_type {
        CKK_RSA => &[KeySpec::Rsa { bits: 2048 }],
        CKK_EC => &[
            curve(Curve::P256),
            curve(Curve::P384),
            curve(Curve::P521),
            curve(Curve::Secp256k1),
            KeySpec::Sm2,
        ],
        CKK_KB_SM2 => &[KeySpec::Sm2],
        CKK_EC_EDWARDS => &[KeySpec::Ed25519],
        CKK_EC_MONTGOMERY => &[KeySpec::X25519],
        _ => &[],
    };
    let lattices = LATTICE_SETS.iter().filter(|row| row.0 == key_type);
    let lattices = lattices.map(|row| KeySpec::Lattice { set: row.2 });
    let secret = secret.into_iter().flatten().take(1);
    secret.chain(pair.iter().copied()).chain(lattices).collect()
}

/// What keys are for when their template is silent: whatever their type is for, except on other keys.
pub(super) fn default_usage(class: CK_OBJECT_CLASS, key_type: Option<CK_KEY_TYPE>) -> UsageMask {
    let ciphers = matches!(
        key_type,
        Some(CKK_AES | CKK_AES_XTS | CKK_DES2 | CKK_DES3 | CKK_CHACHA20 | CKK_KB_SM4 | CKK_RSA)
    );
    let agrees_only = key_type == Some(CKK_EC_MONTGOMERY);
    let encapsulates = key_type == Some(CKK_ML_KEM);
    match class {
        CKO_SECRET_KEY if ciphers => UsageMask::ENCRYPT | UsageMask::DECRYPT,
        CKO_SECRET_KEY => UsageMask::MAC_GENERATE | UsageMask::MAC_VERIFY,
        CKO_PRIVATE_KEY if encapsulates => UsageMask::DECAPSULATE,
        CKO_PUBLIC_KEY if encapsulates => UsageMask::ENCAPSULATE,
        CKO_PRIVATE_KEY if agrees_only => UsageMask::DERIVE,
        CKO_PRIVATE_KEY if ciphers => UsageMask::SIGN | UsageMask::DECRYPT,
        CKO_PRIVATE_KEY => UsageMask::SIGN,
        CKO_PUBLIC_KEY if agrees_only => UsageMask::default(),
        CKO_PUBLIC_KEY if ciphers => UsageMask::VERIFY | UsageMask::ENCRYPT,
        CKO_PUBLIC_KEY => UsageMask::VERIFY,
        _ => UsageMask::default(),
    }
}
