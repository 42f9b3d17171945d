//! Operations against a processor without a network.

use keybridge_kmip::Version;
use keybridge_kmip::attributes::{
    Attribute, AttributeName, AttributeValue, CryptographicParameters, Name, RevocationReason,
    TemplateAttribute, UniqueIdentifier, VendorAttribute,
};
use keybridge_kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask as Mask,
    DigitalSignatureAlgorithm, EncodingOption, HashingAlgorithm, KeyFormatType, ObjectType,
    PaddingMethod, RecommendedCurve, ResultReason, RevocationReasonCode, SecretDataType,
    ValidityIndicator, WrappingMethod,
};
use keybridge_kmip::item::Value;
use keybridge_kmip::objects::{
    KeyBlock, KeyInformation, KeyMaterial, KeyValue, KeyWrappingSpecification, ManagedObject,
    SecretData, WrappedAttributeNames,
};
use keybridge_kmip::operations::{
    ActivateRequest, AddAttributeRequest, CreateKeyPairRequest, CreateRequest, DecryptRequest,
    DestroyRequest, EncryptRequest, GetAttributesRequest, GetRequest, LocateRequest, QueryRequest,
    RegisterRequest, RevokeRequest, SignRequest, SignatureVerifyRequest,
};
use keybridge_kmip::wire::DateTime;

use crate::formats::survives;
use crate::harness::{House, payload};

const V1_0: Version = Version::V1_0;
const V1_4: Version = Version::V1_4;
const V2_1: Version = Version::V2_1;

fn attributes(values: impl IntoIterator<Item = AttributeValue>) -> TemplateAttribute {
    values.into_iter().collect()
}

/// An AES-256 key, active since 1970.
fn aes(name: &str, mask: Mask) -> CreateRequest {
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: attributes([
            AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::AES),
            AttributeValue::CryptographicLength(256),
            AttributeValue::CryptographicUsageMask(mask),
            AttributeValue::Name(Name::text(name)),
            AttributeValue::ActivationDate(DateTime(1)),
        ]),
        protection_storage_masks: None,
    }
}

#[track_caller]
fn created(house: &House, version: Version, request: CreateRequest) -> UniqueIdentifier {
    payload!(house.ok(version, request), Create).unique_identifier
}

fn vendor(value: Value) -> AttributeValue {
    AttributeValue::Vendor(VendorAttribute {
        vendor: "x".into(),
        name: "Rack".into(),
        value,
    })
}

fn locate(values: impl IntoIterator<Item = AttributeValue>) -> LocateRequest {
    let list: Vec<Attribute> = values.into_iter().map(Attribute::from).collect();
    LocateRequest {
        attributes: list.into(),
        ..LocateRequest::default()
    }
}

#[test]
fn gcm_tags_stand_apart_from_1_4_on() {
    let house = House::new();
    let id = created(&house, V1_4, aes("k", Mask::Encrypt | Mask::Decrypt));
    let parameters = CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::GCM),
        random_iv: Some(true),
        tag_length: Some(16),
        ..Default::default()
    };
    let encrypt = |version| EncryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(parameters.clone()),
        data: Some(b"secret".to_vec().into()),
        additional_data: (version >= V1_4).then(|| b"aad".to_vec()),
        ..Default::default()
    };
    let sealed = payload!(house.ok(V1_4, encrypt(V1_4)), Encrypt);
    assert_eq!(sealed.data.as_ref().unwrap().len(), 6);
    assert_eq!(sealed.authentication_tag.as_ref().unwrap().len(), 16);
    let mut decrypt = DecryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(parameters.clone()),
        data: sealed.data.as_ref().map(|data| data.to_vec().into()),
        iv_counter_nonce: sealed.iv_counter_nonce.clone(),
        additional_data: Some(b"aad".to_vec()),
        authentication_tag: sealed.authentication_tag.clone(),
        ..Default::default()
    };
    let opened = payload!(house.ok(V1_4, decrypt.clone()), Decrypt);
    assert_eq!(&**opened.data.as_ref().unwrap(), b"secret");
    decrypt.additional_data = Some(b"other".to_vec());
    assert_eq!(
        house.refused(V1_4, decrypt),
        ResultReason::CryptographicFailure
    );

    // RandomIV and the tag are of 1.4: before, the client gives the nonce and finds the tag at the
    // end.
    let mut old = encrypt(Version::V1_2);
    let gcm = CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::GCM),
        ..Default::default()
    };
    old.cryptographic_parameters = Some(gcm);
    old.iv_counter_nonce = Some(vec![7; 12]);
    let sealed = payload!(house.ok(Version::V1_2, old), Encrypt);
    assert_eq!(sealed.data.unwrap().len(), 6 + 16);
}

#[test]
fn pairs_sign_and_verify_and_come_out_in_every_format() {
    let house = House::new();
    let pair = |algorithm, length, curve: Option<RecommendedCurve>| {
        let domain = curve.map(|recommended_curve| {
            AttributeValue::CryptographicDomainParameters(
                keybridge_kmip::attributes::CryptographicDomainParameters {
                    q_length: None,
                    recommended_curve: Some(recommended_curve),
                },
            )
        });
        let common = [
            AttributeValue::CryptographicAlgorithm(algorithm),
            AttributeValue::CryptographicLength(length),
            AttributeValue::ActivationDate(DateTime(1)),
        ];
        let usage = |mask| attributes([AttributeValue::CryptographicUsageMask(mask)]);
        CreateKeyPairRequest {
            common: Some(attributes(common.into_iter().chain(domain))),
            private_key: Some(usage(Mask::Sign)),
            public_key: Some(usage(Mask::Verify)),
            ..Default::default()
        }
    };
    let rsa = (
        pair(CryptographicAlgorithm::RSA, 2048, None),
        vec![
            (KeyFormatType::PKCS_1, KeyFormatType::PKCS_1),
            (KeyFormatType::PKCS_8, KeyFormatType::X_509),
            (
                KeyFormatType::TransparentRSAPrivateKey,
                KeyFormatType::TransparentRSAPublicKey,
            ),
        ],
    );
    let ec = (
        pair(
            CryptographicAlgorithm::EC,
            256,
            Some(RecommendedCurve::P_256),
        ),
        vec![
            (KeyFormatType::ECPrivateKey, KeyFormatType::X_509),
            (KeyFormatType::PKCS_8, KeyFormatType::X_509),
            (
                KeyFormatType::TransparentECPrivateKey,
                KeyFormatType::TransparentECPublicKey,
            ),
        ],
    );
    for (request, formats) in [rsa, ec] {
        let made = payload!(house.ok(V2_1, request), CreateKeyPair);
        let parameters = CryptographicParameters {
            hashing_algorithm: Some(HashingAlgorithm::SHA_256),
            padding_method: Some(PaddingMethod::PKCS1V1_5),
            ..Default::default()
        };
        let sign = SignRequest {
            unique_identifier: Some(made.private_key_unique_identifier.clone()),
            cryptographic_parameters: Some(parameters.clone()),
            data: Some(b"message".to_vec().into()),
            ..Default::default()
        };
        let signature = payload!(house.ok(V2_1, sign), Sign).signature_data.unwrap();
        let mut verify = SignatureVerifyRequest {
            unique_identifier: Some(made.public_key_unique_identifier.clone()),
            cryptographic_parameters: Some(parameters),
            data: Some(b"message".to_vec().into()),
            signature_data: Some(signature),
            ..Default::default()
        };
        let answer = payload!(house.ok(V2_1, verify.clone()), SignatureVerify);
        assert_eq!(answer.validity_indicator, Some(ValidityIndicator::Valid));
        verify.data = Some(b"massage".to_vec().into());
        let answer = payload!(house.ok(V2_1, verify), SignatureVerify);
        assert_eq!(answer.validity_indicator, Some(ValidityIndicator::Invalid));
        for (private, public) in formats {
            let halves = [
                (
                    &made.private_key_unique_identifier,
                    ObjectType::PrivateKey,
                    private,
                ),
                (
                    &made.public_key_unique_identifier,
                    ObjectType::PublicKey,
                    public,
                ),
            ];
            for (id, kind, format) in halves {
                survives(&house, V2_1, id, kind, format);
            }
        }
    }
}

#[test]
fn custom_attributes_keep_type_and_index_and_are_found() {
    let house = House::new();
    let id = created(&house, V1_0, aes("k", Mask::Encrypt));
    let values = [
        Value::Integer(7),
        Value::TextString("seven".into()),
        Value::Integer(8),
    ];
    for (index, value) in values.iter().enumerate() {
        let add = AddAttributeRequest {
            unique_identifier: Some(id.clone()),
            attribute: Attribute::from(vendor(value.clone())).into(),
        };
        let echoed = payload!(house.ok(V1_0, add), AddAttribute)
            .attribute
            .0
            .unwrap();
        assert_eq!(echoed.index, i32::try_from(index).ok());
    }
    for (value, hits) in [(Value::Integer(8), 1), (Value::LongInteger(8), 0)] {
        let found = payload!(house.ok(V1_0, locate([vendor(value)])), Locate);
        assert_eq!(found.unique_identifiers.len(), hits);
    }
    // The same attributes in 2.x, where there is no index.
    let name = AttributeName::Vendor {
        vendor: "x".into(),
        name: "Rack".into(),
    };
    let request = GetAttributesRequest {
        unique_identifier: Some(id),
        attribute_names: vec![name],
    };
    let shown = payload!(house.ok(V2_1, request), GetAttributes)
        .attributes
        .0;
    let shown: Vec<_> = shown.into_iter().map(|attribute| attribute.value).collect();
    assert_eq!(shown, values.map(vendor));
}

#[test]
fn keys_travel_wrapped() {
    let house = House::new();
    let wrapping = created(&house, V1_4, aes("kek", Mask::WrapKey | Mask::UnwrapKey));
    let target = created(&house, V1_4, aes("dek", Mask::Encrypt | Mask::Decrypt));
    let plain = GetRequest {
        unique_identifier: Some(target.clone()),
        ..Default::default()
    };
    let plain = payload!(house.ok(V1_4, plain), Get).object.0.unwrap();
    for encoding in [EncodingOption::NoEncoding, EncodingOption::TTLVEncoding] {
        let specification = KeyWrappingSpecification {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key: Some(KeyInformation {
                unique_identifier: wrapping.clone(),
                cryptographic_parameters: Some(CryptographicParameters {
                    block_cipher_mode: Some(BlockCipherMode::NISTKeyWrap),
                    ..Default::default()
                }),
            }),
            mac_signature_key: None,
            attribute_names: WrappedAttributeNames::default(),
            encoding_option: Some(encoding),
        };
        let get = GetRequest {
            unique_identifier: Some(target.clone()),
            key_wrapping_specification: Some(specification),
            ..Default::default()
        };
        let wrapped = payload!(house.ok(V1_4, get), Get).object;
        let register = RegisterRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: attributes([AttributeValue::CryptographicUsageMask(Mask::Encrypt)]),
            object: wrapped,
            protection_storage_masks: None,
        };
        let again = payload!(house.ok(V1_4, register), Register).unique_identifier;
        let get = GetRequest {
            unique_identifier: Some(again),
            ..Default::default()
        };
        let back = payload!(house.ok(V1_4, get), Get).object.0.unwrap();
        let value = |object: &ManagedObject| object.key_block().unwrap().plain_material().cloned();
        assert_eq!(value(&back), value(&plain), "{encoding}");
    }
}

#[test]
fn seeds_are_registered_as_mongodb_does() {
    let house = House::new();
    let block = KeyBlock {
        key_format_type: KeyFormatType::Opaque,
        key_compression_type: None,
        key_value: Some(KeyValue::Plain(
            KeyMaterial::Bytes(vec![5; 96].into()).into(),
        )),
        cryptographic_algorithm: None,
        cryptographic_length: None,
        key_wrapping_data: None,
    };
    let secret = SecretData {
        kind: SecretDataType::Seed,
        key_block: block,
    };
    let register = RegisterRequest {
        object_type: ObjectType::SecretData,
        attributes: attributes([AttributeValue::CryptographicUsageMask(Mask(0))]),
        object: ManagedObject::SecretData(secret.clone()).into(),
        protection_storage_masks: None,
    };
    let id = payload!(house.ok(V1_0, register), Register).unique_identifier;
    house.ok(
        V1_0,
        ActivateRequest {
            unique_identifier: Some(id.clone()),
        },
    );
    let get = GetRequest {
        unique_identifier: Some(id),
        ..Default::default()
    };
    let back = payload!(house.ok(V1_0, get), Get).object;
    assert_eq!(back.0, Some(ManagedObject::SecretData(secret)));
}

#[test]
fn reasons_follow_the_version() {
    let house = House::new();
    let id = created(&house, V1_4, aes("k", Mask::Encrypt));
    let destroy = || DestroyRequest {
        unique_identifier: Some(id.clone()),
    };
    assert_eq!(
        house.refused(V1_4, destroy()),
        ResultReason::PermissionDenied
    );
    assert_eq!(
        house.refused(V2_1, destroy()),
        ResultReason::WrongKeyLifecycleState
    );
    let unknown = || GetRequest {
        unique_identifier: Some("no-such-object".into()),
        ..GetRequest::default()
    };
    assert_eq!(house.refused(V1_4, unknown()), ResultReason::ItemNotFound);
    assert_eq!(house.refused(V2_1, unknown()), ResultReason::ObjectNotFound);
    assert_eq!(
        house.refused(V1_0, aes("k", Mask::Encrypt)),
        ResultReason::InvalidField
    );
    assert_eq!(
        house.refused(V2_1, aes("k", Mask::Encrypt)),
        ResultReason::NonUniqueNameAttribute
    );
    let sign = SignRequest {
        unique_identifier: Some(id.clone()),
        data: Some(vec![1].into()),
        cryptographic_parameters: Some(CryptographicParameters {
            digital_signature_algorithm: Some(DigitalSignatureAlgorithm::SHA_256WithRSAEncryption),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(
        house.refused(V2_1, sign),
        ResultReason::UnsupportedCryptographicParameters
    );
    let revoke = RevokeRequest {
        unique_identifier: Some(id.clone()),
        revocation_reason: RevocationReason {
            code: RevocationReasonCode::KeyCompromise,
            message: None,
        },
        compromise_occurrence_date: None,
    };
    house.ok(V1_4, revoke);
    house.ok(V1_4, destroy());
    assert_eq!(
        house.refused(
            V2_1,
            GetRequest {
                unique_identifier: Some(id),
                ..Default::default()
            }
        ),
        ResultReason::ObjectDestroyed
    );
}

#[test]
fn a_disabled_key_is_refused_at_the_next_request() {
    let house = House::new();
    let id = created(&house, V1_4, aes("k", Mask::Encrypt));
    let encrypt = || EncryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::ECB),
            ..Default::default()
        }),
        data: Some(vec![0; 16].into()),
        ..Default::default()
    };
    house.ok(V1_4, encrypt());
    let key = house.kms.resolve_key(&house.caller(), "k").unwrap();
    house.kms.disable_key(&house.caller(), key).unwrap();
    assert_eq!(
        house.refused(V1_4, encrypt()),
        ResultReason::PermissionDenied
    );
    assert_eq!(
        house.refused(V2_1, encrypt()),
        ResultReason::WrongKeyLifecycleState
    );
    let get = GetRequest {
        unique_identifier: Some(id.clone()),
        ..Default::default()
    };
    assert_eq!(house.refused(V1_4, get), ResultReason::PermissionDenied);
    house.kms.enable_key(&house.caller(), key).unwrap();
    house.ok(V1_4, encrypt());
}

#[test]
fn query_tells_what_the_version_has() {
    use keybridge_kmip::enums::{Operation, QueryFunction};
    let house = House::new();
    let query = || QueryRequest {
        query_functions: vec![QueryFunction::QueryOperations, QueryFunction::QueryObjects],
        ..Default::default()
    };
    for version in Version::SUPPORTED {
        let answer = payload!(house.ok(version, query()), Query);
        let tells = |operation| answer.operations.contains(&operation);
        assert!(tells(Operation::Get) && tells(Operation::Locate));
        assert_eq!(
            tells(Operation::Encrypt),
            version >= Version::V1_2,
            "{version}"
        );
        assert_eq!(
            tells(Operation::SetAttribute),
            version >= Version::V2_0,
            "{version}"
        );
    }
}
