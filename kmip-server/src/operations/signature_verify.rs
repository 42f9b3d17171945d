//! Signature Verify (1.4 section 4.32; 2.1 section 6.1.55).

use keybridge_core::encoding::NamedCurve;
use keybridge_core::{Error, Object, Purpose};
use keybridge_kmip::enums::ValidityIndicator;
use keybridge_kmip::operations::{SignatureVerifyRequest, SignatureVerifyResponse};

use super::{sign, uses};
use crate::failure::{Failure, Result};
use crate::mechanisms;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: SignatureVerifyRequest,
    context: &mut Context<'_>,
) -> Result<SignatureVerifyResponse> {
    uses::refuse_parts(
        request.correlation_value.as_ref(),
        request.init_indicator,
        request.final_indicator,
    )?;
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let parameters = uses::parameters(request.cryptographic_parameters, &object);
    let digested = request.digested_data.as_deref();
    let mechanism = mechanisms::signature(object.spec, &parameters, digested.is_some())?;
    let input = digested.map_or_else(|| context.data(request.data.as_ref()), Ok)?;
    let given = request
        .signature_data
        .ok_or_else(|| Failure::invalid_message("the Signature Data is missing"))?;
    let signature = in_core_form(&object, given);
    let verified = context.perhaps_blocking(uses::blocks(&object), |kms, caller| {
        let mut operation = kms.begin(caller, id, Purpose::Verify, mechanism)?;
        kms.verify(&mut operation, input, &signature)
    });
    Ok(SignatureVerifyResponse {
        unique_identifier: identifier(id),
        validity_indicator: Some(validity(verified)?),
        data: None,
        correlation_value: None,
    })
}

/// ECDSA and SM2 signatures come as DER, or as r ‖ s.
fn in_core_form(object: &Object, given: Vec<u8>) -> Vec<u8> {
    let curve = object.spec.and_then(NamedCurve::of_spec);
    match curve.filter(|_| sign::has_two_numbers(object.spec)) {
        Some(curve) => sign::from_der(&given, curve.field_length()).unwrap_or(given),
        None => given,
    }
}

/// A signature that does not fit is an answer, not a failure.
pub(super) fn validity(verified: keybridge_core::Result<()>) -> Result<ValidityIndicator> {
    match verified {
        Ok(()) => Ok(ValidityIndicator::Valid),
        Err(Error::SignatureInvalid | Error::SignatureLength { .. }) => {
            Ok(ValidityIndicator::Invalid)
        }
        Err(error) => Err(error.into()),
    }
}
