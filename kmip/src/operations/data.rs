//! Values that several operations' payloads share.

use crate::enums::{DataEnumeration, Operation, ProtectionStorageMask};
use crate::error::{DecodeError, EncodeError};
use crate::item::ItemType;
use crate::secret::SecretBytes;
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::version::Version;
use crate::wire::{Context, Encoder, Wire, structure};

/// Data to work on: itself, or, from 2.0, the data that an earlier batch item returned
/// (1.4 section 2.1.10; 2.1 section 7.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// The data.
    Bytes(SecretBytes),
    /// The result of the last operation of a kind; from 2.0.
    Enumeration(DataEnumeration),
    /// The n-th data of the response, from 0; negative counts back; from 2.0.
    Index(i32),
}

impl Data {
    /// The data, when given as bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&[u8]> for Data {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Wire for Data {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Self::Bytes(bytes) => out.writer.bytes(tag, bytes),
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
            ItemType::Enumeration if context.version.has_tagged_attributes() => {
                Ok(Self::Enumeration(DataEnumeration(item.enumeration()?)))
            }
            ItemType::Integer if context.version.has_tagged_attributes() => {
                Ok(Self::Index(item.integer()?))
            }
            _ => Ok(Self::Bytes(item.bytes()?.into())),
        }
    }

    fn representable(&self, version: Version) -> bool {
        matches!(self, Self::Bytes(_)) || version.has_tagged_attributes()
    }
}

structure! {
    /// Protection Storage Masks, from 2.0 (2.1 section 7.33).
    #[derive(Default)]
    ProtectionStorageMasks {
        /// Each a combination that will do.
        masks: repeated ProtectionStorageMask = ProtectionStorageMask,
    }
}

structure! {
    /// Operations, from 2.0 (2.1 section 7.25).
    #[derive(Default)]
    Operations {
        /// The operations.
        operations: repeated Operation = Operation,
    }
}
