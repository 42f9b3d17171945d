//! A template out of the application's memory: attributes with values whose shapes are right.

use std::borrow::Cow;

use cryptoki_sys::{CK_ATTRIBUTE_TYPE, CK_ULONG};

use super::registry::{self, Shape};
use crate::rv::{Result, Rv};

/// The value of one attribute of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The bytes as they lie there.
    Bytes(Cow<'a, [u8]>),
    /// A template inside the template (`CKA_WRAP_TEMPLATE` and its kin), one level deep.
    Template(Vec<(CK_ATTRIBUTE_TYPE, Cow<'a, [u8]>)>),
}

/// The attributes of a call, in the order given. An attribute given twice with the same value
/// counts once (PKCS#11 3.2, "Creating objects", last rule).
#[derive(Clone, Debug, Default)]
pub struct Template<'a> {
    entries: Vec<(CK_ATTRIBUTE_TYPE, Value<'a>)>,
}

impl<'a> Template<'a> {
    /// An empty template.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute.
    ///
    /// # Errors
    /// `CKR_TEMPLATE_INCONSISTENT` when it is there with another value.
    pub fn add(&mut self, kind: CK_ATTRIBUTE_TYPE, value: Value<'a>) -> Result<()> {
        match self.entries.iter().find(|entry| entry.0 == kind) {
            Some((_, present)) if *present == value => Ok(()),
            Some(_) => Err(Rv::TEMPLATE_INCONSISTENT),
            None => {
                self.entries.push((kind, value));
                Ok(())
            }
        }
    }

    /// The attributes.
    pub fn entries(&self) -> impl Iterator<Item = (CK_ATTRIBUTE_TYPE, &Value<'a>)> {
        self.entries.iter().map(|(kind, value)| (*kind, value))
    }

    /// The same without one of the attributes.
    #[must_use]
    pub fn without(&self, kind: CK_ATTRIBUTE_TYPE) -> Self {
        let others = self.entries.iter().filter(|(own, _)| *own != kind);
        Self {
            entries: others.cloned().collect(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes of an attribute.
    #[must_use]
    pub fn bytes(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        self.entries
            .iter()
            .find(|entry| entry.0 == kind)
            .and_then(|(_, value)| match value {
                Value::Bytes(bytes) => Some(&**bytes),
                Value::Template(_) => None,
            })
    }

    /// An attribute that is a `CK_BBOOL`.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID`.
    pub fn bool(&self, kind: CK_ATTRIBUTE_TYPE) -> Result<Option<bool>> {
        self.bytes(kind).map(to_bool).transpose()
    }

    /// An attribute that is a `CK_ULONG`.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID`.
    pub fn ulong(&self, kind: CK_ATTRIBUTE_TYPE) -> Result<Option<CK_ULONG>> {
        self.bytes(kind).map(to_ulong).transpose()
    }
}

/// Whether a value has the shape of its attribute. Attributes unknown to the table have any.
///
/// # Errors
/// `CKR_ATTRIBUTE_VALUE_INVALID`.
pub(crate) fn check_shape(kind: CK_ATTRIBUTE_TYPE, value: &Value<'_>) -> Result<()> {
    let Value::Bytes(bytes) = value else {
        return Ok(());
    };
    let fits = match registry::shape(kind) {
        Some(Shape::Bool) => to_bool(bytes).is_ok(),
        Some(Shape::Ulong) => to_ulong(bytes).is_ok(),
        Some(Shape::Date) => is_date(bytes),
        Some(Shape::Mechanisms) => bytes.len().is_multiple_of(size_of::<CK_ULONG>()),
        Some(Shape::Template) => bytes.is_empty(),
        Some(Shape::Bytes) | None => true,
    };
    if fits {
        Ok(())
    } else {
        Err(Rv::ATTRIBUTE_VALUE_INVALID)
    }
}

/// Empty, or eight digits `YYYYMMDD`. Some programs fill a date that they do not know with zero
/// bytes.
fn is_date(bytes: &[u8]) -> bool {
    bytes.is_empty()
        || (bytes.len() == 8
            && (bytes.iter().all(u8::is_ascii_digit) || bytes.iter().all(|&byte| byte == 0)))
}

/// A `CK_BBOOL`.
pub(crate) fn to_bool(bytes: &[u8]) -> Result<bool> {
    match bytes {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(Rv::ATTRIBUTE_VALUE_INVALID),
    }
}

/// A `CK_ULONG`, in the machine's byte order and at any alignment.
pub(crate) fn to_ulong(bytes: &[u8]) -> Result<CK_ULONG> {
    let bytes = bytes.try_into().map_err(|_| Rv::ATTRIBUTE_VALUE_INVALID)?;
    Ok(CK_ULONG::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {

    use cryptoki_sys::*;

    use super::*;

    #[test]
    fn an_attribute_twice_counts_once_or_is_inconsistent() {
        let mut template = Template::new();
        assert_eq!(
            template.add(CKA_TOKEN, Value::Bytes([1].as_slice().into())),
            Ok(())
        );
        assert_eq!(
            template.add(CKA_TOKEN, Value::Bytes([1].as_slice().into())),
            Ok(())
        );
        assert_eq!(template.entries().count(), 1);
        let other = template.add(CKA_TOKEN, Value::Bytes([0].as_slice().into()));
        assert_eq!(other, Err(Rv::TEMPLATE_INCONSISTENT));
    }

    #[test]
    fn shapes_are_checked() {
        for (kind, bytes, fits) in [
            (CKA_TOKEN, &[1][..], true),
            (CKA_TOKEN, &[2], false),
            (CKA_TOKEN, &[], false),
            (CKA_CLASS, &[0; size_of::<CK_ULONG>()], true),
            (CKA_CLASS, &[0; 3], false),
            (CKA_START_DATE, b"20261122", true),
            (CKA_START_DATE, b"2026112", false),
            (CKA_START_DATE, b"", true),
            (CKA_ALLOWED_MECHANISMS, &[0; 9], false),
            (CKA_LABEL, b"anything", true),
        ] {
            assert_eq!(
                check_shape(kind, &Value::Bytes(bytes.into())).is_ok(),
                fits,
                "{kind:#x} {bytes:?}"
            );
        }
    }
}
