//! Certificates that the bridge makes, makes again and validates.

use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeValue as A, Name, TemplateAttribute, UniqueIdentifier};
use keybridge_kmip::enums::{
    CertificateRequestType, CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask,
    ResultReason, ValidityIndicator,
};
use keybridge_kmip::objects::ManagedObject;
use keybridge_kmip::operations::{
    CertifyRequest, CreateKeyPairRequest, GetRequest, LocateRequest, ReCertifyRequest,
    ValidateRequest,
};
use keybridge_kmip::wire::{DateTime, Interval};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::harness::{House, payload};

const V1_4: Version = Version::V1_4;
const V2_1: Version = Version::V2_1;

pub(crate) fn pair(house: &House, algorithm: Algorithm, bits: i32, mask: Mask) -> UniqueIdentifier {
    let common: TemplateAttribute = [
        A::CryptographicAlgorithm(algorithm),
        A::CryptographicLength(bits),
        A::CryptographicUsageMask(mask),
        A::ActivationDate(DateTime(1)),
    ]
    .into_iter()
    .collect();
    let request = CreateKeyPairRequest {
        common: Some(common),
        ..Default::default()
    };
    payload!(house.ok(V2_1, request), CreateKeyPair).public_key_unique_identifier
}

fn named(subject: &str) -> TemplateAttribute {
    [
        A::CertificateSubjectCN(subject.into()),
        A::Name(Name::text(subject)),
    ]
    .into_iter()
    .collect()
}

#[track_caller]
pub(crate) fn certified(
    house: &House,
    public: &UniqueIdentifier,
    subject: &str,
) -> UniqueIdentifier {
    let request = CertifyRequest {
        unique_identifier: Some(public.clone()),
        attributes: Some(named(subject)),
        ..Default::default()
    };
    payload!(house.ok(V2_1, request), Certify).unique_identifier
}

fn parsed(house: &House, id: &UniqueIdentifier) -> Certificate {
    let get = GetRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    };
    match payload!(house.ok(V2_1, get), Get).object.0 {
        Some(ManagedObject::Certificate(certificate)) => {
            Certificate::from_der(&certificate.value).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

fn validate(house: &House, ids: &[&UniqueIdentifier], date: Option<i64>) -> ValidityIndicator {
    let request = ValidateRequest {
        certificates: Vec::new(),
        unique_identifiers: ids.iter().map(|id| (*id).clone()).collect(),
        validity_date: date.map(DateTime),
    };
    payload!(house.ok(V2_1, request), Validate).validity_indicator
}

#[test]
fn an_authority_certifies_keys_of_every_kind() {
    let house = House::new();
    for (algorithm, bits) in [
        (Algorithm::ECDSA, 256),
        (Algorithm::ECDSA, 384),
        (Algorithm::RSA, 2048),
        (Algorithm::Ed25519, 256),
    ] {
        let house_of_kind = House::new();
        let authority = pair(
            &house_of_kind,
            algorithm,
            bits,
            Mask::Sign | Mask::CertificateSign,
        );
        let root = certified(&house_of_kind, &authority, "root");
        let key = pair(&house_of_kind, Algorithm::RSA, 2048, Mask::Sign);
        let leaf = certified(&house_of_kind, &key, "leaf");
        let certificate = parsed(&house_of_kind, &leaf);
        let inner = certificate.tbs_certificate();
        assert_eq!(inner.issuer().to_string(), "CN=root");
        assert_eq!(inner.subject().to_string(), "CN=leaf");
        let valid = ValidityIndicator::Valid;
        assert_eq!(validate(&house_of_kind, &[&leaf, &root], None), valid);
        assert_eq!(
            validate(&house_of_kind, &[&leaf], None),
            ValidityIndicator::Unknown
        );
        assert_eq!(
            validate(&house_of_kind, &[&leaf, &root], Some(1)),
            ValidityIndicator::Invalid
        );
    }
    let key = pair(&house, Algorithm::RSA, 2048, Mask::Sign);
    let request = CertifyRequest {
        unique_identifier: Some(key),
        ..Default::default()
    };
    assert_eq!(
        house.refused(V2_1, request),
        ResultReason::FeatureNotSupported
    );
}

#[test]
fn a_request_is_certified_and_proves_its_key() {
    let house = House::new();
    let mask = Mask::Sign | Mask::CertificateSign;
    let authority = pair(&house, Algorithm::ECDSA, 256, mask);
    certified(&house, &authority, "root");
    let own = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["host.example".into()]).unwrap();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "host");
    let csr = params.serialize_request(&own).unwrap();
    let certify = |kind, request: Vec<u8>| CertifyRequest {
        certificate_request_type: Some(kind),
        certificate_request: Some(request),
        ..Default::default()
    };
    for (kind, request) in [
        (CertificateRequestType::PKCS_10, csr.der().to_vec()),
        (CertificateRequestType::PEM, csr.pem().unwrap().into_bytes()),
    ] {
        let id = payload!(house.ok(V1_4, certify(kind, request)), Certify).unique_identifier;
        let certificate = parsed(&house, &id);
        let subject = certificate.tbs_certificate().subject().to_string();
        assert!(subject.contains("CN=host"), "{subject}");
    }
    let mut spoiled = csr.der().to_vec();
    let last = spoiled.len() - 1;
    spoiled[last] ^= 1;
    assert_eq!(
        house.refused(V2_1, certify(CertificateRequestType::PKCS_10, spoiled)),
        ResultReason::InvalidCSR
    );
}

#[test]
fn a_new_certificate_takes_the_name() {
    let house = House::new();
    let mask = Mask::Sign | Mask::CertificateSign;
    let authority = pair(&house, Algorithm::ECDSA, 256, mask);
    certified(&house, &authority, "root");
    let key = pair(&house, Algorithm::ECDSA, 256, Mask::Sign);
    let old = certified(&house, &key, "leaf");
    let request = ReCertifyRequest {
        unique_identifier: Some(old.clone()),
        offset: Some(Interval(60)),
        ..Default::default()
    };
    let new = payload!(house.ok(V1_4, request), ReCertify).unique_identifier;
    assert_ne!(new, old);
    let locate = LocateRequest {
        attributes: vec![A::Name(Name::text("leaf")).into()].into(),
        ..Default::default()
    };
    let found = payload!(house.ok(V1_4, locate), Locate).unique_identifiers;
    assert_eq!(found, [new]);
}
