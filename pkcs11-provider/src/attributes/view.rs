//! The attributes of a core object, as PKCS#11 shows them.

use cryptoki_sys::*;
use keybridge_core::encoding::{
    NamedCurve, PrivateKey, PublicKey, RsaPublicKey, public_key_info_of_certificate,
};
use keybridge_core::model::Lifetime;
use keybridge_core::{Error, KeySpec, Object, ObjectClass};
use zeroize::Zeroizing;

use super::kinds::{key_type_of, parameter_set};
use super::registry::{self, Attribute, DefaultValue, Rules, Shape};
use super::setting::usage_bits;
use super::templates::{self, Written};
use crate::mechanisms::vendor::CKK_KB_SM2;
use crate::token::{EdwardsPoint, Token};

/// What an object answers when asked for an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its value.
    Value(Zeroizing<Vec<u8>>),
    /// It is an array of attributes.
    Template(Written),
    /// It has one, which may not be known outside.
    Sensitive,
    /// It has no such attribute.
    Invalid,
}

impl Answer {
    fn bytes(value: &[u8]) -> Self {
        Answer::Value(Zeroizing::new(value.to_vec()))
    }

    fn bool(value: bool) -> Self {
        Answer::bytes(&[u8::from(value)])
    }

    fn ulong(value: CK_ULONG) -> Self {
        Answer::bytes(&value.to_ne_bytes())
    }

    fn optional(value: Option<impl AsRef<[u8]>>) -> Self {
        value.map_or(Answer::Invalid, |value| Answer::bytes(value.as_ref()))
    }
}

/// `CKA_CLASS` of an object. `None` for what PKCS#11 does not show: KMIP's templates, split keys,
/// secret data and the like.
pub(crate) fn class_number(class: ObjectClass) -> Option<CK_OBJECT_CLASS> {
    match class {
        ObjectClass::SecretKey => Some(CKO_SECRET_KEY),
        ObjectClass::PrivateKey => Some(CKO_PRIVATE_KEY),
        ObjectClass::PublicKey => Some(CKO_PUBLIC_KEY),
        ObjectClass::Certificate => Some(CKO_CERTIFICATE),
        ObjectClass::Data => Some(CKO_DATA),
        ObjectClass::Trust => Some(CKO_TRUST),
        _ => None,
    }
}

/// The core's class of a `CKA_CLASS`.
pub(crate) fn object_class(number: CK_OBJECT_CLASS) -> Option<ObjectClass> {
    match number {
        CKO_DATA => Some(ObjectClass::Data),
        CKO_CERTIFICATE => Some(ObjectClass::Certificate),
        CKO_PUBLIC_KEY => Some(ObjectClass::PublicKey),
        CKO_PRIVATE_KEY => Some(ObjectClass::PrivateKey),
        CKO_SECRET_KEY => Some(ObjectClass::SecretKey),
        CKO_TRUST => Some(ObjectClass::Trust),
        _ => None,
    }
}

/// Whether PKCS#11 shows an object at all: of a class that it knows, not on its way to be deleted,
/// and not destroyed.
pub(crate) fn is_shown(object: &Object) -> bool {
    use keybridge_core::ObjectState::{Destroyed, DestroyedCompromised};
    class_number(object.class).is_some()
        && object.deletion.is_none()
        && !matches!(object.state, Destroyed | DestroyedCompromised)
}

/// An object seen through the table.
pub(crate) struct View<'a> {
    token: &'a dyn Token,
    object: &'a Object,
    class: CK_OBJECT_CLASS,
    key_type: Option<CK_KEY_TYPE>,
}

impl<'a> View<'a> {
    /// `None` for an object that is not shown.
    pub(crate) fn new(token: &'a dyn Token, object: &'a Object) -> Option<Self> {
        let class = class_number(object.class).filter(|_| is_shown(object))?;
        let key_type = object
            .spec
            .filter(|_| object.class.is_key())
            .map(key_type_of);
        Some(View {
            token,
            object,
            class,
            key_type,
        })
    }

    /// `CKA_CLASS`.
    pub(crate) fn class(&self) -> CK_OBJECT_CLASS {
        self.class
    }

    /// `CKA_KEY_TYPE`.
    pub(crate) fn key_type(&self) -> Option<CK_KEY_TYPE> {
        self.key_type
    }

    /// The value of an attribute.
    pub(crate) fn get(&self, kind: CK_ATTRIBUTE_TYPE) -> Answer {
        let Some(row) = registry::find(kind, self.class, self.key_type) else {
            return Answer::Invalid;
        };
        let attributes = &self.object.attributes;
        if row.rules.have(Rules::SECRET) {
            if attributes.sensitive || !attributes.extractable {
                return Answer::Sensitive;
            }
            return self.secret(kind);
        }
        match row.shape {
            Shape::Bool => self.flag(row),
            Shape::Ulong => self.number(row),
            Shape::Date => self.date(kind),
            Shape::Mechanisms => {
                let numbers = attributes.allowed_mechanisms.iter();
                let bytes = numbers.flat_map(|&number| (number as CK_ULONG).to_ne_bytes());
                Answer::Value(Zeroizing::new(bytes.collect()))
            }
            Shape::Template => {
                templates::get(attributes, kind).map_or(Answer::Invalid, Answer::Template)
            }
            Shape::Bytes => self.bytes(row),
        }
    }

    /// Whether a flag is set.
    pub(crate) fn is(&self, kind: CK_ATTRIBUTE_TYPE) -> bool {
        self.get(kind) == Answer::bool(true)
    }

    /// Whether an attribute can be told from the object alone, without asking the token for more.
    pub(crate) fn is_at_hand(kind: CK_ATTRIBUTE_TYPE) -> bool {
        !matches!(
            kind,
            CKA_VALUE
                | CKA_SEED
                | CKA_CHECK_VALUE
                | CKA_PRIVATE_EXPONENT
                | CKA_PRIME_1
                | CKA_PRIME_2
                | CKA_EXPONENT_1
                | CKA_EXPONENT_2
                | CKA_COEFFICIENT
        )
    }

    fn flag(&self, row: &Attribute) -> Answer {
        let object = self.object;
        let attributes = &object.attributes;
        Answer::bool(match row.kind {
            CKA_TOKEN => object.lifetime == Lifetime::Stored,
            CKA_PRIVATE => attributes.private,
            CKA_MODIFIABLE => attributes.modifiable,
            CKA_COPYABLE => attributes.copyable,
            CKA_DESTROYABLE => attributes.destroyable,
            CKA_TRUSTED => attributes.trusted,
            CKA_SENSITIVE => attributes.sensitive,
            CKA_EXTRACTABLE => attributes.extractable,
            CKA_WRAP_WITH_TRUSTED => attributes.wrap_with_trusted,
            CKA_ALWAYS_AUTHENTICATE => attributes.always_authenticate,
            CKA_LOCAL => object.local,
            CKA_ALWAYS_SENSITIVE => object.always_sensitive,
            CKA_NEVER_EXTRACTABLE => object.never_extractable,
            kind => match usage_bits(kind, self.class) {
                Some((_, any)) => attributes.usage.permits(any),
                None => match attributes.pkcs11.get(&kind).map(Vec::as_slice) {
                    Some([on]) => *on != 0,
                    _ => row.default == DefaultValue::True,
                },
            },
        })
    }

    fn number(&self, row: &Attribute) -> Answer {
        let object = self.object;
        match row.kind {
            CKA_CLASS => Answer::ulong(self.class),
            CKA_KEY_TYPE
                if object.spec == Some(KeySpec::Sm2)
                    && self.token.numbers().has_key_type(CKK_KB_SM2) =>
            {
                Answer::ulong(CKK_KB_SM2)
            }
            CKA_KEY_TYPE => self.key_type.map_or(Answer::Invalid, Answer::ulong),
            CKA_CERTIFICATE_TYPE => Answer::ulong(CKC_X_509),
            // Only what was made here has a mechanism that made it ("Key objects").
            CKA_KEY_GEN_MECHANISM => Answer::ulong(match object.key_gen_mechanism {
                Some(mechanism) if object.local => mechanism as CK_ULONG,
                _ => CK_UNAVAILABLE_INFORMATION,
            }),
            CKA_PARAMETER_SET => match object.spec.and_then(parameter_set) {
                Some(number) => Answer::ulong(number),
                None => Answer::Invalid,
            },
            CKA_MODULUS_BITS => match object.spec {
                Some(spec) => Answer::ulong(spec.bits().into()),
                None => Answer::Invalid,
            },
            CKA_VALUE_LEN => match object.spec {
                Some(spec) => Answer::ulong(spec.value_length() as CK_ULONG),
                None => Answer::Invalid,
            },
            _ => self.kept(row),
        }
    }

    fn date(&self, kind: CK_ATTRIBUTE_TYPE) -> Answer {
        let date = match kind {
            CKA_START_DATE => self.object.attributes.start_date,
            _ => self.object.attributes.end_date,
        };
        Answer::bytes(date.as_ref().map_or(&[], |date| date.as_slice()))
    }

    fn bytes(&self, row: &Attribute) -> Answer {
        let object = self.object;
        match row.kind {
            CKA_UNIQUE_ID => Answer::bytes(object.id.to_string().as_bytes()),
            CKA_LABEL => Answer::bytes(object.attributes.label.as_bytes()),
            CKA_ID => Answer::bytes(&object.attributes.cka_id),
            CKA_VALUE if self.class == CKO_PUBLIC_KEY => Answer::optional(self.lattice_value()),
            CKA_VALUE => self.open_value(),
            CKA_MODULUS => Answer::optional(self.rsa().as_ref().map(RsaPublicKey::modulus)),
            CKA_PUBLIC_EXPONENT => {
                Answer::optional(self.rsa().as_ref().map(RsaPublicKey::public_exponent))
            }
            CKA_EC_PARAMS => {
                let curve = object.spec.and_then(NamedCurve::of_spec);
                Answer::optional(curve.map(NamedCurve::to_ec_parameters))
            }
            CKA_EC_POINT => Answer::optional(self.ec_point()),
            CKA_PUBLIC_KEY_INFO if object.class.is_key() => self
                .public_key_info()
                .map_or(Answer::bytes(&[]), |info| Answer::bytes(&info)),
            CKA_PUBLIC_KEY_INFO => self.certified_key(row),
            CKA_CHECK_VALUE => self.check_value(),
            _ => self.kept(row),
        }
    }

    /// Empty for an object that has none, as for one that shows none.
    fn check_value(&self) -> Answer {
        match self.token.check_value(self.object.id) {
            Ok(value) => Answer::bytes(value.as_ref().map_or(&[], |value| value.as_slice())),
            Err(error) => {
                let id = self.object.id;
                tracing::warn!(target: "keybridge::pkcs11", "check value of {id}: {error}");
                Answer::bytes(&[])
            }
        }
    }

    /// The key in a certificate: as the application said, else as the certificate says.
    fn certified_key(&self, row: &Attribute) -> Answer {
        let kept = self.object.attributes.pkcs11.get(&row.kind);
        if let Some(info) = kept.filter(|info| !info.is_empty()) {
            return Answer::bytes(info);
        }
        let certificate = self.object.public_value().unwrap_or_default();
        Answer::bytes(public_key_info_of_certificate(certificate).unwrap_or_default())
    }

    /// An attribute that the core keeps without knowing what it means.
    fn kept(&self, row: &Attribute) -> Answer {
        match self.object.attributes.pkcs11.get(&row.kind) {
            Some(value) => Answer::bytes(value),
            None => match row.default {
                DefaultValue::Own => Answer::Invalid,
                DefaultValue::Empty => Answer::bytes(&[]),
                DefaultValue::False => Answer::bool(false),
                DefaultValue::True => Answer::bool(true),
                DefaultValue::Ulong(value) => Answer::ulong(value),
            },
        }
    }

    /// The value of an object that is no key.
    fn open_value(&self) -> Answer {
        if let Some(value) = self.object.public_value() {
            return Answer::bytes(value);
        }
        self.exported(|value| Some(Zeroizing::new(value.to_vec())))
    }

    /// A secret part of a key, once it is known that it may be seen.
    fn secret(&self, kind: CK_ATTRIBUTE_TYPE) -> Answer {
        if self.object.class == ObjectClass::SecretKey {
            return self.exported(|value| Some(Zeroizing::new(value.to_vec())));
        }
        self.exported(|value| {
            let part = match (PrivateKey::from_pkcs8(value).ok()?, kind) {
                (PrivateKey::Ec(key), CKA_VALUE) => key.private_value().clone(),
                (PrivateKey::Lattice(key), CKA_VALUE) => key.expanded().ok()?,
                // Empty where there is none to be had.
                (PrivateKey::Lattice(key), CKA_SEED) => key.seed().cloned().unwrap_or_default(),
                (PrivateKey::Rsa(key), CKA_PRIVATE_EXPONENT) => key.private_exponent,
                (PrivateKey::Rsa(key), CKA_PRIME_1) => key.prime1,
                (PrivateKey::Rsa(key), CKA_PRIME_2) => key.prime2,
                (PrivateKey::Rsa(key), CKA_EXPONENT_1) => key.exponent1,
                (PrivateKey::Rsa(key), CKA_EXPONENT_2) => key.exponent2,
                (PrivateKey::Rsa(key), CKA_COEFFICIENT) => key.coefficient,
                _ => return None,
            };
            Some(Zeroizing::new(part.expose().to_vec()))
        })
    }

    fn exported(&self, part: impl FnOnce(&[u8]) -> Option<Zeroizing<Vec<u8>>>) -> Answer {
        match self.token.export(self.object.id) {
            Ok(exported) => part(exported.value.expose()).map_or(Answer::Invalid, Answer::Value),
            Err(Error::Sensitive | Error::NotExtractable) => Answer::Sensitive,
            Err(error) => {
                tracing::warn!(target: "keybridge::pkcs11", "value of {}: {error}", self.object.id);
                // In an HSM, or gone: there is a value, and nobody can see it.
                Answer::Sensitive
            }
        }
    }

    fn rsa(&self) -> Option<RsaPublicKey> {
        match PublicKey::from_spki(&self.public_key_info()?).ok()? {
            PublicKey::Rsa(key) => Some(key),
            PublicKey::Ec(_) | PublicKey::Lattice(_) => None,
        }
    }

    /// In a DER OCTET STRING, but bare for the 25519 curves (PKCS#11 3.2, "Edwards Elliptic Curve
    /// public key objects", "Montgomery …"), unless the token is for programs that cannot read that.
    fn ec_point(&self) -> Option<Vec<u8>> {
        let bare = self.token.edwards_point() == EdwardsPoint::Raw;
        match PublicKey::from_spki(&self.public_key_info()?).ok()? {
            PublicKey::Ec(key) if bare && !key.curve().is_weierstrass() => {
                Some(key.point().to_vec())
            }
            PublicKey::Ec(key) => key.to_ec_point().ok(),
            PublicKey::Rsa(_) | PublicKey::Lattice(_) => None,
        }
    }

    /// The public key of ML-KEM or ML-DSA.
    fn lattice_value(&self) -> Option<Vec<u8>> {
        match PublicKey::from_spki(&self.public_key_info()?).ok()? {
            PublicKey::Lattice(key) => Some(key.value().to_vec()),
            PublicKey::Rsa(_) | PublicKey::Ec(_) => None,
        }
    }

    /// The SubjectPublicKeyInfo of either half of a pair.
    fn public_key_info(&self) -> Option<Vec<u8>> {
        let object = self.object;
        match object.class {
            ObjectClass::PublicKey => object.public_value().map(<[u8]>::to_vec),
            _ => object.public_key_info.clone(),
        }
    }
}
