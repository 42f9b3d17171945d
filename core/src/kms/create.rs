//! New objects: generated, registered, copied.

use std::sync::Arc;

use super::Kms;
use super::change::{Change, check_object, session_loaded};
use super::request::{CreateKey, Created, Register};
use super::rules;
use crate::algorithm::KeySpec;
use crate::audit::Verb;
use crate::authorize::{Caller, authorize};
use crate::encoding;
use crate::engine::{Generated, NewKey};
use crate::error::{Error, Result};
use crate::id::{KeyId, ObjectId};
use crate::model::{
    Attributes, Dates, GivenDates, Key, KeyOrigin, KeyState, KeyVersion, Lifetime, Link, LinkType,
    Material, Object, ObjectClass, ObjectState, Protection,
};
use crate::secret::SecretBytes;
use crate::time::Timestamp;

impl Kms {
    /// Makes a symmetric key or a key pair, as a new key with its first version. A session's keys live in
    /// this process's memory, whatever the protection asked for: an HSM keeps what outlives a session.
    ///
    /// # Errors
    /// [`Error::KeyUnsupported`], [`Error::KeySize`], [`Error::AlreadyExists`] for a KMIP Name that is taken,
    /// attribute and limit errors, HSM failures.
    pub fn create_key(&self, caller: &Arc<Caller>, mut request: CreateKey) -> Result<Created> {
        if request.lifetime != Lifetime::Stored {
            request.protection = Protection::Software;
        }
        self.refusable(caller, Verb::Create, None, || {
            authorize(caller, Verb::Create, None)?;
            rules::check_new(caller, &request.secret)?;
            rules::check_new(caller, &request.public)
        })?;
        let stored = request.lifetime == Lifetime::Stored;
        let id = ObjectId::random();
        let generated =
            self.refusable(caller, Verb::Create, None, || self.generate(id, &request))?;
        let mut pair = self.build_pair(caller, &request, id, generated)?;
        let public_stored = request.public_lifetime == Lifetime::Stored;
        if !stored && (pair.public.is_none() || !public_stored) {
            return self.keep_in_session(caller, pair);
        }
        let created = self.change(caller, Verb::Create, |change| {
            change.authorize()?;
            change.record.object = Some(pair.secret.id);
            let label = pair.secret.attributes.label.clone();
            change.record.detail = format!("{} {label:?}", describe(request.spec));
            let mut key = change.new_key(&pair.secret, request.spec, KeyOrigin::Generated);
            change.record.key = Some(key.id);
            let mut version = first_version(change.now);
            if stored {
                version.secret = Some(pair.secret.id);
                change.adopt(&mut pair.secret, key.id)?;
            }
            if let Some(public) = &mut pair.public
                && public_stored
            {
                version.public = Some(public.id);
                change.adopt(public, key.id)?;
            }
            key.versions.push(version);
            change.put_key(&key)?;
            Ok(pair.created(Some(key.id)))
        });
        match created {
            Ok(created) => {
                for object in pair
                    .into_objects()
                    .filter(|object| object.lifetime != Lifetime::Stored)
                {
                    self.put_session_object(object)?;
                }
                Ok(created)
            }
            Err(error) => {
                self.undo_generation(&pair.secret);
                Err(error)
            }
        }
    }

    fn generate(&self, id: ObjectId, request: &CreateKey) -> Result<Generated> {
        let new = NewKey {
            id,
            spec: request.spec,
            attributes: &request.secret,
            public_exponent: request.public_exponent,
        };
        self.engines
            .by_protection(&request.protection)?
            .generate(&new)
    }

    /// A key that was made in an HSM and could not be written to the store must not stay there, unknown.
    pub(super) fn undo_generation(&self, object: &Object) {
        if let Err(error) = self
            .engines
            .of(object)
            .and_then(|engine| engine.destroy(object))
        {
            tracing::error!(object = %object.id, %error, "a key that was not kept is left in the HSM");
        }
    }

    fn build_pair(
        &self,
        caller: &Caller,
        request: &CreateKey,
        id: ObjectId,
        generated: Generated,
    ) -> Result<Pair> {
        let class = if request.spec.is_asymmetric() {
            ObjectClass::PrivateKey
        } else {
            ObjectClass::SecretKey
        };
        let mut secret = new_object(caller, id, class, request.secret.clone(), request.dates);
        secret.spec = Some(request.spec);
        secret.protection = request.protection.clone();
        secret.lifetime = request.lifetime;
        secret.local = true;
        secret.always_sensitive = secret.attributes.sensitive;
        secret.never_extractable = !secret.attributes.extractable;
        secret.key_gen_mechanism = request.key_gen_mechanism;
        secret.material = generated.secret;
        secret.public_key_info.clone_from(&generated.public);
        let Some(value) = generated.public else {
            return Ok(Pair {
                secret,
                public: None,
            });
        };
        let mut public = new_object(
            caller,
            ObjectId::random(),
            ObjectClass::PublicKey,
            request.public.clone(),
            request.public_dates,
        );
        public.spec = Some(request.spec);
        public.protection = request.protection.clone();
        public.lifetime = request.public_lifetime;
        public.local = true;
        public.key_gen_mechanism = request.key_gen_mechanism;
        public.material = Material::Public(value);
        secret.attributes.links.push(Link {
            kind: LinkType::PUBLIC_KEY,
            object: public.id,
        });
        public.attributes.links.push(Link {
            kind: LinkType::PRIVATE_KEY,
            object: secret.id,
        });
        Ok(Pair {
            secret,
            public: Some(public),
        })
    }

    fn keep_in_session(&self, caller: &Arc<Caller>, pair: Pair) -> Result<Created> {
        let created = pair.created(None);
        for object in pair.into_objects() {
            self.put_session_object(object)?;
        }
        self.record_use_of(caller, Verb::Create, created.secret, None, "session")?;
        Ok(created)
    }

    pub(super) fn put_session_object(&self, mut object: Object) -> Result<()> {
        object.digest = super::load::digest(&object.material);
        self.sessions
            .put(session_loaded(object), self.settings.limits.session_objects)
    }

    /// Brings in an object with its value.
    ///
    /// # Errors
    /// [`Error::InvalidMaterial`], [`Error::KeyUnsupported`], attribute and limit errors.
    pub fn register(&self, caller: &Arc<Caller>, request: Register) -> Result<ObjectId> {
        self.register_as(caller, Verb::Register, request, false)
    }

    /// [`Kms::register`] under another verb (unwrap, derive). `always_sensitive`: whether the value was never
    /// outside in the clear.
    pub(super) fn register_as(
        &self,
        caller: &Arc<Caller>,
        verb: Verb,
        request: Register,
        always_sensitive: bool,
    ) -> Result<ObjectId> {
        let object = self.refusable(caller, verb, None, || {
            self.build_registered(caller, verb, request, always_sensitive)
        })?;
        let mut object = object;
        if object.lifetime != Lifetime::Stored {
            let id = object.id;
            self.put_session_object(object)?;
            self.record_use_of(caller, verb, id, None, "session")?;
            return Ok(id);
        }
        let result = self.change(caller, verb, |change| {
            change.authorize()?;
            change.record.object = Some(object.id);
            change.record.detail = format!("{:?} {:?}", object.class, object.attributes.label);
            if object.class.is_key() {
                change.join_key(&mut object)?;
            } else {
                change.add_object(&mut object)?;
            }
            change.record.key = object.key;
            Ok(object.id)
        });
        if result.is_err() {
            self.undo_generation(&object);
        }
        result
    }

    fn build_registered(
        &self,
        caller: &Caller,
        verb: Verb,
        request: Register,
        always_sensitive: bool,
    ) -> Result<Object> {
        authorize(caller, verb, None)?;
        rules::check_new(caller, &request.attributes)?;
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
        let id = ObjectId::random();
        let mut object = new_object(caller, id, request.class, request.attributes, request.dates);
        object.spec = request.spec;
        object.lifetime = request.lifetime;
        object.format = request.format;
        object.key_gen_mechanism = request.key_gen_mechanism;
        object.always_sensitive = always_sensitive && object.attributes.sensitive;
        object.never_extractable = false;
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
        object.material = match request.value {
            None => Material::None,
            Some(value) => self.take_value(&object, value)?,
        };
        Ok(object)
    }

    /// Validates a value and puts it where it belongs.
    fn take_value(&self, object: &Object, value: SecretBytes) -> Result<Material> {
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
                self.engines
                    .by_protection(&object.protection)?
                    .import(&new, value)
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
        let mut copy = self.refusable(caller, Verb::Copy, Some(object), || {
            self.freshen()?;
            let source = self.load(object)?;
            check_object(caller, Verb::Copy, &source.object)?;
            if !source.object.attributes.copyable {
                return Err(Error::ActionProhibited("copied"));
            }
            if matches!(source.object.material, Material::Resident { .. })
                && lifetime == Lifetime::Stored
            {
                return Err(Error::HsmRefused {
                    pool: source.object.protection.to_string(),
                    reason: "a resident key has one object in the HSM and cannot be copied".into(),
                });
            }
            let mut copy = Object::clone(&source.object);
            copy.id = ObjectId::random();
            copy.lifetime = lifetime;
            edit(&mut copy.attributes)?;
            rules::check_copy(caller, &source.object.attributes, &copy.attributes)?;
            copy.attributes.names.clear();
            Ok(copy)
        })?;
        let id = copy.id;
        if lifetime != Lifetime::Stored {
            self.put_session_object(copy)?;
            self.record_use_of(caller, Verb::Copy, object, None, "session")?;
            return Ok(id);
        }
        self.change(caller, Verb::Copy, |change| {
            change.record.object = Some(object);
            change.record.detail = format!("copy {id}");
            change.add_object(&mut copy)?;
            if let Some(key) = copy.key
                && let Some(mut key) = change.key_unchecked(key)?
            {
                let version = key
                    .versions
                    .iter_mut()
                    .find(|version| version.number == copy.version);
                if let Some(version) = version {
                    version.copies.push(id);
                }
                change.put_key(&key)?;
            }
            Ok(())
        })?;
        Ok(id)
    }
}

/// A new key's objects, before they are kept.
pub(super) struct Pair {
    pub(super) secret: Object,
    pub(super) public: Option<Object>,
}

impl Pair {
    fn created(&self, key: Option<KeyId>) -> Created {
        Created {
            key,
            secret: self.secret.id,
            public: self.public.as_ref().map(|public| public.id),
        }
    }

    fn into_objects(self) -> impl Iterator<Item = Object> {
        std::iter::once(self.secret).chain(self.public)
    }
}

impl Change<'_> {
    pub(super) fn new_key(&self, first: &Object, spec: KeySpec, origin: KeyOrigin) -> Key {
        let name = match first.attributes.names.first() {
            Some(name) if first.attributes.label.is_empty() => name.value.clone(),
            _ => first.attributes.label.clone(),
        };
        Key {
            id: KeyId::random(),
            account: self.caller.account(),
            name,
            spec,
            protection: first.protection.clone(),
            origin,
            state: KeyState::Enabled,
            deletion: None,
            versions: Vec::new(),
            primary: 1,
            tags: first.attributes.tags.clone(),
            description: String::new(),
            creator: self.caller.principal(),
            created: self.now,
        }
    }

    /// Makes an object the (first) version of a key and writes it.
    fn adopt(&mut self, object: &mut Object, key: KeyId) -> Result<()> {
        object.key = Some(key);
        object.version = 1;
        self.add_object(object)
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

pub(super) const fn first_version(now: Timestamp) -> KeyVersion {
    KeyVersion {
        number: 1,
        secret: None,
        public: None,
        copies: Vec::new(),
        created: now,
    }
}

/// An object with nothing in it yet.
pub(super) fn new_object(
    caller: &Caller,
    id: ObjectId,
    class: ObjectClass,
    mut attributes: Attributes,
    given: GivenDates,
) -> Object {
    let now = Timestamp::now();
    if attributes.label.is_empty()
        && let Some(name) = attributes.names.first()
    {
        attributes.label.clone_from(&name.value);
    }
    let active = given.activation.is_some_and(|at| at <= now);
    Object {
        id,
        account: caller.account(),
        class,
        spec: None,
        key: None,
        version: 0,
        owner: caller.principal(),
        state: if active {
            ObjectState::Active
        } else {
            ObjectState::PreActive
        },
        dates: Dates {
            initial: now,
            activation: given.activation,
            process_start: given.process_start,
            protect_stop: given.protect_stop,
            deactivation: given.deactivation,
            last_change: now,
            original_creation: None,
            ..Dates::default()
        },
        revocation: None,
        deletion: None,
        protection: Protection::Software,
        always_sensitive: false,
        never_extractable: false,
        local: false,
        key_gen_mechanism: None,
        format: None,
        digest: None,
        public_key_info: None,
        fresh: true,
        archived: false,
        attributes,
        lifetime: Lifetime::Stored,
        material: Material::None,
    }
}

/// Words for the audit.
pub(super) fn describe(spec: KeySpec) -> String {
    match spec {
        KeySpec::Aes { bits } => format!("AES-{bits}"),
        KeySpec::Sm4 => "SM4".into(),
        KeySpec::Rsa { bits } => format!("RSA-{bits}"),
        KeySpec::Ec { curve } => format!("EC {curve:?}"),
        KeySpec::Ed25519 => "Ed25519".into(),
        KeySpec::X25519 => "X25519".into(),
        KeySpec::Sm2 => "SM2".into(),
        KeySpec::Hmac { hash, bits } => format!("HMAC-{} {bits} bits", hash.name()),
        KeySpec::GenericSecret { bits } => format!("generic secret {bits} bits"),
        KeySpec::Foreign { algorithm, bits } => format!("algorithm {algorithm} {bits} bits"),
    }
}
