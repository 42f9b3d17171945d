//! One attribute of a template, set in the core's attributes.

use cryptoki_sys::*;
use keybridge_core::Attributes;
use keybridge_core::model::UsageMask;

use super::registry::{Attribute, Shape};
use super::template::{Value, to_bool};
use super::templates;
use crate::rv::{Result, Rv};

/// The bits of the usage mask that a `CKA_…` flag of this class stands for: the first is set, any
/// of them counts as set. `None` for an attribute that is no such flag.
pub(crate) fn usage_bits(
    kind: CK_ATTRIBUTE_TYPE,
    class: CK_OBJECT_CLASS,
) -> Option<(UsageMask, UsageMask)> {
    let secret = class == CKO_SECRET_KEY;
    let pair = |set: UsageMask, also: UsageMask| Some((set, set | also));
    match kind {
        CKA_ENCRYPT => pair(UsageMask::ENCRYPT, UsageMask::default()),
        CKA_DECRYPT => pair(UsageMask::DECRYPT, UsageMask::default()),
        CKA_SIGN if secret => pair(UsageMask::MAC_GENERATE, UsageMask::SIGN),
        CKA_SIGN => pair(
            UsageMask::SIGN,
            UsageMask::CONTENT_COMMITMENT | UsageMask::CERTIFICATE_SIGN | UsageMask::CRL_SIGN,
        ),
        CKA_VERIFY if secret => pair(UsageMask::MAC_VERIFY, UsageMask::VERIFY),
        CKA_VERIFY => pair(UsageMask::VERIFY, UsageMask::default()),
        CKA_SIGN_RECOVER => pair(UsageMask::SIGN_RECOVER, UsageMask::default()),
        CKA_ENCAPSULATE => pair(UsageMask::ENCAPSULATE, UsageMask::default()),
        CKA_DECAPSULATE => pair(UsageMask::DECAPSULATE, UsageMask::default()),
        CKA_VERIFY_RECOVER => pair(UsageMask::VERIFY_RECOVER, UsageMask::default()),
        CKA_WRAP => pair(UsageMask::WRAP, UsageMask::default()),
        CKA_UNWRAP => pair(UsageMask::UNWRAP, UsageMask::default()),
        CKA_DERIVE => pair(UsageMask::DERIVE, UsageMask::KEY_AGREEMENT),
        _ => None,
    }
}

/// Sets one attribute to a value of the right shape. Attributes that come from the object itself (a
/// modulus, a value) are taken from the template by whoever needs them.
pub(crate) fn set(
    attributes: &mut Attributes,
    class: CK_OBJECT_CLASS,
    row: &Attribute,
    value: &Value<'_>,
) -> Result<()> {
    let bytes = match value {
        Value::Bytes(bytes) => &**bytes,
        Value::Template(inner) => return templates::set(attributes, row.kind, inner),
    };
    match row.kind {
        _ if row.shape == Shape::Template => Err(Rv::ATTRIBUTE_VALUE_INVALID),
        CKA_CLASS | CKA_KEY_TYPE | CKA_TOKEN | CKA_VALUE | CKA_VALUE_LEN | CKA_MODULUS
        | CKA_MODULUS_BITS | CKA_PUBLIC_EXPONENT | CKA_PRIVATE_EXPONENT | CKA_PRIME_1
        | CKA_PRIME_2 | CKA_EXPONENT_1 | CKA_EXPONENT_2 | CKA_COEFFICIENT | CKA_EC_PARAMS
        | CKA_EC_POINT | CKA_PARAMETER_SET | CKA_SEED => Ok(()),
        // Computed; whether a given one matches is checked where the key is at hand.
        CKA_PUBLIC_KEY_INFO if class != CKO_CERTIFICATE => Ok(()),
        CKA_CHECK_VALUE => {
            attributes.check_value = Some(bytes.to_vec());
            Ok(())
        }
        CKA_LABEL => {
            let text = std::str::from_utf8(bytes).map_err(|_| Rv::ATTRIBUTE_VALUE_INVALID)?;
            text.clone_into(&mut attributes.label);
            Ok(())
        }
        CKA_ID => {
            attributes.cka_id = bytes.to_vec();
            Ok(())
        }
        CKA_START_DATE => {
            attributes.start_date = date(bytes)?;
            Ok(())
        }
        CKA_END_DATE => {
            attributes.end_date = date(bytes)?;
            Ok(())
        }
        CKA_ALLOWED_MECHANISMS => {
            attributes.allowed_mechanisms = templates::numbers(bytes);
            Ok(())
        }
        _ if row.shape == Shape::Bool => {
            set_flag(attributes, class, row.kind, to_bool(bytes)?);
            Ok(())
        }
        _ => {
            attributes.pkcs11.insert(row.kind, bytes.to_vec());
            Ok(())
        }
    }
}

/// A `CK_DATE`; empty, or eight zero bytes, is none.
///
/// # Errors
/// `CKR_ATTRIBUTE_VALUE_INVALID` for what is no day from 1900 on.
pub(super) fn date(bytes: &[u8]) -> Result<Option<[u8; 8]>> {
    let invalid = Rv::ATTRIBUTE_VALUE_INVALID;
    if bytes.is_empty() || bytes == [0; 8] {
        return Ok(None);
    }
    let digits = <[u8; 8]>::try_from(bytes).map_err(|_| invalid)?;
    if is_day(&digits) {
        Ok(Some(digits))
    } else {
        Err(invalid)
    }
}

/// Whether the digits name a day ("CK_DATE").
fn is_day(digits: &[u8; 8]) -> bool {
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number = |digits: &[u8]| {
        digits
            .iter()
            .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    };
    let (year, month, day) = (
        number(&digits[..4]),
        number(&digits[4..6]),
        number(&digits[6..]),
    );
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    year >= 1900 && (1..=days).contains(&day)
}

fn set_flag(
    attributes: &mut Attributes,
    class: CK_OBJECT_CLASS,
    kind: CK_ATTRIBUTE_TYPE,
    on: bool,
) {
    let flag = match kind {
        CKA_PRIVATE => &mut attributes.private,
        CKA_SENSITIVE => &mut attributes.sensitive,
        CKA_EXTRACTABLE => &mut attributes.extractable,
        CKA_MODIFIABLE => &mut attributes.modifiable,
        CKA_COPYABLE => &mut attributes.copyable,
        CKA_DESTROYABLE => &mut attributes.destroyable,
        CKA_TRUSTED => &mut attributes.trusted,
        CKA_WRAP_WITH_TRUSTED => &mut attributes.wrap_with_trusted,
        CKA_ALWAYS_AUTHENTICATE => &mut attributes.always_authenticate,
        _ => {
            match usage_bits(kind, class) {
                Some((set, _)) if on => attributes.usage.set(set, true),
                Some((_, any)) => attributes.usage.set(any, false),
                // The core's mask has no bit for the rest (recovery, encapsulation): kept as they
                // are.
                None => drop(attributes.pkcs11.insert(kind, vec![u8::from(on)])),
            }
            return;
        }
    };
    *flag = on;
}
