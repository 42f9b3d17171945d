//! Objects that come with their value: registered, unwrapped, derived.

use std::sync::Arc;

use super::Kms;
use super::arrival::{Arrival, bring_along};
use super::change::Change;
use super::create::new_object;
use super::request::Register;
use super::rules;
use crate::algorithm::KeySpec;
use crate::audit::Verb;
use crate::authorize::{Caller, Resource, authorize};
use crate::encoding;
use crate::engine::NewKey;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::lifecycle;
use crate::model::{Imprint, Lifetime, Material, Object, ObjectClass, Protection};
use crate::secret::SecretBytes;

/// What a value comes from: by default from outside, where anybody may have seen it.
#[derive(Clone, Copy, Default)]
pub(super) struct Descent {
    /// From what was always sensitive.
    pub(super) always_sensitive: bool,
    /// From what was never extractable.
    pub(super) never_extractable: bool,
}

impl Descent {
    pub(super) const fn of(source: &Object) -> Self {
        Self {
            always_sensitive: source.always_sensitive,
            never_extractable: source.never_extractable,
        }
    }

    /// From both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            always_sensitive: self.always_sensitive && other.always_sensitive,
            never_extractable: self.never_extractable && other.never_extractable,
        }
    }
}

impl Kms {
    /// Brings in an object with its value.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`], [`Error::KeyUnsupported`], attribute and limit errors.
    pub fn register(&self, caller: &Arc<Caller>, request: Register) -> Result<ObjectId> {
        self.register_as(caller, Verb::Register, request, Descent::default(), &|_| {
            Ok(())
        })
    }

    /// Brings in several objects that live equally long: all of them, or none.
    ///
    /// # Errors
    /// As [`Kms::register`].
    pub fn register_all(
        &self,
        caller: &Arc<Caller>,
        requests: Vec<Register>,
    ) -> Result<Vec<ObjectId>> {
        let (verb, descent) = (Verb::Register, Descent::default());
        self.register_all_as(caller, verb, requests, descent, &|_| Ok(()))
    }

    /// [`Kms::register`] under another verb (unwrap, derive). `descent`: what the value comes from. `fits` has the
    /// last word on the finished object, before it is kept.
    pub(super) fn register_as(
        &self,
        caller: &Arc<Caller>,
        verb: Verb,
        request: Register,
        descent: Descent,
        fits: &dyn Fn(&Object) -> Result<()>,
    ) -> Result<ObjectId> {
        let made = self.register_all_as(caller, verb, vec![request], descent, fits)?;
        let none = || Error::Internal("nothing was registered".into());
        made.first().copied().ok_or_else(none)
    }

    /// [`Kms::register_all`] as [`Kms::register_as`] does it.
    pub(super) fn register_all_as(
        &self,
        caller: &Arc<Caller>,
        verb: Verb,
        requests: Vec<Register>,
        descent: Descent,
        fits: &dyn Fn(&Object) -> Result<()>,
    ) -> Result<Vec<ObjectId>> {
        let mut built = Vec::with_capacity(requests.len());
        let result = self
            .build_all(caller, verb, (requests, descent), fits, &mut built)
            .and_then(|()| self.keep_all(caller, verb, &mut built));
        self.or_undo(result, &built)
    }

    /// Brings in stored objects in one transaction, which begins with `first`.
    pub(super) fn register_stored(
        &self,
        caller: &Arc<Caller>,
        verb: Verb,
        requests: Vec<Register>,
        first: impl FnOnce(&mut Change<'_>) -> Result<()>,
    ) -> Result<Vec<ObjectId>> {
        let mut built = Vec::with_capacity(requests.len());
        let from_outside = (requests, Descent::default());
        let result = self
            .build_all(caller, verb, from_outside, &|_| Ok(()), &mut built)
            .and_then(|()| {
                self.change(caller, verb, |change| {
                    change.authorize()?;
                    first(change)?;
                    change.arrive_all(&mut built)
                })
            });
        self.or_undo(result, &built)
    }

    fn build_all(
        &self,
        caller: &Arc<Caller>,
        verb: Verb,
        (requests, descent): (Vec<Register>, Descent),
        fits: &dyn Fn(&Object) -> Result<()>,
        built: &mut Vec<(Object, Arrival)>,
    ) -> Result<()> {
        self.refusable(caller, verb, None, || {
            for mut request in requests {
                let arrival = Arrival::of(&mut request);
                let object = self.build_registered(caller, verb, request, descent)?;
                built.push((object, arrival));
                if let Some((object, _)) = built.last_mut() {
                    fits(object)?;
                    self.settle_check_value(object)?;
                }
            }
            Ok(())
        })
    }

    /// What was brought into an HSM and is not kept must not stay there.
    fn or_undo<T>(&self, result: Result<T>, built: &[(Object, Arrival)]) -> Result<T> {
        if result.is_err() {
            for (object, _) in built {
                self.undo_generation(object);
            }
        }
        result
    }

    fn keep_all(
        &self,
        caller: &Arc<Caller>,
        verb: Verb,
        built: &mut Vec<(Object, Arrival)>,
    ) -> Result<Vec<ObjectId>> {
        let stored = |own: &&(Object, Arrival)| own.0.lifetime == Lifetime::Stored;
        match built.iter().filter(stored).count() {
            0 => {
                let objects = built.drain(..).map(|(object, _)| object);
                return self.keep_all_in_session(caller, verb, objects.collect());
            }
            all if all == built.len() => {}
            _ => {
                return Err(Error::InvalidRequest(
                    "a session's object among others".into(),
                ));
            }
        }
        self.change(caller, verb, |change| {
            change.authorize()?;
            change.arrive_all(built)
        })
    }

    fn keep_all_in_session(
        &self,
        caller: &Arc<Caller>,
        verb: Verb,
        objects: Vec<Object>,
    ) -> Result<Vec<ObjectId>> {
        let ids: Vec<ObjectId> = objects.iter().map(|own| own.id).collect();
        self.refusable(caller, verb, None, || {
            for (index, object) in objects.into_iter().enumerate() {
                let added = self.add_session_object(object);
                added.inspect_err(|_| {
                    ids[..index].iter().for_each(|id| self.sessions.remove(*id))
                })?;
            }
            Ok(())
        })?;
        for id in &ids {
            self.record_use_of(caller, verb, *id, None, "session")?;
        }
        Ok(ids)
    }

    fn build_registered(
        &self,
        caller: &Caller,
        verb: Verb,
        request: Register,
        descent: Descent,
    ) -> Result<Object> {
        let resource = Resource::to_be(caller, &request.attributes, request.lifetime);
        self.admit(caller)?;
        authorize(caller, verb, Some(&resource))?;
        rules::check_new(caller, &request.attributes)?;
        // What is imported has a past: a revocation may have come before any of its dates.
        if request.imported.is_none() {
            lifecycle::check_date_order(&request.dates)?;
        }
        let policy = self.policies.of(caller.account(), self)?;
        if let Some(spec) = request.spec {
            policy.check_kind(spec, request.key_gen_mechanism)?;
        }
        let limit = self.settings.limits.object_bytes;
        if request
            .value
            .as_ref()
            .is_some_and(|value| value.len() > limit)
        {
            return Err(Error::Limit {
                name: "object-bytes",
                limit: limit as u64,
            });
        }
        let brought = request.imported.unwrap_or_default();
        if brought.id.is_some() && request.protection != Protection::Software {
            // In the HSM a key is found by its identifier: a second one of the same would be taken for the first.
            return Err(Error::InvalidRequest(
                "what goes to an HSM gets a new identifier".into(),
            ));
        }
        let id = brought.id.unwrap_or_else(ObjectId::random);
        let mut object = new_object(caller, id, request.class, request.attributes, request.dates);
        bring_along(&mut object, brought);
        object.spec = request.spec;
        object.lifetime = request.lifetime;
        object.format = request.format;
        object.key_gen_mechanism = request.key_gen_mechanism;
        object.protection = match request.class {
            ObjectClass::SecretKey | ObjectClass::PrivateKey
                if request.lifetime == Lifetime::Stored =>
            {
                request.protection
            }
            _ => Protection::Software,
        };
        if let (ObjectClass::PrivateKey, Some(value)) = (request.class, &request.value) {
            // A kind that the encodings do not know is kept without its public half.
            object.public_key_info = encoding::public_key_info_of(value.expose()).ok();
        }
        if let Some(value) = request.value {
            if policy.sticky_sensitivity {
                self.bind_to_past(&mut object, value.expose())?;
            }
            self.put_value(caller, &mut object, value)?;
        }
        // Only what was so all along can have been so always.
        object.always_sensitive = descent.always_sensitive && object.attributes.sensitive;
        object.never_extractable = descent.never_extractable && !object.attributes.extractable;
        Ok(object)
    }

    /// Makes an object as strict as its value has been before.
    fn bind_to_past(&self, object: &mut Object, value: &[u8]) -> Result<()> {
        let strictest = Imprint {
            role: None,
            sensitive: true,
            unextractable: true,
            wrap_with_trusted: true,
            wrapped_hidden: false,
        };
        let said = Imprint::of(&object.attributes);
        if !object.class.is_secret() || said.and(strictest) == said {
            return Ok(());
        }
        let mut past = self.remembered(self.fingerprint_of_value(object, value))?;
        // A private key may come back as one, or as bytes that happen to be one.
        let info = match &object.public_key_info {
            Some(info) => Some(info.clone()),
            None => encoding::public_key_info_of(value).ok(),
        };
        if let Some(info) = info {
            past = past.and(self.remembered(self.fingerprint_of_pair(object.account, &info))?);
        }
        past.bind(&mut object.attributes);
        Ok(())
    }

    /// [`Kms::take_value`], and the fingerprint of what an HSM takes.
    fn put_value(&self, caller: &Caller, object: &mut Object, value: SecretBytes) -> Result<()> {
        let fingerprint = match object.class {
            ObjectClass::SecretKey => Some(self.fingerprint_of_value(object, value.expose())),
            _ => None,
        };
        object.material = self.take_value(caller, object, value)?;
        if matches!(
            object.material,
            Material::Resident { .. } | Material::Wrapped { .. }
        ) {
            object.fingerprint = fingerprint;
        }
        Ok(())
    }

    /// Validates a value and puts it where it belongs.
    fn take_value(&self, caller: &Caller, object: &Object, value: SecretBytes) -> Result<Material> {
        if object.class.is_key() && object.spec.is_none() {
            return Err(Error::InvalidMaterial(
                "the kind of key is not known".into(),
            ));
        }
        match (object.class, object.spec) {
            (ObjectClass::SecretKey | ObjectClass::PrivateKey, Some(spec)) => {
                let new = NewKey {
                    id: object.id,
                    spec,
                    attributes: &object.attributes,
                    public_exponent: None,
                };
                let engine = self.engines.by_protection(&object.protection)?;
                let place = (&object.protection, object.lifetime);
                self.intend(caller, object.id, place, spec)?;
                self.made(object.id, &object.protection, engine.import(&new, value))
            }
            (ObjectClass::PublicKey, Some(KeySpec::Foreign { .. })) => {
                Ok(Material::Public(value.expose().to_vec()))
            }
            (ObjectClass::PublicKey, _) => {
                let mut candidate = object.clone();
                candidate.material = Material::Public(value.expose().to_vec());
                // Parsing it is its validation; a kind that no engine has is kept as it is.
                match self.engines.of(&candidate)?.ready(&candidate) {
                    Ok(_) | Err(Error::KeyUnsupported(_)) => Ok(candidate.material),
                    Err(error) => Err(error),
                }
            }
            (class, _) if class.is_secret() => Ok(Material::Secret(value)),
            _ => Ok(Material::Public(value.expose().to_vec())),
        }
    }
}
