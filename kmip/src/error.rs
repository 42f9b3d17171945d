//! What can be wrong with a message, and the result reason a server answers it with.

use crate::enums::{Operation, ResultReason};
use crate::item::ItemType;
use crate::tags::Tag;
use crate::ttlv::TtlvError;
use crate::version::Version;

/// Why bytes are no message, payload or structure of the standard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not TTLV, or exceed a limit.
    #[error(transparent)]
    Ttlv(#[from] TtlvError),
    /// The XML or JSON is not an encoding of items.
    #[error("{0}")]
    Text(String),
    /// An item has another type than the standard gives it.
    #[error("{tag} is of type {found:?}, not {expected:?}")]
    WrongType {
        /// The item.
        tag: Tag,
        /// The standard's type.
        expected: ItemType,
        /// The type found.
        found: ItemType,
    },
    /// A Text String is not UTF-8.
    #[error("{tag} is not UTF-8")]
    NotUtf8 {
        /// The item.
        tag: Tag,
    },
    /// The value is none that the standard allows here.
    #[error("{tag} has a value that is not allowed")]
    InvalidValue {
        /// The item.
        tag: Tag,
    },
    /// A value of an enumeration that the message's version does not have.
    #[error("{tag} has a value that KMIP {version} does not have: 0x{value:08X}")]
    ValueNotInVersion {
        /// The item.
        tag: Tag,
        /// The value.
        value: u32,
        /// The version.
        version: Version,
    },
    /// A structure lacks an item that it must have.
    #[error("{structure} lacks {tag}")]
    Missing {
        /// The structure.
        structure: Tag,
        /// What it lacks.
        tag: Tag,
    },
    /// A structure has an item twice that it may have once.
    #[error("{tag} is given more than once")]
    Repeated {
        /// The item.
        tag: Tag,
    },
    /// A structure has an item that does not belong there.
    #[error("{structure} cannot have {tag}")]
    Unexpected {
        /// The structure.
        structure: Tag,
        /// The item.
        tag: Tag,
    },
    /// A tag that the message's version does not have.
    #[error("{tag} does not exist in KMIP {version}")]
    TagNotInVersion {
        /// The tag.
        tag: Tag,
        /// The version.
        version: Version,
    },
    /// A protocol version that this crate does not speak.
    #[error("KMIP {version} is not supported")]
    UnsupportedVersion {
        /// The version of the message.
        version: Version,
    },
    /// The header's Batch Count is not the number of batch items.
    #[error("the batch count is {count}, but there are {items} batch items")]
    BatchCount {
        /// What the header says.
        count: i32,
        /// Batch items found.
        items: usize,
    },
}

impl DecodeError {
    /// The result reason that tells a client of `version` about the error (1.4 section 11.1;
    /// 2.1 section 11.46).
    pub fn reason(&self, version: Version) -> ResultReason {
        let modern = version >= Version::V2_0;
        match self {
            Self::Ttlv(_) | Self::Text(_) | Self::NotUtf8 { .. } if modern => {
                ResultReason::CodecError
            }
            Self::TagNotInVersion { .. } if modern => ResultReason::UnknownTag,
            Self::UnsupportedVersion { .. } if modern => ResultReason::UnsupportedProtocolVersion,
            // "Same major & minor version, unknown field"; 2.x calls it an Invalid Message.
            Self::TagNotInVersion { .. } | Self::Unexpected { .. } if !modern => {
                ResultReason::InvalidField
            }
            // "An enumerated value is not known by the server"; to 1.4 an incorrect value.
            Self::ValueNotInVersion { .. } if modern => ResultReason::UnknownEnumeration,
            Self::InvalidValue { .. } | Self::ValueNotInVersion { .. } => {
                ResultReason::InvalidField
            }
            _ => ResultReason::InvalidMessage,
        }
    }
}

/// Why a typed value cannot be sent in a version of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A required item has a tag that the version does not have.
    #[error("{tag} does not exist in KMIP {version}")]
    TagNotInVersion {
        /// The tag.
        tag: Tag,
        /// The version.
        version: Version,
    },
    /// A required item has a value that the version does not have.
    #[error("value 0x{value:08X} of {tag} does not exist in KMIP {version}")]
    ValueNotInVersion {
        /// The tag.
        tag: Tag,
        /// The value.
        value: u32,
        /// The version.
        version: Version,
    },
    /// A required value cannot be written in the version.
    #[error("{tag} cannot be expressed in KMIP {version}")]
    NotRepresentable {
        /// The item.
        tag: Tag,
        /// The version.
        version: Version,
    },
    /// An operation that the version does not have.
    #[error("operation {operation} does not exist in KMIP {version}")]
    OperationNotInVersion {
        /// The operation.
        operation: Operation,
        /// The version.
        version: Version,
    },
    /// An item is longer than a length field can say.
    #[error("the message exceeds 4 GiB")]
    TooLong,
    /// The message is larger than the receiver's Maximum Response Size.
    #[error("the message has {found} bytes, the receiver takes {limit}")]
    TooLarge {
        /// Bytes of the message.
        found: usize,
        /// Bytes the receiver takes.
        limit: usize,
    },
}
