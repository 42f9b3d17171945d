//! Encrypt (1.4 section 4.29; 2.1 section 6.1.18), whole or in parts.

use keybridge_core::{Object, Purpose};
use keybridge_kmip::Version;
use keybridge_kmip::enums::Operation;
use keybridge_kmip::operations::{EncryptRequest, EncryptResponse};
use zeroize::Zeroizing;

use super::uses::{self, Stage};
use crate::failure::Result;
use crate::mechanisms::{self, Cipher, Inputs};
use crate::processor::{Context, identifier};
use crate::streams::{Begin, Parts};

pub(super) fn handle(
    mut request: EncryptRequest,
    context: &mut Context<'_>,
) -> Result<EncryptResponse> {
    let stage = uses::stage(
        context,
        Operation::Encrypt,
        request.correlation_value.take(),
        request.init_indicator,
        request.final_indicator,
    )?;
    if let Stage::Next { value, parts, last } = stage {
        return next(&request, context, value, *parts, last);
    }
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let cipher = uses::or_unusable(
        context,
        cipher(&mut request, &object),
        &object,
        Purpose::Encrypt,
    )?;
    let data = stage.data(context, request.data.as_ref())?;
    if let Stage::First = stage {
        let begin = Begin {
            object: id,
            purpose: Purpose::Encrypt,
            mechanism: cipher.mechanism,
            pads: cipher.pads,
            tag_length: cipher.tag_length,
        };
        let (parts, mut output) = context.blocking(|kms, caller| {
            let mut parts = Parts::begin(kms, caller, begin, context.limits)?;
            let output = parts.feed(kms, data)?;
            Ok::<_, crate::failure::Failure>((parts, output))
        })?;
        return Ok(EncryptResponse {
            unique_identifier: identifier(id),
            data: shown(&mut output),
            iv_counter_nonce: cipher.made_iv,
            correlation_value: Some(uses::keep(context, Operation::Encrypt, parts)?),
            authentication_tag: None,
        });
    }
    let mechanism = cipher.mechanism;
    let mut output = if let Some(block) = cipher.pads {
        let padded = mechanisms::pad(data, block);
        uses::run(context, id, &object, Purpose::Encrypt, mechanism, &padded)?
    } else {
        uses::run(context, id, &object, Purpose::Encrypt, mechanism, data)?
    };
    let authentication_tag = split_tag(&mut output, cipher.tag_length, context.version);
    Ok(EncryptResponse {
        unique_identifier: identifier(id),
        data: Some(std::mem::take(&mut *output).into()),
        iv_counter_nonce: cipher.made_iv,
        correlation_value: None,
        authentication_tag,
    })
}

fn cipher(request: &mut EncryptRequest, object: &Object) -> Result<Cipher> {
    let parameters = uses::parameters(request.cryptographic_parameters.take(), object);
    let inputs = Inputs {
        iv: request.iv_counter_nonce.as_deref(),
        additional_data: request.additional_data.as_deref(),
    };
    mechanisms::cipher(object.spec, &parameters, inputs, true)
}

fn next(
    request: &EncryptRequest,
    context: &Context<'_>,
    value: Vec<u8>,
    mut parts: Parts,
    last: bool,
) -> Result<EncryptResponse> {
    let data = uses::part(context, request.data.as_ref())?;
    let mut response = EncryptResponse {
        unique_identifier: uses::object_of(&parts)?,
        data: None,
        iv_counter_nonce: None,
        correlation_value: None,
        authentication_tag: None,
    };
    if last {
        let tag_length = parts.tag_length;
        let mut output = context.blocking(|kms, _| parts.finish(kms, data))?;
        response.authentication_tag = split_tag(&mut output, tag_length, context.version);
        response.data = shown(&mut output);
    } else {
        let mut output = context.blocking(|kms, _| parts.feed(kms, data))?;
        response.data = shown(&mut output);
        uses::go_on(context, Operation::Encrypt, &value, parts);
        response.correlation_value = Some(value);
    }
    Ok(response)
}

/// The output of a part; perhaps none is ready yet.
fn shown(output: &mut Zeroizing<Vec<u8>>) -> Option<keybridge_kmip::SecretBytes> {
    (!output.is_empty()).then(|| std::mem::take(&mut **output).into())
}

/// The tag has a field of its own from 1.4; before, it can only follow the data.
fn split_tag(
    output: &mut Zeroizing<Vec<u8>>,
    tag_length: Option<usize>,
    version: Version,
) -> Option<Vec<u8>> {
    let length = tag_length.filter(|_| version >= Version::V1_4)?;
    let at = output.len().saturating_sub(length);
    Some(output.split_off(at))
}
