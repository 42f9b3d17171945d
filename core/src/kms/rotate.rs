//! Rotation: a new primary version of a key.

use std::sync::Arc;

use super::Kms;
use super::change::Change;
use super::create::describe;
use super::request::{Created, NewDates};
use super::rules;
use crate::audit::Verb;
use crate::authorize::{Caller, Resource, authorize};
use crate::engine::NewKey;
use crate::error::{Error, Result};
use crate::id::{KeyId, ObjectId};
use crate::lifecycle;
use crate::model::{
    Attributes, Dates, GivenDates, KeyVersion, Lifetime, Link, LinkType, Material, Object,
    ObjectClass, ObjectState,
};
use crate::time::Timestamp;

impl Kms {
    /// Makes a new primary version; older ones keep what they need to decrypt and verify. KMIP Names move to the
    /// new objects (KMIP 2.1 section 6.1.44, Re-key); the label stays the same, the `CKA_ID` is new.
    ///
    /// # Errors
    /// [`Error::KeyState`] unless the key is enabled, engine failures.
    pub fn rotate_key(&self, caller: &Arc<Caller>, key: KeyId) -> Result<Created> {
        self.rotate_key_at(caller, key, NewDates::default(), &mut |_, _| Ok(()))
    }

    /// [`Kms::rotate_key`] with dates for the new version, and with attributes: `edit` changes those of each new
    /// object, told by its class, within the rules of [`Kms::modify`].
    ///
    /// # Errors
    /// As [`Kms::rotate_key`], and those of `edit`; then there is no new version.
    pub fn rotate_key_at(
        &self,
        caller: &Arc<Caller>,
        key: KeyId,
        dates: NewDates,
        edit: &mut dyn FnMut(ObjectClass, &mut Attributes) -> Result<()>,
    ) -> Result<Created> {
        let current = self.refusable(caller, Verb::Rotate, None, || {
            let current = self.key(caller, key)?;
            let resource = Resource::key(current.account);
            authorize(caller, Verb::Rotate, Some(&resource))?;
            lifecycle::check_gate(current.state)?;
            let primary = current.primary_version().and_then(|version| version.secret);
            let primary = primary.ok_or(Error::NoMaterial("its primary version was destroyed"))?;
            self.admit(caller)?;
            let old = self.load(primary)?;
            let policy = self.policies.of(caller.account(), self)?;
            policy.check_kind(current.spec, old.object.key_gen_mechanism)?;
            Ok((current, old))
        })?;
        let (current, old) = current;
        let id = ObjectId::random();
        let new = NewKey {
            id,
            spec: current.spec,
            attributes: &old.object.attributes,
            public_exponent: None,
        };
        let generated = self.refusable(caller, Verb::Rotate, None, || {
            let engine = self.engines.by_protection(&current.protection)?;
            let place = (&current.protection, Lifetime::Stored);
            self.intend(caller, id, place, current.spec)?;
            self.made(id, &current.protection, engine.generate(&new))
        })?;
        let mut secret = Object::clone(&old.object);
        secret.id = id;
        secret.material = generated.secret;
        secret.public_key_info.clone_from(&generated.public);
        secret.fingerprint = None;
        secret.local = true;
        let created = self.change(caller, Verb::Rotate, |change| {
            change.rotate(key, &mut secret, generated.public.clone(), dates, edit)
        });
        if created.is_err() {
            self.undo_generation(&secret);
        }
        created
    }
}

impl Change<'_> {
    /// Writes a new version: `secret` is a copy of the old primary's object with new material.
    fn rotate(
        &mut self,
        key: KeyId,
        secret: &mut Object,
        public: Option<Vec<u8>>,
        dates: NewDates,
        edit: &mut dyn FnMut(ObjectClass, &mut Attributes) -> Result<()>,
    ) -> Result<Created> {
        let mut key = self.key(key)?;
        lifecycle::check_gate(key.state)?;
        let number = key
            .versions
            .iter()
            .map(|version| version.number)
            .max()
            .unwrap_or(0)
            + 1;
        let old = key.primary_version().cloned();
        let old = old.ok_or(Error::NoMaterial("its primary version was destroyed"))?;
        if let Some(old) = old.secret {
            // As they are now: what was read before the key was made may have become stricter.
            secret.attributes = self.object_unchecked(old)?.attributes;
        }
        // The officer vouched for another value.
        secret.attributes.trusted = false;
        secret.always_sensitive = secret.attributes.sensitive;
        secret.never_extractable = !secret.attributes.extractable;
        self.record.version = number;
        self.record.detail = format!("{} {:?} version {number}", describe(key.spec), key.name);
        let cka_id = secret.id.as_bytes().to_vec();
        let mut version = KeyVersion {
            number,
            secret: None,
            public: None,
            copies: Vec::new(),
            created: self.now,
        };
        let mut public_object = None;
        if let (Some(value), Some(old_public)) = (public, old.public) {
            let mut object = self.object_unchecked(old_public)?;
            object.id = ObjectId::random();
            object.attributes.trusted = false;
            object.material = Material::Public(value);
            public_object = Some(object);
        }
        if let Some(old_secret) = old.secret {
            self.begin_version(secret, old_secret, (number, &cka_id), dates)?;
        }
        if let (Some(object), Some(old_public)) = (&mut public_object, old.public) {
            self.begin_version(object, old_public, (number, &cka_id), dates)?;
            // Before the links to the halves that they replace (the order of KMIP's case TC-133).
            let (public, private) = (object.id, secret.id);
            let link = |kind, object| Link { kind, object };
            let (of_secret, of_public) = (&mut secret.attributes, &mut object.attributes);
            of_secret
                .links
                .insert(0, link(LinkType::PUBLIC_KEY, public));
            of_public
                .links
                .insert(0, link(LinkType::PRIVATE_KEY, private));
            version.public = Some(object.id);
            self.edit_new(object, edit)?;
            self.add_object(object)?;
        }
        self.edit_new(secret, edit)?;
        secret.always_sensitive = secret.attributes.sensitive;
        secret.never_extractable = !secret.attributes.extractable;
        self.add_object(secret)?;
        version.secret = Some(secret.id);
        key.versions.push(version);
        key.primary = number;
        self.put_key(&key)?;
        Ok(Created {
            key: Some(key.id),
            secret: secret.id,
            public: public_object.map(|object| object.id),
        })
    }

    fn edit_new(
        &self,
        object: &mut Object,
        edit: &mut dyn FnMut(ObjectClass, &mut Attributes) -> Result<()>,
    ) -> Result<()> {
        let before = object.attributes.clone();
        edit(object.class, &mut object.attributes)?;
        rules::check_modify(self.caller, &before, &object.attributes)
    }

    /// Makes `new` the successor of `old`: links both ways, and the KMIP Names move.
    fn begin_version(
        &mut self,
        new: &mut Object,
        old: ObjectId,
        (number, cka_id): (u32, &[u8]),
        dates: NewDates,
    ) -> Result<()> {
        let mut old = self.object_unchecked(old)?;
        new.attributes.names = std::mem::take(&mut old.attributes.names);
        new.attributes.links = vec![Link {
            kind: LinkType::REPLACED,
            object: old.id,
        }];
        old.attributes
            .links
            .retain(|link| link.kind != LinkType::REPLACEMENT);
        old.attributes.links.push(Link {
            kind: LinkType::REPLACEMENT,
            object: new.id,
        });
        self.put_object(&mut old)?;
        new.version = number;
        new.attributes.cka_id = cka_id.to_vec();
        if let Some(limits) = &mut new.attributes.usage_limits {
            limits.left = limits.total;
        }
        new.deletion = None;
        new.revocation = None;
        new.archived = false;
        new.fresh = true;
        new.dates = new_dates(&old.dates, dates, self.now);
        new.state = lifecycle::effective_state(ObjectState::PreActive, &new.dates, self.now);
        Ok(())
    }
}

/// Dates of a new version.
fn new_dates(old: &Dates, new: NewDates, now: Timestamp) -> Dates {
    let given = new.given;
    let base = Dates {
        initial: now,
        last_change: now,
        ..Dates::default()
    };
    let Some(offset) = new.offset else {
        let none = given == GivenDates::default();
        let before = |date: Option<Timestamp>| date.filter(|_| new.copied);
        let at_once = (none && !new.copied).then_some(now);
        return Dates {
            activation: given.activation.or(before(old.activation)).or(at_once),
            process_start: given.process_start.or(before(old.process_start)),
            protect_stop: given.protect_stop.or(before(old.protect_stop)),
            deactivation: given.deactivation.or(before(old.deactivation)),
            ..base
        };
    };
    let activation = given
        .activation
        .unwrap_or(now.plus_seconds(i64::from(offset)));
    // The distance between the two activations is that between the other dates.
    let moved = |date: Option<Timestamp>| {
        let distance = activation.0.saturating_sub(old.activation?.0);
        Some(date?.plus_seconds(distance))
    };
    Dates {
        activation: Some(activation),
        process_start: given.process_start.or(moved(old.process_start)),
        protect_stop: given.protect_stop.or(moved(old.protect_stop)),
        deactivation: given.deactivation.or(moved(old.deactivation)),
        ..base
    }
}
