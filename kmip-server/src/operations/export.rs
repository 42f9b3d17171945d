//! Export (1.4 section 4.41; 2.1 section 6.1.18): hands an object out with all its attributes.

use keybridge_kmip::operations::{ExportRequest, ExportResponse};

use super::object_out::Wanted;
use crate::attributes::read_all;
use crate::failure::Result;
use crate::processor::{Context, identifier};

pub(super) fn handle(request: ExportRequest, context: &mut Context<'_>) -> Result<ExportResponse> {
    let id = context.object(request.unique_identifier.as_ref())?;
    let wanted = Wanted {
        format: request.key_format_type,
        wrap_type: request.key_wrap_type,
        compression: request.key_compression_type,
        wrapping: request.key_wrapping_specification.as_ref(),
    };
    let (object, shown) = wanted.show(context, id)?;
    context.set_placeholder(Some(id));
    Ok(ExportResponse {
        object_type: shown.object_type(),
        unique_identifier: identifier(id),
        attributes: read_all(&object, context.version, false).into(),
        object: shown.into(),
    })
}
