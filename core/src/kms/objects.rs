//! Objects: look, find, change, hand out.

use std::collections::HashSet;
use std::sync::Arc;

use super::Kms;
use super::cache::Loaded;
use super::change::check_object;
use super::request::{Exported, Find};
use super::rules;
use crate::audit::Verb;
use crate::authorize::{Caller, authorize};
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::lifecycle;
use crate::model::{
    Attributes, Dates, GivenDates, Lifetime, Material, Object, ObjectClass, Role, SessionId,
};
use crate::secret::SecretBytes;
use crate::store::{self, ObjectQuery};
use crate::time::Timestamp;

impl Kms {
    /// An object as it stands now. From the cache when nothing changed. Looking at attributes is not
    /// recorded in the audit; handing out a value is.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for what the caller may not see.
    pub fn inspect(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<Arc<Object>> {
        self.admit(caller)?;
        let loaded = self.load(object)?;
        match check_object(caller, Verb::Inspect, &loaded.object) {
            Ok(()) => Ok(Arc::clone(&loaded.object)),
            // What needs a login to be seen does not exist before it (PKCS#11 3.2 section 4.4).
            Err(Error::LoginRequired | Error::Denied(_)) => Err(Error::no_object(object)),
            Err(error) => Err(error),
        }
    }

    /// Objects that fit, in order of creation, objects of a key's primary version before those of its
    /// older ones, session objects last; or the other way round ([`Find::newest_first`]). A KMIP Name in the query finds objects of that Name, and objects
    /// that have no Name by their label.
    ///
    /// # Errors
    /// [`Error::Denied`], store errors.
    pub fn find(&self, caller: &Arc<Caller>, find: &Find<'_>) -> Result<Vec<ObjectId>> {
        authorize(caller, Verb::Find, None)?;
        self.admit(caller)?;
        let fits = |loaded: &Arc<Loaded>| {
            let object = &loaded.object;
            check_object(caller, Verb::Inspect, object).is_ok()
                && matches_query(object, &find.query)
                && find.filter.is_none_or(|filter| filter(object))
        };
        let limit = find
            .query
            .limit
            .unwrap_or(usize::MAX)
            .min(self.settings.limits.found_objects);
        let enough = if find.newest_first {
            usize::MAX
        } else {
            find.query.offset.saturating_add(limit)
        };
        // Versions of one key share its label and Name; only then is there a primary to put first.
        let by_version = find.query.label.is_some() || find.query.name.is_some();
        let mut found: Vec<Arc<Loaded>> = Vec::new();
        for id in self.candidates(caller, &find.query)? {
            if !by_version && found.len() >= enough {
                break;
            }
            match self.load(id) {
                Ok(loaded) => found.extend(Some(loaded).filter(&fits)),
                // Removed since the search; or changed from outside, which its own use will say.
                Err(Error::NotFound { .. } | Error::Tampered { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        found.extend(
            self.sessions
                .of(caller.application())
                .into_iter()
                .filter(&fits),
        );
        if find.newest_first {
            found.reverse();
        } else if by_version && found.len() > 1 {
            found = self.primaries_first(found)?;
        }
        let found = found.iter().skip(find.query.offset).take(limit);
        Ok(found.map(|loaded| loaded.object.id).collect())
    }

    fn primaries_first(&self, found: Vec<Arc<Loaded>>) -> Result<Vec<Arc<Loaded>>> {
        let (mut first, mut others) = (Vec::with_capacity(found.len()), Vec::new());
        for loaded in found {
            match self.is_primary(&loaded) {
                Ok(true) => first.push(loaded),
                // A key that was changed from outside says so at its use.
                Ok(false) | Err(Error::Tampered { .. }) => others.push(loaded),
                Err(error) => return Err(error),
            }
        }
        first.append(&mut others);
        Ok(first)
    }

    /// What the store's indexes answer; a superset of what fits.
    fn candidates(&self, caller: &Caller, query: &ObjectQuery) -> Result<Vec<ObjectId>> {
        let mut narrowed = query.clone();
        narrowed.account = Some(caller.account());
        narrowed.public_only = matches!(caller.role(), Role::Public | Role::SecurityOfficer);
        narrowed.limit = None;
        narrowed.offset = 0;
        store::read(self.store.as_ref(), |reader| {
            let mut ids = reader.objects(&narrowed)?;
            if let Some(name) = narrowed.name.take()
                && narrowed.label.is_none()
            {
                narrowed.label = Some(name);
                let by_name: HashSet<ObjectId> = ids.iter().copied().collect();
                let by_label = reader.objects(&narrowed)?;
                ids.extend(by_label.into_iter().filter(|id| !by_name.contains(id)));
            }
            Ok(ids)
        })
    }

    /// Changes attributes: `edit` changes a copy, and the difference is checked against the rules (sensitive
    /// stays, extractable goes one way, trusted is the security officer's, …) before it is written.
    ///
    /// # Errors
    /// [`Error::AttributeReadOnly`], [`Error::ActionProhibited`], [`Error::AlreadyExists`] for a KMIP Name that
    /// is taken; nothing is changed then.
    pub fn modify(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        edit: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<()> {
        if self.sessions.get(object).is_some() {
            return self.modify_session_object(caller, object, edit);
        }
        let own = self.own_check_value_ahead(caller, object, edit)?;
        self.change(caller, Verb::Modify, |change| {
            let mut object = change.object(object)?;
            let before = object.attributes.clone();
            edit(&mut object.attributes)?;
            change.kms.settle_check_value_known(&mut object, own)?;
            rules::check_modify(change.caller, &before, &object.attributes)?;
            change.record.detail = changed_fields(&before, &object.attributes);
            change.put_object(&mut object)
        })
    }

    fn modify_session_object(
        &self,
        caller: &Arc<Caller>,
        id: ObjectId,
        edit: &mut dyn FnMut(&mut Attributes) -> Result<()>,
    ) -> Result<()> {
        let changed = self.refusable(caller, Verb::Modify, Some(id), || {
            self.admit(caller)?;
            loop {
                let loaded = self.sessions.get(id).ok_or_else(|| Error::no_object(id))?;
                check_object(caller, Verb::Modify, &loaded.object)?;
                let mut object = Object::clone(&loaded.object);
                edit(&mut object.attributes)?;
                self.settle_check_value(&mut object)?;
                rules::check_modify(caller, &loaded.object.attributes, &object.attributes)?;
                object.dates.last_change = Timestamp::now();
                // Another thread may have changed it meanwhile: a flag that it has set must not be lost.
                let changed = self.session_loaded(object);
                if self.sessions.replace(&loaded, Arc::clone(&changed)) {
                    return Ok(changed);
                }
            }
        })?;
        self.record_use(caller, Verb::Modify, Some(&changed), None, "session")
    }

    /// Changes KMIP dates within the lifecycle's rules (KMIP 2.1 sections 4.1, 4.19, 4.40, 4.41): a date that
    /// has already moved the state is fixed.
    ///
    /// # Errors
    /// [`Error::AttributeReadOnly`].
    pub fn modify_dates(
        &self,
        caller: &Arc<Caller>,
        object: ObjectId,
        edit: &mut dyn FnMut(&mut Dates) -> Result<()>,
    ) -> Result<()> {
        self.change(caller, Verb::Modify, |change| {
            let mut object = change.object(object)?;
            let before = object.dates;
            edit(&mut object.dates)?;
            check_dates(&object, &before, change.now)?;
            object.state = lifecycle::effective_state(object.state, &object.dates, change.now);
            change.record.detail = "dates".into();
            change.put_object(&mut object)
        })
    }

    /// Hands out a value in its canonical encoding (see [`Material`]): public ones always, secret ones when
    /// not sensitive and extractable.
    ///
    /// # Errors
    /// [`Error::Sensitive`], [`Error::NotExtractable`], [`Error::NoMaterial`], [`Error::KeyState`].
    pub fn export(&self, caller: &Arc<Caller>, object: ObjectId) -> Result<Exported> {
        self.admit(caller)?;
        let result = self.load(object).and_then(|loaded| {
            check_object(caller, Verb::Export, &loaded.object)?;
            if let Some(state) = self.gate_of(&loaded.object)? {
                lifecycle::check_gate(state)?;
            }
            Ok((self.value_in_clear(&loaded.object)?, loaded))
        });
        match result {
            Ok((value, loaded)) => {
                if !self.first_served(caller, &loaded)? {
                    self.record_use(caller, Verb::Export, Some(&loaded), None, "")?;
                }
                Ok(Exported {
                    object: Arc::clone(&loaded.object),
                    value,
                })
            }
            Err(error) => {
                self.record_use_of(caller, Verb::Export, object, Some(&error), "")?;
                Err(error)
            }
        }
    }

    /// Notes that a key's value is handed out for the first time (KMIP 1.4 section 3.34, Fresh), and so records
    /// that it is. False when it was before.
    pub(super) fn first_served(&self, caller: &Arc<Caller>, loaded: &Loaded) -> Result<bool> {
        let object = &loaded.object;
        if !object.fresh || !object.class.is_key() || object.lifetime != Lifetime::Stored {
            return Ok(false);
        }
        self.change(caller, Verb::Export, |change| {
            let mut object = change.object(object.id)?;
            object.fresh = false;
            change.record.detail = "first".into();
            // Not a change that anybody asked for: the Last Change Date stays.
            let row = change.kms.vault.object_row(&object)?;
            change.write_object(&row)?;
            Ok(true)
        })
    }

    fn value_in_clear(&self, object: &Object) -> Result<SecretBytes> {
        if object.archived {
            return Err(Error::Archived);
        }
        match &object.material {
            // KMIP lets a client say so of a public key too.
            Material::Public(_)
                if object.class == ObjectClass::PublicKey && object.attributes.sensitive =>
            {
                Err(Error::Sensitive)
            }
            Material::Public(value) => Ok(SecretBytes::from(value.as_slice())),
            Material::None => Err(Error::NoMaterial("destroyed, or not imported yet")),
            _ if object.attributes.sensitive => Err(Error::Sensitive),
            _ if object.class.is_key() && !object.attributes.extractable => {
                Err(Error::NotExtractable)
            }
            Material::Secret(value) => Ok(value.clone()),
            Material::Resident { .. } | Material::Wrapped { .. } => Err(Error::NotExtractable),
        }
    }

    /// Drops a session's objects.
    pub fn end_session(&self, session: SessionId) {
        self.sessions.end(session);
    }
}

/// Whether an object fits what the store was asked; for session objects, and for the label that stands in for a Name.
fn matches_query(object: &Object, query: &ObjectQuery) -> bool {
    let attributes = &object.attributes;
    let named = |name: &String| {
        attributes.names.iter().any(|own| own.value == *name)
            || (attributes.names.is_empty() && attributes.label == *name)
    };
    query.class.is_none_or(|class| class == object.class)
        && query
            .label
            .as_ref()
            .is_none_or(|label| *label == attributes.label)
        && query
            .cka_id
            .as_ref()
            .is_none_or(|id| *id == attributes.cka_id)
        && query.key.is_none_or(|key| Some(key) == object.key)
        && query.name.as_ref().is_none_or(named)
        && (query.index.is_empty() || object.lifetime == Lifetime::Stored)
}

fn check_dates(object: &Object, before: &Dates, now: Timestamp) -> Result<()> {
    use crate::model::ObjectState::{Active, PreActive};
    let after = &object.dates;
    let read_only = |attribute| {
        Err(Error::AttributeReadOnly {
            attribute,
            reason: "its time has come already",
        })
    };
    let state = lifecycle::effective_state(object.state, before, now);
    if before.activation != after.activation && state != PreActive {
        return read_only("Activation Date");
    }
    if before.deactivation != after.deactivation && !matches!(state, PreActive | Active) {
        return read_only("Deactivation Date");
    }
    let passed = |date: Option<Timestamp>| date.is_some_and(|date| date <= now);
    if before.process_start != after.process_start && passed(before.process_start) {
        return read_only("Process Start Date");
    }
    if before.protect_stop != after.protect_stop && passed(before.protect_stop) {
        return read_only("Protect Stop Date");
    }
    let given = |dates: &Dates| GivenDates {
        activation: dates.activation,
        process_start: dates.process_start,
        protect_stop: dates.protect_stop,
        deactivation: dates.deactivation,
    };
    // The server's own dates (of a revocation) keep no order with a client's.
    if given(before) == given(after) {
        return Ok(());
    }
    lifecycle::check_date_order(&given(after))
}

/// Names of what an edit changed, for the audit.
fn changed_fields(before: &Attributes, after: &Attributes) -> String {
    let fields = [
        ("label", before.label != after.label),
        ("CKA_ID", before.cka_id != after.cka_id),
        ("names", before.names != after.names),
        ("usage", before.usage != after.usage),
        ("sensitive", before.sensitive != after.sensitive),
        ("extractable", before.extractable != after.extractable),
        ("copyable", before.copyable != after.copyable),
        ("trusted", before.trusted != after.trusted),
        (
            "wrap-with-trusted",
            before.wrap_with_trusted != after.wrap_with_trusted,
        ),
        (
            "allowed-mechanisms",
            before.allowed_mechanisms != after.allowed_mechanisms,
        ),
        ("links", before.links != after.links),
        ("custom", before.custom != after.custom),
        ("pkcs11", before.pkcs11 != after.pkcs11),
    ];
    let changed: Vec<&str> = fields
        .iter()
        .filter(|(_, changed)| *changed)
        .map(|(name, _)| *name)
        .collect();
    changed.join(", ")
}
