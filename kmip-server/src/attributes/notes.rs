//! The bridge's own notes about objects, kept beside their attributes: no attributes themselves.

/// Secret Data Type of a secret.
pub const SECRET_DATA_TYPE: &str = "Secret Data Type";
/// Cryptographic Algorithm that a client gave for an EC key.
pub const SAID_ALGORITHM: &str = "Cryptographic Algorithm";
/// Whether a registered object was sensitive when it came.
pub(in crate::attributes) const ALWAYS_SENSITIVE: &str = "Always Sensitive";
/// Whether a registered object was not extractable when it came.
pub(in crate::attributes) const NEVER_EXTRACTABLE: &str = "Never Extractable";
/// PGP Key Version.
pub const PGP_VERSION: &str = "PGP Key Version";
/// The value is kept elsewhere.
pub const ELSEWHERE: &str = "Key Value Elsewhere";
/// The value is kept wrapped, as it came.
pub const KEPT_WRAPPED: &str = "Kept Wrapped";
/// The key block as it came, wrapped.
pub(in crate::attributes) const BLOCK: &str = "Key Block";
/// Split Key Parts.
pub const SPLIT_PARTS: &str = "Split Key Parts";
/// Key Part Identifier.
pub const SPLIT_PART: &str = "Key Part Identifier";
/// Split Key Threshold.
pub const SPLIT_THRESHOLD: &str = "Split Key Threshold";
/// Split Key Method.
pub const SPLIT_METHOD: &str = "Split Key Method";
/// Prime Field Size.
pub const SPLIT_PRIME: &str = "Prime Field Size";

/// Bytes of the key that was split: a field of numbers forgets leading zeros.
pub const SPLIT_LENGTH: &str = "Split Key Length";

/// All of them.
pub(in crate::attributes) const ALL: &[&str] = &[
    SECRET_DATA_TYPE,
    SAID_ALGORITHM,
    ALWAYS_SENSITIVE,
    NEVER_EXTRACTABLE,
    PGP_VERSION,
    ELSEWHERE,
    KEPT_WRAPPED,
    BLOCK,
    SPLIT_PARTS,
    SPLIT_PART,
    SPLIT_THRESHOLD,
    SPLIT_METHOD,
    SPLIT_PRIME,
    SPLIT_LENGTH,
];
