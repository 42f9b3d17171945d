//! The structures that tell about the library, slots and tokens: their fields in a row.

use cryptoki_sys::{CK_SLOT_ID, CK_VERSION};

use super::codec::Writer;
use crate::ffi::{general, slots};
use crate::functions::TokenInformation;

fn version(version: CK_VERSION, writer: &mut Writer) {
    writer.byte(version.major);
    writer.byte(version.minor);
}

/// `CK_INFO`.
pub(super) fn library(writer: &mut Writer) {
    let info = general::library();
    version(info.cryptokiVersion, writer);
    writer.raw(&info.manufacturerID);
    writer.ulong(info.flags);
    writer.raw(&info.libraryDescription);
    version(info.libraryVersion, writer);
}

/// `CK_SLOT_INFO`.
pub(super) fn slot(slot: CK_SLOT_ID, writer: &mut Writer) {
    let info = slots::slot_of(slot);
    writer.raw(&info.slotDescription);
    writer.raw(&info.manufacturerID);
    writer.ulong(info.flags);
    version(info.hardwareVersion, writer);
    version(info.firmwareVersion, writer);
}

/// `CK_TOKEN_INFO`.
pub(super) fn token(token: &TokenInformation, writer: &mut Writer) {
    let info = slots::token_of(token);
    writer.raw(&info.label);
    writer.raw(&info.manufacturerID);
    writer.raw(&info.model);
    writer.raw(&info.serialNumber);
    for number in [
        info.flags,
        info.ulMaxSessionCount,
        info.ulSessionCount,
        info.ulMaxRwSessionCount,
        info.ulRwSessionCount,
        info.ulMaxPinLen,
        info.ulMinPinLen,
        info.ulTotalPublicMemory,
        info.ulFreePublicMemory,
        info.ulTotalPrivateMemory,
        info.ulFreePrivateMemory,
    ] {
        writer.ulong(number);
    }
    version(info.hardwareVersion, writer);
    version(info.firmwareVersion, writer);
    writer.raw(&info.utcTime);
}
