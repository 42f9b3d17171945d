//! The JSON encoding (KMIP Profiles 2.1, section 5.5): an object an item, with `tag`, `type` and
//! `value`.

use serde_json::{Map, Value as Json};

use super::text::{self, Around};
use super::{BigInteger, Item, ItemType, Value};
use crate::error::DecodeError;
use crate::tags::Tag;
use crate::ttlv::{DEPTH_CEILING, Limits, TtlvError};

/// Integers up to here are numbers for every reader; greater ones are written as hexadecimal text.
const SAFE: i64 = (1 << 53) - 1;

impl Item {
    /// Reads an item from JSON. The limit on bytes is on those of the JSON.
    ///
    /// # Errors
    /// When the text is not the JSON of exactly one item within `limits`.
    pub fn from_json(json: &str, limits: &Limits) -> Result<Self, DecodeError> {
        if json.len() > limits.bytes {
            let (found, limit) = (json.len(), limits.bytes);
            return Err(TtlvError::TooManyBytes { found, limit }.into());
        }
        // The parser bounds the depth by itself (128), so this cannot exhaust the stack.
        let json: Json =
            serde_json::from_str(json).map_err(|error| DecodeError::Text(error.to_string()))?;
        let mut left = limits.items;
        read(json, Around::default(), 1, &mut left, limits)
    }

    /// The JSON encoding.
    pub fn to_json(&self) -> String {
        write(self, Around::default()).to_string()
    }
}

fn read(
    json: Json,
    around: Around,
    depth: usize,
    left: &mut usize,
    limits: &Limits,
) -> Result<Item, DecodeError> {
    let limit = limits.depth.min(DEPTH_CEILING);
    if depth > limit {
        return Err(TtlvError::TooDeep { limit }.into());
    }
    *left = left.checked_sub(1).ok_or(TtlvError::TooManyItems {
        limit: limits.items,
    })?;
    let Json::Object(mut members) = json else {
        return Err(DecodeError::Text("an item is an object".to_owned()));
    };
    let tag = match members.get("tag") {
        Some(Json::String(name)) => text::tag(name)?,
        _ => return Err(DecodeError::Text("an item has a tag".to_owned())),
    };
    let kind = match members.get("type") {
        None => ItemType::Structure,
        Some(Json::String(kind)) => ItemType::by_name(kind)
            .ok_or_else(|| DecodeError::Text(format!("{kind:?} is no type")))?,
        Some(_) => {
            return Err(DecodeError::Text(format!(
                "{tag} has a type that is no text"
            )));
        }
    };
    let value = match (kind, members.remove("value")) {
        (ItemType::Structure, None) => Value::Structure(Vec::new()),
        (ItemType::Structure, Some(Json::Array(members))) => {
            let mut within = Around::default();
            let mut items = Vec::new();
            for member in members {
                let item = read(member, within, depth + 1, left, limits)?;
                within.saw(&item);
                items.push(item);
            }
            Value::Structure(items)
        }
        (kind, Some(value)) => read_value(tag, kind, value, around)?,
        (_, None) => return Err(DecodeError::Text(format!("{tag} has no value"))),
    };
    Ok(Item { tag, value })
}

fn read_value(tag: Tag, kind: ItemType, value: Json, around: Around) -> Result<Value, DecodeError> {
    let text = match value {
        Json::Number(number) => {
            let read = match kind {
                ItemType::Integer => number
                    .as_i64()
                    .and_then(|n| i32::try_from(n).ok())
                    .map(Value::Integer),
                ItemType::LongInteger => number.as_i64().map(Value::LongInteger),
                ItemType::BigInteger => number
                    .as_i64()
                    .map(|n| Value::BigInteger(BigInteger::from_signed(&n.to_be_bytes()))),
                ItemType::Enumeration => number
                    .as_u64()
                    .and_then(|n| u32::try_from(n).ok())
                    .map(Value::Enumeration),
                ItemType::Interval => number
                    .as_u64()
                    .and_then(|n| u32::try_from(n).ok())
                    .map(Value::Interval),
                _ => None,
            };
            return read.ok_or_else(|| text::wrong(tag, kind, ""));
        }
        Json::Bool(value) if kind == ItemType::Boolean => return Ok(Value::Boolean(value)),
        Json::String(text) => text,
        _ => return Err(text::wrong(tag, kind, "")),
    };
    let number = || text::hexadecimal(&text);
    let read = match kind {
        ItemType::Structure => None,
        ItemType::Integer => Some(Value::Integer(text::integer(around, tag, &text, '|')?)),
        ItemType::LongInteger => number().map(|n| Value::LongInteger(n.cast_signed())),
        ItemType::BigInteger => text::big_integer(&text).map(Value::BigInteger),
        ItemType::Enumeration => Some(Value::Enumeration(text::enumeration(around, tag, &text)?)),
        ItemType::Boolean => match number() {
            Some(0) => Some(Value::Boolean(false)),
            Some(1) => Some(Value::Boolean(true)),
            _ => None,
        },
        ItemType::TextString => return Ok(Value::TextString(text)),
        ItemType::ByteString => text::bytes(&text).map(|bytes| Value::ByteString(bytes.into())),
        ItemType::DateTime => text::date_time(&text).map(Value::DateTime),
        ItemType::Interval => number()
            .and_then(|n| u32::try_from(n).ok())
            .map(Value::Interval),
        ItemType::DateTimeExtended => text::date_time_extended(&text).map(Value::DateTimeExtended),
    };
    read.ok_or_else(|| text::wrong(tag, kind, &text))
}

fn write(item: &Item, around: Around) -> Json {
    let mut members = Map::new();
    let tag = item
        .tag
        .name()
        .map_or_else(|| format!("0x{:06x}", item.tag.0), str::to_owned);
    members.insert("tag".to_owned(), tag.into());
    let kind = item.value.kind();
    if kind != ItemType::Structure {
        members.insert("type".to_owned(), kind.name().into());
    }
    let value: Json = match &item.value {
        Value::Structure(items) => {
            let mut within = Around::default();
            items
                .iter()
                .map(|item| {
                    let json = write(item, within);
                    within.saw(item);
                    json
                })
                .collect()
        }
        Value::Integer(value) => match text::mask_text(around, item.tag, *value, "|") {
            Some(names) => names.into(),
            None => (*value).into(),
        },
        Value::LongInteger(value) if (-SAFE..=SAFE).contains(value) => (*value).into(),
        Value::LongInteger(value) => format!("0x{value:016x}").into(),
        Value::BigInteger(value) => format!("0x{}", text::digits(value.as_signed())).into(),
        Value::Enumeration(value) => text::enumeration_text(around, item.tag, *value).into(),
        Value::Boolean(value) => (*value).into(),
        Value::TextString(value) => value.as_str().into(),
        Value::ByteString(value) => text::digits(value).into(),
        Value::DateTime(value) => text::date_time_text(*value).into(),
        Value::Interval(value) => (*value).into(),
        Value::DateTimeExtended(value) => text::date_time_extended_text(*value).into(),
    };
    members.insert("value".to_owned(), value);
    Json::Object(members)
}
