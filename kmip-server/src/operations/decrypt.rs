//! Decrypt (1.4 section 4.30; 2.1 section 6.1.11), whole or in parts.

use keybridge_core::{Error, Object, Purpose};
use keybridge_kmip::enums::Operation;
use keybridge_kmip::operations::{DecryptRequest, DecryptResponse};
use zeroize::Zeroizing;

use super::uses::{self, Stage};
use crate::failure::{Failure, Result};
use crate::mechanisms::{self, Cipher, Inputs};
use crate::processor::{Context, identifier};
use crate::streams::{Begin, Parts};

pub(super) fn handle(
    mut request: DecryptRequest,
    context: &mut Context<'_>,
) -> Result<DecryptResponse> {
    let stage = uses::stage(
        context,
        Operation::Decrypt,
        request.correlation_value.take(),
        request.init_indicator,
        request.final_indicator,
    )?;
    if let Stage::Next { value, parts, last } = stage {
        return next(request, context, value, *parts, last);
    }
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let cipher = uses::or_unusable(
        context,
        cipher(&mut request, &object),
        &object,
        Purpose::Decrypt,
    )?;
    let data = stage.data(context, request.data.as_ref())?;
    if let Stage::First = stage {
        let begin = Begin {
            object: id,
            purpose: Purpose::Decrypt,
            mechanism: cipher.mechanism,
            pads: cipher.pads,
            tag_length: cipher.tag_length,
        };
        let (mut parts, mut output) = context.blocking(|kms, caller| {
            let mut parts = Parts::begin(kms, caller, begin, context.limits)?;
            let output = parts.feed(kms, data)?;
            Ok::<_, Failure>((parts, output))
        })?;
        parts.check.clone_from(&request.authentication_tag);
        return Ok(DecryptResponse {
            unique_identifier: identifier(id),
            data: (!output.is_empty()).then(|| std::mem::take(&mut *output).into()),
            correlation_value: Some(uses::keep(context, Operation::Decrypt, parts)?),
        });
    }
    let whole = with_tag(
        data,
        request.authentication_tag.as_deref(),
        cipher.tag_length,
    )?;
    let input = whole.as_ref().map_or(data, |whole| whole.as_slice());
    let mechanism = cipher.mechanism;
    let mut output = uses::run(context, id, &object, Purpose::Decrypt, mechanism, input)?;
    if let Some(block) = cipher.pads {
        mechanisms::unpad(&mut output, block)?;
    }
    Ok(DecryptResponse {
        unique_identifier: identifier(id),
        data: Some(std::mem::take(&mut *output).into()),
        correlation_value: None,
    })
}

fn cipher(request: &mut DecryptRequest, object: &Object) -> Result<Cipher> {
    let mut parameters = uses::parameters(request.cryptographic_parameters.take(), object);
    if let (None, Some(tag)) = (parameters.tag_length, &request.authentication_tag) {
        parameters.tag_length = i32::try_from(tag.len()).ok();
    }
    let inputs = Inputs {
        iv: request.iv_counter_nonce.as_deref(),
        additional_data: request.additional_data.as_deref(),
    };
    mechanisms::cipher(object.spec, &parameters, inputs, false)
}

/// The core takes the tag after the data; without a field of its own it is there already.
fn with_tag(
    data: &[u8],
    tag: Option<&[u8]>,
    tag_length: Option<usize>,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let (Some(tag), Some(length)) = (tag, tag_length) else {
        return Ok(None);
    };
    if tag.len() != length {
        return Err(Failure::from(Error::InvalidCiphertext));
    }
    let mut whole = Zeroizing::new(Vec::with_capacity(data.len() + tag.len()));
    whole.extend_from_slice(data);
    whole.extend_from_slice(tag);
    Ok(Some(whole))
}

fn next(
    request: DecryptRequest,
    context: &Context<'_>,
    value: Vec<u8>,
    mut parts: Parts,
    last: bool,
) -> Result<DecryptResponse> {
    let data = uses::part(context, request.data.as_ref())?;
    parts.check = request.authentication_tag.or(parts.check);
    let mut response = DecryptResponse {
        unique_identifier: uses::object_of(&parts)?,
        data: None,
        correlation_value: None,
    };
    if last {
        let whole = with_tag(data, parts.check.as_deref(), parts.tag_length)?;
        let input = whole.as_ref().map_or(data, |whole| whole.as_slice());
        let mut output = context.blocking(|kms, _| parts.finish(kms, input))?;
        response.data = (!output.is_empty()).then(|| std::mem::take(&mut *output).into());
    } else {
        let mut output = context.blocking(|kms, _| parts.feed(kms, data))?;
        response.data = (!output.is_empty()).then(|| std::mem::take(&mut *output).into());
        uses::go_on(context, Operation::Decrypt, &value, parts);
        response.correlation_value = Some(value);
    }
    Ok(response)
}
