//! Re-key (1.4 section 4.4; 2.1 section 6.1.42): a new primary version of the object's key.

use keybridge_core::kms::{Created, NewDates};
use keybridge_core::time::Timestamp;
use keybridge_core::{Error, ObjectClass, ObjectId};
use keybridge_kmip::attributes::{Attribute, AttributeValue as A, TemplateAttribute};
use keybridge_kmip::enums::{ResultReason, UniqueIdentifierEnumeration};
use keybridge_kmip::operations::{ReKeyRequest, ReKeyResponse};
use keybridge_kmip::wire::Interval;

use crate::attributes::{carry, give};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(request: ReKeyRequest, context: &mut Context<'_>) -> Result<ReKeyResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let given = request.attributes.as_ref();
    let created = rotate(context, id, request.offset, [given], [])?;
    context.set_placeholder(Some(created.secret));
    context.made(UniqueIdentifierEnumeration::ReKey, created.secret);
    Ok(ReKeyResponse {
        unique_identifier: identifier(created.secret),
        template_attribute: None,
    })
}

/// Makes the new version, whose dates may be among the attributes given: those of the secret key or
/// private half, and those of the public half.
pub(super) fn rotate<'a, const N: usize, const M: usize>(
    context: &Context<'_>,
    id: ObjectId,
    offset: Option<Interval>,
    secret: [Option<&'a TemplateAttribute>; N],
    public: [Option<&'a TemplateAttribute>; M],
) -> Result<Created> {
    fn all<'a>(given: &'a [Option<&'a TemplateAttribute>]) -> impl Iterator<Item = &'a Attribute> {
        let given = given.iter().flatten();
        given.flat_map(|given| &given.attributes)
    }
    let mut dates = NewDates {
        offset: offset.map(|Interval(seconds)| seconds),
        copied: true,
        ..NewDates::default()
    };
    refuse_offset_and_dates(offset, all(&secret).chain(all(&public)))?;
    for attribute in all(&secret) {
        take_date(&mut dates, attribute);
    }
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let key = object.key.ok_or_else(|| {
        Failure::new(
            ResultReason::PermissionDenied,
            "the object is no key that can be re-keyed",
        )
    })?;
    // "An offset cannot be used to specify new … values since no Activation Date has been specified for the
    // existing key" (1.4 section 11.5).
    let old = &object.dates;
    let others = [old.process_start, old.protect_stop, old.deactivation];
    if offset.is_some() && old.activation.is_none() && others.iter().any(Option::is_some) {
        return Err(Failure::by_version(
            ResultReason::IllegalOperation,
            ResultReason::InvalidField,
            "the key has no Activation Date to count the Offset from",
        ));
    }
    let mut failed = None;
    let created = context.blocking(|kms, caller| {
        kms.rotate_key_at(caller, key, dates, &mut |class, attributes| {
            let mut given: Box<dyn Iterator<Item = &Attribute>> = match class {
                ObjectClass::PublicKey => Box::new(all(&public)),
                _ => Box::new(all(&secret)),
            };
            let done = given.try_for_each(|attribute| {
                if take_date(&mut NewDates::default(), attribute) {
                    return Ok(());
                }
                give(attributes, attribute)
            });
            carry(&mut failed, done)
        })
    });
    match failed {
        Some(failure) => Err(failure),
        None => Ok(created?),
    }
}

/// "Offset field is not permitted to be specified at the same time as any of the Activation Date, Process
/// Start Date, Protect Stop Date, or Deactivation Date attributes" (1.4 section 11.5).
///
/// # Errors
/// Invalid Message.
pub(super) fn refuse_offset_and_dates<'a>(
    offset: Option<Interval>,
    mut given: impl Iterator<Item = &'a Attribute>,
) -> Result<()> {
    let dated = given.any(|attribute| take_date(&mut NewDates::default(), attribute));
    if offset.is_some() && dated {
        return Err(Failure::invalid_message(
            "an Offset and a date are not given together",
        ));
    }
    Ok(())
}

/// Whether it is a date that the new version begins with.
fn take_date(dates: &mut NewDates, attribute: &Attribute) -> bool {
    let given = &mut dates.given;
    let (slot, at) = match &attribute.value {
        A::ActivationDate(at) => (&mut given.activation, at),
        A::ProcessStartDate(at) => (&mut given.process_start, at),
        A::ProtectStopDate(at) => (&mut given.protect_stop, at),
        A::DeactivationDate(at) => (&mut given.deactivation, at),
        _ => return false,
    };
    *slot = Some(Timestamp(at.0));
    true
}

/// The public half of a new version.
pub(super) fn public_half(created: &Created) -> Result<ObjectId> {
    created
        .public
        .ok_or_else(|| Error::Internal("a new version came without its public half".into()).into())
}
