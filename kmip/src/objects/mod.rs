//! Managed objects (1.4 section 2.2; 2.1 section 2) and their key blocks.

mod key_block;
mod key_material;
mod wrapping;

pub use key_block::{KeyBlock, KeyValue, PlainKeyValue};
pub use key_material::{
    KeyMaterial, TransparentDHPrivateKey, TransparentDHPublicKey, TransparentDSAPrivateKey,
    TransparentDSAPublicKey, TransparentECPrivateKey, TransparentECPublicKey,
    TransparentRSAPrivateKey, TransparentRSAPublicKey, TransparentSymmetricKey,
};
pub use wrapping::{
    KeyInformation, KeyWrappingData, KeyWrappingSpecification, WrappedAttributeNames,
};

use crate::attributes::AttributeList;
use crate::enums::{
    CertificateRequestType, CertificateType, ObjectType, OpaqueDataType, SecretDataType,
    SplitKeyMethod,
};
use crate::error::{DecodeError, EncodeError};
use crate::item::BigInteger;
use crate::secret::SecretBytes;
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::wire::{Context, Encoder, FieldRow, Flatten, Wire, structure};

structure! {
    /// Certificate (1.4 section 2.2.1; 2.1 section 2.1).
    Certificate {
        /// Kind of certificate.
        kind: required CertificateType = CertificateType,
        /// Its encoding.
        value: required Vec<u8> = CertificateValue,
    }
}

structure! {
    /// Certificate Request, from 2.0 (2.1 section 2.2).
    CertificateRequest {
        /// Kind of request.
        kind: required CertificateRequestType = CertificateRequestType,
        /// Its encoding.
        value: required Vec<u8> = CertificateRequestValue,
    }
}

structure! {
    /// Symmetric Key, Public Key and Private Key: structures of one Key Block (1.4 sections 2.2.2
    /// to 2.2.4; 2.1 sections 2.5, 2.6 and 2.9).
    Key {
        /// The key.
        key_block: required KeyBlock = KeyBlock,
    }
}

structure! {
    /// Split Key (1.4 section 2.2.5; 2.1 section 2.8).
    SplitKey {
        /// Number of parts.
        parts: required i32 = SplitKeyParts,
        /// Which part this is.
        part_identifier: required i32 = KeyPartIdentifier,
        /// Parts needed to join.
        threshold: required i32 = SplitKeyThreshold,
        /// How it was split.
        method: required SplitKeyMethod = SplitKeyMethod,
        /// The prime, for Polynomial Sharing Prime Field.
        prime_field_size: optional BigInteger = PrimeFieldSize,
        /// The part.
        key_block: required KeyBlock = KeyBlock,
    }
}

structure! {
    /// Template, to 1.4 (1.4 section 2.2.6).
    Template {
        /// Attributes for objects made with the template.
        attributes: flattened AttributeList,
    }
}

structure! {
    /// Secret Data (1.4 section 2.2.7; 2.1 section 2.7).
    SecretData {
        /// Password or seed.
        kind: required SecretDataType = SecretDataType,
        /// The secret.
        key_block: required KeyBlock = KeyBlock,
    }
}

structure! {
    /// Opaque Object (1.4 section 2.2.8; 2.1 section 2.3).
    OpaqueObject {
        /// A vendor's type.
        kind: required OpaqueDataType = OpaqueDataType,
        /// The data.
        value: required SecretBytes = OpaqueDataValue,
    }
}

structure! {
    /// PGP Key, from 1.2 (1.4 section 2.2.9; 2.1 section 2.4).
    PGPKey {
        /// Version of the key's format.
        version: required i32 = PGPKeyVersion,
        /// The key.
        key_block: required KeyBlock = KeyBlock,
    }
}

macro_rules! managed_objects {
    ($($name:ident: $type:ty;)*) => {
        /// An object that has a Unique Identifier.
        #[derive(Clone, Debug, PartialEq)]
        pub enum ManagedObject {
            $(
                #[doc = concat!("An object of type `", stringify!($name), "`.")]
                $name($type),
            )*
        }

        impl ManagedObject {
            /// An item for each type, of which there is one.
            const FIELDS: &'static [FieldRow] = &[
                $(FieldRow { choice: true, ..FieldRow::optional(Tag::$name) },)*
            ];

            /// The Object Type.
            pub const fn object_type(&self) -> ObjectType {
                match self {
                    $(Self::$name(_) => ObjectType::$name,)*
                }
            }

            const fn tag(&self) -> Tag {
                match self {
                    $(Self::$name(_) => Tag::$name,)*
                }
            }

            fn encode(&self, out: &mut Encoder) -> Result<(), EncodeError> {
                match self {
                    $(Self::$name(object) => out.required(self.tag(), object),)*
                }
            }

            fn decode(item: &ItemRef<'_>, context: Context) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match item.tag {
                    $(Tag::$name => Self::$name(<$type>::decode(item, context)?),)*
                    _ => return Ok(None),
                }))
            }
        }
    };
}

managed_objects! {
    Certificate: Certificate;
    SymmetricKey: Key;
    PublicKey: Key;
    PrivateKey: Key;
    SplitKey: SplitKey;
    Template: Template;
    SecretData: SecretData;
    OpaqueObject: OpaqueObject;
    PGPKey: PGPKey;
    CertificateRequest: CertificateRequest;
}

impl ManagedObject {
    /// The key block, for an object that has one.
    pub const fn key_block(&self) -> Option<&KeyBlock> {
        match self {
            Self::SymmetricKey(key) | Self::PublicKey(key) | Self::PrivateKey(key) => {
                Some(&key.key_block)
            }
            Self::SplitKey(key) => Some(&key.key_block),
            Self::SecretData(data) => Some(&data.key_block),
            Self::PGPKey(key) => Some(&key.key_block),
            Self::Certificate(_)
            | Self::Template(_)
            | Self::OpaqueObject(_)
            | Self::CertificateRequest(_) => None,
        }
    }
}

impl From<Key> for KeyBlock {
    fn from(key: Key) -> Self {
        key.key_block
    }
}

impl From<KeyBlock> for Key {
    fn from(key_block: KeyBlock) -> Self {
        Self { key_block }
    }
}

/// The object of a Register, Import, Get or Export payload, whichever tag it has. Always there in a
/// decoded payload, except in a Register of 1.0 and 1.1 and a Get answered by attributes only.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ObjectSlot(
    /// The object.
    pub Option<ManagedObject>,
);

impl From<ManagedObject> for ObjectSlot {
    fn from(object: ManagedObject) -> Self {
        Self(Some(object))
    }
}

impl Flatten for ObjectSlot {
    const FIELDS: &'static [FieldRow] = ManagedObject::FIELDS;

    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError> {
        self.0.as_ref().map_or(Ok(()), |object| object.encode(out))
    }

    fn take(&mut self, item: &ItemRef<'_>, context: Context) -> Result<bool, DecodeError> {
        let Some(object) = ManagedObject::decode(item, context)? else {
            return Ok(false);
        };
        if self.0.is_some() {
            return Err(DecodeError::Repeated { tag: item.tag });
        }
        self.0 = Some(object);
        Ok(true)
    }
}
