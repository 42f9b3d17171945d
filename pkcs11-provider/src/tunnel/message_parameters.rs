//! The structures that carry a message's vector and tag. In a request stand their inputs: the vector, and the tag
//! when it is checked; of a tag that is made there stands the room for it. In a response stand the outputs: the
//! vector and the tag.

use cryptoki_sys::*;

use super::codec::{Malformed, Reader, Writer};
use crate::functions::{MadeParameters, MessageFields, MessageParameters, TagUse};
use crate::mechanisms::registry::{Family, Row};
use crate::rv::{Result as RvResult, Rv};
use crate::session::message::MessageKind;

/// Bytes of ChaCha20-Poly1305's tag, which its structure gives no length.
const POLY1305: usize = 16;

/// A message's parameter.
pub(super) struct Message {
    pub(super) parameters: MessageParameters,
    pub(super) places: Places,
}

/// What of a parameter comes back.
#[derive(Clone, Copy)]
pub(super) struct Places {
    iv_length: usize,
    /// Bytes of the tag, where it has a place of its own.
    tag_length: Option<usize>,
}

impl Places {
    /// Writes the outputs: what was not made, as not written.
    pub(super) fn write(self, made: Option<&MadeParameters>, writer: &mut Writer) {
        let iv = made.and_then(|made| made.iv.as_deref());
        writer.made(iv, self.iv_length);
        if let Some(length) = self.tag_length {
            let tag = made.and_then(|made| made.tag.as_deref());
            writer.made(tag, length);
        }
    }
}

struct Fields<'a> {
    iv: &'a [u8],
    fixed: CK_ULONG,
    generator: CK_GENERATOR_FUNCTION,
    tag: Tag<'a>,
    data_length: Option<CK_ULONG>,
}

#[derive(Clone, Copy)]
struct Tag<'a> {
    bytes: &'a [u8],
    length: usize,
    has_room: bool,
}

/// Reads the parameter of a message of this family. `kind` says whether tags are made or checked, `tag` what this
/// function does with them.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub(super) fn read(
    parameter: &[u8],
    family: Family,
    kind: MessageKind,
    tag: TagUse,
) -> RvResult<Message> {
    let mut reader = Reader::new(parameter);
    let fields = fields(&mut reader, family, kind).and_then(|fields| {
        reader.end()?;
        Ok(fields)
    });
    let fields = fields.map_err(|Malformed| Rv::MECHANISM_PARAM_INVALID)?;
    if tag == TagUse::Write && !fields.tag.has_room {
        return Err(Rv::MECHANISM_PARAM_INVALID);
    }
    let places = Places {
        iv_length: fields.iv.len(),
        tag_length: Some(fields.tag.length),
    };
    Ok(Message {
        parameters: of(&fields, tag)?,
        places,
    })
}

fn of(fields: &Fields<'_>, tag: TagUse) -> RvResult<MessageParameters> {
    let bits = (fields.tag.length as CK_ULONG).checked_mul(8);
    MessageParameters::of(MessageFields {
        iv: fields.iv,
        fixed: fields.fixed,
        generator: fields.generator,
        tag_use: tag,
        tag: match tag {
            TagUse::Read => fields.tag.bytes,
            TagUse::Write | TagUse::Leave => &[],
        },
        tag_bits: bits.ok_or(Rv::MECHANISM_PARAM_INVALID)?,
        data_length: fields.data_length,
    })
}

fn fields<'a>(
    reader: &mut Reader<'a>,
    family: Family,
    kind: MessageKind,
) -> Result<Fields<'a>, Malformed> {
    Ok(match family {
        Family::Gcm => Fields {
            iv: reader.bytes()?,
            fixed: reader.ulong()?,
            generator: reader.ulong()?,
            tag: read_tag(reader, kind)?,
            data_length: None,
        },
        Family::Ccm => {
            let data_length = Some(reader.ulong()?);
            Fields {
                iv: reader.bytes()?,
                fixed: reader.ulong()?,
                generator: reader.ulong()?,
                tag: read_tag(reader, kind)?,
                data_length,
            }
        }
        Family::ChaCha20Poly1305 => {
            let (iv, tag) = (reader.bytes()?, read_tag(reader, kind)?);
            if tag.length != POLY1305 {
                return Err(Malformed);
            }
            Fields {
                iv,
                fixed: 0,
                generator: CKG_NO_GENERATE,
                tag,
                data_length: None,
            }
        }
        _ => return Err(Malformed),
    })
}

fn read_tag<'a>(reader: &mut Reader<'a>, kind: MessageKind) -> Result<Tag<'a>, Malformed> {
    if kind == MessageKind::Decrypt {
        let bytes = reader.bytes()?;
        return Ok(Tag {
            bytes,
            length: bytes.len(),
            has_room: false,
        });
    }
    let room = reader.room()?;
    Ok(Tag {
        bytes: &[],
        length: room.length,
        has_room: room.is_there,
    })
}

/// A mechanism that wraps, with a vector that the token may make.
pub(super) struct Wrapping<'a> {
    pub(super) kind: CK_MECHANISM_TYPE,
    pub(super) parameters: MessageParameters,
    pub(super) places: Places,
    pub(super) aad: &'a [u8],
}

/// Reads `CK_GCM_WRAP_PARAMS` or `CK_CCM_WRAP_PARAMS`; `None` when the parameter is neither. They cannot be taken
/// for `CK_GCM_PARAMS` or `CK_CCM_PARAMS`: where they have two numbers below 2^32 (the bits that stay, and the
/// generator), those have the count and the first bytes of associated data, or too little.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub(super) fn wrapping<'a>(
    parameter: &'a [u8],
    row: &Row,
    unwraps: bool,
) -> RvResult<Option<Wrapping<'a>>> {
    let Ok(Some((mut fields, aad))) = wrapping_fields(parameter, row.family) else {
        return Ok(None);
    };
    let places = Places {
        iv_length: fields.iv.len(),
        tag_length: None,
    };
    if unwraps {
        fields.generator = CKG_NO_GENERATE;
    }
    let mut parameters = of(&fields, TagUse::Leave)?;
    parameters.appended = true;
    Ok(Some(Wrapping {
        kind: row.kind,
        parameters,
        places,
        aad,
    }))
}

fn wrapping_fields(
    parameter: &[u8],
    family: Family,
) -> Result<Option<(Fields<'_>, &[u8])>, Malformed> {
    let mut reader = Reader::new(parameter);
    let data_length = match family {
        Family::Gcm => None,
        Family::Ccm => Some(reader.ulong()?),
        _ => return Ok(None),
    };
    let iv = reader.bytes()?;
    let [fixed, generator] = [reader.ulong()?, reader.ulong()?];
    if fixed.max(generator) > CK_ULONG::from(u32::MAX) {
        return Ok(None);
    }
    let (aad, tag_length) = (reader.bytes()?, reader.ulong()?);
    reader.end()?;
    // GCM's in bits, CCM's in bytes, as in C. What is no whole byte is as wrong as what is too long.
    let bytes = match family {
        Family::Gcm if !tag_length.is_multiple_of(8) => CK_ULONG::MAX,
        Family::Gcm => tag_length / 8,
        _ => tag_length,
    };
    let tag = Tag {
        bytes: &[],
        length: usize::try_from(bytes).map_err(|_| Malformed)?,
        has_room: false,
    };
    let fields = Fields {
        iv,
        fixed,
        generator,
        tag,
        data_length,
    };
    Ok(Some((fields, aad)))
}
