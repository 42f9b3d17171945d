//! Decrypt (1.4 section 4.30; 2.1 section 6.1.12).

use keybridge_core::{Error, Purpose};
use keybridge_kmip::operations::{DecryptRequest, DecryptResponse};
use zeroize::Zeroizing;

use super::uses;
use crate::failure::{Failure, Result};
use crate::mechanisms::{self, Inputs};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: DecryptRequest,
    context: &mut Context<'_>,
) -> Result<DecryptResponse> {
    uses::refuse_parts(
        request.correlation_value.as_ref(),
        request.init_indicator,
        request.final_indicator,
    )?;
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let mut parameters = uses::parameters(request.cryptographic_parameters, &object);
    if let (None, Some(tag)) = (parameters.tag_length, &request.authentication_tag) {
        parameters.tag_length = i32::try_from(tag.len()).ok();
    }
    let inputs = Inputs {
        iv: request.iv_counter_nonce.as_deref(),
        additional_data: request.additional_data.as_deref(),
    };
    let cipher = mechanisms::cipher(object.spec, &parameters, inputs, false)?;
    let data = context.data(request.data.as_ref())?;
    // Without a field of its own, the tag follows the data.
    let mut whole = Vec::new();
    let input = match (&request.authentication_tag, cipher.tag_length) {
        (Some(tag), Some(length)) => {
            if tag.len() != length {
                return Err(Failure::from(Error::InvalidCiphertext));
            }
            whole.reserve_exact(data.len() + tag.len());
            whole.extend_from_slice(data);
            whole.extend_from_slice(tag);
            whole.as_slice()
        }
        _ => data,
    };
    let mut output = uses::run(
        context,
        id,
        &object,
        Purpose::Decrypt,
        cipher.mechanism,
        input,
    )?;
    if cipher.pads {
        unpad(&mut output)?;
    }
    Ok(DecryptResponse {
        unique_identifier: identifier(id),
        data: Some(std::mem::take(&mut *output).into()),
        correlation_value: None,
    })
}

/// Takes PKCS#5 padding off. One error for whatever is wrong with it.
fn unpad(data: &mut Zeroizing<Vec<u8>>) -> Result<()> {
    let wrong = || Failure::from(Error::InvalidCiphertext);
    let count = usize::from(*data.last().ok_or_else(wrong)?);
    if !(1..=16).contains(&count) || count > data.len() {
        return Err(wrong());
    }
    let at = data.len() - count;
    let difference = data[at..]
        .iter()
        .fold(0, |all, byte| all | (usize::from(*byte) ^ count));
    if difference != 0 {
        return Err(wrong());
    }
    data.truncate(at);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_comes_off_whole_or_not_at_all() {
        let unpadded = |bytes: &[u8]| {
            let mut data = Zeroizing::new(bytes.to_vec());
            unpad(&mut data).map(|()| data.len()).ok()
        };
        assert_eq!(unpadded(&[9; 8]), None);
        assert_eq!(unpadded(&[17; 32]), None);
        assert_eq!(unpadded(&[16; 16]), Some(0));
        assert_eq!(unpadded(&[7, 7, 1]), Some(2));
        assert_eq!(unpadded(&[7, 2, 2]), Some(1));
        assert_eq!(unpadded(&[7, 1, 2]), None);
        assert_eq!(unpadded(&[0]), None);
        assert_eq!(unpadded(&[]), None);
    }
}
