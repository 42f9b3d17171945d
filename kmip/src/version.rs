//! Protocol versions, and the span of versions in which something exists.

use std::fmt;

/// A protocol version (1.4 section 6.1; 2.1 section 9.14).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Major number. A wire value outside of 0 to 255 saturates, and is then no version we know.
    pub major: u8,
    /// Minor number, likewise.
    pub minor: u8,
}

impl Version {
    /// KMIP 1.0.
    pub const V1_0: Self = Self::new(1, 0);
    /// KMIP 1.1.
    pub const V1_1: Self = Self::new(1, 1);
    /// KMIP 1.2.
    pub const V1_2: Self = Self::new(1, 2);
    /// KMIP 1.3.
    pub const V1_3: Self = Self::new(1, 3);
    /// KMIP 1.4.
    pub const V1_4: Self = Self::new(1, 4);
    /// KMIP 2.0.
    pub const V2_0: Self = Self::new(2, 0);
    /// KMIP 2.1.
    pub const V2_1: Self = Self::new(2, 1);

    /// The versions this crate speaks, newest first, as Discover Versions lists them.
    pub const SUPPORTED: [Self; 7] = [
        Self::V2_1,
        Self::V2_0,
        Self::V1_4,
        Self::V1_3,
        Self::V1_2,
        Self::V1_1,
        Self::V1_0,
    ];

    /// A version from its two numbers.
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }

    /// Whether this crate speaks the version.
    pub fn is_supported(self) -> bool {
        Self::SUPPORTED.contains(&self)
    }

    /// Whether attributes are encoded by tag in an Attributes structure (2.0 and later) rather than
    /// by name in a Template-Attribute.
    pub const fn has_tagged_attributes(self) -> bool {
        self.major >= 2
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The first and the last version in which a tag, a value or a field exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First version.
    pub first: Version,
    /// Last version, included.
    pub last: Version,
}

impl Span {
    /// From `first` to the newest version.
    pub const fn since(first: Version) -> Self {
        Self {
            first,
            last: Version::new(u8::MAX, u8::MAX),
        }
    }

    /// From `first` to `last`, both included.
    pub const fn between(first: Version, last: Version) -> Self {
        Self { first, last }
    }

    /// Whether `version` lies in the span.
    pub fn contains(self, version: Version) -> bool {
        self.first <= version && version <= self.last
    }
}

/// `span!(V1_2)` is "since 1.2", `span!(V1_0, V1_4)` "1.0 to 1.4".
macro_rules! span {
    ($first:ident) => {
        $crate::version::Span::since($crate::version::Version::$first)
    };
    ($first:ident, $last:ident) => {
        $crate::version::Span::between(
            $crate::version::Version::$first,
            $crate::version::Version::$last,
        )
    };
}
pub(crate) use span;
