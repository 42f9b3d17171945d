//! Keys on the way: wrap, unwrap, derive; and random bytes.

use std::sync::Arc;

use aws_lc_rs::rand;

use super::Kms;
use super::change::check_object;
use super::request::{DeriveKey, UnwrapKey};
use super::rules;
use crate::audit::Verb;
use crate::authorize::{Caller, authorize};
use crate::encoding;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::lifecycle;
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Imprint, Material, Object, ObjectClass};
use crate::secret::SecretBytes;

/// Fewest bytes of a sensitive value that is unwrapped by a mechanism that does not authenticate: with fewer it would
/// be found by trying, and of what was wrapped one such piece after the other. 112 bits, the least of SP 800-131A.
const SHORTEST_UNPROVEN: usize = 14;

impl Kms {
    /// Wraps a key's value with another key. `encode` turns the canonical value into what is wrapped
    /// (PKCS#11: as it is; KMIP: perhaps a TTLV Key Value).
    ///
    /// # Errors
    /// [`Error::NotExtractable`], [`Error::NoMaterial`] for a value that is in an HSM, those of [`Kms::begin`].
    pub fn wrap(
        &self,
        caller: &Arc<Caller>,
        wrapping_key: ObjectId,
        mechanism: &Mechanism,
        target: ObjectId,
        encode: &dyn Fn(&Object, &SecretBytes) -> Result<SecretBytes>,
    ) -> Result<Vec<u8>> {
        let result = self.try_wrap(caller, wrapping_key, mechanism, target, encode);
        let error = result.as_ref().err();
        self.record_use_of(caller, Verb::Wrap, wrapping_key, error, mechanism.name())?;
        self.record_use_of(caller, Verb::Export, target, error, mechanism.name())?;
        result
    }

    fn try_wrap(
        &self,
        caller: &Arc<Caller>,
        wrapping_key: ObjectId,
        mechanism: &Mechanism,
        target: ObjectId,
        encode: &dyn Fn(&Object, &SecretBytes) -> Result<SecretBytes>,
    ) -> Result<Vec<u8>> {
        let (wrapping, seen) = self.prepare(caller, wrapping_key, Purpose::Wrap, mechanism)?;
        let loaded = self.load(target)?;
        let target = &loaded.object;
        check_object(caller, Verb::Export, target)?;
        if let Some(state) = self.gate_of(target)? {
            lifecycle::check_gate(state)?;
        }
        if target.archived {
            return Err(Error::Archived);
        }
        if target.class.is_secret() && !target.attributes.extractable {
            return Err(Error::NotExtractable);
        }
        if target.attributes.wrap_with_trusted && !wrapping.object.attributes.trusted {
            return Err(Error::PolicyForbids(
                "the key may be wrapped by trusted keys only (CKA_WRAP_WITH_TRUSTED)",
            ));
        }
        rules::check_template("wrap", &wrapping.object.attributes.templates.wrap, target)?;
        let policy = self.policies.of(caller.account(), self)?;
        policy.check_wrapping(mechanism, wrapping.object.spec, target.spec)?;
        let value = match &target.material {
            Material::Secret(value) => encode(target, value)?,
            Material::Public(value) => encode(target, &SecretBytes::from(value.as_slice()))?,
            Material::None => return Err(Error::NoMaterial("destroyed, or not imported yet")),
            Material::Resident { .. } | Material::Wrapped { .. } => {
                return Err(Error::NoMaterial("the value does not leave the HSM"));
            }
        };
        let wrapped = self.ready(&wrapping)?.wrap(mechanism, &value)?;
        self.take_role(caller, &wrapping, (Purpose::Wrap, mechanism), seen)?;
        self.count(caller, &wrapping.object, Purpose::Wrap, value.len(), true)?;
        self.imprint_wrapped(&wrapping, &loaded, value.expose())?;
        self.first_served(caller, &loaded)?;
        Ok(wrapped)
    }

    /// Unwraps a key into a new object.
    ///
    /// # Errors
    /// [`Error::InvalidWrappedKey`], those of [`Kms::begin`] and [`Kms::register`].
    pub fn unwrap(&self, caller: &Arc<Caller>, request: UnwrapKey<'_>) -> Result<ObjectId> {
        let UnwrapKey {
            unwrapping_key,
            mechanism,
            wrapped,
            mut template,
            decode,
        } = request;
        let (value, key) = self.refusable(caller, Verb::Unwrap, Some(unwrapping_key), || {
            let (key, seen) = self.prepare(caller, unwrapping_key, Purpose::Unwrap, &mechanism)?;
            let policy = self.policies.of(caller.account(), self)?;
            policy.check_wrapping(&mechanism, key.object.spec, template.spec)?;
            let raw = self.ready(&key)?.unwrap(&mechanism, wrapped)?;
            let past = match policy.sticky_sensitivity && template.class.is_secret() {
                true => self.past_of_unwrapped(&key.object, &mechanism, &raw)?,
                false => Imprint::default(),
            };
            past.bind(&mut template.attributes);
            let value = decode(raw)?;
            if past.sensitive && !mechanism.authenticates() && value.len() < SHORTEST_UNPROVEN {
                return Err(Error::InvalidWrappedKey);
            }
            if template.class == ObjectClass::PrivateKey && template.spec.is_none() {
                // One error, whatever was wrong: an unwrapping oracle learns nothing.
                let spec = encoding::private_key_spec(value.expose());
                template.spec = Some(spec.map_err(|_| Error::InvalidWrappedKey)?);
            }
            // Before anybody has what was unwrapped.
            self.take_role(caller, &key, (Purpose::Unwrap, &mechanism), seen)?;
            Ok((value, key))
        })?;
        self.record_use_of(caller, Verb::Unwrap, unwrapping_key, None, mechanism.name())?;
        template.value = Some(value);
        let demands = &key.object.attributes.templates.unwrap;
        self.register_as(caller, Verb::Unwrap, template, false, &|object| {
            rules::check_template("unwrap", demands, object)
        })
    }

    /// How strict something unwrapped must be. What was wrapped here comes back as strict as it was, in whichever form
    /// it was wrapped. And what comes by a mechanism that does not notice a change, with a key that has wrapped
    /// something that nobody may see, may be just that with bits flipped or blocks cut out: another value, and yet
    /// telling it. So it is sensitive, and what a trusted key unwraps is for trusted keys to wrap.
    fn past_of_unwrapped(
        &self,
        unwrapping: &Object,
        mechanism: &Mechanism,
        raw: &SecretBytes,
    ) -> Result<Imprint> {
        let past = self.remembered(self.fingerprint_of_value(unwrapping, raw.expose()))?;
        if mechanism.authenticates() {
            return Ok(past);
        }
        let Some(key) = self.fingerprint_of(unwrapping) else {
            return Ok(past);
        };
        let has_wrapped = self.remembered(key)?.wrapped_hidden;
        Ok(past.and(Imprint {
            sensitive: has_wrapped,
            wrap_with_trusted: has_wrapped && unwrapping.attributes.trusted,
            ..Imprint::default()
        }))
    }

    /// Derives a new secret object from a key.
    ///
    /// # Errors
    /// Those of [`Kms::begin`] and [`Kms::register`].
    pub fn derive(&self, caller: &Arc<Caller>, request: DeriveKey) -> Result<ObjectId> {
        let DeriveKey {
            base_key,
            mechanism,
            length,
            mut template,
        } = request;
        let (value, base) = self.refusable(caller, Verb::Derive, Some(base_key), || {
            let (base, seen) = self.prepare(caller, base_key, Purpose::Derive, &mechanism)?;
            let value = self.ready(&base)?.derive(&mechanism, length)?;
            self.take_role(caller, &base, (Purpose::Derive, &mechanism), seen)?;
            self.count(caller, &base.object, Purpose::Derive, value.len(), true)?;
            Ok((value, base))
        })?;
        self.record_use_of(caller, Verb::Derive, base_key, None, mechanism.name())?;
        template.value = Some(value);
        let always_sensitive = base.object.always_sensitive;
        let demands = &base.object.attributes.templates.derive;
        self.register_as(
            caller,
            Verb::Derive,
            template,
            always_sensitive,
            &|object| rules::check_template("derive", demands, object),
        )
    }

    /// Stirs a caller's seed into what [`Kms::random`] gives: it cannot make it weaker.
    ///
    /// # Errors
    /// [`Error::Limit`] for too many bytes at once.
    pub fn stir_random(&self, caller: &Arc<Caller>, seed: &[u8]) -> Result<()> {
        authorize(caller, Verb::Random, None)?;
        let limit = self.settings.limits.random_bytes;
        if seed.len() > limit {
            return Err(Error::Limit {
                name: "random-bytes",
                limit: limit as u64,
            });
        }
        self.stirred.stir(seed);
        self.record_use(caller, Verb::Random, None, None, "SEED")
    }

    /// Fills `output` from the operating system's generator.
    ///
    /// # Errors
    /// [`Error::Limit`] for too many bytes at once.
    pub fn random(&self, caller: &Arc<Caller>, output: &mut [u8]) -> Result<()> {
        authorize(caller, Verb::Random, None)?;
        let limit = self.settings.limits.random_bytes;
        if output.len() > limit {
            return Err(Error::Limit {
                name: "random-bytes",
                limit: limit as u64,
            });
        }
        rand::fill(output).map_err(|_| Error::Internal("the random generator failed".into()))?;
        self.stirred.mix(output)?;
        self.record_use(caller, Verb::Random, None, None, "")
    }
}
