//! Get Attributes (1.4 section 4.12; 2.1 section 6.1.20).

use keybridge_kmip::Version;
use keybridge_kmip::operations::{GetAttributesRequest, GetAttributesResponse};

use crate::attributes::{read_all, read_named};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: GetAttributesRequest,
    context: &mut Context<'_>,
) -> Result<GetAttributesResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let mut names = request.attribute_names;
    if has_repeats(&names) {
        if context.version < Version::V2_0 {
            return Err(Failure::invalid_message(
                "an Attribute Name is given more than once",
            ));
        }
        // 2.x says nothing of it: each is answered once.
        let mut once = Vec::with_capacity(names.len());
        for name in names {
            if !once.contains(&name) {
                once.push(name);
            }
        }
        names = once;
    }
    let attributes = if names.is_empty() {
        read_all(&object, context.version, context.answers.for_pykmip)
    } else {
        read_named(&object, &names, context.version)
    };
    Ok(GetAttributesResponse {
        unique_identifier: identifier(id),
        attributes: attributes.into(),
    })
}

fn has_repeats<T: PartialEq>(list: &[T]) -> bool {
    list.iter()
        .enumerate()
        .any(|(at, one)| list[..at].contains(one))
}
