//! Set Endpoint Role: client and server change places, from 2.0 (2.1 section 6.1.54).

use crate::enums::EndpointRole;
use crate::wire::structure;

structure! {
    /// Request of Set Endpoint Role.
    SetEndpointRoleRequest {
        /// What the receiver shall be.
        endpoint_role: required EndpointRole = EndpointRole,
    }
}

structure! {
    /// Response of Set Endpoint Role.
    SetEndpointRoleResponse {
        /// What the receiver is now.
        endpoint_role: required EndpointRole = EndpointRole,
    }
}
