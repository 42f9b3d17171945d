//! Every attribute of every class, as data: what shape its value has, which objects have it, who
//! may set it and when, whether it is secret, and what it is when nobody says.
//!
//! The rules are the footnotes of the standard's attribute tables (PKCS#11 3.2, "Common
//! attributes", table "Common footnotes"), under names. Whatever reads or writes an attribute asks
//! this table.

use cryptoki_sys::*;

/// How the value of an attribute lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `CK_BBOOL`: one byte, 0 or 1.
    Bool,
    /// `CK_ULONG` and the types that are one.
    Ulong,
    /// Bytes, text and big integers.
    Bytes,
    /// `CK_DATE`, eight digits, or empty.
    Date,
    /// An array of `CK_MECHANISM_TYPE`.
    Mechanisms,
    /// An array of `CK_ATTRIBUTE`.
    Template,
}

/// What an attribute is when no template mentions it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// It comes from the object itself, or the object does not have it.
    Own,
    /// Zero bytes.
    Empty,
    /// `CK_FALSE`.
    False,
    /// `CK_TRUE`.
    True,
    /// A number.
    Ulong(CK_ULONG),
}

/// A set of object classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes(u16);

impl Classes {
    const DATA: Classes = Classes(1);
    const CERTIFICATE: Classes = Classes(2);
    const PUBLIC: Classes = Classes(4);
    const PRIVATE: Classes = Classes(8);
    const SECRET: Classes = Classes(16);
    const PROFILE: Classes = Classes(32);
    const MECHANISM: Classes = Classes(64);
    const TRUST: Classes = Classes(128);
    /// The classes whose objects are stored (PKCS#11 3.2, "Storage Objects").
    const STORAGE: Classes = Classes(31 + 128);
    const KEYS: Classes = Classes(28);
    const PAIR: Classes = Classes(12);
    /// Private and secret keys.
    const HIDDEN: Classes = Classes(24);
    const ANY: Classes = Classes(255);

    const fn and(self, other: Classes) -> Classes {
        Classes(self.0 | other.0)
    }

    /// Whether the set has this `CK_OBJECT_CLASS`.
    #[must_use]
    pub fn contain(self, class: CK_OBJECT_CLASS) -> bool {
        let bit = match class {
            CKO_DATA => Classes::DATA,
            CKO_CERTIFICATE => Classes::CERTIFICATE,
            CKO_PUBLIC_KEY => Classes::PUBLIC,
            CKO_PRIVATE_KEY => Classes::PRIVATE,
            CKO_SECRET_KEY => Classes::SECRET,
            CKO_PROFILE => Classes::PROFILE,
            CKO_MECHANISM => Classes::MECHANISM,
            CKO_TRUST => Classes::TRUST,
            _ => return false,
        };
        self.0 & bit.0 != 0
    }
}

/// Which types of key have an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTypes {
    /// All, and objects that are not keys.
    Any,
    /// `CKK_RSA`.
    Rsa,
    /// `CKK_EC`, `CKK_EC_EDWARDS`, `CKK_EC_MONTGOMERY`.
    Curve,
    /// `CKK_ML_DSA`, `CKK_ML_KEM`, `CKK_SLH_DSA`.
    ParameterSet,
    /// Every type but RSA and the curves: those whose public value is one string of bytes.
    Curveless,
    /// Every private key whose secret is one value: all but RSA and those with a seed.
    OneValue,
}

impl KeyTypes {
    fn contain(self, key_type: CK_KEY_TYPE) -> bool {
        let curve = matches!(key_type, CKK_EC | CKK_EC_EDWARDS | CKK_EC_MONTGOMERY);
        match self {
            KeyTypes::Any => true,
            KeyTypes::Rsa => key_type == CKK_RSA,
            KeyTypes::Curve => curve,
            KeyTypes::ParameterSet => {
                matches!(key_type, CKK_ML_DSA | CKK_ML_KEM | CKK_SLH_DSA)
            }
            KeyTypes::Curveless => key_type != CKK_RSA && !curve,
            KeyTypes::OneValue => {
                !matches!(key_type, CKK_RSA | CKK_ML_DSA | CKK_ML_KEM | CKK_SLH_DSA)
            }
        }
    }
}

/// Rules on setting and reading an attribute: the standard's footnotes, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules(u16);

impl Rules {
    /// None.
    pub const NONE: Rules = Rules(0);
    /// 1: must be in the template of `C_CreateObject`.
    pub const CREATE_MUST: Rules = Rules(1 << 1);
    /// 2: must not be in the template of `C_CreateObject`.
    pub const CREATE_NEVER: Rules = Rules(1 << 2);
    /// 3: must be in the template of `C_GenerateKey` or `C_GenerateKeyPair`.
    pub const GENERATE_MUST: Rules = Rules(1 << 3);
    /// 4: must not be in the template of `C_GenerateKey` or `C_GenerateKeyPair`.
    pub const GENERATE_NEVER: Rules = Rules(1 << 4);
    /// 5: must be in the template of `C_UnwrapKey`.
    pub const UNWRAP_MUST: Rules = Rules(1 << 5);
    /// 6: must not be in the template of `C_UnwrapKey`.
    pub const UNWRAP_NEVER: Rules = Rules(1 << 6);
    /// 7: not readable while the object is sensitive or not extractable.
    pub const SECRET: Rules = Rules(1 << 7);
    /// 8: may be changed later, by `C_SetAttributeValue` and in a copy.
    pub const CHANGE: Rules = Rules(1 << 8);
    /// Not a footnote: may be changed in a copy only ("Copying objects").
    pub const COPY: Rules = Rules(1 << 9);
    /// 10: only the SO may set it to true.
    pub const SO_SETS: Rules = Rules(1 << 10);
    /// 11: once true, it stays.
    pub const STAYS_TRUE: Rules = Rules(1 << 11);
    /// 12: once false, it stays.
    pub const STAYS_FALSE: Rules = Rules(1 << 12);
    /// 2, 4 and 6: nobody sets it, the token does.
    pub const TOKEN_SETS: Rules = Rules::CREATE_NEVER
        .and(Rules::GENERATE_NEVER)
        .and(Rules::UNWRAP_NEVER);

    const fn and(self, other: Rules) -> Rules {
        Rules(self.0 | other.0)
    }

    /// Whether all of `rules` apply.
    #[must_use]
    pub const fn have(self, rules: Rules) -> bool {
        self.0 & rules.0 == rules.0
    }
}

/// One row: an attribute as some classes of objects have it.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// The attribute.
    pub kind: CK_ATTRIBUTE_TYPE,
    /// Its name in the standard.
    pub name: &'static str,
    /// How its value lies in memory.
    pub shape: Shape,
    /// Which classes have it.
    pub classes: Classes,
    /// Which types of key among them.
    pub key_types: KeyTypes,
    /// Who may set it and when, and who may read it.
    pub rules: Rules,
    /// What it is when nobody says.
    pub default: DefaultValue,
}

macro_rules! attributes {
    ($(
        $name:ident $shape:ident [$($class:ident)+] $types:ident [$($rule:ident)*] $default:expr;
    )*) => {
        /// The table.
        pub static ATTRIBUTES: &[Attribute] = &[$(Attribute {
            kind: $name,
            name: stringify!($name),
            shape: Shape::$shape,
            classes: Classes(0)$(.and(Classes::$class))+,
            key_types: KeyTypes::$types,
            rules: Rules::NONE$(.and(Rules::$rule))*,
            default: $default,
        },)*];
    };
}

use DefaultValue::{Empty, False, Own, True, Ulong};

/// Trust of which nothing is known.
const UNKNOWN: DefaultValue = Ulong(CKT_TRUST_UNKNOWN as CK_ULONG);

attributes! {
    // Attribute, shape, classes, key types, rules, default.
    CKA_CLASS             Ulong [ANY]             Any [CREATE_MUST] Own;
    CKA_UNIQUE_ID         Bytes [ANY]             Any [TOKEN_SETS] Own;
    CKA_TOKEN             Bool  [ANY]             Any [COPY] False;
    CKA_PRIVATE           Bool  [ANY]             Any [COPY] Own;
    CKA_MODIFIABLE        Bool  [STORAGE]         Any [COPY] True;
    CKA_LABEL             Bytes [STORAGE]         Any [CHANGE] Empty;
    CKA_COPYABLE          Bool  [STORAGE]         Any [CHANGE STAYS_FALSE] True;
    CKA_DESTROYABLE       Bool  [STORAGE]         Any [COPY] True;

    // Data objects.
    CKA_APPLICATION       Bytes [DATA]            Any [] Empty;
    CKA_OBJECT_ID         Bytes [DATA]            Any [] Empty;
    CKA_VALUE             Bytes [DATA]            Any [] Empty;

    // Certificates.
    CKA_CERTIFICATE_TYPE  Ulong [CERTIFICATE]     Any [CREATE_MUST] Own;
    CKA_CERTIFICATE_CATEGORY Ulong [CERTIFICATE]  Any [] Ulong(CK_CERTIFICATE_CATEGORY_UNSPECIFIED);
    CKA_VALUE             Bytes [CERTIFICATE]     Any [] Empty;
    CKA_SUBJECT           Bytes [CERTIFICATE]     Any [CREATE_MUST] Empty;
    CKA_ISSUER            Bytes [CERTIFICATE]     Any [CHANGE] Empty;
    CKA_SERIAL_NUMBER     Bytes [CERTIFICATE]     Any [CHANGE] Empty;
    CKA_URL               Bytes [CERTIFICATE]     Any [] Empty;
    CKA_HASH_OF_SUBJECT_PUBLIC_KEY Bytes [CERTIFICATE] Any [] Empty;
    CKA_HASH_OF_ISSUER_PUBLIC_KEY  Bytes [CERTIFICATE] Any [] Empty;
    CKA_NAME_HASH_ALGORITHM Ulong [CERTIFICATE TRUST] Any [] Ulong(CKM_SHA_1);
    CKA_JAVA_MIDP_SECURITY_DOMAIN Ulong [CERTIFICATE] Any []
        Ulong(CK_SECURITY_DOMAIN_UNSPECIFIED);

    // What a certificate is trusted for.
    CKA_ISSUER            Bytes [TRUST]           Any [CREATE_MUST] Empty;
    CKA_SERIAL_NUMBER     Bytes [TRUST]           Any [CREATE_MUST] Empty;
    CKA_HASH_OF_CERTIFICATE Bytes [TRUST]         Any [] Empty;
    CKA_TRUST_SERVER_AUTH Ulong [TRUST]           Any [] UNKNOWN;
    CKA_TRUST_CLIENT_AUTH Ulong [TRUST]           Any [] UNKNOWN;
    CKA_TRUST_CODE_SIGNING Ulong [TRUST]          Any [] UNKNOWN;
    CKA_TRUST_EMAIL_PROTECTION Ulong [TRUST]      Any [] UNKNOWN;
    CKA_TRUST_IPSEC_IKE   Ulong [TRUST]           Any [] UNKNOWN;
    CKA_TRUST_TIME_STAMPING Ulong [TRUST]         Any [] UNKNOWN;
    CKA_TRUST_OCSP_SIGNING Ulong [TRUST]          Any [] UNKNOWN;

    // Certificates and keys.
    CKA_TRUSTED           Bool  [CERTIFICATE PUBLIC SECRET] Any [CHANGE SO_SETS] False;
    CKA_ID                Bytes [CERTIFICATE KEYS] Any [CHANGE] Empty;
    CKA_START_DATE        Date  [CERTIFICATE]     Any [] Empty;
    CKA_START_DATE        Date  [KEYS]            Any [CHANGE] Empty;
    CKA_END_DATE          Date  [CERTIFICATE]     Any [] Empty;
    CKA_END_DATE          Date  [KEYS]            Any [CHANGE] Empty;
    CKA_CHECK_VALUE       Bytes [CERTIFICATE]     Any [] Own;
    CKA_CHECK_VALUE       Bytes [SECRET]          Any [CHANGE] Own;
    CKA_PUBLIC_KEY_INFO   Bytes [CERTIFICATE PUBLIC] Any [] Own;
    CKA_PUBLIC_KEY_INFO   Bytes [PRIVATE]         Any [CHANGE] Own;

    // Keys.
    CKA_KEY_TYPE          Ulong [KEYS]            Any [CREATE_MUST UNWRAP_MUST] Own;
    CKA_SUBJECT           Bytes [PAIR]            Any [CHANGE] Empty;
    CKA_DERIVE            Bool  [KEYS]            Any [CHANGE] False;
    CKA_LOCAL             Bool  [KEYS]            Any [TOKEN_SETS] Own;
    CKA_KEY_GEN_MECHANISM Ulong [KEYS]            Any [TOKEN_SETS] Own;
    // Nobody has validated the module: no flag is ever set.
    CKA_OBJECT_VALIDATION_FLAGS Ulong [KEYS]      Any [TOKEN_SETS] Ulong(0);
    CKA_ALLOWED_MECHANISMS Mechanisms [KEYS]      Any [] Empty;
    CKA_ENCRYPT           Bool  [PUBLIC SECRET]   Any [CHANGE] Own;
    CKA_VERIFY            Bool  [PUBLIC SECRET]   Any [CHANGE] Own;
    CKA_WRAP              Bool  [PUBLIC SECRET]   Any [CHANGE] Own;
    CKA_VERIFY_RECOVER    Bool  [PUBLIC]          Any [CHANGE] False;
    CKA_ENCAPSULATE       Bool  [PUBLIC]          Any [CHANGE] False;
    CKA_DECRYPT           Bool  [HIDDEN]          Any [CHANGE] Own;
    CKA_SIGN              Bool  [HIDDEN]          Any [CHANGE] Own;
    CKA_UNWRAP            Bool  [HIDDEN]          Any [CHANGE] Own;
    CKA_SIGN_RECOVER      Bool  [PRIVATE]         Any [CHANGE] False;
    CKA_DECAPSULATE       Bool  [PRIVATE]         Any [CHANGE] False;
    CKA_SENSITIVE         Bool  [HIDDEN]          Any [CHANGE STAYS_TRUE] True;
    CKA_EXTRACTABLE       Bool  [HIDDEN]          Any [CHANGE STAYS_FALSE] False;
    CKA_ALWAYS_SENSITIVE  Bool  [HIDDEN]          Any [TOKEN_SETS] Own;
    CKA_NEVER_EXTRACTABLE Bool  [HIDDEN]          Any [TOKEN_SETS] Own;
    CKA_WRAP_WITH_TRUSTED Bool  [HIDDEN]          Any [CHANGE STAYS_TRUE] False;
    CKA_ALWAYS_AUTHENTICATE Bool [PRIVATE]        Any [] False;
    CKA_WRAP_TEMPLATE     Template [PUBLIC SECRET] Any [] Empty;
    CKA_UNWRAP_TEMPLATE   Template [HIDDEN]       Any [] Empty;
    CKA_DERIVE_TEMPLATE   Template [HIDDEN]       Any [] Empty;
    CKA_ENCAPSULATE_TEMPLATE Template [PUBLIC]    Any [] Empty;
    CKA_DECAPSULATE_TEMPLATE Template [PRIVATE]   Any [] Empty;

    // Secret keys.
    CKA_VALUE             Bytes [SECRET] Any [CREATE_MUST GENERATE_NEVER UNWRAP_NEVER SECRET] Own;
    // Not in a C_CreateObject template, says the standard; programs give it, and it must then be
    // right.
    CKA_VALUE_LEN         Ulong [SECRET]          Any [] Own;

    // RSA.
    CKA_MODULUS           Bytes [PAIR] Rsa [CREATE_MUST GENERATE_NEVER UNWRAP_NEVER] Own;
    CKA_MODULUS_BITS      Ulong [PUBLIC] Rsa [CREATE_NEVER GENERATE_MUST] Own;
    CKA_PUBLIC_EXPONENT   Bytes [PUBLIC] Rsa [CREATE_MUST] Own;
    CKA_PUBLIC_EXPONENT   Bytes [PRIVATE] Rsa [GENERATE_NEVER UNWRAP_NEVER] Own;
    CKA_PRIVATE_EXPONENT  Bytes [PRIVATE] Rsa
        [CREATE_MUST GENERATE_NEVER UNWRAP_NEVER SECRET] Own;
    CKA_PRIME_1           Bytes [PRIVATE] Rsa [GENERATE_NEVER UNWRAP_NEVER SECRET] Own;
    CKA_PRIME_2           Bytes [PRIVATE] Rsa [GENERATE_NEVER UNWRAP_NEVER SECRET] Own;
    CKA_EXPONENT_1        Bytes [PRIVATE] Rsa [GENERATE_NEVER UNWRAP_NEVER SECRET] Own;
    CKA_EXPONENT_2        Bytes [PRIVATE] Rsa [GENERATE_NEVER UNWRAP_NEVER SECRET] Own;
    CKA_COEFFICIENT       Bytes [PRIVATE] Rsa [GENERATE_NEVER UNWRAP_NEVER SECRET] Own;

    // Elliptic curves.
    CKA_EC_PARAMS         Bytes [PUBLIC] Curve [CREATE_MUST GENERATE_MUST] Own;
    CKA_EC_PARAMS         Bytes [PRIVATE] Curve [CREATE_MUST GENERATE_NEVER UNWRAP_NEVER] Own;
    CKA_EC_POINT          Bytes [PUBLIC] Curve [CREATE_MUST GENERATE_NEVER] Own;
    CKA_VALUE             Bytes [PRIVATE] OneValue
        [CREATE_MUST GENERATE_NEVER UNWRAP_NEVER SECRET] Own;

    // Post-quantum keys.
    CKA_PARAMETER_SET     Ulong [PUBLIC] ParameterSet [CREATE_MUST GENERATE_MUST] Own;
    CKA_PARAMETER_SET     Ulong [PRIVATE] ParameterSet
        [CREATE_MUST GENERATE_NEVER UNWRAP_NEVER] Own;
    CKA_SEED              Bytes [PRIVATE] ParameterSet
        [GENERATE_NEVER UNWRAP_NEVER SECRET] Own;
    CKA_VALUE             Bytes [PRIVATE] ParameterSet
        [GENERATE_NEVER UNWRAP_NEVER SECRET] Own;
    CKA_VALUE             Bytes [PUBLIC] Curveless [CREATE_MUST GENERATE_NEVER] Own;

    // Profiles and mechanisms, which describe the token.
    CKA_PROFILE_ID        Ulong [PROFILE]         Any [TOKEN_SETS] Own;
    CKA_MECHANISM_TYPE    Ulong [MECHANISM]       Any [TOKEN_SETS] Own;
}

/// The row that holds for an object of this class and, if it is a key, type.
#[must_use]
pub fn find(
    kind: CK_ATTRIBUTE_TYPE,
    class: CK_OBJECT_CLASS,
    key_type: Option<CK_KEY_TYPE>,
) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|row| {
        row.kind == kind
            && row.classes.contain(class)
            && match key_type {
                Some(key_type) => row.key_types.contain(key_type),
                None => row.key_types == KeyTypes::Any,
            }
    })
}

/// The shape of an attribute's value, which is the same in every class. `None` for an attribute
/// that no class has.
#[must_use]
pub fn shape(kind: CK_ATTRIBUTE_TYPE) -> Option<Shape> {
    ATTRIBUTES
        .iter()
        .find(|row| row.kind == kind)
        .map(|row| row.shape)
}

/// The standard's name of an attribute, for messages.
#[must_use]
pub fn name(kind: CK_ATTRIBUTE_TYPE) -> Option<&'static str> {
    ATTRIBUTES
        .iter()
        .find(|row| row.kind == kind)
        .map(|row| row.name)
}

/// The rows that apply to an object.
pub fn of(
    class: CK_OBJECT_CLASS,
    key_type: Option<CK_KEY_TYPE>,
) -> impl Iterator<Item = &'static Attribute> {
    ATTRIBUTES.iter().filter(move |row| {
        row.classes.contain(class)
            && key_type.map_or(row.key_types == KeyTypes::Any, |kt| {
                row.key_types.contain(kt)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [CK_OBJECT_CLASS; 8] = [
        CKO_TRUST,
        CKO_DATA,
        CKO_CERTIFICATE,
        CKO_PUBLIC_KEY,
        CKO_PRIVATE_KEY,
        CKO_SECRET_KEY,
        CKO_PROFILE,
        CKO_MECHANISM,
    ];

    #[test]
    fn one_row_at_most_applies_to_an_object() {
        let types = [
            CKK_RSA,
            CKK_EC,
            CKK_EC_EDWARDS,
            CKK_ML_DSA,
            CKK_AES,
            CKK_GENERIC_SECRET,
        ];
        for class in CLASSES {
            for key_type in types {
                let mut seen = Vec::new();
                for row in of(class, Some(key_type)) {
                    assert!(
                        !seen.contains(&row.kind),
                        "{} twice in class {class}",
                        row.name
                    );
                    seen.push(row.kind);
                }
            }
        }
    }

    #[test]
    fn an_attribute_has_one_shape() {
        for row in ATTRIBUTES {
            assert_eq!(shape(row.kind), Some(row.shape), "{}", row.name);
        }
    }

    /// The two templates that 3.2 added came without the bit.
    #[test]
    fn array_attributes_are_those_with_the_array_bit() {
        for row in ATTRIBUTES {
            let array = matches!(row.shape, Shape::Template | Shape::Mechanisms);
            let bit = row.kind & CKF_ARRAY_ATTRIBUTE != 0
                || matches!(
                    row.kind,
                    CKA_ENCAPSULATE_TEMPLATE | CKA_DECAPSULATE_TEMPLATE
                );
            assert_eq!(bit, array, "{}", row.name);
        }
    }

    #[test]
    fn defaults_fit_shapes() {
        for row in ATTRIBUTES {
            let fits = match row.default {
                Own => true,
                Empty => !matches!(row.shape, Shape::Bool | Shape::Ulong),
                False | True => row.shape == Shape::Bool,
                Ulong(_) => row.shape == Shape::Ulong,
            };
            assert!(fits, "{}", row.name);
        }
    }

    #[test]
    fn rules_do_not_contradict() {
        for row in ATTRIBUTES {
            for (must, never) in [
                (Rules::CREATE_MUST, Rules::CREATE_NEVER),
                (Rules::GENERATE_MUST, Rules::GENERATE_NEVER),
                (Rules::UNWRAP_MUST, Rules::UNWRAP_NEVER),
                (Rules::CHANGE, Rules::COPY),
            ] {
                assert!(!row.rules.have(must.and(never)), "{}", row.name);
            }
        }
    }

    #[test]
    fn the_secrets_are_these() {
        let mut secrets: Vec<_> = ATTRIBUTES
            .iter()
            .filter(|row| row.rules.have(Rules::SECRET))
            .map(|r| r.name)
            .collect();
        secrets.sort_unstable();
        secrets.dedup();
        let expected = [
            "CKA_COEFFICIENT",
            "CKA_EXPONENT_1",
            "CKA_EXPONENT_2",
            "CKA_PRIME_1",
            "CKA_PRIME_2",
            "CKA_PRIVATE_EXPONENT",
            "CKA_SEED",
            "CKA_VALUE",
        ];
        assert_eq!(secrets, expected);
    }
}
