//! Get (1.4 section 4.11; 2.1 section 6.1.19), in the clear or wrapped.

use keybridge_kmip::operations::{GetRequest, GetResponse};

use super::object_out::Wanted;
use crate::failure::Result;
use crate::processor::{Context, identifier};

pub(crate) fn handle(request: GetRequest, context: &mut Context<'_>) -> Result<GetResponse> {
    let id = context.object(request.unique_identifier.as_ref())?;
    let wanted = Wanted {
        format: request.key_format_type,
        wrap_type: request.key_wrap_type,
        compression: request.key_compression_type,
        wrapping: request.key_wrapping_specification.as_ref(),
    };
    let (_, shown) = wanted.show(context, id)?;
    Ok(GetResponse {
        object_type: shown.object_type(),
        unique_identifier: identifier(id),
        object: shown.into(),
    })
}
