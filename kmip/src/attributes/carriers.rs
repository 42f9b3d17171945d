//! The structures and runs of items that carry attributes, one type for both generations each.

use super::{Attribute, AttributeValue, Name};
use crate::error::{DecodeError, EncodeError};
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::version::{Version, span};
use crate::wire::{Context, Encoder, FieldRow, Flatten, Wire};

/// A Template-Attribute (1.x; also the Common, Private Key and Public Key ones, and the object
/// Template) or an Attributes structure (2.x).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TemplateAttribute {
    /// Names of templates, whose attributes come first; 1.x, deprecated in 1.3 (1.4 section 2.1.8).
    pub templates: Vec<Name>,
    /// The attributes.
    pub attributes: Vec<Attribute>,
}

impl From<Vec<Attribute>> for TemplateAttribute {
    fn from(attributes: Vec<Attribute>) -> Self {
        Self {
            templates: Vec::new(),
            attributes,
        }
    }
}

impl FromIterator<AttributeValue> for TemplateAttribute {
    fn from_iter<I: IntoIterator<Item = AttributeValue>>(values: I) -> Self {
        values
            .into_iter()
            .map(Attribute::from)
            .collect::<Vec<_>>()
            .into()
    }
}

impl Wire for TemplateAttribute {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        let mark = out.writer.begin(tag);
        if out.version().has_tagged_attributes() {
            for attribute in &self.attributes {
                attribute.put_tagged(out)?;
            }
        } else {
            for name in &self.templates {
                name.encode(Tag::Name, out)?;
            }
            for attribute in &self.attributes {
                attribute.put_named(out)?;
            }
        }
        out.writer.end(mark);
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, context: Context) -> Result<Self, DecodeError> {
        let mut found = Self::default();
        let mut reader = item.structure()?;
        let context = context.of_structure(item.tag);
        let tagged = context.version.has_tagged_attributes();
        while let Some(field) = context.next(&mut reader)? {
            match field.tag {
                _ if tagged => match Attribute::decode_tagged(&field, context)? {
                    Some(attribute) => found.attributes.push(attribute),
                    None => context.unexpected(item.tag, field.tag)?,
                },
                Tag::Attribute => {
                    found
                        .attributes
                        .push(Attribute::decode_named(&field, context)?);
                }
                Tag::Name => found.templates.push(Name::decode(&field, context)?),
                tag => context.unexpected(item.tag, tag)?,
            }
        }
        Ok(found)
    }

    fn representable(&self, version: Version) -> bool {
        !(version.has_tagged_attributes() && self.attributes.is_empty())
    }
}

/// Attributes of an object among other items: Attribute, repeated (1.x), or one Attributes
/// structure (2.x). In Get Attributes, Locate, Import, Export and Key Value.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct AttributeList(
    /// The attributes.
    pub Vec<Attribute>,
);

impl From<Vec<Attribute>> for AttributeList {
    fn from(attributes: Vec<Attribute>) -> Self {
        Self(attributes)
    }
}

impl AttributeList {
    /// Writes the attributes; `always` asks for an Attributes structure even when there are none.
    pub(crate) fn put_run(&self, always: bool, out: &mut Encoder) -> Result<(), EncodeError> {
        if !out.version().has_tagged_attributes() {
            return self
                .0
                .iter()
                .try_for_each(|attribute| attribute.put_named(out));
        }
        if self.0.is_empty() && !always {
            return Ok(());
        }
        let mark = out.writer.begin(Tag::Attributes);
        for attribute in &self.0 {
            attribute.put_tagged(out)?;
        }
        out.writer.end(mark);
        Ok(())
    }
}

impl Flatten for AttributeList {
    const FIELDS: &'static [FieldRow] = &[FieldRow {
        newer: Some(Tag::Attributes),
        repeated: true,
        ..FieldRow::optional(Tag::Attribute)
    }];

    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        self.put_run(true, out)
    }

    fn take(&mut self, item: &ItemRef<'_>, context: Context) -> Result<bool, DecodeError> {
        match item.tag {
            Tag::Attribute if !context.version.has_tagged_attributes() => {
                self.0.push(Attribute::decode_named(item, context)?);
            }
            // FortiGate wraps what it locates by in a Template-Attribute of 1.0.
            Tag::Attributes | Tag::TemplateAttribute => {
                self.0
                    .append(&mut TemplateAttribute::decode(item, context)?.attributes);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The one attribute of a New Attribute or Current Attribute structure (2.1 sections 5.6 and 5.7).
fn decode_single(item: &ItemRef<'_>, context: Context) -> Result<Attribute, DecodeError> {
    let mut attributes = TemplateAttribute::decode(item, context)?.attributes;
    match (attributes.pop(), attributes.is_empty()) {
        (Some(attribute), true) => Ok(attribute),
        (Some(_), false) => Err(DecodeError::Repeated { tag: item.tag }),
        (None, _) => Err(DecodeError::Missing {
            structure: item.tag,
            tag: Tag::Attribute,
        }),
    }
}

fn put_single(tag: Tag, attribute: &Attribute, out: &mut Encoder) -> Result<(), EncodeError> {
    if !attribute.representable(out.version()) {
        return Err(EncodeError::NotRepresentable {
            tag,
            version: out.version(),
        });
    }
    let mark = out.writer.begin(tag);
    attribute.put_tagged(out)?;
    out.writer.end(mark);
    Ok(())
}

fn fill(slot: &mut Option<Attribute>, attribute: Attribute, tag: Tag) -> Result<bool, DecodeError> {
    if slot.is_some() {
        return Err(DecodeError::Repeated { tag });
    }
    *slot = Some(attribute);
    Ok(true)
}

/// An attribute to be added, set or changed to: Attribute (1.x) or New Attribute (2.x). Always
/// there in a decoded request.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct NewAttribute(
    /// The attribute.
    pub Option<Attribute>,
);

impl From<Attribute> for NewAttribute {
    fn from(attribute: Attribute) -> Self {
        Self(Some(attribute))
    }
}

impl Flatten for NewAttribute {
    const FIELDS: &'static [FieldRow] = &[FieldRow {
        newer: Some(Tag::NewAttribute),
        required: Some(span!(V1_0)),
        ..FieldRow::optional(Tag::Attribute)
    }];

    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        match &self.0 {
            Some(attribute) if out.version().has_tagged_attributes() => {
                put_single(Tag::NewAttribute, attribute, out)
            }
            Some(attribute) => attribute.put_named(out),
            None => Ok(()),
        }
    }

    fn take(&mut self, item: &ItemRef<'_>, context: Context) -> Result<bool, DecodeError> {
        let attribute = match item.tag {
            Tag::Attribute if !context.version.has_tagged_attributes() => {
                Attribute::decode_named(item, context)?
            }
            Tag::NewAttribute => decode_single(item, context)?,
            _ => return Ok(false),
        };
        fill(&mut self.0, attribute, item.tag)
    }

    fn check(&self, structure: Tag, context: Context) -> Result<(), DecodeError> {
        let tagged = context.version.has_tagged_attributes();
        let tag = if tagged {
            Tag::NewAttribute
        } else {
            Tag::Attribute
        };
        if self.0.is_none() {
            Err(DecodeError::Missing { structure, tag })
        } else {
            Ok(())
        }
    }
}

/// The attribute instance that is meant, by its present value: Current Attribute (2.x only).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CurrentAttribute(
    /// The attribute.
    pub Option<Attribute>,
);

impl From<Attribute> for CurrentAttribute {
    fn from(attribute: Attribute) -> Self {
        Self(Some(attribute))
    }
}

impl Flatten for CurrentAttribute {
    const FIELDS: &'static [FieldRow] = &[FieldRow::optional(Tag::CurrentAttribute)];

    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        match &self.0 {
            Some(attribute) if out.version().has_tagged_attributes() => {
                put_single(Tag::CurrentAttribute, attribute, out)
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, item: &ItemRef<'_>, context: Context) -> Result<bool, DecodeError> {
        if item.tag != Tag::CurrentAttribute {
            return Ok(false);
        }
        fill(&mut self.0, decode_single(item, context)?, item.tag)
    }
}

/// The attribute that a 1.x response to Add, Modify and Delete Attribute returns; 2.x returns none.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct EchoedAttribute(
    /// The attribute.
    pub Option<Attribute>,
);

impl From<Attribute> for EchoedAttribute {
    fn from(attribute: Attribute) -> Self {
        Self(Some(attribute))
    }
}

impl Flatten for EchoedAttribute {
    const FIELDS: &'static [FieldRow] = &[FieldRow {
        span: span!(V1_0, V1_4),
        ..FieldRow::optional(Tag::Attribute)
    }];

    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        match &self.0 {
            Some(attribute) if !out.version().has_tagged_attributes() => attribute.put_named(out),
            _ => Ok(()),
        }
    }

    fn take(&mut self, item: &ItemRef<'_>, context: Context) -> Result<bool, DecodeError> {
        if item.tag != Tag::Attribute || context.version.has_tagged_attributes() {
            return Ok(false);
        }
        fill(
            &mut self.0,
            Attribute::decode_named(item, context)?,
            item.tag,
        )
    }
}
