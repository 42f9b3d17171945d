//! What stands around every exported function: the panic guard and the trace.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use cryptoki_sys::{CK_RV, CKR_OK};

use crate::rv::{Result, Rv};

thread_local! {
    /// Whether this thread is inside one of our functions, so that a panic's message is ours.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs a function for the application. A panic becomes `CKR_GENERAL_ERROR`: unwinding into C is
/// undefined behaviour, and an error of ours must not end someone else's process.
pub(super) fn call(name: &'static str, function: impl FnOnce() -> Result<()>) -> CK_RV {
    let outermost = enter();
    let result = catch_unwind(AssertUnwindSafe(function)).unwrap_or(Err(Rv::GENERAL_ERROR));
    if outermost {
        leave();
    }
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

/// `try_with`, because an application may call from an exit handler, when the thread's variables
/// are gone already.
fn enter() -> bool {
    INSIDE
        .try_with(|inside| !inside.replace(true))
        .unwrap_or(false)
}

fn leave() {
    let _ = INSIDE.try_with(|inside| inside.set(false));
}

/// Keeps the messages of panics that the guard catches off the application's standard error: they
/// go to the log, if there is one. Panics elsewhere in the process stay as they were.
pub(super) fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if INSIDE.try_with(Cell::get).unwrap_or(false) {
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
