//! The XML encoding (KMIP Profiles 2.1, section 5.4): an element an item, named by its tag.

use quick_xml::XmlVersion;
use quick_xml::escape::escape;
use quick_xml::events::{BytesStart, Event};

use super::text::{self, Around};
use super::{Item, ItemType, Value};
use crate::error::DecodeError;
use crate::tags::Tag;
use crate::ttlv::{DEPTH_CEILING, Limits, TtlvError};

/// Element for a tag that has no name.
const UNNAMED: &str = "TTLV";

/// An element whose end has not been read.
struct Open {
    item: Item,
    around: Around,
}

impl Item {
    /// Reads an item from XML. The limit on bytes is on those of the XML.
    ///
    /// # Errors
    /// When the text is not the XML of exactly one item within `limits`.
    pub fn from_xml(xml: &str, limits: &Limits) -> Result<Self, DecodeError> {
        if xml.len() > limits.bytes {
            let (found, limit) = (xml.len(), limits.bytes);
            return Err(TtlvError::TooManyBytes { found, limit }.into());
        }
        let mut reader = quick_xml::Reader::from_str(xml);
        let mut open: Vec<Open> = Vec::new();
        let mut root = None;
        let mut count = 0;
        loop {
            let event = reader
                .read_event()
                .map_err(|error| DecodeError::Text(error.to_string()))?;
            let item = match event {
                Event::Start(element) | Event::Empty(element) if root.is_some() => {
                    let name = element.name().as_ref().to_owned();
                    return Err(DecodeError::Text(format!("{name:?} follows the message")));
                }
                Event::Start(element) => {
                    count += 1;
                    check_limits(count, open.len() + 1, limits)?;
                    let around = open.last().map(|open| open.around).unwrap_or_default();
                    let item = read_element(&element, around)?;
                    let around = Around::default();
                    open.push(Open { item, around });
                    continue;
                }
                Event::Empty(element) => {
                    count += 1;
                    check_limits(count, open.len() + 1, limits)?;
                    let around = open.last().map(|open| open.around).unwrap_or_default();
                    read_element(&element, around)?
                }
                Event::End(_) => match open.pop() {
                    Some(done) => done.item,
                    None => return Err(DecodeError::Text("an end without a beginning".to_owned())),
                },
                Event::Text(words) if words.trim_ascii().is_empty() => continue,
                Event::Comment(_) | Event::Decl(_) => continue,
                Event::Eof => break,
                // Text, CDATA, processing instructions and, above all, document types.
                _ => return Err(DecodeError::Text("not the XML of an item".to_owned())),
            };
            match open.last_mut() {
                Some(parent) => {
                    parent.around.saw(&item);
                    let Value::Structure(items) = &mut parent.item.value else {
                        let error = format!("{} is no structure, but has items", parent.item.tag);
                        return Err(DecodeError::Text(error));
                    };
                    items.push(item);
                }
                None => root = Some(item),
            }
        }
        match root {
            Some(root) if open.is_empty() => Ok(root),
            _ => Err(DecodeError::Text("the XML ends too early".to_owned())),
        }
    }

    /// The XML encoding.
    pub fn to_xml(&self) -> String {
        let mut out = String::new();
        write(self, Around::default(), 0, &mut out);
        out
    }
}

fn check_limits(count: usize, depth: usize, limits: &Limits) -> Result<(), TtlvError> {
    let limit = limits.depth.min(DEPTH_CEILING);
    if count > limits.items {
        return Err(TtlvError::TooManyItems {
            limit: limits.items,
        });
    }
    if depth > limit {
        return Err(TtlvError::TooDeep { limit });
    }
    Ok(())
}

fn read_element(element: &BytesStart<'_>, around: Around) -> Result<Item, DecodeError> {
    let malformed = |error: &dyn std::fmt::Display| DecodeError::Text(error.to_string());
    let (mut number, mut kind, mut value) = (None, None, None);
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| malformed(&error))?;
        let text = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| malformed(&error))?
            .into_owned();
        match attribute.key.as_ref() {
            "tag" => number = Some(text),
            "type" => kind = Some(text),
            "value" => value = Some(text),
            // `name`, a namespace, or a later version's.
            _ => {}
        }
    }
    let local = element.local_name();
    let name = local.as_ref();
    let tag = match number {
        Some(number) if name == UNNAMED => text::tag(&number)?,
        _ => text::tag(name)?,
    };
    let kind = match kind.as_deref() {
        None => ItemType::Structure,
        Some(kind) => ItemType::by_name(kind)
            .ok_or_else(|| DecodeError::Text(format!("{kind:?} is no type")))?,
    };
    if kind == ItemType::Structure {
        return Ok(Item::new(tag, Value::Structure(Vec::new())));
    }
    let value = value.ok_or_else(|| DecodeError::Text(format!("{tag} has no value")))?;
    Ok(Item::new(tag, read_value(tag, kind, value, around)?))
}

fn read_value(
    tag: Tag,
    kind: ItemType,
    value: String,
    around: Around,
) -> Result<Value, DecodeError> {
    let number = |bits: u32| {
        let hexadecimal = text::hexadecimal(&value);
        hexadecimal.filter(|number| bits == 64 || number >> bits == 0)
    };
    let read = match kind {
        ItemType::Structure => None,
        ItemType::Integer => Some(Value::Integer(text::integer(around, tag, &value, ' ')?)),
        ItemType::LongInteger => value
            .parse()
            .ok()
            .or_else(|| number(64).map(u64::cast_signed))
            .map(Value::LongInteger),
        ItemType::BigInteger => text::big_integer(&value).map(Value::BigInteger),
        ItemType::Enumeration => Some(Value::Enumeration(text::enumeration(around, tag, &value)?)),
        ItemType::Boolean => match (value.as_str(), number(64)) {
            ("true" | "1", _) | (_, Some(1)) => Some(Value::Boolean(true)),
            ("false" | "0", _) | (_, Some(0)) => Some(Value::Boolean(false)),
            _ => None,
        },
        ItemType::TextString => return Ok(Value::TextString(value)),
        ItemType::ByteString => text::bytes(&value).map(|bytes| Value::ByteString(bytes.into())),
        ItemType::DateTime => text::date_time(&value).map(Value::DateTime),
        ItemType::Interval => value
            .parse()
            .ok()
            .or_else(|| number(32).and_then(|number| u32::try_from(number).ok()))
            .map(Value::Interval),
        ItemType::DateTimeExtended => text::date_time_extended(&value).map(Value::DateTimeExtended),
    };
    read.ok_or_else(|| text::wrong(tag, kind, &value))
}

fn write(item: &Item, around: Around, depth: usize, out: &mut String) {
    let indent = 2 * depth;
    let (name, number) = match item.tag.name() {
        Some(name) => (name, String::new()),
        None => (UNNAMED, format!(" tag=\"0x{:06x}\"", item.tag.0)),
    };
    if let Value::Structure(items) = &item.value {
        // Empty ones too, as the profiles' cases write them.
        *out += &format!("{:indent$}<{name}{number}>\n", "");
        let mut within = Around::default();
        for item in items {
            write(item, within, depth + 1, out);
            within.saw(item);
        }
        *out += &format!("{:indent$}</{name}>\n", "");
        return;
    }
    let kind = item.value.kind().name();
    let value = value_text(item, around);
    *out += &format!(
        "{:indent$}<{name}{number} type=\"{kind}\" value=\"{value}\"/>\n",
        ""
    );
}

fn value_text(item: &Item, around: Around) -> String {
    match &item.value {
        Value::Structure(_) => String::new(),
        Value::Integer(value) => {
            text::mask_text(around, item.tag, *value, " ").unwrap_or_else(|| value.to_string())
        }
        Value::LongInteger(value) => value.to_string(),
        Value::BigInteger(value) => text::digits(value.as_signed()),
        Value::Enumeration(value) => text::enumeration_text(around, item.tag, *value),
        Value::Boolean(value) => value.to_string(),
        // Line ends and tabs would be read as spaces if they were not written as references.
        Value::TextString(value) => escape(value.as_str())
            .replace('\n', "&#10;")
            .replace('\r', "&#13;")
            .replace('\t', "&#9;"),
        Value::ByteString(value) => text::digits(value),
        Value::DateTime(value) => text::date_time_text(*value),
        Value::Interval(value) => value.to_string(),
        Value::DateTimeExtended(value) => text::date_time_extended_text(*value),
    }
}
