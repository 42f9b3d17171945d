//! Objects that nobody made: which profiles a token has, and which mechanisms (PKCS#11 3.2, "Profile
//! objects", "Mechanism objects"). They are found when they are asked for, by their class or by an
//! attribute that only they have, so that programs that list a token's contents see what was put
//! there.

use cryptoki_sys::*;
use keybridge_core::ObjectId;
use zeroize::Zeroizing;

use super::registry;
use super::template::{Template, Value};
use super::view::Answer;

/// The profiles of every token; one that derives by `CKM_HKDF_DATA` has [`CKP_HKDF_TLS_TOKEN`] besides. Certificates are
/// public unless the application makes one private.
const PROFILES: [CK_PROFILE_ID; 4] = [
    CKP_BASELINE_PROVIDER,
    CKP_EXTENDED_PROVIDER,
    CKP_AUTHENTICATION_TOKEN,
    CKP_PUBLIC_CERTIFICATES_TOKEN,
];

/// What the identifiers of these objects begin with: those of other objects are random, with the
/// version of such identifiers in the seventh byte.
const PREFIX: [u8; 7] = *b"builtin";

/// A built-in object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    Profile(CK_PROFILE_ID),
    Mechanism(CK_MECHANISM_TYPE),
}

impl Builtin {
    /// The built-in object of that identifier.
    pub(crate) fn of(object: ObjectId) -> Option<Self> {
        let bytes: &[u8; 16] = object.as_bytes();
        let rest = bytes.strip_prefix(&PREFIX)?;
        let (class, number) = rest.split_first()?;
        let number = CK_ULONG::from_be_bytes(number.try_into().ok()?);
        match CK_OBJECT_CLASS::from(*class) {
            CKO_PROFILE => Some(Builtin::Profile(number)),
            CKO_MECHANISM => Some(Builtin::Mechanism(number)),
            _ => None,
        }
    }

    /// Its identifier.
    pub(crate) fn id(self) -> ObjectId {
        let mut bytes = [0; 16];
        bytes[..7].copy_from_slice(&PREFIX);
        bytes[7] = self.class().to_le_bytes()[0];
        let (Builtin::Profile(number) | Builtin::Mechanism(number)) = self;
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        ObjectId::from_bytes(bytes)
    }

    fn class(self) -> CK_OBJECT_CLASS {
        match self {
            Builtin::Profile(_) => CKO_PROFILE,
            Builtin::Mechanism(_) => CKO_MECHANISM,
        }
    }

    /// The value of an attribute.
    pub(crate) fn get(self, kind: CK_ATTRIBUTE_TYPE) -> Answer {
        let value = match (kind, self) {
            _ if registry::find(kind, self.class(), None).is_none() => return Answer::Invalid,
            (CKA_CLASS, _) => self.class().to_ne_bytes().to_vec(),
            (CKA_UNIQUE_ID, _) => self.id().to_string().into_bytes(),
            (CKA_TOKEN, _) => vec![CK_TRUE],
            (CKA_PRIVATE, _) => vec![CK_FALSE],
            (CKA_PROFILE_ID, Builtin::Profile(number))
            | (CKA_MECHANISM_TYPE, Builtin::Mechanism(number)) => number.to_ne_bytes().to_vec(),
            _ => return Answer::Invalid,
        };
        Answer::Value(Zeroizing::new(value))
    }

    /// The bytes of its attributes.
    pub(crate) fn size(self) -> usize {
        let rows = registry::of(self.class(), None);
        let sizes = rows.map(|row| match self.get(row.kind) {
            Answer::Value(value) => value.len(),
            _ => 0,
        });
        sizes.sum()
    }

    /// Those that a template asks for, of a token with these mechanisms. `None`: it does not ask
    /// for any.
    pub(crate) fn find(
        template: &Template<'_>,
        mechanisms: impl FnOnce() -> Vec<CK_MECHANISM_TYPE>,
    ) -> Option<Vec<ObjectId>> {
        let asks = |class: CK_OBJECT_CLASS, own: CK_ATTRIBUTE_TYPE| {
            template.bytes(CKA_CLASS) == Some(&class.to_ne_bytes())
                || template.entries().any(|(kind, _)| kind == own)
        };
        let all: Vec<Builtin> = if asks(CKO_PROFILE, CKA_PROFILE_ID) {
            let mut profiles = PROFILES.to_vec();
            if mechanisms().contains(&CKM_HKDF_DATA) {
                profiles.push(CKP_HKDF_TLS_TOKEN);
            }
            profiles.into_iter().map(Builtin::Profile).collect()
        } else if asks(CKO_MECHANISM, CKA_MECHANISM_TYPE) {
            let mechanisms = mechanisms().into_iter();
            mechanisms.map(Builtin::Mechanism).collect()
        } else {
            return None;
        };
        let fits = |object: &Builtin| {
            template.entries().all(|(kind, value)| {
                matches!(
                    (object.get(kind), value),
                    (Answer::Value(is), Value::Bytes(wanted)) if **is == **wanted
                )
            })
        };
        Some(all.into_iter().filter(fits).map(Builtin::id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_come_back_and_are_nobody_elses() {
        for object in [
            Builtin::Profile(CKP_BASELINE_PROVIDER),
            Builtin::Mechanism(CK_ULONG::MAX),
        ] {
            assert_eq!(Builtin::of(object.id()), Some(object));
        }
        assert_eq!(Builtin::of(ObjectId::random()), None);
    }
}
