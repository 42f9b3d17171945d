//! Message digesting.

use cryptoki_sys::*;

use super::mechanism;
use super::pointers::{Ptr, Transfer};
use crate::module::current;
use crate::rv::{Result, Rv};

pub(super) fn digest_init(session: CK_SESSION_HANDLE, mechanism: Ptr<CK_MECHANISM>) -> Result<()> {
    let instance = current()?;
    let mechanism = mechanism::read_optional(mechanism, instance.numbers(session))?;
    instance.digest_init(session, mechanism.as_ref())
}

pub(super) fn digest(
    session: CK_SESSION_HANDLE,
    data: Ptr<u8>,
    data_length: CK_ULONG,
    digest: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    // Bad arguments are an outcome too, and end the digest.
    let end = |_: &Rv| instance.digest_failed(session);
    let data = data.bytes(data_length).inspect_err(end)?;
    let transfer = Transfer::new(digest, length).inspect_err(end)?;
    transfer.run_with_input(data, |data, output| instance.digest(session, data, output))
}

pub(super) fn digest_update(
    session: CK_SESSION_HANDLE,
    part: Ptr<u8>,
    length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.digest_failed(session);
    instance.digest_update(session, part.bytes(length).inspect_err(end)?)
}

pub(super) fn digest_key(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> Result<()> {
    current()?.digest_key(session, key)
}

pub(super) fn digest_final(
    session: CK_SESSION_HANDLE,
    digest: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.digest_failed(session);
    let transfer = Transfer::new(digest, length).inspect_err(end)?;
    transfer.run(|output| instance.digest_final(session, output))
}
