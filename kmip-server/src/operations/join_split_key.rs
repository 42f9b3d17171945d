//! Join Split Key (1.4 section 4.39; 2.1 section 6.1.28): shares become a key again.

use keybridge_core::{ObjectClass, Protection};
use keybridge_kmip::enums::{KeyFormatType, ObjectType, UniqueIdentifierEnumeration};
use keybridge_kmip::objects::{
    Key, KeyBlock, KeyMaterial, KeyValue, ManagedObject, OpaqueObject, SecretData,
};
use keybridge_kmip::operations::{JoinSplitKeyRequest, JoinSplitKeyResponse};

use super::object_in::Incoming;
use super::query::protection;
use super::split::Shape;
use crate::attributes::{Draft, kept_number, notes};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: JoinSplitKeyRequest,
    context: &mut Context<'_>,
) -> Result<JoinSplitKeyResponse> {
    let mut shares = Vec::with_capacity(request.unique_identifiers.len());
    let mut known: Option<(Shape, Option<keybridge_core::KeySpec>)> = None;
    let mut split_length = None;
    for given in &request.unique_identifiers {
        let id = context.online_object(Some(given))?;
        let share = context.inline(|kms, caller| kms.export(caller, id))?;
        if share.object.class != ObjectClass::SplitKey {
            return Err(Failure::invalid_field("only Split Keys are joined"));
        }
        let (shape, part) = Shape::of(&share.object)?;
        let (first, _) = known.get_or_insert_with(|| (shape.clone(), share.object.spec));
        if *first != shape {
            return Err(Failure::invalid_field("the shares are of different keys"));
        }
        split_length = split_length.or(kept_number(&share.object, notes::SPLIT_LENGTH));
        let part = u32::try_from(part).unwrap_or(0);
        shares.push((part, share.value));
    }
    let Some((shape, spec)) = known else {
        return Err(Failure::invalid_message("no Split Keys are named"));
    };
    if shares.len() < shape.numbers().1 as usize {
        return Err(Failure::by_version(
            keybridge_kmip::enums::ResultReason::CryptographicFailure,
            keybridge_kmip::enums::ResultReason::CryptographicFailure,
            "fewer shares than the Split Key Threshold",
        ));
    }
    // A field of numbers forgets leading zeros; a key of a kind has its length, and of what was split here it is noted.
    let length = spec
        .filter(|spec| !spec.is_asymmetric())
        .map(keybridge_core::KeySpec::value_length)
        .filter(|length| *length > 0)
        .or_else(|| split_length.and_then(|length| usize::try_from(length).ok()));
    let value = context.blocking(|_, _| shape.sharing()?.join(&shares, length))?;
    let mut draft = match &request.attributes {
        Some(given) => Draft::of(context, given)?,
        None => Draft::default(),
    };
    if let Some(spec) = spec {
        draft.kind.algorithm = draft
            .kind
            .algorithm
            .or_else(|| crate::algorithms::algorithm(spec, None));
    }
    let block = |format: KeyFormatType| KeyBlock {
        key_format_type: format,
        key_compression_type: None,
        key_value: Some(KeyValue::Plain(
            KeyMaterial::Bytes(value.expose().into()).into(),
        )),
        cryptographic_algorithm: None,
        cryptographic_length: None,
        key_wrapping_data: None,
    };
    let object = match request.object_type {
        ObjectType::SymmetricKey => {
            ManagedObject::SymmetricKey(Key::from(block(KeyFormatType::Raw)))
        }
        ObjectType::PrivateKey => {
            ManagedObject::PrivateKey(Key::from(block(KeyFormatType::PKCS_8)))
        }
        ObjectType::SecretData => ManagedObject::SecretData(SecretData {
            kind: request
                .secret_data_type
                .ok_or_else(|| Failure::invalid_message("the Secret Data Type is missing"))?,
            key_block: block(KeyFormatType::Raw),
        }),
        ObjectType::OpaqueObject => ManagedObject::OpaqueObject(OpaqueObject {
            kind: keybridge_kmip::enums::OpaqueDataType(0x8000_0001),
            value: value.expose().into(),
        }),
        other => {
            return Err(Failure::invalid_field(format!(
                "Split Keys do not join to a {other}"
            )));
        }
    };
    let protection: Protection = protection(request.protection_storage_masks.as_ref(), context)?;
    let incoming = Incoming {
        draft,
        protection,
        key_wrap_type: None,
        imported: None,
    };
    let id = incoming.take(context, object)?;
    context.set_placeholder(Some(id));
    context.made(UniqueIdentifierEnumeration::JoinSplitKey, id);
    Ok(JoinSplitKeyResponse {
        object_type: Some(request.object_type),
        unique_identifier: identifier(id),
        template_attribute: None,
    })
}
