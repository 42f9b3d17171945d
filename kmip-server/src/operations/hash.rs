//! Hash (1.4 section 4.38; 2.1 section 6.1.22).

use keybridge_core::engine::software::digest::Hasher;
use keybridge_kmip::operations::{HashRequest, HashResponse};

use super::uses;
use crate::algorithms::hash;
use crate::failure::{Failure, Result};
use crate::processor::Context;

pub(super) fn handle(request: HashRequest, context: &mut Context<'_>) -> Result<HashResponse> {
    uses::refuse_parts(
        request.correlation_value.as_ref(),
        request.init_indicator,
        request.final_indicator,
    )?;
    let number = request
        .cryptographic_parameters
        .hashing_algorithm
        .ok_or_else(|| Failure::invalid_message("the Hashing Algorithm is missing"))?;
    let digest = Hasher::digest(hash(number)?, context.data(request.data.as_ref())?);
    Ok(HashResponse {
        data: Some(digest.as_ref().to_vec()),
        correlation_value: None,
    })
}
