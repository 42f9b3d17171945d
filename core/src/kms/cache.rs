//! Objects kept ready in memory, and how they are known to be current.
//!
//! The cache has a *change number*: it reflects the store as of that commit. [`crate::store::Store::is_current`] tells for a
//! few nanoseconds whether there was a later one, by any process; only then is the store asked what
//! changed, and just those entries go.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::imprints::Held;
use super::roles::KnownRole;
use crate::audit::Target;
use crate::authorize::{Caller, Door, Origin};
use crate::engine::ReadyKey;
use crate::error::Result;
use crate::id::{AccountId, KeyId, ObjectId};
use crate::model::{Conventions, KeyState, Object, Principal};
use crate::store::{self, Change, ChangeNumber, Changes, Store};

/// Addresses from which one certificate's callers are remembered.
const CALLERS: usize = 64;

/// An object with its key ready to use.
pub(super) struct Loaded {
    /// The object, with its material.
    pub(super) object: Arc<Object>,
    /// Whether its version is the primary one of its key, once somebody asked.
    pub(super) primary: OnceLock<bool>,
    /// Whether a date of it may change what is allowed from one moment to the next.
    pub(super) timed: bool,
    /// What it is to the audit.
    pub(super) target: Target,
    /// The role that its value has taken, once known.
    pub(super) role: KnownRole,
    /// What this process remembers of a session object's value.
    pub(super) held: Option<Arc<Held>>,
    /// The parsed key, once somebody used it.
    pub(super) ready: OnceLock<Arc<dyn ReadyKey>>,
}

impl Loaded {
    pub(super) fn new(object: Object, held: Option<Arc<Held>>) -> Self {
        let dates = &object.dates;
        let timed = dates.process_start.is_some()
            || dates.protect_stop.is_some()
            || dates.deactivation.is_some()
            || object.state == crate::model::ObjectState::PreActive;
        Self {
            target: Target::new(&object),
            object: Arc::new(object),
            primary: OnceLock::new(),
            timed,
            role: KnownRole::default(),
            held,
            ready: OnceLock::new(),
        }
    }
}

/// Identifiers end in random bits: their own bytes are hash enough.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = self.0.rotate_left(5) ^ u64::from_le_bytes(word);
        }
    }
}

pub(super) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

#[derive(Default)]
struct Entries {
    /// The commit that the entries reflect.
    number: ChangeNumber,
    objects: IdMap<ObjectId, Arc<Loaded>>,
    gates: IdMap<KeyId, KeyState>,
    conventions: IdMap<AccountId, Arc<Conventions>>,
    /// By certificate fingerprint: the principal, and the callers it has been so far.
    principals: HashMap<String, (Arc<Principal>, Vec<Arc<Caller>>)>,
}

pub(super) struct Cache {
    /// Copy of `Entries::number`, to be read without the lock; [`store::NOTHING_SEEN`] at first: an empty cache has nothing
    /// to drop, and need not be told what changed before it.
    number: AtomicU64,
    /// How often principals have changed, as far as this cache saw; begins at 1. Read after [`Cache::freshen`]
    /// and before a principal is: then what is read is as new as the number, or newer.
    principal_changes: AtomicU64,
    entries: RwLock<Entries>,
    limit: usize,
}

impl Cache {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            number: AtomicU64::new(store::NOTHING_SEEN),
            principal_changes: AtomicU64::new(1),
            entries: RwLock::default(),
            limit,
        }
    }

    /// Brings the cache up to the store's last commit and returns its number.
    pub(super) fn freshen(&self, store: &dyn Store) -> Result<ChangeNumber> {
        let number = self.number.load(Ordering::Acquire);
        if store.is_current(number) {
            return Ok(number);
        }
        let changes = store.changes_since(number)?;
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let number = match changes {
            Changes::Known(number, changes) => {
                let mut principals = 0;
                for change in changes {
                    principals += u64::from(matches!(change, Change::Principal(_)));
                    entries.drop_changed(change);
                }
                self.principal_changes
                    .fetch_add(principals, Ordering::Relaxed);
                number
            }
            Changes::Everything(number) => {
                *entries = Entries::default();
                self.principal_changes.fetch_add(1, Ordering::Relaxed);
                number
            }
        };
        // Another thread may have gone further meanwhile; what it dropped stays dropped.
        entries.number = entries.number.max(number);
        self.number.store(entries.number, Ordering::Release);
        Ok(entries.number)
    }

    /// How often principals have changed, as of the last [`Cache::freshen`] of this thread.
    pub(super) fn principal_changes(&self) -> u64 {
        self.principal_changes.load(Ordering::Relaxed)
    }

    pub(super) fn object(&self, id: ObjectId) -> Option<Arc<Loaded>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.objects.get(&id).cloned()
    }

    pub(super) fn gate(&self, id: KeyId) -> Option<KeyState> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.gates.get(&id).copied()
    }

    pub(super) fn principal(&self, fingerprint: &str) -> Option<Arc<Principal>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries
            .principals
            .get(fingerprint)
            .map(|(principal, _)| Arc::clone(principal))
    }

    /// The caller that a certificate was before, from the same place through the same door: one caller
    /// is one actor in the audit's journal, however many requests it makes.
    pub(super) fn caller(
        &self,
        fingerprint: &str,
        origin: Origin,
        door: Door,
    ) -> Option<Arc<Caller>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let (_, callers) = entries.principals.get(fingerprint)?;
        callers
            .iter()
            .find(|caller| caller.origin() == origin && caller.door() == door)
            .cloned()
    }

    pub(super) fn keep_caller(&self, fingerprint: &str, caller: &Arc<Caller>) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((principal, callers)) = entries.principals.get_mut(fingerprint)
            && principal.id == caller.principal()
        {
            if callers.len() >= CALLERS {
                callers.clear();
            }
            callers.push(Arc::clone(caller));
        }
    }

    /// Keeps what was read from the store as of `number`, unless the cache knows of a later commit
    /// already: then it may be stale.
    pub(super) fn keep_object(&self, number: ChangeNumber, loaded: &Arc<Loaded>) {
        self.keep(number, |entries| {
            entries.objects.insert(loaded.object.id, Arc::clone(loaded));
        });
    }

    pub(super) fn keep_gate(&self, number: ChangeNumber, id: KeyId, state: KeyState) {
        self.keep(number, |entries| {
            entries.gates.insert(id, state);
        });
    }

    pub(super) fn conventions(&self, account: AccountId) -> Option<Arc<Conventions>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.conventions.get(&account).cloned()
    }

    pub(super) fn keep_conventions(
        &self,
        number: ChangeNumber,
        account: AccountId,
        conventions: &Arc<Conventions>,
    ) {
        self.keep(number, |entries| {
            entries.conventions.insert(account, Arc::clone(conventions));
        });
    }

    pub(super) fn keep_principal(
        &self,
        number: ChangeNumber,
        fingerprint: &str,
        principal: &Arc<Principal>,
    ) {
        self.keep(number, |entries| {
            entries
                .principals
                .insert(fingerprint.to_owned(), (Arc::clone(principal), Vec::new()));
        });
    }

    fn keep(&self, number: ChangeNumber, insert: impl FnOnce(&mut Entries)) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if number >= entries.number {
            // The simplest bound: a working set beyond it is read again from the store.
            if entries.objects.len() >= self.limit {
                entries.objects.clear();
            }
            if entries.gates.len() >= self.limit {
                entries.gates.clear();
            }
            if entries.conventions.len() >= self.limit {
                entries.conventions.clear();
            }
            if entries.principals.len() >= self.limit {
                entries.principals.clear();
            }
            insert(&mut entries);
        }
    }
}

impl Entries {
    fn drop_changed(&mut self, change: Change) {
        match change {
            Change::Object(id) => {
                self.objects.remove(&id);
            }
            Change::Key(id) => {
                self.gates.remove(&id);
            }
            Change::Principal(_) => self.principals.clear(),
            Change::Account(id) => {
                self.conventions.remove(&id);
            }
            Change::Alias => {}
        }
    }
}
