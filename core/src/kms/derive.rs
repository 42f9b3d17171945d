//! Keys from keys.

use std::sync::Arc;

use super::Kms;
use super::cache::Loaded;
use super::register::Descent;
use super::request::{DeriveKey, DeriveKeys, Register};
use super::rules;
use super::transport::SHORTEST_UNPROVEN;
use crate::algorithm::KeySpec;
use crate::audit::Verb;
use crate::authorize::Caller;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Material, Object, ObjectClass};
use crate::secret::SecretBytes;

/// What was derived, before anything becomes of it.
struct Derived {
    value: SecretBytes,
    base: Arc<Loaded>,
    descent: Descent,
}

impl Kms {
    /// Derives a new secret object from a key.
    ///
    /// # Errors
    /// Those of [`Kms::begin`] and [`Kms::register`].
    pub fn derive(&self, caller: &Arc<Caller>, request: DeriveKey) -> Result<ObjectId> {
        let DeriveKey {
            base_key,
            other_keys,
            mechanism,
            length,
            mut template,
        } = request;
        let keys = (base_key, &*other_keys);
        let templates = std::slice::from_mut(&mut template);
        let derived = self.derived(caller, keys, mechanism, length, templates)?;
        template.value = Some(derived.value);
        let demands = &derived.base.object.attributes.templates.derive;
        self.register_as(caller, Verb::Derive, template, derived.descent, &|object| {
            rules::check_template("derive", demands, object)
        })
    }

    /// Derives several keys by one mechanism, all of them or none, one after the other out of the same bytes; and
    /// gives the bytes after theirs, which are no key's.
    ///
    /// # Errors
    /// As [`Kms::derive`].
    pub fn derive_keys(
        &self,
        caller: &Arc<Caller>,
        request: DeriveKeys,
    ) -> Result<(Vec<ObjectId>, SecretBytes)> {
        let DeriveKeys {
            base_key,
            mut mechanism,
            other_keys,
            mut templates,
            open,
        } = request;
        let length_of = |template: &Register| template.spec.map_or(0, KeySpec::value_length);
        let length = templates.iter().map(length_of).sum::<usize>() + open;
        if let Mechanism::Sp800108 { keys, .. } = &mut mechanism {
            *keys = templates.iter().map(length_of).collect();
        }
        let keys = (base_key, &*other_keys);
        let derived = self.derived(caller, keys, mechanism, Some(length), &mut templates)?;
        let mut rest = derived.value.expose();
        for template in &mut templates {
            let (own, others) = rest.split_at_checked(length_of(template)).ok_or_else(|| {
                Error::Internal("a derivation gave less than it was asked for".into())
            })?;
            template.value = Some(SecretBytes::from(own));
            rest = others;
        }
        let demands = &derived.base.object.attributes.templates.derive;
        let fits = |object: &Object| rules::check_template("derive", demands, object);
        let made = self.register_all_as(caller, Verb::Derive, templates, derived.descent, &fits)?;
        Ok((made, SecretBytes::from(rest)))
    }

    /// Derives bytes, and makes the templates of what they become as strict as their source demands.
    fn derived(
        &self,
        caller: &Arc<Caller>,
        (base_key, other_keys): (ObjectId, &[ObjectId]),
        mut mechanism: Mechanism,
        length: Option<usize>,
        templates: &mut [Register],
    ) -> Result<Derived> {
        let derived = self.refusable(caller, Verb::Derive, Some(base_key), || {
            let (base, seen) = self.prepare(caller, base_key, Purpose::Derive, &mechanism)?;
            let mut descent = Descent::of(&base.object);
            let mut others = Vec::with_capacity(other_keys.len());
            for other in other_keys {
                others.push(self.other_key(caller, *other, &mut mechanism)?);
            }
            let value = self.ready(&base)?.derive(&mechanism, length)?;
            for template in &mut *templates {
                check_shown(&mechanism, &base.object, value.len(), template)?;
            }
            for other in others {
                // What is joined to the base key comes after all of it.
                let before = base.object.spec.map_or(0, KeySpec::value_length);
                let rest = value.len().saturating_sub(before);
                for template in &mut *templates {
                    check_shown(&mechanism, &other, rest, template)?;
                }
                descent = descent.and(Descent::of(&other));
                self.count(caller, &other, Purpose::Derive, value.len(), true)?;
            }
            self.take_role(caller, &base, (Purpose::Derive, &mechanism), seen)?;
            self.count(caller, &base.object, Purpose::Derive, value.len(), true)?;
            Ok(Derived {
                value,
                base,
                descent,
            })
        })?;
        self.record_use_of(caller, Verb::Derive, base_key, None, mechanism.name())?;
        Ok(derived)
    }

    /// Takes the value of a further key, which the caller may derive from, into a mechanism.
    fn other_key(
        &self,
        caller: &Arc<Caller>,
        other: ObjectId,
        mechanism: &mut Mechanism,
    ) -> Result<Arc<Object>> {
        let (other, seen) = self.prepare(caller, other, Purpose::Derive, mechanism)?;
        let value = match &other.object.material {
            Material::Secret(value) if other.object.class == ObjectClass::SecretKey => value,
            _ => return Err(Error::NoMaterial("the other key's value is not here")),
        };
        if !mechanism.take_other_key(value.clone()) {
            return Err(Error::MechanismParameter(
                "the mechanism takes no other key".to_owned(),
            ));
        }
        self.take_role(caller, &other, (Purpose::Derive, mechanism), seen)?;
        Ok(Arc::clone(&other.object))
    }
}

/// A key that shows bytes of a key it was derived from is as hidden as that one, and shows enough of a hidden one's
/// bytes that they cannot be found by trying (PKCS#11, "Miscellaneous simple key derivation": sensitivity). So are the
/// keys of TLS connections, of which the standard says so.
fn check_shown(
    mechanism: &Mechanism,
    source: &Object,
    length: usize,
    template: &mut Register,
) -> Result<()> {
    let shown = mechanism.shown_of_base(length);
    if shown.is_none() && !mechanism.inherits_hiding() {
        return Ok(());
    }
    let attributes = &source.attributes;
    let hidden = attributes.sensitive || !attributes.extractable;
    if hidden && shown.is_some_and(|shown| shown < SHORTEST_UNPROVEN) {
        return Err(Error::PolicyForbids(
            "fewer bytes of a sensitive key would be found by trying",
        ));
    }
    template.attributes.sensitive |= attributes.sensitive;
    template.attributes.extractable &= attributes.extractable;
    template.attributes.wrap_with_trusted |= attributes.wrap_with_trusted;
    Ok(())
}
