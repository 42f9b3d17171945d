//! What the XML and JSON encodings share: names and numbers as text (KMIP Profiles 2.1, sections
//! 5.4 and 5.5).

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{BigInteger, Item, ItemType, Value};
use crate::enums::EnumTable;
use crate::error::DecodeError;
use crate::tags::{Tag, Values};

/// What is around an item and gives names to its value.
#[derive(Clone, Copy, Default)]
pub(super) struct Around {
    /// In a 1.x Attribute, the attribute whose name was read last.
    attribute: Option<Tag>,
}

impl Around {
    /// Learns from an item that was read, for those that follow it in the same structure.
    pub(super) fn saw(&mut self, item: &Item) {
        if let (Tag::AttributeName, Value::TextString(name)) = (item.tag, &item.value) {
            self.attribute = Tag::by_title(name);
        }
    }

    fn values(self, tag: Tag) -> Values {
        let tag = match tag {
            Tag::AttributeValue => self.attribute.unwrap_or(tag),
            tag => tag,
        };
        match tag {
            // The one tag that is an enumeration by one name and other things by another.
            Tag::LinkedObjectIdentifier
            | Tag::PrivateKeyUniqueIdentifier
            | Tag::PublicKeyUniqueIdentifier => {
                Values::Enumeration(crate::enums::UniqueIdentifierEnumeration::TABLE)
            }
            tag => tag.row().map_or(Values::Plain, |row| row.values),
        }
    }
}

pub(super) fn wrong(tag: Tag, kind: ItemType, text: &str) -> DecodeError {
    // The value may be a secret: only what cannot be one is told.
    match kind {
        ItemType::Enumeration | ItemType::Integer => {
            DecodeError::Text(format!("{tag}: {text:?} is no {}", kind.name()))
        }
        _ => DecodeError::Text(format!("{tag}: the value is no {}", kind.name())),
    }
}

/// A tag by its name, or as `0x` and six hexadecimal digits.
pub(super) fn tag(text: &str) -> Result<Tag, DecodeError> {
    if let Some(tag) = Tag::by_name(text) {
        return Ok(tag);
    }
    match hexadecimal(text) {
        Some(number) if matches!(number >> 16, 0x42 | 0x54) => Ok(Tag(number as u32)),
        _ => Err(DecodeError::Text(format!("{text:?} is no tag"))),
    }
}

/// A number written as `0x` and hexadecimal digits.
pub(super) fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))?;
    // `from_str_radix` takes a sign.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

/// An Enumeration's number, by name or as a number.
pub(super) fn enumeration(around: Around, tag: Tag, text: &str) -> Result<u32, DecodeError> {
    let known = match around.values(tag) {
        Values::Enumeration(table) => table.by_name(text).or_else(|| older(table, text)),
        Values::Tags => Tag::by_name(text).map(|tag| tag.0),
        Values::Plain | Values::Mask(_) => None,
    };
    let number = || hexadecimal(text).and_then(|number| u32::try_from(number).ok());
    known
        .or_else(number)
        .or_else(|| text.parse().ok())
        .ok_or_else(|| wrong(tag, ItemType::Enumeration, text))
}

/// Names that an older version had for a value.
fn older(table: &EnumTable, text: &str) -> Option<u32> {
    let newer = match (table.name, text) {
        ("HashingAlgorithm", "SHA_3_224") => "SHA3_224",
        ("HashingAlgorithm", "SHA_3_256") => "SHA3_256",
        ("HashingAlgorithm", "SHA_3_384") => "SHA3_384",
        ("HashingAlgorithm", "SHA_3_512") => "SHA3_512",
        ("MaskGenerator", "MFG1") => "MGF1",
        ("DigitalSignatureAlgorithm", name) => name
            .strip_suffix("PKCS_1V1_5")
            .or_else(|| name.strip_suffix("PKCS_1V2_1"))?,
        _ => return None,
    };
    table.by_name(newer)
}

/// An Integer: a number, or the names of a mask's bits with `separator` or spaces between.
pub(super) fn integer(
    around: Around,
    tag: Tag,
    text: &str,
    separator: char,
) -> Result<i32, DecodeError> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let bits = |word: &str| {
        let known = match around.values(tag) {
            Values::Mask(table) => table.by_name(word),
            _ => None,
        };
        known.or_else(|| u32::try_from(hexadecimal(word)?).ok())
    };
    text.split(|c: char| c == separator || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .try_fold(0, |mask, word| Some(mask | bits(word)?))
        .map(u32::cast_signed)
        .ok_or_else(|| wrong(tag, ItemType::Integer, text))
}

/// The name of an Enumeration's value, or its number as hexadecimal digits.
pub(super) fn enumeration_text(around: Around, tag: Tag, value: u32) -> String {
    let name = match around.values(tag) {
        Values::Enumeration(table) => table.row(value).map(|row| row.name),
        Values::Tags => Tag(value).name(),
        Values::Plain | Values::Mask(_) => None,
    };
    name.map_or_else(|| format!("0x{value:08x}"), str::to_owned)
}

/// The names of a mask's bits; none when the tag is no mask.
pub(super) fn mask_text(around: Around, tag: Tag, value: i32, separator: &str) -> Option<String> {
    let Values::Mask(table) = around.values(tag) else {
        return None;
    };
    let mut rest = value.cast_unsigned();
    let mut words = Vec::new();
    for row in table
        .rows
        .iter()
        .filter(|row| value.cast_unsigned() & row.value != 0)
    {
        rest &= !row.value;
        words.push(row.name.to_owned());
    }
    if rest != 0 || words.is_empty() {
        words.push(format!("0x{rest:08x}"));
    }
    Some(words.join(separator))
}

/// Bytes from hexadecimal digits.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}

/// Hexadecimal digits of bytes.
pub(super) fn digits(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)].into());
        text.push(DIGITS[usize::from(byte & 15)].into());
    }
    text
}

/// A Big Integer from hexadecimal digits, with or without `0x`.
pub(super) fn big_integer(text: &str) -> Option<BigInteger> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let value = bytes(digits)?;
    if value.is_empty() {
        return None;
    }
    // Written with all its sign bits; a sender that left some out meant what its first bit says.
    if value.len().is_multiple_of(8) {
        return Some(BigInteger(value.into()));
    }
    Some(BigInteger::from_signed(&value))
}

/// Seconds since 1970 from an ISO 8601 date and time with a zone, or `0x` and hexadecimal digits.
pub(super) fn date_time(text: &str) -> Option<i64> {
    if let Some(number) = hexadecimal(text) {
        return Some(number.cast_signed());
    }
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .map(OffsetDateTime::unix_timestamp)
}

/// Microseconds since 1970, likewise.
pub(super) fn date_time_extended(text: &str) -> Option<i64> {
    if let Some(number) = hexadecimal(text) {
        return Some(number.cast_signed());
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1000)).ok()
}

/// The date and time in ISO 8601, or hexadecimal digits for one before year 0 or after 9999.
pub(super) fn date_time_text(value: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(value).ok();
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| format!("0x{value:016x}"))
}

/// Likewise, from microseconds.
pub(super) fn date_time_extended_text(value: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(value) * 1000).ok();
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| format!("0x{value:016x}"))
}
