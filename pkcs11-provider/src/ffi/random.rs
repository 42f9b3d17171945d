//! Random number generation.

use cryptoki_sys::*;

use super::pointers::Ptr;
use crate::module::current;
use crate::rv::{Result, Rv};

pub(super) fn seed_random(
    session: CK_SESSION_HANDLE,
    seed: Ptr<u8>,
    length: CK_ULONG,
) -> Result<()> {
    current()?.seed_random(session, seed.bytes(length)?)
}

pub(super) fn generate_random(
    session: CK_SESSION_HANDLE,
    random: Ptr<u8>,
    length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    if random.is_null() {
        return Err(Rv::ARGUMENTS_BAD);
    }
    instance.generate_random(session, random.exact_output(length)?)
}
