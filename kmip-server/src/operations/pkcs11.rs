//! PKCS#11 (2.1 section 6.1.37): a function of the module, called in the server.

use keybridge_kmip::enums::{PKCS_11ReturnCode, ResultReason};
use keybridge_kmip::operations::pkcs11::FunctionNumber;
use keybridge_kmip::operations::{PKCS11Request, PKCS11Response};
use keybridge_pkcs11::tunnel::{Function, INTERFACE};

use crate::failure::{Failure, Result};
use crate::processor::Context;

pub(super) fn handle(request: PKCS11Request, context: &mut Context<'_>) -> Result<PKCS11Response> {
    if request
        .interface
        .as_ref()
        .is_some_and(|name| name != INTERFACE)
    {
        return Err(Failure::new(
            ResultReason::PKCS_11InvalidInterface,
            format!("the interface is {INTERFACE:?}"),
        ));
    }
    let function = match request.function {
        FunctionNumber::Standard(number) => Function::from_number(number.0),
        FunctionNumber::Vendor(_) => None,
    };
    let function = function.ok_or_else(|| {
        Failure::new(
            ResultReason::PKCS_11InvalidFunction,
            "the interface has no such function",
        )
    })?;
    let value = request.correlation_value.as_deref();
    let input = request.input_parameters.as_deref().unwrap_or_default();
    let tunnels = &context.services().tunnels;
    let (reply, correlation_value) =
        context.blocking(|_, caller| tunnels.call(caller, value, function, input))?;
    let code = u32::try_from(reply.rv).unwrap_or(u32::MAX);
    Ok(PKCS11Response {
        interface: request.interface,
        function: request.function,
        correlation_value,
        output_parameters: (!reply.output.is_empty()).then(|| reply.output.into()),
        return_code: PKCS_11ReturnCode(code),
    })
}
