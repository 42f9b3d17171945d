//! Signing and MACs, and their verification.

use cryptoki_sys::*;

use super::mechanism;
use super::pointers::Ptr;
use crate::module::current;
use crate::rv::{Result, Rv};
use crate::session::Kind;

/// A function that begins an operation; without a mechanism it ends one.
pub(super) fn init(
    kind: Kind,
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    key: CK_OBJECT_HANDLE,
) -> Result<()> {
    let instance = current()?;
    let mechanism = mechanism::read_optional(mechanism, instance.numbers(session))?;
    instance.begin(session, kind, mechanism.as_ref(), key)
}

pub(super) fn verify(
    session: CK_SESSION_HANDLE,
    data: Ptr<u8>,
    data_length: CK_ULONG,
    signature: Ptr<u8>,
    signature_length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.cancel_kind(session, Kind::Verify);
    let data = data.bytes(data_length).inspect_err(end)?;
    let signature = signature.bytes(signature_length).inspect_err(end)?;
    instance.verify(session, data, signature)
}

pub(super) fn verify_final(
    session: CK_SESSION_HANDLE,
    signature: Ptr<u8>,
    length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.cancel_kind(session, Kind::Verify);
    instance.verify_final(session, signature.bytes(length).inspect_err(end)?)
}

pub(super) fn verify_signature_init(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    key: CK_OBJECT_HANDLE,
    signature: Ptr<u8>,
    length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let mechanism = mechanism::read_optional(mechanism, instance.numbers(session))?;
    let signature = match mechanism {
        Some(_) => signature.bytes(length)?,
        None => &[],
    };
    instance.verify_signature_init(session, mechanism.as_ref(), key, signature)
}

pub(super) fn verify_signature(
    session: CK_SESSION_HANDLE,
    data: Ptr<u8>,
    length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.cancel_kind(session, Kind::VerifySignature);
    let data = data.bytes(length).inspect_err(end)?;
    instance.verify_signature(session, Some(data))
}

pub(super) fn verify_signature_final(session: CK_SESSION_HANDLE) -> Result<()> {
    current()?.verify_signature(session, None)
}

/// A function that takes the next part and gives nothing.
pub(super) fn absorb(
    kind: Kind,
    session: CK_SESSION_HANDLE,
    part: Ptr<u8>,
    length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.cancel_kind(session, kind);
    instance.absorb(session, kind, part.bytes(length).inspect_err(end)?)
}
