//! Revoke (1.4 section 4.20; 2.1 section 6.1.49).

use keybridge_core::model::RevocationReason;
use keybridge_core::time::Timestamp;
use keybridge_kmip::enums::RevocationReasonCode;
use keybridge_kmip::operations::{RevokeRequest, RevokeResponse};

use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(request: RevokeRequest, context: &mut Context<'_>) -> Result<RevokeResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let RevocationReasonCode(code) = request.revocation_reason.code;
    // "Revocation Reason is not recognized" (1.4 section 11.21).
    if request.revocation_reason.code.name().is_none() {
        return Err(Failure::invalid_field(format!(
            "revocation reason {code} is not known"
        )));
    }
    let reason = RevocationReason {
        code,
        message: request.revocation_reason.message,
    };
    let occurred = request.compromise_occurrence_date.map(|at| Timestamp(at.0));
    super::activate::refuse_template(context, id, "revoked")?;
    context.blocking(|kms, caller| kms.revoke(caller, id, reason, occurred))?;
    Ok(RevokeResponse {
        unique_identifier: identifier(id),
    })
}
