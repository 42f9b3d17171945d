//! Attributes that are read out of a certificate.

use std::net::IpAddr;

use keybridge_core::{KeySpec, Object, ObjectClass, encoding};
use keybridge_kmip::Tag;
use keybridge_kmip::attributes::{
    Attribute, AttributeValue as A, CertificateIdentifier, CertificateIssuer, CertificateSubject,
    X509CertificateIdentifier, X509CertificateIssuer, X509CertificateSubject,
};
use keybridge_kmip::enums::DigitalSignatureAlgorithm as Signature;
use x509_cert::der::asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::der::{Decode, Encode, Tag as DerTag, Tagged};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{IssuerAltName, SubjectAltName};
use x509_cert::name::Name;
use x509_cert::{Certificate, TbsCertificate};

type Make = fn(String) -> A;

/// The parts of a name (2.1 section 4.6): tag for the subject, tag for the issuer, attribute type
/// (RFC 4519, RFC 2985), and how the two are made.
const PARTS: &[(Tag, Tag, ObjectIdentifier, Make, Make)] = &[
    (
        Tag::CertificateSubjectCN,
        Tag::CertificateIssuerCN,
        ObjectIdentifier::new_unwrap("2.5.4.3"),
        A::CertificateSubjectCN,
        A::CertificateIssuerCN,
    ),
    (
        Tag::CertificateSubjectO,
        Tag::CertificateIssuerO,
        ObjectIdentifier::new_unwrap("2.5.4.10"),
        A::CertificateSubjectO,
        A::CertificateIssuerO,
    ),
    (
        Tag::CertificateSubjectOU,
        Tag::CertificateIssuerOU,
        ObjectIdentifier::new_unwrap("2.5.4.11"),
        A::CertificateSubjectOU,
        A::CertificateIssuerOU,
    ),
    (
        Tag::CertificateSubjectEmail,
        Tag::CertificateIssuerEmail,
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1"),
        A::CertificateSubjectEmail,
        A::CertificateIssuerEmail,
    ),
    (
        Tag::CertificateSubjectC,
        Tag::CertificateIssuerC,
        ObjectIdentifier::new_unwrap("2.5.4.6"),
        A::CertificateSubjectC,
        A::CertificateIssuerC,
    ),
    (
        Tag::CertificateSubjectST,
        Tag::CertificateIssuerST,
        ObjectIdentifier::new_unwrap("2.5.4.8"),
        A::CertificateSubjectST,
        A::CertificateIssuerST,
    ),
    (
        Tag::CertificateSubjectL,
        Tag::CertificateIssuerL,
        ObjectIdentifier::new_unwrap("2.5.4.7"),
        A::CertificateSubjectL,
        A::CertificateIssuerL,
    ),
    (
        Tag::CertificateSubjectUID,
        Tag::CertificateIssuerUID,
        ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"),
        A::CertificateSubjectUID,
        A::CertificateIssuerUID,
    ),
    (
        Tag::CertificateSubjectSerialNumber,
        Tag::CertificateIssuerSerialNumber,
        ObjectIdentifier::new_unwrap("2.5.4.5"),
        A::CertificateSubjectSerialNumber,
        A::CertificateIssuerSerialNumber,
    ),
    (
        Tag::CertificateSubjectTitle,
        Tag::CertificateIssuerTitle,
        ObjectIdentifier::new_unwrap("2.5.4.12"),
        A::CertificateSubjectTitle,
        A::CertificateIssuerTitle,
    ),
    (
        Tag::CertificateSubjectDC,
        Tag::CertificateIssuerDC,
        ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"),
        A::CertificateSubjectDC,
        A::CertificateIssuerDC,
    ),
    (
        Tag::CertificateSubjectDNQualifier,
        Tag::CertificateIssuerDNQualifier,
        ObjectIdentifier::new_unwrap("2.5.4.46"),
        A::CertificateSubjectDNQualifier,
        A::CertificateIssuerDNQualifier,
    ),
];

/// What certificates are signed with (RFC 8017 appendix C, RFC 5758, RFC 8692).
const SIGNATURES: &[(ObjectIdentifier, Signature)] = &[
    (oid("1.2.840.113549.1.1.2"), Signature::MD2WithRSAEncryption),
    (oid("1.2.840.113549.1.1.4"), Signature::MD5WithRSAEncryption),
    (
        oid("1.2.840.113549.1.1.5"),
        Signature::SHA_1WithRSAEncryption,
    ),
    (
        oid("1.2.840.113549.1.1.14"),
        Signature::SHA_224WithRSAEncryption,
    ),
    (
        oid("1.2.840.113549.1.1.11"),
        Signature::SHA_256WithRSAEncryption,
    ),
    (
        oid("1.2.840.113549.1.1.12"),
        Signature::SHA_384WithRSAEncryption,
    ),
    (
        oid("1.2.840.113549.1.1.13"),
        Signature::SHA_512WithRSAEncryption,
    ),
    (oid("1.2.840.113549.1.1.10"), Signature::RSASSA_PSS),
    (oid("1.2.840.10040.4.3"), Signature::DSAWithSHA_1),
    (oid("2.16.840.1.101.3.4.3.1"), Signature::DSAWithSHA224),
    (oid("2.16.840.1.101.3.4.3.2"), Signature::DSAWithSHA256),
    (oid("1.2.840.10045.4.1"), Signature::ECDSAWithSHA_1),
    (oid("1.2.840.10045.4.3.1"), Signature::ECDSAWithSHA224),
    (oid("1.2.840.10045.4.3.2"), Signature::ECDSAWithSHA256),
    (oid("1.2.840.10045.4.3.3"), Signature::ECDSAWithSHA384),
    (oid("1.2.840.10045.4.3.4"), Signature::ECDSAWithSHA512),
];

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// What a certificate is signed with (1.4 section 3.16), where the standard has a number for it.
pub(super) fn signature_algorithm(object: &Object) -> Option<Signature> {
    let parsed = Certificate::from_der(value(object)?).ok()?;
    let algorithm = parsed.signature_algorithm().oid;
    let row = SIGNATURES.iter().find(|row| row.0 == algorithm);
    row.map(|row| row.1)
}

/// The DER encoding of a certificate; none for other objects.
pub(super) fn value(object: &Object) -> Option<&[u8]> {
    if object.class != ObjectClass::Certificate {
        return None;
    }
    object.public_value()
}

/// The kind of the public key in a certificate.
pub(super) fn key_spec(object: &Object) -> Option<KeySpec> {
    let parsed = Certificate::from_der(value(object)?).ok()?;
    let spki = parsed.tbs_certificate().subject_public_key_info();
    encoding::public_key_spec(&spki.to_der().ok()?).ok()
}

/// Whether an attribute is a part of a certificate's name.
pub(super) fn is_name_part(tag: Tag) -> bool {
    PARTS.iter().any(|row| row.0 == tag || row.1 == tag)
}

/// The instances of a part of a certificate's name.
pub(super) fn name_parts(object: &Object, tag: Tag) -> Vec<Attribute> {
    let Some(parsed) = value(object).and_then(|der| Certificate::from_der(der).ok()) else {
        return Vec::new();
    };
    let inner = parsed.tbs_certificate();
    let row = PARTS.iter().find(|row| row.0 == tag || row.1 == tag);
    let Some((subject, _, kind, of_subject, of_issuer)) = row else {
        return Vec::new();
    };
    let (name, make) = if *subject == tag {
        (inner.subject(), of_subject)
    } else {
        (inner.issuer(), of_issuer)
    };
    texts(name, *kind)
        .into_iter()
        .map(|text| make(text).into())
        .collect()
}

/// The values of one attribute type in a name.
pub(crate) fn texts(name: &Name, kind: ObjectIdentifier) -> Vec<String> {
    let all = name.as_ref().iter().flat_map(|part| part.iter());
    all.filter(|one| one.oid == kind)
        .filter_map(|one| {
            let value = &one.value;
            let text = match value.tag() {
                DerTag::Utf8String => value
                    .decode_as::<Utf8StringRef<'_>>()
                    .ok()?
                    .as_str()
                    .to_owned(),
                DerTag::PrintableString => value
                    .decode_as::<PrintableStringRef<'_>>()
                    .ok()?
                    .as_str()
                    .to_owned(),
                DerTag::Ia5String => value
                    .decode_as::<Ia5StringRef<'_>>()
                    .ok()?
                    .as_str()
                    .to_owned(),
                _ => return None,
            };
            Some(text)
        })
        .collect()
}

/// Alternative names of a certificate's subject.
pub(crate) fn subject_names(certificate: &TbsCertificate) -> Vec<GeneralName> {
    let names = certificate.get_extension::<SubjectAltName>();
    names
        .ok()
        .flatten()
        .map_or_else(Vec::new, |found| found.1.0)
}

fn issuer_names(certificate: &TbsCertificate) -> Vec<GeneralName> {
    let names = certificate.get_extension::<IssuerAltName>();
    names
        .ok()
        .flatten()
        .map_or_else(Vec::new, |found| found.1.0)
}

/// A DNS name, an e-mail address, a URI or an address, as people write it; none for other kinds of names.
pub(crate) fn readable_name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::Rfc822Name(name) => Some(name.as_str().to_owned()),
        GeneralName::UniformResourceIdentifier(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let short = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            let address = short.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn readable(names: &[GeneralName]) -> Vec<String> {
    names.iter().filter_map(readable_name).collect()
}

fn encoded(names: &[GeneralName]) -> Vec<Vec<u8>> {
    names.iter().filter_map(|name| name.to_der().ok()).collect()
}

/// Identifier, issuer or subject of a certificate, as structures of DER.
pub(super) fn names(object: &Object, tag: Tag) -> Option<A> {
    let parsed = Certificate::from_der(value(object)?).ok()?;
    let inner = parsed.tbs_certificate();
    let issuer = inner.issuer().to_der().ok()?;
    Some(match tag {
        Tag::X_509CertificateIdentifier => {
            A::X509CertificateIdentifier(X509CertificateIdentifier {
                issuer_distinguished_name: issuer,
                certificate_serial_number: inner.serial_number().to_der().ok()?,
            })
        }
        Tag::X_509CertificateIssuer => A::X509CertificateIssuer(X509CertificateIssuer {
            issuer_distinguished_name: issuer,
            issuer_alternative_name: encoded(&issuer_names(inner)),
        }),
        _ => A::X509CertificateSubject(X509CertificateSubject {
            subject_distinguished_name: inner.subject().to_der().ok()?,
            subject_alternative_name: encoded(&subject_names(inner)),
        }),
    })
}

/// The same as text, in the form of RFC 4514: what 1.0 has, and 1.1 to 1.4 have still (1.4 sections 3.13 to
/// 3.15).
pub(super) fn text_names(object: &Object, tag: Tag) -> Option<A> {
    let parsed = Certificate::from_der(value(object)?).ok()?;
    let inner = parsed.tbs_certificate();
    let issuer = inner.issuer().to_string();
    Some(match tag {
        Tag::CertificateIdentifier => {
            // The number, without the byte that keeps its DER encoding positive (TC-ECC-3).
            let serial = match inner.serial_number().as_bytes() {
                [0, rest @ ..] if !rest.is_empty() => rest,
                serial => serial,
            };
            let hex = serial.iter().map(|byte| format!("{byte:02X}"));
            A::CertificateIdentifier(CertificateIdentifier {
                issuer,
                serial_number: Some(hex.collect()),
            })
        }
        Tag::CertificateIssuer => A::CertificateIssuer(CertificateIssuer {
            distinguished_name: issuer,
            alternative_name: readable(&issuer_names(inner)),
        }),
        _ => A::CertificateSubject(CertificateSubject {
            distinguished_name: inner.subject().to_string(),
            alternative_name: readable(&subject_names(inner)),
        }),
    })
}
