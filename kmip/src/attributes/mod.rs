//! Attributes: one typed model, and the two ways in which messages carry it.
//!
//! Until 1.4 an attribute is a structure of name, index and value, within a Template-Attribute or
//! alone; from 2.0 it is an item with a tag of its own within an Attributes structure, and only
//! vendors' attributes are structures. Both are read into and written from [`Attribute`].

mod carriers;
mod declared;
mod identifier;
mod structures;

pub use carriers::{
    AttributeList, CurrentAttribute, EchoedAttribute, NewAttribute, TemplateAttribute,
};
pub use declared::{AttributeRow, AttributeValue, Rules};
pub use identifier::{AttributeName, UniqueIdentifier};
pub use structures::*;

use crate::error::{DecodeError, EncodeError};
use crate::item::Value;
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::version::Version;
use crate::wire::{Context, Encoder};

/// An attribute of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Which of several of the same name, from 0 (1.4 section 2.1.1). 2.0 has no indices.
    pub index: Option<i32>,
    /// Name and value.
    pub value: AttributeValue,
}

/// An attribute that the standard does not define (1.4 section 3.39; 2.1 section 4.60).
#[derive(Clone, Debug, PartialEq)]
pub struct VendorAttribute {
    /// Vendor Identification; in 1.x `x` when a client made it and `y` when the server did.
    pub vendor: String,
    /// Attribute Name, in 1.x what follows `x-` or `y-`.
    pub name: String,
    /// The value, of any type.
    pub value: Value,
}

/// A 1.x attribute whose name is neither the standard's nor a custom one. Servers refuse it; that
/// it can be read lets them say so.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownAttribute {
    /// Attribute Name.
    pub name: String,
    /// The value.
    pub value: Value,
}

impl From<AttributeValue> for Attribute {
    fn from(value: AttributeValue) -> Self {
        Self { index: None, value }
    }
}

impl Attribute {
    /// The attribute's name.
    pub fn name(&self) -> AttributeName {
        self.value.name()
    }

    /// Whether `version` has the attribute and its value.
    pub fn representable(&self, version: Version) -> bool {
        self.value.representable(version)
    }

    /// Writes the 1.x form: Attribute { Attribute Name, Attribute Index, Attribute Value }. An
    /// attribute that the version does not have is left out.
    pub(crate) fn put_named(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        if !self.representable(out.version()) {
            return Ok(());
        }
        let mark = out.writer.begin(Tag::Attribute);
        match self.value.tag().and_then(Tag::title) {
            Some(title) => out.writer.text(Tag::AttributeName, title),
            None => {
                self.name().put_text(Tag::AttributeName, out);
            }
        }
        if let Some(index) = self.index {
            out.writer.integer(Tag::AttributeIndex, index);
        }
        self.value.encode(Tag::AttributeValue, out)?;
        out.writer.end(mark);
        Ok(())
    }

    /// Reads the 1.x form.
    pub(crate) fn decode_named(item: &ItemRef<'_>, context: Context) -> Result<Self, DecodeError> {
        let mut reader = item.structure()?;
        let (mut name, mut index, mut value) = (None, None, None);
        while let Some(field) = context.next(&mut reader)? {
            match field.tag {
                Tag::AttributeName if name.is_none() => name = Some(field.text()?),
                Tag::AttributeIndex => context.once(&mut index, &field)?,
                Tag::AttributeValue if value.is_none() => value = Some(field),
                tag @ (Tag::AttributeName | Tag::AttributeValue) => {
                    return Err(DecodeError::Repeated { tag });
                }
                tag => context.unexpected(Tag::Attribute, tag)?,
            }
        }
        let missing = |tag| DecodeError::Missing {
            structure: Tag::Attribute,
            tag,
        };
        let name = name.ok_or(missing(Tag::AttributeName))?;
        let value = value.ok_or(missing(Tag::AttributeValue))?;
        let value = match Tag::by_title(name) {
            Some(tag) => AttributeValue::decode(tag, &value, context)?,
            None => None,
        }
        .map_or_else(|| other(name, Value::read(&value)?), Ok)?;
        Ok(Self { index, value })
    }

    /// Writes the 2.x form: an item with the attribute's tag, or a vendor's structure. An attribute
    /// that the version does not have is left out.
    pub(crate) fn put_tagged(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        if !self.representable(out.version()) {
            return Ok(());
        }
        if let Some(tag) = self.value.tag() {
            return self.value.encode(tag, out);
        }
        let (vendor, name) = match &self.value {
            AttributeValue::Vendor(attribute) => (attribute.vendor.as_str(), &attribute.name),
            AttributeValue::Unknown(attribute) => ("x", &attribute.name),
            _ => return Ok(()),
        };
        let mark = out.writer.begin(Tag::Attribute);
        out.writer.text(Tag::VendorIdentification, vendor);
        out.writer.text(Tag::AttributeName, name);
        self.value.encode(Tag::AttributeValue, out)?;
        out.writer.end(mark);
        Ok(())
    }

    /// Reads the 2.x form; none when the tag is no attribute's.
    pub(crate) fn decode_tagged(
        item: &ItemRef<'_>,
        context: Context,
    ) -> Result<Option<Self>, DecodeError> {
        if item.tag != Tag::Attribute {
            return Ok(AttributeValue::decode(item.tag, item, context)?.map(Self::from));
        }
        let mut reader = item.structure()?;
        let (mut vendor, mut name, mut value) = (None, None, None);
        while let Some(field) = context.next(&mut reader)? {
            match field.tag {
                Tag::VendorIdentification => context.once(&mut vendor, &field)?,
                Tag::AttributeName => context.once(&mut name, &field)?,
                Tag::AttributeValue => context.once(&mut value, &field)?,
                tag => context.unexpected(Tag::Attribute, tag)?,
            }
        }
        let missing = |tag| DecodeError::Missing {
            structure: Tag::Attribute,
            tag,
        };
        let attribute = VendorAttribute {
            vendor: vendor.ok_or(missing(Tag::VendorIdentification))?,
            name: name.ok_or(missing(Tag::AttributeName))?,
            value: value.ok_or(missing(Tag::AttributeValue))?,
        };
        Ok(Some(AttributeValue::Vendor(attribute).into()))
    }
}

/// The attribute of a 1.x name that is not the standard's.
fn other(name: &str, value: Value) -> Result<AttributeValue, DecodeError> {
    Ok(match AttributeName::from_text(name) {
        AttributeName::Vendor { vendor, name } => AttributeValue::Vendor(VendorAttribute {
            vendor,
            name,
            value,
        }),
        _ => AttributeValue::Unknown(UnknownAttribute {
            name: name.to_owned(),
            value,
        }),
    })
}
