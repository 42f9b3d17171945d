//! An object's attributes as KMIP shows them.

use keybridge_core::lifecycle::effective_state;
use keybridge_core::model::{NameType, ObjectState, UsageLimits, UsageUnit};
use keybridge_core::time::Timestamp;
use keybridge_core::{KeySpec, Object, ObjectClass, Protection};
use keybridge_kmip::attributes::{
    Attribute, AttributeName, AttributeRow, AttributeValue, CryptographicDomainParameters,
    CryptographicParameters, Digest, Link, Name, RNGParameters, RevocationReason, UniqueIdentifier,
    UsageLimits as KmipUsageLimits,
};
use keybridge_kmip::enums::{
    CertificateType, CryptographicAlgorithm, CryptographicUsageMask, DRBGAlgorithm,
    HashingAlgorithm, KeyFormatType, LinkType, NameType as KmipNameType, OpaqueDataType,
    ProtectionStorageMask, RNGAlgorithm, RevocationReasonCode, State, UsageLimitsUnit,
};
use keybridge_kmip::wire::{DateTime, Interval};
use keybridge_kmip::{Tag, Version};

use super::kept::{self, kept_number};
use super::notes::{self, ALWAYS_SENSITIVE, NEVER_EXTRACTABLE, SAID_ALGORITHM};
use super::{certificate, is_multiple};
use crate::{algorithms, key_formats};

/// Seconds for which a client may use what it fetched without asking again. Objects do not change
/// behind a client's back often; an hour is what other servers say.
pub const LEASE_SECONDS: u32 = 3600;

/// All attributes of an object that `version` has, or those of them that PyKMIP can read.
#[must_use]
pub fn read_all(object: &Object, version: Version, for_pykmip: bool) -> Vec<Attribute> {
    let for_library = version < Version::V2_0 && is_of_tape_library(object);
    let for_pykmip = for_pykmip && pykmip_can_read(object);
    every(object, version, |tag| {
        is_listed(object, tag, version)
            && (!for_pykmip || pykmip_reads(tag, version))
            && (!for_library || libraries_are_told(tag))
    })
}

/// Whether an attribute is told to those who ask for all, or which there are. Two are told by name only, as
/// the standard's own cases have it: the Cryptographic Algorithm of a certificate in 1.x (TC-132, TC-134
/// and TC-ECC-3 of 1.0 to 1.2 list its length and not its algorithm), and the generator in 1.3 (AKLC-O-1,
/// SKLC-O-1 and SKFF-M-9 to 12 of 1.3 do not have what those of 1.4 do).
fn is_listed(object: &Object, tag: Tag, version: Version) -> bool {
    match tag {
        Tag::CryptographicAlgorithm => {
            object.class != ObjectClass::Certificate || version >= Version::V2_0
        }
        Tag::RandomNumberGenerator => version != Version::V1_3,
        _ => applies(object, tag, version),
    }
}

/// Whether an object of this type has the attribute in a version: State became one of all objects with 2.0.
fn applies(object: &Object, tag: Tag, version: Version) -> bool {
    tag != Tag::State || is_cryptographic(object) || version >= Version::V2_0
}

/// Whether PyKMIP could read all attributes of an object at all: it has no reader for these, so there is
/// nothing to be left out for its sake. Nor does it ask about what was destroyed, which its own server
/// forgets.
fn pykmip_can_read(object: &Object) -> bool {
    let destroyed = matches!(
        state_of(object),
        ObjectState::Destroyed | ObjectState::DestroyedCompromised
    );
    let unread = [
        Tag::Link,
        Tag::RevocationReason,
        Tag::UsageLimits,
        Tag::CryptographicDomainParameters,
        Tag::CertificateType,
    ];
    !destroyed
        && unread
            .into_iter()
            .all(|tag| standard_values(object, tag).is_empty())
}

/// Whether a tape library made the object: by the Tape Library profile it gives its keys Application
/// Specific Information in a namespace like `LIBRARY-LTO6`, with the vendor's name before it or not.
fn is_of_tape_library(object: &Object) -> bool {
    let information = standard_values(object, Tag::ApplicationSpecificInformation);
    information.iter().any(|attribute| match &attribute.value {
        AttributeValue::ApplicationSpecificInformation(information) => {
            information.application_namespace.contains("LIBRARY-")
        }
        _ => false,
    })
}

/// Whether a tape library is told of an attribute when it asks for all, in 1.x: by the profile's case
/// (TL-M-3-14) not of those that 1.4 added, which Get Attribute List names and Get Attributes tells by
/// name. Section 4.12 of 1.4 would tell all; for libraries their profile decides.
fn libraries_are_told(tag: Tag) -> bool {
    !matches!(
        tag,
        Tag::Sensitive | Tag::AlwaysSensitive | Tag::Extractable | Tag::NeverExtractable
    )
}

fn every(object: &Object, version: Version, told: impl Fn(Tag) -> bool) -> Vec<Attribute> {
    let mut found = Vec::with_capacity(24);
    for row in AttributeRow::ROWS
        .iter()
        .filter(|row| row.span.contains(version) && told(row.tag))
    {
        let multiple = is_multiple(&AttributeName::Standard(row.tag));
        numbered(standard_values(object, row.tag), multiple, &mut found);
    }
    for key in object.attributes.custom.keys() {
        if let Some(name @ AttributeName::Vendor { .. }) = kept::name_of(key) {
            found.extend(kept_values(object, &name));
        }
    }
    found.retain(|attribute| attribute.representable(version));
    found
}

/// Whether an attribute is told when a client asks for all and answers are for PyKMIP
/// (`[server.answers] for-pykmip`): it drops the connection over a Digest without the Key Format Type
/// that 1.0 does not have, over a generator in 1.4, and over these attributes in 2.0, its only version of
/// 2.x. Asked for by name, they are told.
fn pykmip_reads(tag: Tag, version: Version) -> bool {
    match version {
        Version::V1_0 => tag != Tag::Digest,
        Version::V2_0 => !matches!(
            tag,
            Tag::AlwaysSensitive
                | Tag::Extractable
                | Tag::NeverExtractable
                | Tag::KeyFormatType
                | Tag::OpaqueDataType
                | Tag::ProtectionStorageMask
                | Tag::OriginalCreationDate
                | Tag::RandomNumberGenerator
                | Tag::ShortUniqueIdentifier
        ),
        _ if version < Version::V2_0 => tag != Tag::RandomNumberGenerator,
        _ => true,
    }
}

/// The attributes of these names that the object has and `version` can say.
#[must_use]
pub fn read_named(object: &Object, names: &[AttributeName], version: Version) -> Vec<Attribute> {
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        read_one(object, name, &mut found);
    }
    found.retain(|attribute| {
        let applies = |tag| applies(object, tag, version);
        attribute.representable(version) && attribute.value.tag().is_none_or(applies)
    });
    found
}

/// The instances of one attribute.
pub(super) fn read_one(object: &Object, name: &AttributeName, found: &mut Vec<Attribute>) {
    match name {
        AttributeName::Standard(tag) => {
            numbered(standard_values(object, *tag), is_multiple(name), found);
        }
        AttributeName::Vendor { .. } => found.extend(kept_values(object, name)),
        AttributeName::Unknown(_) => {}
    }
}

/// The names of an object's attributes, each once.
#[must_use]
pub fn names_of(object: &Object, version: Version) -> Vec<AttributeName> {
    let mut names: Vec<AttributeName> = Vec::with_capacity(24);
    for attribute in every(object, version, |tag| is_listed(object, tag, version)) {
        let name = attribute.name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The object's own Cryptographic Parameters of the lowest index, for requests that have none.
#[must_use]
pub fn parameters_of(object: &Object) -> Option<CryptographicParameters> {
    let name = AttributeName::Standard(Tag::CryptographicParameters);
    let first = kept_values(object, &name).next()?;
    match first.value {
        AttributeValue::CryptographicParameters(parameters) => Some(parameters),
        _ => None,
    }
}

/// Gives instances their index: 1.x says it for attributes that may have several.
fn numbered(values: Vec<Attribute>, multiple: bool, found: &mut Vec<Attribute>) {
    for (position, mut attribute) in values.into_iter().enumerate() {
        if multiple && attribute.index.is_none() {
            attribute.index = i32::try_from(position).ok();
        }
        found.push(attribute);
    }
}

/// The instances of an attribute that the core keeps uninterpreted.
fn kept_values<'a>(
    object: &'a Object,
    name: &'a AttributeName,
) -> impl Iterator<Item = Attribute> + 'a {
    let instances = object.attributes.custom.get(&kept::key_of(name));
    instances.into_iter().flatten().filter_map(|instance| {
        let value = kept::from_kept(name, &instance.value)?;
        let index = is_multiple(name).then_some(i32::try_from(instance.index).ok()?);
        Some(Attribute { index, value })
    })
}

/// The instances of a standard attribute.
fn standard_values(object: &Object, tag: Tag) -> Vec<Attribute> {
    use AttributeValue as A;
    let dates = &object.dates;
    let date = |at: Option<Timestamp>, make: fn(DateTime) -> A| at.map(|at| make(DateTime(at.0)));
    let single = match tag {
        Tag::UniqueIdentifier => Some(A::UniqueIdentifier(UniqueIdentifier::Text(
            object.id.to_string(),
        ))),
        Tag::ShortUniqueIdentifier => Some(A::ShortUniqueIdentifier(object.id.as_bytes().to_vec())),
        Tag::ObjectType => Some(A::ObjectType(algorithms::object_type(object.class))),
        Tag::State => has_state(object).then(|| A::State(state(object))),
        Tag::CryptographicUsageMask => is_cryptographic(object)
            .then(|| A::CryptographicUsageMask(CryptographicUsageMask(object.attributes.usage.0))),
        Tag::CryptographicAlgorithm => algorithm(object).map(A::CryptographicAlgorithm),
        Tag::CryptographicLength => length(object).map(A::CryptographicLength),
        Tag::CryptographicDomainParameters => domain(object),
        Tag::InitialDate => date(Some(dates.initial), A::InitialDate),
        Tag::LastChangeDate => date(Some(dates.last_change), A::LastChangeDate),
        Tag::OriginalCreationDate => match original_creation(object) {
            Some(at) => Some(A::OriginalCreationDate(DateTime(at.0))),
            None => return kept_values(object, &AttributeName::Standard(tag)).collect(),
        },
        Tag::ActivationDate => date(dates.activation, A::ActivationDate),
        Tag::ProcessStartDate => date(dates.process_start, A::ProcessStartDate),
        Tag::ProtectStopDate => date(dates.protect_stop, A::ProtectStopDate),
        Tag::DeactivationDate => date(dates.deactivation, A::DeactivationDate),
        Tag::DestroyDate => date(dates.destroy, A::DestroyDate),
        Tag::CompromiseDate => date(dates.compromise, A::CompromiseDate),
        Tag::CompromiseOccurrenceDate => {
            date(dates.compromise_occurrence, A::CompromiseOccurrenceDate)
        }
        Tag::ArchiveDate => date(dates.archive, A::ArchiveDate),
        Tag::LeaseTime => is_cryptographic(object).then_some(A::LeaseTime(Interval(LEASE_SECONDS))),
        Tag::RevocationReason => object.revocation.as_ref().map(|reason| {
            A::RevocationReason(RevocationReason {
                code: RevocationReasonCode(reason.code),
                message: reason.message.clone(),
            })
        }),
        Tag::UsageLimits => object.attributes.usage_limits.map(usage_limits),
        Tag::Digest => digest(object),
        Tag::Fresh => Some(A::Fresh(object.fresh)),
        // Of all objects, those too whose value is no secret.
        Tag::Sensitive => Some(A::Sensitive(object.attributes.sensitive)),
        Tag::AlwaysSensitive => {
            let noted = kept_number(object, ALWAYS_SENSITIVE) == Some(1);
            let always = object.always_sensitive || (noted && object.attributes.sensitive);
            Some(A::AlwaysSensitive(always))
        }
        Tag::Extractable => Some(A::Extractable(is_extractable(object))),
        Tag::NeverExtractable => {
            let noted = kept_number(object, NEVER_EXTRACTABLE) == Some(1);
            let never = object.never_extractable || (noted && !object.attributes.extractable);
            Some(A::NeverExtractable(never && !is_extractable(object)))
        }
        Tag::OpaqueDataType => (object.class == ObjectClass::Opaque)
            .then(|| A::OpaqueDataType(OpaqueDataType(object.format.unwrap_or_default()))),
        Tag::KeyFormatType => has_key_block(object)
            .then(|| A::KeyFormatType(key_formats::default_format(object, Version::V2_1))),
        Tag::ProtectionStorageMask => Some(A::ProtectionStorageMask(match object.protection {
            Protection::Software => ProtectionStorageMask::Software,
            Protection::Hsm(_) => ProtectionStorageMask::Hardware,
        })),
        tag if certificate::is_name_part(tag) => return certificate::name_parts(object, tag),
        Tag::CertificateType => (object.class == ObjectClass::Certificate).then(|| {
            A::CertificateType(
                object
                    .format
                    .map_or(CertificateType::X_509, CertificateType),
            )
        }),
        Tag::DigitalSignatureAlgorithm => {
            certificate::signature_algorithm(object).map(A::DigitalSignatureAlgorithm)
        }
        Tag::CertificateLength => certificate::value(object)
            .and_then(|der| i32::try_from(der.len()).ok())
            .map(A::CertificateLength),
        Tag::X_509CertificateIdentifier
        | Tag::X_509CertificateIssuer
        | Tag::X_509CertificateSubject => certificate::names(object, tag),
        Tag::CertificateIdentifier | Tag::CertificateIssuer | Tag::CertificateSubject => {
            certificate::text_names(object, tag)
        }
        Tag::KeyValuePresent => {
            (kept_number(object, notes::ELSEWHERE) == Some(1)).then_some(A::KeyValuePresent(false))
        }
        // What was made elsewhere is of the generator that its client says (1.4 section 3.44).
        Tag::RandomNumberGenerator if !object.local => {
            return kept_values(object, &AttributeName::Standard(tag)).collect();
        }
        Tag::RandomNumberGenerator => {
            (object.local && object.class.is_key()).then(|| A::RandomNumberGenerator(generator()))
        }
        Tag::Name => return names(object),
        Tag::Link => return links(object),
        _ => return kept_values(object, &AttributeName::Standard(tag)).collect(),
    };
    single.into_iter().map(Attribute::from).collect()
}

/// When the server made the object, or what is known of another server's. What a client registered has the
/// date that the client gives it, or none (1.4 section 3.43).
fn original_creation(object: &Object) -> Option<Timestamp> {
    let registered = !object.local && object.attributes.custom.contains_key(ALWAYS_SENSITIVE);
    let dates = &object.dates;
    dates
        .original_creation
        .or((!registered).then_some(dates.initial))
}

/// Managed Cryptographic Objects: all but opaque objects, data and templates (2.1 section 2).
fn is_cryptographic(object: &Object) -> bool {
    !matches!(
        object.class,
        ObjectClass::Opaque | ObjectClass::Data | ObjectClass::Template
    )
}

/// Of opaque objects from 2.0 on: before, State applies to cryptographic objects only.
fn has_state(object: &Object) -> bool {
    is_cryptographic(object) || object.class == ObjectClass::Opaque
}

/// Whether the value may be handed out: that of a public object always may.
fn is_extractable(object: &Object) -> bool {
    let is_public = matches!(
        object.class,
        ObjectClass::Certificate
            | ObjectClass::CertificateRequest
            | ObjectClass::PublicKey
            | ObjectClass::Template
    );
    is_public || object.attributes.extractable
}

fn has_key_block(object: &Object) -> bool {
    object.class.is_key() || object.class == ObjectClass::SecretData
}

/// Names; an object without any (made through PKCS#11, say) is shown by its label. One that was replaced
/// keeps the label, which all versions share, but its names have gone to its successor (1.4 section 4.4).
fn names(object: &Object) -> Vec<Attribute> {
    let attributes = &object.attributes;
    let replaced =
        |link: &keybridge_core::model::Link| link.kind.0 == LinkType::ReplacementObjectLink.0;
    if attributes.names.is_empty()
        && !attributes.label.is_empty()
        && !attributes.links.iter().any(replaced)
    {
        return vec![AttributeValue::Name(Name::text(attributes.label.clone())).into()];
    }
    attributes
        .names
        .iter()
        .map(kmip_name)
        .map(Attribute::from)
        .collect()
}

/// A Name as KMIP shows it.
pub(super) fn kmip_name(name: &keybridge_core::model::Name) -> AttributeValue {
    AttributeValue::Name(Name {
        value: name.value.clone(),
        kind: match name.kind {
            NameType::Text => KmipNameType::UninterpretedTextString,
            NameType::Uri => KmipNameType::URI,
        },
    })
}

fn links(object: &Object) -> Vec<Attribute> {
    object
        .attributes
        .links
        .iter()
        .map(kmip_link)
        .map(Attribute::from)
        .collect()
}

/// A Link as KMIP shows it.
pub(super) fn kmip_link(link: &keybridge_core::model::Link) -> AttributeValue {
    AttributeValue::Link(Link {
        kind: LinkType(link.kind.0),
        linked_object: UniqueIdentifier::Text(link.object.to_string()),
    })
}

/// Usage Limits as KMIP shows them.
pub(super) fn usage_limits(limits: UsageLimits) -> AttributeValue {
    let number = |units: u64| i64::try_from(units).unwrap_or(i64::MAX);
    AttributeValue::UsageLimits(KmipUsageLimits {
        total: number(limits.total),
        count: Some(number(limits.left)),
        unit: match limits.unit {
            UsageUnit::Byte => UsageLimitsUnit::Byte,
            UsageUnit::Object => UsageLimitsUnit::Object,
        },
    })
}

/// What the engines make keys with: a DRBG of their own kind.
fn generator() -> RNGParameters {
    RNGParameters {
        rng_algorithm: RNGAlgorithm::DRBG,
        cryptographic_algorithm: None,
        cryptographic_length: None,
        hashing_algorithm: None,
        drbg_algorithm: Some(DRBGAlgorithm::Unspecified),
        recommended_curve: None,
        fips186_variation: None,
        prediction_resistance: None,
    }
}

/// Today's state.
#[must_use]
pub fn state_of(object: &Object) -> ObjectState {
    effective_state(object.state, &object.dates, Timestamp::now())
}

fn state(object: &Object) -> State {
    match state_of(object) {
        ObjectState::PreActive => State::PreActive,
        ObjectState::Active => State::Active,
        ObjectState::Deactivated => State::Deactivated,
        ObjectState::Compromised => State::Compromised,
        ObjectState::Destroyed => State::Destroyed,
        ObjectState::DestroyedCompromised => State::DestroyedCompromised,
    }
}

/// The Cryptographic Algorithm of a key, or of the public key in a certificate.
pub fn algorithm(object: &Object) -> Option<CryptographicAlgorithm> {
    let said = kept_number(object, SAID_ALGORITHM).map(CryptographicAlgorithm);
    algorithms::algorithm(object.spec.or_else(|| certificate::key_spec(object))?, said)
}

/// The Cryptographic Length of a key, or of the public key in a certificate (1.4 section 3.5).
pub fn length(object: &Object) -> Option<i32> {
    let spec = object.spec.or_else(|| certificate::key_spec(object))?;
    i32::try_from(spec.bits()).ok()
}

fn domain(object: &Object) -> Option<AttributeValue> {
    let curve = keybridge_core::encoding::NamedCurve::of_spec(object.spec?)?;
    let recommended_curve = Some(algorithms::recommended_curve(curve)?);
    Some(AttributeValue::CryptographicDomainParameters(
        CryptographicDomainParameters {
            q_length: None,
            recommended_curve,
        },
    ))
}

/// "For objects registered by a client, the server SHALL compute the digest of the mandatory attribute
/// instance using the Key Format Type of the registered object" (1.4 section 3.17).
fn digest(object: &Object) -> Option<AttributeValue> {
    // Where the core tells none, of a secret that could be guessed, there is none in any format.
    let value = object.digest?;
    let as_it_came = notes::DigestAsItCame::of(object).filter(|_| !object.local);
    let (value, format) = match as_it_came {
        Some(note) => (note.digest, note.format),
        None => (value.to_vec(), digest_format(object)),
    };
    Some(AttributeValue::Digest(Digest {
        hashing_algorithm: HashingAlgorithm::SHA_256,
        digest_value: Some(value),
        key_format_type: has_key_block(object).then_some(format),
    }))
}

/// The format in which [`Object::digest`] was taken.
fn digest_format(object: &Object) -> KeyFormatType {
    match object.class {
        ObjectClass::PrivateKey | ObjectClass::PublicKey
            if matches!(object.spec, Some(KeySpec::Rsa { .. })) =>
        {
            KeyFormatType::PKCS_1
        }
        ObjectClass::PrivateKey => KeyFormatType::PKCS_8,
        ObjectClass::PublicKey => KeyFormatType::X_509,
        _ => KeyFormatType::Raw,
    }
}
