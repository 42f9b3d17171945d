//! Attributes of an object that is imported: also those that the server sets for its own.

use keybridge_core::kms::Imported;
use keybridge_core::model::{Dates, ObjectState, RevocationReason};
use keybridge_core::time::Timestamp;
use keybridge_kmip::attributes::{Attribute, AttributeValue as A, TemplateAttribute};
use keybridge_kmip::enums::State;
use keybridge_kmip::wire::DateTime;

use super::draft::{Draft, check_settable};
use super::refuse_unknown;
use crate::failure::Result;

impl Draft {
    /// The draft of an imported object, and what it brings along (2.1 section 6.1.25: "the attribute
    /// rules … SHALL NOT be enforced"). What the value itself tells (Digest, lengths, names in a
    /// certificate) is not taken from anybody's word.
    ///
    /// # Errors
    /// For unknown attributes and impossible values.
    pub fn imported(given: &TemplateAttribute) -> Result<(Self, Imported)> {
        let mut draft = Self::default();
        let mut imported = Imported::default();
        for attribute in &given.attributes {
            let name = attribute.name();
            refuse_unknown(&name)?;
            if !bring(&mut imported, attribute) && check_settable(&name).is_ok() {
                draft.take(&name, &attribute.value)?;
                draft.seen.push(name);
            }
        }
        Ok((draft, imported))
    }
}

/// Takes an attribute that only an import may set.
fn bring(imported: &mut Imported, attribute: &Attribute) -> bool {
    let date = |at: &DateTime| Some(Timestamp(at.0));
    let Dates {
        original_creation,
        compromise,
        compromise_occurrence,
        ..
    } = &mut imported.dates;
    match &attribute.value {
        A::OriginalCreationDate(at) => *original_creation = date(at),
        // An object is here since now; when it came to be is the Original Creation Date.
        A::InitialDate(at) => *original_creation = original_creation.or(date(at)),
        A::CompromiseDate(at) => *compromise = date(at),
        A::CompromiseOccurrenceDate(at) => *compromise_occurrence = date(at),
        A::Fresh(fresh) => imported.fresh = Some(*fresh),
        A::State(state) => imported.state = of_state(*state),
        A::RevocationReason(reason) => {
            imported.revocation = Some(RevocationReason {
                code: reason.code.0,
                message: reason.message.clone(),
            });
        }
        _ => return false,
    }
    true
}

/// A state in which an object that has its value can be.
const fn of_state(state: State) -> Option<ObjectState> {
    Some(match state {
        State::PreActive => ObjectState::PreActive,
        State::Active => ObjectState::Active,
        State::Deactivated => ObjectState::Deactivated,
        State::Compromised => ObjectState::Compromised,
        _ => return None,
    })
}
