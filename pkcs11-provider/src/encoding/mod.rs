//! Encodings of keys.

pub(crate) mod der;
pub(crate) mod keys;
