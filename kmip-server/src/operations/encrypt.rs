//! Encrypt (1.4 section 4.29; 2.1 section 6.1.19).

use keybridge_core::Purpose;
use keybridge_kmip::Version;
use keybridge_kmip::operations::{EncryptRequest, EncryptResponse};

use super::uses;
use crate::failure::Result;
use crate::mechanisms::{self, Inputs};
use crate::processor::{Context, identifier};

/// Bytes of a block, for the padding that the door does.
const BLOCK: usize = 16;

pub(super) fn handle(
    request: EncryptRequest,
    context: &mut Context<'_>,
) -> Result<EncryptResponse> {
    uses::refuse_parts(
        request.correlation_value.as_ref(),
        request.init_indicator,
        request.final_indicator,
    )?;
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let parameters = uses::parameters(request.cryptographic_parameters, &object);
    let inputs = Inputs {
        iv: request.iv_counter_nonce.as_deref(),
        additional_data: request.additional_data.as_deref(),
    };
    let cipher = mechanisms::cipher(object.spec, &parameters, inputs, true)?;
    let data = context.data(request.data.as_ref())?;
    let mechanism = cipher.mechanism;
    let mut output = if cipher.pads {
        let padded = pad(data);
        uses::run(context, id, &object, Purpose::Encrypt, mechanism, &padded)?
    } else {
        uses::run(context, id, &object, Purpose::Encrypt, mechanism, data)?
    };
    // The tag has a field of its own from 1.4; before, it can only follow the data.
    let authentication_tag = match cipher.tag_length {
        Some(length) if context.version >= Version::V1_4 => {
            let at = output.len().saturating_sub(length);
            Some(output.split_off(at))
        }
        _ => None,
    };
    Ok(EncryptResponse {
        unique_identifier: identifier(id),
        data: Some(std::mem::take(&mut *output).into()),
        iv_counter_nonce: cipher.made_iv,
        correlation_value: None,
        authentication_tag,
    })
}

/// PKCS#5 padding.
fn pad(data: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    let missing = BLOCK - data.len() % BLOCK;
    let mut padded = zeroize::Zeroizing::new(Vec::with_capacity(data.len() + missing));
    padded.extend_from_slice(data);
    // At most the block's 16.
    padded.resize(data.len() + missing, missing as u8);
    padded
}
