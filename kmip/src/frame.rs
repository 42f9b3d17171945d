//! Where a message ends in a stream of bytes.

use crate::tags::Tag;
use crate::ttlv::{HEAD, Limits, TtlvError};

/// The bytes of a whole message, its first eight included, told from those eight. To be read before
/// anything is allocated for it.
///
/// # Errors
/// When they begin no Structure, or one that exceeds [`Limits::bytes`].
pub fn read_length(head: &[u8; HEAD], limits: &Limits) -> Result<usize, TtlvError> {
    let [t0, t1, t2, kind, l0, l1, l2, l3] = *head;
    let tag = Tag(u32::from_be_bytes([0, t0, t1, t2]));
    if t0 != 0x42 {
        return Err(TtlvError::ForeignTag { tag });
    }
    if kind != crate::item::ItemType::Structure as u8 {
        return Err(TtlvError::UnknownType { tag, found: kind });
    }
    let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    let found = length.saturating_add(HEAD);
    if found > limits.bytes {
        return Err(TtlvError::TooManyBytes {
            found,
            limit: limits.bytes,
        });
    }
    Ok(found)
}
