//! Messages as trees of XML elements: read from a case's text and from answers in each encoding, and
//! written as the cases are. It shares no code with the server, which is what it is there to check.

use serde_json::{Map, Value as Json};

/// An element: a structure, or an item with a type and a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// The tag's name.
    pub(crate) name: String,
    /// The item's type; none for structures.
    pub(crate) kind: Option<String>,
    /// The value as the XML encoding writes it; none for structures.
    pub(crate) value: Option<String>,
    /// The items of a structure.
    pub(crate) children: Vec<Element>,
}

/// The texts of a case's messages, as they stand in the file.
pub(crate) fn messages(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let starts = ["<RequestMessage>", "<ResponseMessage>"].map(|start| rest.find(start));
        let Some(at) = starts.into_iter().flatten().min() else {
            return found;
        };
        rest = &rest[at..];
        let name = &rest[1..rest.find('>').expect("found before")];
        let end = format!("</{name}>");
        let Some(length) = rest.find(&end) else {
            return found;
        };
        found.push(&rest[..length + end.len()]);
        rest = &rest[length + end.len()..];
    }
}

impl Element {
    /// Reads the little XML that KMIP messages are.
    pub(crate) fn from_xml(text: &str) -> Result<Self, String> {
        let mut stack = vec![Self::default()];
        let mut rest = text;
        while let Some(at) = rest.find('<') {
            rest = &rest[at..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = &comment[comment.find("-->").ok_or("a comment without an end")? + 3..];
                continue;
            }
            let end = rest.find('>').ok_or("an element without an end")?;
            let tag = &rest[1..end];
            rest = &rest[end + 1..];
            if tag.starts_with('/') {
                let done = stack.pop().ok_or("an end too many")?;
                stack
                    .last_mut()
                    .ok_or("an end too many")?
                    .children
                    .push(done);
                continue;
            }
            let closed = tag.ends_with('/');
            let element = Self::of_tag(tag.trim_end_matches('/'));
            if closed {
                stack
                    .last_mut()
                    .ok_or("an end too many")?
                    .children
                    .push(element);
            } else {
                stack.push(element);
            }
        }
        let root = stack.pop().filter(|_| stack.is_empty());
        root.and_then(|mut root| root.children.pop())
            .ok_or_else(|| "not one message".to_owned())
    }

    fn of_tag(tag: &str) -> Self {
        let attribute = |name: &str| {
            let at = tag.find(&format!(" {name}=\""))? + name.len() + 3;
            let value = &tag[at..];
            Some(value[..value.find('"')?].to_owned())
        };
        let name = tag.split_whitespace().next().unwrap_or_default();
        Self {
            // An item whose tag has no name.
            name: match attribute("tag").filter(|_| name == "TTLV") {
                Some(number) => format!("TTLV tag=\"{number}\""),
                None => name.to_owned(),
            },
            kind: attribute("type").filter(|kind| kind != "Structure"),
            value: attribute("value"),
            children: Vec::new(),
        }
    }

    /// The message as the cases of 1.4 and 2.1 are laid out: two spaces a level, an item a line.
    pub(crate) fn to_xml(&self) -> String {
        let mut text = String::new();
        self.write_xml(0, &mut text);
        text
    }

    fn write_xml(&self, indent: usize, out: &mut String) {
        let Self {
            name, kind, value, ..
        } = self;
        if let (Some(kind), Some(value)) = (kind, value) {
            *out += &format!(
                "{:indent$}<{name} type=\"{kind}\" value=\"{value}\"/>\n",
                ""
            );
            return;
        }
        *out += &format!("{:indent$}<{name}>\n", "");
        for child in &self.children {
            child.write_xml(indent + 2, out);
        }
        *out += &format!("{:indent$}</{name}>\n", "");
    }

    /// The message in JSON (KMIP Profiles 2.1 section 5.5), without white space.
    pub(crate) fn to_json(&self) -> String {
        self.json().to_string()
    }

    fn json(&self) -> Json {
        // The map keeps its members by their names, which is the order of the profile's examples too.
        let mut members = Map::new();
        members.insert("tag".to_owned(), self.name.clone().into());
        let value = match (&self.kind, &self.value) {
            (Some(kind), Some(value)) => {
                members.insert("type".to_owned(), kind.clone().into());
                json_value(kind, value)
            }
            _ => self.children.iter().map(Self::json).collect(),
        };
        members.insert("value".to_owned(), value);
        Json::Object(members)
    }

    /// Reads a message in JSON.
    pub(crate) fn from_json(text: &str) -> Result<Self, String> {
        let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Self::of_json(&json)
    }

    fn of_json(json: &Json) -> Result<Self, String> {
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let name = text("tag").ok_or_else(|| format!("no tag in {json}"))?;
        let kind = text("type").filter(|kind| kind != "Structure");
        let mut element = Self {
            name,
            kind,
            ..Self::default()
        };
        match (&element.kind, &json["value"]) {
            (None, Json::Array(items)) => {
                element.children = items.iter().map(Self::of_json).collect::<Result<_, _>>()?;
            }
            (Some(kind), value) => element.value = Some(xml_value(kind, value)?),
            (None, value) => return Err(format!("{} is {value}", element.name)),
        }
        Ok(element)
    }
}

/// A value of the XML encoding in JSON.
fn json_value(kind: &str, value: &str) -> Json {
    match kind {
        "Boolean" => (value == "true").into(),
        "Integer" | "LongInteger" | "Interval" => value
            .parse::<i64>()
            .map_or_else(|_| value.replace(' ', "|").into(), Json::from),
        "BigInteger" => format!("0x{value}").into(),
        "TextString" => unescape(value).into(),
        _ => value.into(),
    }
}

/// The same the other way.
fn xml_value(kind: &str, value: &Json) -> Result<String, String> {
    Ok(match (kind, value) {
        ("Integer", Json::String(names)) => names.replace('|', " "),
        ("BigInteger", Json::String(digits)) => digits.trim_start_matches("0x").to_owned(),
        ("TextString", Json::String(text)) => escape(text),
        (_, Json::String(text)) => text.clone(),
        ("Boolean", Json::Bool(value)) => value.to_string(),
        ("Integer" | "LongInteger" | "Interval", Json::Number(number)) => number.to_string(),
        _ => return Err(format!("{value} is no {kind}")),
    })
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

fn unescape(text: &str) -> String {
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    text.replace("&apos;", "'").replace("&amp;", "&")
}
