//! Locate's filter: which objects have all of the attributes that a request names.

use keybridge_core::model::{AttributeValue as Kept, ObjectState, UsageUnit};
use keybridge_core::seal::index_entry;
use keybridge_core::store::ObjectQuery;
use keybridge_core::{Object, ObjectClass};
use keybridge_kmip::Tag;
use keybridge_kmip::attributes::{Attribute, AttributeName, AttributeValue};
use keybridge_kmip::enums::{StorageStatusMask, UsageLimitsUnit};

use super::read::read_one;
use super::{kept, refuse_unknown};
use crate::algorithms;
use crate::failure::{Failure, Result};

/// What a Locate asks for (1.4 section 4.9; 2.1 section 6.1.25).
#[derive(Debug, Default)]
pub struct Filter {
    name: Option<String>,
    class: Option<ObjectClass>,
    wanted: Vec<Wanted>,
    index: Vec<(String, Vec<u8>)>,
    destroyed: bool,
    archived: bool,
    online: bool,
}

#[derive(Debug)]
enum Wanted {
    /// One instance has this value.
    Value(AttributeName, AttributeValue),
    /// All bits of the usage mask are set.
    Usage(u32),
    /// The date lies in the range, its ends included.
    Date(AttributeName, i64, i64),
    /// The attribute has no value: its largest date was asked for.
    Absent(AttributeName),
    /// At least so many units in all, and left, if they are counted in this unit.
    Limits {
        total: u64,
        left: u64,
        unit: UsageLimitsUnit,
    },
}

impl Filter {
    /// The filter of a request's attributes.
    ///
    /// # Errors
    /// For attributes that nobody knows.
    pub fn of(attributes: &[Attribute], storage: Option<StorageStatusMask>) -> Result<Self> {
        let asked = |bit| storage.is_some_and(|mask| mask.contains(bit));
        let mut filter = Self {
            destroyed: asked(StorageStatusMask::DestroyedStorage),
            archived: asked(StorageStatusMask::ArchivalStorage),
            // "If omitted, then only on-line objects are located" (1.4 section 4.9).
            online: storage.is_none() || asked(StorageStatusMask::OnLineStorage),
            ..Self::default()
        };
        for attribute in attributes {
            filter.add(attribute)?;
        }
        Ok(filter)
    }

    fn add(&mut self, attribute: &Attribute) -> Result<()> {
        let name = attribute.name();
        refuse_unknown(&name)?;
        match &attribute.value {
            AttributeValue::Name(given) if self.name.is_none() => {
                // The value goes to the store's index; the type is compared with the others.
                self.name = Some(given.value.clone());
                self.wanted
                    .push(Wanted::Value(name, attribute.value.clone()));
            }
            AttributeValue::ObjectType(kind) => {
                let class = algorithms::class(*kind);
                self.class =
                    Some(class.ok_or_else(|| Failure::invalid_field("no such object type"))?);
            }
            AttributeValue::CryptographicUsageMask(mask) => self.wanted.push(Wanted::Usage(mask.0)),
            AttributeValue::UsageLimits(limits) => {
                let number = |units: i64| u64::try_from(units).unwrap_or(0);
                self.wanted.push(Wanted::Limits {
                    total: number(limits.total),
                    left: number(limits.count.unwrap_or(0)),
                    unit: limits.unit,
                });
            }
            AttributeValue::State(_) => {
                self.destroyed = true;
                self.wanted
                    .push(Wanted::Value(name, attribute.value.clone()));
            }
            value => match date(value) {
                Some(i64::MAX) => self.wanted.push(Wanted::Absent(name)),
                Some(at) => self.add_date(name, at),
                None => {
                    if kept::is_kept(&name) {
                        self.index
                            .push(index_entry(&kept::key_of(&name), &kept::to_kept(value)?));
                    }
                    self.wanted.push(Wanted::Value(name, value.clone()));
                }
            },
        }
        Ok(())
    }

    /// One date is that date; two are a range.
    fn add_date(&mut self, name: AttributeName, at: i64) {
        for wanted in &mut self.wanted {
            if let Wanted::Date(known, from, to) = wanted
                && *known == name
            {
                *from = (*from).min(at);
                *to = (*to).max(at);
                return;
            }
        }
        self.wanted.push(Wanted::Date(name, at, at));
    }

    /// What the store's indexes can answer of it.
    #[must_use]
    pub fn query(&self) -> ObjectQuery {
        // PKCS#11's data objects are opaque objects too, so that class alone narrows nothing.
        let class = self.class.filter(|class| *class != ObjectClass::Opaque);
        ObjectQuery {
            class,
            name: self.name.clone(),
            index: self.index.clone(),
            ..ObjectQuery::default()
        }
    }

    /// Whether an Object Group was asked for.
    #[must_use]
    pub fn has_group(&self) -> bool {
        let is_group =
            |wanted: &Wanted| matches!(wanted, Wanted::Value(_, AttributeValue::ObjectGroup(_)));
        self.wanted.iter().any(is_group)
    }

    /// Whether a Name was asked for.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether an object has all that is asked for.
    #[must_use]
    pub fn matches(&self, object: &Object) -> bool {
        let gone = matches!(
            object.state,
            ObjectState::Destroyed | ObjectState::DestroyedCompromised
        );
        let wanted = match (gone, object.archived) {
            (true, _) => self.destroyed,
            (false, true) => self.archived,
            (false, false) => self.online,
        };
        if !wanted {
            return false;
        }
        if let Some(class) = self.class
            && algorithms::object_type(class) != algorithms::object_type(object.class)
        {
            return false;
        }
        let mut values = Vec::new();
        self.wanted.iter().all(|wanted| {
            values.clear();
            wanted.is_met(object, &mut values)
        })
    }
}

impl Wanted {
    fn is_met(&self, object: &Object, values: &mut Vec<Attribute>) -> bool {
        match self {
            Self::Value(AttributeName::Standard(Tag::ObjectGroup), value) => {
                // Groups are searched often: compare what is kept, without building attributes.
                let AttributeValue::ObjectGroup(group) = value else {
                    return false;
                };
                let kept = object.attributes.custom.get(super::title(Tag::ObjectGroup));
                kept.into_iter()
                    .flatten()
                    .any(|own| own.value == Kept::Text(group.clone()))
            }
            Self::Value(name @ AttributeName::Vendor { .. }, AttributeValue::Vendor(_))
                if !object.attributes.custom.contains_key(&kept::key_of(name)) =>
            {
                false
            }
            Self::Value(name, value) => {
                read_one(object, name, values);
                values.iter().any(|own| own.value == *value)
            }
            Self::Usage(bits) => object.attributes.usage.0 & bits == *bits,
            Self::Date(name, from, to) => {
                read_one(object, name, values);
                values
                    .iter()
                    .filter_map(|own| date(&own.value))
                    .any(|own| (*from..=*to).contains(&own))
            }
            // 1.4 section 4.9; 2.1 section 6.1.26.
            Self::Limits { total, left, unit } => {
                object.attributes.usage_limits.is_some_and(|own| {
                    let same = match own.unit {
                        UsageUnit::Byte => *unit == UsageLimitsUnit::Byte,
                        UsageUnit::Object => *unit == UsageLimitsUnit::Object,
                    };
                    same && own.total >= *total && own.left >= *left
                })
            }
            Self::Absent(name) => {
                read_one(object, name, values);
                values.is_empty()
            }
        }
    }
}

/// The seconds of a date attribute.
fn date(value: &AttributeValue) -> Option<i64> {
    use AttributeValue as A;
    match value {
        A::ActivationDate(at)
        | A::ArchiveDate(at)
        | A::CompromiseDate(at)
        | A::CompromiseOccurrenceDate(at)
        | A::DeactivationDate(at)
        | A::DestroyDate(at)
        | A::InitialDate(at)
        | A::LastChangeDate(at)
        | A::OriginalCreationDate(at)
        | A::ProcessStartDate(at)
        | A::ProtectStopDate(at)
        | A::RotateDate(at) => Some(at.0),
        _ => None,
    }
}
