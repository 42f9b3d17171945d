//! MAC (1.4 section 4.33; 2.1 section 6.1.26).

use keybridge_core::Purpose;
use keybridge_kmip::operations::{MACRequest, MACResponse};

use super::uses;
use crate::failure::Result;
use crate::mechanisms;
use crate::processor::{Context, identifier};

pub(super) fn handle(request: MACRequest, context: &mut Context<'_>) -> Result<MACResponse> {
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
    let mut output = uses::run(context, id, &object, Purpose::MacGenerate, mechanism, data)?;
    Ok(MACResponse {
        unique_identifier: identifier(id),
        mac_data: Some(std::mem::take(&mut *output)),
        correlation_value: None,
    })
}
