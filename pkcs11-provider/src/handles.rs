//! Object handles: numbers for this process that stand for the token's objects.
//!
//! A handle means the same object for as long as the process has the module initialized, and no
//! number is given twice. The handle of a private object ends with the login under which it was
//! given (PKCS#11 3.2, "C_Logout": "any of the application's handles to private objects become
//! invalid").

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cryptoki_sys::CK_OBJECT_HANDLE;
use keybridge_core::ObjectId;

/// Locks that threads share are split this many ways.
const SHARDS: usize = 16;

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// Index of the slot.
    pub(crate) slot: usize,
    /// The object.
    pub(crate) object: ObjectId,
    /// The slot's login epoch when the handle was given.
    pub(crate) epoch: u64,
}

/// The handles of a process.
pub(crate) struct Handles {
    next: AtomicU64,
    meanings: Shards<CK_OBJECT_HANDLE, Meaning>,
    given: Shards<(usize, ObjectId), (CK_OBJECT_HANDLE, u64)>,
}

impl Handles {
    pub(crate) fn new() -> Self {
        Handles {
            next: AtomicU64::new(1),
            meanings: Shards::new(),
            given: Shards::new(),
        }
    }

    /// The handle of an object: the one it has, or a new one.
    pub(crate) fn give(&self, meaning: Meaning) -> CK_OBJECT_HANDLE {
        let key = (meaning.slot, meaning.object);
        let shard = shard_of_object(meaning.object);
        if let Some((handle, epoch)) = self.given.read(shard).get(&key).copied()
            && epoch == meaning.epoch
        {
            return handle;
        }
        let mut given = self.given.write(shard);
        match given.get(&key) {
            // Another thread was faster.
            Some((handle, epoch)) if *epoch == meaning.epoch => *handle,
            _ => {
                let handle = self.next.fetch_add(1, Ordering::Relaxed) as CK_OBJECT_HANDLE;
                given.insert(key, (handle, meaning.epoch));
                self.meanings
                    .write(shard_of(handle))
                    .insert(handle, meaning);
                handle
            }
        }
    }

    /// What a handle stands for.
    pub(crate) fn get(&self, handle: CK_OBJECT_HANDLE) -> Option<Meaning> {
        self.meanings.read(shard_of(handle)).get(&handle).copied()
    }

    /// Forgets the newest handle of an object that is gone. One of an earlier login stands for
    /// nothing any more either way.
    pub(crate) fn forget(&self, slot: usize, object: ObjectId) {
        let shard = shard_of_object(object);
        let newest = self.given.write(shard).remove(&(slot, object));
        if let Some((handle, _)) = newest {
            self.meanings.write(shard_of(handle)).remove(&handle);
        }
    }
}

/// By the last byte: the first tell the time.
fn shard_of_object(object: ObjectId) -> usize {
    object.as_bytes()[15].into()
}

fn shard_of(handle: CK_OBJECT_HANDLE) -> usize {
    handle as usize
}

/// A map behind several locks; whoever looks says which.
struct Shards<K, V>([RwLock<HashMap<K, V>>; SHARDS]);

impl<K: Eq + Hash, V> Shards<K, V> {
    fn new() -> Self {
        Shards(std::array::from_fn(|_| RwLock::default()))
    }

    fn read(&self, shard: usize) -> RwLockReadGuard<'_, HashMap<K, V>> {
        self.0[shard % SHARDS]
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, shard: usize) -> RwLockWriteGuard<'_, HashMap<K, V>> {
        self.0[shard % SHARDS]
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_keeps_its_handle_for_a_login() {
        let handles = Handles::new();
        let meaning = Meaning {
            slot: 0,
            object: ObjectId::random(),
            epoch: 1,
        };
        let first = handles.give(meaning);
        assert_eq!(handles.give(meaning), first);
        assert_eq!(handles.get(first), Some(meaning));
        let later = handles.give(Meaning {
            epoch: 2,
            ..meaning
        });
        assert_ne!(first, later);
        // The old one still says what it stood for: the object may be public.
        assert_eq!(handles.get(first), Some(meaning));
        handles.forget(0, meaning.object);
        assert_eq!(handles.get(later), None);
        assert_ne!(
            handles.give(Meaning {
                epoch: 2,
                ..meaning
            }),
            later
        );
    }

    #[test]
    fn slots_do_not_share_handles() {
        let handles = Handles::new();
        let object = ObjectId::random();
        let one = handles.give(Meaning {
            slot: 0,
            object,
            epoch: 0,
        });
        let two = handles.give(Meaning {
            slot: 1,
            object,
            epoch: 0,
        });
        assert_ne!(one, two);
        assert_eq!(handles.get(0), None);
    }
}
