//! The key manager of keybridge: one model of keys, one request path, one audit.
//!
//! Every door (PKCS#11, KMIP, the cloud KMS API, the command line) turns its protocol's requests into
//! calls of [`Kms`] and its answers back; this crate knows no protocol, no socket, no async runtime and
//! no C. A request's way is always the same: **authorize** ([`authorize`]), **gate** ([`lifecycle`]),
//! **engine** ([`engine`]), **record** ([`audit`]).

pub mod algorithm;
pub mod audit;
pub mod authorize;
pub mod encoding;
pub mod engine;
pub mod error;
mod exclusive;
pub mod id;
pub mod kms;
pub mod lifecycle;
pub mod mechanism;
pub mod model;
pub mod policy;
mod process;
pub mod seal;
pub mod secret;
pub mod settings;
pub mod store;
pub mod time;
mod undo;

pub use algorithm::{Curve, HashAlgorithm, KeySpec, LatticeSet};
pub use audit::Verb;
pub use authorize::{Caller, Door};
pub use error::{Error, Result};
pub use id::{AccountId, KeyId, ObjectId, PrincipalId};
pub use kms::Kms;
pub use mechanism::{Mechanism, Purpose};
pub use model::{Attributes, Key, KeyState, Object, ObjectClass, ObjectState, Protection};
pub use secret::SecretBytes;
pub use settings::Settings;
