//! Keys on the way: wrap, unwrap; and random bytes.

use std::sync::Arc;

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::Kms;
use super::cache::Loaded;
use super::change::check_object;
use super::imprints;
use super::register::Descent;
use super::request::UnwrapKey;
use super::rules;
use crate::algorithm::KeySpec;
use crate::audit::Verb;
use crate::authorize::{Caller, authorize};
use crate::encoding;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::lifecycle;
use crate::mechanism::{Mechanism, Purpose};
use crate::model::{Imprint, Material, Object, ObjectClass};
use crate::policy::Policy;
use crate::secret::SecretBytes;
use crate::store::ChangeNumber;

/// Fewest bytes of a sensitive value that is unwrapped by a mechanism that does not authenticate: with fewer it would
/// be found by trying, and of what was wrapped one such piece after the other. 112 bits, the least of SP 800-131A.
pub(super) const SHORTEST_UNPROVEN: usize = 14;

/// Bytes that the padding of PKCS#1 v1.5 adds at least.
const PKCS1_ADDS: usize = 11;

/// What may be wrapped.
struct Wrapping {
    key: Arc<Loaded>,
    seen: ChangeNumber,
    target: Arc<Loaded>,
    value: SecretBytes,
}

/// What was in a wrapped key.
struct Unwrapped {
    value: SecretBytes,
    spec: Option<KeySpec>,
    past: Imprint,
}

/// Whether keys of this kind have values of that length, as far as the kind says it.
const fn has_length(spec: KeySpec, length: usize) -> bool {
    matches!(spec, KeySpec::Foreign { .. }) || spec.value_length() == length
}

impl Kms {
    /// Wraps a key's value with another key. `encode` turns the canonical value into what is wrapped
    /// (PKCS#11: as it is; KMIP: perhaps a TTLV Key Value).
    ///
    /// # Errors
    /// [`Error::NotExtractable`] (also for a value that is in an HSM), [`Error::NoMaterial`], those of [`Kms::begin`].
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

    /// How many bytes [`Kms::wrap`] would give, after all that it checks; none where that is only known when it is done.
    /// Nothing is wrapped and nothing leaves: so the key takes no role, no use is counted, and the audit has a record of
    /// a refusal only. An export that did not happen must not stand there beside the one that follows.
    ///
    /// # Errors
    /// As [`Kms::wrap`].
    pub fn wrapped_length(
        &self,
        caller: &Arc<Caller>,
        wrapping_key: ObjectId,
        mechanism: &Mechanism,
        target: ObjectId,
        encode: &dyn Fn(&Object, &SecretBytes) -> Result<SecretBytes>,
    ) -> Result<Option<usize>> {
        self.refusable(caller, Verb::Wrap, Some(wrapping_key), || {
            let wrapping = self.may_wrap(caller, wrapping_key, mechanism, target, encode)?;
            let spec = wrapping.key.object.spec;
            Ok(mechanism.wrapped_length(spec, wrapping.value.len()))
        })
    }

    fn try_wrap(
        &self,
        caller: &Arc<Caller>,
        wrapping_key: ObjectId,
        mechanism: &Mechanism,
        target: ObjectId,
        encode: &dyn Fn(&Object, &SecretBytes) -> Result<SecretBytes>,
    ) -> Result<Vec<u8>> {
        let Wrapping {
            key: wrapping,
            seen,
            target: loaded,
            value,
        } = self.may_wrap(caller, wrapping_key, mechanism, target, encode)?;
        let target = &loaded.object;
        let wrapped = self.ready(&wrapping)?.wrap(mechanism, &value)?;
        // To wrap what may be read anyhow is to encrypt it.
        if imprints::is_hidden(target) {
            self.take_role(caller, &wrapping, (Purpose::Wrap, mechanism), seen)?;
        }
        self.count(caller, &wrapping.object, Purpose::Wrap, value.len(), true)?;
        self.imprint_wrapped(&wrapping, &loaded, value.expose())?;
        self.first_served(caller, &loaded)?;
        Ok(wrapped)
    }

    /// All that is asked before a key is wrapped.
    fn may_wrap(
        &self,
        caller: &Arc<Caller>,
        wrapping_key: ObjectId,
        mechanism: &Mechanism,
        target: ObjectId,
        encode: &dyn Fn(&Object, &SecretBytes) -> Result<SecretBytes>,
    ) -> Result<Wrapping> {
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
                return Err(Error::NotExtractable);
            }
        };
        Ok(Wrapping {
            key: wrapping,
            seen,
            target: Arc::clone(&loaded),
            value,
        })
    }

    /// Unwraps a key into a new object.
    ///
    /// # Errors
    /// [`Error::InvalidWrappedKey`], those of [`Kms::begin`] and [`Kms::register`].
    pub fn unwrap(&self, caller: &Arc<Caller>, request: UnwrapKey<'_>) -> Result<ObjectId> {
        let (unwrapping_key, name) = (request.unwrapping_key, request.mechanism.name());
        let mut template = request.template.clone();
        let (unwrapped, key) =
            self.refusable(caller, Verb::Unwrap, Some(unwrapping_key), || {
                let (key, seen) =
                    self.prepare(caller, unwrapping_key, Purpose::Unwrap, &request.mechanism)?;
                let policy = self.policies.of(caller.account(), self)?;
                policy.check_wrapping(&request.mechanism, key.object.spec, template.spec)?;
                let unwrapped = self.unwrap_value(&key, policy, &request)?;
                policy.check_wrapping(&request.mechanism, key.object.spec, unwrapped.spec)?;
                // Before anybody has what was unwrapped.
                self.take_role(caller, &key, (Purpose::Unwrap, &request.mechanism), seen)?;
                Ok((unwrapped, key))
            })?;
        self.record_use_of(caller, Verb::Unwrap, unwrapping_key, None, name)?;
        unwrapped.past.bind(&mut template.attributes);
        template.spec = unwrapped.spec;
        template.value = Some(unwrapped.value);
        let demands = &key.object.attributes.templates.unwrap;
        self.register_as(
            caller,
            Verb::Unwrap,
            template,
            Descent::default(),
            &|object| rules::check_template("unwrap", demands, object),
        )
    }

    /// What is wrapped, and what kind of key it is. One error, whatever was wrong: an unwrapping oracle learns nothing.
    /// And for PKCS#1 v1.5 none at all: of each error the oracle learns that the padding was wrong, and after some
    /// thousands it knows the key (Bleichenbacher 1998; Bardou and others 2012, of tokens). So what has no
    /// padding, or not the length, opens as a key that only this ciphertext opens as.
    fn unwrap_value(
        &self,
        key: &Loaded,
        policy: &Policy,
        request: &UnwrapKey<'_>,
    ) -> Result<Unwrapped> {
        let UnwrapKey {
            mechanism,
            wrapped,
            template,
            kind,
            decode,
            ..
        } = request;
        let substitute = self.substitute(&key.object, request)?;
        let opened = self.ready(key)?.unwrap(mechanism, wrapped).and_then(|raw| {
            let value = decode(raw.clone())?;
            let spec = match (template.class, template.spec) {
                (ObjectClass::SecretKey, None) => {
                    Some(kind(value.len()).ok_or(Error::InvalidWrappedKey)?)
                }
                (ObjectClass::SecretKey, Some(spec)) if !has_length(spec, value.len()) => {
                    return Err(Error::InvalidWrappedKey);
                }
                (ObjectClass::PrivateKey, None) => {
                    let spec = encoding::private_key_spec(value.expose());
                    Some(spec.map_err(|_| Error::InvalidWrappedKey)?)
                }
                (_, spec) => spec,
            };
            Ok((value, spec, raw))
        });
        let (value, spec, raw) = match (opened, substitute) {
            (Err(Error::InvalidWrappedKey), Some((value, spec))) => {
                (value.clone(), Some(spec), value)
            }
            (opened, _) => opened?,
        };
        // Looked up once whatever was opened: a look more would tell by its time that the padding was right.
        let past = if policy.sticky_sensitivity && template.class.is_secret() {
            self.past_of_unwrapped(&key.object, mechanism, &raw)?
        } else {
            Imprint::default()
        };
        if past.sensitive && !mechanism.authenticates() && value.len() < SHORTEST_UNPROVEN {
            return Err(Error::InvalidWrappedKey);
        }
        Ok(Unwrapped { value, spec, past })
    }

    /// What a ciphertext of PKCS#1 v1.5 opens as when it holds no key: always the same, of a length that such keys have.
    /// Made whether or not it is needed, so that time does not tell. None for other mechanisms, and for a ciphertext whose
    /// length, which everybody sees, is wrong.
    fn substitute(
        &self,
        unwrapping: &Object,
        request: &UnwrapKey<'_>,
    ) -> Result<Option<(SecretBytes, KeySpec)>> {
        let Some(KeySpec::Rsa { bits }) = unwrapping.spec else {
            return Ok(None);
        };
        let whole = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
        if request.mechanism != Mechanism::RsaPkcs1
            || request.template.class != ObjectClass::SecretKey
            || request.wrapped.len() != whole
        {
            return Ok(None);
        }
        let key = self
            .fingerprint_of(unwrapping)
            .ok_or(Error::NoMaterial("destroyed, or not imported yet"))?;
        let block = |number: u32| {
            let parts = [&key.0[..], request.wrapped, &number.to_be_bytes()];
            self.vault
                .fingerprint(unwrapping.account, "no padding", &parts)
        };
        let spec = match request.template.spec {
            Some(spec) => spec,
            None => {
                let specs: Vec<KeySpec> = (1..=whole.saturating_sub(PKCS1_ADDS))
                    .filter_map(|length| (request.kind)(length))
                    .collect();
                if specs.is_empty() {
                    return Ok(None);
                }
                let [a, b, ..] = block(0).0;
                specs[usize::from(u16::from_be_bytes([a, b])) % specs.len()]
            }
        };
        let mut bytes =
            Zeroizing::new(Vec::with_capacity(spec.value_length().next_multiple_of(32)));
        for number in 1.. {
            if bytes.len() >= spec.value_length() {
                break;
            }
            bytes.extend_from_slice(&block(number).0);
        }
        Ok(Some((
            SecretBytes::from(&bytes[..spec.value_length()]),
            spec,
        )))
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
