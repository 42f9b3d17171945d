//! Wrapping and unwrapping of keys.

use cryptoki_sys::*;
use keybridge_core::kms::UnwrapKey;
use keybridge_core::{Error, KeySpec, Mechanism, Object, ObjectClass, ObjectId, SecretBytes};

use super::objects::lifetime;
use crate::attributes::creation::{Draft, Maker};
use crate::attributes::{Template, templates};
use crate::ffi::pointers::Output;
use crate::mechanisms::MechanismCall;
use crate::mechanisms::convert::{check_key, row_for, to_core};
use crate::mechanisms::registry::Row;
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::Session;
use crate::slot::Slot;
use crate::token::Register;
use crate::token::error::{Doing, rv};

/// AES key wrap works on half blocks, in bytes.
const SEMIBLOCK: usize = 8;

impl Instance {
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
            let make = |spec| to_core(row, mechanism, spec);
            let keys = (wrapping_key, key);
            let room = |length| Ok(output.room(length)?.is_some());
            if let Some(wrapped) = self.wrapped(session, slot, row, keys, (&make, room))?
                && let Some(room) = output.room(wrapped.len())?
            {
                room.copy_from_slice(&wrapped);
            }
            Ok(())
        })
    }

    /// A key wrapped with another; `make` gives the mechanism for the wrapping key's kind. `room` is asked beforehand whether
    /// there is room for so many bytes, where that can be known: if not, nothing is wrapped.
    pub(super) fn wrapped(
        &self,
        session: &Session,
        slot: &Slot,
        row: &Row,
        (wrapping_key, key): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
        (make, room): (
            &dyn Fn(Option<KeySpec>) -> Result<Mechanism>,
            impl FnOnce(usize) -> Result<bool>,
        ),
    ) -> Result<Option<Vec<u8>>> {
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
        let mechanism = make(spec)?;
        let pads = matches!(mechanism, Mechanism::KeyWrap { .. });
        let encode = |_: &Object, value: &SecretBytes| Ok(encode(value, pads));
        let refused = |error: Error| rv(&error, Doing::Wrapping);
        let length = slot
            .token
            .wrapped_length(wrapping, &mechanism, target, &encode);
        if let Some(length) = length.map_err(refused)?
            && !room(length)?
        {
            return Ok(None);
        }
        let wrapped = slot.token.wrap(wrapping, mechanism, target, &encode);
        wrapped.map(Some).map_err(refused)
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
            let make = |spec| to_core(row, mechanism, spec);
            self.unwrapped(session, slot, row, unwrapping_key, wrapped, template, &make)
        })
    }

    /// A key unwrapped with another; `make` as in [`Instance::wrapped`].
    #[allow(clippy::too_many_arguments)]
    pub(super) fn unwrapped(
        &self,
        session: &Session,
        slot: &Slot,
        row: &Row,
        unwrapping_key: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: &Template<'_>,
        make: &dyn Fn(Option<KeySpec>) -> Result<Mechanism>,
    ) -> Result<CK_OBJECT_HANDLE> {
        let invalid = Rv::UNWRAPPING_KEY_HANDLE_INVALID;
        let key = self.object(session, unwrapping_key, invalid)?;
        let (spec, added) = self.spec_and_template(slot, key, CKA_UNWRAP_TEMPLATE, invalid)?;
        let template = templates::merged(template, &added)?;
        let draft = Self::draft(session, slot, &template, Maker::Unwrap, None, None)?;
        check_key(row, spec).map_err(|_| Rv::UNWRAPPING_KEY_TYPE_INCONSISTENT)?;
        let mechanism = make(spec)?;
        let unwrapping = Unwrapping {
            session,
            slot,
            draft: &draft,
            key,
            mechanism,
            wrapped,
        };
        let object = match draft.class {
            CKO_SECRET_KEY => unwrapping.secret_key()?,
            CKO_PRIVATE_KEY => unwrapping.private_key()?,
            _ => return Err(Rv::TEMPLATE_INCONSISTENT),
        };
        Ok(self.made(session, slot, object, draft.attributes.private, draft.token))
    }
}

/// What is wrapped of a key: its canonical value; for AES key wrap "zero padded to fit".
fn encode(value: &SecretBytes, pads: bool) -> SecretBytes {
    let mut bytes = value.expose().to_vec();
    if pads {
        // One allocation, so that no copy of the value is left behind by growing.
        let length = bytes.len().next_multiple_of(SEMIBLOCK);
        let mut padded = Vec::with_capacity(length);
        padded.append(&mut bytes);
        zeroize::Zeroize::zeroize(&mut bytes);
        padded.resize(length, 0);
        bytes = padded;
    }
    SecretBytes::new(bytes)
}

struct Unwrapping<'a> {
    session: &'a Session,
    slot: &'a Slot,
    draft: &'a Draft<'a, 'a>,
    key: ObjectId,
    mechanism: Mechanism,
    wrapped: &'a [u8],
}

impl Unwrapping<'_> {
    /// A secret key's kind says its length. The template may give it; otherwise it is what was wrapped.
    fn secret_key(&self) -> Result<ObjectId> {
        let result = match self.draft.value_len()? {
            Some(length) => {
                let spec = self.draft.secret_spec(length)?;
                self.unwrap(Some(spec), &|value| self.cut(value, length))
            }
            None => self.unwrap(None, &Ok),
        };
        result.map_err(|error| rv(&error, Doing::Unwrapping))
    }

    /// The kind of a private key is read from the key.
    fn private_key(&self) -> Result<ObjectId> {
        let cut = |value: SecretBytes| match self.mechanism {
            Mechanism::KeyWrap { .. } => Ok(without_padding(value)),
            _ => Ok(value),
        };
        self.unwrap(None, &cut)
            .map_err(|error| rv(&error, Doing::Unwrapping))
    }

    fn unwrap(
        &self,
        spec: Option<KeySpec>,
        decode: &dyn Fn(SecretBytes) -> keybridge_core::Result<SecretBytes>,
    ) -> keybridge_core::Result<ObjectId> {
        self.slot.token.unwrap(UnwrapKey {
            unwrapping_key: self.key,
            mechanism: self.mechanism.clone(),
            wrapped: self.wrapped,
            template: new_key(self.session, self.draft, spec),
            kind: &|length| self.draft.secret_spec(length).ok(),
            decode,
        })
    }

    /// The first `length` bytes of a value that was padded to fit whole blocks.
    fn cut(&self, value: SecretBytes, length: usize) -> keybridge_core::Result<SecretBytes> {
        let padding = match self.mechanism {
            Mechanism::KeyWrap { .. } => SEMIBLOCK,
            Mechanism::Ecb | Mechanism::Cbc { .. } => 2 * SEMIBLOCK,
            _ => 1,
        };
        match value.expose().get(..length) {
            Some(start) if value.len() - length < padding => Ok(SecretBytes::from(start)),
            _ => Err(Error::InvalidWrappedKey),
        }
    }
}

/// A DER value without the zeros after it ("the mechanism parses the encoding … and ignores
/// trailing zero bytes"). What is no DER is left as it is, for the core to refuse.
fn without_padding(value: SecretBytes) -> SecretBytes {
    let bytes = value.expose();
    let header = match bytes {
        [0x30, length @ 0..=0x7f, ..] => Some((2, usize::from(*length))),
        [0x30, 0x81, length, ..] => Some((3, usize::from(*length))),
        [0x30, 0x82, high, low, ..] => Some((4, usize::from(u16::from_be_bytes([*high, *low])))),
        _ => None,
    };
    let end = header.map(|(header, length)| header + length);
    match end.and_then(|end| bytes.split_at_checked(end)) {
        Some((der, rest)) if rest.len() < SEMIBLOCK && rest.iter().all(|&byte| byte == 0) => {
            SecretBytes::from(der)
        }
        _ => value,
    }
}

/// The request for a key that comes out of another.
pub(super) fn new_key(session: &Session, draft: &Draft<'_, '_>, spec: Option<KeySpec>) -> Register {
    let mut request = Register::new(draft.object_class(), SecretBytes::default());
    request.value = None;
    request.spec = spec;
    request.lifetime = lifetime(session, draft.token);
    request.attributes = draft.attributes.clone();
    request
}
