//! The structures that carry a message's vector and tag in and out.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::mechanism;
use super::pointers::Ptr;
use crate::functions::{MadeParameters, MessageFields, MessageParameters, TagUse};
use crate::mechanisms::numbers::Numbers;
use crate::mechanisms::registry::{self, Family};
use crate::rv::{Result, Rv};

/// Bits of ChaCha20-Poly1305's tag, which its structure gives no length.
const POLY1305: CK_ULONG = 128;

/// Where the application wants what the token makes.
#[derive(Clone, Copy)]
pub(super) struct Places {
    iv: Ptr<u8>,
    tag: Ptr<u8>,
}

/// A structure's fields, whichever structure it is.
struct Fields {
    iv: *mut CK_BYTE,
    iv_length: CK_ULONG,
    fixed: CK_ULONG,
    generator: CK_GENERATOR_FUNCTION,
    tag: *mut CK_BYTE,
    tag_bits: CK_ULONG,
    data_length: Option<CK_ULONG>,
}

/// Reads the parameter of a message of this family.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub(super) fn read(
    parameter: Ptr<c_void>,
    length: CK_ULONG,
    family: Family,
    tag: TagUse,
) -> Result<(MessageParameters, Places)> {
    from_fields(fields(parameter, length, family)?, tag)
}

fn from_fields(fields: Fields, tag: TagUse) -> Result<(MessageParameters, Places)> {
    MessageFields::check(fields.iv_length, fields.tag_bits)?;
    // SAFETY: from the application's structure, together with its length.
    let iv: Ptr<u8> = unsafe { Ptr::nested(fields.iv) };
    // SAFETY: as above.
    let tag_place: Ptr<u8> = unsafe { Ptr::nested(fields.tag) };
    let invalid = |_| Rv::MECHANISM_PARAM_INVALID;
    let tag_bytes = match tag {
        TagUse::Read => tag_place.bytes(fields.tag_bits / 8).map_err(invalid)?,
        TagUse::Write => {
            tag_place.expect_writable().map_err(invalid)?;
            &[]
        }
        TagUse::Leave => &[],
    };
    let parameters = MessageParameters::of(MessageFields {
        iv: iv.bytes(fields.iv_length).map_err(invalid)?,
        fixed: fields.fixed,
        generator: fields.generator,
        tag_use: tag,
        tag: tag_bytes,
        tag_bits: fields.tag_bits,
        data_length: fields.data_length,
    })?;
    let places = Places { iv, tag: tag_place };
    Ok((parameters, places))
}

fn fields(parameter: Ptr<c_void>, length: CK_ULONG, family: Family) -> Result<Fields> {
    match family {
        Family::Gcm => {
            let raw: CK_GCM_MESSAGE_PARAMS = structure(parameter, length)?;
            Ok(Fields {
                iv: raw.pIv,
                iv_length: raw.ulIvLen,
                fixed: raw.ulIvFixedBits,
                generator: raw.ivGenerator,
                tag: raw.pTag,
                tag_bits: raw.ulTagBits,
                data_length: None,
            })
        }
        Family::Ccm => {
            let raw: CK_CCM_MESSAGE_PARAMS = structure(parameter, length)?;
            let bits = raw.ulMACLen.checked_mul(8);
            Ok(Fields {
                iv: raw.pNonce,
                iv_length: raw.ulNonceLen,
                fixed: raw.ulNonceFixedBits,
                generator: raw.nonceGenerator,
                tag: raw.pMAC,
                tag_bits: bits.ok_or(Rv::MECHANISM_PARAM_INVALID)?,
                data_length: Some(raw.ulDataLen),
            })
        }
        Family::ChaCha20Poly1305 => {
            let raw: CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS = structure(parameter, length)?;
            // Given in bits ("ChaCha20/Poly1305 … Mechanism parameters").
            if !raw.ulNonceLen.is_multiple_of(8) {
                return Err(Rv::MECHANISM_PARAM_INVALID);
            }
            Ok(Fields {
                iv: raw.pNonce,
                iv_length: raw.ulNonceLen / 8,
                fixed: 0,
                generator: CKG_NO_GENERATE,
                tag: raw.pTag,
                tag_bits: POLY1305,
                data_length: None,
            })
        }
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
}

/// Reads `CK_GCM_WRAP_PARAMS` or `CK_CCM_WRAP_PARAMS`, told from the ordinary structures by its size,
/// with the associated data in it. `None` when the parameter is neither.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub(super) fn read_wrapping<'call>(
    mechanism: Ptr<CK_MECHANISM>,
    unwraps: bool,
    numbers: &Numbers,
) -> Result<Option<Wrapping<'call>>> {
    let raw = mechanism::raw(mechanism, numbers)?;
    let family = registry::find(raw.mechanism).map(|row| row.family);
    // SAFETY: the parameter of the application's mechanism: NULL, or as long as the length says.
    let parameter: Ptr<c_void> = unsafe { Ptr::nested(raw.pParameter) };
    let length = usize::try_from(raw.ulParameterLen).unwrap_or(0);
    let (fields, aad, aad_length) = match family {
        Some(Family::Gcm) if length == size_of::<CK_GCM_WRAP_PARAMS>() => {
            let raw: CK_GCM_WRAP_PARAMS = structure(parameter, raw.ulParameterLen)?;
            let fields = Fields {
                iv: raw.pIv,
                iv_length: raw.ulIvLen,
                fixed: raw.ulIvFixedBits,
                generator: raw.ivGenerator,
                tag: std::ptr::null_mut(),
                tag_bits: raw.ulTagBits,
                data_length: None,
            };
            (fields, raw.pAAD, raw.ulAADLen)
        }
        Some(Family::Ccm) if length == size_of::<CK_CCM_WRAP_PARAMS>() => {
            let raw: CK_CCM_WRAP_PARAMS = structure(parameter, raw.ulParameterLen)?;
            let bits = raw.ulMACLen.checked_mul(8);
            let fields = Fields {
                iv: raw.pNonce,
                iv_length: raw.ulNonceLen,
                fixed: raw.ulNonceFixedBits,
                generator: raw.nonceGenerator,
                tag: std::ptr::null_mut(),
                tag_bits: bits.ok_or(Rv::MECHANISM_PARAM_INVALID)?,
                data_length: Some(raw.ulDataLen),
            };
            (fields, raw.pAAD, raw.ulAADLen)
        }
        _ => return Ok(None),
    };
    // SAFETY: from the application's structure, together with its length.
    let aad: Ptr<u8> = unsafe { Ptr::nested(aad) };
    let aad = aad.bytes(aad_length);
    let (mut parameters, places) = from_fields(fields, TagUse::Leave)?;
    parameters.appended = true;
    if unwraps {
        parameters.generator = crate::session::vectors::Generator::None;
    }
    Ok(Some(Wrapping {
        kind: raw.mechanism,
        parameters,
        places,
        aad: aad.map_err(|_| Rv::MECHANISM_PARAM_INVALID)?,
    }))
}

/// A mechanism that wraps, with a vector that the token may make.
pub(super) struct Wrapping<'call> {
    pub(super) kind: CK_MECHANISM_TYPE,
    pub(super) parameters: MessageParameters,
    pub(super) places: Places,
    pub(super) aad: &'call [u8],
}

fn structure<T: Copy>(parameter: Ptr<c_void>, length: CK_ULONG) -> Result<T> {
    if usize::try_from(length) != Ok(size_of::<T>()) {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    let read = parameter.cast::<T>().read();
    read.map_err(|_| Rv::MECHANISM_PARAM_INVALID)
}

impl Places {
    /// Stores what was made. The vector is as long as the application's, the tag as it asked.
    pub(super) fn write(self, made: &MadeParameters) {
        if let Some(iv) = &made.iv {
            self.iv.write_elements(iv);
        }
        if let Some(tag) = &made.tag {
            self.tag.write_elements(tag);
        }
    }
}
