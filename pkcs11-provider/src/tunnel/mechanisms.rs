//! Mechanisms: the number, whether there is a parameter, its length in this encoding, and the
//! parameter.

use cryptoki_sys::*;

use super::codec::{Fault, Malformed, Reader};
use super::message_parameters::{self, Message, Wrapping};
use super::{parameters, templates};
use crate::functions::TagUse;
use crate::mechanisms::registry::{self, Family, Row};
use crate::mechanisms::{MechanismCall, Parameters};
use crate::module::Instance;
use crate::rv::{Result as RvResult, Rv};
use crate::session::message::MessageKind;

/// Fewest bits of room for a vector that the token makes.
const ROOM_FOR_VECTOR: CK_ULONG = 96;

/// Reads a mechanism.
pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<Given<'a>, Malformed> {
    let kind = reader.ulong()?;
    let parameter = if reader.flag()? {
        Some(reader.bytes()?)
    } else {
        None
    };
    Ok(Given { kind, parameter })
}

/// A mechanism as it came: its parameter is looked at when everything else was read.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    kind: CK_MECHANISM_TYPE,
    parameter: Option<&'a [u8]>,
}

impl<'a> Given<'a> {
    fn row(self) -> RvResult<&'static Row> {
        registry::find(self.kind).ok_or(Rv::MECHANISM_INVALID)
    }

    /// As the functions take it.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID`, `CKR_MECHANISM_PARAM_INVALID`.
    pub(super) fn call(self) -> Result<MechanismCall<'a>, Fault> {
        let parameters = parameters::read(self.row()?.shape, self.parameter)
            .map_err(|Malformed| Rv::MECHANISM_PARAM_INVALID)?;
        Ok(MechanismCall {
            kind: self.kind,
            parameters,
        })
    }

    /// For the start of a process of messages, whose parameters come with the messages.
    pub(super) const fn number(self) -> MechanismCall<'a> {
        MechanismCall {
            kind: self.kind,
            parameters: Parameters::None,
        }
    }

    /// GCM with a vector that the token makes: without one, and with room for it in `ulIvBits`.
    pub(super) fn without_vector(self) -> Option<WithoutVector<'a>> {
        let mut reader = Reader::new(self.parameter?);
        let mut fields = || {
            let (iv, room) = (reader.bytes()?, reader.ulong()?);
            let (aad, tag_bits) = (reader.bytes()?, reader.ulong()?);
            reader.end()?;
            Ok::<_, Malformed>((iv.is_empty() && room >= ROOM_FOR_VECTOR, aad, tag_bits))
        };
        let (wants, aad, tag_bits) = fields().ok()?;
        let is_gcm = self.row().ok()?.family == Family::Gcm;
        (is_gcm && wants).then_some(WithoutVector {
            kind: self.kind,
            aad,
            tag_bits,
        })
    }

    /// `CK_GCM_WRAP_PARAMS` or `CK_CCM_WRAP_PARAMS`, if the parameter is one of them.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(super) fn wrapping(self, unwraps: bool) -> RvResult<Option<Wrapping<'a>>> {
        let (Ok(row), Some(parameter)) = (self.row(), self.parameter) else {
            return Ok(None);
        };
        message_parameters::wrapping(parameter, row, unwraps)
    }

    /// With the parameter of a message (`C_WrapKeyAuthenticated`).
    ///
    /// # Errors
    /// Those of the key's mechanism, and `CKR_MECHANISM_PARAM_INVALID`.
    pub(super) fn authenticated(
        self,
        instance: &Instance,
        kind: MessageKind,
        tag: TagUse,
    ) -> RvResult<(CK_MECHANISM_TYPE, Message)> {
        let family = instance.authenticated_family(self.kind)?;
        let parameter = self.parameter.unwrap_or_default();
        let message = message_parameters::read(parameter, family, kind, tag)?;
        Ok((self.kind, message))
    }

    /// The templates of the keys that are derived besides the function's own (`CK_DERIVED_KEY`).
    ///
    /// # Errors
    /// As [`Given::call`].
    pub(super) fn additional_keys(self) -> RvResult<Vec<templates::Given>> {
        parameters::additional_keys(self.row()?.shape, self.parameter)
            .map_err(|Malformed| Rv::MECHANISM_PARAM_INVALID)
    }

    /// Whether it makes the keys of a TLS connection, which go into its parameter.
    pub(super) fn makes_tls_keys(self) -> bool {
        let row = self.row();
        row.is_ok_and(|row| matches!(row.family, Family::TlsKeys(_)))
    }
}

/// A use of GCM for which the token makes the vector.
pub(super) struct WithoutVector<'a> {
    kind: CK_MECHANISM_TYPE,
    aad: &'a [u8],
    tag_bits: CK_ULONG,
}

impl<'a> WithoutVector<'a> {
    pub(super) const fn with(&self, iv: &'a [u8]) -> MechanismCall<'a> {
        MechanismCall {
            kind: self.kind,
            parameters: Parameters::Gcm {
                iv,
                aad: self.aad,
                tag_bits: self.tag_bits,
            },
        }
    }
}
