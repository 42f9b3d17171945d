//! Templates that a key holds for other keys: what it may wrap, and what comes out of it (PKCS#11 3.2,
//! "Template Attributes").

use serde::{Deserialize, Serialize};

use super::{AttributeValue, Lifetime, Object, ObjectClass, UsageMask};
use crate::algorithm::KeySpec;

/// A flag of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// `CKA_PRIVATE`.
    Private,
    /// `CKA_MODIFIABLE`.
    Modifiable,
    /// `CKA_COPYABLE`.
    Copyable,
    /// `CKA_DESTROYABLE`.
    Destroyable,
    /// `CKA_TRUSTED`.
    Trusted,
    /// `CKA_SENSITIVE`.
    Sensitive,
    /// `CKA_EXTRACTABLE`.
    Extractable,
    /// `CKA_WRAP_WITH_TRUSTED`.
    WrapWithTrusted,
    /// `CKA_ALWAYS_AUTHENTICATE`.
    AlwaysAuthenticate,
    /// `CKA_LOCAL`.
    Local,
    /// `CKA_ALWAYS_SENSITIVE`.
    AlwaysSensitive,
    /// `CKA_NEVER_EXTRACTABLE`.
    NeverExtractable,
}

impl Flag {
    /// Whether an object has it.
    #[must_use]
    pub const fn of(self, object: &Object) -> bool {
        let attributes = &object.attributes;
        match self {
            Self::Private => attributes.private,
            Self::Modifiable => attributes.modifiable,
            Self::Copyable => attributes.copyable,
            Self::Destroyable => attributes.destroyable,
            Self::Trusted => attributes.trusted,
            Self::Sensitive => attributes.sensitive,
            Self::Extractable => attributes.extractable,
            Self::WrapWithTrusted => attributes.wrap_with_trusted,
            Self::AlwaysAuthenticate => attributes.always_authenticate,
            Self::Local => object.local,
            Self::AlwaysSensitive => object.always_sensitive,
            Self::NeverExtractable => object.never_extractable,
        }
    }
}

/// One attribute of a template, and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// Of this class.
    Class(ObjectClass),
    /// Of the algorithm of one of these, whatever its size.
    Algorithm(Vec<KeySpec>),
    /// Of this size in bits.
    Bits(u32),
    /// Whether it outlives its session.
    Stored(bool),
    /// A flag.
    Flag(Flag, bool),
    /// Whether any of these usages is allowed.
    Usage(UsageMask, bool),
    /// Its label.
    Label(String),
    /// Its `CKA_ID`.
    CkaId(Vec<u8>),
    /// `CKA_START_DATE`.
    StartDate(Option<[u8; 8]>),
    /// `CKA_END_DATE`.
    EndDate(Option<[u8; 8]>),
    /// The whole list of its allowed mechanisms.
    AllowedMechanisms(Vec<u64>),
    /// No other usages than these are allowed.
    UsageWithin(UsageMask),
    /// Among the values of a custom attribute, this one.
    Custom(String, AttributeValue),
    /// One of these.
    Any(Vec<Self>),
    /// An attribute that only PKCS#11 knows, by number; an empty value and none are the same.
    Pkcs11(u64, Vec<u8>),
}

impl Demand {
    /// Whether an object is so.
    #[must_use]
    pub fn is_met_by(&self, object: &Object) -> bool {
        let attributes = &object.attributes;
        match self {
            Self::Class(class) => object.class == *class,
            Self::Algorithm(specs) => object.spec.is_some_and(|spec| {
                let algorithm = spec.without_size();
                specs.iter().any(|one| one.without_size() == algorithm)
            }),
            Self::Bits(bits) => object.spec.is_some_and(|spec| spec.bits() == *bits),
            Self::Stored(stored) => (object.lifetime == Lifetime::Stored) == *stored,
            Self::Flag(flag, on) => flag.of(object) == *on,
            Self::Usage(any, on) => attributes.usage.intersects(*any) == *on,
            Self::Label(label) => attributes.label == *label,
            Self::CkaId(id) => attributes.cka_id == *id,
            Self::StartDate(date) => attributes.start_date == *date,
            Self::EndDate(date) => attributes.end_date == *date,
            Self::AllowedMechanisms(list) => attributes.allowed_mechanisms == *list,
            Self::UsageWithin(most) => most.contains(attributes.usage),
            Self::Custom(name, value) => attributes
                .custom
                .get(name)
                .is_some_and(|all| all.iter().any(|one| one.value == *value)),
            Self::Any(some) => some.iter().any(|demand| demand.is_met_by(object)),
            Self::Pkcs11(kind, value) => {
                attributes.pkcs11.get(kind).map_or(&[][..], Vec::as_slice) == value.as_slice()
            }
        }
    }
}

/// The templates of a key; an empty one demands nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Templates {
    /// What keys must be that this key wraps (`CKA_WRAP_TEMPLATE`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wrap: Vec<Demand>,
    /// What keys become that this key unwraps (`CKA_UNWRAP_TEMPLATE`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unwrap: Vec<Demand>,
    /// What keys become that are derived from this key (`CKA_DERIVE_TEMPLATE`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub derive: Vec<Demand>,
    /// What keys become that this key encapsulates (`CKA_ENCAPSULATE_TEMPLATE`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub encapsulate: Vec<Demand>,
    /// What keys become that this key decapsulates (`CKA_DECAPSULATE_TEMPLATE`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decapsulate: Vec<Demand>,
}

impl Templates {
    /// Whether all are empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all().into_iter().all(Vec::is_empty)
    }

    /// All of them.
    #[must_use]
    pub const fn all(&self) -> [&Vec<Demand>; 5] {
        [
            &self.wrap,
            &self.unwrap,
            &self.derive,
            &self.encapsulate,
            &self.decapsulate,
        ]
    }
}
