//! The structures that carry a message's vector and tag in and out.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::pointers::Ptr;
use crate::functions::{MadeParameters, MessageParameters};
use crate::mechanisms::registry::Family;
use crate::rv::{Result, Rv};
use crate::session::vectors::Generator;

/// Longest initialization vector, in bytes (GCM's; the others have shorter ones).
const LONGEST_IV: CK_ULONG = 256;

/// Longest tag, in bits.
const LONGEST_TAG: CK_ULONG = 128;

/// What is to be done with the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// It is checked, so it is read.
    Read,
    /// It is made, so there must be room for it.
    Write,
    /// Nothing yet: the message goes on.
    Leave,
}

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
    tag: Tag,
) -> Result<(MessageParameters, Places)> {
    let fields = fields(parameter, length, family)?;
    if fields.iv_length > LONGEST_IV || fields.tag_bits > LONGEST_TAG {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    // SAFETY: from the application's structure, together with its length.
    let iv: Ptr<u8> = unsafe { Ptr::nested(fields.iv) };
    // SAFETY: as above.
    let tag_place: Ptr<u8> = unsafe { Ptr::nested(fields.tag) };
    let invalid = |_| Rv::MECHANISM_PARAM_INVALID;
    let tag_bytes = match tag {
        Tag::Read => tag_place.bytes(fields.tag_bits / 8).map_err(invalid)?,
        Tag::Write => {
            tag_place.expect_writable().map_err(invalid)?;
            &[]
        }
        Tag::Leave => &[],
    };
    let parameters = MessageParameters {
        iv: iv.bytes(fields.iv_length).map_err(invalid)?.to_vec(),
        fixed: fields.fixed,
        generator: match tag {
            // Not looked at when decrypting.
            Tag::Read => Generator::None,
            _ => Generator::from_number(fields.generator)?,
        },
        tag_bits: fields.tag_bits,
        tag: tag_bytes.to_vec(),
        data_length: fields.data_length,
    };
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
        _ => Err(Rv::MECHANISM_PARAM_INVALID),
    }
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
