//! Encryption and decryption, alone and together with a second operation.

use cryptoki_sys::*;

use super::made_vector::{self, Wanted};
use super::mechanism;
use super::pointers::{Ptr, Transfer};
use crate::functions::Second;
use crate::module::current;
use crate::rv::{Result, Rv};
use crate::session::Kind;

pub(super) fn encrypt_init(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    key: CK_OBJECT_HANDLE,
) -> Result<()> {
    let instance = current()?;
    if let Some(wanted) = Wanted::by(mechanism, instance.numbers(session))? {
        let mut iv = [0; made_vector::LENGTH];
        instance.generate_random(session, &mut iv)?;
        instance.begin(session, Kind::Encrypt, Some(&wanted.call(&iv)?), key)?;
        return wanted.tell(&iv);
    }
    let mechanism = mechanism::read_optional(mechanism, instance.numbers(session))?;
    instance.begin(session, Kind::Encrypt, mechanism.as_ref(), key)
}

/// A function that does the next part of two operations.
pub(super) fn dual_update(
    cipher: Kind,
    second: Second,
    session: CK_SESSION_HANDLE,
    input: Ptr<u8>,
    input_length: CK_ULONG,
    output: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.cancel_kind(session, cipher);
    let input = input.bytes(input_length).inspect_err(end)?;
    let transfer = Transfer::new(output, length).inspect_err(end)?;
    transfer.run_with_input(input, |input, output| {
        instance.dual_update(session, cipher, second, input, output)
    })
}

/// A function that does it all at once.
pub(super) fn one_part(
    kind: Kind,
    session: CK_SESSION_HANDLE,
    input: Ptr<u8>,
    input_length: CK_ULONG,
    output: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    // Bad arguments are an outcome too, and end the operation.
    let end = |_: &Rv| instance.cancel_kind(session, kind);
    let input = input.bytes(input_length).inspect_err(end)?;
    let transfer = Transfer::new(output, length).inspect_err(end)?;
    transfer.run_with_input(input, |input, output| {
        instance.run(session, kind, input, output)
    })
}

/// A function that does the next part.
pub(super) fn update(
    kind: Kind,
    session: CK_SESSION_HANDLE,
    input: Ptr<u8>,
    input_length: CK_ULONG,
    output: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.cancel_kind(session, kind);
    let input = input.bytes(input_length).inspect_err(end)?;
    let transfer = Transfer::new(output, length).inspect_err(end)?;
    transfer.run_with_input(input, |input, output| {
        instance.update(session, kind, input, output)
    })
}

/// A function that ends an operation in parts with output.
pub(super) fn finish(
    kind: Kind,
    session: CK_SESSION_HANDLE,
    output: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    let end = |_: &Rv| instance.cancel_kind(session, kind);
    let transfer = Transfer::new(output, length).inspect_err(end)?;
    transfer.run(|output| instance.finish(session, kind, output))
}
