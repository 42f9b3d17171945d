//! From a template to a new object of the core: which attributes may be there, which must, and what
//! the rest are.

use cryptoki_sys::*;
use keybridge_core::{Attributes, KeySpec, ObjectClass};

use super::kinds::{self, default_usage};
use super::registry::{self, Attribute, Rules};
use super::setting::set;
use super::template::Template;
use crate::mechanisms::vendor::CKK_KB_SM2;
use crate::rv::{Result, Rv};
use crate::slot::LoginState;

/// Which function makes the object: each has its own footnotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    /// `C_CreateObject`.
    Create,
    /// `C_GenerateKey`, `C_GenerateKeyPair`.
    Generate,
    /// `C_UnwrapKey`, and `C_DeriveKey`, whose rules are the same.
    Unwrap,
}

impl Maker {
    const fn must(self) -> Rules {
        match self {
            Maker::Create => Rules::CREATE_MUST,
            Maker::Generate => Rules::GENERATE_MUST,
            Maker::Unwrap => Rules::UNWRAP_MUST,
        }
    }

    const fn never(self) -> Rules {
        match self {
            Maker::Create => Rules::CREATE_NEVER,
            Maker::Generate => Rules::GENERATE_NEVER,
            Maker::Unwrap => Rules::UNWRAP_NEVER,
        }
    }
}

/// A template that was checked against the table for one class and type of key.
pub(crate) struct Draft<'t, 'a> {
    pub(super) template: &'t Template<'a>,
    /// `CKO_…`.
    pub(crate) class: CK_OBJECT_CLASS,
    /// `CKK_…`, for keys.
    pub(crate) key_type: Option<CK_KEY_TYPE>,
    /// Whether the type or the mechanism said SM2.
    pub(super) is_sm2: bool,
    /// What callers may say.
    pub(crate) attributes: Attributes,
    /// `CKA_TOKEN`.
    pub(crate) token: bool,
}

impl<'t, 'a> Draft<'t, 'a> {
    /// Checks a template. `class` and `key_type` are what the function itself knows; the template
    /// may repeat them, and must say what is not known. Who is logged in decides, where the template
    /// is silent, whether the object is private.
    ///
    /// # Errors
    /// The codes of "Creating objects".
    pub(crate) fn new(
        template: &'t Template<'a>,
        maker: Maker,
        class: Option<CK_OBJECT_CLASS>,
        key_type: Option<CK_KEY_TYPE>,
        login: LoginState,
    ) -> Result<Self> {
        let class = agree(template.ulong(CKA_CLASS)?, class)?.ok_or(Rv::TEMPLATE_INCOMPLETE)?;
        let is_key = matches!(class, CKO_SECRET_KEY | CKO_PRIVATE_KEY | CKO_PUBLIC_KEY);
        let given = template.ulong(CKA_KEY_TYPE)?;
        // An SM2 key is one of `CKK_EC` whose curve need not be said.
        let is_sm2 = given == Some(CKK_KB_SM2) || key_type == Some(CKK_KB_SM2);
        let curve_type = |kind| if kind == CKK_KB_SM2 { CKK_EC } else { kind };
        let key_type = match agree(given.map(curve_type), key_type.map(curve_type))? {
            _ if !is_key => None,
            Some(key_type) => Some(key_type),
            None => return Err(Rv::TEMPLATE_INCOMPLETE),
        };
        if !matches!(class, CKO_DATA | CKO_CERTIFICATE | CKO_TRUST) && !is_key {
            return Err(Rv::ATTRIBUTE_VALUE_INVALID);
        }
        let token = template.bool(CKA_TOKEN)?.unwrap_or(false);
        let mut attributes = defaults(class, key_type);
        // "The default value is token-specific." Programs make session keys before they log in and
        // do not say that those are public, as nobody else could make any (OpenSSL's provider, for
        // the secrets of a connection).
        attributes.private &= token || login == LoginState::User;
        let mut draft = Draft {
            template,
            class,
            key_type,
            is_sm2,
            attributes,
            token,
        };
        draft.apply(maker)?;
        draft.demand(maker)?;
        draft.agree(maker)?;
        Ok(draft)
    }

    fn apply(&mut self, maker: Maker) -> Result<()> {
        for (kind, value) in self.template.entries() {
            let row = row_of(kind, self.class, self.key_type)?;
            // CKA_LOCAL and its kin are never anyone's to set; the rest of the "never" rules forbid
            // what the function itself contributes.
            if row.rules.have(Rules::TOKEN_SETS) {
                return Err(Rv::ATTRIBUTE_READ_ONLY);
            }
            if row.rules.have(maker.never()) {
                return Err(Rv::TEMPLATE_INCONSISTENT);
            }
            set(&mut self.attributes, self.class, row, value)?;
        }
        Ok(())
    }

    fn demand(&self, maker: Maker) -> Result<()> {
        let known = [CKA_CLASS, CKA_KEY_TYPE];
        for row in registry::of(self.class, self.key_type) {
            let missing = row.rules.have(maker.must())
                && !known.contains(&row.kind)
                && !(self.is_sm2 && row.kind == CKA_EC_PARAMS)
                && self.template.entries().all(|(kind, _)| kind != row.kind);
            if missing {
                return Err(Rv::TEMPLATE_INCOMPLETE);
            }
        }
        Ok(())
    }

    /// The core's class.
    pub(crate) fn object_class(&self) -> ObjectClass {
        match self.class {
            CKO_CERTIFICATE => ObjectClass::Certificate,
            CKO_PUBLIC_KEY => ObjectClass::PublicKey,
            CKO_PRIVATE_KEY => ObjectClass::PrivateKey,
            CKO_SECRET_KEY => ObjectClass::SecretKey,
            CKO_TRUST => ObjectClass::Trust,
            _ => ObjectClass::Data,
        }
    }

    /// The kind of a secret key of `length` bytes.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for a type or size that no engine has.
    pub(crate) fn secret_spec(&self, length: usize) -> Result<KeySpec> {
        kinds::secret_spec(self.key_type.ok_or(Rv::TEMPLATE_INCOMPLETE)?, length)
    }

    /// `CKA_VALUE_LEN`, in bytes.
    pub(crate) fn value_len(&self) -> Result<Option<usize>> {
        let length = self.template.ulong(CKA_VALUE_LEN)?;
        length
            .map(usize::try_from)
            .transpose()
            .map_err(|_| Rv::ATTRIBUTE_VALUE_INVALID)
    }

    /// What must be true of attributes together.
    fn agree(&self, maker: Maker) -> Result<()> {
        let attributes = &self.attributes;
        // "This attribute may only be set to CK_TRUE when CKA_PRIVATE is also CK_TRUE."
        if attributes.always_authenticate && !attributes.private {
            return Err(Rv::TEMPLATE_INCONSISTENT);
        }
        if let Some(info) = self.given(CKA_PUBLIC_KEY_INFO)
            && self.key_type.is_some()
            && maker != Maker::Create
            && !info.is_empty()
        {
            // Nobody can know the public half of a key that is only now made; a token may refuse
            // the attribute there ("Private key objects").
            return Err(Rv::ATTRIBUTE_TYPE_INVALID);
        }
        match self.class {
            CKO_TRUST => self.trust(),
            _ => Ok(()),
        }
    }

    /// A trust object names its certificate by a hash too, unless it trusts it with nothing.
    fn trust(&self) -> Result<()> {
        let empty = |kind| self.given(kind).is_none_or(<[u8]>::is_empty);
        let mut trusts = false;
        for row in registry::of(CKO_TRUST, None) {
            if row.name.starts_with("CKA_TRUST_") {
                let level = self.template.ulong(row.kind)?.unwrap_or_default();
                let level = u32::try_from(level).map_err(|_| Rv::ATTRIBUTE_VALUE_INVALID)?;
                match level {
                    CKT_TRUST_UNKNOWN | CKT_NOT_TRUSTED => {}
                    CKT_TRUSTED | CKT_TRUST_ANCHOR | CKT_TRUST_MUST_VERIFY_TRUST => trusts = true,
                    _ => return Err(Rv::ATTRIBUTE_VALUE_INVALID),
                }
            }
        }
        let unnamed = empty(CKA_HASH_OF_CERTIFICATE) || empty(CKA_NAME_HASH_ALGORITHM);
        if trusts && unnamed {
            return Err(Rv::TEMPLATE_INCOMPLETE);
        }
        Ok(())
    }

    /// The bytes of an attribute of the template.
    pub(super) fn given(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&'t [u8]> {
        self.template.bytes(kind)
    }
}

/// What the function knows and what the template says must agree.
fn agree(given: Option<CK_ULONG>, known: Option<CK_ULONG>) -> Result<Option<CK_ULONG>> {
    match (given, known) {
        (Some(given), Some(known)) if given != known => Err(Rv::TEMPLATE_INCONSISTENT),
        (given, known) => Ok(given.or(known)),
    }
}

/// The row of an attribute that a template gives.
///
/// # Errors
/// `CKR_ATTRIBUTE_TYPE_INVALID` for one that no class has, `CKR_TEMPLATE_INCONSISTENT` for one of
/// another class.
fn row_of(
    kind: CK_ATTRIBUTE_TYPE,
    class: CK_OBJECT_CLASS,
    key_type: Option<CK_KEY_TYPE>,
) -> Result<&'static Attribute> {
    registry::find(kind, class, key_type).ok_or(match registry::shape(kind) {
        Some(_) => Rv::TEMPLATE_INCONSISTENT,
        None => Rv::ATTRIBUTE_TYPE_INVALID,
    })
}

/// What an object is when its template is silent: keys that hide something are private, sensitive,
/// not extractable, and may be used for whatever their type is for, except on other keys.
fn defaults(class: CK_OBJECT_CLASS, key_type: Option<CK_KEY_TYPE>) -> Attributes {
    let hidden = matches!(class, CKO_PRIVATE_KEY | CKO_SECRET_KEY);
    Attributes {
        private: hidden,
        sensitive: hidden,
        extractable: !hidden,
        usage: default_usage(class, key_type),
        ..Attributes::default()
    }
}
