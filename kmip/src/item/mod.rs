//! The generic item tree: what every encoding (TTLV, XML, JSON) can say, and nothing more.
//!
//! Typed messages are read from and written to TTLV directly; the tree is for XML and JSON, for
//! vendor attributes of any type and for tools.

mod json;
mod text;
mod xml;

use std::fmt;

use crate::error::DecodeError;
use crate::secret::SecretBytes;
use crate::tags::Tag;
use crate::ttlv::{ItemRef, Limits, Writer, check};

/// The type of an item (1.4 section 9.1.1.2; 2.1 section 10.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ItemType {
    /// Items within.
    Structure = 0x01,
    /// 32 bits, signed.
    Integer = 0x02,
    /// 64 bits, signed.
    LongInteger = 0x03,
    /// Any multiple of 64 bits, signed.
    BigInteger = 0x04,
    /// 32 bits, a value with a name.
    Enumeration = 0x05,
    /// True or false.
    Boolean = 0x06,
    /// UTF-8.
    TextString = 0x07,
    /// Bytes.
    ByteString = 0x08,
    /// Seconds since 1970.
    DateTime = 0x09,
    /// A number of seconds.
    Interval = 0x0A,
    /// Microseconds since 1970; from 2.0.
    DateTimeExtended = 0x0B,
}

impl ItemType {
    /// All types.
    pub const ALL: [Self; 11] = [
        Self::Structure,
        Self::Integer,
        Self::LongInteger,
        Self::BigInteger,
        Self::Enumeration,
        Self::Boolean,
        Self::TextString,
        Self::ByteString,
        Self::DateTime,
        Self::Interval,
        Self::DateTimeExtended,
    ];

    /// The type with this code.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x01 => Self::Structure,
            0x02 => Self::Integer,
            0x03 => Self::LongInteger,
            0x04 => Self::BigInteger,
            0x05 => Self::Enumeration,
            0x06 => Self::Boolean,
            0x07 => Self::TextString,
            0x08 => Self::ByteString,
            0x09 => Self::DateTime,
            0x0A => Self::Interval,
            0x0B => Self::DateTimeExtended,
            _ => return None,
        })
    }

    /// Whether a value of the type can have this many bytes (1.4 section 9.1.1.3).
    pub const fn allows_length(self, length: usize) -> bool {
        match self {
            Self::Integer | Self::Enumeration | Self::Interval => length == 4,
            Self::LongInteger | Self::Boolean | Self::DateTime | Self::DateTimeExtended => {
                length == 8
            }
            Self::BigInteger => length != 0 && length.is_multiple_of(8),
            Self::Structure => length.is_multiple_of(8),
            Self::TextString | Self::ByteString => true,
        }
    }

    /// Name in the XML and JSON encodings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Structure => "Structure",
            Self::Integer => "Integer",
            Self::LongInteger => "LongInteger",
            Self::BigInteger => "BigInteger",
            Self::Enumeration => "Enumeration",
            Self::Boolean => "Boolean",
            Self::TextString => "TextString",
            Self::ByteString => "ByteString",
            Self::DateTime => "DateTime",
            Self::Interval => "Interval",
            Self::DateTimeExtended => "DateTimeExtended",
        }
    }

    /// The type with this name in XML and JSON.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An item: a tag and a typed value.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub tag: Tag,
    /// Its value.
    pub value: Value,
}

/// A typed value.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Items within.
    Structure(Vec<Item>),
    /// 32 bits, signed; masks too.
    Integer(i32),
    /// 64 bits, signed.
    LongInteger(i64),
    /// Any length, signed.
    BigInteger(BigInteger),
    /// A number that has a name.
    Enumeration(u32),
    /// True or false.
    Boolean(bool),
    /// UTF-8.
    TextString(String),
    /// Bytes.
    ByteString(SecretBytes),
    /// Seconds since 1970 (UTC).
    DateTime(i64),
    /// Seconds.
    Interval(u32),
    /// Microseconds since 1970 (UTC); from 2.0.
    DateTimeExtended(i64),
}

/// A whole number of any length, signed, as two's complement big-endian bytes. Wiped when dropped
/// and never printed: private keys consist of them.
#[derive(Clone, PartialEq, Eq)]
pub struct BigInteger(SecretBytes);

impl BigInteger {
    /// From two's complement big-endian bytes of any length; empty is zero. Kept in the form that
    /// TTLV sends: the shortest that is a multiple of eight bytes.
    pub fn from_signed(bytes: &[u8]) -> Self {
        let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
        let sign = if negative { 0xFF } else { 0 };
        let digits = bytes
            .iter()
            .position(|byte| *byte != sign)
            .unwrap_or(bytes.len());
        let digits = bytes.get(digits..).unwrap_or_default();
        // A leading sign byte is needed when the digits alone would read as the other sign.
        let flipped = digits
            .first()
            .is_none_or(|byte| (byte & 0x80 != 0) != negative);
        let length = (digits.len() + usize::from(flipped)).next_multiple_of(8);
        let mut whole = vec![sign; length - digits.len()];
        whole.reserve_exact(digits.len());
        whole.extend_from_slice(digits);
        Self(whole.into())
    }

    /// From the big-endian bytes of a number that is not negative.
    pub fn from_unsigned(bytes: &[u8]) -> Self {
        let digits = bytes
            .iter()
            .position(|byte| *byte != 0)
            .unwrap_or(bytes.len());
        let digits = bytes.get(digits..).unwrap_or_default();
        let extra = usize::from(digits.first().is_none_or(|byte| byte & 0x80 != 0));
        let length = (digits.len() + extra).next_multiple_of(8);
        let mut whole = Vec::with_capacity(length);
        whole.resize(length - digits.len(), 0);
        whole.extend_from_slice(digits);
        Self(whole.into())
    }

    /// Two's complement big-endian bytes, a multiple of eight of them.
    pub fn as_signed(&self) -> &[u8] {
        &self.0
    }

    /// Big-endian bytes without leading zeros; none when the number is negative.
    pub fn as_unsigned(&self) -> Option<&[u8]> {
        if self.0.first().is_some_and(|byte| byte & 0x80 != 0) {
            return None;
        }
        let start = self
            .0
            .iter()
            .position(|byte| *byte != 0)
            .unwrap_or(self.0.len());
        self.0.get(start..)
    }
}

impl fmt::Debug for BigInteger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Value {
    /// The type of the value.
    pub const fn kind(&self) -> ItemType {
        match self {
            Self::Structure(_) => ItemType::Structure,
            Self::Integer(_) => ItemType::Integer,
            Self::LongInteger(_) => ItemType::LongInteger,
            Self::BigInteger(_) => ItemType::BigInteger,
            Self::Enumeration(_) => ItemType::Enumeration,
            Self::Boolean(_) => ItemType::Boolean,
            Self::TextString(_) => ItemType::TextString,
            Self::ByteString(_) => ItemType::ByteString,
            Self::DateTime(_) => ItemType::DateTime,
            Self::Interval(_) => ItemType::Interval,
            Self::DateTimeExtended(_) => ItemType::DateTimeExtended,
        }
    }

    /// Writes the value as an item with `tag`.
    pub fn write(&self, tag: Tag, out: &mut Writer) {
        match self {
            Self::Structure(items) => {
                let mark = out.begin(tag);
                for item in items {
                    item.value.write(item.tag, out);
                }
                out.end(mark);
            }
            Self::Integer(value) => out.integer(tag, *value),
            Self::LongInteger(value) => out.long_integer(tag, *value),
            Self::BigInteger(value) => out.big_integer(tag, value.as_signed()),
            Self::Enumeration(value) => out.enumeration(tag, *value),
            Self::Boolean(value) => out.boolean(tag, *value),
            Self::TextString(value) => out.text(tag, value),
            Self::ByteString(value) => out.bytes(tag, value),
            Self::DateTime(value) => out.date_time(tag, *value),
            Self::Interval(value) => out.interval(tag, *value),
            Self::DateTimeExtended(value) => out.date_time_extended(tag, *value),
        }
    }

    /// Reads the value of an item whose nesting [`check`] has bounded.
    ///
    /// # Errors
    /// When a value in it is not of its type.
    pub fn read(item: &ItemRef<'_>) -> Result<Self, DecodeError> {
        Ok(match item.kind {
            ItemType::Structure => {
                let mut reader = item.structure()?;
                let mut items = Vec::new();
                while let Some(item) = reader.next_item()? {
                    items.push(Item::read(&item)?);
                }
                Self::Structure(items)
            }
            ItemType::Integer => Self::Integer(item.integer()?),
            ItemType::LongInteger => Self::LongInteger(item.long_integer()?),
            // Kept as sent: the tree says what the message says, minimal or not.
            ItemType::BigInteger => Self::BigInteger(BigInteger(item.big_integer()?.into())),
            ItemType::Enumeration => Self::Enumeration(item.enumeration()?),
            ItemType::Boolean => Self::Boolean(item.boolean()?),
            ItemType::TextString => Self::TextString(item.text()?.to_owned()),
            ItemType::ByteString => Self::ByteString(item.bytes()?.into()),
            ItemType::DateTime => Self::DateTime(item.date_time()?),
            ItemType::Interval => Self::Interval(item.interval()?),
            ItemType::DateTimeExtended => Self::DateTimeExtended(item.date_time_extended()?),
        })
    }
}

impl Item {
    /// An item.
    pub const fn new(tag: Tag, value: Value) -> Self {
        Self { tag, value }
    }

    /// Reads an item whose nesting [`check`] has bounded.
    ///
    /// # Errors
    /// When a value in it is not of its type.
    pub fn read(item: &ItemRef<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            tag: item.tag,
            value: Value::read(item)?,
        })
    }

    /// The item tree of a TTLV message.
    ///
    /// # Errors
    /// When the bytes are not exactly one item within `limits`.
    pub fn from_ttlv(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::read(&check(bytes, limits)?)
    }

    /// The TTLV encoding; none when the item is longer than 4 GiB.
    pub fn to_ttlv(&self) -> Option<Vec<u8>> {
        let mut out = Writer::default();
        self.value.write(self.tag, &mut out);
        out.finish()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Structure(items) => f.debug_list().entries(items).finish(),
            Self::Integer(value) => write!(f, "{value}"),
            Self::LongInteger(value) => write!(f, "{value}L"),
            Self::BigInteger(value) => write!(f, "{value:?}"),
            Self::Enumeration(value) => write!(f, "0x{value:08X}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::TextString(value) => write!(f, "{value:?}"),
            Self::ByteString(value) => write!(f, "{value:?}"),
            Self::DateTime(value) => write!(f, "@{value}"),
            Self::Interval(value) => write!(f, "{value}s"),
            Self::DateTimeExtended(value) => write!(f, "@{value}us"),
        }
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: ", self.tag)?;
        match (&self.value, self.tag) {
            (Value::TextString(_), Tag::Password | Tag::OneTimePassword) => f.write_str("[text]"),
            (value, _) => fmt::Debug::fmt(value, f),
        }
    }
}
