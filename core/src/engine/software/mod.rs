//! The software engine.

// The engine's only unsafe code: see the module.
#[allow(unsafe_code)]
pub(crate) mod aws_lc;
