//! Session management.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::pointers::{Ptr, Transfer};
use crate::functions::UserType;
use crate::module::current;
use crate::rv::{Result, Rv};

/// The notification callback is never called: it announces surrender requests of sessions that run
/// a function, and none here takes long enough ("Callback functions": a library need not support
/// it).
pub(super) fn open_session(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    _application: Ptr<c_void>,
    _notify: CK_NOTIFY,
    session: Ptr<CK_SESSION_HANDLE>,
) -> Result<()> {
    let instance = current()?;
    session.expect_writable()?;
    session.write(instance.open_session(slot, flags)?)
}

pub(super) fn close_session(session: CK_SESSION_HANDLE) -> Result<()> {
    current()?.close_session(session)
}

pub(super) fn close_all_sessions(slot: CK_SLOT_ID) -> Result<()> {
    current()?.close_all_sessions(slot)
}

pub(super) fn get_session_info(
    session: CK_SESSION_HANDLE,
    info: Ptr<CK_SESSION_INFO>,
) -> Result<()> {
    let instance = current()?;
    info.expect_writable()?;
    let session = instance.session_information(session)?;
    info.write(CK_SESSION_INFO {
        slotID: session.slot,
        state: session.state,
        flags: session.flags,
        ulDeviceError: 0,
    })
}

pub(super) fn get_operation_state(
    session: CK_SESSION_HANDLE,
    state: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    Transfer::new(state, length)?.run(|output| instance.operation_state(session, output))
}

pub(super) fn set_operation_state(
    session: CK_SESSION_HANDLE,
    state: Ptr<u8>,
    length: CK_ULONG,
    encryption_key: CK_OBJECT_HANDLE,
    authentication_key: CK_OBJECT_HANDLE,
) -> Result<()> {
    let instance = current()?;
    let state = state.optional_bytes(length)?.ok_or(Rv::ARGUMENTS_BAD)?;
    instance.set_operation_state(session, state, [encryption_key, authentication_key])
}

/// A NULL PIN would ask for a protected authentication path, which there is not.
pub(super) fn login(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: Ptr<u8>,
    pin_length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let pin = pin.optional_bytes(pin_length)?.ok_or(Rv::ARGUMENTS_BAD)?;
    instance.login(session, UserType::from_number(user)?, pin)
}

/// Users have no names here but the standard's types.
pub(super) fn login_user(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: Ptr<u8>,
    pin_length: CK_ULONG,
    name: Ptr<u8>,
    name_length: CK_ULONG,
) -> Result<()> {
    if !name.bytes(name_length)?.is_empty() {
        return Err(Rv::ARGUMENTS_BAD);
    }
    login(session, user, pin, pin_length)
}

pub(super) fn logout(session: CK_SESSION_HANDLE) -> Result<()> {
    current()?.logout(session)
}

pub(super) fn session_cancel(session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> Result<()> {
    current()?.cancel(session, flags)
}

pub(super) fn get_session_validation_flags(
    session: CK_SESSION_HANDLE,
    kind: CK_SESSION_VALIDATION_FLAGS_TYPE,
    flags: Ptr<CK_FLAGS>,
) -> Result<()> {
    let instance = current()?;
    flags.expect_writable()?;
    flags.write(instance.validation_flags(session, kind)?)
}
