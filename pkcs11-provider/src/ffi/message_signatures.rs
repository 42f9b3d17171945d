//! Message-based signing and verifying. The mechanisms here take no parameter with each message:
//! what they need is given at the start of the process.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::mechanism;
use super::pointers::{Ptr, Transfer};
use crate::module::current;
use crate::rv::{Result, Rv};
use crate::session::message::MessageKind;

macro_rules! processes {
    ($($init:ident $finish:ident $begin:ident $kind:ident;)*) => {$(
        pub(super) fn $init(
            session: CK_SESSION_HANDLE,
            mechanism: Ptr<CK_MECHANISM>,
            key: CK_OBJECT_HANDLE,
        ) -> Result<()> {
            let instance = current()?;
            let mechanism = mechanism::read_optional(mechanism, instance.numbers(session))?;
            instance.messages_begin(session, MessageKind::$kind, mechanism.as_ref(), key)
        }

        pub(super) fn $finish(session: CK_SESSION_HANDLE) -> Result<()> {
            current()?.messages_finish(session, MessageKind::$kind)
        }

        pub(super) fn $begin(
            session: CK_SESSION_HANDLE,
            parameter: Ptr<c_void>,
            parameter_length: CK_ULONG,
        ) -> Result<()> {
            let instance = current()?;
            no_parameter(parameter, parameter_length)?;
            instance.signature_begin(session, MessageKind::$kind)
        }
    )*};
}

processes! {
    message_sign_init message_sign_final sign_message_begin Sign;
    message_verify_init message_verify_final verify_message_begin Verify;
}

fn no_parameter(_parameter: Ptr<c_void>, length: CK_ULONG) -> Result<()> {
    if length == 0 {
        Ok(())
    } else {
        Err(Rv::MECHANISM_PARAM_INVALID)
    }
}

pub(super) fn sign_message(
    session: CK_SESSION_HANDLE,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    data: Ptr<u8>,
    data_length: CK_ULONG,
    signature: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    no_parameter(parameter, parameter_length)?;
    let data = data.bytes(data_length)?;
    let transfer = Transfer::new(signature, length)?;
    transfer.run_with_input(data, |data, output| {
        instance.sign_message(session, data, output)
    })
}

pub(super) fn sign_message_next(
    session: CK_SESSION_HANDLE,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    part: Ptr<u8>,
    part_length: CK_ULONG,
    signature: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.message_failed(session, MessageKind::Sign);
    no_parameter(parameter, parameter_length).inspect_err(end)?;
    let part = part.bytes(part_length).inspect_err(end)?;
    if length.is_null() {
        return instance.sign_next(session, part, None);
    }
    let transfer = Transfer::new(signature, length).inspect_err(end)?;
    transfer.run_with_input(part, |part, output| {
        instance.sign_next(session, part, Some(output))
    })
}

pub(super) fn verify_message(
    session: CK_SESSION_HANDLE,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    data: Ptr<u8>,
    data_length: CK_ULONG,
    signature: Ptr<u8>,
    signature_length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    no_parameter(parameter, parameter_length)?;
    let data = data.bytes(data_length)?;
    instance.verify_message(session, data, signature.bytes(signature_length)?)
}

pub(super) fn verify_message_next(
    session: CK_SESSION_HANDLE,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    part: Ptr<u8>,
    part_length: CK_ULONG,
    signature: Ptr<u8>,
    signature_length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.message_failed(session, MessageKind::Verify);
    no_parameter(parameter, parameter_length).inspect_err(end)?;
    let part = part.bytes(part_length).inspect_err(end)?;
    let signature = signature.optional_bytes(signature_length);
    instance.verify_next(session, part, signature.inspect_err(end)?)
}
