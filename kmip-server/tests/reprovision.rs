//! Re-Provision over the network: a client gets another certificate, and the old one is of no use.

use std::path::PathBuf;

use keybridge_core::kms::NewCredential;
use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeValue as A, UniqueIdentifier};
use keybridge_kmip::client::{ClientError, TlsClient};
use keybridge_kmip::enums::{
    BatchErrorContinuationOption, CertificateRequestType, CertificateType, ObjectType,
    ResultReason, RevocationReasonCode,
};
use keybridge_kmip::message::{Outcome, RequestMessage};
use keybridge_kmip::objects::{
    Certificate, CertificateRequest, KeyMaterial, KeyValue, ManagedObject,
};
use keybridge_kmip::operations::{
    GetRequest, LocateRequest, ReProvisionRequest, RegisterRequest, RequestPayload,
    ResponsePayload, RevokeRequest,
};
use keybridge_server::listener::IdentifyBy;
use keybridge_server::pki::{Authority, Issued, ServerKey, facts};
use rcgen::{CertificateParams, DnType, KeyPair};

use crate::harness::payload;
use crate::network::{Open, odd_client};

const V2_1: Version = Version::V2_1;

/// A bridge that makes its clients' certificates itself.
fn open() -> Open {
    Open::with(ServerKey::Ecdsa, |settings, ca| {
        let path: PathBuf = settings.client_ca.with_file_name("ca.key");
        std::fs::write(&path, ca.key.as_bytes()).unwrap();
        settings.ca_private_key = Some(path);
    })
}

fn speak(open: &Open, client: &Issued) -> TlsClient {
    let mut connection = open.connect(client).unwrap();
    connection.set_version(V2_1);
    connection
}

/// Whether a client may still ask, on a new connection.
fn may_ask(open: &Open, client: &Issued) -> bool {
    speak(open, client).call(LocateRequest::default()).is_ok()
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ClientError>) -> ResultReason {
    match result {
        Err(ClientError::Failed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

fn batch(connection: &mut TlsClient, payloads: Vec<RequestPayload>) -> Vec<Outcome> {
    let request = RequestMessage::new(V2_1, payloads);
    let answer = connection.exchange(&request).unwrap();
    answer.items.into_iter().map(|item| item.outcome).collect()
}

fn success(outcome: Outcome) -> ResponsePayload {
    match outcome {
        Outcome::Success(Some(payload)) => payload,
        other => panic!("{other:?}"),
    }
}

fn got(outcome: Outcome) -> ManagedObject {
    payload!(success(outcome), Get).object.0.unwrap()
}

fn with_certificate(der: &[u8]) -> ReProvisionRequest {
    ReProvisionRequest {
        certificate: Some(Certificate {
            kind: CertificateType::X_509,
            value: der.to_vec(),
        }),
        ..Default::default()
    }
}

/// A client of this key and certificate.
fn client_of(der: &[u8], key: &KeyPair) -> Issued {
    Issued {
        certificate: pem(der),
        der: der.to_vec(),
        key: key.serialize_pem().into(),
        facts: facts(der).unwrap(),
    }
}

fn pem(der: &[u8]) -> String {
    use x509_cert::der::{Decode, EncodePem, pem::LineEnding};
    let certificate = x509_cert::Certificate::from_der(der).unwrap();
    certificate.to_pem(LineEnding::LF).unwrap()
}

#[test]
fn a_certificate_of_the_clients_own_replaces_the_present_one() {
    let open = open();
    let (old, new) = (
        open.known("array"),
        open.authority.issue_client("array", 5).unwrap(),
    );
    let mut connection = speak(&open, &old);
    let id = connection.call(with_certificate(&new.der)).unwrap();
    assert!(id.unique_identifier.is_some());
    // On the connection that is there, and on any other.
    let reason = refusal(connection.call(LocateRequest::default()));
    assert_eq!(reason, ResultReason::AuthenticationNotSuccessful);
    assert!(!may_ask(&open, &old));
    assert!(may_ask(&open, &new));
    // It is kept, for whoever may see it; and it is nobody else's.
    let get = GetRequest {
        unique_identifier: id.unique_identifier,
        ..Default::default()
    };
    let kept = speak(&open, &new).call(get).unwrap();
    assert_eq!(kept.object_type, ObjectType::Certificate);
    let other = open.known("other");
    let reason = refusal(speak(&open, &other).call(with_certificate(&new.der)));
    assert_eq!(reason, ResultReason::InvalidField);
    assert!(may_ask(&open, &other));
}

#[test]
fn a_request_is_certified() {
    let open = open();
    let old = open.known("array");
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "administrator");
    let csr = params.serialize_request(&key).unwrap();
    let request = ReProvisionRequest {
        certificate_request: Some(CertificateRequest {
            kind: CertificateRequestType::PKCS_10,
            value: csr.der().to_vec(),
        }),
        ..Default::default()
    };
    let get = GetRequest::default();
    let mut outcomes = batch(&mut speak(&open, &old), vec![request.into(), get.into()]);
    let ManagedObject::Certificate(made) = got(outcomes.remove(1)) else {
        panic!("no certificate");
    };
    let new = client_of(&made.value, &key);
    // Whose certificate it is, is not the request's to say.
    assert!(new.facts.subject.contains("CN=array"));
    assert!(may_ask(&open, &new) && !may_ask(&open, &old));
    // Rubbish leaves the client what it has.
    let rubbish = ReProvisionRequest {
        certificate_request: Some(CertificateRequest {
            kind: CertificateRequestType::PKCS_10,
            value: vec![0x30, 0],
        }),
        ..Default::default()
    };
    let reason = refusal(speak(&open, &new).call(rubbish));
    assert_eq!(reason, ResultReason::InvalidField);
    assert!(may_ask(&open, &new));
}

#[test]
fn without_parameters_the_bridge_makes_all_of_it() {
    let open = open();
    let (old, friend) = (open.known("array"), open.known("friend"));
    let request = ReProvisionRequest::default();
    let mut outcomes = batch(
        &mut speak(&open, &old),
        vec![request.into(), GetRequest::default().into()],
    );
    let key = match got(outcomes.remove(1)) {
        ManagedObject::PrivateKey(key) => match key.key_block.key_value {
            Some(KeyValue::Plain(value)) => match value.key_material {
                KeyMaterial::Bytes(bytes) => bytes,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let key = KeyPair::try_from(&*key).unwrap();
    let made = payload!(success(outcomes.remove(0)), ReProvision).unique_identifier;
    assert!(!may_ask(&open, &old));
    let linked = A::Link(keybridge_kmip::attributes::Link {
        kind: keybridge_kmip::enums::LinkType::PrivateKeyLink,
        linked_object: made.unwrap(),
    });
    let of_key = LocateRequest {
        attributes: vec![linked.into()].into(),
        ..Default::default()
    };
    let mut outcomes = batch(
        &mut speak(&open, &friend),
        vec![of_key.into(), GetRequest::default().into()],
    );
    let ManagedObject::Certificate(made) = got(outcomes.remove(1)) else {
        panic!("no certificate");
    };
    assert!(may_ask(&open, &client_of(&made.value, &key)));
}

#[test]
fn a_batch_that_is_undone_gives_the_old_certificate_back() {
    let open = open();
    let (old, new) = (
        open.known("array"),
        open.authority.issue_client("array", 5).unwrap(),
    );
    let missing = GetRequest {
        unique_identifier: Some(UniqueIdentifier::Text("nobody".into())),
        ..Default::default()
    };
    let payloads = vec![with_certificate(&new.der).into(), missing.into()];
    let mut request = RequestMessage::new(V2_1, payloads);
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Undo);
    let answer = speak(&open, &old).exchange(&request).unwrap();
    assert!(matches!(answer.items[0].outcome, Outcome::Undone(_)));
    assert!(may_ask(&open, &old) && !may_ask(&open, &new));
}

#[test]
fn what_would_lock_the_client_out_or_in_is_refused() {
    let open = open();
    let old = open.known("array");
    let (foreign, _) = Authority::create("foreign CA").unwrap();
    let foreign = foreign.issue_client("array", 5).unwrap();
    let server = open
        .authority
        .issue_server(ServerKey::Ecdsa, &["127.0.0.1".into()])
        .unwrap();
    for der in [&foreign.der, &server.der, &vec![0x30, 0x00]] {
        let reason = refusal(speak(&open, &old).call(with_certificate(der)));
        assert_eq!(reason, ResultReason::InvalidField);
        assert!(may_ask(&open, &old));
    }
    // Revoked, as an object of the account.
    let register = RegisterRequest {
        object_type: ObjectType::Certificate,
        attributes: Default::default(),
        object: ManagedObject::Certificate(Certificate {
            kind: CertificateType::X_509,
            value: old.der.clone(),
        })
        .into(),
        protection_storage_masks: None,
    };
    let mut connection = speak(&open, &old);
    let id = connection.call(register).unwrap().unique_identifier;
    let revoke = RevokeRequest {
        unique_identifier: Some(id),
        revocation_reason: keybridge_kmip::attributes::RevocationReason {
            code: RevocationReasonCode::KeyCompromise,
            message: None,
        },
        compromise_occurrence_date: None,
    };
    connection.call(revoke).unwrap();
    let new = open.authority.issue_client("array", 5).unwrap();
    let reason = refusal(connection.call(with_certificate(&new.der)));
    assert_eq!(reason, ResultReason::PermissionDenied);
    assert!(!may_ask(&open, &new));
}

#[test]
fn where_there_is_nothing_to_replace_or_nobody_to_make_it_it_is_said() {
    // No CA of the bridge's own.
    let open = Open::with(ServerKey::Ecdsa, |_, _| {});
    let client = open.known("array");
    let reason = refusal(speak(&open, &client).call(ReProvisionRequest::default()));
    assert_eq!(reason, ResultReason::FeatureNotSupported);
    assert!(may_ask(&open, &client));
    // Whoever renews the certificate is somebody else: the client is known by its name.
    let open = Open::with(ServerKey::Ecdsa, |settings, _| {
        settings.identify_by = vec![IdentifyBy::Fingerprint, IdentifyBy::Cn];
    });
    open.add_credential("array", NewCredential::Subject("cn=array".into()));
    let client = odd_client(&open.ca, &[(DnType::CommonName, "array")], &[], &[]);
    let new = open.authority.issue_client("array", 5).unwrap();
    let reason = refusal(speak(&open, &client).call(with_certificate(&new.der)));
    assert_eq!(reason, ResultReason::FeatureNotSupported);
    assert!(may_ask(&open, &client));
}
