//! Wrapping with an AEAD cipher whose vector and tag are in the mechanism's parameter, and data that
//! is authenticated beside the key (3.2).

use cryptoki_sys::*;
use keybridge_core::Mechanism;

use super::message_parameters::{MadeParameters, MessageParameters};
use super::messages::{is_aead, mechanism, split};
use crate::attributes::Template;
use crate::ffi::pointers::Output;
use crate::mechanisms::registry::{self, Family, Row};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::vectors::{Generator, Vectors};
use crate::token::error::{Doing, rv};

/// The row of an AEAD mechanism that wraps.
///
/// # Errors
/// `CKR_MECHANISM_INVALID`.
fn row(kind: CK_MECHANISM_TYPE) -> Result<&'static Row> {
    registry::find(kind)
        .filter(|row| is_aead(row.family) && row.flags & CKF_WRAP != 0)
        .ok_or(Rv::MECHANISM_INVALID)
}

impl Instance {
    /// The family of an AEAD mechanism that wraps: it tells the shape of its parameter.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID`.
    pub(crate) fn authenticated_family(&self, kind: CK_MECHANISM_TYPE) -> Result<Family> {
        row(kind).map(|row| row.family)
    }

    /// `C_WrapKeyAuthenticated`, and `C_WrapKey` with a vector that the token may make.
    ///
    /// # Errors
    /// As [`Instance::wrap_key`].
    pub(crate) fn wrap_key_authenticated(
        &self,
        session: CK_SESSION_HANDLE,
        (kind, parameters): (CK_MECHANISM_TYPE, &MessageParameters),
        keys: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
        aad: &[u8],
        output: &mut Output<'_>,
    ) -> Result<MadeParameters> {
        self.in_session(session, |session, slot| {
            let row = row(kind)?;
            // Each call stands alone: there is nothing that could count from one to the next.
            if matches!(
                parameters.generator,
                Generator::Counter | Generator::CounterXor
            ) {
                return Err(Rv::MECHANISM_PARAM_INVALID);
            }
            let random = |output: &mut [u8]| {
                let made = slot.token.random(output);
                made.map_err(|error| rv(&error, Doing::Wrapping))
            };
            let MessageParameters {
                iv,
                fixed,
                generator,
                ..
            } = parameters;
            let iv = Vectors::default().next(iv, *fixed, *generator, random)?;
            let make = |_| wrapping_mechanism(row, parameters, &iv, aad);
            let tag_length = match parameters.appended {
                true => 0,
                false => usize::try_from(parameters.tag_bits / 8).unwrap_or(usize::MAX),
            };
            let room = |whole: usize| {
                let wrapped = whole.saturating_sub(tag_length);
                Ok(output.room(wrapped)?.is_some())
            };
            let Some(whole) = self.wrapped(session, slot, row, keys, (&make, room))? else {
                return Ok(MadeParameters::default());
            };
            let (wrapped, tag) = split(&whole, whole.len().saturating_sub(tag_length))?;
            let Some(room) = output.room(wrapped.len())? else {
                return Ok(MadeParameters::default());
            };
            room.copy_from_slice(wrapped);
            Ok(MadeParameters {
                iv: Some(iv),
                tag: (!parameters.appended).then(|| tag.to_vec()),
            })
        })
    }

    /// `C_UnwrapKeyAuthenticated`, and `C_UnwrapKey` with the structure of such a vector.
    ///
    /// # Errors
    /// As [`Instance::unwrap_key`].
    pub(crate) fn unwrap_key_authenticated(
        &self,
        session: CK_SESSION_HANDLE,
        (kind, parameters): (CK_MECHANISM_TYPE, &MessageParameters),
        unwrapping_key: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: &Template<'_>,
        aad: &[u8],
    ) -> Result<CK_OBJECT_HANDLE> {
        self.in_session(session, |session, slot| {
            let row = row(kind)?;
            let whole = [wrapped, &parameters.tag].concat();
            let make = |_| wrapping_mechanism(row, parameters, &parameters.iv, aad);
            self.unwrapped(session, slot, row, unwrapping_key, &whole, template, &make)
        })
    }
}

/// How long a wrapped key is is known when it is there, so what was announced is not looked at.
fn wrapping_mechanism(
    row: &Row,
    parameters: &MessageParameters,
    iv: &[u8],
    aad: &[u8],
) -> Result<Mechanism> {
    let mut mechanism = mechanism(row, parameters, iv, aad)?;
    if let Mechanism::Ccm { data_length, .. } = &mut mechanism {
        *data_length = None;
    }
    Ok(mechanism)
}
