//! Templates (1.4 section 2.2.6): attributes under a name, which requests of 1.x may refer to.

use keybridge_core::Object;
use keybridge_core::kms::Find;
use keybridge_core::model::AttributeValue as Kept;
use keybridge_core::store::ObjectQuery;
use keybridge_core::{ObjectClass, SecretBytes};
use keybridge_kmip::attributes::{Attribute, AttributeValue, Name, TemplateAttribute};
use keybridge_kmip::enums::ResultReason;
use keybridge_kmip::objects::KeyBlock;
use keybridge_kmip::ttlv::{Limits, check};
use keybridge_kmip::wire::{Context as WireContext, Encoder, Wire};
use keybridge_kmip::{Tag, Version};

use super::draft::{Draft, to_name};
use super::{is_multiple, notes};
use crate::failure::{Failure, Result};
use crate::processor::Context;

/// A template's attributes as they are kept.
///
/// # Errors
/// For values that 1.4 has not.
pub fn template_bytes(attributes: &[Attribute]) -> Result<Vec<u8>> {
    let carrier = TemplateAttribute::from(attributes.to_vec());
    let mut out = Encoder::new(Vec::new(), Version::V1_4);
    carrier
        .encode(Tag::TemplateAttribute, &mut out)
        .and_then(|()| out.finish())
        .map_err(|error| Failure::invalid_field(error.to_string()))
}

/// A kept template's attributes.
///
/// # Errors
/// When they cannot be read.
pub fn template_of(bytes: &[u8]) -> Result<Vec<Attribute>> {
    let broken = || {
        Failure::from(keybridge_core::Error::Internal(
            "a kept template cannot be read".into(),
        ))
    };
    let item = check(bytes, &Limits::default()).map_err(|_| broken())?;
    let context = WireContext {
        version: Version::V1_4,
        strict: true,
    };
    let kept = TemplateAttribute::decode(&item, context).map_err(|_| broken())?;
    Ok(kept.attributes)
}

/// The attributes of a request, with those of the templates that it names. Of a single attribute, what
/// the request says itself comes before what a template says, and later templates before earlier ones;
/// instances of a multiple one are all there, the templates' with the lower indices (TC-312-12).
pub(super) fn resolved(context: &Context<'_>, given: &TemplateAttribute) -> Result<Vec<Attribute>> {
    let mut all: Vec<Attribute> = Vec::new();
    let mut said = given.attributes.clone();
    for name in given.templates.iter().rev() {
        let of_template = template_named(context, name)?;
        let new = of_template.into_iter().filter(|attribute| {
            let own = attribute.name();
            !said.iter().any(|other| {
                other.name() == own && (!is_multiple(&own) || other.value == attribute.value)
            })
        });
        let new: Vec<Attribute> = new.collect();
        said.extend_from_slice(&new);
        all.splice(..0, new);
    }
    all.extend_from_slice(&given.attributes);
    Ok(all)
}

fn template_named(context: &Context<'_>, name: &Name) -> Result<Vec<Attribute>> {
    let is_it = |object: &Object| object.class == ObjectClass::Template;
    let find = Find {
        query: ObjectQuery {
            class: Some(ObjectClass::Template),
            name: Some(name.value.clone()),
            ..ObjectQuery::default()
        },
        filter: Some(&is_it),
        ..Find::default()
    };
    let found = context.blocking(|kms, caller| kms.find(caller, &find))?;
    let Some(id) = found.first() else {
        return Err(Failure::new(
            ResultReason::ItemNotFound,
            format!("no template {:?}", name.value),
        ));
    };
    let exported = context.inline(|kms, caller| kms.export(caller, *id))?;
    let mut attributes = template_of(exported.value.expose())?;
    // That is the template's own.
    attributes.retain(|attribute| !matches!(attribute.value, AttributeValue::Name(_)));
    Ok(attributes)
}

impl Draft {
    /// A template's name among its attributes: in 1.0 and 1.1 it is the template's ("none of the
    /// client-settable attributes specified in a Template except the Name attribute apply to the
    /// template object itself", 1.1 section 2.2.6), from 1.2 an error (1.2 section 11.4).
    ///
    /// # Errors
    /// Invalid Field.
    pub fn name_template(&mut self, version: Version, within: &[Attribute]) -> Result<()> {
        for attribute in within {
            let AttributeValue::Name(name) = &attribute.value else {
                continue;
            };
            if version > Version::V1_1 {
                return Err(Failure::invalid_field(
                    "a template's Name stands in the Template-Attribute",
                ));
            }
            let name = to_name(name)?;
            if !self.attributes.names.contains(&name) {
                self.attributes.names.push(name);
            }
        }
        Ok(())
    }
}

/// The key block that an object was registered in, if it was wrapped.
#[must_use]
pub fn kept_block(object: &Object) -> Option<Result<KeyBlock>> {
    let kept = object.attributes.custom.get(notes::BLOCK)?.first()?;
    let Kept::Structure(bytes) = &kept.value else {
        return None;
    };
    Some(block_of(bytes))
}

fn block_of(bytes: &[u8]) -> Result<KeyBlock> {
    let broken = || {
        Failure::from(keybridge_core::Error::Internal(
            "a kept key block cannot be read".into(),
        ))
    };
    let item = check(bytes, &Limits::default()).map_err(|_| broken())?;
    let context = WireContext {
        version: Version::V2_1,
        strict: false,
    };
    KeyBlock::decode(&item, context).map_err(|_| broken())
}

/// A key block as it is kept.
pub(super) fn block_bytes(block: &KeyBlock, version: Version) -> Result<SecretBytes> {
    let mut out = Encoder::new(Vec::new(), version);
    block
        .encode(Tag::KeyBlock, &mut out)
        .and_then(|()| out.finish())
        .map(SecretBytes::new)
        .map_err(|error| Failure::invalid_field(error.to_string()))
}
