//! Key Block and Key Value (1.4 sections 2.1.3 and 2.1.4; 2.1 sections 3.1 and 3.2).

use zeroize::Zeroizing;

use super::{KeyMaterial, KeyWrappingData};
use crate::attributes::AttributeList;
use crate::enums::{CryptographicAlgorithm, KeyCompressionType, KeyFormatType};
use crate::error::{DecodeError, EncodeError};
use crate::item::ItemType;
use crate::secret::SecretBytes;
use crate::tags::Tag;
use crate::ttlv::{ItemRef, Limits, check};
use crate::version::Version;
use crate::wire::{Context, Encoder, Flatten, Wire};

/// A Key Block.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyBlock {
    /// Format of the Key Material.
    pub key_format_type: KeyFormatType,
    /// Compression of an elliptic curve point.
    pub key_compression_type: Option<KeyCompressionType>,
    /// The key; absent, from 1.2, for an object whose key is kept elsewhere.
    pub key_value: Option<KeyValue>,
    /// Algorithm; may be left out where the Key Value says it.
    pub cryptographic_algorithm: Option<CryptographicAlgorithm>,
    /// Length, in bits; likewise.
    pub cryptographic_length: Option<i32>,
    /// How the key is wrapped; present when, and only when, it is.
    pub key_wrapping_data: Option<KeyWrappingData>,
}

/// A Key Value.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyValue {
    /// In the clear.
    Plain(PlainKeyValue),
    /// Wrapped: bytes of the encoding that the Key Wrapping Data tells.
    Wrapped(SecretBytes),
}

/// A Key Value in the clear.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainKeyValue {
    /// The key.
    pub key_material: KeyMaterial,
    /// Attributes that are kept, or wrapped, with the key.
    pub attributes: AttributeList,
}

impl KeyBlock {
    /// A key block of plain bytes without attributes.
    pub fn from_bytes(
        key_format_type: KeyFormatType,
        bytes: impl Into<SecretBytes>,
        algorithm_and_length: Option<(CryptographicAlgorithm, i32)>,
    ) -> Self {
        Self {
            key_format_type,
            key_compression_type: None,
            key_value: Some(KeyValue::Plain(KeyMaterial::Bytes(bytes.into()).into())),
            cryptographic_algorithm: algorithm_and_length.map(|(algorithm, _)| algorithm),
            cryptographic_length: algorithm_and_length.map(|(_, length)| length),
            key_wrapping_data: None,
        }
    }

    /// The Key Material in the clear, when it is there.
    pub fn plain_material(&self) -> Option<&KeyMaterial> {
        match &self.key_value {
            Some(KeyValue::Plain(value)) => Some(&value.key_material),
            _ => None,
        }
    }
}

impl From<KeyMaterial> for PlainKeyValue {
    fn from(key_material: KeyMaterial) -> Self {
        Self {
            key_material,
            attributes: AttributeList::default(),
        }
    }
}

impl PlainKeyValue {
    fn encode(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        let mark = out.writer.begin(Tag::KeyValue);
        self.key_material.encode(out)?;
        self.attributes.put_run(false, out)?;
        out.writer.end(mark);
        Ok(())
    }

    fn decode(
        format: KeyFormatType,
        item: &ItemRef<'_>,
        context: Context,
    ) -> Result<Self, DecodeError> {
        let mut reader = item.structure()?;
        let (mut key_material, mut attributes) = (None, AttributeList::default());
        while let Some(field) = context.next(&mut reader)? {
            if field.tag == Tag::KeyMaterial {
                if key_material.is_some() {
                    return Err(DecodeError::Repeated { tag: field.tag });
                }
                key_material = Some(KeyMaterial::decode(format, &field, context)?);
            } else if !attributes.take(&field, context)? {
                context.unexpected(item.tag, field.tag)?;
            }
        }
        let missing = DecodeError::Missing {
            structure: item.tag,
            tag: Tag::KeyMaterial,
        };
        Ok(Self {
            key_material: key_material.ok_or(missing)?,
            attributes,
        })
    }

    /// The bytes to wrap under the encoding option TTLV Encoding: the Key Value as an item.
    ///
    /// # Errors
    /// When `version` cannot express the key.
    pub fn to_ttlv(&self, version: Version) -> Result<Zeroizing<Vec<u8>>, EncodeError> {
        let mut out = Encoder::new(Vec::new(), version);
        self.encode(&mut out)?;
        out.finish().map(Zeroizing::new)
    }

    /// Reads unwrapped bytes under the encoding option TTLV Encoding.
    ///
    /// # Errors
    /// When they are not one Key Value of this format.
    pub fn from_ttlv(
        bytes: &[u8],
        format: KeyFormatType,
        version: Version,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let item = check(bytes, limits)?;
        if item.tag != Tag::KeyValue {
            return Err(DecodeError::Unexpected {
                structure: Tag::KeyBlock,
                tag: item.tag,
            });
        }
        Self::decode(
            format,
            &item,
            Context {
                version,
                strict: true,
            },
        )
    }
}

impl Wire for KeyBlock {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        let mark = out.writer.begin(tag);
        out.required(Tag::KeyFormatType, &self.key_format_type)?;
        out.optional(Tag::KeyCompressionType, self.key_compression_type.as_ref())?;
        match &self.key_value {
            Some(KeyValue::Plain(value)) => value.encode(out)?,
            Some(KeyValue::Wrapped(bytes)) => out.writer.bytes(Tag::KeyValue, bytes),
            None => {}
        }
        out.optional(
            Tag::CryptographicAlgorithm,
            self.cryptographic_algorithm.as_ref(),
        )?;
        out.optional(Tag::CryptographicLength, self.cryptographic_length.as_ref())?;
        out.optional(Tag::KeyWrappingData, self.key_wrapping_data.as_ref())?;
        out.writer.end(mark);
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, context: Context) -> Result<Self, DecodeError> {
        let mut reader = item.structure()?;
        let (mut format, mut compression, mut algorithm) = (None, None, None);
        let (mut length, mut wrapping) = (None, None);
        let mut value: Option<ItemRef<'_>> = None;
        while let Some(field) = context.next(&mut reader)? {
            match field.tag {
                Tag::KeyFormatType => context.once(&mut format, &field)?,
                Tag::KeyCompressionType => context.once(&mut compression, &field)?,
                Tag::CryptographicAlgorithm => context.once(&mut algorithm, &field)?,
                Tag::CryptographicLength => context.once(&mut length, &field)?,
                Tag::KeyWrappingData => context.once(&mut wrapping, &field)?,
                Tag::KeyValue if value.is_none() => value = Some(field),
                tag @ Tag::KeyValue => return Err(DecodeError::Repeated { tag }),
                tag => context.unexpected(item.tag, tag)?,
            }
        }
        let missing = DecodeError::Missing {
            structure: item.tag,
            tag: Tag::KeyFormatType,
        };
        let key_format_type = format.ok_or(missing)?;
        let key_value = match value {
            Some(value) if value.kind == ItemType::ByteString => {
                Some(KeyValue::Wrapped(value.bytes()?.into()))
            }
            Some(value) => Some(KeyValue::Plain(PlainKeyValue::decode(
                key_format_type,
                &value,
                context,
            )?)),
            None => None,
        };
        Ok(Self {
            key_format_type,
            key_compression_type: compression,
            key_value,
            cryptographic_algorithm: algorithm,
            cryptographic_length: length,
            key_wrapping_data: wrapping,
        })
    }
}
