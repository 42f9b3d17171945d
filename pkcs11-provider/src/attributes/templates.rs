//! The templates that keys hold for other keys, between the application's arrays and the core's
//! demands. What they mean is enforced in the core, for every door.

use std::borrow::Cow;

use cryptoki_sys::*;
use keybridge_core::model::{Demand, Flag, Templates, UsageMask};
use keybridge_core::{Attributes, KeySpec};

use super::kinds::{algorithms_of, key_type_of};
use super::registry::{self, Rules, Shape};
use super::setting::{date, usage_bits};
use super::template::{Template, Value, check_shape, to_bool, to_ulong};
use super::view::{class_number, object_class};
use crate::mechanisms::vendor::CKK_KB_SM2;
use crate::rv::{Result, Rv};

const FLAGS: &[(CK_ATTRIBUTE_TYPE, Flag)] = &[
    (CKA_PRIVATE, Flag::Private),
    (CKA_MODIFIABLE, Flag::Modifiable),
    (CKA_COPYABLE, Flag::Copyable),
    (CKA_DESTROYABLE, Flag::Destroyable),
    (CKA_TRUSTED, Flag::Trusted),
    (CKA_SENSITIVE, Flag::Sensitive),
    (CKA_EXTRACTABLE, Flag::Extractable),
    (CKA_WRAP_WITH_TRUSTED, Flag::WrapWithTrusted),
    (CKA_ALWAYS_AUTHENTICATE, Flag::AlwaysAuthenticate),
    (CKA_LOCAL, Flag::Local),
    (CKA_ALWAYS_SENSITIVE, Flag::AlwaysSensitive),
    (CKA_NEVER_EXTRACTABLE, Flag::NeverExtractable),
];

const USAGES: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_VERIFY,
    CKA_VERIFY_RECOVER,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_DERIVE,
    CKA_ENCAPSULATE,
    CKA_DECAPSULATE,
];

/// A usage in whichever class of key: a template need not say of which it speaks.
fn usage(kind: CK_ATTRIBUTE_TYPE) -> Option<UsageMask> {
    let (_, secret) = usage_bits(kind, CKO_SECRET_KEY)?;
    let (_, pair) = usage_bits(kind, CKO_PRIVATE_KEY)?;
    Some(secret | pair)
}

/// The place of a template among a key's.
fn place(templates: &mut Templates, kind: CK_ATTRIBUTE_TYPE) -> Option<&mut Vec<Demand>> {
    match kind {
        CKA_WRAP_TEMPLATE => Some(&mut templates.wrap),
        CKA_UNWRAP_TEMPLATE => Some(&mut templates.unwrap),
        CKA_DERIVE_TEMPLATE => Some(&mut templates.derive),
        CKA_ENCAPSULATE_TEMPLATE => Some(&mut templates.encapsulate),
        CKA_DECAPSULATE_TEMPLATE => Some(&mut templates.decapsulate),
        _ => None,
    }
}

/// Sets a key's template.
///
/// # Errors
/// `CKR_ATTRIBUTE_TYPE_INVALID` and `CKR_ATTRIBUTE_VALUE_INVALID` for what is no attribute,
/// `CKR_TEMPLATE_INCONSISTENT` for an attribute that cannot be demanded.
pub(super) fn set(
    attributes: &mut Attributes,
    kind: CK_ATTRIBUTE_TYPE,
    inner: &[(CK_ATTRIBUTE_TYPE, Cow<'_, [u8]>)],
) -> Result<()> {
    let demands = inner
        .iter()
        .map(|(inner, value)| demand(*inner, value, kind != CKA_WRAP_TEMPLATE))
        .collect::<Result<_>>()?;
    let place = place(&mut attributes.templates, kind).ok_or(Rv::ATTRIBUTE_TYPE_INVALID)?;
    *place = demands;
    Ok(())
}

/// One attribute of a template. `becomes`: keys are made so, instead of compared.
fn demand(kind: CK_ATTRIBUTE_TYPE, value: &[u8], becomes: bool) -> Result<Demand> {
    check_shape(kind, &Value::Bytes(value.into()))?;
    let row = registry::find(kind, CKO_SECRET_KEY, Some(CKK_AES))
        .or_else(|| registry::find(kind, CKO_PRIVATE_KEY, Some(CKK_RSA)))
        .or_else(|| registry::find(kind, CKO_PUBLIC_KEY, Some(CKK_RSA)));
    let row = row.ok_or(match registry::shape(kind) {
        Some(_) => Rv::TEMPLATE_INCONSISTENT,
        None => Rv::ATTRIBUTE_TYPE_INVALID,
    })?;
    if becomes && row.rules.have(Rules::TOKEN_SETS) {
        return Err(Rv::TEMPLATE_INCONSISTENT);
    }
    if let Some((_, flag)) = FLAGS.iter().find(|(number, _)| *number == kind) {
        return Ok(Demand::Flag(*flag, to_bool(value)?));
    }
    if let Some(any) = usage(kind) {
        return Ok(Demand::Usage(any, to_bool(value)?));
    }
    match kind {
        CKA_CLASS => object_class(to_ulong(value)?)
            .map(Demand::Class)
            .ok_or(Rv::ATTRIBUTE_VALUE_INVALID),
        CKA_KEY_TYPE => match algorithms_of(to_ulong(value)?) {
            none if none.is_empty() => Err(Rv::ATTRIBUTE_VALUE_INVALID),
            algorithms => Ok(Demand::Algorithm(algorithms)),
        },
        CKA_VALUE_LEN => to_ulong(value)?
            .checked_mul(8)
            .and_then(|bits| u32::try_from(bits).ok())
            .map(Demand::Bits)
            .ok_or(Rv::ATTRIBUTE_VALUE_INVALID),
        CKA_TOKEN => Ok(Demand::Stored(to_bool(value)?)),
        CKA_LABEL => std::str::from_utf8(value)
            .map(|label| Demand::Label(label.to_owned()))
            .map_err(|_| Rv::ATTRIBUTE_VALUE_INVALID),
        CKA_ID => Ok(Demand::CkaId(value.to_vec())),
        CKA_START_DATE => Ok(Demand::StartDate(date(value)?)),
        CKA_END_DATE => Ok(Demand::EndDate(date(value)?)),
        CKA_SUBJECT => Ok(Demand::Pkcs11(kind, value.to_vec())),
        _ if row.shape == Shape::Mechanisms => Ok(Demand::AllowedMechanisms(numbers(value))),
        _ => Err(Rv::TEMPLATE_INCONSISTENT),
    }
}

/// The numbers of an array of `CK_MECHANISM_TYPE`.
pub(super) fn numbers(bytes: &[u8]) -> Vec<u64> {
    let (numbers, _) = bytes.as_chunks::<{ size_of::<CK_ULONG>() }>();
    let numbers = numbers.iter();
    numbers.map(|n| CK_ULONG::from_ne_bytes(*n)).collect()
}

/// A template as PKCS#11 writes it: types and values.
pub(crate) type Written = Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>;

/// A key's template, `None` for an attribute that is none.
pub(crate) fn get(attributes: &Attributes, kind: CK_ATTRIBUTE_TYPE) -> Option<Written> {
    let templates = &attributes.templates;
    let demands = match kind {
        CKA_WRAP_TEMPLATE => &templates.wrap,
        CKA_UNWRAP_TEMPLATE => &templates.unwrap,
        CKA_DERIVE_TEMPLATE => &templates.derive,
        CKA_ENCAPSULATE_TEMPLATE => &templates.encapsulate,
        CKA_DECAPSULATE_TEMPLATE => &templates.decapsulate,
        _ => return None,
    };
    Some(demands.iter().filter_map(written).collect())
}

fn written(demand: &Demand) -> Option<(CK_ATTRIBUTE_TYPE, Vec<u8>)> {
    let flag = |on: bool| vec![u8::from(on)];
    let number = |number: CK_ULONG| number.to_ne_bytes().to_vec();
    let day = |day: &Option<[u8; 8]>| day.map_or(Vec::new(), |day| day.to_vec());
    Some(match demand {
        Demand::Class(class) => (CKA_CLASS, number(class_number(*class)?)),
        Demand::Algorithm(specs) if specs[..] == [KeySpec::Sm2] => {
            (CKA_KEY_TYPE, number(CKK_KB_SM2))
        }
        Demand::Algorithm(specs) => (CKA_KEY_TYPE, number(key_type_of(*specs.first()?))),
        Demand::Bits(bits) => (CKA_VALUE_LEN, number(CK_ULONG::from(bits.div_ceil(8)))),
        Demand::Stored(on) => (CKA_TOKEN, flag(*on)),
        Demand::Flag(wanted, on) => {
            let row = FLAGS.iter().find(|(_, flag)| flag == wanted)?;
            (row.0, flag(*on))
        }
        Demand::Usage(any, on) => {
            let kind = USAGES.iter().find(|kind| usage(**kind) == Some(*any))?;
            (*kind, flag(*on))
        }
        Demand::Label(label) => (CKA_LABEL, label.clone().into_bytes()),
        Demand::CkaId(id) => (CKA_ID, id.clone()),
        Demand::StartDate(date) => (CKA_START_DATE, day(date)),
        Demand::EndDate(date) => (CKA_END_DATE, day(date)),
        Demand::AllowedMechanisms(list) => {
            let bytes = list.iter().flat_map(|number| number.to_ne_bytes());
            (CKA_ALLOWED_MECHANISMS, bytes.collect())
        }
        Demand::Pkcs11(kind, value) => (*kind, value.clone()),
        // Of an account's constraints; PKCS#11's templates have no words for them.
        Demand::UsageWithin(_) | Demand::Custom(..) | Demand::Any(_) => return None,
    })
}

/// What a call gives and what another key's template adds to it.
///
/// # Errors
/// `CKR_TEMPLATE_INCONSISTENT` where they contradict each other.
pub(crate) fn merged<'a>(template: &Template<'a>, added: &'a Written) -> Result<Template<'a>> {
    let mut both = template.clone();
    for (kind, value) in added {
        both.add(*kind, Value::Bytes(value.into()))?;
    }
    Ok(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read() {
        let aes = CKK_AES.to_ne_bytes();
        let secret = CKO_SECRET_KEY.to_ne_bytes();
        let length = (32 as CK_ULONG).to_ne_bytes();
        let inner: Vec<(CK_ATTRIBUTE_TYPE, &[u8])> = vec![
            (CKA_CLASS, &secret),
            (CKA_KEY_TYPE, &aes),
            (CKA_VALUE_LEN, &length),
            (CKA_TOKEN, &[1]),
            (CKA_SENSITIVE, &[1]),
            (CKA_SIGN, &[0]),
            (CKA_DERIVE, &[1]),
            (CKA_LABEL, b"label"),
            (CKA_ID, b"id"),
            (CKA_START_DATE, b"20260101"),
            (CKA_END_DATE, b""),
            (CKA_ALLOWED_MECHANISMS, &length),
            (CKA_SUBJECT, b"name"),
        ];
        let given: Vec<_> = inner.iter().map(|(kind, v)| (*kind, (*v).into())).collect();
        for kind in [CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE] {
            let mut attributes = Attributes::default();
            assert_eq!(set(&mut attributes, kind, &given), Ok(()));
            let read = get(&attributes, kind).expect("a template");
            let read: Vec<_> = read.iter().map(|(kind, v)| (*kind, v.as_slice())).collect();
            assert_eq!(read, inner);
        }
    }

    #[test]
    fn what_cannot_be_demanded_is_refused() {
        let mut attributes = Attributes::default();
        let mut refused = |kind, inner, value: &[u8]| {
            set(&mut attributes, kind, &[(inner, value.into())]).expect_err("refused")
        };
        let wrap = CKA_WRAP_TEMPLATE;
        assert_eq!(refused(wrap, 0x7777, b"x"), Rv::ATTRIBUTE_TYPE_INVALID);
        assert_eq!(
            refused(wrap, CKA_SENSITIVE, b"xx"),
            Rv::ATTRIBUTE_VALUE_INVALID
        );
        assert_eq!(refused(wrap, CKA_VALUE, b"x"), Rv::TEMPLATE_INCONSISTENT);
        let unwrap = CKA_UNWRAP_TEMPLATE;
        assert_eq!(refused(unwrap, CKA_LOCAL, &[1]), Rv::TEMPLATE_INCONSISTENT);
    }
}
