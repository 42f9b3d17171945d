//! Set Endpoint Role (2.1 section 6.1.54): "the endpoint role for the server to apply". The bridge is a
//! server and stays one.

use keybridge_kmip::enums::{EndpointRole, ResultReason};
use keybridge_kmip::operations::{SetEndpointRoleRequest, SetEndpointRoleResponse};

use crate::failure::{Failure, Result};
use crate::processor::Context;

pub(super) fn handle(
    request: SetEndpointRoleRequest,
    _: &mut Context<'_>,
) -> Result<SetEndpointRoleResponse> {
    match request.endpoint_role {
        EndpointRole::Server => Ok(SetEndpointRoleResponse {
            endpoint_role: EndpointRole::Server,
        }),
        EndpointRole::Client => Err(Failure::new(
            ResultReason::FeatureNotSupported,
            "the bridge sends no requests to its clients",
        )),
        other => Err(Failure::invalid_field(format!(
            "endpoint role {other} is not known"
        ))),
    }
}
