//! Query Asynchronous Requests (2.1 section 6.1.41): the client's own.

use keybridge_kmip::operations::{
    QueryAsynchronousRequestsRequest, QueryAsynchronousRequestsResponse,
};

use crate::failure::Result;
use crate::processor::Context;

pub(super) fn handle(
    request: QueryAsynchronousRequestsRequest,
    context: &mut Context<'_>,
) -> Result<QueryAsynchronousRequestsResponse> {
    let values = request.asynchronous_correlation_values;
    let operations = request.operations;
    let pending = &context.services().pending;
    let asynchronous_requests = context.inline(|_, caller| {
        pending.list(
            caller,
            values.as_ref().map(|values| values.values.as_slice()),
            operations.as_ref().map(|list| list.operations.as_slice()),
        )
    });
    Ok(QueryAsynchronousRequestsResponse {
        asynchronous_requests,
    })
}
