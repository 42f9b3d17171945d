//! Operations in parts, and data that batch items hand on.

use keybridge_core::kms::{NewClient, NewCredential};
use keybridge_core::model::Role;
use keybridge_kmip::Version;
use keybridge_kmip::attributes::{
    AttributeValue, CryptographicParameters, TemplateAttribute, UniqueIdentifier,
};
use keybridge_kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask as Mask, DataEnumeration,
    HashingAlgorithm, ObjectType, PaddingMethod, ResultReason, ValidityIndicator,
};
use keybridge_kmip::message::{Outcome, RequestMessage};
use keybridge_kmip::operations::{
    CreateKeyPairRequest, CreateRequest, Data, DecryptRequest, EncryptRequest, HashRequest,
    MACRequest, ResponsePayload, SignRequest, SignatureVerifyRequest,
};
use keybridge_kmip::wire::DateTime;

use crate::harness::{House, payload};

const V1_4: Version = Version::V1_4;
const V2_1: Version = Version::V2_1;

fn key(house: &House, algorithm: CryptographicAlgorithm, mask: Mask) -> UniqueIdentifier {
    let attributes: TemplateAttribute = [
        AttributeValue::CryptographicAlgorithm(algorithm),
        AttributeValue::CryptographicLength(256),
        AttributeValue::CryptographicUsageMask(mask),
        AttributeValue::ActivationDate(DateTime(1)),
    ]
    .into_iter()
    .collect();
    let request = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        protection_storage_masks: None,
    };
    payload!(house.ok(V1_4, request), Create).unique_identifier
}

fn aes(house: &House) -> UniqueIdentifier {
    key(
        house,
        CryptographicAlgorithm::AES,
        Mask::Encrypt | Mask::Decrypt,
    )
}

fn mode(mode: BlockCipherMode, padding: Option<PaddingMethod>) -> CryptographicParameters {
    CryptographicParameters {
        block_cipher_mode: Some(mode),
        padding_method: padding,
        ..Default::default()
    }
}

/// Encrypts `parts` in so many requests; the ciphertext and the tag.
fn encrypted(
    house: &House,
    id: &UniqueIdentifier,
    parameters: &CryptographicParameters,
    iv: Option<Vec<u8>>,
    parts: &[&[u8]],
) -> (Vec<u8>, Option<Vec<u8>>) {
    let (mut all, mut correlation, mut tag) = (Vec::new(), None, None);
    for (number, part) in parts.iter().enumerate() {
        let first = number == 0;
        let request = EncryptRequest {
            unique_identifier: Some(id.clone()),
            cryptographic_parameters: first.then(|| parameters.clone()),
            data: Some((*part).into()),
            iv_counter_nonce: iv.clone().filter(|_| first),
            init_indicator: first.then_some(true),
            final_indicator: (number + 1 == parts.len()).then_some(true),
            correlation_value: correlation.take(),
            ..Default::default()
        };
        let done = payload!(house.ok(V2_1, request), Encrypt);
        all.extend_from_slice(done.data.as_deref().unwrap_or_default());
        correlation = done.correlation_value;
        tag = done.authentication_tag;
    }
    assert_eq!(correlation, None);
    (all, tag)
}

#[test]
fn parts_make_what_the_whole_makes() {
    let house = House::new();
    let id = aes(&house);
    let data: Vec<u8> = (0..100).collect();
    let iv = || Some(vec![7; 16]);
    let cases = [
        (mode(BlockCipherMode::GCM, None), iv()),
        (mode(BlockCipherMode::CTR, None), iv()),
        (mode(BlockCipherMode::CBC, Some(PaddingMethod::PKCS5)), iv()),
        (mode(BlockCipherMode::ECB, Some(PaddingMethod::PKCS5)), None),
    ];
    for (parameters, iv) in cases {
        let whole = encrypted(&house, &id, &parameters, iv.clone(), &[&data]);
        let parts = [&data[..1], &data[1..50], &data[50..50], &data[50..]];
        let again = encrypted(&house, &id, &parameters, iv.clone(), &parts);
        assert_eq!(whole, again, "{parameters:?}");
        let (sealed, tag) = whole;
        let (first, rest) = sealed.split_at(33);
        let begun = DecryptRequest {
            unique_identifier: Some(id.clone()),
            cryptographic_parameters: Some(parameters.clone()),
            data: Some(first.into()),
            iv_counter_nonce: iv,
            init_indicator: Some(true),
            ..Default::default()
        };
        let begun = payload!(house.ok(V2_1, begun), Decrypt);
        let ended = DecryptRequest {
            data: Some(rest.into()),
            correlation_value: begun.correlation_value,
            final_indicator: Some(true),
            authentication_tag: tag,
            ..Default::default()
        };
        let ended = payload!(house.ok(V2_1, ended), Decrypt);
        let mut opened = begun.data.as_deref().unwrap_or_default().to_vec();
        opened.extend_from_slice(&ended.data.unwrap());
        assert_eq!(opened, data, "{parameters:?}");
    }
}

#[test]
fn digests_and_macs_take_parts() {
    let house = House::new();
    let parameters = CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..Default::default()
    };
    let hash = |data: &[u8], correlation_value, init, last| HashRequest {
        cryptographic_parameters: parameters.clone(),
        data: Some(data.into()),
        correlation_value,
        init_indicator: init,
        final_indicator: last,
    };
    let whole = payload!(house.ok(V1_4, hash(b"abcd", None, None, None)), Hash);
    let first = payload!(house.ok(V1_4, hash(b"ab", None, Some(true), None)), Hash);
    assert_eq!(first.data, None);
    let value = first.correlation_value;
    let last = payload!(house.ok(V1_4, hash(b"cd", value, None, Some(true))), Hash);
    assert_eq!(last.data, whole.data);

    let id = key(
        &house,
        CryptographicAlgorithm::HMAC_SHA256,
        Mask::MACGenerate,
    );
    let mac = |data: &[u8], correlation_value, init, last| MACRequest {
        unique_identifier: Some(id.clone()),
        data: Some(data.into()),
        correlation_value,
        init_indicator: init,
        final_indicator: last,
        ..Default::default()
    };
    let whole = payload!(house.ok(V1_4, mac(b"abcd", None, None, None)), MAC);
    let first = payload!(house.ok(V1_4, mac(b"ab", None, Some(true), None)), MAC);
    let value = first.correlation_value;
    let last = payload!(house.ok(V1_4, mac(b"cd", value, None, Some(true))), MAC);
    assert_eq!(last.mac_data, whole.mac_data);
}

#[test]
fn what_no_engine_does_in_parts_is_collected() {
    let house = House::new();
    let common: TemplateAttribute = [
        AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::Ed25519),
        AttributeValue::CryptographicUsageMask(Mask::Sign | Mask::Verify),
        AttributeValue::ActivationDate(DateTime(1)),
    ]
    .into_iter()
    .collect();
    let request = CreateKeyPairRequest {
        common: Some(common),
        ..Default::default()
    };
    let pair = payload!(house.ok(V2_1, request), CreateKeyPair);
    let sign = |data: &[u8], correlation_value, init, last| SignRequest {
        unique_identifier: Some(pair.private_key_unique_identifier.clone()),
        data: Some(data.into()),
        correlation_value,
        init_indicator: init,
        final_indicator: last,
        ..Default::default()
    };
    let first = payload!(house.ok(V2_1, sign(b"hel", None, Some(true), None)), Sign);
    let value = first.correlation_value;
    let signed = payload!(house.ok(V2_1, sign(b"lo", value, None, Some(true))), Sign);
    let verify = |data: &[u8], correlation_value, init, last| SignatureVerifyRequest {
        unique_identifier: Some(pair.public_key_unique_identifier.clone()),
        data: Some(data.into()),
        signature_data: signed.signature_data.clone(),
        correlation_value,
        init_indicator: init,
        final_indicator: last,
        ..Default::default()
    };
    let whole = payload!(
        house.ok(V2_1, verify(b"hello", None, None, None)),
        SignatureVerify
    );
    assert_eq!(whole.validity_indicator, Some(ValidityIndicator::Valid));
    let first = payload!(
        house.ok(V2_1, verify(b"hell", None, Some(true), None)),
        SignatureVerify
    );
    let value = first.correlation_value;
    let last = payload!(
        house.ok(V2_1, verify(b"0", value, None, Some(true))),
        SignatureVerify
    );
    assert_eq!(last.validity_indicator, Some(ValidityIndicator::Invalid));
}

#[test]
fn a_stream_is_its_owners_and_of_its_operation() {
    let house = House::new();
    let id = aes(&house);
    let begun = EncryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(mode(BlockCipherMode::CTR, None)),
        data: Some(b"x".as_slice().into()),
        iv_counter_nonce: Some(vec![0; 16]),
        init_indicator: Some(true),
        ..Default::default()
    };
    let value = payload!(house.ok(V2_1, begun), Encrypt).correlation_value;
    let decrypt = DecryptRequest {
        correlation_value: value.clone(),
        final_indicator: Some(true),
        ..Default::default()
    };
    assert_eq!(
        house.refused(V2_1, decrypt),
        ResultReason::InvalidCorrelationValue
    );
    let next = || EncryptRequest {
        correlation_value: value.clone(),
        final_indicator: Some(true),
        ..Default::default()
    };
    let client = NewClient {
        name: "other".into(),
        role: Role::User,
        credential: NewCredential::Password("password".into()),
    };
    house.kms.add_client(&house.caller(), client).unwrap();
    let mut message = RequestMessage::new(V2_1, vec![next().into()]);
    message.header.authentication = Some(keybridge_kmip::message::Authentication {
        credentials: vec![keybridge_kmip::message::Credential::password(
            "other", "password",
        )],
    });
    let answer = house.send(&message);
    assert!(
        matches!(answer.items[0].outcome, Outcome::Failed { .. }),
        "{answer:?}"
    );
    house.ok(V2_1, next());
    assert_eq!(
        house.refused(V2_1, next()),
        ResultReason::InvalidCorrelationValue
    );
}

#[test]
fn items_of_a_batch_hand_data_on() {
    let house = House::new();
    let id = aes(&house);
    let encrypt = EncryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(mode(BlockCipherMode::CTR, None)),
        data: Some(b"secret".as_slice().into()),
        iv_counter_nonce: Some(vec![1; 16]),
        ..Default::default()
    };
    let decrypt = |data| DecryptRequest {
        unique_identifier: Some(id.clone()),
        cryptographic_parameters: Some(mode(BlockCipherMode::CTR, None)),
        data: Some(data),
        iv_counter_nonce: Some(vec![1; 16]),
        ..Default::default()
    };
    let batch = vec![
        encrypt.into(),
        decrypt(Data::Enumeration(DataEnumeration::Encrypt)).into(),
        decrypt(Data::Index(0)).into(),
        decrypt(Data::Index(-3)).into(),
        decrypt(Data::Enumeration(DataEnumeration::Hash)).into(),
    ];
    let answer = house.send(&RequestMessage::new(V2_1, batch));
    for item in &answer.items[1..4] {
        let Outcome::Success(Some(ResponsePayload::Decrypt(done))) = &item.outcome else {
            panic!("{item:?}");
        };
        assert_eq!(done.data.as_deref(), Some(b"secret".as_slice()));
    }
    assert!(matches!(answer.items[4].outcome, Outcome::Failed { .. }));
}
