//! Get (1.4 section 4.11; 2.1 section 6.1.19), in the clear or wrapped.

use keybridge_core::{Error, Object, ObjectClass, ObjectId, SecretBytes};
use keybridge_kmip::Version;
use keybridge_kmip::enums::{
    CertificateRequestType, CertificateType, EncodingOption, KeyCompressionType, KeyFormatType,
    KeyWrapType, OpaqueDataType, ResultReason, SecretDataType, WrappingMethod,
};
use keybridge_kmip::objects::{
    Certificate, CertificateRequest, KeyBlock, KeyMaterial, KeyValue, KeyWrappingData,
    KeyWrappingSpecification, ManagedObject, OpaqueObject, PlainKeyValue, SecretData,
};
use keybridge_kmip::operations::{GetRequest, GetResponse};

use super::uses;
use crate::attributes::{SECRET_DATA_TYPE, kept_number};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};
use crate::{algorithms, attributes, key_formats, mechanisms};

/// Opaque Data Type of what was not registered through KMIP: an extension that says nothing.
const UNSAID_OPAQUE_TYPE: u32 = 0x8000_0001;

pub(super) fn handle(request: GetRequest, context: &mut Context<'_>) -> Result<GetResponse> {
    let id = context.object(request.unique_identifier.as_ref())?;
    if request.key_wrap_type == Some(KeyWrapType::AsRegistered) {
        return Err(Failure::by_version(
            ResultReason::FeatureNotSupported,
            ResultReason::KeyWrapTypeNotSupported,
            "keys are unwrapped when they are registered",
        ));
    }
    if request
        .key_compression_type
        .is_some_and(|kind| kind != KeyCompressionType::ECPublicKeyTypeUncompressed)
    {
        return Err(Failure::new(
            ResultReason::KeyCompressionTypeNotSupported,
            "points are handed out uncompressed",
        ));
    }
    let (object, shown) = match request.key_wrapping_specification {
        Some(specification) => wrapped(context, id, request.key_format_type, &specification)?,
        None => {
            let exported = context.inline(|kms, caller| kms.export(caller, id))?;
            let shown = plain(
                &exported.object,
                &exported.value,
                request.key_format_type,
                context.version,
            )?;
            (exported.object, shown)
        }
    };
    Ok(GetResponse {
        object_type: algorithms::object_type(object.class),
        unique_identifier: identifier(id),
        object: shown.into(),
    })
}

/// The object with its value in the clear.
fn plain(
    object: &Object,
    value: &SecretBytes,
    format: Option<KeyFormatType>,
    version: Version,
) -> Result<ManagedObject> {
    let bytes = value.expose();
    let no_key = |shown: ManagedObject| match format {
        None => Ok(shown),
        Some(format) => Err(Failure::new(
            ResultReason::KeyFormatTypeNotSupported,
            format!("the object is no key, so it has no format {format}"),
        )),
    };
    match object.class {
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
        _ => {
            let format = format.unwrap_or_else(|| key_formats::default_format(object, version));
            let material = key_formats::material(object, value, format)?;
            managed(
                object,
                key_block(object, format, KeyValue::Plain(material.into())),
            )
        }
    }
}

fn key_block(object: &Object, format: KeyFormatType, value: KeyValue) -> KeyBlock {
    KeyBlock {
        key_format_type: format,
        key_compression_type: None,
        key_value: Some(value),
        cryptographic_algorithm: attributes::algorithm_of(object),
        cryptographic_length: attributes::length_of(object),
        key_wrapping_data: None,
    }
}

fn managed(object: &Object, key_block: KeyBlock) -> Result<ManagedObject> {
    Ok(match object.class {
        ObjectClass::SecretKey => ManagedObject::SymmetricKey(key_block.into()),
        ObjectClass::PrivateKey => ManagedObject::PrivateKey(key_block.into()),
        ObjectClass::PublicKey => ManagedObject::PublicKey(key_block.into()),
        ObjectClass::SecretData => ManagedObject::SecretData(SecretData {
            kind: kept_number(object, SECRET_DATA_TYPE)
                .map_or(SecretDataType::Password, SecretDataType),
            key_block,
        }),
        class => {
            return Err(Failure::not_supported(format!(
                "objects of class {class:?}"
            )));
        }
    })
}

/// The object with its value wrapped under another key.
fn wrapped(
    context: &Context<'_>,
    id: ObjectId,
    format: Option<KeyFormatType>,
    specification: &KeyWrappingSpecification,
) -> Result<(std::sync::Arc<Object>, ManagedObject)> {
    if specification.wrapping_method != WrappingMethod::Encrypt
        || specification.mac_signature_key.is_some()
    {
        return Err(Failure::not_supported(
            "keys are wrapped by encryption alone",
        ));
    }
    let key = specification
        .encryption_key
        .as_ref()
        .ok_or_else(|| Failure::invalid_message("the Encryption Key Information is missing"))?;
    let encoding = specification
        .encoding_option
        .unwrap_or(EncodingOption::TTLVEncoding);
    check_encoding(encoding, specification)?;
    let wrapping_key = context.object(Some(&key.unique_identifier))?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let format = format.unwrap_or_else(|| key_formats::default_format(&object, context.version));
    let mechanism = mechanisms::key_wrap(key.cryptographic_parameters.as_ref())?;
    let names = &specification.attribute_names.0;
    let encode = |object: &Object, value: &SecretBytes| {
        let encoded = encode(object, value, format, encoding, names, context.version);
        encoded.map_err(|_| Error::InvalidRequest("the key has no such form to be wrapped".into()))
    };
    // Learn early, and with the right reason, that there is no such format.
    if matches!(
        object.class,
        ObjectClass::Certificate | ObjectClass::Opaque | ObjectClass::Data
    ) {
        return Err(Failure::new(
            ResultReason::IllegalOperation,
            "only keys and secrets are wrapped",
        ));
    }
    let wrapping = context.inline(|kms, caller| kms.inspect(caller, wrapping_key))?;
    let bytes = context.perhaps_blocking(uses::blocks(&wrapping), |kms, caller| {
        kms.wrap(caller, wrapping_key, &mechanism, id, &encode)
    })?;
    // "The wrapped un-encoded value of the Byte String Key Material field in the Key Value
    // structure" (1.4 section 2.1.5): the structure stays, as PyKMIP, the client of this option,
    // reads it.
    let value = if encoding == EncodingOption::NoEncoding {
        KeyValue::Plain(KeyMaterial::Bytes(bytes.into()).into())
    } else {
        KeyValue::Wrapped(bytes.into())
    };
    let mut block = key_block(&object, format, value);
    block.key_wrapping_data = Some(KeyWrappingData {
        wrapping_method: WrappingMethod::Encrypt,
        encryption_key: Some(key.clone()),
        mac_signature_key: None,
        mac_signature: None,
        iv_counter_nonce: None,
        encoding_option: specification.encoding_option,
    });
    let shown = managed(&object, block)?;
    Ok((object, shown))
}

/// "Encoding Option not permitted when Key Wrapping Specification contains attribute names".
fn check_encoding(
    encoding: EncodingOption,
    specification: &KeyWrappingSpecification,
) -> Result<()> {
    let known = matches!(
        encoding,
        EncodingOption::NoEncoding | EncodingOption::TTLVEncoding
    );
    let attributes = !specification.attribute_names.0.is_empty();
    if !known || (encoding == EncodingOption::NoEncoding && attributes) {
        return Err(Failure::new(
            ResultReason::EncodingOptionError,
            "attributes are wrapped with the key in TTLV Encoding only",
        ));
    }
    Ok(())
}

/// What is wrapped: the key's bytes, or the Key Value as a TTLV item.
fn encode(
    object: &Object,
    value: &SecretBytes,
    format: KeyFormatType,
    encoding: EncodingOption,
    names: &[keybridge_kmip::attributes::AttributeName],
    version: Version,
) -> Result<SecretBytes> {
    let key_material = key_formats::material(object, value, format)?;
    if encoding == EncodingOption::NoEncoding {
        return match key_material {
            KeyMaterial::Bytes(bytes) => Ok(SecretBytes::from(&*bytes)),
            _ => Err(Failure::new(
                ResultReason::EncodingOptionError,
                "transparent keys are wrapped in TTLV Encoding",
            )),
        };
    }
    let attributes = attributes::read_named(object, names, version).into();
    let key_value = PlainKeyValue {
        key_material,
        attributes,
    };
    let ttlv = key_value
        .to_ttlv(version)
        .map_err(|error| Failure::new(ResultReason::EncodingOptionError, error.to_string()))?;
    Ok(SecretBytes::from(ttlv.as_slice()))
}
