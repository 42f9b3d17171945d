//! Attributes that the core keeps without interpreting them.
//!
//! Key and value in [`Attributes::custom`]: custom attributes (`x-…`, vendors') under their name
//! with the value in its own type; the standard's texts, numbers and dates under their title
//! likewise; the standard's structures as the bytes of their TTLV item, always in the form of 2.1
//! (1.4 for what 2.1 no longer has), so that equal values are equal bytes and the store's index
//! finds them.

use keybridge_core::model::{AttributeValue as Kept, Attributes, CustomAttribute};
use keybridge_core::{Error, Object};
use keybridge_kmip::attributes::{
    Attribute, AttributeName, AttributeValue, TemplateAttribute, VendorAttribute,
};
use keybridge_kmip::item::{BigInteger, Value};
use keybridge_kmip::ttlv::{Limits, Writer, check};
use keybridge_kmip::wire::{Context, Encoder, Wire};
use keybridge_kmip::{Tag, Version};

use super::{notes, title};
use crate::failure::{Failure, Result};

/// The name under which an attribute is kept.
pub(super) fn key_of(name: &AttributeName) -> String {
    match name {
        AttributeName::Standard(tag) => title(*tag).to_owned(),
        AttributeName::Vendor { vendor, name } if matches!(vendor.as_str(), "x" | "y") => {
            format!("{vendor}-{name}")
        }
        // A unit separator: in no title, so no vendor can take the name of a standard attribute.
        AttributeName::Vendor { vendor, name } => format!("{vendor}\u{1F}{name}"),
        AttributeName::Unknown(name) => name.clone(),
    }
}

/// The attribute of a name under which something is kept; none for the bridge's own notes.
pub(super) fn name_of(key: &str) -> Option<AttributeName> {
    if notes::ALL.contains(&key) {
        return None;
    }
    if let Some((vendor, name)) = key.split_once('\u{1F}') {
        return Some(AttributeName::Vendor {
            vendor: vendor.into(),
            name: name.into(),
        });
    }
    match AttributeName::from_text(key) {
        AttributeName::Unknown(_) => None,
        name => Some(name),
    }
}

/// Whether all instances of an attribute are kept here, so that the store's index finds them.
pub(super) fn is_kept(name: &AttributeName) -> bool {
    match name {
        AttributeName::Vendor { .. } => true,
        AttributeName::Standard(tag) => matches!(
            *tag,
            Tag::ObjectGroup
                | Tag::OperationPolicyName
                | Tag::ContactInformation
                | Tag::ApplicationSpecificInformation
                | Tag::CryptographicParameters
                | Tag::AlternativeName
                | Tag::Description
                | Tag::Comment
        ),
        AttributeName::Unknown(_) => false,
    }
}

/// The Object Groups of an object.
#[must_use]
pub(crate) fn object_groups(object: &Object) -> Vec<String> {
    groups_in(&object.attributes)
}

/// The Object Groups among attributes.
pub(super) fn groups_in(attributes: &Attributes) -> Vec<String> {
    let kept = attributes.custom.get(super::title(Tag::ObjectGroup));
    let text = |instance: &CustomAttribute| match &instance.value {
        Kept::Text(text) => Some(text.clone()),
        _ => None,
    };
    kept.into_iter().flatten().filter_map(text).collect()
}

/// A number that the bridge itself noted.
#[must_use]
pub fn kept_number(object: &Object, key: &str) -> Option<u32> {
    match object.attributes.custom.get(key)?.first()?.value {
        Kept::Enumeration(number) => Some(number),
        _ => None,
    }
}

/// Adds an instance; its index is one more than the highest.
pub(super) fn push(attributes: &mut Attributes, key: String, value: Kept) {
    let instances = attributes.custom.entry(key).or_default();
    let index = instances
        .iter()
        .map(|instance| instance.index + 1)
        .max()
        .unwrap_or(0);
    instances.push(CustomAttribute { index, value });
}

/// The value as it is kept.
pub(super) fn to_kept(value: &AttributeValue) -> Result<Kept> {
    use AttributeValue as A;
    Ok(match value {
        A::Vendor(attribute) => keep_value(&attribute.value)?,
        A::ObjectGroup(text)
        | A::ContactInformation(text)
        | A::OperationPolicyName(text)
        | A::Description(text)
        | A::Comment(text)
        | A::Pkcs12FriendlyName(text) => Kept::Text(text.clone()),
        other => Kept::Structure(item_bytes(other)?),
    })
}

/// The attribute of a kept value.
pub(super) fn from_kept(name: &AttributeName, kept: &Kept) -> Option<AttributeValue> {
    use AttributeValue as A;
    Some(match (name, kept) {
        (AttributeName::Vendor { vendor, name }, kept) => A::Vendor(VendorAttribute {
            vendor: vendor.clone(),
            name: name.clone(),
            value: show_value(kept)?,
        }),
        (AttributeName::Standard(tag), Kept::Text(text)) => match *tag {
            Tag::ObjectGroup => A::ObjectGroup(text.clone()),
            Tag::ContactInformation => A::ContactInformation(text.clone()),
            Tag::OperationPolicyName => A::OperationPolicyName(text.clone()),
            Tag::Description => A::Description(text.clone()),
            Tag::Comment => A::Comment(text.clone()),
            Tag::PKCS_12FriendlyName => A::Pkcs12FriendlyName(text.clone()),
            _ => return None,
        },
        (AttributeName::Standard(_), Kept::Structure(bytes)) => item_value(bytes)?,
        _ => return None,
    })
}

/// A standard attribute as the bytes of a structure that holds it.
fn item_bytes(value: &AttributeValue) -> Result<Vec<u8>> {
    let (version, tag) = if value.representable(Version::V2_1) {
        (Version::V2_1, Tag::Attributes)
    } else {
        (Version::V1_4, Tag::TemplateAttribute)
    };
    let carrier: TemplateAttribute = [value.clone()].into_iter().collect();
    let mut out = Encoder::new(Vec::new(), version);
    carrier
        .encode(tag, &mut out)
        .and_then(|()| out.finish())
        .map_err(|error| Failure::invalid_field(error.to_string()))
}

fn item_value(bytes: &[u8]) -> Option<AttributeValue> {
    let item = check(bytes, &Limits::default()).ok()?;
    let version = if item.tag == Tag::Attributes {
        Version::V2_1
    } else {
        Version::V1_4
    };
    let context = Context {
        version,
        strict: true,
    };
    let mut attributes = TemplateAttribute::decode(&item, context).ok()?.attributes;
    attributes.pop().map(|Attribute { value, .. }| value)
}

/// A value of any type as it is kept.
fn keep_value(value: &Value) -> Result<Kept> {
    Ok(match value {
        Value::Structure(_) => {
            let mut writer = Writer::new(Vec::new());
            value.write(Tag::AttributeValue, &mut writer);
            let bytes = writer.finish();
            Kept::Structure(bytes.ok_or_else(|| Failure::invalid_field("the value is too long"))?)
        }
        Value::Integer(number) => Kept::Integer(*number),
        Value::LongInteger(number) => Kept::LongInteger(*number),
        Value::BigInteger(number) => Kept::BigInteger(number.as_signed().to_vec()),
        Value::Enumeration(number) => Kept::Enumeration(*number),
        Value::Boolean(flag) => Kept::Boolean(*flag),
        Value::TextString(text) => Kept::Text(text.clone()),
        Value::ByteString(bytes) => Kept::Bytes(bytes.to_vec()),
        Value::DateTime(seconds) => Kept::DateTime(*seconds),
        Value::Interval(seconds) => Kept::Interval(*seconds),
        Value::DateTimeExtended(microseconds) => Kept::DateTimeExtended(*microseconds),
    })
}

fn show_value(kept: &Kept) -> Option<Value> {
    Some(match kept {
        Kept::Structure(bytes) => Value::read(&check(bytes, &Limits::default()).ok()?).ok()?,
        Kept::Integer(number) => Value::Integer(*number),
        Kept::LongInteger(number) => Value::LongInteger(*number),
        Kept::BigInteger(bytes) => Value::BigInteger(BigInteger::from_signed(bytes)),
        Kept::Enumeration(number) => Value::Enumeration(*number),
        Kept::Boolean(flag) => Value::Boolean(*flag),
        Kept::Text(text) => Value::TextString(text.clone()),
        Kept::Bytes(bytes) => Value::ByteString(bytes.clone().into()),
        Kept::DateTime(seconds) => Value::DateTime(*seconds),
        Kept::Interval(seconds) => Value::Interval(*seconds),
        Kept::DateTimeExtended(microseconds) => Value::DateTimeExtended(*microseconds),
    })
}

/// For [`keybridge_core::Kms::modify`], whose edits speak the core's errors: carries the door's own
/// failure out.
pub(super) const CARRIED: &str = "carried";

/// The error that stands for a failure kept elsewhere.
pub(super) fn carried() -> Error {
    Error::InvalidRequest(CARRIED.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybridge_kmip::Item;
    use keybridge_kmip::attributes::{ApplicationSpecificInformation, CryptographicParameters};
    use keybridge_kmip::enums::BlockCipherMode;

    fn survives(value: &AttributeValue) {
        let name = value.name();
        assert_eq!(name_of(&key_of(&name)).as_ref(), Some(&name));
        let kept = to_kept(value).unwrap();
        assert_eq!(from_kept(&name, &kept).as_ref(), Some(value));
    }

    #[test]
    fn values_of_every_type_survive() {
        let inner = Item {
            tag: Tag::Name,
            value: Value::TextString("deep".into()),
        };
        let values = [
            Value::Structure(vec![inner]),
            Value::Integer(-1),
            Value::LongInteger(i64::MIN),
            Value::BigInteger(BigInteger::from_signed(&[0x80])),
            Value::Enumeration(u32::MAX),
            Value::Boolean(true),
            Value::TextString("ü".into()),
            Value::ByteString(vec![0, 255].into()),
            Value::DateTime(-5),
            Value::Interval(7),
            Value::DateTimeExtended(9),
        ];
        for vendor in ["x", "y", "Acme"] {
            for value in &values {
                survives(&AttributeValue::Vendor(VendorAttribute {
                    vendor: vendor.into(),
                    name: "a-b".into(),
                    value: value.clone(),
                }));
            }
        }
    }

    #[test]
    fn structures_and_texts_of_the_standard_survive() {
        survives(&AttributeValue::ObjectGroup("group".into()));
        survives(&AttributeValue::OperationPolicyName("default".into()));
        survives(&AttributeValue::ApplicationSpecificInformation(
            ApplicationSpecificInformation {
                application_namespace: "ssl".into(),
                application_data: Some("www".into()),
            },
        ));
        survives(&AttributeValue::CryptographicParameters(
            CryptographicParameters {
                block_cipher_mode: Some(BlockCipherMode::GCM),
                tag_length: Some(16),
                ..Default::default()
            },
        ));
    }

    #[test]
    fn the_bridges_own_notes_are_no_attributes() {
        assert_eq!(name_of(notes::SECRET_DATA_TYPE), None);
        assert_eq!(name_of(notes::SAID_ALGORITHM), None);
    }
}
