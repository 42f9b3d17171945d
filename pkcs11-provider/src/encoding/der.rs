//! Just enough DER for keys: nested sequences, integers, strings and object identifiers.
//!
//! Strict (one encoding for one value), without recursion, and never beyond the input.

use zeroize::Zeroizing;

use crate::rv::{Result, Rv};

/// `INTEGER`.
pub(crate) const INTEGER: u8 = 0x02;
/// `BIT STRING`.
pub(crate) const BIT_STRING: u8 = 0x03;
/// `OCTET STRING`.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// `NULL`.
pub(crate) const NULL: u8 = 0x05;
/// `OBJECT IDENTIFIER`.
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
/// `PrintableString`.
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
/// `SEQUENCE`.
pub(crate) const SEQUENCE: u8 = 0x30;

/// Longest content that is read or written: far above any key, and so that lengths fit three bytes.
const MAX_CONTENT: usize = 0xff_ffff;

/// Reads elements one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Reader { rest: input }
    }

    /// The tag of the next element.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn read(&mut self, tag: u8) -> Result<&'a [u8]> {
        let (content, rest) = element(self.rest, tag).ok_or(Rv::ATTRIBUTE_VALUE_INVALID)?;
        self.rest = rest;
        Ok(content)
    }

    /// A reader of the next element's content.
    pub(crate) fn nested(&mut self, tag: u8) -> Result<Reader<'a>> {
        self.read(tag).map(Reader::new)
    }

    /// A non-negative integer, big-endian, without leading zeros (empty for zero).
    pub(crate) fn unsigned(&mut self) -> Result<&'a [u8]> {
        let content = self.read(INTEGER)?;
        match content {
            [] => Err(Rv::ATTRIBUTE_VALUE_INVALID),
            [first, ..] if first & 0x80 != 0 => Err(Rv::ATTRIBUTE_VALUE_INVALID),
            _ => Ok(strip_zeros(content)),
        }
    }

    /// Whether everything was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Fails unless everything was read.
    pub(crate) fn end(self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(Rv::ATTRIBUTE_VALUE_INVALID) }
    }
}

fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
            let shortest = length > 0x7f && bytes[0] != 0;
            (shortest.then_some(length)?, rest)
        }
        _ => return None,
    };
    (found == tag).then_some(())?;
    rest.split_at_checked(length)
}

/// A big-endian number without its leading zeros.
pub(crate) fn strip_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|&byte| byte != 0).unwrap_or(number.len());
    &number[start..]
}

/// One element. What it holds may be secret, so the bytes are zeroized when dropped.
pub(crate) fn write(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    debug_assert!(length <= MAX_CONTENT, "attribute values are limited to less");
    let mut out = Zeroizing::new(Vec::with_capacity(length + 5));
    out.push(tag);
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        0x100..=0xffff => out.extend([0x82, (length >> 8) as u8, length as u8]),
        _ => out.extend([0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8]),
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// An `INTEGER` from a big-endian number that is not negative.
pub(crate) fn write_unsigned(number: &[u8]) -> Zeroizing<Vec<u8>> {
    let number = strip_zeros(number);
    match number.first() {
        Some(first) if first & 0x80 == 0 => write(INTEGER, &[number]),
        _ => write(INTEGER, &[&[0], number]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_sizes_come_back() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
            let value = vec![7; length];
            let encoded = write(OCTET_STRING, &[&value]);
            let mut reader = Reader::new(&encoded);
            assert_eq!(reader.read(OCTET_STRING), Ok(value.as_slice()));
            assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let encoded = write(SEQUENCE, &[&write_unsigned(&[0xff; 200])]);
        for end in 0..encoded.len() {
            assert!(Reader::new(&encoded[..end]).read(SEQUENCE).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn only_the_shortest_form_is_taken() {
        for bad in [&[4, 0x81, 1, 0][..], &[4, 0x82, 0, 0x80], &[4, 0x80], &[4, 0x84, 0, 0, 0, 1, 0]] {
            assert!(Reader::new(bad).read(OCTET_STRING).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn integers_are_not_negative() {
        assert_eq!(*write_unsigned(&[0, 0, 0x80]), [INTEGER, 2, 0, 0x80]);
        assert_eq!(*write_unsigned(&[0]), [INTEGER, 1, 0]);
        assert_eq!(Reader::new(&[INTEGER, 2, 0, 0x80]).unsigned(), Ok(&[0x80][..]));
        assert!(Reader::new(&[INTEGER, 1, 0x80]).unsigned().is_err());
    }
}
