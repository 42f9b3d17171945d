//! Notify: attributes of an object have changed; sent by a server to a client (1.4 section 5.1;
//! 2.1 section 6.2.2).

use crate::attributes::{AttributeList, AttributeName, UniqueIdentifier};
use crate::error::{DecodeError, EncodeError};
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::wire::{Context, Encoder, FieldRow, Flatten, structure};

structure! {
    /// Request of Notify.
    NotifyRequest {
        /// The object.
        unique_identifier: required UniqueIdentifier = UniqueIdentifier,
        /// The attributes that have changed, at least the Last Change Date.
        attributes: flattened AttributeList,
        /// The attributes that have been deleted; from 2.0.
        deleted: flattened DeletedAttributes,
    }
}

/// The names of attributes that have been deleted: Attribute Reference, repeated.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DeletedAttributes(
    /// The names.
    pub Vec<AttributeName>,
);

impl From<Vec<AttributeName>> for DeletedAttributes {
    fn from(names: Vec<AttributeName>) -> Self {
        Self(names)
    }
}

impl Flatten for DeletedAttributes {
    const FIELDS: &'static [FieldRow] = &[FieldRow {
        repeated: true,
        ..FieldRow::optional(Tag::AttributeReference)
    }];

    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        if out.version().has_tagged_attributes() {
            self.0.put(out)?;
        }
        Ok(())
    }

    fn take(&mut self, item: &ItemRef<'_>, context: Context) -> Result<bool, DecodeError> {
        if item.tag != Tag::AttributeReference {
            return Ok(false);
        }
        self.0.take(item, context)
    }
}

structure! {
    /// Response of Notify; clients may send no payload at all.
    #[derive(Default)]
    NotifyResponse {
    }
}
