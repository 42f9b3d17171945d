//! Attributes: the table of them, templates, and the view of the core's objects through them.

pub(crate) mod builtin;
pub(crate) mod creation;
pub(crate) mod kinds;
mod material;
pub mod registry;
pub(crate) mod setting;
pub(crate) mod template;
pub(crate) mod templates;
pub(crate) mod view;

pub use template::{Template, Value};
