//! Session objects: they live in this process's memory and end with their PKCS#11 session. They go the same
//! request path as stored ones.

use std::sync::{Arc, PoisonError, RwLock};

use super::cache::{IdMap, Loaded};
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::model::{ApplicationId, Lifetime, SessionId};

#[derive(Default)]
struct Entries {
    objects: IdMap<ObjectId, Arc<Loaded>>,
    /// Identifiers in order of creation: searches answer in that order.
    order: Vec<ObjectId>,
}

#[derive(Default)]
pub(super) struct SessionObjects {
    entries: RwLock<Entries>,
}

impl SessionObjects {
    pub(super) fn get(&self, id: ObjectId) -> Option<Arc<Loaded>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        if entries.objects.is_empty() {
            return None;
        }
        entries.objects.get(&id).cloned()
    }

    /// Those of an application.
    pub(super) fn of(&self, application: ApplicationId) -> Vec<Arc<Loaded>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries
            .order
            .iter()
            .filter_map(|id| entries.objects.get(id))
            .filter(|loaded| loaded.object.lifetime.is_known_to(application))
            .cloned()
            .collect()
    }

    /// Adds an object.
    pub(super) fn add(&self, loaded: Arc<Loaded>, limit: usize) -> Result<()> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.objects.len() >= limit {
            return Err(Error::Limit {
                name: "session-objects",
                limit: limit as u64,
            });
        }
        entries.order.push(loaded.object.id);
        entries.objects.insert(loaded.object.id, loaded);
        Ok(())
    }

    /// Puts a changed object in the place of the one that was changed; false if that is not there any more, as
    /// somebody else has changed or removed it meanwhile.
    pub(super) fn replace(&self, old: &Arc<Loaded>, new: Arc<Loaded>) -> bool {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        match entries.objects.get_mut(&old.object.id) {
            Some(place) if Arc::ptr_eq(place, old) => {
                *place = new;
                true
            }
            _ => false,
        }
    }

    pub(super) fn remove(&self, id: ObjectId) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.objects.remove(&id);
        entries.order.retain(|other| *other != id);
    }

    pub(super) fn end(&self, session: SessionId) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.objects.is_empty() {
            return;
        }
        entries
            .objects
            .retain(|_, loaded| loaded.object.lifetime != Lifetime::Session(session));
        let Entries { objects, order } = &mut *entries;
        order.retain(|id| objects.contains_key(id));
    }
}
