//! Mechanisms: what this module knows of each, and how an application's number and parameter become
//! the core's [`keybridge_core::Mechanism`].

pub(crate) mod convert;
pub(crate) mod derivation;
pub mod documentation;
pub mod numbers;
pub(crate) mod parameters;
pub mod registry;
pub(crate) mod samples;
mod table;
#[cfg(test)]
mod tests;
pub mod vendor;

pub use parameters::{MechanismCall, ParameterShape, Parameters};
