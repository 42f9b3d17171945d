//! What stands around every exported function: the panic guard, the fork's gate and the trace.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use cryptoki_sys::{CK_RV, CK_SESSION_HANDLE, CKR_OK};

use super::fork::{self, Call};
use crate::module::current;
use crate::rv::{Result, Rv};

/// Runs a function for the application. A panic becomes `CKR_GENERAL_ERROR`: unwinding into C is
/// undefined behaviour, and an error of ours must not end someone else's process.
pub(super) fn call(name: &'static str, function: impl FnOnce() -> Result<()>) -> CK_RV {
    let _call = Call::begin();
    let result = catch_unwind(AssertUnwindSafe(function)).unwrap_or(Err(Rv::GENERAL_ERROR));
    match result {
        Ok(()) => {
            tracing::trace!(target: "keybridge::pkcs11", "{name}: CKR_OK");
            CKR_OK
        }
        Err(rv) => {
            tracing::debug!(target: "keybridge::pkcs11", "{name}: {rv}");
            rv.code()
        }
    }
}

/// As [`call`], for a function that takes a session: where there is no such session, that is the
/// error, whatever else is wrong ("More on relative priorities of Cryptoki errors").
pub(super) fn call_in_session(
    name: &'static str,
    session: CK_SESSION_HANDLE,
    function: impl FnOnce() -> Result<()>,
) -> CK_RV {
    call(name, || {
        function().map_err(|rv| match current() {
            Ok(instance) if !instance.sessions.contains(session) => Rv::SESSION_HANDLE_INVALID,
            _ => rv,
        })
    })
}

/// Keeps the messages of panics that the guard catches off the application's standard error: they
/// go to the log, if there is one. Panics elsewhere in the process stay as they were.
pub(super) fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if fork::in_call() {
                tracing::error!(target: "keybridge::pkcs11", "caught: {panic}");
            } else {
                others(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_general_error() {
        install_panic_hook();
        assert_eq!(
            call("test", || panic!("on purpose")),
            Rv::GENERAL_ERROR.code()
        );
        assert_eq!(call("test", || Ok(())), CKR_OK);
    }
}
