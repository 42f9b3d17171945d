//! Slot and token management.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::fork;
use super::general::{MANUFACTURER, library_version, padded};
use super::pointers::{Ptr, has};
use crate::functions::TokenInformation;
use crate::module::current;
use crate::rv::{Result, Rv};

/// Bytes of a token's label.
const LABEL_LENGTH: CK_ULONG = 32;

pub(super) fn get_slot_list(
    _token_present: CK_BBOOL,
    list: Ptr<CK_SLOT_ID>,
    count: Ptr<CK_ULONG>,
) -> Result<()> {
    list.write_list(count, &current()?.slot_list())
}

pub(super) fn get_slot_info(slot: CK_SLOT_ID, info: Ptr<CK_SLOT_INFO>) -> Result<()> {
    let instance = current()?;
    info.expect_writable()?;
    instance.slot_information(slot)?;
    info.write(slot_of(slot))
}

/// What is said of a slot.
pub(crate) fn slot_of(slot: CK_SLOT_ID) -> CK_SLOT_INFO {
    CK_SLOT_INFO {
        slotDescription: padded(&format!("keybridge slot {slot}")),
        manufacturerID: padded(MANUFACTURER),
        flags: CKF_TOKEN_PRESENT,
        hardwareVersion: CK_VERSION { major: 0, minor: 0 },
        firmwareVersion: library_version(),
    }
}

pub(super) fn get_token_info(slot: CK_SLOT_ID, info: Ptr<CK_TOKEN_INFO>) -> Result<()> {
    let instance = current()?;
    info.expect_writable()?;
    let token = instance.token_information(slot)?;
    info.write(token_of(&token))
}

/// What is said of a token.
pub(crate) fn token_of(token: &TokenInformation) -> CK_TOKEN_INFO {
    CK_TOKEN_INFO {
        label: padded(&token.label),
        manufacturerID: padded(MANUFACTURER),
        model: padded("keybridge"),
        serialNumber: padded(&token.serial),
        flags: token.flags,
        ulMaxSessionCount: CK_EFFECTIVELY_INFINITE,
        ulSessionCount: token.sessions as CK_ULONG,
        ulMaxRwSessionCount: CK_EFFECTIVELY_INFINITE,
        ulRwSessionCount: token.read_write_sessions as CK_ULONG,
        ulMaxPinLen: token.pin_max as CK_ULONG,
        ulMinPinLen: token.pin_min as CK_ULONG,
        ulTotalPublicMemory: CK_UNAVAILABLE_INFORMATION,
        ulFreePublicMemory: CK_UNAVAILABLE_INFORMATION,
        ulTotalPrivateMemory: CK_UNAVAILABLE_INFORMATION,
        ulFreePrivateMemory: CK_UNAVAILABLE_INFORMATION,
        hardwareVersion: CK_VERSION { major: 0, minor: 0 },
        firmwareVersion: library_version(),
        // Without CKF_CLOCK_ON_TOKEN it says nothing.
        utcTime: [b' '; 16],
    }
}

pub(super) fn get_mechanism_list(
    slot: CK_SLOT_ID,
    list: Ptr<CK_MECHANISM_TYPE>,
    count: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    let numbers = instance.slot(slot)?.token.numbers();
    let own = instance.mechanism_list(slot)?.into_iter();
    let shown: Vec<_> = own.map(|kind| numbers.mechanism_out(kind)).collect();
    list.write_list(count, &shown)
}

pub(super) fn get_mechanism_info(
    slot: CK_SLOT_ID,
    kind: CK_MECHANISM_TYPE,
    info: Ptr<CK_MECHANISM_INFO>,
) -> Result<()> {
    let instance = current()?;
    info.expect_writable()?;
    let kind = instance.slot(slot)?.token.numbers().mechanism_in(kind);
    let mechanism = instance.mechanism_information(slot, kind)?;
    info.write(CK_MECHANISM_INFO {
        ulMinKeySize: mechanism.min_key_size,
        ulMaxKeySize: mechanism.max_key_size,
        flags: mechanism.flags,
    })
}

pub(super) fn init_token(
    slot: CK_SLOT_ID,
    pin: Ptr<u8>,
    pin_length: CK_ULONG,
    label: Ptr<u8>,
) -> Result<()> {
    let instance = current()?;
    // There is no protected authentication path that a NULL PIN could mean.
    let pin = pin.optional_bytes(pin_length)?.ok_or(Rv::ARGUMENTS_BAD)?;
    instance.init_token(slot, pin, label.bytes(LABEL_LENGTH)?)
}

pub(super) fn init_pin(
    session: CK_SESSION_HANDLE,
    pin: Ptr<u8>,
    pin_length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let pin = pin.optional_bytes(pin_length)?.ok_or(Rv::ARGUMENTS_BAD)?;
    instance.init_pin(session, pin)
}

pub(super) fn set_pin(
    session: CK_SESSION_HANDLE,
    old: Ptr<u8>,
    old_length: CK_ULONG,
    new: Ptr<u8>,
    new_length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let old = old.optional_bytes(old_length)?.ok_or(Rv::ARGUMENTS_BAD)?;
    let new = new.optional_bytes(new_length)?.ok_or(Rv::ARGUMENTS_BAD)?;
    instance.set_pin(session, old, new)
}

pub(super) fn wait_for_slot_event(
    flags: CK_FLAGS,
    slot: Ptr<CK_SLOT_ID>,
    reserved: Ptr<c_void>,
) -> Result<()> {
    let instance = current()?;
    if !reserved.is_null() {
        return Err(Rv::ARGUMENTS_BAD);
    }
    slot.expect_writable()?;
    let block = !has(flags, CKF_DONT_BLOCK);
    slot.write(fork::away(|| instance.wait_for_slot_event(block))?)
}
