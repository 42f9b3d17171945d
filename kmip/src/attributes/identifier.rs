//! Unique identifiers and attribute names: what requests point with.

use crate::enums::UniqueIdentifierEnumeration;
use crate::error::{DecodeError, EncodeError};
use crate::item::ItemType;
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::version::Version;
use crate::wire::{Context, Encoder, FieldRow, Flatten, Wire};

/// Which object: by its identifier, or, from 2.0, by what an earlier batch item made or found
/// (1.4 section 3.1; 2.1 section 4.58).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UniqueIdentifier {
    /// The identifier.
    Text(String),
    /// The result of the last operation of a kind; from 2.0.
    Enumeration(UniqueIdentifierEnumeration),
    /// The n-th identifier of the response, from 0; negative counts back; from 2.0.
    Index(i32),
}

impl UniqueIdentifier {
    /// The identifier, when given as text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<String> for UniqueIdentifier {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for UniqueIdentifier {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Wire for UniqueIdentifier {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Self::Text(text) => out.writer.text(tag, text),
            _ if !self.representable(out.version()) => {
                return Err(EncodeError::NotRepresentable {
                    tag,
                    version: out.version(),
                });
            }
            Self::Enumeration(value) => out.writer.enumeration(tag, value.0),
            Self::Index(index) => out.writer.integer(tag, *index),
        }
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, context: Context) -> Result<Self, DecodeError> {
        match item.kind {
            ItemType::Enumeration if context.version.has_tagged_attributes() => Ok(
                Self::Enumeration(UniqueIdentifierEnumeration(item.enumeration()?)),
            ),
            ItemType::Integer if context.version.has_tagged_attributes() => {
                Ok(Self::Index(item.integer()?))
            }
            _ => Ok(Self::Text(item.text()?.to_owned())),
        }
    }

    fn representable(&self, version: Version) -> bool {
        matches!(self, Self::Text(_)) || version.has_tagged_attributes()
    }
}

/// The name of an attribute, without a value: in 1.x a text, from 2.0 a tag or a vendor's name
/// (1.4 section 2.1.1; 2.1 section 5.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AttributeName {
    /// An attribute of the standard.
    Standard(Tag),
    /// A custom or vendor attribute. In 1.x the vendor `x` (made by a client) or `y` (made by the
    /// server) stands before the name: `x-Barcode` (1.4 section 3.39; 2.1 section 4.60).
    Vendor {
        /// Vendor Identification.
        vendor: String,
        /// Attribute Name.
        name: String,
    },
    /// A 1.x name that is neither.
    Unknown(String),
}

impl AttributeName {
    /// From the text that 1.x has for a name.
    pub fn from_text(text: &str) -> Self {
        if let Some(tag) = Tag::by_title(text) {
            return Self::Standard(tag);
        }
        match text.split_once('-') {
            Some((vendor @ ("x" | "y"), name)) => Self::Vendor {
                vendor: vendor.to_owned(),
                name: name.to_owned(),
            },
            _ => Self::Unknown(text.to_owned()),
        }
    }

    /// Writes the text that 1.x has for the name; nothing for one that `version` does not have.
    pub(crate) fn put_text(&self, tag: Tag, out: &mut Encoder) -> bool {
        match self {
            Self::Standard(name) => match name.title() {
                Some(title) if name.exists_in(out.version()) => out.writer.text(tag, title),
                _ => return false,
            },
            // Another vendor's name has no form of its own in 1.x, but any name may follow `x-`.
            Self::Vendor { vendor, name } if vendor == "x" || vendor == "y" => {
                out.writer.text(tag, &format!("{vendor}-{name}"));
            }
            Self::Vendor { vendor, name } => out.writer.text(tag, &format!("x-{vendor}-{name}")),
            Self::Unknown(text) => out.writer.text(tag, text),
        }
        true
    }

    fn decode_reference(item: &ItemRef<'_>, context: Context) -> Result<Self, DecodeError> {
        if item.kind == ItemType::Enumeration {
            return Ok(Self::Standard(Tag(item.enumeration()?)));
        }
        let mut reader = item.structure()?;
        let (mut vendor, mut name) = (None, None);
        while let Some(field) = context.next(&mut reader)? {
            match field.tag {
                Tag::VendorIdentification => context.once(&mut vendor, &field)?,
                Tag::AttributeName => context.once(&mut name, &field)?,
                tag => context.unexpected(item.tag, tag)?,
            }
        }
        let missing = |tag| DecodeError::Missing {
            structure: Tag::AttributeReference,
            tag,
        };
        Ok(Self::Vendor {
            vendor: vendor.ok_or(missing(Tag::VendorIdentification))?,
            name: name.ok_or(missing(Tag::AttributeName))?,
        })
    }

    fn put(&self, out: &mut Encoder) {
        if !out.version().has_tagged_attributes() {
            self.put_text(Tag::AttributeName, out);
            return;
        }
        match self {
            Self::Standard(tag) if tag.exists_in(out.version()) => {
                out.writer.enumeration(Tag::AttributeReference, tag.0);
            }
            Self::Standard(_) => {}
            Self::Vendor { vendor, name } => put_vendor_reference(vendor, name, out),
            // No such name exists in 2.x; as a client's own it is at least a name that is refused.
            Self::Unknown(name) => put_vendor_reference("x", name, out),
        }
    }
}

fn put_vendor_reference(vendor: &str, name: &str, out: &mut Encoder) {
    let mark = out.writer.begin(Tag::AttributeReference);
    out.writer.text(Tag::VendorIdentification, vendor);
    out.writer.text(Tag::AttributeName, name);
    out.writer.end(mark);
}

/// A list of attribute names: Attribute Name, repeated, in 1.x; Attribute Reference, repeated, from
/// 2.0. A name that the version does not have is left out.
impl Flatten for Vec<AttributeName> {
    const FIELDS: &'static [FieldRow] = &[FieldRow {
        newer: Some(Tag::AttributeReference),
        repeated: true,
        ..FieldRow::optional(Tag::AttributeName)
    }];

    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        for name in self {
            name.put(out);
        }
        Ok(())
    }

    fn take(&mut self, item: &ItemRef<'_>, context: Context) -> Result<bool, DecodeError> {
        let name = match item.tag {
            Tag::AttributeName if !context.version.has_tagged_attributes() => {
                AttributeName::from_text(item.text()?)
            }
            Tag::AttributeReference => AttributeName::decode_reference(item, context)?,
            _ => return Ok(false),
        };
        self.push(name);
        Ok(true)
    }
}

/// One attribute name that may be left out; see the list.
impl Flatten for Option<AttributeName> {
    const FIELDS: &'static [FieldRow] = &[FieldRow {
        newer: Some(Tag::AttributeReference),
        repeated: false,
        ..FieldRow::optional(Tag::AttributeName)
    }];

    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        if let Some(name) = self {
            name.put(out);
        }
        Ok(())
    }

    fn take(&mut self, item: &ItemRef<'_>, context: Context) -> Result<bool, DecodeError> {
        let mut names = Vec::new();
        if !Flatten::take(&mut names, item, context)? {
            return Ok(false);
        }
        if self.is_some() {
            return Err(DecodeError::Repeated { tag: item.tag });
        }
        *self = names.pop();
        Ok(true)
    }
}
