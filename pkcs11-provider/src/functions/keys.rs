//! Keys: generate and derive; and random bytes.

use cryptoki_sys::*;
use keybridge_core::KeySpec;
use keybridge_core::kms::CreateKey;

use super::objects::lifetime;
use crate::attributes::Template;
use crate::attributes::creation::Maker;
use crate::attributes::kinds::usual_length;
use crate::attributes::templates::{self, Written};
use crate::mechanisms::MechanismCall;
use crate::mechanisms::convert::row_for;
use crate::mechanisms::registry::{Family, Row};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::slot::Slot;
use crate::token::error::{Doing, rv};

/// Longest seed that an application may give, in bytes.
const MAX_SEED: usize = 1 << 20;

impl Instance {
    /// `C_GenerateKey`.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID` and those of the template.
    pub fn generate_key(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &MechanismCall<'_>,
        template: &Template<'_>,
    ) -> Result<CK_OBJECT_HANDLE> {
        self.in_session(session, |session, slot| {
            let row = row_for(mechanism, CKF_GENERATE)?;
            if row.family == Family::Pbkdf2 {
                return self.key_of_password(session, slot, mechanism, template);
            }
            let key_type = generated_type(row)?;
            let (maker, class) = (Maker::Generate, Some(CKO_SECRET_KEY));
            let draft = Self::draft(session, slot, template, maker, class, Some(key_type))?;
            let length = draft.value_len()?.or_else(|| usual_length(key_type));
            let length = length.ok_or(Rv::TEMPLATE_INCOMPLETE)?;
            let mut request = CreateKey::new(draft.secret_spec(length)?);
            request.protection = slot.token.protection();
            request.lifetime = lifetime(session, draft.token);
            request.key_gen_mechanism = Some(mechanism.kind);
            request.secret = draft.attributes;
            let private = request.secret.private;
            let created = slot.token.create_key(request);
            let created = created.map_err(|error| rv(&error, Doing::Making))?;
            Ok(self.made(session, slot, created.secret, private, draft.token))
        })
    }

    /// `C_GenerateKeyPair`: the handles of the public and the private key.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID` and those of the templates.
    pub fn generate_key_pair(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &MechanismCall<'_>,
        public: &Template<'_>,
        private: &Template<'_>,
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        self.in_session(session, |session, slot| {
            let key_type = generated_type(row_for(mechanism, CKF_GENERATE_KEY_PAIR)?)?;
            let (maker, key_type) = (Maker::Generate, Some(key_type));
            let class = Some(CKO_PUBLIC_KEY);
            let public = Self::draft(session, slot, public, maker, class, key_type)?;
            let class = Some(CKO_PRIVATE_KEY);
            let private = Self::draft(session, slot, private, maker, class, key_type)?;
            let (spec, public_exponent) = public.pair_spec()?;
            let mut request = CreateKey::new(spec);
            request.protection = slot.token.protection();
            request.lifetime = lifetime(session, private.token);
            request.public_lifetime = lifetime(session, public.token);
            request.public_exponent = public_exponent;
            request.key_gen_mechanism = Some(mechanism.kind);
            request.secret = private.attributes;
            request.public = public.attributes;
            let hidden = (request.secret.private, request.public.private);
            let created = slot.token.create_key(request);
            let created = created.map_err(|error| rv(&error, Doing::Making))?;
            let public_half = created.public.ok_or(Rv::GENERAL_ERROR)?;
            let public = self.made(session, slot, public_half, hidden.1, public.token);
            let private = self.made(session, slot, created.secret, hidden.0, private.token);
            Ok((public, private))
        })
    }

    /// The kind of a key, for judging a mechanism before it is used.
    pub(super) fn spec(
        &self,
        slot: &Slot,
        object: keybridge_core::ObjectId,
        invalid: Rv,
    ) -> Result<Option<KeySpec>> {
        let object = slot.token.inspect(object).map_err(|_| invalid)?;
        if object.class.is_key() {
            Ok(object.spec)
        } else {
            Err(invalid)
        }
    }

    /// The kind of a key that makes others, and what its template adds to them.
    pub(super) fn spec_and_template(
        &self,
        slot: &Slot,
        object: keybridge_core::ObjectId,
        template: CK_ATTRIBUTE_TYPE,
        invalid: Rv,
    ) -> Result<(Option<KeySpec>, Written)> {
        let object = slot.token.inspect(object).map_err(|_| invalid)?;
        if !object.class.is_key() {
            return Err(invalid);
        }
        let added = templates::get(&object.attributes, template);
        Ok((object.spec, added.unwrap_or_default()))
    }

    /// `C_SeedRandom`: the operating system's generator needs no seed, and takes none from a
    /// stranger.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for a seed beyond all measure.
    pub fn seed_random(&self, session: CK_SESSION_HANDLE, seed: &[u8]) -> Result<()> {
        self.in_session(session, |_, _| {
            if seed.len() > MAX_SEED {
                Err(Rv::ARGUMENTS_BAD)
            } else {
                Ok(())
            }
        })
    }

    /// `C_GenerateRandom`.
    ///
    /// # Errors
    /// `CKR_DEVICE_MEMORY` above the configured limit.
    pub fn generate_random(&self, session: CK_SESSION_HANDLE, output: &mut [u8]) -> Result<()> {
        self.in_session(session, |_, slot| {
            slot.token
                .random(output)
                .map_err(|error| rv(&error, Doing::Making))
        })
    }
}

fn generated_type(row: &Row) -> Result<CK_KEY_TYPE> {
    match row.family {
        Family::Generate(key_type) => Ok(key_type),
        _ => Err(Rv::MECHANISM_INVALID),
    }
}
