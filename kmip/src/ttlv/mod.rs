//! The TTLV encoding: tag, type, length, value (1.4 section 9.1; 2.1 section 10.1).

mod reader;
mod writer;

pub use reader::{ItemRef, Reader, check};
pub use writer::{Mark, Writer};

use crate::item::ItemType;
use crate::tags::Tag;

/// Bytes of an item before its value: tag 3, type 1, length 4.
pub const HEAD: usize = 8;

/// Deepest nesting that [`Limits::depth`] may ask for; the checker keeps its stack in place.
pub const DEPTH_CEILING: usize = 64;

/// What a message may cost. Checked before anything is allocated for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole message.
    pub bytes: usize,
    /// Structures within structures; the outermost item is at depth 1. At most [`DEPTH_CEILING`].
    pub depth: usize,
    /// Items in all.
    pub items: usize,
}

impl Default for Limits {
    /// 2 MiB, so that 1 MiB of data fits whatever is around it; 32 deep, where the deepest message
    /// of the standard's test cases is 9 deep; 65,536 items.
    fn default() -> Self {
        Self {
            bytes: 2 << 20,
            depth: 32,
            items: 1 << 16,
        }
    }
}

/// Bytes that are not TTLV, or more than the limits allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TtlvError {
    /// The bytes end before the item does.
    #[error("the item at byte {at} ends after its container")]
    Truncated {
        /// Offset of the item in its container.
        at: usize,
    },
    /// Bytes follow the outermost item.
    #[error("{count} bytes follow the message")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// The first byte of the tag is neither 0x42 nor 0x54.
    #[error("tag {:06X} is in no range of the standard", tag.0)]
    ForeignTag {
        /// The tag.
        tag: Tag,
    },
    /// A type byte that the standard does not define.
    #[error("{tag} has type {found:#04X}, which is none")]
    UnknownType {
        /// The item.
        tag: Tag,
        /// Its type byte.
        found: u8,
    },
    /// A length that its type does not allow.
    #[error("{tag} of type {kind:?} has length {length}")]
    WrongLength {
        /// The item.
        tag: Tag,
        /// Its type.
        kind: ItemType,
        /// Its length.
        length: usize,
    },
    /// A padding byte is not zero.
    #[error("{tag} has padding that is not zero")]
    Padding {
        /// The item.
        tag: Tag,
    },
    /// More bytes than [`Limits::bytes`].
    #[error("the message has {found} bytes, the limit is {limit}")]
    TooManyBytes {
        /// Bytes of the message.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Nested deeper than [`Limits::depth`].
    #[error("the message nests deeper than the limit of {limit}")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// More items than [`Limits::items`].
    #[error("the message has more items than the limit of {limit}")]
    TooManyItems {
        /// The limit.
        limit: usize,
    },
}
