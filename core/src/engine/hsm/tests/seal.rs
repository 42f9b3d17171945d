//! The seal.
