//! The bridge's own notes about objects, kept beside their attributes: no attributes themselves.

use keybridge_core::Object;
use keybridge_core::model::AttributeValue as Kept;
use keybridge_kmip::enums::KeyFormatType;

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

/// The digest in the format in which the object came, where it is not the one that the core has.
pub const DIGEST: &str = "Digest As It Came";

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
    DIGEST,
];

/// A digest of a registered object, and the format that was hashed.
pub struct DigestAsItCame {
    /// The format.
    pub format: KeyFormatType,
    /// SHA-256 of the Key Material in that format.
    pub digest: Vec<u8>,
}

impl DigestAsItCame {
    /// As it is kept: the format's number, then the hash.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.format.0.to_be_bytes(), self.digest.as_slice()].concat()
    }

    /// The note about an object, if there is one.
    #[must_use]
    pub fn of(object: &Object) -> Option<Self> {
        let Kept::Bytes(bytes) = &object.attributes.custom.get(DIGEST)?.first()?.value else {
            return None;
        };
        let (format, digest) = bytes.split_first_chunk()?;
        Some(Self {
            format: KeyFormatType(u32::from_be_bytes(*format)),
            digest: digest.to_vec(),
        })
    }
}
