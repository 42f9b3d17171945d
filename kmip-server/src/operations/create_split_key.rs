//! Create Split Key (1.4 section 4.38; 2.1 section 6.1.10): a key, new or not, in shares.
//!
//! Shares leave the bridge, so a key is split that may: not a sensitive one.

use keybridge_core::kms::{CreateKey, Register};
use keybridge_core::{Object, ObjectClass, ObjectId, SecretBytes};
use keybridge_kmip::enums::{KeyFormatType, ObjectType, UniqueIdentifierEnumeration};
use keybridge_kmip::operations::{CreateSplitKeyRequest, CreateSplitKeyResponse};

use super::object_in::register;
use super::split::Shape;
use crate::attributes::Draft;
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

/// Shares that one request makes at most.
const MOST_PARTS: i32 = 255;

pub(super) fn handle(
    request: CreateSplitKeyRequest,
    context: &mut Context<'_>,
) -> Result<CreateSplitKeyResponse> {
    // 1.2 to 2.1 say the type of the shares; some clients say the key's.
    if !matches!(
        request.object_type,
        ObjectType::SplitKey | ObjectType::SymmetricKey | ObjectType::PrivateKey
    ) {
        return Err(Failure::invalid_field(format!(
            "objects of type {} are not split",
            request.object_type
        )));
    }
    let shape = Shape {
        parts: request.parts,
        threshold: request.threshold,
        method: request.method,
        prime: request.prime_field_size,
    };
    shape.check()?;
    if shape.parts > MOST_PARTS {
        return Err(Failure::invalid_field(format!(
            "a key is split in at most {MOST_PARTS} parts"
        )));
    }
    let mut draft = Draft::of(context, &request.attributes)?;
    draft.fill_in(context, ObjectType::SplitKey)?;
    let (made, base) = match &request.unique_identifier {
        Some(given) => (None, context.object(Some(given))?),
        None => {
            let id = new_key(context, &draft)?;
            (Some(id), id)
        }
    };
    let exported = context.inline(|kms, caller| kms.export(caller, base));
    if let Some(id) = made {
        // Only its shares are left of a key that was made to be split.
        context.blocking(|kms, caller| kms.destroy(caller, id))?;
    }
    let exported = exported?;
    let splits = matches!(
        exported.object.class,
        ObjectClass::SecretKey | ObjectClass::PrivateKey | ObjectClass::SecretData
    );
    if !splits {
        return Err(Failure::invalid_field("only secret keys are split"));
    }
    let shares =
        context.blocking(|_, _| shape.sharing()?.split(&exported.value, shape.numbers()))?;
    let mut ids = Vec::with_capacity(shares.len());
    for (part, share) in (1..).zip(shares) {
        ids.push(keep(
            context,
            &draft,
            &shape,
            (part, share),
            &exported.object,
        )?);
    }
    context.set_placeholder(ids.first().copied());
    for id in &ids {
        context.made(UniqueIdentifierEnumeration::CreateSplitKey, *id);
    }
    Ok(CreateSplitKeyResponse {
        object_type: Some(request.object_type),
        unique_identifiers: ids.into_iter().map(identifier).collect(),
        template_attribute: None,
    })
}

/// The key to be split, when none is named: it may be handed out, and is gone after.
fn new_key(context: &Context<'_>, draft: &Draft) -> Result<ObjectId> {
    let mut key = CreateKey::new(draft.kind.to_create(false)?);
    key.secret.sensitive = false;
    key.secret.extractable = true;
    key.dates = keybridge_core::model::GivenDates::default();
    Ok(context
        .blocking(|kms, caller| kms.create_key(caller, key))?
        .secret)
}

fn keep(
    context: &Context<'_>,
    draft: &Draft,
    shape: &Shape,
    (part, share): (i32, SecretBytes),
    base: &Object,
) -> Result<ObjectId> {
    let mut draft = draft.clone();
    if part > 1 {
        // A Name belongs to one object: the first share.
        draft.attributes.names.clear();
    }
    shape.note(&mut draft, part)?;
    let new = Register {
        spec: base.spec,
        attributes: draft.attributes,
        dates: draft.dates,
        format: Some(KeyFormatType::Raw.0),
        value: Some(share),
        ..Register::new(ObjectClass::SplitKey, SecretBytes::default())
    };
    register(context, new)
}
