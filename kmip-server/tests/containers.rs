//! PKCS#12: private keys handed out with their certificates, and taken, as `openssl pkcs12` reads and writes them.

use std::path::Path;
use std::process::Command;

use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeValue as A, Link, TemplateAttribute, UniqueIdentifier};
use keybridge_kmip::enums::{
    CryptographicAlgorithm as Algorithm, CryptographicUsageMask as Mask, KeyFormatType, LinkType,
    ObjectType, ResultReason, SecretDataType,
};
use keybridge_kmip::objects::{KeyBlock, KeyMaterial, KeyValue, ManagedObject, SecretData};
use keybridge_kmip::operations::{
    AddAttributeRequest, CertifyRequest, CreateKeyPairRequest, ExportRequest, GetAttributesRequest,
    GetRequest, RegisterRequest, RevokeRequest,
};
use keybridge_kmip::wire::DateTime;

use crate::harness::{House, payload};

const V2_1: Version = Version::V2_1;
const PASSWORD: &str = "pässword";

fn attributes(values: impl IntoIterator<Item = A>) -> TemplateAttribute {
    values.into_iter().collect()
}

fn secret(house: &House, kind: SecretDataType, active: bool) -> UniqueIdentifier {
    let data = SecretData {
        kind,
        key_block: KeyBlock::from_bytes(KeyFormatType::Opaque, PASSWORD.as_bytes().to_vec(), None),
    };
    let active = active.then_some(A::ActivationDate(DateTime(1)));
    let request = RegisterRequest {
        object_type: ObjectType::SecretData,
        attributes: attributes(active),
        object: ManagedObject::SecretData(data).into(),
        protection_storage_masks: None,
    };
    payload!(house.ok(V2_1, request), Register).unique_identifier
}

fn password_link(to: &UniqueIdentifier) -> A {
    A::Link(Link {
        kind: LinkType::PKCS_12PasswordLink,
        linked_object: to.clone(),
    })
}

fn add(house: &House, to: &UniqueIdentifier, value: A) {
    let request = AddAttributeRequest {
        unique_identifier: Some(to.clone()),
        attribute: keybridge_kmip::attributes::Attribute::from(value).into(),
    };
    house.ok(V2_1, request);
}

fn pair(house: &House, algorithm: Algorithm, bits: i32, mask: Mask) -> [UniqueIdentifier; 2] {
    let request = CreateKeyPairRequest {
        common: Some(attributes([
            A::CryptographicAlgorithm(algorithm),
            A::CryptographicLength(bits),
            A::CryptographicUsageMask(mask),
            A::ActivationDate(DateTime(1)),
        ])),
        ..Default::default()
    };
    let made = payload!(house.ok(V2_1, request), CreateKeyPair);
    [
        made.private_key_unique_identifier,
        made.public_key_unique_identifier,
    ]
}

fn certified(house: &House, public: &UniqueIdentifier, subject: &str) -> UniqueIdentifier {
    let request = CertifyRequest {
        unique_identifier: Some(public.clone()),
        attributes: Some(attributes([A::CertificateSubjectCN(subject.into())])),
        ..Default::default()
    };
    payload!(house.ok(V2_1, request), Certify).unique_identifier
}

fn get(id: &UniqueIdentifier, format: Option<KeyFormatType>) -> GetRequest {
    GetRequest {
        unique_identifier: Some(id.clone()),
        key_format_type: format,
        ..Default::default()
    }
}

fn bytes_of(object: ManagedObject) -> Vec<u8> {
    let block = object.key_block().unwrap().clone();
    match block.key_value {
        Some(KeyValue::Plain(value)) => match value.key_material {
            KeyMaterial::Bytes(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn container(house: &House, version: Version, id: &UniqueIdentifier) -> Vec<u8> {
    let answer = house.ok(version, get(id, Some(KeyFormatType::PKCS_12)));
    let answer = payload!(answer, Get);
    assert_eq!(answer.object_type, ObjectType::PrivateKey);
    bytes_of(answer.object.0.unwrap())
}

/// What `openssl pkcs12` says of a container.
fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .env("PASSWORD", PASSWORD)
        .output()
        .expect("openssl");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn shown(house: &House, bytes: &[u8]) -> String {
    let folder = house.folder.path();
    std::fs::write(folder.join("key.p12"), bytes).unwrap();
    openssl(
        folder,
        &[
            "pkcs12",
            "-in",
            "key.p12",
            "-passin",
            "env:PASSWORD",
            "-nodes",
        ],
    )
}

#[test]
fn a_key_is_handed_out_with_its_chain() {
    let house = House::new();
    let password = secret(&house, SecretDataType::Password, true);
    let [_, root] = pair(
        &house,
        Algorithm::EC,
        256,
        Mask::Sign | Mask::CertificateSign,
    );
    let root = certified(&house, &root, "root");
    for (algorithm, bits) in [(Algorithm::EC, 384), (Algorithm::RSA, 2048)] {
        let [private, public] = pair(&house, algorithm, bits, Mask::Sign | Mask::Verify);
        assert_eq!(
            house.refused(V2_1, get(&private, Some(KeyFormatType::PKCS_12))),
            ResultReason::BadPassword
        );
        assert_eq!(
            house.refused(Version::V1_4, get(&private, Some(KeyFormatType::PKCS_12))),
            ResultReason::InvalidField
        );
        add(&house, &private, password_link(&password));
        // A key without a certificate.
        let text = shown(&house, &container(&house, V2_1, &private));
        assert!(text.contains("friendlyName: alias"), "{text}");
        assert!(text.contains("PRIVATE KEY") && !text.contains("CERTIFICATE"));
        // With its certificate, and the one above it.
        let leaf = certified(&house, &public, "leaf");
        add(
            &house,
            &leaf,
            A::Link(Link {
                kind: LinkType::CertificateLink,
                linked_object: root.clone(),
            }),
        );
        add(&house, &private, A::Pkcs12FriendlyName("web server".into()));
        for version in [Version::V1_4, Version::V2_0, V2_1] {
            let text = shown(&house, &container(&house, version, &private));
            assert!(text.contains("friendlyName: web server"), "{text}");
            assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2);
            assert_eq!(text.matches("BEGIN PRIVATE KEY").count(), 1);
        }
        // By the certificate's identifier (2.x), and by Export.
        add(&house, &leaf, password_link(&password));
        let text = shown(&house, &container(&house, V2_1, &leaf));
        assert!(text.contains("BEGIN PRIVATE KEY") && text.contains("CN=leaf"));
        let export = ExportRequest {
            unique_identifier: Some(private.clone()),
            key_format_type: Some(KeyFormatType::PKCS_12),
            ..Default::default()
        };
        let exported = payload!(house.ok(V2_1, export), Export);
        shown(&house, &bytes_of(exported.object.0.unwrap()));
        // Two chains are an error.
        add(
            &house,
            &leaf,
            A::Link(Link {
                kind: LinkType::CertificateLink,
                linked_object: leaf.clone(),
            }),
        );
        assert_eq!(
            house.refused(V2_1, get(&private, Some(KeyFormatType::PKCS_12))),
            ResultReason::InvalidField
        );
    }
}

#[test]
fn only_an_active_password_protects() {
    let house = House::new();
    let [private, _] = pair(&house, Algorithm::EC, 256, Mask::Sign);
    for bad in [
        secret(&house, SecretDataType::Seed, true),
        secret(&house, SecretDataType::Password, false),
        private.clone(),
    ] {
        let [private, _] = pair(&house, Algorithm::EC, 256, Mask::Sign);
        add(&house, &private, password_link(&bad));
        assert_eq!(
            house.refused(V2_1, get(&private, Some(KeyFormatType::PKCS_12))),
            ResultReason::BadPassword
        );
    }
    let (one, two) = (
        secret(&house, SecretDataType::Password, true),
        secret(&house, SecretDataType::Password, true),
    );
    add(&house, &private, password_link(&one));
    container(&house, V2_1, &private);
    add(&house, &private, password_link(&two));
    assert_eq!(
        house.refused(V2_1, get(&private, Some(KeyFormatType::PKCS_12))),
        ResultReason::BadPassword
    );
    // Symmetric keys have no such form.
    let opaque = secret(&house, SecretDataType::Password, true);
    add(&house, &opaque, password_link(&one));
    assert_eq!(
        house.refused(V2_1, get(&opaque, Some(KeyFormatType::PKCS_12))),
        ResultReason::KeyFormatTypeNotSupported
    );
    let revoke = RevokeRequest {
        unique_identifier: Some(one),
        revocation_reason: keybridge_kmip::attributes::RevocationReason {
            code: keybridge_kmip::enums::RevocationReasonCode::Superseded,
            message: None,
        },
        compromise_occurrence_date: None,
    };
    house.ok(V2_1, revoke);
}

fn register(bytes: &[u8], values: impl IntoIterator<Item = A>) -> RegisterRequest {
    let block = KeyBlock::from_bytes(KeyFormatType::PKCS_12, bytes.to_vec(), None);
    RegisterRequest {
        object_type: ObjectType::PrivateKey,
        attributes: attributes(values),
        object: ManagedObject::PrivateKey(block.into()).into(),
        protection_storage_masks: None,
    }
}

#[test]
fn what_openssl_makes_is_taken_with_its_chain() {
    let house = House::new();
    let folder = house.folder.path().to_owned();
    openssl(
        &folder,
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "own.key",
            "-out",
            "own.crt",
            "-subj",
            "/CN=own",
            "-days",
            "10",
        ],
    );
    openssl(
        &folder,
        &[
            "pkcs12",
            "-export",
            "-inkey",
            "own.key",
            "-in",
            "own.crt",
            "-name",
            "Own Key",
            "-out",
            "own.p12",
            "-passout",
            "env:PASSWORD",
        ],
    );
    let bytes = std::fs::read(folder.join("own.p12")).unwrap();
    let password = secret(&house, SecretDataType::Password, true);
    let usable = || {
        [
            A::CryptographicUsageMask(Mask::Sign),
            A::ActivationDate(DateTime(1)),
            password_link(&password),
        ]
    };
    let id = payload!(house.ok(V2_1, register(&bytes, usable())), Register).unique_identifier;
    let request = GetAttributesRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    };
    let seen = payload!(house.ok(V2_1, request), GetAttributes)
        .attributes
        .0;
    let seen: Vec<A> = seen.into_iter().map(|attribute| attribute.value).collect();
    assert!(
        seen.contains(&A::Pkcs12FriendlyName("Own Key".into())),
        "{seen:?}"
    );
    assert!(seen.contains(&A::CryptographicLength(256)));
    assert!(seen.contains(&A::KeyFormatType(KeyFormatType::PKCS_12)));
    // In the format that it came in, and in others.
    let back = payload!(house.ok(V2_1, get(&id, None)), Get);
    let text = shown(&house, &bytes_of(back.object.0.unwrap()));
    assert!(text.contains("friendlyName: Own Key"));
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 1);
    house.ok(V2_1, get(&id, Some(KeyFormatType::PKCS_8)));
    // By its name, in any case of letters; by another there is none.
    let named = |name: &str| {
        usable()
            .into_iter()
            .chain([A::Pkcs12FriendlyName(name.into())])
    };
    house.ok(V2_1, register(&bytes, named("own key")));
    assert_eq!(
        house.refused(V2_1, register(&bytes, named("other"))),
        ResultReason::InvalidField
    );
    // Without the password, and cut at every length.
    assert_eq!(
        house.refused(V2_1, register(&bytes, [])),
        ResultReason::BadPassword
    );
    for cut in (0..bytes.len()).step_by(7) {
        assert_eq!(
            house.refused(V2_1, register(&bytes[..cut], usable())),
            ResultReason::InvalidField,
            "{cut}"
        );
    }
    let mut spoiled = bytes.clone();
    spoiled[200] ^= 1;
    assert_eq!(
        house.refused(V2_1, register(&spoiled, usable())),
        ResultReason::InvalidField
    );
    assert_eq!(
        house.refused(V2_1, register(&vec![0x30; 70_000], usable())),
        ResultReason::InvalidField
    );
}
