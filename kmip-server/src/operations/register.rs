//! Register (1.4 section 4.3; 2.1 section 6.1.45): brings an object in, in the clear or wrapped.

use keybridge_core::kms::{Register, UnwrapKey};
use keybridge_core::{Error, ObjectClass, ObjectId, SecretBytes, encoding};
use keybridge_kmip::enums::{
    CertificateType, EncodingOption, KeyFormatType, ObjectType, ResultReason,
    UniqueIdentifierEnumeration, WrappingMethod,
};
use keybridge_kmip::objects::{
    KeyBlock, KeyMaterial, KeyValue, KeyWrappingData, ManagedObject, PlainKeyValue,
};
use keybridge_kmip::operations::{RegisterRequest, RegisterResponse};

use super::query::protection;
use crate::attributes::{Draft, SECRET_DATA_TYPE};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};
use crate::{algorithms, key_formats, mechanisms};

pub(super) fn handle(
    request: RegisterRequest,
    context: &mut Context<'_>,
) -> Result<RegisterResponse> {
    let object = request
        .object
        .0
        .ok_or_else(|| Failure::invalid_message("the object itself is missing"))?;
    // "Object Type does not match type of cryptographic object provided" (1.4 section 11.4).
    if object.object_type() != request.object_type {
        return Err(Failure::invalid_field(format!(
            "the Object Type is {}, the object a {}",
            request.object_type,
            object.object_type()
        )));
    }
    let draft = Draft::of(&request.attributes)?;
    let protection = protection(request.protection_storage_masks.as_ref(), context)?;
    let id = match object {
        ManagedObject::Certificate(certificate) => {
            if certificate.kind != CertificateType::X_509 {
                return Err(Failure::invalid_field("certificates are of type X.509"));
            }
            let value = SecretBytes::new(certificate.value);
            let mut new = template(draft, ObjectClass::Certificate, Some(certificate.kind.0));
            new.attributes.private = false;
            new.value = Some(value);
            register(context, new)?
        }
        ManagedObject::OpaqueObject(opaque) => {
            let mut new = template(draft, ObjectClass::Opaque, Some(opaque.kind.0));
            new.value = Some(SecretBytes::from(&*opaque.value));
            register(context, new)?
        }
        ManagedObject::SecretData(secret) => {
            let mut draft = draft;
            draft.note(SECRET_DATA_TYPE, secret.kind.0);
            from_block(
                context,
                draft,
                ObjectType::SecretData,
                secret.key_block,
                protection,
            )?
        }
        ManagedObject::SymmetricKey(key)
        | ManagedObject::PublicKey(key)
        | ManagedObject::PrivateKey(key) => from_block(
            context,
            draft,
            request.object_type,
            key.key_block,
            protection,
        )?,
        other => {
            return Err(Failure::not_supported(format!(
                "objects of type {} are not registered here",
                other.object_type()
            )));
        }
    };
    context.set_placeholder(Some(id));
    context.made(UniqueIdentifierEnumeration::Register, id);
    Ok(RegisterResponse {
        unique_identifier: identifier(id),
        template_attribute: None,
    })
}

fn template(draft: Draft, class: ObjectClass, format: Option<u32>) -> Register {
    Register {
        attributes: draft.attributes,
        dates: draft.dates,
        format,
        value: None,
        ..Register::new(class, SecretBytes::default())
    }
}

fn register(context: &Context<'_>, new: Register) -> Result<ObjectId> {
    Ok(context.blocking(|kms, caller| kms.register(caller, new))?)
}

/// Registers what a Key Block holds.
fn from_block(
    context: &Context<'_>,
    mut draft: Draft,
    kind: ObjectType,
    block: KeyBlock,
    protection: keybridge_core::Protection,
) -> Result<ObjectId> {
    said_by_block(&mut draft, &block)?;
    let class = algorithms::class(kind)
        .ok_or_else(|| Failure::invalid_field(format!("{kind} is no object type")))?;
    let format = block.key_format_type;
    let value = block.key_value.ok_or_else(|| {
        Failure::new(
            ResultReason::KeyValueNotPresent,
            "keys kept elsewhere are not registered here",
        )
    })?;
    let (value, data) = match (value, block.key_wrapping_data) {
        (KeyValue::Plain(value), None) => (value, None),
        (KeyValue::Wrapped(bytes), Some(data)) => {
            return unwrap(context, draft, (kind, class), format, &bytes, &data);
        }
        // No Encoding is read both ways: the wrapped bytes stand for the Key Value, or for the
        // material in it.
        (KeyValue::Plain(value), Some(data)) => (value, Some(data)),
        (KeyValue::Wrapped(_), None) => {
            return Err(Failure::invalid_field(
                "a wrapped Key Value comes with Key Wrapping Data",
            ));
        }
    };
    if let Some(data) = data {
        let (KeyMaterial::Bytes(bytes), Some(EncodingOption::NoEncoding)) =
            (&value.key_material, data.encoding_option)
        else {
            return Err(Failure::invalid_field("what is said to be wrapped is not"));
        };
        return unwrap(context, draft, (kind, class), format, bytes, &data);
    }
    let foreign = match class {
        ObjectClass::PrivateKey | ObjectClass::PublicKey => draft.kind.of_foreign_pair(),
        _ => None,
    };
    let (value, spec) = match foreign {
        Some(spec) => {
            let value = key_formats::as_it_came(format, &value.key_material)?;
            (value, Some(spec))
        }
        None => {
            let value = key_formats::canonical(kind, format, &value.key_material)?;
            let spec = spec(&mut draft, class, &value)?;
            (value, spec)
        }
    };
    if let Some(spec) = spec {
        draft.check_quantum_safe(spec)?;
    }
    draft.note_history();
    let mut new = template(draft, class, Some(format.0));
    new.attributes.private = class != ObjectClass::PublicKey;
    new.protection = protection;
    new.spec = spec;
    new.value = Some(value);
    register(context, new)
}

/// Algorithm and length stand in the attributes, in the Key Block, or in both alike.
fn said_by_block(draft: &mut Draft, block: &KeyBlock) -> Result<()> {
    let differs =
        |one: Option<i64>, other: Option<i64>| one.is_some() && other.is_some() && one != other;
    let kind = &mut draft.kind;
    let number = |algorithm: Option<keybridge_kmip::enums::CryptographicAlgorithm>| {
        algorithm.map(|algorithm| i64::from(algorithm.0))
    };
    if differs(
        number(kind.algorithm),
        number(block.cryptographic_algorithm),
    ) || differs(
        kind.length.map(i64::from),
        block.cryptographic_length.map(i64::from),
    ) {
        return Err(Failure::invalid_field(
            "the attributes and the Key Block say different algorithms or lengths",
        ));
    }
    kind.algorithm = kind.algorithm.or(block.cryptographic_algorithm);
    kind.length = kind.length.or(block.cryptographic_length);
    Ok(())
}

/// The kind of key, from what the client says and what the value is.
fn spec(
    draft: &mut Draft,
    class: ObjectClass,
    value: &SecretBytes,
) -> Result<Option<keybridge_core::KeySpec>> {
    let spec = match class {
        ObjectClass::SecretKey => draft.kind.of_symmetric(value.len())?,
        ObjectClass::PrivateKey => encoding::private_key_spec(value.expose())?,
        ObjectClass::PublicKey => encoding::public_key_spec(value.expose())?,
        _ => return Ok(None),
    };
    if spec.is_asymmetric() {
        let is = algorithms::algorithm(spec, draft.kind.algorithm);
        if draft.kind.algorithm.is_some() && is != draft.kind.algorithm {
            return Err(Failure::invalid_field(
                "the key is not of the algorithm that is said",
            ));
        }
        draft.note_algorithm(spec);
    }
    Ok(Some(spec))
}

/// Unwraps what came wrapped, under a key that is here.
fn unwrap(
    context: &Context<'_>,
    draft: Draft,
    (kind, class): (ObjectType, ObjectClass),
    format: KeyFormatType,
    wrapped: &[u8],
    data: &KeyWrappingData,
) -> Result<ObjectId> {
    let key = match (data.wrapping_method, &data.encryption_key) {
        (WrappingMethod::Encrypt, Some(key)) => key,
        _ => {
            return Err(Failure::not_supported(
                "keys are unwrapped by decryption alone",
            ));
        }
    };
    let unwrapping_key = context.object(Some(&key.unique_identifier))?;
    let mechanism = mechanisms::key_wrap(key.cryptographic_parameters.as_ref())?;
    let ttlv = data.encoding_option != Some(EncodingOption::NoEncoding);
    let (version, limits) = (context.version, context.limits.wire());
    let decode = |bytes: SecretBytes| {
        // One error for whatever is wrong inside: an unwrapping oracle learns nothing.
        let material = if ttlv {
            PlainKeyValue::from_ttlv(bytes.expose(), format, version, &limits)
                .map(|value| value.key_material)
                .map_err(|_| Error::InvalidWrappedKey)?
        } else {
            KeyMaterial::Bytes(bytes.expose().into())
        };
        key_formats::canonical(kind, format, &material).map_err(|_| Error::InvalidWrappedKey)
    };
    let kind_of_key = draft.kind;
    let kind = |length| kind_of_key.of_symmetric(length).ok();
    let mut new = template(draft, class, Some(format.0));
    new.attributes.private = class != ObjectClass::PublicKey;
    let request = UnwrapKey {
        unwrapping_key,
        mechanism,
        wrapped,
        template: new,
        kind: &kind,
        decode: &decode,
    };
    Ok(context.blocking(|kms, caller| kms.unwrap(caller, request))?)
}
