//! The numbers by which an application knows what the standard has no number for (`[token.numbers]`).
//!
//! Every HSM vendor numbers SM2, SM3 and SM4 in his own way, and programs are built with one vendor's header. So each
//! token can show the numbers of one vendor. They are turned into ours where they come in from C, and back
//! where they go out; whatever is behind (the store, lists of allowed mechanisms, policies, the audit) knows ours alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cryptoki_sys::*;
use keybridge_core::mechanism::names;
use keybridge_core::mechanism::vendor;

use crate::attributes::Value;
use crate::attributes::template::to_ulong;

/// What a number becomes that was taken from its mechanism and given to none: no mechanism.
const NOTHING: CK_ULONG = CK_UNAVAILABLE_INFORMATION;

/// The numbers of a token. Without any entry: ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    mechanisms: Vec<Renumbered>,
    key_types: Vec<Renumbered>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Renumbered {
    own: CK_ULONG,
    shown: CK_ULONG,
}

/// Ours, as they are.
pub(crate) static OWN: Numbers = Numbers {
    mechanisms: Vec::new(),
    key_types: Vec::new(),
};

impl Numbers {
    /// The numbers of a configuration: by the names of `include/keybridge_pkcs11.h`.
    ///
    /// # Errors
    /// In words: an unknown name, a number that is the standard's, or is used twice.
    pub(crate) fn new(settings: &BTreeMap<String, i64>) -> Result<Self, String> {
        let mut numbers = Numbers::default();
        for (name, number) in settings {
            let shown = u32::try_from(*number)
                .map_err(|_| format!("{name} = {number:#x}: not a number of 32 bits"))?;
            let shown = CK_ULONG::from(shown);
            let own =
                |table: &[(&str, u64)]| table.iter().find(|row| row.0 == name).map(|row| row.1);
            let (list, own, taken) = if let Some(own) = own(vendor::MECHANISMS) {
                (&mut numbers.mechanisms, own, names::is_standard(shown))
            } else if let Some(own) = own(vendor::KEY_TYPES) {
                (&mut numbers.key_types, own, KEY_TYPES.contains(&shown))
            } else {
                return Err(unknown(name));
            };
            if taken {
                return Err(format!(
                    "{name} = {shown:#x}: the standard has given that number"
                ));
            }
            list.push(Renumbered { own, shown });
        }
        unique(&numbers.mechanisms, vendor::MECHANISMS)?;
        unique(&numbers.key_types, vendor::KEY_TYPES)?;
        Ok(numbers)
    }

    /// Whether they are ours, all of them.
    pub(crate) fn are_own(&self) -> bool {
        *self == OWN
    }

    /// Whether a key type of ours has another number.
    pub(crate) fn has_key_type(&self, own: CK_KEY_TYPE) -> bool {
        self.key_types.iter().any(|row| row.own == own)
    }

    /// An application's mechanism as ours.
    pub(crate) fn mechanism_in(&self, number: CK_MECHANISM_TYPE) -> CK_MECHANISM_TYPE {
        inward(&self.mechanisms, number)
    }

    /// A mechanism of ours as the application knows it.
    pub(crate) fn mechanism_out(&self, number: CK_MECHANISM_TYPE) -> CK_MECHANISM_TYPE {
        outward(&self.mechanisms, number)
    }

    /// The value of an attribute that an application gives.
    pub(crate) fn value_in<'a>(&self, kind: CK_ATTRIBUTE_TYPE, value: &'a [u8]) -> Cow<'a, [u8]> {
        self.turned(kind, value, inward)
    }

    /// The value of an attribute that an application gets.
    pub(crate) fn value_out<'a>(&self, kind: CK_ATTRIBUTE_TYPE, value: &'a [u8]) -> Cow<'a, [u8]> {
        self.turned(kind, value, outward)
    }

    /// A template's value that an application gives, whatever is in it.
    pub(crate) fn template_value_in<'a>(
        &self,
        kind: CK_ATTRIBUTE_TYPE,
        value: Value<'a>,
    ) -> Value<'a> {
        match value {
            Value::Bytes(Cow::Borrowed(bytes)) => Value::Bytes(self.value_in(kind, bytes)),
            Value::Bytes(owned) => Value::Bytes(owned),
            Value::Template(inner) => {
                let inner = inner.into_iter().map(|(kind, value)| match value {
                    Cow::Borrowed(bytes) => (kind, self.value_in(kind, bytes)),
                    owned => (kind, owned),
                });
                Value::Template(inner.collect())
            }
        }
    }

    fn turned<'a>(
        &self,
        kind: CK_ATTRIBUTE_TYPE,
        value: &'a [u8],
        turn: fn(&[Renumbered], CK_ULONG) -> CK_ULONG,
    ) -> Cow<'a, [u8]> {
        let list = match kind {
            CKA_KEY_TYPE => &self.key_types,
            CKA_ALLOWED_MECHANISMS
            | CKA_KEY_GEN_MECHANISM
            | CKA_MECHANISM_TYPE
            | CKA_NAME_HASH_ALGORITHM => &self.mechanisms,
            _ => return Cow::Borrowed(value),
        };
        if list.is_empty() {
            return Cow::Borrowed(value);
        }
        // One number or an array of them; what is neither is refused where it is read.
        let numbers = value.chunks(size_of::<CK_ULONG>()).flat_map(|number| {
            to_ulong(number).map_or_else(
                |_| number.to_vec(),
                |number| turn(list, number).to_ne_bytes().to_vec(),
            )
        });
        Cow::Owned(numbers.collect())
    }
}

fn inward(list: &[Renumbered], number: CK_ULONG) -> CK_ULONG {
    if let Some(row) = list.iter().find(|row| row.shown == number) {
        return row.own;
    }
    if list.iter().any(|row| row.own == number) {
        return NOTHING;
    }
    number
}

fn outward(list: &[Renumbered], number: CK_ULONG) -> CK_ULONG {
    let row = list.iter().find(|row| row.own == number);
    row.map_or(number, |row| row.shown)
}

fn unknown(name: &str) -> String {
    // `CKM_SM4_ECB`, as most vendors' headers have it, is `CKM_KB_SM4_ECB` here.
    let own = |start: &str| {
        let rest = name.strip_prefix(start)?;
        let own = format!("{start}KB_{rest}");
        let mut all = vendor::MECHANISMS.iter().chain(vendor::KEY_TYPES);
        all.any(|row| row.0 == own).then_some(own)
    };
    match own("CKM_").or_else(|| own("CKK_")) {
        Some(own) => format!("{name} is called {own} here"),
        None => format!(
            "{name} is no mechanism or key type whose number can be chosen; those are CKM_KB_… and CKK_KB_…"
        ),
    }
}

/// Refuses two of the same number, be it a new one or one of ours that was left as it is.
fn unique(list: &[Renumbered], all: &[(&str, u64)]) -> Result<(), String> {
    for (index, (name, own)) in all.iter().enumerate() {
        let shown = outward(list, *own);
        let same = |row: &&(&str, u64)| outward(list, row.1) == shown;
        if let Some((other, _)) = all[..index].iter().find(same) {
            return Err(format!("{other} and {name} are both {shown:#x}"));
        }
    }
    Ok(())
}

macro_rules! key_types {
    ($($name:ident)+) => {
        /// The key types of `pkcs11t.h` 3.2.
        const KEY_TYPES: &[CK_KEY_TYPE] = &[$($name),+];
    };
}

key_types! {
    CKK_ACTI CKK_AES CKK_AES_XTS CKK_ARIA CKK_BATON CKK_BLAKE2B_160_HMAC CKK_BLAKE2B_256_HMAC
    CKK_BLAKE2B_384_HMAC CKK_BLAKE2B_512_HMAC CKK_BLOWFISH CKK_CAMELLIA CKK_CAST CKK_CAST128
    CKK_CAST3 CKK_CAST5 CKK_CDMF CKK_CHACHA20 CKK_DES CKK_DES2 CKK_DES3 CKK_DH CKK_DSA CKK_EC
    CKK_ECDSA CKK_EC_EDWARDS CKK_EC_MONTGOMERY CKK_GENERIC_SECRET CKK_GOST28147 CKK_GOSTR3410
    CKK_GOSTR3411 CKK_HKDF CKK_HOTP CKK_HSS CKK_IDEA CKK_JUNIPER CKK_KEA CKK_MD5_HMAC CKK_ML_DSA
    CKK_ML_KEM CKK_POLY1305 CKK_RC2 CKK_RC4 CKK_RC5 CKK_RIPEMD128_HMAC CKK_RIPEMD160_HMAC CKK_RSA
    CKK_SALSA20 CKK_SECURID CKK_SEED CKK_SHA224_HMAC CKK_SHA256_HMAC CKK_SHA384_HMAC
    CKK_SHA3_224_HMAC CKK_SHA3_256_HMAC CKK_SHA3_384_HMAC CKK_SHA3_512_HMAC CKK_SHA512_224_HMAC
    CKK_SHA512_256_HMAC CKK_SHA512_HMAC CKK_SHA512_T_HMAC CKK_SHA_1_HMAC CKK_SKIPJACK CKK_SLH_DSA
    CKK_TWOFISH CKK_X2RATCHET CKK_X9_42_DH CKK_XMSS CKK_XMSSMT
}

#[cfg(test)]
mod tests {
    use keybridge_core::mechanism::vendor::*;

    use super::*;

    fn read(settings: &[(&str, i64)]) -> Result<Numbers, String> {
        let settings = settings
            .iter()
            .map(|(name, number)| ((*name).to_owned(), *number));
        Numbers::new(&settings.collect())
    }

    #[test]
    fn numbers_go_in_and_out() {
        // Two that change places, one that squats below the vendors' range.
        let numbers = read(&[
            ("CKM_KB_SM4_ECB", CKM_KB_SM4_CBC as i64),
            ("CKM_KB_SM4_CBC", CKM_KB_SM4_ECB as i64),
            ("CKM_KB_SM3", 0x5fff),
            ("CKK_KB_SM4", 0x8000_0007),
        ])
        .expect("no clash");
        assert!(!numbers.are_own());
        assert_eq!(numbers.mechanism_in(CKM_KB_SM4_CBC), CKM_KB_SM4_ECB);
        assert_eq!(numbers.mechanism_in(CKM_KB_SM4_ECB), CKM_KB_SM4_CBC);
        assert_eq!(numbers.mechanism_in(0x5fff), CKM_KB_SM3);
        assert_eq!(numbers.mechanism_in(CKM_KB_SM3), NOTHING);
        assert_eq!(numbers.mechanism_in(CKM_AES_ECB), CKM_AES_ECB);
        for (_, own) in vendor::MECHANISMS {
            assert_eq!(numbers.mechanism_in(numbers.mechanism_out(*own)), *own);
        }
        let list = [CKM_AES_ECB, 0x5fff].map(CK_ULONG::to_ne_bytes).concat();
        let inside = numbers.value_in(CKA_ALLOWED_MECHANISMS, &list);
        assert_eq!(
            *inside,
            [CKM_AES_ECB, CKM_KB_SM3].map(u64::to_ne_bytes).concat()
        );
        assert_eq!(*numbers.value_out(CKA_ALLOWED_MECHANISMS, &inside), list);
        let kind = CKK_KB_SM4.to_ne_bytes();
        let shown = numbers.value_out(CKA_KEY_TYPE, &kind);
        assert_eq!(*shown, 0x8000_0007_u64.to_ne_bytes());
        assert_eq!(*numbers.value_in(CKA_LABEL, &kind), kind);
        assert_eq!(*numbers.value_in(CKA_KEY_TYPE, b"odd"), *b"odd");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (settings, words) in [
            (
                &[("CKM_SM4_ECB", 0x8000_0001)][..],
                "is called CKM_KB_SM4_ECB",
            ),
            (
                &[("CKM_AES_ECB", 0x8000_0001)],
                "no mechanism or key type whose",
            ),
            (&[("CKM_KB_SM4_ECB", 0x1081)], "the standard has given"),
            (&[("CKK_KB_SM4", 0x1f)], "the standard has given"),
            (&[("CKM_KB_SM4_ECB", -1)], "32 bits"),
            (&[("CKM_KB_SM4_ECB", 1 << 32)], "32 bits"),
            (
                &[
                    ("CKM_KB_SM4_ECB", 0x8000_0001),
                    ("CKM_KB_SM4_CBC", 0x8000_0001),
                ],
                "CKM_KB_SM4_ECB and CKM_KB_SM4_CBC are both 0x80000001",
            ),
            (&[("CKM_KB_SM4_ECB", CKM_KB_SM3 as i64)], "are both"),
        ] {
            let error = read(settings).expect_err(words);
            assert!(error.contains(words), "{error}");
        }
        assert_eq!(read(&[]), Ok(OWN.clone()));
    }
}
