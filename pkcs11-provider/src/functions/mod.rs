//! The functions of PKCS#11 as methods of [`crate::module::Instance`], a file a chapter of the standard.

mod digests;
mod keys;
mod objects;
mod sessions;
mod signatures_and_ciphers;
mod slots;
mod wrapping;

pub use sessions::{SessionInformation, UserType};
pub use slots::{MechanismInformation, TokenInformation};
