//! Sign (1.4 section 4.31; 2.1 section 6.1.54).
//!
//! The standard does not say how the two numbers of an ECDSA signature are put into Signature Data.
//! What KMIP clients expect is X9.62's ECDSA-Sig-Value, DER (as in certificates); PKCS#11's r ‖ s
//! is taken too when one is verified.

use keybridge_core::{KeySpec, Purpose};
use keybridge_kmip::enums::Operation;
use keybridge_kmip::operations::{SignRequest, SignResponse};
use x509_cert::der::{Decode, Encode, asn1::UintRef};
use zeroize::Zeroizing;

use super::uses::{self, Stage};
use crate::failure::{Failure, Result};
use crate::mechanisms;
use crate::processor::{Context, identifier};

pub(super) fn handle(mut request: SignRequest, context: &mut Context<'_>) -> Result<SignResponse> {
    let stage = uses::stage(
        context,
        Operation::Sign,
        request.correlation_value.take(),
        request.init_indicator,
        request.final_indicator,
    )?;
    let answer = |unique_identifier, signature_data, correlation_value| SignResponse {
        unique_identifier,
        signature_data,
        correlation_value,
    };
    if let Stage::Next { value, parts, last } = stage {
        let object = uses::object_of(&parts)?;
        let data = uses::part(context, request.data.as_ref())?;
        if last {
            let spec = parts.using().and_then(|using| using.object().spec);
            let mut raw = context.blocking(|kms, _| parts.finish(kms, data))?;
            return Ok(answer(object, Some(in_kmips_form(spec, &mut raw)?), None));
        }
        uses::feed(context, Operation::Sign, &value, *parts, data)?;
        return Ok(answer(object, None, Some(value)));
    }
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let parameters = uses::parameters(request.cryptographic_parameters.take(), &object);
    let digested = request.digested_data.as_deref();
    let mechanism = mechanisms::signature(object.spec, &parameters, digested.is_some());
    let mechanism = uses::or_unusable(context, mechanism, &object, Purpose::Sign)?;
    let input = digested.map_or_else(|| stage.data(context, request.data.as_ref()), Ok)?;
    if let Stage::First = stage {
        let parts = uses::first(context, id, Purpose::Sign, mechanism, input)?;
        let value = uses::keep(context, Operation::Sign, parts)?;
        return Ok(answer(identifier(id), None, Some(value)));
    }
    let mut raw = uses::run(context, id, &object, Purpose::Sign, mechanism, input)?;
    let signature = in_kmips_form(object.spec, &mut raw)?;
    Ok(answer(identifier(id), Some(signature), None))
}

/// A signature as KMIP clients expect it.
pub(super) fn in_kmips_form(
    spec: Option<KeySpec>,
    raw: &mut Zeroizing<Vec<u8>>,
) -> Result<Vec<u8>> {
    if has_two_numbers(spec) {
        to_der(raw)
    } else {
        Ok(std::mem::take(&mut **raw))
    }
}

/// Whether signatures of such keys are two numbers.
pub(super) fn has_two_numbers(spec: Option<KeySpec>) -> bool {
    matches!(spec, Some(KeySpec::Ec { .. } | KeySpec::Sm2))
}

/// r ‖ s as ECDSA-Sig-Value.
pub(super) fn to_der(raw: &[u8]) -> Result<Vec<u8>> {
    let wrong = || keybridge_core::Error::Internal("a signature that cannot be encoded".into());
    let (r, s) = raw.split_at(raw.len() / 2);
    let mut numbers = Vec::with_capacity(2);
    for number in [r, s] {
        numbers.push(UintRef::new(number).map_err(|_| wrong())?);
    }
    numbers.to_der().map_err(|_| Failure::from(wrong()))
}

/// ECDSA-Sig-Value as r ‖ s of `length` bytes each; none when it is no such value.
pub(super) fn from_der(signature: &[u8], length: usize) -> Option<Vec<u8>> {
    // Two integers with their heads; longer is no signature, whatever it decodes to.
    if signature.len() > 2 * length + 16 {
        return None;
    }
    let numbers = Vec::<UintRef<'_>>::from_der(signature).ok()?;
    if numbers.len() != 2 {
        return None;
    }
    let mut raw = vec![0; length * 2];
    for (number, half) in numbers.iter().zip(raw.chunks_exact_mut(length)) {
        let digits = number.as_bytes();
        let at = length.checked_sub(digits.len())?;
        half[at..].copy_from_slice(digits);
    }
    Some(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_survive_der() {
        let mut raw = vec![0; 64];
        raw[0] = 0x80;
        raw[63] = 1;
        let der = to_der(&raw).unwrap();
        assert_eq!(der[0], 0x30);
        assert_eq!(from_der(&der, 32), Some(raw));
        for cut in 0..der.len() {
            assert_eq!(from_der(&der[..cut], 32), None);
        }
        assert_eq!(from_der(&der, 16), None);
    }
}
