//! Interop (2.1 section 6.1.26): marks where a test begins and ends, and clears what it left. Answered
//! by a bridge under test only (`[server.answers] interop`): Reset destroys all that the client sees.

use keybridge_core::kms::Find;
use keybridge_core::model::RevocationReason;
use keybridge_core::{Error, ObjectState};
use keybridge_kmip::enums::{InteropFunction, ResultReason, RevocationReasonCode};
use keybridge_kmip::operations::{InteropRequest, InteropResponse};

use crate::failure::{Failure, Result};
use crate::processor::Context;

pub(super) fn handle(
    request: InteropRequest,
    context: &mut Context<'_>,
) -> Result<InteropResponse> {
    if !context.answers.interop {
        return Err(Failure::new(
            ResultReason::OperationNotSupported,
            "this bridge is not under test: [server.answers] interop",
        ));
    }
    match request.interop_function {
        InteropFunction::Begin | InteropFunction::End => Ok(InteropResponse::default()),
        InteropFunction::Reset => {
            reset(context)?;
            Ok(InteropResponse::default())
        }
        other => Err(Failure::invalid_field(format!(
            "interop function {other} is not known"
        ))),
    }
}

fn reset(context: &Context<'_>) -> Result<()> {
    let is_left = |object: &keybridge_core::Object| {
        !matches!(
            object.state,
            ObjectState::Destroyed | ObjectState::DestroyedCompromised
        )
    };
    let find = Find {
        filter: Some(&is_left),
        ..Find::default()
    };
    let found = context.blocking(|kms, caller| kms.find(caller, &find))?;
    for id in found {
        context.blocking(|kms, caller| match kms.destroy(caller, id) {
            Err(Error::IllegalTransition { .. }) => {
                let reason = RevocationReason {
                    code: RevocationReasonCode::Unspecified.0,
                    message: None,
                };
                kms.revoke(caller, id, reason, None)?;
                kms.destroy(caller, id)
            }
            other => other,
        })?;
    }
    Ok(())
}
