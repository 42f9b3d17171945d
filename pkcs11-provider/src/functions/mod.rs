//! The functions of PKCS#11 as methods of [`crate::module::Instance`], a file a chapter of the
//! standard.

mod digests;
mod dual;
mod keys;
mod objects;
mod operations;
mod sessions;
mod slots;
mod states;
mod wrapping;

pub(crate) use dual::Second;
pub use sessions::{SessionInformation, UserType};
pub use slots::{MechanismInformation, TokenInformation};
pub(crate) use states::SavedStates;
