//! Stores that a `fork` left in a child.
//!
//! SQLite keeps in the process's memory which locks the process has on a file, and shares that among all
//! connections to it. In a child this memory tells of locks that the parent has and the child has not:
//! a store that the child opens would run without them, and when the parent is gone, others would take
//! the log away from under it. So before a child opens a store, the connections that it inherited are
//! closed, which makes SQLite forget. Closing does nothing to the parent's locks (they are not the
//! child's to release), nor to the files while the parent has them open.
//!
//! A connection that was in use at the moment of the `fork` cannot be closed safely. Then the child may
//! not open a store at all; it is told so, which is better than losing what it writes. Where any thread
//! may fork at any moment (a program that uses the PKCS#11 module), forks wait for the calls under way.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Parts;
use crate::error::{Error, Result};

/// Every open store, this process's and those that came by `fork`.
static STORES: Mutex<Vec<Weak<Parts>>> = Mutex::new(Vec::new());

/// Notes a store that this process opened.
pub(super) fn note(store: &Arc<Parts>) {
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    stores.retain(|store| store.strong_count() > 0);
    stores.push(Arc::downgrade(store));
}

/// Closes what this process inherited.
pub(super) fn close() -> Result<()> {
    let stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    for store in stores.iter().filter_map(Weak::upgrade) {
        if !store.owner.is_this_process() && !store.abandon() {
            return Err(Error::Store(
                "this process was forked in the middle of a call to the store; \
                 fork before or after, or start a new program"
                    .into(),
            ));
        }
    }
    Ok(())
}
