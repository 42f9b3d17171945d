//! The KMIP protocol, versions 1.0 to 2.1: items and their encodings, messages, objects, attributes
//! and operations, and a blocking client.
//!
//! This crate knows bytes and the standard's words. It knows no key store, no policy and no user: a
//! server decodes a [`message::RequestMessage`], does what it will, and encodes a
//! [`message::ResponseMessage`] for the version of the request. See the README of this folder.
//!
//! Clause numbers in the documentation are those of the KMIP specification of the named version.

pub mod attributes;
pub mod client;
pub mod encoding;
pub mod enums;
pub mod error;
pub mod frame;
pub mod item;
pub mod message;
pub mod objects;
pub mod operations;
pub mod secret;
pub mod tags;
pub mod ttlv;
pub mod version;
#[macro_use]
pub mod wire;

pub use encoding::Encoding;
pub use error::{DecodeError, EncodeError};
pub use item::{BigInteger, Item, ItemType, Value};
pub use secret::{SecretBytes, SecretText};
pub use tags::Tag;
pub use ttlv::Limits;
pub use version::Version;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
