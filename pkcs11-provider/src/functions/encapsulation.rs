//! Key encapsulation: `C_EncapsulateKey` and `C_DecapsulateKey`.

use cryptoki_sys::*;
use keybridge_core::kms::{DecapsulateKey, EncapsulateKey};
use keybridge_core::mechanism::KeyDerivation;
use keybridge_core::{Error, KeySpec, Mechanism, ObjectId};

use super::wrapping::new_key;
use crate::attributes::Template;
use crate::attributes::creation::Maker;
use crate::attributes::kinds::usual_length;
use crate::attributes::templates;
use crate::ffi::pointers::Output;
use crate::mechanisms::MechanismCall;
use crate::mechanisms::convert::{check_key, row_for, to_core_for_encapsulation};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::Session;
use crate::slot::Slot;
use crate::token::Register;
use crate::token::error::{Doing, rv};

/// Bytes of ML-KEM's secrets (FIPS 203 section 3.3).
const SECRET: usize = 32;

/// What a mechanism makes, in bytes.
struct Lengths {
    ciphertext: usize,
    /// The whole secret, or what comes of it without a length.
    secret: usize,
    /// Longest key; none where a derivation makes as much as is wanted.
    longest: Option<usize>,
}

impl Lengths {
    /// Of a kind of key; none for one that encapsulates nothing.
    fn of(spec: Option<KeySpec>, mechanism: &Mechanism) -> Option<Self> {
        let (ciphertext, secret) = match spec? {
            KeySpec::Lattice { set } if set.is_kem() => (set.output_length(), SECRET),
            // An uncompressed point (6.3.17: "the same format as the public key used in C_DeriveKey").
            KeySpec::Ec { curve } => (1 + 2 * curve.field_length(), curve.field_length()),
            KeySpec::X25519 => (32, 32),
            _ => return None,
        };
        let (secret, longest) = match mechanism {
            Mechanism::Ecdh {
                derivation: KeyDerivation::X963 { hash, .. } | KeyDerivation::OneStep { hash, .. },
                ..
            } => (hash.length(), None),
            _ => (secret, Some(secret)),
        };
        Some(Lengths {
            ciphertext,
            secret,
            longest,
        })
    }
}

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
            let mechanism = to_core_for_encapsulation(row, mechanism, spec)?;
            let lengths = Lengths::of(spec, &mechanism).ok_or(Rv::KEY_TYPE_INCONSISTENT)?;
            // "If any attribute conflict occurs on an attempt to encapsulate a key … CKR_KEY_HANDLE_INVALID".
            let template = templates::merged(template, &added);
            let template = &template.map_err(|_| Rv::KEY_HANDLE_INVALID)?;
            let wanted = Self::wanted_key(session, slot, template, &lengths)?;
            // Nothing is made before it is known that its ciphertext has a place.
            if output.room(lengths.ciphertext)?.is_none() {
                return Ok(None);
            }
            let request = EncapsulateKey {
                public_key: key,
                mechanism,
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
    /// As [`Instance::encapsulate_key`], by the names of unwrapping; `CKR_WRAPPED_KEY_LEN_RANGE` for a ciphertext of
    /// another length, `CKR_WRAPPED_KEY_INVALID` for one that is no point of the key's curve.
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
            let invalid = Rv::UNWRAPPING_KEY_HANDLE_INVALID;
            let key: ObjectId = self.object(session, private_key, invalid)?;
            let (spec, added) =
                self.spec_and_template(slot, key, CKA_DECAPSULATE_TEMPLATE, invalid)?;
            let inconsistent = Rv::UNWRAPPING_KEY_TYPE_INCONSISTENT;
            check_key(row, spec).map_err(|_| inconsistent)?;
            let mechanism = to_core_for_encapsulation(row, mechanism, spec)?;
            let lengths = Lengths::of(spec, &mechanism).ok_or(inconsistent)?;
            let template = &templates::merged(template, &added)?;
            let wanted = Self::wanted_key(session, slot, template, &lengths)?;
            if ciphertext.len() != lengths.ciphertext {
                return Err(Rv::WRAPPED_KEY_LEN_RANGE);
            }
            let request = DecapsulateKey {
                private_key: key,
                mechanism,
                ciphertext,
                template: wanted.request,
            };
            let object = slot.token.decapsulate(request);
            let object = object.map_err(|error| match error {
                Error::InvalidCiphertext => Rv::WRAPPED_KEY_INVALID,
                error => rv(&error, Doing::Deriving),
            })?;
            Ok(self.made(session, slot, object, wanted.private, wanted.token))
        })
    }

    /// The key that a template wants: a generic secret as long as the secret, if it does not say.
    fn wanted_key(
        session: &Session,
        slot: &Slot,
        template: &Template<'_>,
        lengths: &Lengths,
    ) -> Result<Wanted> {
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
        let length = length.unwrap_or(lengths.secret);
        if lengths.longest.is_some_and(|longest| length > longest) {
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
