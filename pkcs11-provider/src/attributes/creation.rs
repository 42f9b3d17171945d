//! From a template to a new object of the core: which attributes may be there, which must, and what
//! the rest are.

use cryptoki_sys::*;
use keybridge_core::encoding::{
    self, EcPrivateKey, EcPublicKey, LatticePrivateKey, LatticePublicKey, NamedCurve,
    RsaPrivateKey, RsaPublicKey,
};
use keybridge_core::model::UsageMask;
use keybridge_core::{
    Attributes, Curve, Error, HashAlgorithm, KeySpec, LatticeSet, ObjectClass, SecretBytes,
};

use super::registry::{self, Attribute, Rules};
use super::setting::set;
use super::template::Template;
use crate::mechanisms::vendor::{CKK_KB_SM2, CKK_KB_SM3_HMAC, CKK_KB_SM4};
use crate::rv::{Result, Rv};

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
    template: &'t Template<'a>,
    /// `CKO_…`.
    pub(crate) class: CK_OBJECT_CLASS,
    /// `CKK_…`, for keys.
    pub(crate) key_type: Option<CK_KEY_TYPE>,
    /// Whether the type or the mechanism said SM2.
    is_sm2: bool,
    /// What callers may say.
    pub(crate) attributes: Attributes,
    /// `CKA_TOKEN`.
    pub(crate) token: bool,
}

impl<'t, 'a> Draft<'t, 'a> {
    /// Checks a template. `class` and `key_type` are what the function itself knows; the template
    /// may repeat them, and must say what is not known.
    ///
    /// # Errors
    /// The codes of "Creating objects".
    pub(crate) fn new(
        template: &'t Template<'a>,
        maker: Maker,
        class: Option<CK_OBJECT_CLASS>,
        key_type: Option<CK_KEY_TYPE>,
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
        let mut draft = Draft {
            template,
            class,
            key_type,
            is_sm2,
            attributes: defaults(class, key_type),
            token: template.bool(CKA_TOKEN)?.unwrap_or(false),
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
        secret_spec(self.key_type.ok_or(Rv::TEMPLATE_INCOMPLETE)?, length)
    }

    /// `CKA_VALUE_LEN`, in bytes.
    pub(crate) fn value_len(&self) -> Result<Option<usize>> {
        let length = self.template.ulong(CKA_VALUE_LEN)?;
        length
            .map(usize::try_from)
            .transpose()
            .map_err(|_| Rv::ATTRIBUTE_VALUE_INVALID)
    }

    /// The kind of pair that `C_GenerateKeyPair` is to make, from the public key's template, and
    /// the RSA public exponent if one is given.
    pub(crate) fn pair_spec(&self) -> Result<(KeySpec, Option<u64>)> {
        if self.key_type == Some(CKK_RSA) {
            let bits = self
                .template
                .ulong(CKA_MODULUS_BITS)?
                .ok_or(Rv::TEMPLATE_INCOMPLETE)?;
            let bits = u32::try_from(bits).map_err(|_| Rv::KEY_SIZE_RANGE)?;
            let exponent = self.template.bytes(CKA_PUBLIC_EXPONENT);
            let exponent = exponent
                .filter(|bytes| !bytes.is_empty())
                .map(exponent_of)
                .transpose()?;
            return Ok((KeySpec::Rsa { bits }, exponent));
        }
        if matches!(self.key_type, Some(CKK_ML_KEM | CKK_ML_DSA)) {
            let set = self.lattice_set()?;
            return Ok((KeySpec::Lattice { set }, None));
        }
        Ok((self.curve()?.spec(), None))
    }

    /// `CKA_PARAMETER_SET` of ML-KEM and ML-DSA.
    fn lattice_set(&self) -> Result<LatticeSet> {
        let number = self
            .template
            .ulong(CKA_PARAMETER_SET)?
            .ok_or(Rv::TEMPLATE_INCOMPLETE)?;
        let known = |row: &&(CK_KEY_TYPE, CK_ULONG, LatticeSet)| {
            Some(row.0) == self.key_type && row.1 == number
        };
        let row = LATTICE_SETS.iter().find(known);
        row.map(|row| row.2).ok_or(Rv::PARAMETER_SET_NOT_SUPPORTED)
    }

    /// A private key of ML-KEM or ML-DSA: of its seed, which must be there, and whose value must be the
    /// one given if one is ("tokens may reject creation requests that only specify one of these").
    fn lattice_private(&self) -> Result<(Option<KeySpec>, SecretBytes)> {
        let set = self.lattice_set()?;
        let given = |kind| self.template.bytes(kind).filter(|bytes| !bytes.is_empty());
        let seed = given(CKA_SEED).ok_or(Rv::TEMPLATE_INCOMPLETE)?;
        let key = match given(CKA_VALUE) {
            Some(value) => LatticePrivateKey::from_both(set, seed, value),
            None => LatticePrivateKey::from_seed(set, seed),
        };
        let value = key.and_then(|key| key.to_pkcs8()).map_err(value_invalid)?;
        Ok((Some(KeySpec::Lattice { set }), value))
    }

    fn curve(&self) -> Result<NamedCurve> {
        let params = match self.template.bytes(CKA_EC_PARAMS) {
            Some(params) => params,
            None if self.is_sm2 => return Ok(NamedCurve::Sm2),
            None => return Err(Rv::TEMPLATE_INCOMPLETE),
        };
        let curve = NamedCurve::from_ec_parameters(params).map_err(|error| match error {
            Error::KeyUnsupported(_) => Rv::CURVE_NOT_SUPPORTED,
            _ => Rv::DOMAIN_PARAMS_INVALID,
        })?;
        let fits = match self.key_type {
            Some(CKK_EC_EDWARDS) => curve == NamedCurve::Ed25519,
            Some(CKK_EC_MONTGOMERY) => curve == NamedCurve::X25519,
            _ => curve.is_weierstrass() && (!self.is_sm2 || curve == NamedCurve::Sm2),
        };
        if fits {
            Ok(curve)
        } else {
            Err(Rv::CURVE_NOT_SUPPORTED)
        }
    }

    /// Kind and canonical value of an object that `C_CreateObject` brings in.
    pub(crate) fn material(&self) -> Result<(Option<KeySpec>, SecretBytes)> {
        let (spec, value) = self.parts()?;
        self.check_public_key_info(&value)?;
        Ok((spec, value))
    }

    fn parts(&self) -> Result<(Option<KeySpec>, SecretBytes)> {
        match (self.class, self.key_type) {
            (CKO_SECRET_KEY, _) => {
                let value = self.required(CKA_VALUE)?;
                let spec = self.secret_spec(value.len())?;
                // "Triple-length DES secret key objects": wrong parity is an error.
                let even = || value.iter().any(|byte| byte.count_ones() % 2 == 0);
                if matches!(spec, KeySpec::Des3 { .. }) && even() {
                    return Err(Rv::ATTRIBUTE_VALUE_INVALID);
                }
                Ok((Some(spec), value.into()))
            }
            (CKO_PUBLIC_KEY, Some(CKK_RSA)) => {
                let key = self.rsa_public()?;
                Ok((
                    Some(key.spec()),
                    key.to_spki().map_err(value_invalid)?.into(),
                ))
            }
            (CKO_PRIVATE_KEY, Some(CKK_RSA)) => self.rsa_private(),
            (CKO_PUBLIC_KEY, Some(CKK_EC | CKK_EC_EDWARDS | CKK_EC_MONTGOMERY)) => {
                let curve = self.curve()?;
                let key = EcPublicKey::from_ec_point(curve, self.required(CKA_EC_POINT)?);
                let info = key.and_then(|key| key.to_spki()).map_err(value_invalid)?;
                Ok((Some(curve.spec()), info.into()))
            }
            (CKO_PRIVATE_KEY, Some(CKK_EC | CKK_EC_EDWARDS | CKK_EC_MONTGOMERY)) => {
                let curve = self.curve()?;
                let key = EcPrivateKey::new(curve, self.required(CKA_VALUE)?, None);
                let info = key.and_then(|key| key.to_pkcs8()).map_err(value_invalid)?;
                Ok((Some(curve.spec()), info))
            }
            (CKO_PUBLIC_KEY, Some(CKK_ML_KEM | CKK_ML_DSA)) => {
                let set = self.lattice_set()?;
                let key = LatticePublicKey::new(set, self.required(CKA_VALUE)?);
                let info = key.and_then(|key| key.to_spki()).map_err(value_invalid)?;
                Ok((Some(KeySpec::Lattice { set }), info.into()))
            }
            (CKO_PRIVATE_KEY, Some(CKK_ML_KEM | CKK_ML_DSA)) => self.lattice_private(),
            (CKO_CERTIFICATE, _) => Ok((None, self.certificate()?.into())),
            (CKO_TRUST, _) => Ok((None, SecretBytes::default())),
            (CKO_DATA, _) => Ok((
                None,
                self.template.bytes(CKA_VALUE).unwrap_or_default().into(),
            )),
            _ => Err(Rv::ATTRIBUTE_VALUE_INVALID),
        }
    }

    fn required(&self, kind: CK_ATTRIBUTE_TYPE) -> Result<&'t [u8]> {
        let value = self.template.bytes(kind).ok_or(Rv::TEMPLATE_INCOMPLETE)?;
        if value.is_empty() {
            Err(Rv::ATTRIBUTE_VALUE_INVALID)
        } else {
            Ok(value)
        }
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
    fn given(&self, kind: CK_ATTRIBUTE_TYPE) -> Option<&'t [u8]> {
        self.template.bytes(kind)
    }

    /// An X.509 certificate's bytes; empty for one that is kept elsewhere, which its URL and the
    /// hashes of both its keys then name.
    fn certificate(&self) -> Result<&'t [u8]> {
        if self.template.ulong(CKA_CERTIFICATE_TYPE)? != Some(CKC_X_509) {
            return Err(Rv::ATTRIBUTE_VALUE_INVALID);
        }
        for kind in [CKA_CERTIFICATE_CATEGORY, CKA_JAVA_MIDP_SECURITY_DOMAIN] {
            // Both have four values, from 0.
            if self.template.ulong(kind)?.is_some_and(|value| value > 3) {
                return Err(Rv::ATTRIBUTE_VALUE_INVALID);
            }
        }
        let value = self.given(CKA_VALUE).unwrap_or_default();
        let filled = |kind| self.given(kind).is_some_and(|bytes| !bytes.is_empty());
        if value.is_empty() {
            let named = [
                CKA_URL,
                CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
                CKA_HASH_OF_ISSUER_PUBLIC_KEY,
            ];
            if !named.into_iter().all(filled) {
                return Err(Rv::TEMPLATE_INCOMPLETE);
            }
        }
        Ok(value)
    }

    /// Whether the public half that the template gives is the material's.
    fn check_public_key_info(&self, material: &SecretBytes) -> Result<()> {
        let Some(given) = self
            .given(CKA_PUBLIC_KEY_INFO)
            .filter(|info| !info.is_empty())
        else {
            return Ok(());
        };
        let agrees = match self.class {
            CKO_PUBLIC_KEY => material.expose() == given,
            CKO_PRIVATE_KEY => {
                encoding::public_key_info_of(material.expose()).is_ok_and(|info| info == given)
            }
            _ => true,
        };
        if agrees {
            Ok(())
        } else {
            Err(Rv::ATTRIBUTE_VALUE_INVALID)
        }
    }

    fn rsa_public(&self) -> Result<RsaPublicKey> {
        let (modulus, exponent) = (
            self.required(CKA_MODULUS)?,
            self.required(CKA_PUBLIC_EXPONENT)?,
        );
        RsaPublicKey::new(modulus, exponent).map_err(value_invalid)
    }

    /// Programs that leave out the primes or what follows from them get them computed.
    fn rsa_private(&self) -> Result<(Option<KeySpec>, SecretBytes)> {
        let number = |kind| self.template.bytes(kind).filter(|bytes| !bytes.is_empty());
        let public = self.rsa_public()?;
        let spec = public.spec();
        let primes = number(CKA_PRIME_1).zip(number(CKA_PRIME_2));
        let remainders = number(CKA_EXPONENT_1)
            .zip(number(CKA_EXPONENT_2))
            .zip(number(CKA_COEFFICIENT))
            .map(|((first, second), coefficient)| (first, second, coefficient));
        let exponent = self.required(CKA_PRIVATE_EXPONENT)?;
        let key = RsaPrivateKey::from_components(public, exponent, primes, remainders);
        let value = key.and_then(|key| key.to_pkcs8()).map_err(value_invalid)?;
        Ok((Some(spec), value))
    }
}

/// Numbers that make no key.
fn value_invalid(error: Error) -> Rv {
    tracing::debug!(target: "keybridge::pkcs11", "template: {error}");
    Rv::ATTRIBUTE_VALUE_INVALID
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

/// A big integer that fits 64 bits.
fn exponent_of(bytes: &[u8]) -> Result<u64> {
    bytes.iter().try_fold(0_u64, |sum, &byte| {
        let shifted = sum.checked_mul(256).ok_or(Rv::ATTRIBUTE_VALUE_INVALID)?;
        Ok(shifted | u64::from(byte))
    })
}

const HMAC_TYPES: &[(CK_KEY_TYPE, HashAlgorithm)] = &[
    (CKK_SHA_1_HMAC, HashAlgorithm::Sha1),
    (CKK_SHA224_HMAC, HashAlgorithm::Sha224),
    (CKK_SHA256_HMAC, HashAlgorithm::Sha256),
    (CKK_SHA384_HMAC, HashAlgorithm::Sha384),
    (CKK_SHA512_HMAC, HashAlgorithm::Sha512),
    (CKK_SHA512_224_HMAC, HashAlgorithm::Sha512_224),
    (CKK_SHA512_256_HMAC, HashAlgorithm::Sha512_256),
    (CKK_SHA3_224_HMAC, HashAlgorithm::Sha3_224),
    (CKK_SHA3_256_HMAC, HashAlgorithm::Sha3_256),
    (CKK_SHA3_384_HMAC, HashAlgorithm::Sha3_384),
    (CKK_SHA3_512_HMAC, HashAlgorithm::Sha3_512),
    (CKK_KB_SM3_HMAC, HashAlgorithm::Sm3),
];

fn secret_spec(key_type: CK_KEY_TYPE, length: usize) -> Result<KeySpec> {
    let bits = length
        .checked_mul(8)
        .and_then(|bits| u32::try_from(bits).ok());
    let bits = bits.ok_or(Rv::ATTRIBUTE_VALUE_INVALID)?;
    match key_type {
        CKK_AES if matches!(length, 16 | 24 | 32) => Ok(KeySpec::Aes { bits }),
        CKK_AES_XTS if matches!(length, 32 | 64) => Ok(KeySpec::AesXts { bits }),
        CKK_DES2 if length == 16 => Ok(KeySpec::Des3 { bits: 112 }),
        CKK_DES3 if length == 24 => Ok(KeySpec::Des3 { bits: 168 }),
        CKK_CHACHA20 if length == 32 => Ok(KeySpec::ChaCha20),
        CKK_KB_SM4 if length == 16 => Ok(KeySpec::Sm4),
        // A generic secret holds any secret; the types that are one in all but name are kept as
        // one.
        CKK_GENERIC_SECRET | CKK_HKDF if length > 0 => Ok(KeySpec::GenericSecret { bits }),
        _ => match HMAC_TYPES.iter().find(|row| row.0 == key_type) {
            Some((_, hash)) if length > 0 => Ok(KeySpec::Hmac { hash: *hash, bits }),
            _ => Err(Rv::ATTRIBUTE_VALUE_INVALID),
        },
    }
}

/// Bytes of a secret key when its template does not say: what its type has, or the digest of its HMAC.
pub(crate) fn usual_length(key_type: CK_KEY_TYPE) -> Option<usize> {
    match key_type {
        CKK_KB_SM4 | CKK_DES2 => Some(16),
        CKK_DES3 => Some(24),
        CKK_CHACHA20 => Some(32),
        _ => HMAC_TYPES
            .iter()
            .find(|row| row.0 == key_type)
            .map(|row| row.1.length()),
    }
}

/// Key type, `CKA_PARAMETER_SET`, set.
const LATTICE_SETS: &[(CK_KEY_TYPE, CK_ULONG, LatticeSet)] = &[
    (CKK_ML_KEM, CKP_ML_KEM_512, LatticeSet::MlKem512),
    (CKK_ML_KEM, CKP_ML_KEM_768, LatticeSet::MlKem768),
    (CKK_ML_KEM, CKP_ML_KEM_1024, LatticeSet::MlKem1024),
    (CKK_ML_DSA, CKP_ML_DSA_44, LatticeSet::MlDsa44),
    (CKK_ML_DSA, CKP_ML_DSA_65, LatticeSet::MlDsa65),
    (CKK_ML_DSA, CKP_ML_DSA_87, LatticeSet::MlDsa87),
];

/// `CKA_PARAMETER_SET` of a kind of key.
pub(crate) fn parameter_set(spec: KeySpec) -> Option<CK_ULONG> {
    let KeySpec::Lattice { set } = spec else {
        return None;
    };
    LATTICE_SETS
        .iter()
        .find(|row| row.2 == set)
        .map(|row| row.1)
}

/// `CKA_KEY_TYPE` of a kind of key.
pub(crate) fn key_type_of(spec: KeySpec) -> CK_KEY_TYPE {
    match spec {
        KeySpec::Aes { .. } => CKK_AES,
        KeySpec::AesXts { .. } => CKK_AES_XTS,
        KeySpec::Des3 { bits: 112 | 128 } => CKK_DES2,
        KeySpec::Des3 { .. } => CKK_DES3,
        KeySpec::ChaCha20 => CKK_CHACHA20,
        KeySpec::Sm4 => CKK_KB_SM4,
        KeySpec::Rsa { .. } => CKK_RSA,
        KeySpec::Ec { .. } | KeySpec::Sm2 => CKK_EC,
        KeySpec::Ed25519 => CKK_EC_EDWARDS,
        KeySpec::X25519 => CKK_EC_MONTGOMERY,
        KeySpec::Lattice { set } if set.is_kem() => CKK_ML_KEM,
        KeySpec::Lattice { .. } => CKK_ML_DSA,
        KeySpec::Hmac { hash, .. } => HMAC_TYPES
            .iter()
            .find(|row| row.1 == hash)
            .map_or(CKK_GENERIC_SECRET, |row| row.0),
        KeySpec::GenericSecret { .. } | KeySpec::Foreign { .. } => CKK_GENERIC_SECRET,
    }
}

/// The algorithms whose keys are of a `CKK_…`, of some size each.
pub(crate) fn algorithms_of(key_type: CK_KEY_TYPE) -> Vec<KeySpec> {
    let secret = [16, 1, 24, 32, 64].map(|length| secret_spec(key_type, length));
    let curve = |curve| KeySpec::Ec { curve };
    let pair: &[KeySpec] = match key_type {
        CKK_RSA => &[KeySpec::Rsa { bits: 2048 }],
        CKK_EC => &[
            curve(Curve::P256),
            curve(Curve::P384),
            curve(Curve::P521),
            curve(Curve::Secp256k1),
            KeySpec::Sm2,
        ],
        CKK_KB_SM2 => &[KeySpec::Sm2],
        CKK_EC_EDWARDS => &[KeySpec::Ed25519],
        CKK_EC_MONTGOMERY => &[KeySpec::X25519],
        _ => &[],
    };
    let lattices = LATTICE_SETS.iter().filter(|row| row.0 == key_type);
    let lattices = lattices.map(|row| KeySpec::Lattice { set: row.2 });
    let secret = secret.into_iter().flatten().take(1);
    secret.chain(pair.iter().copied()).chain(lattices).collect()
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

fn default_usage(class: CK_OBJECT_CLASS, key_type: Option<CK_KEY_TYPE>) -> UsageMask {
    let ciphers = matches!(
        key_type,
        Some(CKK_AES | CKK_AES_XTS | CKK_DES2 | CKK_DES3 | CKK_CHACHA20 | CKK_KB_SM4 | CKK_RSA)
    );
    let agrees_only = key_type == Some(CKK_EC_MONTGOMERY);
    let encapsulates = key_type == Some(CKK_ML_KEM);
    match class {
        CKO_SECRET_KEY if ciphers => UsageMask::ENCRYPT | UsageMask::DECRYPT,
        CKO_SECRET_KEY => UsageMask::MAC_GENERATE | UsageMask::MAC_VERIFY,
        CKO_PRIVATE_KEY if encapsulates => UsageMask::DECAPSULATE,
        CKO_PUBLIC_KEY if encapsulates => UsageMask::ENCAPSULATE,
        CKO_PRIVATE_KEY if agrees_only => UsageMask::DERIVE,
        CKO_PRIVATE_KEY if ciphers => UsageMask::SIGN | UsageMask::DECRYPT,
        CKO_PRIVATE_KEY => UsageMask::SIGN,
        CKO_PUBLIC_KEY if agrees_only => UsageMask::default(),
        CKO_PUBLIC_KEY if ciphers => UsageMask::VERIFY | UsageMask::ENCRYPT,
        CKO_PUBLIC_KEY => UsageMask::VERIFY,
        _ => UsageMask::default(),
    }
}
