//! Create Split Key (1.4 section 4.38; 2.1 section 6.1.10): a key, new or not, in shares.
//!
//! Shares leave the bridge, so a key is split that may: not a sensitive one.

use keybridge_core::kms::{CreateKey, Exported, Register};
use keybridge_core::model::{Lifetime, SessionId};
use keybridge_core::{Object, ObjectClass, SecretBytes};
use keybridge_kmip::enums::{KeyFormatType, ObjectType, UniqueIdentifierEnumeration};
use keybridge_kmip::operations::{CreateSplitKeyRequest, CreateSplitKeyResponse};

use super::split::Shape;
use crate::attributes::{Draft, notes};
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
    let exported = match &request.unique_identifier {
        Some(given) => {
            let base = context.online_object(Some(given))?;
            context.inline(|kms, caller| kms.export(caller, base))?
        }
        None => new_key(context, &draft)?,
    };
    let splits = matches!(
        exported.object.class,
        ObjectClass::SecretKey | ObjectClass::PrivateKey | ObjectClass::SecretData
    );
    if !splits {
        return Err(Failure::invalid_field("only secret keys are split"));
    }
    let shares =
        context.blocking(|_, _| shape.sharing()?.split(&exported.value, shape.numbers()))?;
    let shares = (1..).zip(shares);
    let length = u32::try_from(exported.value.len()).unwrap_or(u32::MAX);
    draft.note(notes::SPLIT_LENGTH, length);
    let shares = shares.map(|share| kept(&draft, &shape, share, &exported.object));
    let shares = shares.collect::<Result<Vec<_>>>()?;
    let ids = context.blocking(|kms, caller| kms.register_all(caller, shares))?;
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

/// The key to be split, when none is named: nobody has seen it, and only its shares are left of it.
fn new_key(context: &Context<'_>, draft: &Draft) -> Result<Exported> {
    let session = SessionId::fresh();
    let mut key = CreateKey::new(draft.kind.to_create(false)?);
    key.lifetime = Lifetime::Session(session);
    key.secret.sensitive = false;
    key.secret.extractable = true;
    context.blocking(|kms, caller| {
        let exported = kms
            .create_key(caller, key)
            .and_then(|made| kms.export(caller, made.secret));
        kms.end_session(session);
        Ok(exported?)
    })
}

fn kept(
    draft: &Draft,
    shape: &Shape,
    (part, share): (i32, SecretBytes),
    base: &Object,
) -> Result<Register> {
    let mut draft = draft.clone();
    if part > 1 {
        // A Name belongs to one object: the first share.
        draft.attributes.names.clear();
    }
    shape.note(&mut draft, part)?;
    Ok(Register {
        spec: base.spec,
        attributes: draft.attributes,
        dates: draft.dates,
        format: Some(KeyFormatType::Raw.0),
        value: Some(share),
        ..Register::new(ObjectClass::SplitKey, SecretBytes::default())
    })
}
