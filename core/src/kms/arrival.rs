//! What a new object that comes with its value finds in the store: its other half, its name's bearer, one of its identifier.

use super::change::{Change, check_object};
use super::create::first_version;
use super::request::{Consequence, Imported, Register};
use super::rules;
use crate::audit::Verb;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::lifecycle;
use crate::model::{Dates, Key, KeyOrigin, KeyState, Link, Object, ObjectClass};

/// What keeping a new object means for what is there.
pub(super) struct Arrival {
    /// It takes the place of an object of its identifier.
    replaces: bool,
    consequences: Vec<Consequence>,
}

impl Arrival {
    pub(super) fn of(request: &mut Register) -> Self {
        Self {
            replaces: request.imported.as_ref().is_some_and(|own| own.replace),
            consequences: std::mem::take(&mut request.consequences),
        }
    }
}

/// Gives an imported object its past.
pub(super) fn bring_along(object: &mut Object, brought: Imported) {
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
    pub(super) fn arrive_all(&mut self, built: &mut [(Object, Arrival)]) -> Result<Vec<ObjectId>> {
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
