//! Tags: what an item is. One declaration a tag drives names, version gating and, for enumerations
//! and masks in XML and JSON, the names of the values.

mod declared;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use crate::enums::EnumTable;
use crate::version::{Span, Version};

/// The tag of an item: three bytes, of which the first is 0x42 for the standard's and 0x54 for
/// vendors' own (1.4 section 9.1.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(
    /// The number, 24 bits.
    pub u32,
);

/// Where the numbers of an Enumeration or Integer with this tag have their names.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// Not an enumeration.
    Plain,
    /// An enumeration with these values.
    Enumeration(&'static EnumTable),
    /// A mask, sent as an Integer, with these bits.
    Mask(&'static EnumTable),
    /// An enumeration whose values are tags.
    Tags,
}

/// The declaration of one tag.
#[derive(Debug)]
pub struct TagRow {
    /// The tag.
    pub tag: Tag,
    /// Name in the XML and JSON encodings.
    pub name: &'static str,
    /// Name in the specification's text, and as an attribute's name in 1.x.
    pub title: &'static str,
    /// The versions in which the tag exists.
    pub span: Span,
    /// The names of its values.
    pub values: Values,
}

/// First standard tag; rows are dense from here.
const FIRST: u32 = 0x42_0001;
/// One more than the last standard tag of 2.1.
const END: u32 = 0x42_0177;
/// Marks a number without a row.
const NONE: u16 = u16::MAX;

/// Row number of each standard tag, so that a look-up is two loads.
static INDEX: [u16; (END - FIRST) as usize] = {
    let mut index = [NONE; (END - FIRST) as usize];
    let mut at = 0;
    while at < Tag::ROWS.len() {
        index[(Tag::ROWS[at].tag.0 - FIRST) as usize] = at as u16;
        at += 1;
    }
    index
};

static BY_NAME: LazyLock<HashMap<&'static str, Tag>> =
    LazyLock::new(|| Tag::ROWS.iter().map(|row| (row.name, row.tag)).collect());

static BY_TITLE: LazyLock<HashMap<&'static str, Tag>> =
    LazyLock::new(|| Tag::ROWS.iter().map(|row| (row.title, row.tag)).collect());

impl Tag {
    /// The declaration, for a tag of the standard.
    pub fn row(self) -> Option<&'static TagRow> {
        let at = *INDEX.get(self.0.checked_sub(FIRST)? as usize)?;
        Self::ROWS.get(at as usize)
    }

    /// Whether a message of `version` may carry the tag: a standard tag of that version, or a
    /// vendor's.
    pub fn exists_in(self, version: Version) -> bool {
        match self.row() {
            Some(row) => row.span.contains(version),
            None => self.is_extension(),
        }
    }

    /// Whether the tag lies in the range left to vendors.
    pub const fn is_extension(self) -> bool {
        self.0 >> 16 == 0x54
    }

    /// Name in XML and JSON, for a tag of the standard.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.name)
    }

    /// Name in the specification's text, for a tag of the standard.
    pub fn title(self) -> Option<&'static str> {
        self.row().map(|row| row.title)
    }

    /// The standard tag with this XML and JSON name.
    pub fn by_name(name: &str) -> Option<Self> {
        BY_NAME.get(name).copied()
    }

    /// The standard tag with this name in the specification's text.
    pub fn by_title(title: &str) -> Option<Self> {
        BY_TITLE.get(title).copied()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:06X}", self.0),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

macro_rules! values {
    () => {
        $crate::tags::Values::Plain
    };
    (tag) => {
        $crate::tags::Values::Tags
    };
    (enumeration $name:ident) => {
        $crate::tags::Values::Enumeration($crate::enums::$name::TABLE)
    };
    (mask $name:ident) => {
        $crate::tags::Values::Mask($crate::enums::$name::TABLE)
    };
}
use values;

macro_rules! tags {
    ($($name:ident = $number:literal, $title:literal, $first:ident $(..= $last:ident)?
        $(, $kind:ident $($table:ident)?)?;)*) => {
        #[allow(non_upper_case_globals)]
        impl Tag {
            $(
                #[doc = concat!($title, ", ", stringify!($first $(to $last)?))]
                pub const $name: Self = Self($number);
            )*

            /// The tags of the standard, by ascending number.
            pub const ROWS: &'static [$crate::tags::TagRow] = &[
                $($crate::tags::TagRow {
                    tag: Self::$name,
                    name: stringify!($name),
                    title: $title,
                    span: $crate::version::span!($first $(, $last)?),
                    values: $crate::tags::values!($($kind $($table)?)?),
                }),*
            ];
        }
    };
}
use tags;
