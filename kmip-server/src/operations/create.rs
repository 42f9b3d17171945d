//! Create (1.4 section 4.1; 2.1 section 6.1.10).

use keybridge_core::kms::{CreateKey, Register};
use keybridge_core::{ObjectClass, SecretBytes};
use keybridge_kmip::enums::{
    KeyFormatType, ObjectType, SecretDataType, UniqueIdentifierEnumeration,
};
use keybridge_kmip::operations::{CreateRequest, CreateResponse};
use zeroize::Zeroizing;

use super::object_in::register;
use super::query::protection;
use crate::attributes::{Draft, notes};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(request: CreateRequest, context: &mut Context<'_>) -> Result<CreateResponse> {
    // "Generate a new symmetric key or generate Secret Data", from 2.0.
    if request.object_type == ObjectType::SecretData && context.version.has_tagged_attributes() {
        return secret_data(&request, context);
    }
    if request.object_type != ObjectType::SymmetricKey {
        return Err(Failure::invalid_field(format!(
            "objects of type {} are not created: register them, or use Create Key Pair",
            request.object_type
        )));
    }
    let mut draft = Draft::of(context, &request.attributes)?;
    draft.fill_in(context, request.object_type)?;
    let spec = draft.kind.to_create(false)?;
    draft.check_quantum_safe(spec)?;
    let mut key = CreateKey::new(spec);
    key.protection = protection(request.protection_storage_masks.as_ref(), context)?;
    key.secret = draft.attributes;
    key.dates = draft.dates;
    let created = context.blocking(|kms, caller| kms.create_key(caller, key))?;
    context.set_placeholder(Some(created.secret));
    context.made(UniqueIdentifierEnumeration::Create, created.secret);
    Ok(CreateResponse {
        object_type: request.object_type,
        unique_identifier: identifier(created.secret),
        template_attribute: None,
    })
}

/// Random bytes that are no key: a seed.
fn secret_data(request: &CreateRequest, context: &mut Context<'_>) -> Result<CreateResponse> {
    let mut draft = Draft::of(context, &request.attributes)?;
    draft.fill_in(context, request.object_type)?;
    let bits = draft.kind.length.unwrap_or(0);
    let length = usize::try_from(bits)
        .ok()
        .filter(|bits| *bits > 0 && bits.is_multiple_of(8))
        .ok_or_else(|| Failure::invalid_field("secret data has a length, in whole bytes"))?
        / 8;
    draft.note(notes::SECRET_DATA_TYPE, SecretDataType::Seed.0);
    let value = context.inline(|kms, caller| {
        // The core knows the limit: ask it before there is memory for the answer.
        let limit = kms.settings().limits.random_bytes;
        let mut value = Zeroizing::new(vec![0; length.min(limit.saturating_add(1))]);
        kms.random(caller, &mut value).map(|()| value)
    })?;
    let new = Register {
        attributes: draft.attributes,
        dates: draft.dates,
        format: Some(KeyFormatType::Raw.0),
        ..Register::new(ObjectClass::SecretData, SecretBytes::from(value.as_slice()))
    };
    let id = register(context, new)?;
    context.set_placeholder(Some(id));
    context.made(UniqueIdentifierEnumeration::Create, id);
    Ok(CreateResponse {
        object_type: request.object_type,
        unique_identifier: identifier(id),
        template_attribute: None,
    })
}
