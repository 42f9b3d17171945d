//! The functions of PKCS#11 as methods of [`crate::module::Instance`], a file a chapter of the
//! standard.

mod authenticated_wrapping;
mod derivation;
mod derived_keys;
mod digests;
mod dual;
mod encapsulation;
mod keys;
mod mechanisms;
mod message_parameters;
mod message_signatures;
mod messages;
mod objects;
mod operations;
mod sessions;
mod slots;
mod states;
mod tls_keys;
mod verify_signature;
mod wrapping;

pub(crate) use derived_keys::NoKeys;
pub(crate) use dual::Second;
pub use mechanisms::MechanismInformation;
pub(crate) use message_parameters::{MadeParameters, MessageFields, MessageParameters, TagUse};
pub use sessions::{SessionInformation, UserType};
pub use slots::TokenInformation;
pub(crate) use states::SavedStates;
pub(crate) use tls_keys::TlsKeys;
