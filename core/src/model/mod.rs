//! The model: accounts own keys; a key has versions; objects are what has a Unique Identifier.
//! See `docs/ARCHITECTURE.md` for how PKCS#11, KMIP and a cloud KMS see the same things.

mod account;
mod attributes;
mod conventions;
mod imprint;
mod intent;
mod key;
mod object;
mod template;
mod usage;

pub use account::{Account, Credential, CredentialKind, Principal, Role, Token};
pub use attributes::{
    AttributeValue, Attributes, CustomAttribute, GivenDates, Link, LinkType, Name, NameType,
    UsageMask,
};
pub use conventions::{Constraint, Conventions};
pub use imprint::{Fingerprint, Imprint, KeyRole};
pub use intent::{Aim, Intent};
pub use key::{Alias, Key, KeyOrigin, KeyState, KeyVersion};
pub use object::{
    ApplicationId, Dates, Lifetime, Material, Object, ObjectClass, ObjectState, Protection,
    RevocationReason, SessionId,
};
pub use template::{Demand, Flag, Templates};
pub use usage::{UsageLimits, UsageUnit};
