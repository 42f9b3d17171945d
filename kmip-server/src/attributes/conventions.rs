//! Constraints and defaults for new objects (2.1 sections 7.6, 7.7, 7.11 and 7.22).
//!
//! A constraint binds new objects of its Object Types (of any, without them) that are in one of its
//! Object Groups (in any or none, without them). Each attribute that it names must have the value that
//! it says, or one of the values where it says several; a Cryptographic Usage Mask says the most that is
//! allowed. The core holds every door to it. Defaults fill in what a request of KMIP leaves out.

use keybridge_core::ObjectClass;
use keybridge_core::model::{AttributeValue as Kept, Constraint, Demand, Flag, UsageMask};
use keybridge_kmip::attributes::{Attribute, AttributeName, AttributeValue};
use keybridge_kmip::enums::{ObjectType, ResultReason};
use keybridge_kmip::operations::get_constraints::{Constraint as Said, Constraints};
use keybridge_kmip::operations::query::{DefaultsInformation, ObjectDefaults};
use keybridge_kmip::ttlv::{Limits, check};
use keybridge_kmip::wire::{Context as WireContext, Encoder, Wire};
use keybridge_kmip::{Tag, Version};

use super::draft::{Draft, check_settable};
use super::{kept, refuse_unknown, shown};
use crate::algorithms;
use crate::failure::{Failure, Result};
use crate::processor::Context;

/// Objects that have a Cryptographic Algorithm and a Cryptographic Length.
const KEYS: &[ObjectClass] = &[
    ObjectClass::SecretKey,
    ObjectClass::PrivateKey,
    ObjectClass::PublicKey,
    ObjectClass::SplitKey,
];

/// Objects whose value Sensitive and Extractable guard.
const SECRETS: &[ObjectClass] = &[
    ObjectClass::SecretKey,
    ObjectClass::PrivateKey,
    ObjectClass::SecretData,
    ObjectClass::SplitKey,
];

/// Constraints or defaults as they are kept: in the TTLV of 2.1.
///
/// # Errors
/// For what 2.1 cannot say.
pub fn said_bytes(tag: Tag, said: &impl Wire) -> Result<Vec<u8>> {
    let mut out = Encoder::new(Vec::new(), Version::V2_1);
    said.encode(tag, &mut out)
        .and_then(|()| out.finish())
        .map_err(|error| Failure::invalid_field(error.to_string()))
}

/// What was kept; nothing, where nothing was.
///
/// # Errors
/// When it cannot be read.
pub fn said_of<T: Wire + Default>(bytes: &[u8]) -> Result<T> {
    if bytes.is_empty() {
        return Ok(T::default());
    }
    let context = WireContext {
        version: Version::V2_1,
        strict: true,
    };
    check(bytes, &Limits::default())
        .ok()
        .and_then(|item| T::decode(&item, context).ok())
        .ok_or_else(|| {
            keybridge_core::Error::Internal("kept constraints or defaults cannot be read".into())
                .into()
        })
}

/// Constraints in the core's words.
///
/// # Errors
/// For object types and attributes that no new object can be held to.
pub fn constraints(said: &Constraints) -> Result<Vec<Constraint>> {
    let mut all = Vec::new();
    for one in &said.constraints {
        add_constraint(one, &mut all)?;
    }
    Ok(all)
}

fn add_constraint(said: &Said, all: &mut Vec<Constraint>) -> Result<()> {
    let mut given = Vec::new();
    if let Some(types) = &said.object_types {
        let classes = types.object_types.iter().map(|kind| class(*kind));
        let classes = classes.collect::<Result<Vec<_>>>()?.concat();
        given.push(one_of(classes.into_iter().map(Demand::Class)));
    }
    if let Some(groups) = &said.object_groups {
        let groups = groups.object_groups.iter().cloned().map(in_group);
        given.push(one_of(groups));
    }
    let mut names: Vec<AttributeName> = Vec::new();
    let attributes = said.attributes.iter().flat_map(|all| &all.attributes);
    for attribute in attributes.clone() {
        let name = attribute.name();
        if names.contains(&name) {
            continue;
        }
        let values = attributes.clone().filter(|other| other.name() == name);
        let demands = values.map(demand).collect::<Result<Vec<_>>>()?;
        let mut given = given.clone();
        if said.object_types.is_none()
            && let Some(classes) = bearers(&name)
        {
            given.push(one_of(classes.iter().copied().map(Demand::Class)));
        }
        all.push(Constraint {
            given,
            demanded: vec![one_of(demands.into_iter())],
        });
        names.push(name);
    }
    Ok(())
}

fn one_of(demands: impl Iterator<Item = Demand>) -> Demand {
    let mut demands: Vec<Demand> = demands.collect();
    match (demands.pop(), demands.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            demands.push(last);
            Demand::Any(demands)
        }
        (None, _) => Demand::Any(demands),
    }
}

fn in_group(group: String) -> Demand {
    Demand::Custom(super::title(Tag::ObjectGroup).into(), Kept::Text(group))
}

/// The classes of an object type: data objects of PKCS#11 are opaque objects too.
fn class(kind: ObjectType) -> Result<Vec<ObjectClass>> {
    match algorithms::class(kind) {
        Some(ObjectClass::Opaque) => Ok(vec![ObjectClass::Opaque, ObjectClass::Data]),
        Some(class) => Ok(vec![class]),
        None => Err(Failure::by_version(
            ResultReason::InvalidField,
            ResultReason::InvalidObjectType,
            format!("there are no objects of type {kind}"),
        )),
    }
}

/// The objects that can have an attribute at all, where not all can.
fn bearers(name: &AttributeName) -> Option<&'static [ObjectClass]> {
    match name {
        AttributeName::Standard(
            Tag::CryptographicAlgorithm
            | Tag::CryptographicLength
            | Tag::CryptographicDomainParameters,
        ) => Some(KEYS),
        AttributeName::Standard(Tag::Sensitive | Tag::Extractable) => Some(SECRETS),
        _ => None,
    }
}

fn demand(attribute: &Attribute) -> Result<Demand> {
    use AttributeValue as A;
    let name = attribute.name();
    refuse_unknown(&name)?;
    Ok(match &attribute.value {
        A::CryptographicAlgorithm(algorithm) => Demand::Algorithm(algorithms::specs_of(*algorithm)),
        A::CryptographicLength(bits) => Demand::Bits(
            u32::try_from(*bits)
                .map_err(|_| Failure::invalid_field("the Cryptographic Length is negative"))?,
        ),
        A::CryptographicDomainParameters(given) => {
            let curve = given.recommended_curve.and_then(algorithms::curve);
            let curve = curve.ok_or_else(|| Failure::not_supported("no such curve here"))?;
            Demand::Algorithm(vec![curve.spec()])
        }
        A::CryptographicUsageMask(mask) => Demand::UsageWithin(UsageMask(mask.0)),
        A::Sensitive(on) => Demand::Flag(Flag::Sensitive, *on),
        A::Extractable(on) => Demand::Flag(Flag::Extractable, *on),
        // Every object's own, or moments: nothing to hold new objects to.
        A::Name(_)
        | A::Link(_)
        | A::UsageLimits(_)
        | A::ActivationDate(_)
        | A::ProcessStartDate(_)
        | A::ProtectStopDate(_)
        | A::DeactivationDate(_)
        | A::Fresh(_)
        | A::ObjectType(_)
        | A::CertificateType(_) => {
            return Err(Failure::not_supported(format!(
                "constraints on {} are not supported",
                shown(&name)
            )));
        }
        value => {
            check_settable(&name)?;
            Demand::Custom(kept::key_of(&name), kept::to_kept(value)?)
        }
    })
}

/// Whether defaults can be used as they are.
///
/// # Errors
/// For object types that there are not, and attributes that a client does not set, or not for several
/// objects alike.
pub fn check_defaults(said: &DefaultsInformation) -> Result<()> {
    for row in &said.object_defaults {
        let types = types_of(row);
        if types.is_empty() {
            return Err(Failure::invalid_message(
                "defaults are for an Object Type, or for several",
            ));
        }
        for kind in types {
            class(kind)?;
        }
        let attributes = &row.attributes.attributes;
        let own = |attribute: &&Attribute| matches!(attribute.value, AttributeValue::Name(_));
        if attributes.iter().any(|attribute| own(&attribute)) {
            return Err(Failure::invalid_field(
                "a Name is of one object: it is no default",
            ));
        }
        Draft::default().apply_all(attributes)?;
    }
    Ok(())
}

fn types_of(row: &ObjectDefaults) -> Vec<ObjectType> {
    let several = row
        .object_types
        .iter()
        .flat_map(|types| &types.object_types);
    row.object_type.iter().chain(several).copied().collect()
}

fn groups_of(row: &ObjectDefaults) -> Option<&[String]> {
    row.object_groups
        .as_ref()
        .map(|groups| groups.object_groups.as_slice())
}

/// The account's defaults, as `version` can say them; those that pertain to `groups`, if any are named.
///
/// # Errors
/// Unknown Object Group (2.1 section 6.1.40).
pub fn defaults(context: &Context<'_>, groups: Option<&[String]>) -> Result<DefaultsInformation> {
    let conventions = context.inline(|kms, caller| kms.conventions(caller))?;
    let mut said: DefaultsInformation = said_of(&conventions.defaults)?;
    if let Some(asked) = groups {
        for group in asked {
            check_group(context, &said, group)?;
        }
        said.object_defaults.retain(|row| {
            groups_of(row).is_none_or(|own| own.iter().any(|group| asked.contains(group)))
        });
    }
    if context.version < Version::V2_1 {
        // 2.0 has one Object Type a row and no groups.
        let rows = said.object_defaults.into_iter();
        let rows = rows.filter(|row| row.object_groups.is_none());
        said.object_defaults = rows
            .flat_map(|row| {
                let of_type = |kind| ObjectDefaults {
                    object_type: Some(kind),
                    object_types: None,
                    attributes: row.attributes.clone(),
                    object_groups: None,
                };
                types_of(&row).into_iter().map(of_type).collect::<Vec<_>>()
            })
            .collect();
    }
    Ok(said)
}

/// A group is known by its defaults or by an object in it.
fn check_group(context: &Context<'_>, said: &DefaultsInformation, group: &String) -> Result<()> {
    let mut rows = said.object_defaults.iter();
    if rows.any(|row| groups_of(row).is_some_and(|own| own.contains(group))) {
        return Ok(());
    }
    let value = Kept::Text(group.clone());
    let entry = keybridge_core::seal::index_entry(super::title(Tag::ObjectGroup), &value);
    let find = keybridge_core::kms::Find {
        query: keybridge_core::store::ObjectQuery {
            index: vec![entry],
            limit: Some(1),
            ..Default::default()
        },
        ..keybridge_core::kms::Find::default()
    };
    let found = context.blocking(|kms, caller| kms.find(caller, &find))?;
    if found.is_empty() {
        return Err(Failure::new(
            ResultReason::UnknownObjectGroup,
            format!("there is no object group {group:?}"),
        ));
    }
    Ok(())
}

impl Draft {
    /// Fills in what the request has left out of an object of this type, by the account's defaults:
    /// those of its groups come before those of all.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn fill_in(&mut self, context: &Context<'_>, kind: ObjectType) -> Result<()> {
        let conventions = context.inline(|kms, caller| kms.conventions(caller))?;
        if conventions.defaults.is_empty() {
            return Ok(());
        }
        let said: DefaultsInformation = said_of(&conventions.defaults)?;
        let mine = |row: &&ObjectDefaults| types_of(row).contains(&kind);
        let rows = said.object_defaults.iter().filter(mine);
        let (of_groups, of_all): (Vec<_>, Vec<_>) =
            rows.partition(|row| row.object_groups.is_some());
        let groups = kept::groups_in(&self.attributes);
        let fits = |row: &&&ObjectDefaults| {
            groups_of(row).is_some_and(|own| own.iter().any(|group| groups.contains(group)))
        };
        let chosen: Vec<_> = of_groups.iter().filter(fits).chain(&of_all).collect();
        for row in chosen {
            self.fill_in_row(&row.attributes.attributes)?;
        }
        Ok(())
    }

    fn fill_in_row(&mut self, defaults: &[Attribute]) -> Result<()> {
        let algorithm = defaults.iter().find_map(|attribute| match attribute.value {
            AttributeValue::CryptographicAlgorithm(algorithm) => Some(algorithm),
            _ => None,
        });
        // The length that goes with another algorithm says nothing of this one.
        let other = self.kind.algorithm.is_some()
            && algorithm.is_some()
            && self.kind.algorithm != algorithm;
        let said = |draft: &Self, attribute: &Attribute| match attribute.value {
            AttributeValue::CryptographicAlgorithm(_) => draft.kind.algorithm.is_some(),
            AttributeValue::CryptographicLength(_) => other || draft.kind.length.is_some(),
            AttributeValue::CryptographicDomainParameters(_) => other || draft.kind.curve.is_some(),
            _ => draft.given.contains(&attribute.name()),
        };
        let missing: Vec<&Attribute> = defaults
            .iter()
            .filter(|attribute| !said(self, attribute))
            .collect();
        for attribute in missing {
            let name = attribute.name();
            self.take(&name, &attribute.value)?;
            self.given.push(name);
        }
        Ok(())
    }
}
