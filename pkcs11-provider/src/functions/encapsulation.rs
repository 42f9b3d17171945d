//! Key encapsulation: `C_EncapsulateKey` and `C_DecapsulateKey`.

use cryptoki_sys::*;
use keybridge_core::kms::{DecapsulateKey, EncapsulateKey};
use keybridge_core::{KeySpec, ObjectId};

use super::wrapping::new_key;
use crate::attributes::Template;
use crate::attributes::creation::Maker;
use crate::attributes::kinds::usual_length;
use crate::attributes::templates;
use crate::ffi::pointers::Output;
use crate::mechanisms::MechanismCall;
use crate::mechanisms::convert::{check_key, row_for, to_core};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::Session;
use crate::slot::Slot;
use crate::token::Register;
use crate::token::error::{Doing, rv};

/// Bytes of ML-KEM's secrets (FIPS 203 section 3.3).
const SECRET: usize = 32;

/// A key that is made of a secret, and whether the application hides it and keeps it.
struct Wanted {
    request: Register,
    private: bool,
    token: bool,
}

impl Instance {
    /// `C_EncapsulateKey`: the new key's handle; none when only the ciphertext's length was asked for.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID`, `CKR_KEY_TYPE_INCONSISTENT`, and those of the template.
    pub fn encapsulate_key(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &MechanismCall<'_>,
        public_key: CK_OBJECT_HANDLE,
        template: &Template<'_>,
        output: &mut Output<'_>,
    ) -> Result<Option<CK_OBJECT_HANDLE>> {
        self.in_session(session, |session, slot| {
            let row = row_for(mechanism, CKF_ENCAPSULATE)?;
            let key = self.object(session, public_key, Rv::KEY_HANDLE_INVALID)?;
            let invalid = Rv::KEY_HANDLE_INVALID;
            let (spec, added) =
                self.spec_and_template(slot, key, CKA_ENCAPSULATE_TEMPLATE, invalid)?;
            check_key(row, spec)?;
            let Some(KeySpec::Lattice { set }) = spec else {
                return Err(Rv::KEY_TYPE_INCONSISTENT);
            };
            // "If any attribute conflict occurs on an attempt to encapsulate a key … CKR_KEY_HANDLE_INVALID".
            let template = templates::merged(template, &added);
            let template = &template.map_err(|_| Rv::KEY_HANDLE_INVALID)?;
            let wanted = Self::wanted_key(session, slot, template)?;
            // Nothing is made before it is known that its ciphertext has a place.
            if output.room(set.output_length())?.is_none() {
                return Ok(None);
            }
            let request = EncapsulateKey {
                public_key: key,
                mechanism: to_core(row, mechanism, spec)?,
                template: wanted.request,
            };
            let made = slot.token.encapsulate(request);
            let (object, ciphertext) = made.map_err(|error| rv(&error, Doing::Deriving))?;
            match output.room(ciphertext.len())? {
                Some(room) => room.copy_from_slice(&ciphertext),
                None => return Err(Rv::GENERAL_ERROR),
            }
            Ok(Some(self.made(
                session,
                slot,
                object,
                wanted.private,
                wanted.token,
            )))
        })
    }

    /// `C_DecapsulateKey`.
    ///
    /// # Errors
    /// As [`Instance::encapsulate_key`]; `CKR_ENCRYPTED_DATA_LEN_RANGE` for a ciphertext of another length.
    pub fn decapsulate_key(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &MechanismCall<'_>,
        private_key: CK_OBJECT_HANDLE,
        template: &Template<'_>,
        ciphertext: &[u8],
    ) -> Result<CK_OBJECT_HANDLE> {
        self.in_session(session, |session, slot| {
            let row = row_for(mechanism, CKF_DECAPSULATE)?;
            let key: ObjectId = self.object(session, private_key, Rv::KEY_HANDLE_INVALID)?;
            let invalid = Rv::KEY_HANDLE_INVALID;
            let (spec, added) =
                self.spec_and_template(slot, key, CKA_DECAPSULATE_TEMPLATE, invalid)?;
            check_key(row, spec)?;
            let Some(KeySpec::Lattice { set }) = spec else {
                return Err(Rv::KEY_TYPE_INCONSISTENT);
            };
            let template = &templates::merged(template, &added)?;
            let wanted = Self::wanted_key(session, slot, template)?;
            if ciphertext.len() != set.output_length() {
                return Err(Rv::ENCRYPTED_DATA_LEN_RANGE);
            }
            let request = DecapsulateKey {
                private_key: key,
                mechanism: to_core(row, mechanism, spec)?,
                ciphertext,
                template: wanted.request,
            };
            let object = slot.token.decapsulate(request);
            let object = object.map_err(|error| rv(&error, Doing::Deriving))?;
            Ok(self.made(session, slot, object, wanted.private, wanted.token))
        })
    }

    /// The key that a template wants: a generic secret as long as the secret, if it does not say.
    fn wanted_key(session: &Session, slot: &Slot, template: &Template<'_>) -> Result<Wanted> {
        let key_type = template.ulong(CKA_KEY_TYPE)?.unwrap_or(CKK_GENERIC_SECRET);
        let class = Some(CKO_SECRET_KEY);
        let draft = Self::draft(
            session,
            slot,
            template,
            Maker::Unwrap,
            class,
            Some(key_type),
        )?;
        let length = draft.value_len()?.or_else(|| usual_length(key_type));
        let length = length.unwrap_or(SECRET);
        if length > SECRET {
            return Err(Rv::TEMPLATE_INCONSISTENT);
        }
        let request = new_key(session, &draft, Some(draft.secret_spec(length)?));
        Ok(Wanted {
            private: request.attributes.private,
            token: draft.token,
            request,
        })
    }
}
