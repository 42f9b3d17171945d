//! Noticing a fork.
//!
//! A child of `fork()` has a copy of the parent's memory but none of its other threads, so a lock
//! that one of them held stays held for ever, and a database connection or a socket is shared with
//! the parent. The child therefore uses nothing of what it inherited: it sees a module that was
//! never initialized (PKCS#11 usage guide, "Applications and processes": parent and child are not
//! the same application), and what the parent had built is left alone in it, not even freed.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many forks lie between the first process that loaded the module and this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// The current process's generation. What was made under another one belongs to a parent.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Makes sure that forks are noticed from now on.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handler only adds to an atomic, which is safe in a child of a process with
        // many threads. libc removes the handler when this library is unloaded.
        let result = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        if result != 0 {
            tracing::error!(target: "keybridge::pkcs11", "forks go unnoticed: error {result}");
        }
    });
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
