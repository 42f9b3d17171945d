//! Copies of objects.

use std::sync::Arc;

use super::Kms;
use super::change::check_object;
use super::check_value::OwnCheckValue;
use super::rules;
use crate::audit::Verb;
use crate::authorize::{Caller, Resource, authorize};
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::model::{Attributes, Imprint, Lifetime, Object};

impl Kms {
    /// Copies an object; `edit` changes the copy's attributes within the rules of [`Kms::modify`]. The copy is of
    /// the same version of the same key, so the same gate stands before it.
    ///
    /// # Errors
    /// [`Error::ActionProhibited`] when it is not copyable, attribute and limit errors.
    pub fn copy(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        lifetime: Lifetime,
        edit: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<ObjectId> {
        let source = self.refusable(caller, Verb::Copy, Some(object), || {
            self.admit(caller)?;
            let source = self.load(object)?;
            // The source is looked at only; what is made is the copy.
            check_object(caller, Verb::Inspect, &source.object)?;
            Ok(source)
        })?;
        let own = self.refusable(caller, Verb::Copy, Some(object), || {
            self.check_value_ahead(caller, Verb::Inspect, &source, edit)
        })?;
        if lifetime != Lifetime::Stored {
            let id = self.refusable(caller, Verb::Copy, Some(object), || {
                let copy = self.copy_of(caller, &source.object, lifetime, edit, own)?;
                let id = copy.id;
                self.add_session_object(copy)?;
                Ok(id)
            })?;
            self.record_use_of(caller, Verb::Copy, object, None, "session")?;
            return Ok(id);
        }
        let stored = source.object.lifetime == Lifetime::Stored;
        if !stored {
            self.refusable(caller, Verb::Copy, Some(object), || {
                self.imprint_stored(&source, Imprint::default(), None)
            })?;
        }
        self.change(caller, Verb::Copy, |change| {
            change.record.object = Some(object);
            let mut copy = if stored {
                // As it is now: what was read before may have become sensitive, or be destroyed.
                let source = change.object_unchecked(object)?;
                check_object(caller, Verb::Inspect, &source)?;
                self.copy_of(caller, &source, lifetime, edit, own)?
            } else {
                self.copy_of(caller, &source.object, lifetime, edit, own)?
            };
            change.record.detail = format!("copy {}", copy.id);
            change.add_object(&mut copy)?;
            if let Some(key) = copy.key
                && let Some(mut key) = change.key_unchecked(key)?
            {
                let version = key
                    .versions
                    .iter_mut()
                    .find(|version| version.number == copy.version);
                if let Some(version) = version {
                    version.copies.push(copy.id);
                }
                change.put_key(&key)?;
            }
            Ok(copy.id)
        })
    }

    /// The copy to be, within the rules.
    fn copy_of(
        &self,
        caller: &Caller,
        source: &Object,
        lifetime: Lifetime,
        edit: &mut dyn FnMut(&mut Attributes) -> Result<()>,
        own: Option<OwnCheckValue>,
    ) -> Result<Object> {
        // Of a key that may be used so many times a copy would be as many times more.
        if !source.attributes.copyable || source.attributes.usage_limits.is_some() {
            return Err(Error::ActionProhibited("copied"));
        }
        let mut copy = Object::clone(source);
        copy.id = ObjectId::random();
        copy.lifetime = lifetime;
        edit(&mut copy.attributes)?;
        rules::check_copy(caller, &source.attributes, &copy.attributes)?;
        let resource = Resource::to_be(caller, &copy.attributes, lifetime);
        authorize(caller, Verb::Copy, Some(&resource))?;
        self.settle_check_value_known(&mut copy, own)?;
        copy.attributes.names.clear();
        Ok(copy)
    }
}
