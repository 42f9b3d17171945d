//! MAC (1.4 section 4.33; 2.1 section 6.1.32), whole or in parts.

use keybridge_core::Purpose;
use keybridge_kmip::enums::Operation;
use keybridge_kmip::operations::{MACRequest, MACResponse};

use super::uses::{self, Stage};
use crate::failure::Result;
use crate::mechanisms;
use crate::processor::{Context, identifier};

pub(super) fn handle(mut request: MACRequest, context: &mut Context<'_>) -> Result<MACResponse> {
    let stage = uses::stage(
        context,
        Operation::MAC,
        request.correlation_value.take(),
        request.init_indicator,
        request.final_indicator,
    )?;
    let answer = |unique_identifier, mac_data, correlation_value| MACResponse {
        unique_identifier,
        mac_data,
        correlation_value,
    };
    if let Stage::Next { value, parts, last } = stage {
        let object = uses::object_of(&parts)?;
        let data = uses::part(context, request.data.as_ref())?;
        if last {
            let mac = context.blocking(|kms, _| parts.finish(kms, data))?;
            return Ok(answer(object, Some(mac.to_vec()), None));
        }
        uses::feed(context, Operation::MAC, &value, *parts, data)?;
        return Ok(answer(object, None, Some(value)));
    }
    let id = context.object(request.unique_identifier.as_ref())?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let parameters = uses::parameters(request.cryptographic_parameters.take(), &object);
    let mechanism = mechanisms::mac(object.spec, &parameters);
    let mechanism = uses::or_unusable(context, mechanism, &object, Purpose::MacGenerate)?;
    let data = stage.data(context, request.data.as_ref())?;
    if let Stage::First = stage {
        let purpose = Purpose::MacGenerate;
        let parts = uses::first(context, id, purpose, mechanism, data)?;
        let value = uses::keep(context, Operation::MAC, parts)?;
        return Ok(answer(identifier(id), None, Some(value)));
    }
    let mut output = uses::run(context, id, &object, Purpose::MacGenerate, mechanism, data)?;
    Ok(answer(
        identifier(id),
        Some(std::mem::take(&mut *output)),
        None,
    ))
}
