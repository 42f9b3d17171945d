//! Keys: generate, wrap, unwrap, derive; and random bytes.

use cryptoki_sys::*;
use keybridge_core::kms::{CreateKey, DeriveKey, UnwrapKey};
use keybridge_core::{KeySpec, ObjectClass, SecretBytes};

use super::objects::lifetime;
use crate::attributes::Template;
use crate::attributes::creation::{Draft, Maker, secret_key_of_any_size};
use crate::ffi::pointers::Output;
use crate::mechanisms::convert::{check_key, row_for, to_core};
use crate::mechanisms::registry::{Family, Row};
use crate::mechanisms::vendor::CKK_KB_SM4;
use crate::mechanisms::{MechanismCall, Parameters};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::Session;
use crate::slot::Slot;
use crate::token::Register;
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
            let key_type = generated_type(row_for(mechanism, CKF_GENERATE)?)?;
            let draft = Draft::new(
                template,
                Maker::Generate,
                Some(CKO_SECRET_KEY),
                Some(key_type),
            )?;
            Self::check_writable(session, draft.token)?;
            let length = match draft.value_len()? {
                Some(length) => length,
                None if key_type == CKK_KB_SM4 => 16,
                None => return Err(Rv::TEMPLATE_INCOMPLETE),
            };
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
            let draft = |template, class| {
                Draft::new(template, Maker::Generate, Some(class), Some(key_type))
            };
            let public = draft(public, CKO_PUBLIC_KEY)?;
            let private = draft(private, CKO_PRIVATE_KEY)?;
            Self::check_writable(session, public.token || private.token)?;
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

    /// `C_WrapKey`.
    ///
    /// # Errors
    /// `CKR_KEY_UNEXTRACTABLE`, `CKR_KEY_HANDLE_INVALID`, `CKR_WRAPPING_KEY_…`.
    pub fn wrap_key(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &MechanismCall<'_>,
        wrapping_key: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
        output: &mut Output<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let row = row_for(mechanism, CKF_WRAP)?;
            let wrapping = self.object(session, wrapping_key, Rv::WRAPPING_KEY_HANDLE_INVALID)?;
            let target = self.object(session, key, Rv::KEY_HANDLE_INVALID)?;
            let spec = self.spec(slot, wrapping, Rv::WRAPPING_KEY_HANDLE_INVALID)?;
            check_key(row, spec).map_err(|_| Rv::WRAPPING_KEY_TYPE_INCONSISTENT)?;
            let class = slot
                .token
                .inspect(target)
                .map_err(|_| Rv::KEY_HANDLE_INVALID)?
                .class;
            if !matches!(class, ObjectClass::SecretKey | ObjectClass::PrivateKey) {
                return Err(Rv::KEY_NOT_WRAPPABLE);
            }
            let mechanism = to_core(row, mechanism, spec)?;
            let wrapped = slot.token.wrap(wrapping, mechanism, target);
            let wrapped = wrapped.map_err(|error| rv(&error, Doing::Wrapping))?;
            if let Some(room) = output.room(wrapped.len())? {
                room.copy_from_slice(&wrapped);
            }
            Ok(())
        })
    }

    /// `C_UnwrapKey`.
    ///
    /// # Errors
    /// `CKR_WRAPPED_KEY_INVALID` whatever is wrong with the wrapped key, and those of the template.
    pub fn unwrap_key(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &MechanismCall<'_>,
        unwrapping_key: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: &Template<'_>,
    ) -> Result<CK_OBJECT_HANDLE> {
        self.in_session(session, |session, slot| {
            let row = row_for(mechanism, CKF_UNWRAP)?;
            let draft = Draft::new(template, Maker::Unwrap, None, None)?;
            Self::check_writable(session, draft.token)?;
            let invalid = Rv::UNWRAPPING_KEY_HANDLE_INVALID;
            let unwrapping = self.object(session, unwrapping_key, invalid)?;
            let spec = self.spec(slot, unwrapping, invalid)?;
            check_key(row, spec).map_err(|_| Rv::UNWRAPPING_KEY_TYPE_INCONSISTENT)?;
            let mechanism = to_core(row, mechanism, spec)?;
            let template = new_key(session, &draft, draft.value_len()?)?;
            let private = template.attributes.private;
            let request = UnwrapKey {
                unwrapping_key: unwrapping,
                mechanism,
                wrapped,
                template,
                decode: &Ok,
            };
            let object = slot.token.unwrap(request);
            let object = object.map_err(|error| rv(&error, Doing::Unwrapping))?;
            Ok(self.made(session, slot, object, private, draft.token))
        })
    }

    /// `C_DeriveKey`. The new key is a generic secret, or of the type and length that the template gives.
    ///
    /// # Errors
    /// `CKR_KEY_TYPE_INCONSISTENT`, `CKR_MECHANISM_PARAM_INVALID`, and those of the template.
    pub fn derive_key(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &MechanismCall<'_>,
        base_key: CK_OBJECT_HANDLE,
        template: &Template<'_>,
    ) -> Result<CK_OBJECT_HANDLE> {
        self.in_session(session, |session, slot| {
            let row = row_for(mechanism, CKF_DERIVE)?;
            let base = self.object(session, base_key, Rv::KEY_HANDLE_INVALID)?;
            let spec = self.spec(slot, base, Rv::KEY_HANDLE_INVALID)?;
            check_key(row, spec)?;
            let key_type = template.ulong(CKA_KEY_TYPE)?.unwrap_or(CKK_GENERIC_SECRET);
            let draft = Draft::new(
                template,
                Maker::Unwrap,
                Some(CKO_SECRET_KEY),
                Some(key_type),
            )?;
            Self::check_writable(session, draft.token)?;
            let length = match draft.value_len()? {
                Some(length) => length,
                None => natural_length(row, mechanism, spec, key_type)?,
            };
            let mechanism = to_core(row, mechanism, spec)?;
            let template = new_key(session, &draft, Some(length))?;
            let private = template.attributes.private;
            let request = DeriveKey {
                base_key: base,
                mechanism,
                length: Some(length),
                template,
            };
            let object = slot.token.derive(request);
            let object = object.map_err(|error| rv(&error, Doing::Deriving))?;
            Ok(self.made(session, slot, object, private, draft.token))
        })
    }

    /// The kind of a key, for judging a mechanism before it is used.
    fn spec(
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

    /// `C_SeedRandom`: the operating system's generator needs no seed, and takes none from a stranger.
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

/// The request for a key that comes out of another.
fn new_key(session: &Session, draft: &Draft<'_, '_>, length: Option<usize>) -> Result<Register> {
    let mut request = Register::new(draft.object_class(), SecretBytes::default());
    request.value = None;
    request.lifetime = lifetime(session, draft.token);
    request.attributes = draft.attributes.clone();
    request.spec = match (draft.class, length) {
        (CKO_SECRET_KEY, Some(length)) => Some(draft.secret_spec(length)?),
        (CKO_SECRET_KEY, None) => Some(secret_key_of_any_size(draft.key_type)?),
        // Read from the key when it is there.
        (CKO_PRIVATE_KEY, _) => None,
        _ => return Err(Rv::TEMPLATE_INCONSISTENT),
    };
    Ok(request)
}

/// Bytes that a derivation gives when the template does not say.
fn natural_length(
    row: &Row,
    mechanism: &MechanismCall<'_>,
    spec: Option<KeySpec>,
    key_type: CK_KEY_TYPE,
) -> Result<usize> {
    if key_type == CKK_KB_SM4 {
        return Ok(16);
    }
    match (row.family, mechanism.parameters, spec) {
        (Family::Ecdh, _, Some(KeySpec::Ec { curve })) => Ok(curve.field_length()),
        (Family::Ecdh, _, Some(KeySpec::X25519)) => Ok(32),
        (Family::EcbEncryptData, Parameters::Bytes(data), _)
        | (Family::CbcEncryptData, Parameters::CbcEncryptData { data, .. }, _) => Ok(data.len()),
        _ => Err(Rv::TEMPLATE_INCOMPLETE),
    }
}
