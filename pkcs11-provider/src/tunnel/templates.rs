//! Templates: attributes in a row, after their count. Each is its type, whether its value is there,
//! whether it has a length, the count of its elements where it is an array, and its value.

use cryptoki_sys::{CK_ATTRIBUTE_TYPE, CK_ULONG, CKF_ARRAY_ATTRIBUTE};
use zeroize::Zeroizing;

use super::codec::{Malformed, Reader, Writer};
use crate::attributes::registry::{self, Shape};
use crate::attributes::template::check_shape;
use crate::attributes::{Template, Value};
use crate::module::Answer;
use crate::rv::{Result as RvResult, Rv};

/// Attributes of a template at most: more than there are in the standard.
const MAX_ATTRIBUTES: usize = 512;

/// A template as it came, with numbers in this machine's order.
pub(super) struct Given(Vec<(CK_ATTRIBUTE_TYPE, Entry)>);

enum Entry {
    Bytes(Zeroizing<Vec<u8>>),
    Template(Inner),
}

/// A template inside a template.
type Inner = Vec<(CK_ATTRIBUTE_TYPE, Zeroizing<Vec<u8>>)>;

/// What a client wants to know of an attribute.
pub(super) struct Asked {
    pub(super) kind: CK_ATTRIBUTE_TYPE,
    /// Elements that it has room for; none asks for the size.
    room: Option<usize>,
}

fn shape(kind: CK_ATTRIBUTE_TYPE) -> Shape {
    registry::shape(kind).unwrap_or(if kind & CKF_ARRAY_ATTRIBUTE == 0 {
        Shape::Bytes
    } else {
        Shape::Template
    })
}

/// Bytes of the single value that a shape is, if it is no array.
const fn single(shape: Shape) -> Option<usize> {
    match shape {
        Shape::Bool => Some(1),
        Shape::Ulong | Shape::Date => Some(8),
        Shape::Bytes | Shape::Mechanisms | Shape::Template => None,
    }
}

/// Numbers between this machine's order and the network's: the same both ways.
fn turned(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let turn = |chunk: &[u8]| {
        let number = chunk.try_into().map_or(0, CK_ULONG::from_be_bytes);
        number.to_ne_bytes()
    };
    Zeroizing::new(bytes.chunks_exact(8).flat_map(turn).collect())
}

/// Reads a template that gives values.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Given, Malformed> {
    let count = reader.count()?;
    if count > MAX_ATTRIBUTES {
        return Err(Malformed);
    }
    let one = |_| {
        let kind = reader.ulong()?;
        let (has_value, has_length) = (reader.flag()?, reader.flag()?);
        let shape = shape(kind);
        if !has_length {
            return Ok((kind, Entry::Bytes(Zeroizing::default())));
        }
        let entry = match single(shape) {
            _ if !has_value => return Err(Malformed),
            Some(length) => Entry::Bytes(value(shape, reader.take(length)?)),
            None => {
                let count = reader.count()?;
                match shape {
                    Shape::Template => Entry::Template(nested(reader, count)?),
                    Shape::Mechanisms => {
                        let length = count.checked_mul(8).ok_or(Malformed)?;
                        Entry::Bytes(turned(reader.take(length)?))
                    }
                    _ => Entry::Bytes(value(shape, reader.take(count)?)),
                }
            }
        };
        Ok((kind, entry))
    };
    (0..count).map(one).collect::<Result<_, _>>().map(Given)
}

fn value(shape: Shape, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    if shape == Shape::Ulong {
        turned(bytes)
    } else {
        Zeroizing::new(bytes.to_vec())
    }
}

/// The attributes of a template inside a template.
fn nested(reader: &mut Reader<'_>, count: usize) -> Result<Inner, Malformed> {
    if count > MAX_ATTRIBUTES {
        return Err(Malformed);
    }
    let one = |_| {
        let kind = reader.ulong()?;
        let (has_value, has_length) = (reader.flag()?, reader.flag()?);
        let shape = shape(kind);
        if !has_length {
            return Ok((kind, Zeroizing::default()));
        }
        if !has_value || shape == Shape::Template {
            return Err(Malformed);
        }
        let bytes = match single(shape) {
            Some(length) => value(shape, reader.take(length)?),
            None if shape == Shape::Mechanisms => {
                let length = reader.count()?.checked_mul(8).ok_or(Malformed)?;
                turned(reader.take(length)?)
            }
            None => value(shape, reader.bytes()?),
        };
        Ok((kind, bytes))
    };
    (0..count).map(one).collect()
}

impl Given {
    /// As the functions take it.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID`, `CKR_TEMPLATE_INCONSISTENT`.
    pub(super) fn template(&self) -> RvResult<Template<'_>> {
        let mut template = Template::new();
        for (kind, entry) in &self.0 {
            let value = match entry {
                Entry::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
                Entry::Template(inner) => {
                    let inner = inner
                        .iter()
                        .map(|(kind, bytes)| (*kind, bytes.as_slice().into()));
                    Value::Template(inner.collect())
                }
            };
            check_shape(*kind, &value)?;
            template.add(*kind, value)?;
        }
        Ok(template)
    }
}

/// Reads the template of C_GetAttributeValue.
pub(super) fn asked(reader: &mut Reader<'_>) -> Result<Vec<Asked>, Malformed> {
    let count = reader.count()?;
    if count > MAX_ATTRIBUTES {
        return Err(Malformed);
    }
    let one = |_| {
        let kind = reader.ulong()?;
        let (has_value, has_length) = (reader.flag()?, reader.flag()?);
        // A value that is sent along says nothing: it is the client's buffer.
        let room = match (has_length, single(shape(kind))) {
            (false, _) => None,
            (true, Some(length)) => {
                reader.take(if has_value { length } else { 0 })?;
                Some(length)
            }
            (true, None) => {
                let elements = reader.count()?;
                if has_value {
                    let bytes = if shape(kind) == Shape::Bytes { 1 } else { 8 };
                    reader.take(elements.checked_mul(bytes).ok_or(Malformed)?)?;
                }
                Some(elements)
            }
        };
        Ok(Asked { kind, room })
    };
    (0..count).map(one).collect()
}

/// Writes the answers of C_GetAttributeValue, every one of them, and gives the call's result.
pub(super) fn answer(writer: &mut Writer, asked: &[Asked], answers: &[Answer]) -> RvResult<()> {
    let mut result = Ok(());
    writer.count(asked.len());
    for (asked, answer) in asked.iter().zip(answers) {
        writer.ulong(asked.kind);
        result = result.and(match answer {
            Answer::Value(bytes) => answer_value(writer, asked, bytes),
            Answer::Template(inner) => answer_template(writer, asked, inner),
            Answer::Sensitive => unavailable(writer, Rv::ATTRIBUTE_SENSITIVE),
            Answer::Invalid => unavailable(writer, Rv::ATTRIBUTE_TYPE_INVALID),
        });
    }
    result
}

/// Neither value nor length: CK_UNAVAILABLE_INFORMATION.
fn unavailable(writer: &mut Writer, rv: Rv) -> RvResult<()> {
    writer.flag(false);
    writer.flag(false);
    Err(rv)
}

fn answer_value(writer: &mut Writer, asked: &Asked, bytes: &[u8]) -> RvResult<()> {
    let shape = shape(asked.kind);
    let is_empty = bytes.is_empty();
    let elements = if shape == Shape::Mechanisms {
        bytes.len() / 8
    } else {
        bytes.len()
    };
    if asked.room.is_some_and(|room| room < elements) {
        return unavailable(writer, Rv::BUFFER_TOO_SMALL);
    }
    let gives = asked.room.is_some() && !is_empty;
    writer.flag(gives);
    // An array may be empty, and then says so; a single value that is empty is not there.
    writer.flag(single(shape).is_none() || !is_empty);
    if single(shape).is_none() {
        writer.count(elements);
    }
    if gives {
        write_value(writer, shape, bytes);
    }
    Ok(())
}

fn write_value(writer: &mut Writer, shape: Shape, bytes: &[u8]) {
    match shape {
        Shape::Ulong | Shape::Mechanisms => writer.raw(&turned(bytes)),
        _ => writer.raw(bytes),
    }
}

fn answer_template(
    writer: &mut Writer,
    asked: &Asked,
    inner: &[(CK_ATTRIBUTE_TYPE, Vec<u8>)],
) -> RvResult<()> {
    if asked.room.is_some_and(|room| room < inner.len()) {
        return unavailable(writer, Rv::BUFFER_TOO_SMALL);
    }
    writer.flag(asked.room.is_some());
    writer.flag(true);
    writer.count(inner.len());
    if asked.room.is_none() {
        return Ok(());
    }
    for (kind, bytes) in inner {
        let shape = shape(*kind);
        writer.ulong(*kind);
        writer.flag(!bytes.is_empty());
        writer.flag(!bytes.is_empty());
        if bytes.is_empty() {
            continue;
        }
        if single(shape).is_none() {
            let wide = shape == Shape::Mechanisms;
            writer.count(if wide { bytes.len() / 8 } else { bytes.len() });
        }
        write_value(writer, shape, bytes);
    }
    Ok(())
}
