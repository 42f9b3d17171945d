//! Add, Modify, Set and Delete Attribute: one instance of one attribute, changed in the core's
//! copy.

use keybridge_core::model::{Attributes, Dates};
use keybridge_core::time::Timestamp;
use keybridge_core::{Error, ObjectId};
use keybridge_kmip::attributes::{Attribute, AttributeName, AttributeRow, AttributeValue};
use keybridge_kmip::enums::ResultReason as R;

use super::draft::{check_settable, to_link, to_name, to_usage_limits};
use super::kept::{self, carried};
use super::{is_multiple, read_only, refuse_unknown, shown};
use crate::failure::{Failure, Result};
use crate::processor::Context;

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Edit {
    /// A new instance.
    Add(Attribute),
    /// Another value for an instance.
    Modify(Position, Attribute),
    /// The one value, whether there was one or not (2.0 and later).
    Set(Attribute),
    /// No such instance any more.
    Delete(AttributeName, Position),
}

/// Which instance is meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Position {
    /// The one with this Attribute Index (1.x; 0 when it is left out).
    Index(i32),
    /// The one with this value (2.x Current Attribute).
    Value(AttributeValue),
    /// The only one there is (2.x without Current Attribute).
    Only,
    /// All of them (2.x Attribute Reference).
    All,
}

/// Does it. Returns the attribute that 1.x echoes: the new one, or the deleted one.
///
/// # Errors
/// When the attribute is the server's, is not there, or is there already; and the core's.
pub fn edit(context: &Context<'_>, id: ObjectId, edit: &Edit) -> Result<Option<Attribute>> {
    check(edit)?;
    let mut echoed = None;
    let mut failed = None;
    let value = match edit {
        Edit::Add(new) | Edit::Modify(_, new) | Edit::Set(new) => Some(&new.value),
        Edit::Delete(..) => None,
    };
    let done = match value.and_then(Field::of) {
        Some((field, at)) => context.blocking(|kms, caller| {
            kms.modify_dates(caller, id, &mut |dates| {
                carry(&mut failed, edit_date(dates, field, at, edit))
            })
        }),
        None => context.blocking(|kms, caller| {
            kms.modify(caller, id, &mut |attributes| {
                let result = edit_attributes(attributes, edit);
                carry(&mut failed, result.map(|echo| echoed = echo))
            })
        }),
    };
    match (failed, done) {
        (Some(failure), _) => Err(failure),
        (None, Err(Error::AlreadyExists { name, .. })) => Err(Failure::by_version(
            R::IllegalOperation,
            R::NonUniqueNameAttribute,
            format!("another object has the Name {name:?}"),
        )),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(())) => Ok(echoed.or_else(|| match edit {
            Edit::Add(new) | Edit::Modify(_, new) | Edit::Set(new) => Some(new.clone()),
            Edit::Delete(..) => None,
        })),
    }
}

/// Gives a new object another value of an attribute than what it came from had: a value given again
/// replaces it, a new one is added. Names are added in any case: the new object has those of the old
/// (1.4 section 4.4). Dates are not attributes here.
///
/// # Errors
/// As [`edit`].
pub fn give(attributes: &mut Attributes, new: &Attribute) -> Result<()> {
    if let AttributeValue::Name(name) = &new.value {
        let name = to_name(name)?;
        if !attributes.names.contains(&name) {
            attributes.names.push(name);
        }
        return Ok(());
    }
    let replace = Edit::Modify(Position::Only, new.clone());
    let replaced = check(&replace).and_then(|()| edit_attributes(attributes, &replace));
    if replaced.is_err() {
        let add = Edit::Add(new.clone());
        check(&add)?;
        edit_attributes(attributes, &add)?;
    }
    Ok(())
}

/// Keeps a failure of the door while the core rolls back.
pub fn carry(failed: &mut Option<Failure>, result: Result<()>) -> keybridge_core::Result<()> {
    result.map_err(|failure| {
        *failed = Some(failure);
        carried()
    })
}

/// Who may do this to the attribute at all (the table of each attribute in 1.4 section 3, 2.1
/// section 4).
fn check(edit: &Edit) -> Result<()> {
    let (name, deletes) = match edit {
        Edit::Add(new) | Edit::Modify(_, new) | Edit::Set(new) => (new.name(), false),
        Edit::Delete(name, _) => (name.clone(), true),
    };
    refuse_unknown(&name)?;
    let AttributeName::Standard(tag) = &name else {
        return Ok(());
    };
    let rules = AttributeRow::of(*tag)
        .map(|row| row.rules)
        .ok_or_else(|| read_only(&name))?;
    let allowed = match edit {
        Edit::Delete(..) => rules.client_deletes,
        Edit::Add(_) => rules.client_sets,
        Edit::Modify(..) | Edit::Set(_) => rules.client_modifies,
    };
    if !allowed {
        return Err(read_only(&name));
    }
    if matches!(edit, Edit::Set(_)) && rules.multiple {
        return Err(Failure::new(
            R::MultiValuedAttribute,
            format!("{} may have several values: add or modify it", shown(&name)),
        ));
    }
    if deletes {
        Ok(())
    } else {
        check_settable(&name)
    }
}

/// The dates that clients change.
#[derive(Clone, Copy)]
enum Field {
    Activation,
    ProcessStart,
    ProtectStop,
    Deactivation,
}

impl Field {
    fn of(value: &AttributeValue) -> Option<(Self, Timestamp)> {
        let (field, at) = match value {
            AttributeValue::ActivationDate(at) => (Self::Activation, at),
            AttributeValue::ProcessStartDate(at) => (Self::ProcessStart, at),
            AttributeValue::ProtectStopDate(at) => (Self::ProtectStop, at),
            AttributeValue::DeactivationDate(at) => (Self::Deactivation, at),
            _ => return None,
        };
        Some((field, Timestamp(at.0)))
    }

    fn slot(self, dates: &mut Dates) -> &mut Option<Timestamp> {
        match self {
            Self::Activation => &mut dates.activation,
            Self::ProcessStart => &mut dates.process_start,
            Self::ProtectStop => &mut dates.protect_stop,
            Self::Deactivation => &mut dates.deactivation,
        }
    }
}

fn edit_date(dates: &mut Dates, field: Field, at: Timestamp, edit: &Edit) -> Result<()> {
    let slot = field.slot(dates);
    match (edit, &slot) {
        (Edit::Add(new), Some(_)) => return Err(exists_already(&new.name())),
        (Edit::Modify(_, new), None) => return Err(not_there(&new.name())),
        _ => *slot = Some(at),
    }
    Ok(())
}

fn edit_attributes(attributes: &mut Attributes, edit: &Edit) -> Result<Option<Attribute>> {
    let name = match edit {
        Edit::Add(new) | Edit::Modify(_, new) | Edit::Set(new) => new.name(),
        Edit::Delete(name, _) => name.clone(),
    };
    match edit {
        Edit::Add(new) | Edit::Modify(_, new) | Edit::Set(new) => match &new.value {
            AttributeValue::Sensitive(flag) => {
                return set_flag(&mut attributes.sensitive, *flag, edit, &name);
            }
            AttributeValue::Extractable(flag) => {
                return set_flag(&mut attributes.extractable, *flag, edit, &name);
            }
            _ => {}
        },
        Edit::Delete(..) => {}
    }
    let mut instances = Instances::of(attributes, &name);
    let echoed = instances.apply(&name, edit)?;
    instances.write(attributes, &name)?;
    // Usage Limits come without their count, which the server begins.
    let limits = attributes.usage_limits.filter(|_| {
        matches!(
            edit,
            Edit::Add(new) | Edit::Modify(_, new) if matches!(new.value, AttributeValue::UsageLimits(_))
        )
    });
    let counted = limits.map(|limits| super::read::usage_limits(limits).into());
    Ok(counted.or(echoed))
}

/// Sensitive and Extractable always have a value.
fn set_flag(
    slot: &mut bool,
    flag: bool,
    edit: &Edit,
    name: &AttributeName,
) -> Result<Option<Attribute>> {
    if matches!(edit, Edit::Add(_)) {
        return Err(exists_already(name));
    }
    *slot = flag;
    Ok(None)
}

/// The instances of one attribute, with their indices, taken out of the core's fields and put back.
struct Instances(Vec<(i32, AttributeValue)>);

impl Instances {
    fn of(attributes: &Attributes, name: &AttributeName) -> Self {
        use keybridge_kmip::Tag;
        let count = |position: usize| i32::try_from(position).unwrap_or(i32::MAX);
        let list: Vec<_> = match name {
            AttributeName::Standard(Tag::Name) => attributes
                .names
                .iter()
                .map(super::read::kmip_name)
                .enumerate()
                .map(|(position, value)| (count(position), value))
                .collect(),
            AttributeName::Standard(Tag::UsageLimits) => attributes
                .usage_limits
                .map(super::read::usage_limits)
                .into_iter()
                .map(|value| (0, value))
                .collect(),
            AttributeName::Standard(Tag::Link) => attributes
                .links
                .iter()
                .map(super::read::kmip_link)
                .enumerate()
                .map(|(position, value)| (count(position), value))
                .collect(),
            name => {
                let kept = attributes.custom.get(&kept::key_of(name));
                let values = kept.into_iter().flatten().filter_map(|instance| {
                    let value = kept::from_kept(name, &instance.value)?;
                    Some((i32::try_from(instance.index).ok()?, value))
                });
                values.collect()
            }
        };
        Self(list)
    }

    fn apply(&mut self, name: &AttributeName, edit: &Edit) -> Result<Option<Attribute>> {
        let multiple = is_multiple(name);
        let next = self.0.iter().map(|(index, _)| index + 1).max().unwrap_or(0);
        let shown_as = |index: i32, value: &AttributeValue| Attribute {
            index: multiple.then_some(index),
            value: value.clone(),
        };
        match edit {
            Edit::Add(new) => {
                if !multiple && !self.0.is_empty() {
                    return Err(exists_already(name));
                }
                if self.0.iter().any(|(_, value)| *value == new.value) {
                    return Err(has_this_already(name));
                }
                self.0.push((next, new.value.clone()));
                Ok(Some(shown_as(next, &new.value)))
            }
            Edit::Set(new) => {
                self.0.clear();
                self.0.push((0, new.value.clone()));
                Ok(Some(shown_as(0, &new.value)))
            }
            Edit::Modify(position, new) => {
                let at = self.find(name, position)?;
                if let Some((index, value)) = self.0.get_mut(at) {
                    value.clone_from(&new.value);
                    return Ok(Some(shown_as(*index, &new.value)));
                }
                Err(not_there(name))
            }
            Edit::Delete(_, Position::All) => {
                if self.0.is_empty() {
                    return Err(nothing_to_delete(name));
                }
                self.0.clear();
                Ok(None)
            }
            Edit::Delete(_, position) => {
                if self.0.is_empty() {
                    return Err(nothing_to_delete(name));
                }
                let (index, value) = self.0.remove(self.find(name, position)?);
                Ok(Some(shown_as(index, &value)))
            }
        }
    }

    fn find(&self, name: &AttributeName, position: &Position) -> Result<usize> {
        if self.0.is_empty() {
            return Err(not_there(name));
        }
        let found = match position {
            Position::Index(wanted) => self.0.iter().position(|(index, _)| index == wanted),
            Position::Value(wanted) => self.0.iter().position(|(_, value)| value == wanted),
            Position::Only | Position::All if self.0.len() == 1 => Some(0),
            Position::Only | Position::All => {
                return Err(Failure::by_version(
                    R::InvalidField,
                    R::MultiValuedAttribute,
                    format!("{} has several values: say which", shown(name)),
                ));
            }
        };
        found.ok_or_else(|| {
            Failure::by_version(
                R::ItemNotFound,
                R::AttributeInstanceNotFound,
                format!("the object has no such instance of {}", shown(name)),
            )
        })
    }

    fn write(self, attributes: &mut Attributes, name: &AttributeName) -> Result<()> {
        use keybridge_kmip::Tag;
        match name {
            AttributeName::Standard(Tag::Name) => {
                let before = attributes.names.first().map(|name| name.value.clone());
                attributes.names = self
                    .0
                    .iter()
                    .filter_map(|(_, value)| match value {
                        AttributeValue::Name(name) => Some(to_name(name)),
                        _ => None,
                    })
                    .collect::<Result<_>>()?;
                // A label that was the Name's follows it: PKCS#11 and the command line see one
                // name.
                if before.is_some_and(|before| before == attributes.label) {
                    let now = attributes.names.first();
                    attributes.label = now.map(|name| name.value.clone()).unwrap_or_default();
                }
            }
            AttributeName::Standard(Tag::UsageLimits) => {
                attributes.usage_limits = self
                    .0
                    .iter()
                    .find_map(|(_, value)| match value {
                        AttributeValue::UsageLimits(limits) => Some(to_usage_limits(limits)),
                        _ => None,
                    })
                    .transpose()?;
            }
            AttributeName::Standard(Tag::Link) => {
                attributes.links = self
                    .0
                    .iter()
                    .filter_map(|(_, value)| match value {
                        AttributeValue::Link(link) => Some(to_link(link)),
                        _ => None,
                    })
                    .collect::<Result<_>>()?;
            }
            name => {
                let key = kept::key_of(name);
                let mut instances = Vec::with_capacity(self.0.len());
                for (index, value) in self.0 {
                    instances.push(keybridge_core::model::CustomAttribute {
                        index: u32::try_from(index).unwrap_or(0),
                        value: kept::to_kept(&value)?,
                    });
                }
                if instances.is_empty() {
                    attributes.custom.remove(&key);
                } else {
                    attributes.custom.insert(key, instances);
                }
            }
        }
        Ok(())
    }
}

fn exists_already(name: &AttributeName) -> Failure {
    Failure::by_version(
        R::IllegalOperation,
        R::AttributeSingleValued,
        format!("the object has a value of {} already", shown(name)),
    )
}

/// The very value is there: for a Name, that is a Name in use.
fn has_this_already(name: &AttributeName) -> Failure {
    let modern = match name {
        AttributeName::Standard(keybridge_kmip::Tag::Name) => R::NonUniqueNameAttribute,
        _ => R::InvalidAttributeValue,
    };
    let message = format!("the object has this value of {} already", shown(name));
    Failure::by_version(R::IllegalOperation, modern, message)
}

fn not_there(name: &AttributeName) -> Failure {
    Failure::by_version(
        R::InvalidField,
        R::AttributeNotFound,
        format!("the object has no {}: add it first", shown(name)),
    )
}

fn nothing_to_delete(name: &AttributeName) -> Failure {
    Failure::by_version(
        R::ItemNotFound,
        R::AttributeNotFound,
        format!("the object has no {}", shown(name)),
    )
}
