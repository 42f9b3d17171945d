//! Set Endpoint Role (2.1 section 6.1.57): who of the two sends requests from here on. The bridge is a
//! server; a client that stays one is told so.

use keybridge_kmip::enums::{EndpointRole, ResultReason};
use keybridge_kmip::operations::{SetEndpointRoleRequest, SetEndpointRoleResponse};

use crate::failure::{Failure, Result};
use crate::processor::Context;

pub(super) fn handle(
    request: SetEndpointRoleRequest,
    _: &mut Context<'_>,
) -> Result<SetEndpointRoleResponse> {
    match request.endpoint_role {
        EndpointRole::Client => Ok(SetEndpointRoleResponse {
            endpoint_role: EndpointRole::Client,
        }),
        EndpointRole::Server => Err(Failure::new(
            ResultReason::FeatureNotSupported,
            "the bridge sends no requests to its clients",
        )),
        other => Err(Failure::invalid_field(format!(
            "endpoint role {other} is not known"
        ))),
    }
}
