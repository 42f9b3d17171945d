//! Adjust Attribute (2.1 section 6.1.3): a number is increased or decreased, a Boolean negated.

use keybridge_kmip::attributes::{Attribute, AttributeName, AttributeValue as A, VendorAttribute};
use keybridge_kmip::enums::{AdjustmentType, ResultReason as R};
use keybridge_kmip::item::Value;
use keybridge_kmip::operations::{AdjustAttributeRequest, AdjustAttributeResponse};
use keybridge_kmip::wire::Interval;
use keybridge_kmip::{Tag, Version};

use crate::attributes::{Edit, Position, edit, read_named};
use crate::failure::{Failure, Result};
use crate::processor::{Context, identifier};

pub(super) fn handle(
    request: AdjustAttributeRequest,
    context: &mut Context<'_>,
) -> Result<AdjustAttributeResponse> {
    let id = context.online_object(request.unique_identifier.as_ref())?;
    let name = request
        .attribute_name
        .ok_or_else(|| Failure::invalid_message("no attribute is named"))?;
    let object = context.inline(|kms, caller| kms.inspect(caller, id))?;
    let mut found = read_named(&object, std::slice::from_ref(&name), Version::V2_1);
    if found.len() > 1 {
        return Err(Failure::new(
            R::MultiValuedAttribute,
            "the object has several instances of the attribute",
        ));
    }
    let adjusted = |old: Option<&Value>| {
        adjust(
            old,
            request.adjustment_type,
            request.adjustment_value.as_ref(),
        )
    };
    let old = found.pop().map(|attribute| attribute.value);
    let new = match (&name, &old) {
        (AttributeName::Vendor { vendor, name }, old) => {
            let old = match old {
                Some(A::Vendor(attribute)) => Some(&attribute.value),
                _ => None,
            };
            A::Vendor(VendorAttribute {
                vendor: vendor.clone(),
                name: name.clone(),
                value: adjusted(old)?,
            })
        }
        (AttributeName::Standard(tag), old) => standard(*tag, old.as_ref(), &adjusted)?,
        (AttributeName::Unknown(_), _) => {
            return Err(Failure::new(
                R::UnsupportedAttribute,
                "there is no such attribute",
            ));
        }
    };
    let new = Attribute::from(new);
    let change = if old.is_some() {
        Edit::Modify(Position::Only, new)
    } else {
        Edit::Add(new)
    };
    edit(context, id, &change).map_err(Failure::read_only_attribute)?;
    Ok(AdjustAttributeResponse {
        unique_identifier: identifier(id),
    })
}

/// The standard's attributes that are numbers, intervals or Booleans.
fn standard(
    tag: Tag,
    old: Option<&A>,
    adjusted: &dyn Fn(Option<&Value>) -> Result<Value>,
) -> Result<A> {
    let flag = |old: Option<bool>| match adjusted(Some(&Value::Boolean(old.unwrap_or(false))))? {
        Value::Boolean(flag) => Ok(flag),
        _ => Err(wrong_type()),
    };
    let interval =
        |old: Option<Interval>| match adjusted(Some(&Value::Interval(old.map_or(0, |old| old.0))))?
        {
            Value::Interval(seconds) => Ok(Interval(seconds)),
            _ => Err(wrong_type()),
        };
    macro_rules! adjust_as {
        ($kind:ident, $variant:ident) => {{
            let old = match old {
                Some(A::$variant(value)) => Some(*value),
                _ => None,
            };
            A::$variant($kind(old)?)
        }};
    }
    Ok(match tag {
        Tag::Sensitive => adjust_as!(flag, Sensitive),
        Tag::Extractable => adjust_as!(flag, Extractable),
        Tag::QuantumSafe => adjust_as!(flag, QuantumSafe),
        Tag::RotateAutomatic => adjust_as!(flag, RotateAutomatic),
        Tag::ProtectionPeriod => adjust_as!(interval, ProtectionPeriod),
        Tag::RotateInterval => adjust_as!(interval, RotateInterval),
        Tag::RotateOffset => adjust_as!(interval, RotateOffset),
        // What the server sets alone is refused as that, whatever its type.
        _ => match keybridge_kmip::attributes::AttributeRow::of(tag) {
            Some(row) if !row.rules.client_modifies => {
                return Err(Failure::new(
                    R::ReadOnlyAttribute,
                    "the attribute is the server's",
                ));
            }
            _ => return Err(wrong_type()),
        },
    })
}

fn wrong_type() -> Failure {
    Failure::new(
        R::InvalidDataType,
        "the attribute, or the Adjustment Value, is of a type that is not adjusted so",
    )
}

fn out_of_range() -> Failure {
    Failure::new(R::NumericRange, "the attribute would leave its range")
}

/// The new value. A missing one is 0, or false; a missing Adjustment Value is one.
fn adjust(old: Option<&Value>, how: AdjustmentType, by: Option<&Value>) -> Result<Value> {
    if how == AdjustmentType::Negate {
        let old = old.cloned().unwrap_or(Value::Boolean(false));
        return Ok(match old {
            Value::Boolean(flag) => Value::Boolean(!flag),
            Value::Integer(number) => {
                Value::Integer(number.checked_neg().ok_or_else(out_of_range)?)
            }
            Value::LongInteger(number) => {
                Value::LongInteger(number.checked_neg().ok_or_else(out_of_range)?)
            }
            _ => return Err(wrong_type()),
        });
    }
    let step = match by {
        None => 1,
        Some(Value::Integer(number)) => i128::from(*number),
        Some(Value::LongInteger(number)) => i128::from(*number),
        Some(Value::Interval(seconds)) => i128::from(*seconds),
        Some(_) => return Err(wrong_type()),
    };
    let step = match how {
        AdjustmentType::Increment => step,
        AdjustmentType::Decrement => -step,
        other => {
            return Err(Failure::invalid_field(format!(
                "adjustment type {other} is not known"
            )));
        }
    };
    let zero = match by {
        Some(Value::LongInteger(_)) => Value::LongInteger(0),
        Some(Value::Interval(_)) => Value::Interval(0),
        _ => Value::Integer(0),
    };
    Ok(match old.unwrap_or(&zero) {
        Value::Integer(number) => {
            Value::Integer(i32::try_from(i128::from(*number) + step).map_err(|_| out_of_range())?)
        }
        Value::LongInteger(number) => Value::LongInteger(
            i64::try_from(i128::from(*number) + step).map_err(|_| out_of_range())?,
        ),
        Value::Interval(seconds) => {
            Value::Interval(u32::try_from(i128::from(*seconds) + step).map_err(|_| out_of_range())?)
        }
        _ => return Err(wrong_type()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_adjusted_within_their_range() {
        let (up, down) = (AdjustmentType::Increment, AdjustmentType::Decrement);
        let five = Value::Integer(5);
        let adjusted = |old, how, by| adjust(old, how, by).ok();
        assert_eq!(adjusted(Some(&five), up, None), Some(Value::Integer(6)));
        assert_eq!(
            adjusted(Some(&five), down, Some(&Value::LongInteger(7))),
            Some(Value::Integer(-2))
        );
        assert_eq!(adjusted(Some(&Value::Integer(i32::MAX)), up, None), None);
        assert_eq!(adjusted(Some(&Value::Interval(1)), down, Some(&five)), None);
        assert_eq!(adjusted(None, up, Some(&five)), Some(Value::Integer(5)));
        assert_eq!(
            adjusted(None, AdjustmentType::Negate, None),
            Some(Value::Boolean(true))
        );
        let text = Value::TextString("a".into());
        assert_eq!(adjusted(Some(&text), up, None), None);
    }
}
