//! Locate (1.4 section 4.9; 2.1 section 6.1.25).

use keybridge_core::ObjectId;
use keybridge_core::kms::Find;
use keybridge_core::model::ObjectState;
use keybridge_kmip::Version;
use keybridge_kmip::enums::{ObjectGroupMember, UniqueIdentifierEnumeration};
use keybridge_kmip::operations::{LocateRequest, LocateResponse};

use crate::attributes::{Filter, state_of};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(request: LocateRequest, context: &mut Context<'_>) -> Result<LocateResponse> {
    let filter = Filter::of(&request.attributes.0, request.storage_status_mask)?;
    let (fresh_only, default_only) = match request.object_group_member {
        None => (false, false),
        Some(ObjectGroupMember::GroupMemberFresh) => (true, false),
        // "When the Object Group attribute and the Object Group Member flag are specified".
        Some(ObjectGroupMember::GroupMemberDefault) => (false, filter.has_group()),
        Some(other) => {
            return Err(Failure::invalid_field(format!(
                "{other} is no group member"
            )));
        }
    };
    let matches =
        |object: &keybridge_core::Object| (!fresh_only || object.fresh) && filter.matches(object);
    let find = Find {
        query: filter.query(),
        filter: Some(&matches),
        // "SHALL be returned in descending order of object creation"; 1.x leaves the order open.
        newest_first: context.version >= Version::V2_0 && !default_only,
    };
    let mut found = context.blocking(|kms, caller| kms.find(caller, &find))?;
    prefer_names(&filter, &mut found, context)?;
    if default_only {
        found = default_member(&found, context)?.into_iter().collect();
    }
    let all = found.len();
    let paged = request.offset_items.is_some();
    let offset = count(request.offset_items, 0)?;
    let maximum = count(request.maximum_items, context.limits.located_objects)?;
    let found: Vec<ObjectId> = found
        .into_iter()
        .skip(offset)
        .take(maximum.min(context.limits.located_objects))
        .collect();
    // One object goes to the placeholder; none or several empty it.
    let single = match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    context.set_placeholder(single);
    if let Some(id) = single {
        context.made(UniqueIdentifierEnumeration::Locate, id);
    }
    Ok(LocateResponse {
        // Told to those who page through the answer; others are seen to fail on it.
        located_items: paged.then(|| i32::try_from(all).unwrap_or(i32::MAX)),
        unique_identifiers: found.into_iter().map(identifier).collect(),
    })
}

/// "The server locates the default object as defined by server policy": the oldest member that is Active, and
/// where none is, the oldest.
fn default_member(found: &[ObjectId], context: &Context<'_>) -> Result<Option<ObjectId>> {
    for id in found {
        let object = context.inline(|kms, caller| kms.inspect(caller, *id))?;
        if state_of(&object) == ObjectState::Active {
            return Ok(Some(*id));
        }
    }
    Ok(found.first().copied())
}

/// The core finds objects without Names by their label, too. Where one has the very Name, those are
/// not meant: a Name is unique, and clients rely on exactly one answer.
fn prefer_names(filter: &Filter, found: &mut Vec<ObjectId>, context: &Context<'_>) -> Result<()> {
    let Some(name) = filter.name().filter(|_| found.len() > 1) else {
        return Ok(());
    };
    let mut named = Vec::new();
    for id in found.iter() {
        let object = context.inline(|kms, caller| kms.inspect(caller, *id))?;
        if object.attributes.names.iter().any(|own| own.value == name) {
            named.push(*id);
        }
    }
    if !named.is_empty() {
        *found = named;
    }
    Ok(())
}

fn count(given: Option<i32>, default: usize) -> Result<usize> {
    given.map_or(Ok(default), |number| {
        usize::try_from(number)
            .map_err(|_| Failure::invalid_field("Maximum Items and Offset Items are not negative"))
    })
}
