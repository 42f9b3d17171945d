//! Signing and MACs, and their verification.

use cryptoki_sys::*;

use super::cipher::{finish, one_part};
use super::mechanism;
use super::pointers::Ptr;
use crate::module::current;
use crate::rv::{Result, Rv};
use crate::session::Kind;

macro_rules! inits {
    ($($name:ident $kind:ident;)*) => {$(
        pub(super) fn $name(
            session: CK_SESSION_HANDLE,
            mechanism: Ptr<CK_MECHANISM>,
            key: CK_OBJECT_HANDLE,
        ) -> Result<()> {
            let instance = current()?;
            let mechanism = mechanism::read_optional(mechanism, instance.numbers(session))?;
            instance.begin(session, Kind::$kind, mechanism.as_ref(), key)
        }
    )*};
}

inits! {
    sign_init Sign;
    verify_init Verify;
    sign_recover_init SignRecover;
    verify_recover_init VerifyRecover;
}

pub(super) fn sign(
    session: CK_SESSION_HANDLE,
    input: Ptr<u8>,
    input_length: CK_ULONG,
    output: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    one_part(session, Kind::Sign, input, input_length, output, length)
}

pub(super) fn sign_update(
    session: CK_SESSION_HANDLE,
    part: Ptr<u8>,
    length: CK_ULONG,
) -> Result<()> {
    absorb(session, Kind::Sign, part, length)
}

pub(super) fn sign_final(
    session: CK_SESSION_HANDLE,
    signature: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    finish(session, Kind::Sign, signature, length)
}

pub(super) fn sign_recover(
    session: CK_SESSION_HANDLE,
    data: Ptr<u8>,
    data_length: CK_ULONG,
    signature: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let kind = Kind::SignRecover;
    one_part(session, kind, data, data_length, signature, length)
}

pub(super) fn verify_recover(
    session: CK_SESSION_HANDLE,
    signature: Ptr<u8>,
    signature_length: CK_ULONG,
    data: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let kind = Kind::VerifyRecover;
    one_part(session, kind, signature, signature_length, data, length)
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

pub(super) fn verify_update(
    session: CK_SESSION_HANDLE,
    part: Ptr<u8>,
    length: CK_ULONG,
) -> Result<()> {
    absorb(session, Kind::Verify, part, length)
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

pub(super) fn verify_signature_update(
    session: CK_SESSION_HANDLE,
    part: Ptr<u8>,
    length: CK_ULONG,
) -> Result<()> {
    absorb(session, Kind::VerifySignature, part, length)
}

pub(super) fn verify_signature_final(session: CK_SESSION_HANDLE) -> Result<()> {
    current()?.verify_signature(session, None)
}

fn absorb(session: CK_SESSION_HANDLE, kind: Kind, part: Ptr<u8>, length: CK_ULONG) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.cancel_kind(session, kind);
    instance.absorb(session, kind, part.bytes(length).inspect_err(end)?)
}
