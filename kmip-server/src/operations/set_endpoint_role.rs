//! Set Endpoint Role (2.1 section 6.1.54): the client asks that it be sent Notify and Put on this
//! connection. After the answer the server asks and the client answers.

use keybridge_kmip::enums::EndpointRole;
use keybridge_kmip::operations::{SetEndpointRoleRequest, SetEndpointRoleResponse};

use crate::failure::{Failure, Result};
use crate::processor::Context;

pub(super) fn handle(
    request: SetEndpointRoleRequest,
    context: &mut Context<'_>,
) -> Result<SetEndpointRoleResponse> {
    let endpoint_role = request.endpoint_role;
    match endpoint_role {
        EndpointRole::Server => {}
        EndpointRole::Client => match &context.turned {
            Some(turned) => {
                // Asked for twice in a batch, it is as good as once.
                let _ = turned.set(context.version);
            }
            None => {
                return Err(Failure::not_supported(
                    "the roles change on a connection of TTLV over TLS only",
                ));
            }
        },
        _ => return Err(Failure::invalid_field("the role is Client or Server")),
    }
    Ok(SetEndpointRoleResponse { endpoint_role })
}
