//! The PKCS#11 module of keybridge: `libkeybridge_pkcs11.so`.
//!
//! Two layers. [`ffi`] is the C boundary: the exported functions, generated from one list, and the
//! one module that follows pointers. Behind it is a safe library, which tests and the server's KMIP
//! PKCS#11 operation call in their own process: [`module::Instance`] has a method a function, over
//! slots, sessions, a table of attributes and a registry of mechanisms. The keys are behind
//! [`token::Token`].
//!
//! Nothing here decides who may use which key: the core does, for every door.

// `CK_ULONG` is the core's u64 throughout: the module is built for 64-bit systems where it is as
// wide.
const _: () = assert!(size_of::<cryptoki_sys::CK_ULONG>() == size_of::<u64>());

pub mod attributes;
pub mod documentation;
pub mod ffi;
pub mod header;
pub mod mechanisms;
pub mod module;
pub mod rv;
pub mod token;
pub mod tunnel;

mod config;
mod functions;
mod handles;
mod log;
mod session;
mod slot;

pub use functions::{MechanismInformation, SessionInformation, TokenInformation, UserType};
