//! Re-certify (1.4 section 4.8; 2.1 section 6.1.43): a certificate takes the place of another.

use keybridge_core::ObjectClass;
use keybridge_core::model::LinkType;
use keybridge_core::time::Timestamp;
use keybridge_kmip::enums::{ResultReason as R, UniqueIdentifierEnumeration};
use keybridge_kmip::operations::{ReCertifyRequest, ReCertifyResponse};

use super::certify::{certify, wanted};
use super::rekey::refuse_offset_and_dates;
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: ReCertifyRequest,
    context: &mut Context<'_>,
) -> Result<ReCertifyResponse> {
    let old_id = context.online_object(request.unique_identifier.as_ref())?;
    let old = context.inline(|kms, caller| kms.inspect(caller, old_id))?;
    if old.class != ObjectClass::Certificate {
        return Err(Failure::by_version(
            R::PermissionDenied,
            R::InvalidObjectType,
            "only certificates are certified again",
        ));
    }
    let linked = old
        .attributes
        .links
        .iter()
        .find(|link| link.kind == LinkType::PUBLIC_KEY);
    let mut requested = request.certificate_request;
    if let (None, Some(given)) = (&requested, &request.certificate_request_unique_identifier) {
        let id = context.online_object(Some(given))?;
        let kept = context.inline(|kms, caller| kms.export(caller, id))?;
        requested = Some(kept.value.expose().to_vec());
    }
    refuse_offset_and_dates(
        request.offset,
        request
            .attributes
            .iter()
            .flat_map(|given| &given.attributes),
    )?;
    let kind = request.certificate_request_type;
    let (mut wanted, given) = wanted(kind, requested, request.attributes.as_ref())?;
    // "Activation Date = Initial Date + Offset"; the new one is good as long as the old one was.
    if let Some(offset) = request.offset {
        let from = Timestamp::now().plus_seconds(i64::from(offset.0));
        wanted.from = Some(from);
        if let (Some(begin), Some(end)) = (old.dates.activation, old.dates.deactivation) {
            wanted.to = Some(from.plus_seconds(end.0.saturating_sub(begin.0)));
        }
    }
    let public = linked.map(|link| link.object);
    let id = certify(context, public, wanted, &given, Some(old_id))?;
    context.set_placeholder(Some(id));
    context.made(UniqueIdentifierEnumeration::ReCertify, id);
    Ok(ReCertifyResponse {
        unique_identifier: identifier(id),
        template_attribute: None,
    })
}
