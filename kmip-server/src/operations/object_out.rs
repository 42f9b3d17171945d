//! Objects that go out: what Get and Export have in common.

use std::sync::Arc;

use keybridge_core::encoding::PublicKey;
use keybridge_core::{Object, ObjectClass, ObjectId, SecretBytes};
use keybridge_kmip::Version;
use keybridge_kmip::enums::{
    CertificateRequestType, CertificateType, KeyCompressionType, KeyFormatType, KeyWrapType,
    OpaqueDataType, ResultReason, SecretDataType,
};
use keybridge_kmip::objects::{
    Certificate, CertificateRequest, KeyBlock, KeyValue, KeyWrappingSpecification, ManagedObject,
    OpaqueObject, PGPKey, SecretData, SplitKey, Template,
};

use super::wrapping;
use crate::attributes::{self, kept_number, notes};
use crate::failure::{Failure, Result};
use crate::key_formats;
use crate::processor::Context;

/// Opaque Data Type of an object that has none: a data object of PKCS#11 (a vendor's range).
const UNSAID_OPAQUE_TYPE: u32 = 0x8000_0001;

/// How an object is wanted.
pub(super) struct Wanted<'a> {
    pub(super) format: Option<KeyFormatType>,
    pub(super) wrap_type: Option<KeyWrapType>,
    pub(super) compression: Option<KeyCompressionType>,
    pub(super) wrapping: Option<&'a KeyWrappingSpecification>,
}

impl Wanted<'_> {
    /// The object, and how it is shown.
    pub(super) fn show(
        &self,
        context: &Context<'_>,
        id: ObjectId,
    ) -> Result<(Arc<Object>, ManagedObject)> {
        if let Some(specification) = self.wrapping {
            self.check_plain_form()?;
            return wrapping::wrapped(context, id, self.format, specification);
        }
        let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
        if kept_number(&object, notes::ELSEWHERE) == Some(1) {
            // To 1.4 no table has an error for it: the Key Block comes without a Key Value (TC-MDO-1).
            if !context.version.has_tagged_attributes() {
                let format = object.format.map_or(KeyFormatType::Raw, KeyFormatType);
                let shown = managed(&object, key_block(&object, format, None))?;
                return Ok((object, shown));
            }
            return Err(Failure::new(
                ResultReason::KeyValueNotPresent,
                "the key is kept elsewhere: see its Key Value Location",
            ));
        }
        let exported = context.inline(|kms, caller| kms.export(caller, id))?;
        let is_wrapped = kept_number(&exported.object, notes::KEPT_WRAPPED) == Some(1);
        let as_registered = self.wrap_type == Some(KeyWrapType::AsRegistered);
        if let Some(kept) = attributes::kept_block(&exported.object)
            && (is_wrapped || as_registered)
        {
            let kept = kept?;
            let other = |format| format != kept.key_format_type;
            if self.format.is_some_and(other) || self.wrap_type == Some(KeyWrapType::NotWrapped) {
                return Err(Failure::by_version(
                    ResultReason::FeatureNotSupported,
                    ResultReason::KeyWrapTypeNotSupported,
                    "the key is kept as it was wrapped",
                ));
            }
            let shown = managed(&exported.object, kept)?;
            return Ok((exported.object, shown));
        }
        let shown = if self.is_container(&exported.object, context.version) {
            super::container::made(context, &exported)?
        } else {
            self.plain(&exported.object, &exported.value, context.version)?
        };
        Ok((exported.object, shown))
    }

    /// Whether it is wanted, or was registered, in a PKCS#12 container.
    fn is_container(&self, object: &Object, version: Version) -> bool {
        match self.format {
            Some(format) => format == KeyFormatType::PKCS_12,
            None => {
                object.class == ObjectClass::PrivateKey
                    && key_formats::default_format(object, version) == KeyFormatType::PKCS_12
            }
        }
    }

    fn check_plain_form(&self) -> Result<()> {
        match self.compression {
            None | Some(KeyCompressionType::ECPublicKeyTypeUncompressed) => Ok(()),
            Some(_) => Err(Failure::new(
                ResultReason::KeyCompressionTypeNotSupported,
                "points are handed out uncompressed here",
            )),
        }
    }

    /// The object with its value in the clear.
    fn plain(
        &self,
        object: &Object,
        value: &SecretBytes,
        version: Version,
    ) -> Result<ManagedObject> {
        let bytes = value.expose();
        let no_key = |shown: ManagedObject| match self.format {
            None => Ok(shown),
            Some(format) => Err(Failure::new(
                ResultReason::KeyFormatTypeNotSupported,
                format!("the object is no key, so it has no format {format}"),
            )),
        };
        match object.class {
            // X.509 is what a certificate is: some clients ask for it.
            ObjectClass::Certificate => Ok(ManagedObject::Certificate(Certificate {
                kind: object
                    .format
                    .map_or(CertificateType::X_509, CertificateType),
                value: bytes.to_vec(),
            })),
            ObjectClass::CertificateRequest => {
                no_key(ManagedObject::CertificateRequest(CertificateRequest {
                    kind: object
                        .format
                        .map_or(CertificateRequestType::PKCS_10, CertificateRequestType),
                    value: bytes.to_vec(),
                }))
            }
            ObjectClass::Opaque | ObjectClass::Data => {
                no_key(ManagedObject::OpaqueObject(OpaqueObject {
                    kind: OpaqueDataType(object.format.unwrap_or(UNSAID_OPAQUE_TYPE)),
                    value: bytes.into(),
                }))
            }
            ObjectClass::Template => no_key(ManagedObject::Template(Template {
                attributes: attributes::template_of(bytes)?.into(),
            })),
            _ => {
                let format = self
                    .format
                    .unwrap_or_else(|| key_formats::default_format(object, version));
                let material = key_formats::material(object, value, format)?;
                let mut block = key_block(object, format, KeyValue::Plain(material.into()));
                self.compress(object, bytes, &mut block)?;
                managed(object, block)
            }
        }
    }

    /// Points of public keys may be asked for compressed.
    fn compress(&self, object: &Object, spki: &[u8], block: &mut KeyBlock) -> Result<()> {
        use KeyCompressionType as Kind;
        let Some(wanted) = self.compression else {
            return Ok(());
        };
        let refused = || {
            Failure::new(
                ResultReason::KeyCompressionTypeNotSupported,
                format!("compression {wanted} is not supported for this key"),
            )
        };
        if wanted == Kind::ECPublicKeyTypeUncompressed {
            return Ok(());
        }
        let is_point = object.class == ObjectClass::PublicKey
            && wanted == Kind::ECPublicKeyTypeX9_62CompressedPrime;
        let Some(KeyValue::Plain(value)) = block.key_value.as_mut().filter(|_| is_point) else {
            return Err(refused());
        };
        let (keybridge_kmip::objects::KeyMaterial::ECPublic(key), PublicKey::Ec(_)) =
            (&mut value.key_material, PublicKey::from_spki(spki)?)
        else {
            return Err(refused());
        };
        // SEC 1 section 2.3.3: 02 or 03 by the parity of y, then x.
        let [4, numbers @ ..] = key.q_string.as_slice() else {
            return Err(refused());
        };
        let (x, y) = numbers.split_at(numbers.len() / 2);
        let parity = y.last().map_or(0, |last| last & 1);
        let mut compressed = vec![2 + parity];
        compressed.extend_from_slice(x);
        key.q_string = compressed;
        block.key_compression_type = Some(wanted);
        Ok(())
    }
}

/// A key block of an object; without a value, of one whose value is kept elsewhere.
pub(super) fn key_block(
    object: &Object,
    format: KeyFormatType,
    value: impl Into<Option<KeyValue>>,
) -> KeyBlock {
    KeyBlock {
        key_format_type: format,
        key_compression_type: None,
        key_value: value.into(),
        cryptographic_algorithm: attributes::algorithm_of(object),
        cryptographic_length: attributes::length_of(object),
        key_wrapping_data: None,
    }
}

/// The object around its key block.
pub(super) fn managed(object: &Object, key_block: KeyBlock) -> Result<ManagedObject> {
    Ok(match object.class {
        ObjectClass::SecretKey => ManagedObject::SymmetricKey(key_block.into()),
        ObjectClass::PrivateKey => ManagedObject::PrivateKey(key_block.into()),
        ObjectClass::PublicKey => ManagedObject::PublicKey(key_block.into()),
        ObjectClass::SecretData => ManagedObject::SecretData(SecretData {
            kind: kept_number(object, notes::SECRET_DATA_TYPE)
                .map_or(SecretDataType::Password, SecretDataType),
            key_block,
        }),
        ObjectClass::SplitKey => {
            let (shape, part_identifier) = super::split::Shape::of(object)?;
            ManagedObject::SplitKey(SplitKey {
                parts: shape.parts,
                part_identifier,
                threshold: shape.threshold,
                method: shape.method,
                prime_field_size: shape.prime,
                key_block,
            })
        }
        ObjectClass::PgpKey => ManagedObject::PGPKey(PGPKey {
            version: kept_number(object, notes::PGP_VERSION)
                .and_then(|version| i32::try_from(version).ok())
                .unwrap_or(4),
            key_block,
        }),
        class => {
            return Err(Failure::invalid_field(format!(
                "objects of class {class:?} are no keys"
            )));
        }
    })
}
