//! Who a client is: by what its certificate says, by name and password, by ticket.

use keybridge_core::kms::NewCredential;
use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeValue, UniqueIdentifier, UsageLimits};
use keybridge_kmip::client::TlsClient;
use keybridge_kmip::enums::{
    AttestationType, CryptographicAlgorithm, CryptographicUsageMask, ObjectType, Operation,
    UsageLimitsUnit,
};
use keybridge_kmip::message::{
    Attestation, Authentication, Credential, Device, Nonce, Ticket, TicketCredential,
};
use keybridge_kmip::operations::delegated_login::{Objects, Right, Rights};
use keybridge_kmip::operations::login::LeaseLimit;
use keybridge_kmip::operations::{
    CreateRequest, DelegatedLoginRequest, GetAttributesRequest, GetRequest, LocateRequest,
    LoginRequest, LogoutRequest, Operations, QueryRequest,
};
use keybridge_server::listener::{AttestationPolicy, IdentifyBy};
use keybridge_server::pki::ServerKey;
use keybridge_server::settings::ServerLimits;
use rcgen::{DnType, ExtendedKeyUsagePurpose};

use crate::network::{Open, odd_client};

/// Create of an AES-256 key.
pub(crate) fn aes() -> CreateRequest {
    let values = [
        AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::AES),
        AttributeValue::CryptographicLength(256),
        AttributeValue::CryptographicUsageMask(
            CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt,
        ),
    ];
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: values.into_iter().collect(),
        protection_storage_masks: None,
    }
}

fn with(client: &mut TlsClient, credentials: Vec<Credential>) {
    client.set_authentication(Some(Authentication { credentials }));
}

fn may_locate(client: &mut TlsClient) -> Result<(), String> {
    client
        .call(LocateRequest::default())
        .map(|_| ())
        .map_err(|error| error.to_string())
}

#[test]
fn a_certificate_is_known_by_what_the_listener_looks_at() {
    let claims = [
        (IdentifyBy::Cn, "cn=Array 7"),
        (IdentifyBy::Uid, "uid=array-7"),
        (IdentifyBy::Serial, "serial=abc01"),
        (IdentifyBy::San, "san=array7.example"),
        (IdentifyBy::San, "san=10.0.0.7"),
    ];
    for (by, claim) in claims {
        let open = Open::with(ServerKey::Ecdsa, |settings, _| {
            settings.identify_by = vec![IdentifyBy::Fingerprint, by];
        });
        open.add_credential("array", NewCredential::Subject(claim.into()));
        let uid = DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
        let subject = [(DnType::CommonName, "Array 7"), (uid, "array-7")];
        let client = odd_client(
            &open.ca,
            &subject,
            &["Array7.example", "10.0.0.7"],
            &[ExtendedKeyUsagePurpose::ClientAuth],
        );
        let mut connection = open.connect(&client).unwrap();
        may_locate(&mut connection).unwrap_or_else(|error| panic!("{claim}: {error}"));
        let other = odd_client(&open.ca, &[(DnType::CommonName, "array 7")], &[], &[]);
        if by != IdentifyBy::Serial {
            assert!(may_locate(&mut open.connect(&other).unwrap()).is_err());
        }
        // Its next request after a revocation is refused, as for any other credential.
        let kms = &open.house.kms;
        kms.revoke_client(&open.house.caller(), "array").unwrap();
        assert!(may_locate(&mut connection).is_err());
    }
}

#[test]
fn claims_are_not_looked_at_where_the_listener_does_not_say_so() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    open.add_credential("array", NewCredential::Subject("cn=Array 7".into()));
    let client = odd_client(&open.ca, &[(DnType::CommonName, "Array 7")], &[], &[]);
    assert!(may_locate(&mut open.connect(&client).unwrap()).is_err());
    // A fingerprint cannot be claimed by a name.
    let own = client.facts.fingerprint.clone();
    let claim = NewCredential::Subject(own);
    let refused = open.house.kms.add_client(
        &open.house.caller(),
        keybridge_core::kms::NewClient {
            name: "thief".into(),
            role: keybridge_core::model::Role::User,
            credential: claim,
        },
    );
    assert!(refused.is_err());
}

#[test]
fn a_password_makes_its_user_the_one_who_asks() {
    let open = Open::with(ServerKey::Ecdsa, |settings, _| {
        settings.account = Some("acme".into());
    });
    open.add_credential("ann", NewCredential::Password("correct horse".into()));
    let (machine, stranger) = (
        open.known("machine"),
        open.authority.issue_client("stranger", 10).unwrap(),
    );
    for certificate in [&machine, &stranger] {
        let mut connection = open.connect(certificate).unwrap();
        for _ in 0..3 {
            with(
                &mut connection,
                vec![Credential::password("ann", "correct horse")],
            );
            may_locate(&mut connection).unwrap();
        }
        with(&mut connection, vec![Credential::password("ann", "wrong")]);
        assert!(may_locate(&mut connection).is_err());
        with(
            &mut connection,
            vec![Credential::password("nobody", "correct horse")],
        );
        assert!(may_locate(&mut connection).is_err());
        let device = Credential::Device(Device {
            device_serial_number: Some("ann".into()),
            password: Some("correct horse".to_owned().into()),
            ..Device::default()
        });
        with(&mut connection, vec![device]);
        may_locate(&mut connection).unwrap();
    }
    // A device without a password proves nothing that the certificate does not.
    let device = || {
        vec![Credential::Device(Device {
            device_serial_number: Some("ann".into()),
            ..Device::default()
        })]
    };
    let mut connection = open.connect(&machine).unwrap();
    with(&mut connection, device());
    may_locate(&mut connection).unwrap();
    let mut connection = open.connect(&stranger).unwrap();
    with(&mut connection, device());
    assert!(may_locate(&mut connection).is_err());
    connection.call(QueryRequest::default()).unwrap();
    // Revoked: the remembered password does not help.
    let kms = &open.house.kms;
    kms.revoke_client(&open.house.caller(), "ann").unwrap();
    with(
        &mut connection,
        vec![Credential::password("ann", "correct horse")],
    );
    assert!(may_locate(&mut connection).is_err());
}

#[test]
fn a_tokens_pin_is_no_password() {
    let open = Open::with(ServerKey::Ecdsa, |settings, _| {
        settings.account = Some("acme".into());
    });
    let kms = &open.house.kms;
    let (door, account) = (keybridge_core::Door::Pkcs11, open.house.account);
    let pin = |text: &str| keybridge_core::SecretBytes::from(text);
    kms.init_token(account, &pin("so-123456"), "house", door)
        .unwrap();
    let officer = kms
        .login(
            account,
            keybridge_core::model::Role::SecurityOfficer,
            &pin("so-123456"),
            door,
        )
        .unwrap();
    kms.init_pin(&officer, &pin("user-123456")).unwrap();
    let mut connection = open.connect(&open.known("machine")).unwrap();
    for _ in 0..20 {
        with(
            &mut connection,
            vec![Credential::password("user", "user-123456")],
        );
        assert!(may_locate(&mut connection).is_err());
    }
    // And guessing it here does not lock it there.
    let role = keybridge_core::model::Role::User;
    kms.login(account, role, &pin("user-123456"), door).unwrap();
}

#[test]
fn attestations_pass_or_are_refused_as_configured() {
    for policy in [AttestationPolicy::Ignore, AttestationPolicy::Refuse] {
        let open = Open::with(ServerKey::Ecdsa, |settings, _| {
            settings.attestation = policy
        });
        let mut connection = open.connect(&open.known("app")).unwrap();
        let attestation = Credential::Attestation(Attestation {
            nonce: Nonce {
                nonce_id: vec![1],
                nonce_value: vec![2],
            },
            attestation_type: AttestationType::TPMQuote,
            attestation_measurement: Some(vec![3]),
            attestation_assertion: None,
        });
        with(&mut connection, vec![attestation]);
        let result = may_locate(&mut connection);
        assert_eq!(result.is_ok(), policy == AttestationPolicy::Ignore);
        if let Err(error) = result {
            assert!(error.contains("AttestationFailed"), "{error}");
        }
    }
}

fn show(ticket: &Ticket) -> Vec<Credential> {
    vec![Credential::Ticket(TicketCredential {
        ticket: ticket.clone(),
    })]
}

#[test]
fn a_ticket_stands_for_its_login_until_it_ends() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let (app, other) = (
        open.known("app"),
        open.authority.issue_client("other", 10).unwrap(),
    );
    let mut login = open.speak(&app, Version::V2_1);
    let ticket = login.call(LoginRequest::default()).unwrap().ticket;
    let twice = LoginRequest {
        request_count: Some(2),
        lease_time: Some(LeaseLimit::Interval(1000)),
        ..LoginRequest::default()
    };
    let counted = login.call(twice).unwrap().ticket;
    // A certificate that is nobody's, and the ticket.
    let mut bearer = open.speak(&other, Version::V2_1);
    assert!(may_locate(&mut bearer).is_err());
    with(&mut bearer, show(&ticket));
    for _ in 0..5 {
        may_locate(&mut bearer).unwrap();
    }
    let error = bearer
        .call(LoginRequest::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("PermissionDenied"), "{error}");
    with(&mut bearer, show(&counted));
    may_locate(&mut bearer).unwrap();
    may_locate(&mut bearer).unwrap();
    assert!(may_locate(&mut bearer).is_err(), "its requests are used up");
    let logout = |ticket: &Ticket| LogoutRequest {
        ticket: ticket.clone(),
    };
    login.call(logout(&ticket)).unwrap();
    let error = login.call(logout(&ticket)).unwrap_err().to_string();
    assert!(error.contains("InvalidTicket"), "{error}");
    with(&mut bearer, show(&ticket));
    assert!(may_locate(&mut bearer).is_err());
    let past = LoginRequest {
        lease_time: Some(LeaseLimit::DateTime(1)),
        ..LoginRequest::default()
    };
    assert!(login.call(past).is_err());
}

#[test]
fn a_ticket_dies_with_its_givers_credential() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let other = open.authority.issue_client("other", 10).unwrap();
    let mut login = open.speak(&open.known("app"), Version::V2_0);
    let ticket = login.call(LoginRequest::default()).unwrap().ticket;
    let mut bearer = open.speak(&other, Version::V2_0);
    with(&mut bearer, show(&ticket));
    may_locate(&mut bearer).unwrap();
    let kms = &open.house.kms;
    kms.revoke_client(&open.house.caller(), "app").unwrap();
    assert!(may_locate(&mut bearer).is_err());
}

#[test]
fn tickets_are_counted() {
    let limits = ServerLimits {
        tickets_per_client: 3,
        ..ServerLimits::default()
    };
    let open = Open::new(ServerKey::Ecdsa, limits);
    let mut login = open.speak(&open.known("app"), Version::V2_1);
    for _ in 0..3 {
        login.call(LoginRequest::default()).unwrap();
    }
    let error = login.call(LoginRequest::default()).unwrap_err().to_string();
    assert!(error.contains("tickets-per-client"), "{error}");
    let mut login = open.speak(&open.known("other"), Version::V2_1);
    login.call(LoginRequest::default()).unwrap();
}

#[test]
fn a_delegated_ticket_does_what_its_rights_say_and_no_more() {
    let open = Open::new(ServerKey::Ecdsa, ServerLimits::default());
    let other = open.authority.issue_client("other", 10).unwrap();
    let mut login = open.speak(&open.known("app"), Version::V2_1);
    let own = login.call(aes()).unwrap().unique_identifier;
    let secret = login.call(aes()).unwrap().unique_identifier;
    let operations = |list: &[Operation]| {
        Some(Operations {
            operations: list.to_vec(),
        })
    };
    let rights = vec![
        Right {
            operations: operations(&[Operation::Get]),
            objects: Some(Objects {
                unique_identifiers: vec![own.clone()],
            }),
            usage_limits: Some(UsageLimits {
                total: 2,
                count: None,
                unit: UsageLimitsUnit::Object,
            }),
            ..Right::default()
        },
        Right {
            operations: operations(&[Operation::Locate]),
            ..Right::default()
        },
    ];
    let request = DelegatedLoginRequest {
        lease_time: None,
        request_count: None,
        usage_limits: None,
        rights: Rights { rights },
    };
    let ticket = login.call(request).unwrap().ticket;
    let mut bearer = open.speak(&other, Version::V2_1);
    with(&mut bearer, show(&ticket));
    let get = |id: &UniqueIdentifier| GetRequest {
        unique_identifier: Some(id.clone()),
        ..GetRequest::default()
    };
    may_locate(&mut bearer).unwrap();
    bearer.call(get(&own)).unwrap();
    for refused in [
        bearer.call(get(&secret)).map(|_| ()),
        bearer.call(aes()).map(|_| ()),
        bearer
            .call(GetAttributesRequest {
                unique_identifier: Some(own.clone()),
                ..GetAttributesRequest::default()
            })
            .map(|_| ()),
        bearer.call(LoginRequest::default()).map(|_| ()),
        bearer.call(QueryRequest::default()).map(|_| ()),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("PermissionDenied"), "{error}");
    }
    bearer.call(get(&own)).unwrap();
    assert!(bearer.call(get(&own)).is_err(), "its uses are used up");
    login.call(get(&own)).unwrap();
}
