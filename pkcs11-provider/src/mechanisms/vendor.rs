//! Numbers for what the standard has no number for: SM2, SM3, SM4.

pub use keybridge_core::mechanism::vendor::*;
