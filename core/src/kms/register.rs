//! Objects that come with their value: registered, unwrapped, derived, copied.

use std::sync::Arc;

use super::Kms;
use super::change::{Change, check_object};
use super::check_value::OwnCheckValue;
use super::create::{first_version, new_object};
use super::request::{Consequence, Imported, Register};
use super::rules;
use crate::algorithm::KeySpec;
use crate::audit::Verb;
use crate::authorize::{Caller, Resource, authorize};
use crate::encoding;
use crate::engine::NewKey;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::lifecycle;
use crate::model::{
    Attributes, Dates, Imprint, Key, KeyOrigin, KeyState, Lifetime, Link, Material, Object,
    ObjectClass, Protection,
};
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

/// What keeping a new object means for what is there.
struct Arrival {
    /// It takes the place of an object of its identifier.
    replaces: bool,
    consequences: Vec<Consequence>,
}

impl Arrival {
    fn of(request: &mut Register) -> Self {
        Self {
            replaces: request.imported.as_ref().is_some_and(|own| own.replace),
            consequences: std::mem::take(&mut request.consequences),
        }
    }
}

/// Gives an imported object its past.
fn bring_along(object: &mut Object, brought: Imported) {
    let own = object.dates;
    object.dates = Dates {
        initial: own.initial,
        last_change: own.last_change,
        activation: own.activation,
        process_start: own.process_start,
        protect_stop: own.protect_stop,
        deactivation: own.deactivation,
        ..brought.dates
    };
    if let Some(state) = brought.state {
        object.state = lifecycle::effective_state(state, &object.dates, own.initial);
    }
    object.revocation = brought.revocation;
    object.fresh = brought.fresh.unwrap_or(object.fresh);
}

impl Change<'_> {
    /// Keeps objects, each with a record of its own.
    fn arrive_all(&mut self, built: &mut [(Object, Arrival)]) -> Result<Vec<ObjectId>> {
        let mut ids = Vec::with_capacity(built.len());
        for (object, arrival) in built {
            if !ids.is_empty() {
                self.next_record()?;
            }
            self.arrive(object, arrival)?;
            ids.push(object.id);
        }
        Ok(ids)
    }

    /// Writes a new object, and what follows from it.
    fn arrive(&mut self, object: &mut Object, arrival: &Arrival) -> Result<()> {
        self.record.object = Some(object.id);
        self.record.detail = format!("{:?} {:?}", object.class, object.attributes.label);
        self.make_room(object, arrival.replaces)?;
        for consequence in &arrival.consequences {
            self.follow(object, consequence)?;
        }
        if object.class.is_key() {
            self.join_key(object)?;
        } else {
            self.add_object(object)?;
        }
        self.record.key = object.key;
        Ok(())
    }

    /// The server's own doing, which no flag of the other object forbids; but who may not do this verb with that
    /// object does not reach it through another.
    fn follow(&mut self, new: &mut Object, consequence: &Consequence) -> Result<()> {
        let (Consequence::Link { from, .. } | Consequence::Names { from }) = consequence;
        let mut other = self.object_unchecked(*from)?;
        check_object(self.caller, self.verb, &other)?;
        match consequence {
            Consequence::Link { kind, instead, .. } => {
                let links = &mut other.attributes.links;
                links.retain(|link| !instead || link.kind != *kind);
                links.push(Link {
                    kind: *kind,
                    object: new.id,
                });
                rules::check_sizes(&other.attributes)?;
            }
            Consequence::Names { .. } => {
                let names = std::mem::take(&mut other.attributes.names);
                new.attributes.names.extend(names);
                if new.attributes.label.is_empty()
                    && let Some(name) = new.attributes.names.first()
                {
                    new.attributes.label.clone_from(&name.value);
                }
            }
        }
        self.put_object(&mut other)
    }

    /// Removes the object of the same identifier, where it is to be replaced.
    fn make_room(&mut self, object: &Object, replace: bool) -> Result<()> {
        if self.transaction.object(object.id)?.is_none() {
            return Ok(());
        }
        let taken = || Error::AlreadyExists {
            what: "object",
            name: object.id.to_string(),
        };
        let old = self.object_unchecked(object.id)?;
        // Another account's object is not the caller's to know of; its identifier is taken all the same.
        if !replace || old.account != object.account {
            return Err(taken());
        }
        check_object(self.caller, Verb::Destroy, &old)?;
        if !old.attributes.destroyable || self.is_protected()? {
            return Err(Error::ActionProhibited("replaced"));
        }
        if !self.shares_material(&old)? {
            self.doom(&old)?;
        }
        self.leave_key(&old)?;
        self.remove_object(old.id)
    }

    /// Gives a registered key object a key: that of its other half, when that is here and waits for it
    /// (same label, same `CKA_ID`, same kind), else a new one.
    fn join_key(&mut self, object: &mut Object) -> Result<()> {
        let spec = object
            .spec
            .ok_or_else(|| Error::Internal("a key without a kind".into()))?;
        let mut key = match self.other_half(object)? {
            Some(key) => key,
            None => {
                let mut key = self.new_key(object, spec, KeyOrigin::Imported);
                key.versions.push(first_version(self.now));
                key
            }
        };
        object.key = Some(key.id);
        object.version = key.primary;
        let primary = key.primary;
        if let Some(version) = key
            .versions
            .iter_mut()
            .find(|version| version.number == primary)
        {
            match object.class {
                ObjectClass::PublicKey => version.public = Some(object.id),
                _ => version.secret = Some(object.id),
            }
        }
        self.add_object(object)?;
        self.put_key(&key)
    }

    fn other_half(&self, object: &Object) -> Result<Option<Key>> {
        let other = match object.class {
            ObjectClass::PublicKey => ObjectClass::PrivateKey,
            ObjectClass::PrivateKey => ObjectClass::PublicKey,
            _ => return Ok(None),
        };
        if object.attributes.cka_id.is_empty() {
            return Ok(None);
        }
        let query = crate::store::ObjectQuery {
            account: Some(object.account),
            class: Some(other),
            label: Some(object.attributes.label.clone()),
            cka_id: Some(object.attributes.cka_id.clone()),
            ..Default::default()
        };
        for id in self.transaction.objects(&query)? {
            let half = self.object_unchecked(id)?;
            if half.spec != object.spec {
                continue;
            }
            let Some(key) = half.key else { continue };
            if let Some(key) = self.key_unchecked(key)?
                && key.origin == KeyOrigin::Imported
                && key.state == KeyState::Enabled
                && key
                    .primary_version()
                    .is_some_and(|version| match object.class {
                        ObjectClass::PublicKey => version.public.is_none(),
                        _ => version.secret.is_none(),
                    })
            {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }
}
