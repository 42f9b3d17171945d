//! Keys that live in an HSM (SoftHSM2), used through KMIP over TLS.

use std::fs;
use std::time::Duration;

use keybridge_kmip::Version;
use keybridge_kmip::attributes::{
    AttributeValue as A, CryptographicDomainParameters, CryptographicParameters, UniqueIdentifier,
    UsageLimits,
};
use keybridge_kmip::client::{ClientError, TlsClient, TlsIdentity, connect};
use keybridge_kmip::enums::{
    BatchErrorContinuationOption, BlockCipherMode, CryptographicAlgorithm as Algorithm,
    CryptographicUsageMask as Mask, DigitalSignatureAlgorithm, HashingAlgorithm, ObjectType,
    PaddingMethod, ProtectionStorageMask as Storage, RecommendedCurve, ResultReason, State,
    UsageLimitsUnit, ValidityIndicator,
};
use keybridge_kmip::message::RequestMessage;
use keybridge_kmip::operations::{
    CertifyRequest, CreateKeyPairRequest, CreateRequest, DecryptRequest, EncryptRequest,
    GetAttributesRequest, GetRequest, ProtectionStorageMasks, RevokeRequest, SignRequest,
    SignatureVerifyRequest, ValidateRequest,
};
use keybridge_kmip::wire::DateTime;
use keybridge_tests::{Bridge, Setup, SoftHsm};

const PLAIN: &[u8] = b"sixteen bytes ok";

struct House {
    bridge: Bridge,
    hsm: SoftHsm,
}

impl House {
    fn new() -> Self {
        let hsm = SoftHsm::new("kmip");
        let mut bridge = Bridge::make(&Setup {
            hsm: Some(hsm.token()),
            ..Setup::default()
        });
        bridge.serve();
        Self { bridge, hsm }
    }

    fn client(&self) -> TlsClient {
        let files = self.bridge.client_files();
        let read = |path| fs::read(path).expect("a file that init made");
        let identity =
            TlsIdentity::from_pem(&read(files.ca), &read(files.certificate), &read(files.key));
        let patience = Duration::from_secs(60);
        let identity = identity.expect("PEM");
        connect(
            "127.0.0.1",
            self.bridge.port,
            identity,
            Version::V2_1,
            patience,
        )
        .expect("a client")
    }

    /// How many objects are in the HSM.
    fn in_hsm(&self) -> usize {
        let token = self.hsm.token();
        let listed = token
            .command("pkcs11-tool")
            .arg("--module")
            .arg(&token.module)
            .args(["--token-label", &token.label, "--pin", &token.pin])
            .words("--login --list-objects")
            .ok();
        let lines = listed.text();
        lines
            .lines()
            .filter(|line| line.contains(" Object; "))
            .count()
    }
}

fn hardware() -> Option<ProtectionStorageMasks> {
    Some(ProtectionStorageMasks {
        masks: vec![Storage::Hardware],
    })
}

fn pair(client: &mut TlsClient, algorithm: Algorithm, uses: (Mask, Mask)) -> [UniqueIdentifier; 2] {
    let size = match algorithm {
        Algorithm::RSA => A::CryptographicLength(2048),
        _ => A::CryptographicDomainParameters(CryptographicDomainParameters {
            q_length: None,
            recommended_curve: Some(RecommendedCurve::P_256),
        }),
    };
    let common = [
        A::CryptographicAlgorithm(algorithm),
        size,
        A::ActivationDate(DateTime(1)),
    ];
    let mask = |mask| Some([A::CryptographicUsageMask(mask)].into_iter().collect());
    let request = CreateKeyPairRequest {
        common: Some(common.into_iter().collect()),
        private_key: mask(uses.0),
        public_key: mask(uses.1),
        private_protection_storage_masks: hardware(),
        ..Default::default()
    };
    let made = client.call(request).expect("a pair in the HSM");
    [
        made.private_key_unique_identifier,
        made.public_key_unique_identifier,
    ]
}

fn reason<T: std::fmt::Debug>(result: Result<T, ClientError>) -> ResultReason {
    match result {
        Err(ClientError::Failed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// Signs in the HSM, verifies outside it, with keys of both kinds; and opens what was encrypted for it.
#[test]
fn pairs_sign_and_decrypt() {
    let house = House::new();
    let mut client = house.client();
    let before = house.in_hsm();
    for algorithm in [Algorithm::ECDSA, Algorithm::RSA] {
        let uses = (Mask::Sign | Mask::Decrypt, Mask::Verify | Mask::Encrypt);
        let [private, public] = pair(&mut client, algorithm, uses);
        let parameters = CryptographicParameters {
            hashing_algorithm: Some(HashingAlgorithm::SHA_256),
            digital_signature_algorithm: Some(match algorithm {
                Algorithm::RSA => DigitalSignatureAlgorithm::SHA_256WithRSAEncryption,
                _ => DigitalSignatureAlgorithm::ECDSAWithSHA256,
            }),
            padding_method: (algorithm == Algorithm::RSA).then_some(PaddingMethod::PKCS1V1_5),
            ..Default::default()
        };
        let sign = SignRequest {
            unique_identifier: Some(private.clone()),
            cryptographic_parameters: Some(parameters.clone()),
            data: Some(PLAIN.into()),
            ..Default::default()
        };
        let signature = client.call(sign).expect("a signature").signature_data;
        let verify = SignatureVerifyRequest {
            unique_identifier: Some(public.clone()),
            cryptographic_parameters: Some(parameters),
            data: Some(PLAIN.into()),
            signature_data: signature,
            ..Default::default()
        };
        let verified = client.call(verify).expect("an answer");
        assert_eq!(verified.validity_indicator, Some(ValidityIndicator::Valid));
        let get = GetRequest {
            unique_identifier: Some(private.clone()),
            ..Default::default()
        };
        assert_eq!(reason(client.call(get)), ResultReason::NotExtractable);
        if algorithm != Algorithm::RSA {
            continue;
        }
        let oaep = CryptographicParameters {
            padding_method: Some(PaddingMethod::OAEP),
            hashing_algorithm: Some(HashingAlgorithm::SHA_1),
            ..Default::default()
        };
        let encrypt = EncryptRequest {
            unique_identifier: Some(public),
            cryptographic_parameters: Some(oaep.clone()),
            data: Some(PLAIN.into()),
            ..Default::default()
        };
        let sealed = client.call(encrypt).expect("a ciphertext").data;
        let decrypt = DecryptRequest {
            unique_identifier: Some(private),
            cryptographic_parameters: Some(oaep),
            data: sealed.map(|data| data.to_vec().into()),
            ..Default::default()
        };
        let opened = client.call(decrypt).expect("the plaintext").data;
        assert_eq!(opened.as_deref(), Some(PLAIN));
    }
    assert!(house.in_hsm() > before, "the keys are in the HSM");
}

/// Usage Limits of an HSM key are counted here, and a batch that fails leaves nothing in the HSM.
#[test]
fn limits_and_undo_hold_for_keys_in_the_hsm() {
    let house = House::new();
    let mut client = house.client();
    let create = |size: i32| CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: [
            A::CryptographicAlgorithm(Algorithm::AES),
            A::CryptographicLength(size),
            A::CryptographicUsageMask(Mask::Encrypt | Mask::Decrypt),
            A::ActivationDate(DateTime(1)),
            A::UsageLimits(UsageLimits {
                total: 32,
                count: None,
                unit: UsageLimitsUnit::Byte,
            }),
        ]
        .into_iter()
        .collect(),
        protection_storage_masks: hardware(),
    };
    let id = client.call(create(256)).expect("a key").unique_identifier;
    let mut encrypt = || {
        client.call(EncryptRequest {
            unique_identifier: Some(id.clone()),
            cryptographic_parameters: Some(CryptographicParameters {
                block_cipher_mode: Some(BlockCipherMode::CBC),
                padding_method: Some(PaddingMethod::None),
                ..Default::default()
            }),
            data: Some(PLAIN.into()),
            iv_counter_nonce: Some(vec![0; 16]),
            ..Default::default()
        })
    };
    for _ in 0..2 {
        encrypt().expect("within its limits");
    }
    assert_eq!(reason(encrypt()), ResultReason::PermissionDenied);

    let before = house.in_hsm();
    let items = vec![create(256).into(), create(77).into()];
    let mut request = RequestMessage::new(Version::V2_1, items);
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Undo);
    client.exchange(&request).expect("an answer");
    assert_eq!(house.in_hsm(), before, "what was made is taken back");
}

/// An authority whose key is in the HSM.
#[test]
fn an_authority_in_the_hsm_certifies() {
    let house = House::new();
    let mut client = house.client();
    let certify = |client: &mut TlsClient, public: &UniqueIdentifier, subject: &str| {
        let request = CertifyRequest {
            unique_identifier: Some(public.clone()),
            attributes: Some(
                [A::CertificateSubjectCN(subject.into())]
                    .into_iter()
                    .collect(),
            ),
            ..Default::default()
        };
        client
            .call(request)
            .expect("a certificate")
            .unique_identifier
    };
    let authority = (Mask::Sign | Mask::CertificateSign, Mask::Verify);
    let [private, public] = pair(&mut client, Algorithm::ECDSA, authority);
    let root = certify(&mut client, &public, "root");
    let [_, leaf] = pair(&mut client, Algorithm::RSA, (Mask::Sign, Mask::Verify));
    let leaf = certify(&mut client, &leaf, "leaf");
    let validate = ValidateRequest {
        certificates: Vec::new(),
        unique_identifiers: vec![leaf, root],
        validity_date: None,
    };
    let validity = client.call(validate).expect("an answer").validity_indicator;
    assert_eq!(validity, ValidityIndicator::Valid);

    // What is revoked signs no more.
    let revoke = RevokeRequest {
        unique_identifier: Some(private.clone()),
        revocation_reason: keybridge_kmip::attributes::RevocationReason {
            code: keybridge_kmip::enums::RevocationReasonCode::CessationOfOperation,
            message: None,
        },
        compromise_occurrence_date: None,
    };
    client.call(revoke).expect("revoked");
    let sign = SignRequest {
        unique_identifier: Some(private.clone()),
        data: Some(PLAIN.into()),
        cryptographic_parameters: Some(CryptographicParameters {
            hashing_algorithm: Some(HashingAlgorithm::SHA_256),
            digital_signature_algorithm: Some(DigitalSignatureAlgorithm::ECDSAWithSHA256),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(
        reason(client.call(sign)),
        ResultReason::WrongKeyLifecycleState
    );
    let state = GetAttributesRequest {
        unique_identifier: Some(private),
        attribute_names: Vec::new(),
    };
    let attributes = client.call(state).expect("attributes").attributes.0;
    let mut values = attributes.into_iter().map(|one| one.value);
    assert!(values.any(|value| value == A::State(State::Deactivated)));
}
