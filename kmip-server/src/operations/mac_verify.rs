//! MAC Verify (1.4 section 4.34; 2.1 section 6.1.27).

use keybridge_core::Purpose;
use keybridge_kmip::operations::{MACVerifyRequest, MACVerifyResponse};

use super::{signature_verify::validity, uses};
use crate::failure::{Failure, Result};
use crate::mechanisms;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: MACVerifyRequest,
    context: &mut Context<'_>,
) -> Result<MACVerifyResponse> {
    uses::refuse_parts(
        request.correlation_value.as_ref(),
        request.init_indicator,
        request.final_indicator,
    )?;
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let parameters = uses::parameters(request.cryptographic_parameters, &object);
    let mechanism = mechanisms::mac(object.spec, &parameters)?;
    let data = context.data(request.data.as_ref())?;
    let mac = request
        .mac_data
        .ok_or_else(|| Failure::invalid_message("the MAC Data is missing"))?;
    let verified = context.perhaps_blocking(uses::blocks(&object), |kms, caller| {
        let mut operation = kms.begin(caller, id, Purpose::MacVerify, mechanism)?;
        kms.verify(&mut operation, data, &mac)
    });
    Ok(MACVerifyResponse {
        unique_identifier: identifier(id),
        validity_indicator: Some(validity(verified)?),
        correlation_value: None,
    })
}
