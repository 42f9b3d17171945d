//! Secrets sent to the holder of a private key (ML-KEM, and ECDH with a key pair made for it).

use std::sync::Arc;

use super::Kms;
use super::register::Descent;
use super::request::{DecapsulateKey, EncapsulateKey, Register};
use super::rules;
use crate::algorithm::KeySpec;
use crate::audit::Verb;
use crate::authorize::Caller;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::mechanism::Purpose;
use crate::secret::SecretBytes;

impl Kms {
    /// Makes a secret object with a public key, and the ciphertext that gives its holder the same.
    ///
    /// # Errors
    /// Those of [`Kms::begin`] and [`Kms::register`]; [`Error::DataLength`] for a kind of key that is longer than the
    /// secret.
    pub fn encapsulate(
        &self,
        caller: &Arc<Caller>,
        request: EncapsulateKey,
    ) -> Result<(ObjectId, Vec<u8>)> {
        let EncapsulateKey {
            public_key,
            mechanism,
            template,
        } = request;
        let purpose = Purpose::Encapsulate;
        let (ciphertext, template, key) =
            self.refusable(caller, purpose.verb(), Some(public_key), || {
                let (key, _) = self.prepare(caller, public_key, purpose, &mechanism)?;
                let length = template.spec.map(KeySpec::value_length);
                let ready = self.ready(&key)?;
                let (ciphertext, secret) = ready.encapsulate(&mechanism, length)?;
                let template = with_secret(template, &secret)?;
                self.count(caller, &key.object, purpose, secret.len(), true)?;
                Ok((ciphertext, template, key))
            })?;
        self.record_use_of(caller, Verb::Derive, public_key, None, mechanism.name())?;
        let demands = &key.object.attributes.templates.encapsulate;
        let object = self.register_as(
            caller,
            Verb::Derive,
            template,
            Descent::default(),
            &|object| rules::check_template("encapsulate", demands, object),
        )?;
        Ok((object, ciphertext))
    }

    /// Makes a secret object of a ciphertext with the private key. One that nobody made with the public key gives a
    /// secret that nobody knows.
    ///
    /// # Errors
    /// As [`Kms::encapsulate`]; [`Error::DataLength`] also for a ciphertext of another length.
    pub fn decapsulate(
        &self,
        caller: &Arc<Caller>,
        request: DecapsulateKey<'_>,
    ) -> Result<ObjectId> {
        let DecapsulateKey {
            private_key,
            mechanism,
            ciphertext,
            template,
        } = request;
        let purpose = Purpose::Decapsulate;
        let (template, key) = self.refusable(caller, purpose.verb(), Some(private_key), || {
            let (key, seen) = self.prepare(caller, private_key, purpose, &mechanism)?;
            let length = template.spec.map(KeySpec::value_length);
            let ready = self.ready(&key)?;
            let secret = ready.decapsulate(&mechanism, ciphertext, length)?;
            self.take_role(caller, &key, (purpose, &mechanism), seen)?;
            self.count(caller, &key.object, purpose, secret.len(), true)?;
            Ok((with_secret(template, &secret)?, key))
        })?;
        self.record_use_of(caller, Verb::Derive, private_key, None, mechanism.name())?;
        let descent = Descent::of(&key.object);
        let demands = &key.object.attributes.templates.decapsulate;
        self.register_as(caller, Verb::Derive, template, descent, &|object| {
            rules::check_template("decapsulate", demands, object)
        })
    }
}

/// The request with as much of the secret as its kind of key has.
fn with_secret(mut template: Register, secret: &SecretBytes) -> Result<Register> {
    let length = template.spec.map_or(secret.len(), KeySpec::value_length);
    let value = secret.expose().get(..length);
    let value = value
        .ok_or_else(|| Error::DataLength(format!("the secret has {} bytes only", secret.len())))?;
    template.value = Some(SecretBytes::from(value));
    Ok(template)
}
