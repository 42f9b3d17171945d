//! Hash (1.4 section 4.38; 2.1 section 6.1.24), whole or in parts.

use keybridge_core::engine::software::digest::Hasher;
use keybridge_kmip::enums::Operation;
use keybridge_kmip::operations::{HashRequest, HashResponse};

use super::uses::{self, Stage};
use crate::algorithms::hash;
use crate::failure::{Failure, Result};
use crate::processor::Context;
use crate::streams::Parts;

pub(super) fn handle(mut request: HashRequest, context: &mut Context<'_>) -> Result<HashResponse> {
    let stage = uses::stage(
        context,
        Operation::Hash,
        request.correlation_value.take(),
        request.init_indicator,
        request.final_indicator,
    )?;
    if let Stage::Next {
        value,
        mut parts,
        last,
    } = stage
    {
        let data = uses::part(context, request.data.as_ref())?;
        if last {
            let digest = context.inline(|kms, _| parts.finish(kms, data))?;
            return Ok(HashResponse {
                data: Some(digest.to_vec()),
                correlation_value: None,
            });
        }
        context.inline(|kms, _| parts.feed(kms, data))?;
        uses::go_on(context, Operation::Hash, &value, *parts);
        return Ok(HashResponse {
            data: None,
            correlation_value: Some(value),
        });
    }
    let number = request
        .cryptographic_parameters
        .hashing_algorithm
        .ok_or_else(|| Failure::invalid_message("the Hashing Algorithm is missing"))?;
    let number = hash(number)?;
    let data = stage.data(context, request.data.as_ref())?;
    if let Stage::First = stage {
        let mut hasher = Hasher::new(number);
        hasher.update(data);
        let parts = Parts::hashing(hasher, context.limits);
        return Ok(HashResponse {
            data: None,
            correlation_value: Some(uses::keep(context, Operation::Hash, parts)?),
        });
    }
    Ok(HashResponse {
        data: Some(Hasher::digest(number, data).as_ref().to_vec()),
        correlation_value: None,
    })
}
