//! The attributes of the standard, each declared once: its tag (which gives the name and the
//! versions), the type of its value, and the rules of its table.

use super::{
    AlternativeName, ApplicationSpecificInformation, AttributeName, CertificateIdentifier,
    CertificateIssuer, CertificateSubject, CryptographicDomainParameters, CryptographicParameters,
    Digest, KeyValueLocation, Link, Name, RNGParameters, RevocationReason, RotateName,
    UniqueIdentifier, UnknownAttribute, UsageLimits, VendorAttribute, X509CertificateIdentifier,
    X509CertificateIssuer, X509CertificateSubject,
};
use crate::enums::{
    CertificateType, CryptographicAlgorithm, CryptographicUsageMask, DigitalSignatureAlgorithm,
    KeyFormatType, NISTKeyType, ObjectType, OpaqueDataType, ProtectionLevel, ProtectionStorageMask,
    State,
};
use crate::error::{DecodeError, EncodeError};
use crate::tags::Tag;
use crate::ttlv::ItemRef;
use crate::version::{Span, Version, span};
use crate::wire::{Context, DateTime, Encoder, Interval, Wire};

/// What the table of an attribute allows (1.4 section 3; 2.1 section 4). Conditions on the object's
/// state are the server's to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// An object may have several.
    pub multiple: bool,
    /// A client may set it when it makes or registers the object, or add it.
    pub client_sets: bool,
    /// A client may modify it.
    pub client_modifies: bool,
    /// A client may delete it.
    pub client_deletes: bool,
}

/// The declaration of one attribute.
#[derive(Debug)]
pub struct AttributeRow {
    /// Its tag.
    pub tag: Tag,
    /// The versions in which it is an attribute.
    pub span: Span,
    /// The rules of its table.
    pub rules: Rules,
}

/// Rules in short: `m`ultiple, the client `s`ets, the client `c`hanges, the client `d`eletes.
const fn rules(short: &str) -> Rules {
    let mut rules = Rules {
        multiple: false,
        client_sets: false,
        client_modifies: false,
        client_deletes: false,
    };
    let mut at = 0;
    while at < short.len() {
        match short.as_bytes()[at] {
            b'm' => rules.multiple = true,
            b's' => rules.client_sets = true,
            b'c' => rules.client_modifies = true,
            b'd' => rules.client_deletes = true,
            _ => panic!("a rule is one of m, s, c, d"),
        }
        at += 1;
    }
    rules
}

macro_rules! attributes {
    ($($name:ident: $type:ty = $tag:ident, $rules:literal $(, $first:ident)?;)*) => {
        /// The value of an attribute, and so its name.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AttributeValue {
            $(
                #[doc = concat!("The attribute with tag `", stringify!($tag), "`.")]
                $name($type),
            )*
            /// A vendor's or custom attribute.
            Vendor(VendorAttribute),
            /// A 1.x attribute with a name that nobody may give.
            Unknown(UnknownAttribute),
        }

        impl AttributeRow {
            /// The attributes of the standard, by ascending tag.
            pub const ROWS: &'static [Self] = &[
                $(Self {
                    tag: Tag::$tag,
                    span: attributes!(@span $tag $($first)?),
                    rules: rules($rules),
                },)*
            ];
        }

        impl AttributeValue {
            /// The tag; none for one that the standard does not define.
            pub const fn tag(&self) -> Option<Tag> {
                match self {
                    $(Self::$name(_) => Some(Tag::$tag),)*
                    Self::Vendor(_) | Self::Unknown(_) => None,
                }
            }

            /// Whether `version` has the attribute and this value of it.
            pub fn representable(&self, version: Version) -> bool {
                match self {
                    $(Self::$name(value) => {
                        attributes!(@exists version, $tag $($first)?)
                            && value.representable(version)
                    })*
                    Self::Vendor(attribute) => attribute.value.representable(version),
                    Self::Unknown(attribute) => attribute.value.representable(version),
                }
            }

            /// Writes the value as an item with `tag`.
            pub(crate) fn encode(&self, tag: Tag, out: &mut Encoder) -> Result<(), EncodeError> {
                match self {
                    $(Self::$name(value) => value.encode(tag, out),)*
                    Self::Vendor(attribute) => attribute.value.encode(tag, out),
                    Self::Unknown(attribute) => attribute.value.encode(tag, out),
                }
            }

            /// Reads the value of the attribute called `name`; none when the version has no
            /// such attribute.
            pub(crate) fn decode(
                name: Tag,
                item: &ItemRef<'_>,
                context: Context,
            ) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match name {
                    $(Tag::$tag if attributes!(@exists context.version, $tag $($first)?) => {
                        Self::$name(<$type>::decode(item, context)?)
                    })*
                    _ => return Ok(None),
                }))
            }
        }
    };
    (@exists $version:expr, $tag:ident) => { Tag::$tag.exists_in($version) };
    (@exists $version:expr, $tag:ident $first:ident) => { span!($first).contains($version) };
    (@span $tag:ident) => { span_of(Tag::$tag) };
    (@span $tag:ident $first:ident) => { span!($first) };
}

/// The span of a declared tag, at compile time.
const fn span_of(tag: Tag) -> Span {
    let mut at = 0;
    while at < Tag::ROWS.len() {
        if Tag::ROWS[at].tag.0 == tag.0 {
            return Tag::ROWS[at].span;
        }
        at += 1;
    }
    panic!("every attribute has a declared tag")
}

impl AttributeRow {
    /// The declaration of the attribute with this tag.
    pub fn of(tag: Tag) -> Option<&'static Self> {
        let at = Self::ROWS.binary_search_by_key(&tag, |row| row.tag).ok()?;
        Self::ROWS.get(at)
    }
}

impl AttributeValue {
    /// The attribute's name.
    pub fn name(&self) -> AttributeName {
        match self {
            Self::Vendor(attribute) => AttributeName::Vendor {
                vendor: attribute.vendor.clone(),
                name: attribute.name.clone(),
            },
            Self::Unknown(attribute) => AttributeName::Unknown(attribute.name.clone()),
            known => match known.tag() {
                Some(tag) => AttributeName::Standard(tag),
                None => AttributeName::Unknown(String::new()),
            },
        }
    }
}

// Sorted by tag. A version after the rules: the attribute is younger than its tag.
attributes! {
    ActivationDate: DateTime = ActivationDate, "sc";
    ApplicationSpecificInformation: ApplicationSpecificInformation =
        ApplicationSpecificInformation, "mscd";
    ArchiveDate: DateTime = ArchiveDate, "";
    CertificateIdentifier: CertificateIdentifier = CertificateIdentifier, "";
    CertificateIssuer: CertificateIssuer = CertificateIssuer, "";
    CertificateSubject: CertificateSubject = CertificateSubject, "";
    CertificateType: CertificateType = CertificateType, "";
    CompromiseDate: DateTime = CompromiseDate, "";
    CompromiseOccurrenceDate: DateTime = CompromiseOccurrenceDate, "";
    ContactInformation: String = ContactInformation, "scd";
    CryptographicAlgorithm: CryptographicAlgorithm = CryptographicAlgorithm, "s";
    CryptographicDomainParameters: CryptographicDomainParameters =
        CryptographicDomainParameters, "s";
    CryptographicLength: i32 = CryptographicLength, "s";
    CryptographicParameters: CryptographicParameters = CryptographicParameters, "mscd";
    CryptographicUsageMask: CryptographicUsageMask = CryptographicUsageMask, "s";
    DeactivationDate: DateTime = DeactivationDate, "sc";
    DestroyDate: DateTime = DestroyDate, "";
    Digest: Digest = Digest, "m";
    InitialDate: DateTime = InitialDate, "";
    KeyFormatType: KeyFormatType = KeyFormatType, "", V2_0;
    LastChangeDate: DateTime = LastChangeDate, "";
    LeaseTime: Interval = LeaseTime, "";
    Link: Link = Link, "mscd";
    Name: Name = Name, "mscd";
    ObjectGroup: String = ObjectGroup, "mscd";
    ObjectType: ObjectType = ObjectType, "";
    OpaqueDataType: OpaqueDataType = OpaqueDataType, "", V2_0;
    OperationPolicyName: String = OperationPolicyName, "s";
    ProcessStartDate: DateTime = ProcessStartDate, "sc";
    ProtectStopDate: DateTime = ProtectStopDate, "sc";
    RevocationReason: RevocationReason = RevocationReason, "";
    State: State = State, "";
    UniqueIdentifier: UniqueIdentifier = UniqueIdentifier, "";
    UsageLimits: UsageLimits = UsageLimits, "scd";
    Fresh: bool = Fresh, "s";
    CertificateLength: i32 = CertificateLength, "";
    DigitalSignatureAlgorithm: DigitalSignatureAlgorithm = DigitalSignatureAlgorithm, "m";
    X509CertificateIdentifier: X509CertificateIdentifier = X_509CertificateIdentifier, "";
    X509CertificateIssuer: X509CertificateIssuer = X_509CertificateIssuer, "";
    X509CertificateSubject: X509CertificateSubject = X_509CertificateSubject, "";
    KeyValueLocation: KeyValueLocation = KeyValueLocation, "mscd";
    KeyValuePresent: bool = KeyValuePresent, "";
    OriginalCreationDate: DateTime = OriginalCreationDate, "s";
    AlternativeName: AlternativeName = AlternativeName, "mscd";
    RandomNumberGenerator: RNGParameters = RandomNumberGenerator, "s";
    Pkcs12FriendlyName: String = PKCS_12FriendlyName, "scd";
    Description: String = Description, "scd";
    Comment: String = Comment, "scd";
    CertificateSubjectCN: String = CertificateSubjectCN, "m", V2_0;
    CertificateSubjectO: String = CertificateSubjectO, "m", V2_0;
    CertificateSubjectOU: String = CertificateSubjectOU, "m", V2_0;
    CertificateSubjectEmail: String = CertificateSubjectEmail, "m", V2_0;
    CertificateSubjectC: String = CertificateSubjectC, "m", V2_0;
    CertificateSubjectST: String = CertificateSubjectST, "m", V2_0;
    CertificateSubjectL: String = CertificateSubjectL, "m", V2_0;
    CertificateSubjectUID: String = CertificateSubjectUID, "m", V2_0;
    CertificateSubjectSerialNumber: String = CertificateSubjectSerialNumber, "m", V2_0;
    CertificateSubjectTitle: String = CertificateSubjectTitle, "m", V2_0;
    CertificateSubjectDC: String = CertificateSubjectDC, "m", V2_0;
    CertificateSubjectDNQualifier: String = CertificateSubjectDNQualifier, "m", V2_0;
    CertificateIssuerCN: String = CertificateIssuerCN, "m", V2_0;
    CertificateIssuerO: String = CertificateIssuerO, "m", V2_0;
    CertificateIssuerOU: String = CertificateIssuerOU, "m", V2_0;
    CertificateIssuerEmail: String = CertificateIssuerEmail, "m", V2_0;
    CertificateIssuerC: String = CertificateIssuerC, "m", V2_0;
    CertificateIssuerST: String = CertificateIssuerST, "m", V2_0;
    CertificateIssuerL: String = CertificateIssuerL, "m", V2_0;
    CertificateIssuerUID: String = CertificateIssuerUID, "m", V2_0;
    CertificateIssuerSerialNumber: String = CertificateIssuerSerialNumber, "m", V2_0;
    CertificateIssuerTitle: String = CertificateIssuerTitle, "m", V2_0;
    CertificateIssuerDC: String = CertificateIssuerDC, "m", V2_0;
    CertificateIssuerDNQualifier: String = CertificateIssuerDNQualifier, "m", V2_0;
    Sensitive: bool = Sensitive, "sc";
    AlwaysSensitive: bool = AlwaysSensitive, "";
    Extractable: bool = Extractable, "sc";
    NeverExtractable: bool = NeverExtractable, "";
    ShortUniqueIdentifier: Vec<u8> = ShortUniqueIdentifier, "";
    NISTKeyType: NISTKeyType = NISTKeyType, "ms";
    ProtectionLevel: ProtectionLevel = ProtectionLevel, "scd";
    ProtectionPeriod: Interval = ProtectionPeriod, "scd";
    QuantumSafe: bool = QuantumSafe, "scd";
    ProtectionStorageMask: ProtectionStorageMask = ProtectionStorageMask, "s";
    RotateInterval: Interval = RotateInterval, "s";
    RotateAutomatic: bool = RotateAutomatic, "s";
    RotateOffset: Interval = RotateOffset, "s";
    RotateDate: DateTime = RotateDate, "";
    RotateGeneration: i32 = RotateGeneration, "";
    RotateName: RotateName = RotateName, "scd";
    RotateLatest: bool = RotateLatest, "";
}
