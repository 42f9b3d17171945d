//! MAC Verify (1.4 section 4.34; 2.1 section 6.1.33), whole or in parts.

use keybridge_core::Purpose;
use keybridge_kmip::enums::Operation;
use keybridge_kmip::operations::{MACVerifyRequest, MACVerifyResponse};

use super::signature_verify::validity;
use super::uses::{self, Stage};
use crate::failure::{Failure, Result};
use crate::mechanisms;
use crate::processor::{Context, identifier};

pub(super) fn handle(
    mut request: MACVerifyRequest,
    context: &mut Context<'_>,
) -> Result<MACVerifyResponse> {
    let stage = uses::stage(
        context,
        Operation::MACVerify,
        request.correlation_value.take(),
        request.init_indicator,
        request.final_indicator,
    )?;
    let answer = |unique_identifier, validity_indicator, correlation_value| MACVerifyResponse {
        unique_identifier,
        validity_indicator,
        correlation_value,
    };
    let missing = || Failure::invalid_message("the MAC Data is missing");
    if let Stage::Next {
        value,
        mut parts,
        last,
    } = stage
    {
        let object = uses::object_of(&parts)?;
        let data = uses::part(context, request.data.as_ref())?;
        parts.check = request.mac_data.take().or(parts.check);
        if last {
            let mac = parts.check.clone().ok_or_else(missing)?;
            let verified = context.blocking(|kms, _| parts.verify(kms, data, &mac))?;
            return Ok(answer(object, Some(validity(verified)?), None));
        }
        uses::feed(context, Operation::MACVerify, &value, *parts, data)?;
        return Ok(answer(object, None, Some(value)));
    }
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let parameters = uses::parameters(request.cryptographic_parameters.take(), &object);
    let mechanism = mechanisms::mac(object.spec, &parameters);
    let mechanism = uses::or_unusable(context, mechanism, &object, Purpose::MacVerify)?;
    let data = stage.data(context, request.data.as_ref())?;
    if let Stage::First = stage {
        let mut parts = uses::first(context, id, Purpose::MacVerify, mechanism, data)?;
        parts.check = request.mac_data.take();
        let value = uses::keep(context, Operation::MACVerify, parts)?;
        return Ok(answer(identifier(id), None, Some(value)));
    }
    let mac = request.mac_data.as_deref().ok_or_else(missing)?;
    let verified = context.perhaps_blocking(uses::blocks(&object), |kms, caller| {
        let mut operation = kms.begin(caller, id, Purpose::MacVerify, mechanism)?;
        kms.verify(&mut operation, data, mac)
    });
    Ok(answer(identifier(id), Some(validity(verified)?), None))
}
