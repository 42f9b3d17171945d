//! Templates in and out of the application's memory.

use std::borrow::Cow;

use cryptoki_sys::*;

use super::pointers::{Ptr, RawAttribute, attributes, set_attribute};
use crate::attributes::registry::{self, Shape};
use crate::attributes::template::check_shape;
use crate::attributes::templates::Written;
use crate::attributes::{Template, Value};
use crate::mechanisms::numbers::Numbers;
use crate::module::Answer;
use crate::rv::{Result, Rv};

/// Longest value of one attribute, in bytes: the store's own limit on values is lower, this only
/// keeps a wild length from being followed.
const MAX_VALUE: usize = 16 << 20;

/// Attributes whose values are templates: those of the table, and unknown ones with the array bit.
fn holds_template(kind: CK_ATTRIBUTE_TYPE) -> bool {
    match registry::shape(kind) {
        Some(shape) => shape == Shape::Template,
        None => kind & CKF_ARRAY_ATTRIBUTE != 0,
    }
}

/// Reads the template of a call that gives values.
///
/// # Errors
/// `CKR_ARGUMENTS_BAD` for a template that is not there, `CKR_ATTRIBUTE_VALUE_INVALID` for a value
/// that is not there or has not its attribute's shape.
pub(super) fn read<'call>(
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
    numbers: &Numbers,
) -> Result<Template<'call>> {
    let mut read = Template::new();
    for attribute in attributes(template, count)? {
        let value = if holds_template(attribute.kind) {
            Value::Template(nested(attribute)?)
        } else {
            Value::Bytes(bytes(attribute)?.into())
        };
        check_shape(attribute.kind, &value)?;
        let value = numbers.template_value_in(attribute.kind, value);
        read.add(attribute.kind, value)?;
    }
    Ok(read)
}

fn bytes<'call>(attribute: RawAttribute) -> Result<&'call [u8]> {
    if usize::try_from(attribute.length).is_ok_and(|length| length <= MAX_VALUE) {
        let value = attribute.value.cast::<u8>().bytes(attribute.length);
        return value.map_err(|_| Rv::ATTRIBUTE_VALUE_INVALID);
    }
    Err(Rv::ATTRIBUTE_VALUE_INVALID)
}

/// A template within a template. A template in that one is refused, as the standard allows
/// ("Template Attributes": implementations can deny any recursion).
fn nested<'call>(attribute: RawAttribute) -> Result<Vec<(CK_ATTRIBUTE_TYPE, Cow<'call, [u8]>)>> {
    let size = size_of::<CK_ATTRIBUTE>() as CK_ULONG;
    if !attribute.length.is_multiple_of(size) {
        return Err(Rv::ATTRIBUTE_VALUE_INVALID);
    }
    let inner = attributes(attribute.value.cast(), attribute.length / size);
    let inner = inner.map_err(|_| Rv::ATTRIBUTE_VALUE_INVALID)?;
    inner
        .map(|attribute| {
            if holds_template(attribute.kind) {
                return Err(Rv::TEMPLATE_INCONSISTENT);
            }
            Ok((attribute.kind, bytes(attribute)?.into()))
        })
        .collect()
}

/// The types that a call asks for.
pub(super) fn types(
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
) -> Result<Vec<CK_ATTRIBUTE_TYPE>> {
    Ok(attributes(template, count)?
        .map(|attribute| attribute.kind)
        .collect())
}

/// Writes the answers of `C_GetAttributeValue`, every one of them, and gives the call's result
/// (PKCS#11 3.2, "C_GetAttributeValue", the five cases).
pub(super) fn write(
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
    answers: &[Answer],
    numbers: &Numbers,
) -> Result<()> {
    let mut result = Ok(());
    for (index, (attribute, answer)) in attributes(template, count)?.zip(answers).enumerate() {
        let (length, outcome) = write_one(attribute, answer, numbers);
        set_attribute(template, index, attribute.kind, length)?;
        result = result.and(outcome);
    }
    result
}

fn write_one(
    attribute: RawAttribute,
    answer: &Answer,
    numbers: &Numbers,
) -> (CK_ULONG, Result<()>) {
    let value = match answer {
        Answer::Value(value) => value,
        Answer::Template(inner) => return write_template(attribute, inner, numbers),
        Answer::Sensitive => return (CK_UNAVAILABLE_INFORMATION, Err(Rv::ATTRIBUTE_SENSITIVE)),
        Answer::Invalid => return (CK_UNAVAILABLE_INFORMATION, Err(Rv::ATTRIBUTE_TYPE_INVALID)),
    };
    write_value(attribute, &numbers.value_out(attribute.kind, value))
}

fn write_value(attribute: RawAttribute, value: &[u8]) -> (CK_ULONG, Result<()>) {
    let needed = value.len() as CK_ULONG;
    if attribute.value.is_null() {
        return (needed, Ok(()));
    }
    if attribute.length < needed {
        return (CK_UNAVAILABLE_INFORMATION, Err(Rv::BUFFER_TOO_SMALL));
    }
    attribute.value.cast::<u8>().write_elements(value);
    (needed, Ok(()))
}

/// A template inside the template (PKCS#11 3.2, "Template Attributes" and "C_GetAttributeValue"):
/// with every type `CK_UNAVAILABLE_INFORMATION` the application asks what is in it; with types that
/// are in it, it asks for those.
fn write_template(
    attribute: RawAttribute,
    inner: &Written,
    numbers: &Numbers,
) -> (CK_ULONG, Result<()>) {
    let size = size_of::<CK_ATTRIBUTE>() as CK_ULONG;
    let needed = inner.len() as CK_ULONG * size;
    if attribute.value.is_null() {
        return (needed, Ok(()));
    }
    let array = attribute.value.cast::<CK_ATTRIBUTE>();
    if attribute.length < needed {
        return (CK_UNAVAILABLE_INFORMATION, Err(Rv::BUFFER_TOO_SMALL));
    }
    let result = write_inner(array, inner, numbers);
    (needed, result)
}

fn write_inner(array: Ptr<CK_ATTRIBUTE>, inner: &Written, numbers: &Numbers) -> Result<()> {
    let places: Vec<_> = attributes(array, inner.len() as CK_ULONG)?.collect();
    let unknown = |place: &RawAttribute| place.kind == CK_UNAVAILABLE_INFORMATION;
    let any = places.iter().all(unknown);
    let mut result = Ok(());
    for (index, (place, (kind, value))) in places.iter().zip(inner).enumerate() {
        let wanted = if any {
            Some((*kind, value))
        } else {
            let same = |entry: &&(CK_ATTRIBUTE_TYPE, Vec<u8>)| entry.0 == place.kind;
            inner.iter().find(same).map(|(kind, value)| (*kind, value))
        };
        let (kind, value) = wanted.ok_or(Rv::TEMPLATE_INCONSISTENT)?;
        let (length, outcome) = write_value(*place, &numbers.value_out(kind, value));
        set_attribute(array, index, kind, length)?;
        result = result.and(outcome);
    }
    result
}
