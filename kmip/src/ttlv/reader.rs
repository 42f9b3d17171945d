//! Reading TTLV in place: items borrow from the message, nothing is allocated.

use super::{DEPTH_CEILING, HEAD, Limits, TtlvError};
use crate::error::DecodeError;
use crate::item::ItemType;
use crate::tags::Tag;

/// One item of a message, borrowed from its bytes. The head, the length and the padding have been
/// checked; the value is checked by the accessor for its type.
#[derive(Clone, Copy)]
pub struct ItemRef<'a> {
    /// What it is.
    pub tag: Tag,
    /// Its type.
    pub kind: ItemType,
    value: &'a [u8],
}

/// Walks the items of a structure, or of a message's bytes.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    /// Walks `bytes`, a sequence of items.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            length: bytes.len(),
        }
    }

    /// The next item, or none at the end.
    ///
    /// # Errors
    /// When the bytes that follow are no item that fits.
    pub fn next_item(&mut self) -> Result<Option<ItemRef<'a>>, TtlvError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let truncated = TtlvError::Truncated {
            at: self.length - self.rest.len(),
        };
        let (head, body) = self.rest.split_first_chunk::<HEAD>().ok_or(truncated)?;
        let [t0, t1, t2, kind, l0, l1, l2, l3] = *head;
        let tag = Tag(u32::from_be_bytes([0, t0, t1, t2]));
        if t0 != 0x42 && t0 != 0x54 {
            return Err(TtlvError::ForeignTag { tag });
        }
        let kind = ItemType::from_byte(kind).ok_or(TtlvError::UnknownType { tag, found: kind })?;
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if !kind.allows_length(length) {
            return Err(TtlvError::WrongLength { tag, kind, length });
        }
        let padded = length.checked_next_multiple_of(8).ok_or(truncated)?;
        let (padded, rest) = body.split_at_checked(padded).ok_or(truncated)?;
        let (value, padding) = padded.split_at_checked(length).ok_or(truncated)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(TtlvError::Padding { tag });
        }
        self.rest = rest;
        Ok(Some(ItemRef { tag, kind, value }))
    }
}

/// Checks that `bytes` are exactly one well-formed item within `limits`, all the way down, and
/// returns it. Only texts' UTF-8 and Booleans' values are left to their accessors.
///
/// # Errors
/// The first thing found wrong.
pub fn check<'a>(bytes: &'a [u8], limits: &Limits) -> Result<ItemRef<'a>, TtlvError> {
    if bytes.len() > limits.bytes {
        return Err(TtlvError::TooManyBytes {
            found: bytes.len(),
            limit: limits.bytes,
        });
    }
    let mut outer = Reader::new(bytes);
    let root = outer.next_item()?.ok_or(TtlvError::Truncated { at: 0 })?;
    if !outer.rest.is_empty() {
        return Err(TtlvError::Trailing {
            count: outer.rest.len(),
        });
    }
    let deepest = limits.depth.min(DEPTH_CEILING);
    // Readers of the structures around the current one; the message cannot make this grow.
    let mut around = [Reader::new(&[]); DEPTH_CEILING];
    let mut depth = 1;
    let mut items = 1;
    let mut current = Reader::new(if root.kind == ItemType::Structure {
        root.value
    } else {
        &[]
    });
    loop {
        match current.next_item()? {
            Some(item) => {
                items += 1;
                if items > limits.items {
                    return Err(TtlvError::TooManyItems {
                        limit: limits.items,
                    });
                }
                if depth >= deepest {
                    return Err(TtlvError::TooDeep { limit: deepest });
                }
                if item.kind == ItemType::Structure && !item.value.is_empty() {
                    around[depth] = current;
                    depth += 1;
                    current = Reader::new(item.value);
                }
            }
            None if depth == 1 => return Ok(root),
            None => {
                depth -= 1;
                current = around[depth];
            }
        }
    }
}

impl<'a> ItemRef<'a> {
    fn expect(&self, expected: ItemType) -> Result<&'a [u8], DecodeError> {
        if self.kind == expected {
            Ok(self.value)
        } else {
            Err(DecodeError::WrongType {
                tag: self.tag,
                expected,
                found: self.kind,
            })
        }
    }

    fn fixed<const N: usize>(&self, expected: ItemType) -> Result<[u8; N], DecodeError> {
        // The length was checked against the type when the item was read.
        let value = self.expect(expected)?;
        value
            .try_into()
            .map_err(|_| DecodeError::InvalidValue { tag: self.tag })
    }

    /// The items of a Structure.
    ///
    /// # Errors
    /// When it is of another type, as for every accessor here.
    pub fn structure(&self) -> Result<Reader<'a>, DecodeError> {
        self.expect(ItemType::Structure).map(Reader::new)
    }

    /// The value of an Integer.
    pub fn integer(&self) -> Result<i32, DecodeError> {
        self.fixed(ItemType::Integer).map(i32::from_be_bytes)
    }

    /// The value of a Long Integer.
    pub fn long_integer(&self) -> Result<i64, DecodeError> {
        self.fixed(ItemType::LongInteger).map(i64::from_be_bytes)
    }

    /// The value of a Big Integer: two's complement, big-endian.
    pub fn big_integer(&self) -> Result<&'a [u8], DecodeError> {
        self.expect(ItemType::BigInteger)
    }

    /// The value of an Enumeration.
    pub fn enumeration(&self) -> Result<u32, DecodeError> {
        self.fixed(ItemType::Enumeration).map(u32::from_be_bytes)
    }

    /// The value of a Boolean; any number but 0 and 1 is an error (1.4 section 9.1.1.4).
    pub fn boolean(&self) -> Result<bool, DecodeError> {
        match self.fixed(ItemType::Boolean).map(u64::from_be_bytes)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::InvalidValue { tag: self.tag }),
        }
    }

    /// The value of a Text String.
    pub fn text(&self) -> Result<&'a str, DecodeError> {
        let value = self.expect(ItemType::TextString)?;
        std::str::from_utf8(value).map_err(|_| DecodeError::NotUtf8 { tag: self.tag })
    }

    /// The value of a Byte String.
    pub fn bytes(&self) -> Result<&'a [u8], DecodeError> {
        self.expect(ItemType::ByteString)
    }

    /// The value of a Date-Time, in seconds since 1970 (UTC).
    pub fn date_time(&self) -> Result<i64, DecodeError> {
        self.fixed(ItemType::DateTime).map(i64::from_be_bytes)
    }

    /// The value of an Interval, in seconds.
    pub fn interval(&self) -> Result<u32, DecodeError> {
        self.fixed(ItemType::Interval).map(u32::from_be_bytes)
    }

    /// The value of a Date-Time Extended, in microseconds since 1970 (UTC).
    pub fn date_time_extended(&self) -> Result<i64, DecodeError> {
        self.fixed(ItemType::DateTimeExtended)
            .map(i64::from_be_bytes)
    }
}
