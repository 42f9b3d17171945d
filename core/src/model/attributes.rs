//! What a caller may say about an object: names, usage, and the flags that guard its value.

use std::collections::BTreeMap;
use std::ops::{BitAnd, BitOr, BitOrAssign};

use serde::{Deserialize, Serialize};

use super::Templates;
use crate::id::ObjectId;
use crate::mechanism::Purpose;
use crate::model::UsageLimits;
use crate::time::Timestamp;

/// The Cryptographic Usage Mask, with KMIP's bits (KMIP 2.1 section 11.12 of masks). PKCS#11's
/// `CKA_SIGN`, `CKA_DERIVE` and so on are views of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UsageMask(pub u32);

impl UsageMask {
    /// Sign.
    pub const SIGN: Self = Self(0x0000_0001);
    /// Verify.
    pub const VERIFY: Self = Self(0x0000_0002);
    /// Encrypt.
    pub const ENCRYPT: Self = Self(0x0000_0004);
    /// Decrypt.
    pub const DECRYPT: Self = Self(0x0000_0008);
    /// Wrap Key.
    pub const WRAP: Self = Self(0x0000_0010);
    /// Unwrap Key.
    pub const UNWRAP: Self = Self(0x0000_0020);
    /// Export.
    pub const EXPORT: Self = Self(0x0000_0040);
    /// MAC Generate.
    pub const MAC_GENERATE: Self = Self(0x0000_0080);
    /// MAC Verify.
    pub const MAC_VERIFY: Self = Self(0x0000_0100);
    /// Derive Key.
    pub const DERIVE: Self = Self(0x0000_0200);
    /// Content Commitment (non-repudiation).
    pub const CONTENT_COMMITMENT: Self = Self(0x0000_0400);
    /// Key Agreement.
    pub const KEY_AGREEMENT: Self = Self(0x0000_0800);
    /// Certificate Sign.
    pub const CERTIFICATE_SIGN: Self = Self(0x0000_1000);
    /// CRL Sign.
    pub const CRL_SIGN: Self = Self(0x0000_2000);
    /// Unrestricted: whatever the key can do (KMIP 2.1 section 12.1).
    pub const UNRESTRICTED: Self = Self(0x0020_0000);
    /// Sign with recovery (`CKA_SIGN_RECOVER`); this and the next are in KMIP's range of extensions.
    pub const SIGN_RECOVER: Self = Self(0x1000_0000);
    /// Verify with recovery (`CKA_VERIFY_RECOVER`).
    pub const VERIFY_RECOVER: Self = Self(0x2000_0000);
    /// Encapsulate (`CKA_ENCAPSULATE`); as these.
    pub const ENCAPSULATE: Self = Self(0x4000_0000);
    /// Decapsulate (`CKA_DECAPSULATE`).
    pub const DECAPSULATE: Self = Self(0x0800_0000);

    /// Whether every bit of `bits` is set.
    #[must_use]
    pub const fn contains(self, bits: Self) -> bool {
        self.0 & bits.0 == bits.0
    }

    /// Whether one of these uses is allowed.
    #[must_use]
    pub const fn permits(self, any: Self) -> bool {
        self.intersects(any) || self.contains(Self::UNRESTRICTED)
    }

    /// Whether any bit of `bits` is set.
    #[must_use]
    pub const fn intersects(self, bits: Self) -> bool {
        self.0 & bits.0 != 0
    }

    /// Sets or clears `bits`.
    pub fn set(&mut self, bits: Self, on: bool) {
        if on {
            self.0 |= bits.0;
        } else {
            self.0 &= !bits.0;
        }
    }

    /// The bits of which at least one must be set for `purpose`.
    #[must_use]
    pub const fn needed_for(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Encrypt => Self::ENCRYPT,
            Purpose::Decrypt => Self::DECRYPT,
            Purpose::Sign => Self(
                Self::SIGN.0
                    | Self::CONTENT_COMMITMENT.0
                    | Self::CERTIFICATE_SIGN.0
                    | Self::CRL_SIGN.0,
            ),
            Purpose::Verify => Self::VERIFY,
            Purpose::MacGenerate => Self(Self::MAC_GENERATE.0 | Self::SIGN.0),
            Purpose::MacVerify => Self(Self::MAC_VERIFY.0 | Self::VERIFY.0),
            Purpose::Wrap => Self::WRAP,
            Purpose::Unwrap => Self::UNWRAP,
            Purpose::Derive => Self(Self::DERIVE.0 | Self::KEY_AGREEMENT.0),
            Purpose::SignRecover => Self::SIGN_RECOVER,
            Purpose::VerifyRecover => Self::VERIFY_RECOVER,
            Purpose::Encapsulate => Self::ENCAPSULATE,
            Purpose::Decapsulate => Self::DECAPSULATE,
        }
    }
}

impl BitOr for UsageMask {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for UsageMask {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for UsageMask {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// KMIP's Name Type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameType {
    /// Uninterpreted text.
    Text,
    /// A URI.
    Uri,
}

/// A KMIP Name: unique among the account's objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    /// The name.
    pub value: String,
    /// Its type.
    pub kind: NameType,
}

/// KMIP's Link Type; the number on the wire (KMIP 2.1 section 11.31).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkType(pub u32);

impl LinkType {
    /// From a public key to its certificate.
    pub const CERTIFICATE: Self = Self(0x101);
    /// From a private key or certificate to the public key.
    pub const PUBLIC_KEY: Self = Self(0x102);
    /// From a public key to its private key.
    pub const PRIVATE_KEY: Self = Self(0x103);
    /// From a derived object to what it was derived from.
    pub const DERIVATION_BASE: Self = Self(0x104);
    /// From a base to what was derived from it.
    pub const DERIVED_KEY: Self = Self(0x105);
    /// To the object that takes this one's place (Re-key).
    pub const REPLACEMENT: Self = Self(0x106);
    /// To the object whose place this one took.
    pub const REPLACED: Self = Self(0x107);
}

/// A link to another object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What the other object is to this one.
    pub kind: LinkType,
    /// The other object.
    pub object: ObjectId,
}

/// A typed value of a custom attribute: KMIP's item types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "kebab-case")]
pub enum AttributeValue {
    /// 32-bit integer.
    Integer(i32),
    /// 64-bit integer.
    LongInteger(i64),
    /// Two's complement big-endian integer.
    BigInteger(Vec<u8>),
    /// Enumeration.
    Enumeration(u32),
    /// Boolean.
    Boolean(bool),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Seconds since 1970.
    DateTime(i64),
    /// Seconds.
    Interval(u32),
    /// Microseconds since 1970.
    DateTimeExtended(i64),
    /// A structure, in the encoding of the door that wrote it.
    Structure(Vec<u8>),
}

/// One instance of a custom attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomAttribute {
    /// KMIP's attribute index: counts instances of one name, never reused while the object lives.
    pub index: u32,
    /// The value.
    pub value: AttributeValue,
}

/// Everything about an object that a caller may give at its making, and change later as far as the
/// rules of [`crate::kms::Kms::modify`] allow. Defaults are the careful ones: private, sensitive, not
/// extractable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    /// PKCS#11 `CKA_LABEL`; not unique. Also the name of the [`crate::model::Key`] it makes.
    pub label: String,
    /// PKCS#11 `CKA_ID`.
    pub cka_id: Vec<u8>,
    /// KMIP Names, each unique among the account's objects.
    pub names: Vec<Name>,
    /// What the key may be used for.
    pub usage: UsageMask,
    /// `CKA_PRIVATE`: seen only after login.
    pub private: bool,
    /// `CKA_SENSITIVE`: the value never leaves in the clear. Once true, always true.
    pub sensitive: bool,
    /// `CKA_EXTRACTABLE`: may leave wrapped. Once false, always false.
    pub extractable: bool,
    /// `CKA_MODIFIABLE`.
    pub modifiable: bool,
    /// `CKA_COPYABLE`.
    pub copyable: bool,
    /// `CKA_DESTROYABLE`.
    pub destroyable: bool,
    /// `CKA_TRUSTED`: a security officer vouches for this wrapping key.
    pub trusted: bool,
    /// `CKA_WRAP_WITH_TRUSTED`: may be wrapped by trusted keys only. Once true, always true.
    pub wrap_with_trusted: bool,
    /// `CKA_ALWAYS_AUTHENTICATE`: each use needs a login of its own.
    pub always_authenticate: bool,
    /// `CKA_START_DATE` and KMIP's Process Start Date and Activation Date live in [`crate::model::Dates`];
    /// these two are PKCS#11's own calendar days, `YYYYMMDD`, informational as the standard says.
    pub start_date: Option<[u8; 8]>,
    /// See `start_date`.
    pub end_date: Option<[u8; 8]>,
    /// `CKA_CHECK_VALUE`: none is what the key gives; empty is never shown; any other is compared with what the key
    /// gives, once, and not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_value: Option<Vec<u8>>,
    /// Mechanisms that may be used with the key, by PKCS#11 number; empty means any.
    pub allowed_mechanisms: Vec<u64>,
    /// What other keys must be, or become, that this key wraps, unwraps or derives. Fixed when the key is made.
    #[serde(skip_serializing_if = "Templates::is_empty")]
    pub templates: Templates,
    /// Links to other objects.
    pub links: Vec<Link>,
    /// How much the key may still protect (KMIP 2.1 section 7.40); none is without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_limits: Option<UsageLimits>,
    /// Tags of the key for people and policies.
    pub tags: BTreeMap<String, String>,
    /// Attributes that the core keeps and finds but does not interpret: custom (`x-…`, vendor) and
    /// protocol-only ones (`Object Group`, `Operation Policy Name`, `Contact Information`, …) by name.
    /// Values stay in the order of their index.
    pub custom: BTreeMap<String, Vec<CustomAttribute>>,
    /// PKCS#11 attributes that only PKCS#11 knows (`CKA_SUBJECT`, `CKA_ISSUER`, `CKA_APPLICATION`, …), by
    /// their number, in the standard's encoding.
    pub pkcs11: BTreeMap<u64, Vec<u8>>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            label: String::new(),
            cka_id: Vec::new(),
            names: Vec::new(),
            usage: UsageMask::default(),
            private: true,
            sensitive: true,
            extractable: false,
            modifiable: true,
            copyable: true,
            destroyable: true,
            trusted: false,
            wrap_with_trusted: false,
            always_authenticate: false,
            start_date: None,
            end_date: None,
            check_value: None,
            allowed_mechanisms: Vec::new(),
            templates: Templates::default(),
            links: Vec::new(),
            usage_limits: None,
            tags: BTreeMap::new(),
            custom: BTreeMap::new(),
            pkcs11: BTreeMap::new(),
        }
    }
}

/// Dates that a caller may give when making or registering an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenDates {
    /// KMIP Activation Date: in the past makes the object Active at once.
    pub activation: Option<Timestamp>,
    /// KMIP Process Start Date.
    pub process_start: Option<Timestamp>,
    /// KMIP Protect Stop Date.
    pub protect_stop: Option<Timestamp>,
    /// KMIP Deactivation Date.
    pub deactivation: Option<Timestamp>,
}
