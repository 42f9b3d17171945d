//! Session objects: they live in this process's memory and end with their PKCS#11 session. They go the same
//! request path as stored ones.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::cache::{IdMap, Loaded};
use crate::error::{Error, Result};
use crate::id::{AccountId, ObjectId};
use crate::model::{ApplicationId, Lifetime, Object, SessionId};
use crate::settings::Limits;

#[derive(Default)]
struct Entries {
    objects: IdMap<ObjectId, Arc<Loaded>>,
    /// Identifiers in order of creation, in which searches answer, by application: what one has costs no other one time.
    order: HashMap<ApplicationId, Vec<ObjectId>>,
    /// How many objects an account has.
    counts: HashMap<AccountId, usize>,
}

impl Entries {
    /// Removes those of an application that are not to stay.
    fn retain(&mut self, application: ApplicationId, stays: impl Fn(&Loaded) -> bool) {
        let Entries {
            objects,
            order,
            counts,
        } = self;
        let Some(own) = order.get_mut(&application) else {
            return;
        };
        own.retain(|id| {
            let Some(loaded) = objects.get(id) else {
                return false;
            };
            if stays(loaded) {
                return true;
            }
            let account = loaded.object.account;
            objects.remove(id);
            if let Some(count) = counts.get_mut(&account) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&account);
                }
            }
            false
        });
        if own.is_empty() {
            order.remove(&application);
        }
    }
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
        let own = entries.order.get(&application).into_iter().flatten();
        own.filter_map(|id| entries.objects.get(id).cloned())
            .collect()
    }

    /// Adds an object.
    ///
    /// # Errors
    /// [`Error::Limit`].
    pub(super) fn add(&self, loaded: Arc<Loaded>, limits: &Limits) -> Result<()> {
        let object = &loaded.object;
        let (id, application) = (object.id, application_of(object));
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let of_account = entries.counts.get(&object.account).copied().unwrap_or(0);
        for (count, name, limit) in [
            (of_account, "session-objects", limits.session_objects),
            (
                entries.objects.len(),
                "session-objects-in-all",
                limits.session_objects_in_all,
            ),
        ] {
            if count >= limit {
                let limit = limit as u64;
                return Err(Error::Limit { name, limit });
            }
        }
        *entries.counts.entry(object.account).or_default() += 1;
        entries.order.entry(application).or_default().push(id);
        entries.objects.insert(id, loaded);
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
        if let Some(loaded) = entries.objects.get(&id) {
            let application = application_of(&loaded.object);
            entries.retain(application, |other| other.object.id != id);
        }
    }

    pub(super) fn end(&self, session: SessionId) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.retain(session.application(), |loaded| {
            loaded.object.lifetime != Lifetime::Session(session)
        });
    }
}

fn application_of(object: &Object) -> ApplicationId {
    match object.lifetime {
        Lifetime::Session(session) => session.application(),
        Lifetime::Stored => ApplicationId::NONE,
    }
}
