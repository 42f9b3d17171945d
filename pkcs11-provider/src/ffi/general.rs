//! General-purpose functions.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::guard;
use super::pointers::Ptr;
use crate::module::{self, InitializeArguments, current};
use crate::rv::{Result, Rv};

/// The version of the standard that the module speaks.
const CRYPTOKI_VERSION: CK_VERSION = CK_VERSION { major: 3, minor: 2 };

/// Who makes it, here and as the manufacturer of slots and tokens.
pub(super) const MANUFACTURER: &str = "keybridge";

pub(super) fn initialize(arguments: Ptr<c_void>) -> Result<()> {
    guard::install_panic_hook();
    if arguments.is_null() {
        return module::initialize(&InitializeArguments::default());
    }
    let raw = arguments.cast::<CK_C_INITIALIZE_ARGS>().read()?;
    let functions = [
        raw.CreateMutex.is_some(),
        raw.DestroyMutex.is_some(),
        raw.LockMutex.is_some(),
        raw.UnlockMutex.is_some(),
    ];
    module::initialize(&InitializeArguments {
        mutex_functions: functions.into_iter().filter(|given| *given).count(),
        flags: raw.flags,
        reserved: !raw.pReserved.is_null(),
    })
}

pub(super) fn finalize(reserved: Ptr<c_void>) -> Result<()> {
    if !reserved.is_null() {
        return Err(Rv::ARGUMENTS_BAD);
    }
    module::finalize()
}

pub(super) fn get_info(info: Ptr<CK_INFO>) -> Result<()> {
    current()?;
    info.write(library())
}

/// What the library says of itself.
pub(crate) fn library() -> CK_INFO {
    CK_INFO {
        cryptokiVersion: CRYPTOKI_VERSION,
        manufacturerID: padded(MANUFACTURER),
        flags: 0,
        libraryDescription: padded("keybridge PKCS#11 module"),
        libraryVersion: library_version(),
    }
}

/// Legacy functions on sessions that run in parallel, of which there are none.
pub(super) fn not_parallel(session: CK_SESSION_HANDLE) -> Result<()> {
    current()?.session_information(session)?;
    Err(Rv::FUNCTION_NOT_PARALLEL)
}

/// Text as the standard's structures hold it: padded with blanks, not terminated, cut between
/// characters if it is too long.
pub(super) fn padded<const N: usize>(text: &str) -> [CK_UTF8CHAR; N] {
    let mut end = text.len().min(N);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut bytes = [b' '; N];
    bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
    bytes
}

/// This crate's version.
pub(super) fn library_version() -> CK_VERSION {
    let number = |text: &str| text.parse().unwrap_or(0);
    CK_VERSION {
        major: number(env!("CARGO_PKG_VERSION_MAJOR")),
        minor: number(env!("CARGO_PKG_VERSION_MINOR")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_padded_and_cut_between_characters() {
        assert_eq!(padded::<4>("ab"), *b"ab  ");
        assert_eq!(padded::<4>("abcdef"), *b"abcd");
        assert_eq!(&padded::<4>("abcé"), b"abc ");
    }
}
