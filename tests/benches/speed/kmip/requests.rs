//! The requests, encoded once.

use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeValue, CryptographicParameters, Name, UniqueIdentifier};
use keybridge_kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask, DigitalSignatureAlgorithm,
    HashingAlgorithm, ObjectType, PaddingMethod,
};
use keybridge_kmip::message::RequestMessage;
use keybridge_kmip::operations::{
    CreateRequest, EncryptRequest, GetRequest, LocateRequest, RequestPayload, SignRequest,
};
use keybridge_tests::Bridge;

fn encoded(payloads: Vec<RequestPayload>) -> Vec<u8> {
    let message = RequestMessage::new(Version::V1_4, payloads);
    message.encode(Vec::new()).expect("a request")
}

/// Get of a key.
pub(super) fn get(key: &UniqueIdentifier) -> Vec<u8> {
    let request = GetRequest {
        unique_identifier: Some(key.clone()),
        ..Default::default()
    };
    encoded(vec![request.into()])
}

/// Create of AES-256 keys with these names, or of one without.
pub(super) fn create(names: &[String]) -> Vec<u8> {
    let usage = CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt;
    let request = |name: Option<&String>| {
        let common = [
            AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::AES),
            AttributeValue::CryptographicLength(256),
            AttributeValue::CryptographicUsageMask(usage),
        ];
        let name = name.map(|name| AttributeValue::Name(Name::text(name.clone())));
        let values = common.into_iter().chain(name);
        let request = CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: values.collect(),
            protection_storage_masks: None,
        };
        RequestPayload::from(request)
    };
    if names.is_empty() {
        return encoded(vec![request(None)]);
    }
    encoded(names.iter().map(|name| request(Some(name))).collect())
}

/// Locate by name.
pub(super) fn locate(name: &str) -> Vec<u8> {
    let name = AttributeValue::Name(Name::text(name.to_owned()));
    let request = LocateRequest {
        attributes: vec![name.into()].into(),
        ..Default::default()
    };
    encoded(vec![request.into()])
}

/// The requests of the table, by name.
pub(super) fn uses(bridge: &Bridge) -> Vec<(&'static str, Vec<u8>)> {
    let uid = |id: &str| Some(UniqueIdentifier::from(id));
    let plain = bridge
        .create_key("plain", "--type aes-256 --exportable")
        .secret;
    let sealer = bridge.create_key("sealer", "--type aes-256").secret;
    let ec = bridge.create_key("ec", "--type ec-p256").secret;
    let rsa = bridge.create_key("rsa", "--type rsa-2048").secret;
    let gcm = CryptographicParameters {
        block_cipher_mode: Some(BlockCipherMode::GCM),
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        random_iv: Some(true),
        iv_length: Some(96),
        tag_length: Some(16),
        ..Default::default()
    };
    let ecdsa = CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        digital_signature_algorithm: Some(DigitalSignatureAlgorithm::ECDSAWithSHA256),
        ..Default::default()
    };
    let pkcs1 = CryptographicParameters {
        padding_method: Some(PaddingMethod::PKCS1V1_5),
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        digital_signature_algorithm: Some(DigitalSignatureAlgorithm::SHA_256WithRSAEncryption),
        ..Default::default()
    };
    let sign = |id: &str, parameters| SignRequest {
        unique_identifier: uid(id),
        cryptographic_parameters: Some(parameters),
        data: Some(crate::operations::MESSAGE.as_slice().into()),
        ..Default::default()
    };
    vec![
        ("Get", get(&UniqueIdentifier::from(plain.as_str()))),
        (
            "Encrypt AES-256-GCM 1 KiB",
            encoded(vec![
                EncryptRequest {
                    unique_identifier: uid(&sealer),
                    cryptographic_parameters: Some(gcm),
                    data: Some(crate::operations::PLAIN.as_slice().into()),
                    ..Default::default()
                }
                .into(),
            ]),
        ),
        ("Sign P-256", encoded(vec![sign(&ec, ecdsa).into()])),
        (SIGN_RSA, encoded(vec![sign(&rsa, pkcs1).into()])),
    ]
}

/// The request that the RSA primitive bounds.
pub(super) const SIGN_RSA: &str = "Sign RSA-2048";
