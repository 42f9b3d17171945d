//! Attributes: KMIP's names and types on one side, the core's model on the other.
//!
//! What the core interprets (names, usage, dates, sensitivity, links) lives in its own fields;
//! everything else that the standard or a client defines is kept in
//! [`keybridge_core::Attributes::custom`] under its name, with type and index, and comes back as it
//! was given.

mod certificate;
pub mod conventions;
mod draft;
mod edit;
mod filter;
mod imported;
mod kept;
pub mod notes;
mod read;
mod templates;

pub(crate) use certificate::{readable_name, subject_names, texts as name_texts};
pub use draft::Draft;
pub use edit::{Edit, Position, carry, edit, give};
pub use filter::Filter;
pub use kept::kept_number;
pub(crate) use kept::object_groups;
pub use read::{
    LEASE_SECONDS, algorithm as algorithm_of, length as length_of, names_of, parameters_of,
    read_all, read_named, state_of,
};
pub use templates::{kept_block, template_bytes, template_of};

use keybridge_kmip::Tag;
use keybridge_kmip::attributes::{AttributeName, AttributeRow};

use crate::failure::{Failure, Result};
use keybridge_kmip::enums::ResultReason;

/// The title of a standard attribute, as 1.x writes it.
fn title(tag: Tag) -> &'static str {
    tag.title().unwrap_or("attribute")
}

/// The words for an attribute's name in messages.
fn shown(name: &AttributeName) -> String {
    match name {
        AttributeName::Standard(tag) => title(*tag).to_owned(),
        AttributeName::Vendor { vendor, name } => format!("{vendor}-{name}"),
        AttributeName::Unknown(name) => name.clone(),
    }
}

/// Whether objects may have several instances of an attribute.
fn is_multiple(name: &AttributeName) -> bool {
    match name {
        AttributeName::Standard(tag) => {
            AttributeRow::of(*tag).is_some_and(|row| row.rules.multiple)
        }
        AttributeName::Vendor { .. } | AttributeName::Unknown(_) => true,
    }
}

fn read_only(name: &AttributeName) -> Failure {
    Failure::by_version(
        ResultReason::PermissionDenied,
        ResultReason::AttributeReadOnly,
        format!("the attribute {} is the server's", shown(name)),
    )
}

/// Refuses a name that is neither the standard's nor a custom one (1.4 section 3.39: `x-` and
/// `y-`).
fn refuse_unknown(name: &AttributeName) -> Result<()> {
    match name {
        AttributeName::Unknown(text) => Err(Failure::by_version(
            ResultReason::InvalidField,
            ResultReason::UnsupportedAttribute,
            format!("there is no attribute {text:?}; custom ones begin with x-"),
        )),
        _ => Ok(()),
    }
}
