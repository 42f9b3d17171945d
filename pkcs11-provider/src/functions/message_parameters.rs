//! The parameter of a message: its vector and its tag, however they came.

use cryptoki_sys::*;

use crate::rv::{Result, Rv};
use crate::session::vectors::Generator;

/// The parameter of one message, out of its structure.
#[derive(Debug)]
pub(crate) struct MessageParameters {
    /// Initialization vector or nonce, as the application gave it.
    pub(crate) iv: Vec<u8>,
    /// Its first bits that stay.
    pub(crate) fixed: CK_ULONG,
    /// Who makes the rest.
    pub(crate) generator: Generator,
    /// Length of the tag in bits.
    pub(crate) tag_bits: CK_ULONG,
    /// The tag, when there is one to check.
    pub(crate) tag: Vec<u8>,
    /// Whether the tag follows what it protects, instead of having a place of its own.
    pub(crate) appended: bool,
    /// Length of the data in bytes, where it is announced.
    pub(crate) data_length: Option<CK_ULONG>,
}

/// Longest initialization vector, in bytes (GCM's; the others have shorter ones).
const LONGEST_IV: CK_ULONG = 256;

/// Longest tag, in bits.
const LONGEST_TAG: CK_ULONG = 128;

/// What is to be done with the tag of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TagUse {
    /// It is checked, so it is read.
    Read,
    /// It is made, so there must be room for it.
    Write,
    /// Nothing yet: the message goes on.
    Leave,
}

/// A message's structure, whichever it is and however it came.
pub(crate) struct MessageFields<'call> {
    pub(crate) iv: &'call [u8],
    pub(crate) fixed: CK_ULONG,
    pub(crate) generator: CK_GENERATOR_FUNCTION,
    pub(crate) tag_use: TagUse,
    /// Empty, unless it is to be checked.
    pub(crate) tag: &'call [u8],
    pub(crate) tag_bits: CK_ULONG,
    pub(crate) data_length: Option<CK_ULONG>,
}

impl MessageFields<'_> {
    /// Refuses lengths that no mechanism has.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn check(iv_length: CK_ULONG, tag_bits: CK_ULONG) -> Result<()> {
        if iv_length > LONGEST_IV || tag_bits > LONGEST_TAG {
            return Err(Rv::MECHANISM_PARAM_INVALID);
        }
        Ok(())
    }
}

impl MessageParameters {
    /// Of a structure's fields.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(crate) fn of(fields: MessageFields<'_>) -> Result<Self> {
        MessageFields::check(fields.iv.len() as CK_ULONG, fields.tag_bits)?;
        Ok(MessageParameters {
            iv: fields.iv.to_vec(),
            fixed: fields.fixed,
            generator: match fields.tag_use {
                // Not looked at when decrypting.
                TagUse::Read => Generator::None,
                TagUse::Write | TagUse::Leave => Generator::from_number(fields.generator)?,
            },
            tag_bits: fields.tag_bits,
            tag: fields.tag.to_vec(),
            appended: false,
            data_length: fields.data_length,
        })
    }
}

/// What goes back into the application's structure.
#[derive(Debug, Default)]
pub(crate) struct MadeParameters {
    pub(crate) iv: Option<Vec<u8>>,
    pub(crate) tag: Option<Vec<u8>>,
}
