//! Stores that a `fork` left in a child.
//!
//! SQLite keeps in the process's memory which locks the process has on a file, and shares that among all
//! connections to it. In a child this memory tells of locks that the parent has and the child has not:
//! a store that the child opens would run without them, and when the parent is gone, others would take
//! the log away from under it. So before a child opens a store, the connections that it inherited are
//! closed, which makes SQLite forget. Closing does nothing to the parent's locks (they are not the
//! child's to release), nor to the files while the parent has them open.
//!
//! A connection that was in use at the moment of the `fork` cannot be closed safely. Then the child may not
//! open a store at all; it is told so, which is better than losing what it writes.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};
use std::time::{Duration, Instant};

use super::Parts;
use crate::error::{Error, Result};

/// The list is held for as long as it takes to close what was inherited.
const PATIENCE: Duration = Duration::from_secs(2);

/// Every open store, this process's and those that came by `fork`.
static STORES: Mutex<Vec<Weak<Parts>>> = Mutex::new(Vec::new());

/// Notes a store that this process opened.
pub(super) fn note(store: &Arc<Parts>) {
    let mut stores = match STORES.lock() {
        Ok(stores) => stores,
        Err(poisoned) => poisoned.into_inner(),
    };
    stores.retain(|store| store.strong_count() > 0);
    stores.push(Arc::downgrade(store));
}

/// Closes what this process inherited.
pub(super) fn close() -> Result<()> {
    let refused = || {
        Error::Store(
            "this process was forked while another thread was using the store; \
             fork before, or start a new program"
                .into(),
        )
    };
    let stores = stores().ok_or_else(refused)?;
    for store in stores.iter().filter_map(Weak::upgrade) {
        if !store.owner.is_this_process() && !store.abandon() {
            return Err(refused());
        }
    }
    Ok(())
}

/// The list. None if a thread that does not exist here was at it when the process was forked: one that
/// does would be done in less than [`PATIENCE`].
fn stores() -> Option<MutexGuard<'static, Vec<Weak<Parts>>>> {
    let started = Instant::now();
    loop {
        match STORES.try_lock() {
            Ok(stores) => return Some(stores),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                std::thread::yield_now();
            }
            Err(TryLockError::WouldBlock) => return None,
        }
    }
}
