//! How typed values become items and back, and the one mechanism that keeps a message to its
//! version: tags by their declaration, fields by an optional span of their own.

use crate::error::{DecodeError, EncodeError};
use crate::item::{BigInteger, Value};
use crate::secret::{SecretBytes, SecretText};
use crate::tags::Tag;
use crate::ttlv::{ItemRef, Reader, Writer};
use crate::version::{Span, Version};

/// How a message is read.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The version of the message.
    pub version: Version,
    /// Whether an item that does not belong where it stands is an error (a server reading requests)
    /// or is skipped (a client reading the answer of a server that knows more).
    pub strict: bool,
}

impl Context {
    /// The next item of a structure, of a tag that the version has.
    ///
    /// # Errors
    /// At malformed bytes and, when strict, at a tag of another version.
    pub fn next<'a>(self, reader: &mut Reader<'a>) -> Result<Option<ItemRef<'a>>, DecodeError> {
        let item = reader.next_item()?;
        match item {
            // PyKMIP's Re-key of 2.0 still has the one; what is in it is read as of 1.4. The other is of
            // 1.3, and libkmip (Percona Server, pg_tde) pages with it in 1.0.
            Some(item) if matches!(item.tag, Tag::TemplateAttribute | Tag::OffsetItems) => {
                Ok(Some(item))
            }
            Some(item) if self.strict && !item.tag.exists_in(self.version) => {
                Err(DecodeError::TagNotInVersion {
                    tag: item.tag,
                    version: self.version,
                })
            }
            item => Ok(item),
        }
    }

    /// How to read within a structure with `tag`, which may be one that an older version had.
    pub(crate) fn of_structure(self, tag: Tag) -> Self {
        if tag == Tag::TemplateAttribute && self.version.has_tagged_attributes() {
            return Self {
                version: Version::V1_4,
                ..self
            };
        }
        self
    }

    /// What to do with an item that has no place in `structure`.
    ///
    /// # Errors
    /// When strict.
    pub fn unexpected(self, structure: Tag, tag: Tag) -> Result<(), DecodeError> {
        if self.strict {
            Err(DecodeError::Unexpected { structure, tag })
        } else {
            Ok(())
        }
    }

    /// Fills a field that may occur once.
    ///
    /// # Errors
    /// When it is filled already, or the item is none of its type.
    pub fn once<T: Wire>(
        self,
        slot: &mut Option<T>,
        item: &ItemRef<'_>,
    ) -> Result<(), DecodeError> {
        if slot.is_some() {
            return Err(DecodeError::Repeated { tag: item.tag });
        }
        *slot = Some(T::decode(item, self)?);
        Ok(())
    }
}

/// Writes typed values for one version.
pub struct Encoder {
    /// Where they go.
    pub writer: Writer,
    version: Version,
}

impl Encoder {
    /// Appends to `buffer`.
    pub const fn new(buffer: Vec<u8>, version: Version) -> Self {
        Self {
            writer: Writer::new(buffer),
            version,
        }
    }

    /// The version written for.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The bytes.
    ///
    /// # Errors
    /// When an item was longer than 4 GiB.
    pub fn finish(self) -> Result<Vec<u8>, EncodeError> {
        self.writer.finish().ok_or(EncodeError::TooLong)
    }

    /// An item that must be there.
    ///
    /// # Errors
    /// When the version has no such tag or no such value.
    pub fn required<T: Wire>(&mut self, tag: Tag, value: &T) -> Result<(), EncodeError> {
        if !tag.exists_in(self.version) {
            return Err(EncodeError::TagNotInVersion {
                tag,
                version: self.version,
            });
        }
        value.encode(tag, self)
    }

    /// An item that may be left out, and is when the version cannot express it.
    ///
    /// # Errors
    /// When something that its structure must have cannot be expressed.
    pub fn optional<T: Wire>(&mut self, tag: Tag, value: Option<&T>) -> Result<(), EncodeError> {
        match value {
            Some(value) if tag.exists_in(self.version) && value.representable(self.version) => {
                value.encode(tag, self)
            }
            _ => Ok(()),
        }
    }
}

/// A value that is one item.
pub trait Wire: Sized {
    /// Writes the value as an item with `tag`.
    ///
    /// # Errors
    /// When the version cannot express it.
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError>;

    /// Reads the value of an item.
    ///
    /// # Errors
    /// When the item is no such value.
    fn decode(item: &ItemRef<'_>, context: Context) -> Result<Self, DecodeError>;

    /// Whether `version` has this value; one that may be left out is, where it has not.
    fn representable(&self, _version: Version) -> bool {
        true
    }
}

/// A value that is any number of items of the structure around it, possibly other ones in other
/// versions.
pub trait Flatten: Default {
    /// The items.
    const FIELDS: &'static [FieldRow];

    /// Writes the items.
    ///
    /// # Errors
    /// When the version cannot express them.
    fn put(&self, out: &mut Encoder) -> Result<(), EncodeError>;

    /// Takes `item` if it is one of them.
    ///
    /// # Errors
    /// When it is, but malformed or once too often.
    fn take(&mut self, item: &ItemRef<'_>, context: Context) -> Result<bool, DecodeError>;

    /// Called when the structure with tag `structure` has ended.
    ///
    /// # Errors
    /// When something is missing.
    fn check(&self, _structure: Tag, _context: Context) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// An item of a structure, as the structure's table has it.
#[derive(Clone, Copy, Debug)]
pub struct FieldRow {
    /// Its tag.
    pub tag: Tag,
    /// The tag that it has from when that exists on.
    pub newer: Option<Tag>,
    /// The versions in which the structure has it, as far as the tag exists.
    pub span: Span,
    /// The versions in which it must be there.
    pub required: Option<Span>,
    /// Whether there may be several.
    pub repeated: bool,
    /// Whether it is one of several objects, of which there is one.
    pub choice: bool,
}

impl FieldRow {
    /// An item that may be left out, wherever its tag exists.
    pub const fn optional(tag: Tag) -> Self {
        Self {
            tag,
            newer: None,
            span: Span::since(Version::V1_0),
            required: None,
            repeated: false,
            choice: false,
        }
    }

    /// The item in the structure as `version` has it.
    pub fn tag_in(&self, version: Version) -> Option<Tag> {
        let newer = self.newer.filter(|newer| newer.exists_in(version));
        let tag = newer.unwrap_or(self.tag);
        (self.span.contains(version) && tag.exists_in(version)).then_some(tag)
    }

    /// Whether it must be there in `version`.
    pub fn is_required_in(&self, version: Version) -> bool {
        self.required.is_some_and(|span| span.contains(version))
    }
}

/// A Date-Time: seconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DateTime(pub i64);

/// A Date-Time Extended: microseconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DateTimeExtended(pub i64);

/// An Interval: seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Interval(pub u32);

macro_rules! scalar {
    ($($type:ty: |$value:ident, $tag:ident, $out:ident| $write:expr,
        |$item:ident| $read:expr;)*) => {
        $(impl Wire for $type {
            fn encode(&self, $tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
                let ($value, $out) = (self, &mut out.writer);
                $write;
                Ok(())
            }

            fn decode($item: &ItemRef<'_>, _: Context) -> Result<Self, DecodeError> {
                Ok($read)
            }
        })*
    };
}

scalar! {
    i32: |value, tag, out| out.integer(tag, *value), |item| item.integer()?;
    i64: |value, tag, out| out.long_integer(tag, *value), |item| item.long_integer()?;
    bool: |value, tag, out| out.boolean(tag, *value), |item| item.boolean()?;
    String: |value, tag, out| out.text(tag, value), |item| item.text()?.to_owned();
    SecretText: |value, tag, out| out.text(tag, value), |item| item.text()?.into();
    Vec<u8>: |value, tag, out| out.bytes(tag, value), |item| item.bytes()?.to_vec();
    SecretBytes: |value, tag, out| out.bytes(tag, value), |item| item.bytes()?.into();
    BigInteger: |value, tag, out| out.big_integer(tag, value.as_signed()),
        |item| Self::from_signed(item.big_integer()?);
    DateTime: |value, tag, out| out.date_time(tag, value.0), |item| Self(item.date_time()?);
    DateTimeExtended: |value, tag, out| out.date_time_extended(tag, value.0),
        |item| Self(item.date_time_extended()?);
    Interval: |value, tag, out| out.interval(tag, value.0), |item| Self(item.interval()?);
}

impl Wire for Value {
    fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
        self.write(tag, &mut out.writer);
        Ok(())
    }

    fn decode(item: &ItemRef<'_>, _: Context) -> Result<Self, DecodeError> {
        Self::read(item)
    }

    fn representable(&self, version: Version) -> bool {
        match self {
            Self::DateTimeExtended(_) => version >= Version::V2_0,
            Self::Structure(items) => items
                .iter()
                .all(|item| item.tag.exists_in(version) && item.value.representable(version)),
            _ => true,
        }
    }
}

/// Declares a structure of the standard: its fields in the order of its table, each with
/// cardinality, type and tag, and, where the field is younger or older than its tag, a span.
///
/// Cardinalities: `required`, `optional`, `repeated` (any number), `flattened` (see [`Flatten`]).
/// `tag or newer` takes the newer tag where the message's version has it. `must [span]` after an
/// optional or repeated one says in which versions it is required.
macro_rules! structure {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$about:meta])* $field:ident: $cardinality:ident $type:ty
            $(= $tag:ident $(or $newer:ident)? $([$first:ident $(..= $last:ident)?])?
                $(must [$from:ident $(..= $to:ident)?])?)?,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$about])* pub $field: $crate::wire::field!(@type $cardinality $type),)*
        }

        impl $name {
            /// The items of the structure, in order; a field may stand for several.
            pub const FIELDS: &'static [&'static [$crate::wire::FieldRow]] = &[
                $($crate::wire::field!(@row $cardinality $type
                    $(, ($tag $(or $newer)?) [$($first $(, $last)?)?] [$($from $(, $to)?)?])?)),*
            ];
        }

        impl $crate::wire::Wire for $name {
            #[allow(unused_variables, unused_mut)]
            fn encode(
                &self,
                tag: $crate::tags::Tag,
                out: &mut $crate::wire::Encoder,
            ) -> Result<(), $crate::error::EncodeError> {
                let mark = out.writer.begin(tag);
                $($crate::wire::field!(@put $cardinality out, &self.$field
                    $(, ($tag $(or $newer)?) [$($first $(, $last)?)?])?);)*
                out.writer.end(mark);
                Ok(())
            }

            #[allow(unused_variables, unused_mut)]
            fn decode(
                item: &$crate::ttlv::ItemRef<'_>,
                context: $crate::wire::Context,
            ) -> Result<Self, $crate::error::DecodeError> {
                let structure = item.tag;
                let mut reader = item.structure()?;
                $(let mut $field =
                    <$crate::wire::field!(@slot $cardinality $type)>::default();)*
                while let Some(item) = context.next(&mut reader)? {
                    $($crate::wire::field!(@take $cardinality context, $field, item
                        $(, ($tag $(or $newer)?) [$($first $(, $last)?)?])?);)*
                    context.unexpected(structure, item.tag)?;
                }
                Ok(Self {
                    $($field: $crate::wire::field!(@finish $cardinality context, structure, $field
                        $(, ($tag $(or $newer)?) [$($from $(, $to)?)?])?),)*
                })
            }
        }
    };
}
pub(crate) use structure;

/// The parts of [`structure!`] that depend on a field's cardinality.
macro_rules! field {
    (@type required $type:ty) => { $type };
    (@type optional $type:ty) => { Option<$type> };
    (@type repeated $type:ty) => { Vec<$type> };
    (@type flattened $type:ty) => { $type };
    (@slot required $type:ty) => { Option<$type> };
    (@slot optional $type:ty) => { Option<$type> };
    (@slot repeated $type:ty) => { Vec<$type> };
    (@slot flattened $type:ty) => { $type };

    (@tag $version:expr, $tag:ident) => { $crate::tags::Tag::$tag };
    (@tag $version:expr, $tag:ident or $newer:ident) => {
        if $crate::tags::Tag::$newer.exists_in($version) {
            $crate::tags::Tag::$newer
        } else {
            $crate::tags::Tag::$tag
        }
    };
    (@within $version:expr, []) => { true };
    (@within $version:expr, [$first:ident $(, $last:ident)?]) => {
        $crate::version::span!($first $(, $last)?).contains($version)
    };

    (@put required $out:ident, $value:expr, ($tag:ident $(or $newer:ident)?) $span:tt) => {
        if $crate::wire::field!(@within $out.version(), $span) {
            let tag = $crate::wire::field!(@tag $out.version(), $tag $(or $newer)?);
            $out.required(tag, $value)?;
        }
    };
    (@put optional $out:ident, $value:expr, ($tag:ident $(or $newer:ident)?) $span:tt) => {
        if $crate::wire::field!(@within $out.version(), $span) {
            let tag = $crate::wire::field!(@tag $out.version(), $tag $(or $newer)?);
            $out.optional(tag, $value.as_ref())?;
        }
    };
    (@put repeated $out:ident, $value:expr, ($tag:ident $(or $newer:ident)?) $span:tt) => {
        if $crate::wire::field!(@within $out.version(), $span) {
            let tag = $crate::wire::field!(@tag $out.version(), $tag $(or $newer)?);
            for value in $value {
                $out.optional(tag, Some(value))?;
            }
        }
    };
    (@put flattened $out:ident, $value:expr) => {
        $crate::wire::Flatten::put($value, $out)?;
    };

    (@take flattened $context:ident, $slot:ident, $item:ident) => {
        if $crate::wire::Flatten::take(&mut $slot, &$item, $context)? {
            continue;
        }
    };
    (@take repeated $context:ident, $slot:ident, $item:ident,
        ($tag:ident $(or $newer:ident)?) $span:tt) => {
        if ($item.tag == $crate::tags::Tag::$tag
            $(|| $item.tag == $crate::tags::Tag::$newer)?)
            && $crate::wire::field!(@within $context.version, $span)
        {
            $slot.push($crate::wire::Wire::decode(&$item, $context)?);
            continue;
        }
    };
    (@take $once:ident $context:ident, $slot:ident, $item:ident,
        ($tag:ident $(or $newer:ident)?) $span:tt) => {
        if ($item.tag == $crate::tags::Tag::$tag
            $(|| $item.tag == $crate::tags::Tag::$newer)?)
            && $crate::wire::field!(@within $context.version, $span)
        {
            $context.once(&mut $slot, &$item)?;
            continue;
        }
    };

    (@row flattened $type:ty) => { <$type as $crate::wire::Flatten>::FIELDS };
    (@row $cardinality:ident $type:ty, ($tag:ident $(or $newer:ident)?) $span:tt $must:tt) => {
        &[$crate::wire::FieldRow {
            tag: $crate::tags::Tag::$tag,
            newer: $crate::wire::field!(@newer $($newer)?),
            span: $crate::wire::field!(@span $span),
            required: $crate::wire::field!(@required $cardinality $must),
            repeated: $crate::wire::field!(@repeated $cardinality),
            choice: false,
        }]
    };
    (@newer) => { None };
    (@newer $newer:ident) => { Some($crate::tags::Tag::$newer) };
    (@span []) => { $crate::version::span!(V1_0) };
    (@span [$first:ident $(, $last:ident)?]) => { $crate::version::span!($first $(, $last)?) };
    (@required required []) => { Some($crate::version::span!(V1_0)) };
    (@required $other:ident []) => { None };
    (@required $other:ident $must:tt) => { Some($crate::wire::field!(@span $must)) };
    (@repeated repeated) => { true };
    (@repeated $other:ident) => { false };

    (@finish required $context:ident, $structure:ident, $slot:ident,
        ($tag:ident $(or $newer:ident)?) []) => {
        $slot.ok_or($crate::error::DecodeError::Missing {
            structure: $structure,
            tag: $crate::wire::field!(@tag $context.version, $tag $(or $newer)?),
        })?
    };
    (@finish flattened $context:ident, $structure:ident, $slot:ident) => {{
        $crate::wire::Flatten::check(&$slot, $structure, $context)?;
        $slot
    }};
    (@finish $other:ident $context:ident, $structure:ident, $slot:ident,
        ($tag:ident $(or $newer:ident)?) []) => { $slot };
    (@finish $other:ident $context:ident, $structure:ident, $slot:ident,
        ($tag:ident $(or $newer:ident)?) $must:tt) => {{
        // Of an Option and of a Vec alike.
        let is_there = $slot.iter().next().is_some();
        if !is_there && $crate::wire::field!(@within $context.version, $must) {
            return Err($crate::error::DecodeError::Missing {
                structure: $structure,
                tag: $crate::wire::field!(@tag $context.version, $tag $(or $newer)?),
            });
        }
        $slot
    }};
}
pub(crate) use field;
