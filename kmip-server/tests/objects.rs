//! Objects of every type: registered, handed out, exported, imported, wrapped in every way.

use keybridge_kmip::Version;
use keybridge_kmip::attributes::{
    AttributeList, AttributeValue as A, CryptographicParameters, KeyValueLocation, Name,
    TemplateAttribute, UniqueIdentifier,
};
use keybridge_kmip::enums::{
    BlockCipherMode, CertificateRequestType, CryptographicAlgorithm as Algorithm,
    CryptographicUsageMask as Mask, EncodingOption, HashingAlgorithm, KeyFormatType,
    KeyValueLocationType, KeyWrapType, ObjectType, PaddingMethod, ResultReason, SplitKeyMethod,
    State, WrappingMethod,
};
use keybridge_kmip::item::BigInteger;
use keybridge_kmip::objects::{
    CertificateRequest, KeyBlock, KeyInformation, KeyMaterial, KeyWrappingSpecification,
    ManagedObject, PGPKey, SplitKey, Template, TransparentDHPublicKey, WrappedAttributeNames,
};
use keybridge_kmip::operations::{
    CreateKeyPairRequest, CreateRequest, ExportRequest, GetAttributesRequest, GetRequest,
    ImportRequest, RegisterRequest,
};
use keybridge_kmip::wire::DateTime;

use crate::harness::{House, payload};

const V1_2: Version = Version::V1_2;
const V2_1: Version = Version::V2_1;
const ALL: Mask = Mask(0xFFF);

fn attributes(values: impl IntoIterator<Item = A>) -> TemplateAttribute {
    values.into_iter().collect()
}

fn usable() -> TemplateAttribute {
    attributes([
        A::CryptographicUsageMask(ALL),
        A::ActivationDate(DateTime(1)),
    ])
}

#[track_caller]
fn registered(house: &House, version: Version, object: ManagedObject) -> UniqueIdentifier {
    let request = RegisterRequest {
        object_type: object.object_type(),
        attributes: usable(),
        object: object.into(),
        protection_storage_masks: None,
    };
    payload!(house.ok(version, request), Register).unique_identifier
}

fn get(id: &UniqueIdentifier) -> GetRequest {
    GetRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    }
}

#[track_caller]
fn comes_back(house: &House, version: Version, object: &ManagedObject) -> UniqueIdentifier {
    let id = registered(house, version, object.clone());
    let back = payload!(house.ok(version, get(&id)), Get);
    assert_eq!(back.object_type, object.object_type());
    assert_eq!(back.object.0.as_ref(), Some(object));
    id
}

fn aes_block(bytes: &[u8]) -> KeyBlock {
    let bits = i32::try_from(bytes.len() * 8).unwrap();
    KeyBlock::from_bytes(KeyFormatType::Raw, bytes, Some((Algorithm::AES, bits)))
}

#[test]
fn every_type_comes_back_as_it_was() {
    let house = House::new();
    comes_back(
        &house,
        V2_1,
        &ManagedObject::SplitKey(SplitKey {
            parts: 3,
            part_identifier: 2,
            threshold: 2,
            method: SplitKeyMethod::PolynomialSharingPrimeField,
            prime_field_size: Some(BigInteger::from_unsigned(&[0xFF; 17])),
            key_block: aes_block(&[7; 16]),
        }),
    );
    comes_back(
        &house,
        V2_1,
        &ManagedObject::PGPKey(PGPKey {
            version: 4,
            key_block: KeyBlock::from_bytes(KeyFormatType::Raw, b"armour".as_slice(), None),
        }),
    );
    comes_back(
        &house,
        V2_1,
        &ManagedObject::CertificateRequest(CertificateRequest {
            kind: CertificateRequestType::PKCS_10,
            value: vec![0x30, 0],
        }),
    );
    comes_back(
        &house,
        V1_2,
        &ManagedObject::Template(Template {
            attributes: AttributeList(vec![A::CryptographicLength(128).into()]),
        }),
    );
    let number = |byte| BigInteger::from_unsigned(&[byte; 8]);
    let material = KeyMaterial::DHPublic(TransparentDHPublicKey {
        p: number(0x7F),
        q: None,
        g: number(2),
        j: None,
        y: number(3),
    });
    let mut block = KeyBlock::from_bytes(
        KeyFormatType::TransparentDHPublicKey,
        Vec::new(),
        Some((Algorithm::DH, 64)),
    );
    block.key_value = Some(keybridge_kmip::objects::KeyValue::Plain(material.into()));
    comes_back(&house, V1_2, &ManagedObject::PublicKey(block.into()));
}

#[test]
fn templates_give_what_a_request_leaves_open() {
    let house = House::new();
    let template = ManagedObject::Template(Template {
        attributes: AttributeList(vec![
            A::CryptographicAlgorithm(Algorithm::AES).into(),
            A::CryptographicLength(128).into(),
            A::ObjectGroup("made by template".into()).into(),
        ]),
    });
    let request = RegisterRequest {
        object_type: ObjectType::Template,
        attributes: attributes([A::Name(Name::text("T"))]),
        object: template.into(),
        protection_storage_masks: None,
    };
    house.ok(V1_2, request);
    let create = |template: &str| CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: TemplateAttribute {
            templates: vec![Name::text(template)],
            attributes: vec![
                A::CryptographicLength(256).into(),
                A::CryptographicUsageMask(ALL).into(),
            ],
        },
        protection_storage_masks: None,
    };
    let id = payload!(house.ok(V1_2, create("T")), Create).unique_identifier;
    let wanted = GetAttributesRequest {
        unique_identifier: Some(id),
        ..Default::default()
    };
    let found = payload!(house.ok(V1_2, wanted), GetAttributes).attributes.0;
    let has = |value: A| found.iter().any(|own| own.value == value);
    assert!(has(A::CryptographicLength(256)));
    assert!(has(A::ObjectGroup("made by template".into())));
    assert_eq!(
        house.refused(V1_2, create("nobody")),
        ResultReason::ItemNotFound
    );
}

#[test]
fn a_key_may_be_kept_elsewhere() {
    let house = House::new();
    let mut block = aes_block(&[0; 16]);
    block.key_value = None;
    let location = A::KeyValueLocation(KeyValueLocation {
        value: "https://vault.example/7".into(),
        kind: KeyValueLocationType::URI,
    });
    let register = |values: Vec<A>| RegisterRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes(values),
        object: ManagedObject::SymmetricKey(block.clone().into()).into(),
        protection_storage_masks: None,
    };
    let mask = A::CryptographicUsageMask(ALL);
    let refused = house.refused(V2_1, register(vec![mask.clone()]));
    assert_eq!(refused, ResultReason::KeyValueNotPresent);
    let id = payload!(house.ok(V2_1, register(vec![mask, location])), Register).unique_identifier;
    assert_eq!(
        house.refused(V2_1, get(&id)),
        ResultReason::KeyValueNotPresent
    );
}

#[test]
fn what_is_exported_is_imported_with_its_past() {
    let house = House::new();
    let object = ManagedObject::SymmetricKey(aes_block(&[9; 32]).into());
    let id = registered(&house, V2_1, object);
    let reason = keybridge_kmip::attributes::RevocationReason {
        code: keybridge_kmip::enums::RevocationReasonCode::KeyCompromise,
        message: None,
    };
    house.ok(
        V2_1,
        keybridge_kmip::operations::RevokeRequest {
            unique_identifier: Some(id.clone()),
            revocation_reason: reason,
            compromise_occurrence_date: Some(DateTime(6)),
        },
    );
    let export = ExportRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    };
    let exported = payload!(house.ok(V2_1, export), Export);
    let import = |replace| ImportRequest {
        unique_identifier: id.clone(),
        object_type: Some(exported.object_type),
        replace_existing: replace,
        key_wrap_type: None,
        attributes: exported.attributes.clone(),
        object: exported.object.clone(),
    };
    assert_eq!(
        house.refused(V2_1, import(None)),
        ResultReason::ObjectAlreadyExists
    );
    let back = payload!(house.ok(V2_1, import(Some(true))), Import);
    assert_eq!(back.unique_identifier, id);
    let other = House::new();
    let there = payload!(other.ok(V2_1, import(None)), Import);
    assert_eq!(there.unique_identifier, id);
    for bridge in [&house, &other] {
        let wanted = GetAttributesRequest {
            unique_identifier: Some(id.clone()),
            ..Default::default()
        };
        let found = payload!(bridge.ok(V2_1, wanted), GetAttributes)
            .attributes
            .0;
        let has = |value: A| found.iter().any(|own| own.value == value);
        assert!(has(A::State(State::Compromised)));
        assert!(has(A::CompromiseOccurrenceDate(DateTime(6))));
        let got = payload!(bridge.ok(V2_1, get(&id)), Get);
        assert_eq!(got.object, exported.object);
    }
}

/// The wrapping specifications that are tried, by the keys they need.
fn specifications(
    aes: &UniqueIdentifier,
    rsa: &UniqueIdentifier,
    mac: &UniqueIdentifier,
) -> Vec<KeyWrappingSpecification> {
    let key = |id: &UniqueIdentifier, parameters| KeyInformation {
        unique_identifier: id.clone(),
        cryptographic_parameters: Some(parameters),
    };
    let mode = |mode, padding| CryptographicParameters {
        block_cipher_mode: Some(mode),
        padding_method: padding,
        ..Default::default()
    };
    let oaep = CryptographicParameters {
        padding_method: Some(PaddingMethod::OAEP),
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..Default::default()
    };
    let hmac = CryptographicParameters {
        cryptographic_algorithm: Some(Algorithm::HMAC_SHA256),
        ..Default::default()
    };
    let wrap = mode(BlockCipherMode::NISTKeyWrap, None);
    let encrypting = [
        key(aes, wrap.clone()),
        key(aes, mode(BlockCipherMode::AESKeyWrapPadding, None)),
        key(aes, mode(BlockCipherMode::CBC, Some(PaddingMethod::PKCS5))),
        key(aes, mode(BlockCipherMode::GCM, None)),
        key(rsa, oaep),
    ];
    let specification = |method, encryption_key, mac_signature_key| KeyWrappingSpecification {
        wrapping_method: method,
        encryption_key,
        mac_signature_key,
        attribute_names: WrappedAttributeNames::default(),
        encoding_option: None,
    };
    let proof = || Some(key(mac, hmac.clone()));
    let both = || Some(key(aes, wrap.clone()));
    let mut all: Vec<_> = encrypting
        .into_iter()
        .map(|key| specification(WrappingMethod::Encrypt, Some(key), None))
        .collect();
    all.push(specification(WrappingMethod::MACSign, None, proof()));
    all.push(specification(
        WrappingMethod::EncryptThenMACSign,
        both(),
        proof(),
    ));
    all.push(specification(
        WrappingMethod::MACSignThenEncrypt,
        both(),
        proof(),
    ));
    all
}

#[test]
fn keys_travel_by_every_wrapping_method() {
    let house = House::new();
    let object = ManagedObject::SymmetricKey(aes_block(&[3; 32]).into());
    let id = registered(&house, V2_1, object.clone());
    let aes = registered(
        &house,
        V2_1,
        ManagedObject::SymmetricKey(aes_block(&[1; 32]).into()),
    );
    let mac = registered(
        &house,
        V2_1,
        ManagedObject::SymmetricKey(aes_block(&[2; 32]).into()),
    );
    let mut common = usable();
    common
        .attributes
        .extend([A::CryptographicAlgorithm(Algorithm::RSA).into()]);
    common
        .attributes
        .extend([A::CryptographicLength(2048).into()]);
    let pair = CreateKeyPairRequest {
        common: Some(common),
        ..Default::default()
    };
    let pair = payload!(house.ok(V2_1, pair), CreateKeyPair);
    for specification in specifications(&aes, &pair.public_key_unique_identifier, &mac) {
        for encoding in [EncodingOption::NoEncoding, EncodingOption::TTLVEncoding] {
            let mut specification = specification.clone();
            specification.encoding_option = Some(encoding);
            let wrapped = GetRequest {
                key_wrapping_specification: Some(specification.clone()),
                ..get(&id)
            };
            let wrapped = payload!(house.ok(V2_1, wrapped), Get).object.0.unwrap();
            let mut block = wrapped.key_block().unwrap().clone();
            // RSA wraps with the public key and unwraps with the private one.
            if let Some(data) = &mut block.key_wrapping_data
                && let Some(key) = &mut data.encryption_key
                && key.unique_identifier == pair.public_key_unique_identifier
            {
                key.unique_identifier = pair.private_key_unique_identifier.clone();
            }
            let back = registered(
                &house,
                V2_1,
                ManagedObject::SymmetricKey(block.clone().into()),
            );
            let shown = payload!(house.ok(V2_1, get(&back)), Get).object.0;
            assert_eq!(shown.as_ref(), Some(&object), "{specification:?}");
            let as_registered = GetRequest {
                key_wrap_type: Some(KeyWrapType::AsRegistered),
                ..get(&back)
            };
            let shown = payload!(house.ok(V2_1, as_registered), Get).object.0;
            assert_eq!(shown.unwrap().key_block(), Some(&block));
            let Some(proof) = block
                .key_wrapping_data
                .as_mut()
                .and_then(|data| data.mac_signature.as_mut())
            else {
                continue;
            };
            proof[0] ^= 1;
            let request = RegisterRequest {
                object_type: ObjectType::SymmetricKey,
                attributes: usable(),
                object: ManagedObject::SymmetricKey(block.into()).into(),
                protection_storage_masks: None,
            };
            assert_eq!(
                house.refused(V2_1, request),
                ResultReason::CryptographicFailure
            );
        }
    }
}

#[test]
fn an_import_may_stay_wrapped() {
    let house = House::new();
    let aes = ManagedObject::SymmetricKey(aes_block(&[1; 32]).into());
    let aes = registered(&house, V2_1, aes);
    let object = ManagedObject::SymmetricKey(aes_block(&[3; 32]).into());
    let id = registered(&house, V2_1, object);
    let wrapped = GetRequest {
        key_wrapping_specification: Some(KeyWrappingSpecification {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key: Some(KeyInformation {
                unique_identifier: aes,
                cryptographic_parameters: None,
            }),
            mac_signature_key: None,
            attribute_names: WrappedAttributeNames::default(),
            encoding_option: None,
        }),
        ..get(&id)
    };
    let wrapped = payload!(house.ok(V2_1, wrapped), Get).object;
    let other = House::new();
    let import = |key_wrap_type| ImportRequest {
        unique_identifier: id.clone(),
        object_type: Some(ObjectType::SymmetricKey),
        replace_existing: None,
        key_wrap_type: Some(key_wrap_type),
        attributes: AttributeList(usable().attributes),
        object: wrapped.clone(),
    };
    // The wrapping key is not there.
    assert_eq!(
        other.refused(V2_1, import(KeyWrapType::NotWrapped)),
        ResultReason::WrappingObjectNotFound
    );
    other.ok(V2_1, import(KeyWrapType::AsRegistered));
    assert_eq!(payload!(other.ok(V2_1, get(&id)), Get).object, wrapped);
}

/// A MAC or signature over a sensitive key, made with a key that the client knows, tells nothing of it: PKCS#1 padding
/// of the key itself would come off with the public key, a CMAC of one block with the MAC key.
#[test]
fn what_proves_a_sensitive_key_does_not_tell_it() {
    let house = House::new();
    let mut attributes = usable();
    attributes.attributes.extend([A::Sensitive(true).into()]);
    let request = RegisterRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        object: ManagedObject::SymmetricKey(aes_block(&[3; 32]).into()).into(),
        protection_storage_masks: None,
    };
    let id = payload!(house.ok(V2_1, request), Register).unique_identifier;
    let own = |byte| {
        let block = aes_block(&[byte; 32]);
        registered(&house, V2_1, ManagedObject::SymmetricKey(block.into()))
    };
    let (aes, mac) = (own(1), own(2));
    let information = |id: &UniqueIdentifier, parameters| KeyInformation {
        unique_identifier: id.clone(),
        cryptographic_parameters: Some(parameters),
    };
    let mode = |mode| CryptographicParameters {
        block_cipher_mode: Some(mode),
        ..Default::default()
    };
    let hmac = CryptographicParameters {
        cryptographic_algorithm: Some(Algorithm::HMAC_SHA256),
        ..Default::default()
    };
    let wrapped = |method, parameters| GetRequest {
        key_wrapping_specification: Some(KeyWrappingSpecification {
            wrapping_method: method,
            encryption_key: Some(information(&aes, mode(BlockCipherMode::NISTKeyWrap))),
            mac_signature_key: Some(information(&mac, parameters)),
            attribute_names: WrappedAttributeNames::default(),
            encoding_option: None,
        }),
        ..get(&id)
    };
    let cmac = || mode(BlockCipherMode::CMAC);
    let refused = house.refused(V2_1, wrapped(WrappingMethod::MACSignThenEncrypt, cmac()));
    assert_eq!(refused, ResultReason::PermissionDenied);
    // Of what is encrypted already, and by HMAC.
    house.ok(V2_1, wrapped(WrappingMethod::EncryptThenMACSign, cmac()));
    house.ok(V2_1, wrapped(WrappingMethod::MACSignThenEncrypt, hmac));
}

#[test]
fn secrets_are_made_from_2_0_on() {
    let house = House::new();
    let request = |bits| CreateRequest {
        object_type: ObjectType::SecretData,
        attributes: attributes([A::CryptographicLength(bits), A::CryptographicUsageMask(ALL)]),
        protection_storage_masks: None,
    };
    let id = payload!(house.ok(V2_1, request(256)), Create).unique_identifier;
    let shown = payload!(house.ok(V2_1, get(&id)), Get).object.0.unwrap();
    match shown.key_block().unwrap().plain_material() {
        Some(KeyMaterial::Bytes(bytes)) => assert_eq!(bytes.len(), 32),
        other => panic!("{other:?}"),
    }
    house.refused(V2_1, request(7));
    house.refused(V1_2, request(256));
}
