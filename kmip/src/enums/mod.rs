//! Every enumeration and bit mask of the standard, each value declared once with the versions in
//! which it exists.
//!
//! A wire enumeration is a number with known names ([`Operation::Create`]); a number without a name
//! survives decoding and encoding unchanged. The names are those of the XML and JSON encodings.

mod algorithms;
mod messages;
mod objects;
mod pkcs11;
mod profiles;

pub use algorithms::*;
pub use messages::*;
pub use objects::*;
pub use pkcs11::*;
pub use profiles::*;

use crate::version::{Span, Version};

/// One declared value of an enumeration, or bit of a mask.
#[derive(Debug)]
pub struct EnumRow {
    /// The number on the wire.
    pub value: u32,
    /// The name in the XML and JSON encodings.
    pub name: &'static str,
    /// The versions in which the value exists.
    pub span: Span,
}

/// The declared values of one enumeration or mask, by ascending value.
#[derive(Debug)]
pub struct EnumTable {
    /// The enumeration's name.
    pub name: &'static str,
    /// Its values.
    pub rows: &'static [EnumRow],
}

impl EnumTable {
    /// The declaration of `value`.
    pub fn row(&self, value: u32) -> Option<&'static EnumRow> {
        let at = self
            .rows
            .binary_search_by_key(&value, |row| row.value)
            .ok()?;
        self.rows.get(at)
    }

    /// The value called `name`. The standard's names hold superscripts (`GF(2^8)`), which some leave out
    /// (`GF28`) where others write an underscore: both are known.
    pub fn by_name(&self, name: &str) -> Option<u32> {
        let exactly = self.rows.iter().find(|row| row.name == name);
        let row = exactly.or_else(|| {
            let bare = |name: &str| name.replace("GF2_", "GF2");
            let mut rows = self.rows.iter();
            rows.find(|row| row.name.contains("GF2_") && bare(row.name) == name)
        });
        row.map(|row| row.value)
    }

    /// Whether `value` may be sent in `version`: declared for it, or no value of the standard.
    pub fn exists_in(&self, value: u32, version: Version) -> bool {
        self.row(value).is_none_or(|row| row.span.contains(version))
    }
}

/// Whether what is asked for has an answer of its own, when the version does not have it: an operation is not
/// supported, and of a query function nothing is told.
pub(crate) fn is_answered(tag: crate::tags::Tag) -> bool {
    use crate::tags::Tag;
    matches!(tag, Tag::Operation | Tag::QueryFunction)
}

/// Declares wire enumerations: a newtype over the number, a constant for each value, one table.
macro_rules! enumeration {
    ($(#[$doc:meta])* $name:ident {
        $($value:ident = $number:literal, $first:ident $(..= $last:ident)?;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(
            /// The number on the wire.
            pub u32,
        );

        #[allow(non_upper_case_globals)]
        impl $name {
            $(
                #[doc = concat!("`", stringify!($value), "`, ", stringify!($first $(to $last)?))]
                pub const $value: Self = Self($number);
            )*

            /// The declared values.
            pub const TABLE: &'static $crate::enums::EnumTable = &$crate::enums::EnumTable {
                name: stringify!($name),
                rows: &[$($crate::enums::EnumRow {
                    value: $number,
                    name: stringify!($value),
                    span: $crate::version::span!($first $(, $last)?),
                }),*],
            };

            /// The name, when the value is one of the standard.
            pub fn name(self) -> Option<&'static str> {
                Self::TABLE.row(self.0).map(|row| row.name)
            }

            /// Whether the value may be sent in `version`: declared for it, or unknown to us.
            pub fn exists_in(self, version: $crate::version::Version) -> bool {
                Self::TABLE.exists_in(self.0, version)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "0x{:08X}", self.0),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self, f)
            }
        }

        impl $crate::wire::Wire for $name {
            fn encode(
                &self,
                tag: $crate::tags::Tag,
                out: &mut $crate::wire::Encoder,
            ) -> Result<(), $crate::error::EncodeError> {
                if !self.exists_in(out.version()) {
                    return Err($crate::error::EncodeError::ValueNotInVersion {
                        tag,
                        value: self.0,
                        version: out.version(),
                    });
                }
                out.writer.enumeration(tag, self.0);
                Ok(())
            }

            fn decode(
                item: &$crate::ttlv::ItemRef<'_>,
                context: $crate::wire::Context,
            ) -> Result<Self, $crate::error::DecodeError> {
                let value = Self(item.enumeration()?);
                if context.strict
                    && !$crate::enums::is_answered(item.tag)
                    && !value.exists_in(context.version)
                {
                    return Err($crate::error::DecodeError::ValueNotInVersion {
                        tag: item.tag,
                        value: value.0,
                        version: context.version,
                    });
                }
                Ok(value)
            }

            fn representable(&self, version: $crate::version::Version) -> bool {
                self.exists_in(version)
            }
        }
    };
}

/// Declares bit masks: a newtype over the bits, a constant for each bit, one table.
macro_rules! mask {
    ($(#[$doc:meta])* $name:ident {
        $($bit:ident = $number:literal, $first:ident $(..= $last:ident)?;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name(
            /// The bits, as the Integer on the wire has them.
            pub u32,
        );

        #[allow(non_upper_case_globals)]
        impl $name {
            $(
                #[doc = concat!("`", stringify!($bit), "`, ", stringify!($first $(to $last)?))]
                pub const $bit: Self = Self($number);
            )*

            /// The declared bits.
            pub const TABLE: &'static $crate::enums::EnumTable = &$crate::enums::EnumTable {
                name: stringify!($name),
                rows: &[$($crate::enums::EnumRow {
                    value: $number,
                    name: stringify!($bit),
                    span: $crate::version::span!($first $(, $last)?),
                }),*],
            };

            /// Whether every bit of `other` is set.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// The bits that exist in `version`, and those unknown to the standard.
            pub fn for_version(self, version: $crate::version::Version) -> Self {
                let foreign = Self::TABLE.rows.iter().filter(|row| !row.span.contains(version));
                Self(foreign.fold(self.0, |bits, row| bits & !row.value))
            }
        }

        impl std::ops::BitOr for $name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut rest = self.0;
                let mut list = f.debug_list();
                for row in Self::TABLE.rows.iter().filter(|row| self.0 & row.value != 0) {
                    rest &= !row.value;
                    list.entry(&format_args!("{}", row.name));
                }
                if rest != 0 {
                    list.entry(&format_args!("0x{rest:08X}"));
                }
                list.finish()
            }
        }

        impl $crate::wire::Wire for $name {
            fn encode(
                &self,
                tag: $crate::tags::Tag,
                out: &mut $crate::wire::Encoder,
            ) -> Result<(), $crate::error::EncodeError> {
                let bits = self.for_version(out.version()).0;
                out.writer.integer(tag, bits.cast_signed());
                Ok(())
            }

            fn decode(
                item: &$crate::ttlv::ItemRef<'_>,
                context: $crate::wire::Context,
            ) -> Result<Self, $crate::error::DecodeError> {
                let flags = Self(item.integer()?.cast_unsigned());
                // Flags of other versions mean nothing in this one. They are dropped, not refused:
                // clients set the same flags whatever version they speak (PyKMIP sends Export in 2.0).
                if context.strict {
                    return Ok(flags.for_version(context.version));
                }
                Ok(flags)
            }
        }
    };
}

pub(crate) use enumeration;
pub(crate) use mask;
