//! Templates in and out of the application's memory.

use cryptoki_sys::*;

use super::pointers::{Ptr, RawAttribute, attributes, set_attribute_length};
use crate::attributes::template::check_shape;
use crate::attributes::{Template, Value};
use crate::module::Answer;
use crate::rv::{Result, Rv};

/// Longest value of one attribute, in bytes: the store's own limit on values is lower, this only
/// keeps a wild length from being followed.
const MAX_VALUE: usize = 16 << 20;

/// Attributes whose values are templates. `CKA_ALLOWED_MECHANISMS` has the array bit too, but is a
/// list of numbers.
fn holds_template(kind: CK_ATTRIBUTE_TYPE) -> bool {
    kind & CKF_ARRAY_ATTRIBUTE != 0 && kind != CKA_ALLOWED_MECHANISMS
}

/// Reads the template of a call that gives values.
///
/// # Errors
/// `CKR_ARGUMENTS_BAD` for a template that is not there, `CKR_ATTRIBUTE_VALUE_INVALID` for a value
/// that is not there or has not its attribute's shape.
pub(super) fn read<'call>(template: Ptr<CK_ATTRIBUTE>, count: CK_ULONG) -> Result<Template<'call>> {
    let mut read = Template::new();
    for attribute in attributes(template, count)? {
        let value = if holds_template(attribute.kind) {
            Value::Template(nested(attribute)?)
        } else {
            Value::Bytes(bytes(attribute)?)
        };
        check_shape(attribute.kind, &value)?;
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
fn nested<'call>(attribute: RawAttribute) -> Result<Vec<(CK_ATTRIBUTE_TYPE, &'call [u8])>> {
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
            Ok((attribute.kind, bytes(attribute)?))
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
) -> Result<()> {
    let mut result = Ok(());
    for (index, (attribute, answer)) in attributes(template, count)?.zip(answers).enumerate() {
        let (length, outcome) = write_one(attribute, answer);
        set_attribute_length(template, index, length)?;
        result = result.and(outcome);
    }
    result
}

fn write_one(attribute: RawAttribute, answer: &Answer) -> (CK_ULONG, Result<()>) {
    let value = match answer {
        Answer::Value(value) => value,
        Answer::Sensitive => return (CK_UNAVAILABLE_INFORMATION, Err(Rv::ATTRIBUTE_SENSITIVE)),
        Answer::Invalid => return (CK_UNAVAILABLE_INFORMATION, Err(Rv::ATTRIBUTE_TYPE_INVALID)),
    };
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
