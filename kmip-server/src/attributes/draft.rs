//! The attributes of an object to be, from a request's Template-Attribute or Attributes.

use keybridge_core::model::{
    AttributeValue as Kept, Attributes, GivenDates, Link, LinkType, Name, NameType, UsageLimits,
    UsageMask, UsageUnit,
};
use keybridge_core::time::Timestamp;
use keybridge_core::{KeySpec, ObjectId};
use keybridge_kmip::attributes::{
    Attribute, AttributeName, AttributeRow, AttributeValue, TemplateAttribute,
};
use keybridge_kmip::enums::{
    CryptographicAlgorithm, NameType as KmipNameType, ResultReason, UsageLimitsUnit,
};
use keybridge_kmip::objects::KeyBlock;
use keybridge_kmip::{Tag, Version};

use super::kept;
use super::notes::{self, ALWAYS_SENSITIVE, NEVER_EXTRACTABLE, SAID_ALGORITHM};
use super::{is_multiple, read_only, refuse_unknown, shown};
use crate::algorithms::KindOfKey;
use crate::failure::{Failure, Result};
use crate::processor::Context;

/// What a request says about an object to be.
#[derive(Clone, Debug)]
pub struct Draft {
    /// For the core.
    pub attributes: Attributes,
    /// Dates.
    pub dates: GivenDates,
    /// Kind of key.
    pub kind: KindOfKey,
    pub(super) seen: Vec<AttributeName>,
    /// What the request says itself.
    pub(super) given: Vec<AttributeName>,
}

impl Default for Draft {
    /// KMIP's defaults: an object's value may be handed out (Sensitive false, Extractable true: 2.1
    /// sections 4.22 and 4.55), it is Pre-Active without an Activation Date, and seen after login
    /// only.
    fn default() -> Self {
        Self {
            attributes: Attributes {
                private: true,
                sensitive: false,
                extractable: true,
                ..Attributes::default()
            },
            dates: GivenDates::default(),
            kind: KindOfKey::default(),
            seen: Vec::new(),
            given: Vec::new(),
        }
    }
}

impl Draft {
    /// A draft of these attributes, and of the templates that are named among them.
    ///
    /// # Errors
    /// For attributes that are the server's, unknown, or given twice though single.
    pub fn of(context: &Context<'_>, given: &TemplateAttribute) -> Result<Self> {
        let mut draft = Self::default();
        draft.apply(context, given)?;
        Ok(draft)
    }

    /// Adds the attributes of another structure of the same request.
    ///
    /// # Errors
    /// As [`Draft::of`].
    pub fn apply(&mut self, context: &Context<'_>, given: &TemplateAttribute) -> Result<()> {
        if given.templates.is_empty() {
            return self.apply_all(&given.attributes);
        }
        self.apply_all(&super::templates::resolved(context, given)?)
    }

    pub(super) fn apply_all(&mut self, given: &[Attribute]) -> Result<()> {
        // Within one structure a single attribute may not repeat; a later structure overrides.
        self.seen.clear();
        given.iter().try_for_each(|attribute| self.add(attribute))
    }

    /// Adds the attributes that came with a Key Value: what the server says itself is not asked.
    ///
    /// # Errors
    /// As [`Draft::of`].
    pub fn apply_wrapped(&mut self, given: &[Attribute]) -> Result<()> {
        for attribute in given {
            let name = attribute.name();
            if check_settable(&name).is_ok() && !self.seen.contains(&name) {
                self.take(&name, &attribute.value)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, attribute: &Attribute) -> Result<()> {
        let name = attribute.name();
        refuse_unknown(&name)?;
        if !is_multiple(&name) {
            if self.seen.contains(&name) {
                return Err(Failure::by_version(
                    ResultReason::InvalidField,
                    ResultReason::AttributeSingleValued,
                    format!("{} is given more than once", shown(&name)),
                ));
            }
            self.seen.push(name.clone());
        }
        self.take(&name, &attribute.value)?;
        self.given.push(name);
        Ok(())
    }

    pub(super) fn take(&mut self, name: &AttributeName, value: &AttributeValue) -> Result<()> {
        use AttributeValue as A;
        let date = |seconds: &keybridge_kmip::wire::DateTime| Some(Timestamp(seconds.0));
        match value {
            A::Name(given) => self.attributes.names.push(to_name(given)?),
            A::CryptographicAlgorithm(algorithm) => self.kind.algorithm = Some(*algorithm),
            A::CryptographicLength(length) => self.kind.length = Some(*length),
            A::CryptographicUsageMask(mask) => self.attributes.usage = UsageMask(mask.0),
            A::CryptographicDomainParameters(given) => {
                self.kind.curve = given.recommended_curve;
            }
            A::ActivationDate(at) => self.dates.activation = date(at),
            A::ProcessStartDate(at) => self.dates.process_start = date(at),
            A::ProtectStopDate(at) => self.dates.protect_stop = date(at),
            A::DeactivationDate(at) => self.dates.deactivation = date(at),
            A::Sensitive(flag) => self.attributes.sensitive = *flag,
            A::Extractable(flag) => self.attributes.extractable = *flag,
            A::Link(link) => self.attributes.links.push(to_link(link)?),
            A::UsageLimits(limits) => {
                self.attributes.usage_limits = Some(to_usage_limits(limits)?);
            }
            // Every object is fresh when it is made; its type is said beside the attributes, or by
            // its value.
            A::Fresh(_) | A::ObjectType(_) | A::CertificateType(_) => {}
            other => self.keep(name, other)?,
        }
        Ok(())
    }

    fn keep(&mut self, name: &AttributeName, value: &AttributeValue) -> Result<()> {
        check_settable(name)?;
        let key = kept::key_of(name);
        if !is_multiple(name) {
            self.attributes.custom.remove(&key);
        }
        kept::push(&mut self.attributes, key, kept::to_kept(value)?);
        Ok(())
    }

    /// Notes which of its names a client gave the algorithm, where a kind of key has several.
    pub fn note_algorithm(&mut self, spec: KeySpec) {
        let Some(CryptographicAlgorithm(number)) = self.kind.algorithm else {
            return;
        };
        if matches!(
            spec,
            KeySpec::Ec { .. } | KeySpec::X25519 | KeySpec::ChaCha20
        ) {
            self.attributes.custom.remove(SAID_ALGORITHM);
            kept::push(
                &mut self.attributes,
                SAID_ALGORITHM.into(),
                Kept::Enumeration(number),
            );
        }
    }

    /// Refuses a key that is asked to be Quantum Safe (2.1 section 4.45) and is of a kind that is not.
    ///
    /// # Errors
    /// General Failure, which the standard's own cases ask for.
    pub fn check_quantum_safe(&self, spec: KeySpec) -> Result<()> {
        let asked = kept::key_of(&AttributeName::Standard(Tag::QuantumSafe));
        let asked = self.attributes.custom.get(&asked).is_some_and(|kept| {
            let name = AttributeName::Standard(Tag::QuantumSafe);
            kept.iter().any(|instance| {
                kept::from_kept(&name, &instance.value) == Some(AttributeValue::QuantumSafe(true))
            })
        });
        if asked && !spec.is_quantum_safe() {
            return Err(Failure::new(
                ResultReason::GeneralFailure,
                "keys of this kind are not safe from quantum computers",
            ));
        }
        Ok(())
    }

    /// The value comes from outside, and its owner says it was always sensitive, or never extractable:
    /// KMIP counts from here on (2.1 sections 4.3 and 4.33), PKCS#11 from the key's birth.
    pub fn note_history(&mut self) {
        let Attributes {
            sensitive,
            extractable,
            ..
        } = self.attributes;
        self.note(ALWAYS_SENSITIVE, u32::from(sensitive));
        self.note(NEVER_EXTRACTABLE, u32::from(!extractable));
    }

    /// Whether a Key Value Location is given.
    #[must_use]
    pub fn has_location(&self) -> bool {
        let key = kept::key_of(&AttributeName::Standard(Tag::KeyValueLocation));
        self.attributes.custom.contains_key(&key)
    }

    /// Keeps the key block as it came, for those who ask for it as it was registered.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn note_block(&mut self, block: &KeyBlock, version: Version) -> Result<()> {
        let bytes = super::templates::block_bytes(block, version)?;
        let kept = Kept::Structure(bytes.expose().to_vec());
        kept::push(&mut self.attributes, notes::BLOCK.into(), kept);
        Ok(())
    }

    /// Keeps a large number of the bridge's own.
    pub fn note_bytes(&mut self, key: &str, bytes: Vec<u8>) {
        kept::push(&mut self.attributes, key.into(), Kept::Bytes(bytes));
    }

    /// Records the name under which a private key stood in its PKCS#12 container.
    pub fn note_friendly_name(&mut self, name: &str) {
        let key = kept::key_of(&AttributeName::Standard(Tag::PKCS_12FriendlyName));
        kept::push(&mut self.attributes, key, Kept::Text(name.into()));
    }

    /// Keeps a number of the bridge's own.
    pub fn note(&mut self, key: &str, number: u32) {
        kept::push(&mut self.attributes, key.into(), Kept::Enumeration(number));
    }
}

/// Refuses attributes that clients do not set.
pub(super) fn check_settable(name: &AttributeName) -> Result<()> {
    let AttributeName::Standard(tag) = name else {
        return refuse_unknown(name);
    };
    match AttributeRow::of(*tag) {
        Some(row) if row.rules.client_sets => Ok(()),
        _ => Err(read_only(name)),
    }
}

/// A KMIP Name as the core keeps it.
pub(super) fn to_name(name: &keybridge_kmip::attributes::Name) -> Result<Name> {
    let kind = match name.kind {
        KmipNameType::UninterpretedTextString => NameType::Text,
        KmipNameType::URI => NameType::Uri,
        other => {
            return Err(Failure::invalid_field(format!(
                "name type {other} is not known"
            )));
        }
    };
    if name.value.is_empty() {
        return Err(Failure::invalid_field("the Name is empty"));
    }
    Ok(Name {
        value: name.value.clone(),
        kind,
    })
}

/// Usage Limits as the core counts them: "the server SHALL ignore the Usage Limits Count value".
pub(super) fn to_usage_limits(
    limits: &keybridge_kmip::attributes::UsageLimits,
) -> Result<UsageLimits> {
    let unit = match limits.unit {
        UsageLimitsUnit::Byte => UsageUnit::Byte,
        UsageLimitsUnit::Object => UsageUnit::Object,
        other => {
            return Err(Failure::invalid_field(format!(
                "usage limits unit {other} is not known"
            )));
        }
    };
    let total = u64::try_from(limits.total)
        .map_err(|_| Failure::invalid_field("the Usage Limits Total is negative"))?;
    Ok(UsageLimits::new(total, unit))
}

/// A KMIP Link as the core keeps it.
pub(super) fn to_link(link: &keybridge_kmip::attributes::Link) -> Result<Link> {
    let text = link.linked_object.as_text().unwrap_or_default();
    let object: ObjectId = text
        .parse()
        .map_err(|_| Failure::invalid_field("a Link goes to an object of this server"))?;
    Ok(Link {
        kind: LinkType(link.kind.0),
        object,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybridge_kmip::attributes::Name as KmipName;
    use keybridge_kmip::enums::State;
    use keybridge_kmip::wire::DateTime;

    fn template(values: impl IntoIterator<Item = AttributeValue>) -> TemplateAttribute {
        values.into_iter().collect()
    }

    fn draft_of(given: TemplateAttribute) -> Result<Draft> {
        let mut draft = Draft::default();
        draft.apply_all(&given.attributes)?;
        Ok(draft)
    }

    #[test]
    fn a_value_may_be_handed_out_unless_said_otherwise() {
        let draft = draft_of(template([])).unwrap();
        assert!(!draft.attributes.sensitive && draft.attributes.extractable);
        assert!(draft.attributes.private && draft.dates.activation.is_none());
        let draft = draft_of(template([AttributeValue::Sensitive(true)])).unwrap();
        assert!(draft.attributes.sensitive);
    }

    #[test]
    fn names_repeat_and_dates_do_not() {
        let names = ["a", "b"].map(|name| AttributeValue::Name(KmipName::text(name)));
        assert_eq!(draft_of(template(names)).unwrap().attributes.names.len(), 2);
        let date = || AttributeValue::ActivationDate(DateTime(1));
        assert!(draft_of(template([date(), date()])).is_err());
    }

    #[test]
    fn the_servers_attributes_are_refused() {
        assert!(draft_of(template([AttributeValue::State(State::Active)])).is_err());
        assert!(draft_of(template([AttributeValue::LastChangeDate(DateTime(1))])).is_err());
    }
}
