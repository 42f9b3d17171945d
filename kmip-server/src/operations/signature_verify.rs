//! Signature Verify (1.4 section 4.32; 2.1 section 6.1.55).

use keybridge_core::encoding::NamedCurve;
use keybridge_core::{Error, KeySpec, Purpose};
use keybridge_kmip::enums::{Operation, ValidityIndicator};
use keybridge_kmip::operations::{SignatureVerifyRequest, SignatureVerifyResponse};

use super::sign;
use super::uses::{self, Stage};
use crate::failure::{Failure, Result};
use crate::mechanisms;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    mut request: SignatureVerifyRequest,
    context: &mut Context<'_>,
) -> Result<SignatureVerifyResponse> {
    let stage = uses::stage(
        context,
        Operation::SignatureVerify,
        request.correlation_value.take(),
        request.init_indicator,
        request.final_indicator,
    )?;
    let answer =
        |unique_identifier, validity_indicator, correlation_value| SignatureVerifyResponse {
            unique_identifier,
            validity_indicator,
            data: None,
            correlation_value,
        };
    let missing = || Failure::invalid_message("the Signature Data is missing");
    if let Stage::Next {
        value,
        mut parts,
        last,
    } = stage
    {
        let object = uses::object_of(&parts)?;
        let data = uses::part(context, request.data.as_ref())?;
        parts.check = request.signature_data.take().or(parts.check);
        if last {
            let given = parts.check.clone().ok_or_else(missing)?;
            let spec = parts.using().and_then(|using| using.object().spec);
            let signature = in_core_form(spec, given);
            let verified = context.blocking(|kms, _| parts.verify(kms, data, &signature))?;
            return Ok(answer(object, Some(validity(verified)?), None));
        }
        uses::feed(context, Operation::SignatureVerify, &value, *parts, data)?;
        return Ok(answer(object, None, Some(value)));
    }
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let parameters = uses::parameters(request.cryptographic_parameters.take(), &object);
    let digested = request.digested_data.as_deref();
    let mechanism = mechanisms::signature(object.spec, &parameters, digested.is_some());
    let mechanism = uses::or_unusable(context, mechanism, &object, Purpose::Verify)?;
    let input = digested.map_or_else(|| stage.data(context, request.data.as_ref()), Ok)?;
    if let Stage::First = stage {
        let mut parts = uses::first(context, id, Purpose::Verify, mechanism, input)?;
        parts.check = request.signature_data.take();
        let value = uses::keep(context, Operation::SignatureVerify, parts)?;
        return Ok(answer(identifier(id), None, Some(value)));
    }
    let given = request.signature_data.take().ok_or_else(missing)?;
    let signature = in_core_form(object.spec, given);
    let verified = context.perhaps_blocking(uses::blocks(&object), |kms, caller| {
        let mut operation = kms.begin(caller, id, Purpose::Verify, mechanism)?;
        kms.verify(&mut operation, input, &signature)
    });
    Ok(answer(identifier(id), Some(validity(verified)?), None))
}

/// ECDSA and SM2 signatures come as DER, or as r ‖ s.
pub(super) fn in_core_form(spec: Option<KeySpec>, given: Vec<u8>) -> Vec<u8> {
    let curve = spec.and_then(NamedCurve::of_spec);
    match curve.filter(|_| sign::has_two_numbers(spec)) {
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
