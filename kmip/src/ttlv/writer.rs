//! Writing TTLV into one growing buffer.

use zeroize::Zeroize;

use super::HEAD;
use crate::item::ItemType;
use crate::tags::Tag;

/// Appends items to a buffer. Lengths of structures are filled in when they end.
///
/// Messages carry keys: a buffer that must grow, or is not finished, is wiped before it is freed.
#[derive(Default)]
pub struct Writer {
    out: Vec<u8>,
    /// An item was longer than a length field can say.
    overflow: bool,
}

impl Drop for Writer {
    /// Wipes a message that was never finished.
    fn drop(&mut self) {
        self.out.zeroize();
    }
}

/// Where a structure began.
#[must_use = "a structure that is begun must be ended"]
#[derive(Clone, Copy)]
pub struct Mark(usize);

impl Writer {
    /// Continues `buffer`, whose capacity is used.
    pub const fn new(buffer: Vec<u8>) -> Self {
        Self {
            out: buffer,
            overflow: false,
        }
    }

    /// The buffer, or none when an item was longer than 4 GiB.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        if self.overflow {
            None
        } else {
            Some(std::mem::take(&mut self.out))
        }
    }

    /// Bytes written so far, with those that were in the buffer before.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing is in the buffer.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Wipes and forgets everything after the first `length` bytes: for a batch item that failed
    /// half-way.
    pub fn truncate(&mut self, length: usize) {
        if let Some(tail) = self.out.get_mut(length..) {
            tail.zeroize();
            self.out.truncate(length);
        }
    }

    /// Room for `more` bytes, without leaving a copy of the old ones behind.
    fn reserve(&mut self, more: usize) {
        if self.out.capacity() - self.out.len() < more {
            let wanted = (self.out.len() + more)
                .max(2 * self.out.capacity())
                .max(512);
            let mut grown = Vec::with_capacity(wanted);
            grown.extend_from_slice(&self.out);
            self.out.zeroize();
            self.out = grown;
        }
    }

    fn head(tag: Tag, kind: ItemType, length: u32) -> [u8; HEAD] {
        let [_, t0, t1, t2] = tag.0.to_be_bytes();
        let [l0, l1, l2, l3] = length.to_be_bytes();
        [t0, t1, t2, kind as u8, l0, l1, l2, l3]
    }

    fn word(&mut self, tag: Tag, kind: ItemType, length: u32, value: [u8; 8]) {
        self.reserve(2 * HEAD);
        let mut item = [0; 2 * HEAD];
        let (head, body) = item.split_at_mut(HEAD);
        head.copy_from_slice(&Self::head(tag, kind, length));
        body.copy_from_slice(&value);
        self.out.extend_from_slice(&item);
    }

    fn short(&mut self, tag: Tag, kind: ItemType, value: [u8; 4]) {
        let [a, b, c, d] = value;
        self.word(tag, kind, 4, [a, b, c, d, 0, 0, 0, 0]);
    }

    fn string(&mut self, tag: Tag, kind: ItemType, value: &[u8]) {
        let Ok(length) = u32::try_from(value.len()) else {
            self.overflow = true;
            return;
        };
        let padded = value.len().next_multiple_of(8);
        self.reserve(HEAD + padded);
        self.out.extend_from_slice(&Self::head(tag, kind, length));
        self.out.extend_from_slice(value);
        self.out.resize(self.out.len() + padded - value.len(), 0);
    }

    /// Begins a Structure; what follows until [`Writer::end`] is in it.
    pub fn begin(&mut self, tag: Tag) -> Mark {
        self.reserve(HEAD);
        self.out
            .extend_from_slice(&Self::head(tag, ItemType::Structure, 0));
        Mark(self.out.len())
    }

    /// Ends the structure that began at `mark`.
    pub fn end(&mut self, mark: Mark) {
        let Ok(length) = u32::try_from(self.out.len() - mark.0) else {
            self.overflow = true;
            return;
        };
        if let Some(field) = self.out.get_mut(mark.0 - 4..mark.0) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// An Integer.
    pub fn integer(&mut self, tag: Tag, value: i32) {
        self.short(tag, ItemType::Integer, value.to_be_bytes());
    }

    /// A Long Integer.
    pub fn long_integer(&mut self, tag: Tag, value: i64) {
        self.word(tag, ItemType::LongInteger, 8, value.to_be_bytes());
    }

    /// A Big Integer from two's complement, big-endian bytes, sign-extended to a multiple of eight.
    pub fn big_integer(&mut self, tag: Tag, value: &[u8]) {
        let padded = value.len().next_multiple_of(8).max(8);
        let Ok(length) = u32::try_from(padded) else {
            self.overflow = true;
            return;
        };
        let sign = if value.first().is_some_and(|byte| byte & 0x80 != 0) {
            0xFF
        } else {
            0
        };
        self.reserve(HEAD + padded);
        self.out
            .extend_from_slice(&Self::head(tag, ItemType::BigInteger, length));
        self.out.resize(self.out.len() + padded - value.len(), sign);
        self.out.extend_from_slice(value);
    }

    /// An Enumeration.
    pub fn enumeration(&mut self, tag: Tag, value: u32) {
        self.short(tag, ItemType::Enumeration, value.to_be_bytes());
    }

    /// A Boolean.
    pub fn boolean(&mut self, tag: Tag, value: bool) {
        self.word(tag, ItemType::Boolean, 8, u64::from(value).to_be_bytes());
    }

    /// A Text String.
    pub fn text(&mut self, tag: Tag, value: &str) {
        self.string(tag, ItemType::TextString, value.as_bytes());
    }

    /// A Byte String.
    pub fn bytes(&mut self, tag: Tag, value: &[u8]) {
        self.string(tag, ItemType::ByteString, value);
    }

    /// A Date-Time, in seconds since 1970 (UTC).
    pub fn date_time(&mut self, tag: Tag, value: i64) {
        self.word(tag, ItemType::DateTime, 8, value.to_be_bytes());
    }

    /// An Interval, in seconds.
    pub fn interval(&mut self, tag: Tag, value: u32) {
        self.short(tag, ItemType::Interval, value.to_be_bytes());
    }

    /// A Date-Time Extended, in microseconds since 1970 (UTC).
    pub fn date_time_extended(&mut self, tag: Tag, value: i64) {
        self.word(tag, ItemType::DateTimeExtended, 8, value.to_be_bytes());
    }
}
