//! The modules of PKCS#11 clients: whose they are, how many, and when they end.

use keybridge_core::authorize::Origin;
use keybridge_core::kms::{NewClient, NewCredential};
use keybridge_core::model::Role;
use keybridge_core::settings::Limits;
use keybridge_core::time::Timestamp;
use keybridge_core::{Door, SecretBytes};
use keybridge_kmip::Version;
use keybridge_kmip::enums::{PKCS_11Function as F, ResultReason};
use keybridge_kmip::message::{Outcome, RequestMessage, ResponseMessage};
use keybridge_kmip::operations::pkcs11::FunctionNumber;
use keybridge_kmip::operations::{PKCS11Request, PKCS11Response, ResponsePayload};
use keybridge_server::identity::Peer;
use keybridge_server::processor::Processor;
use keybridge_server::settings::ServerLimits;

use crate::harness::House;

const PIN: &[u8] = b"user-123456";
const NOT_INITIALIZED: u32 = 0x190;

/// A bridge with a token and clients that are known by their certificates.
struct Crowd {
    house: House,
    processor: Processor,
}

impl Crowd {
    fn new(limits: ServerLimits, core: Limits) -> Self {
        let house = House::limited(core);
        let secret = |bytes: &[u8]| SecretBytes::from(bytes);
        let (kms, account, door) = (&house.kms, house.account, Door::Pkcs11);
        kms.init_token(account, &secret(b"so-123456"), "house", door)
            .unwrap();
        let officer = kms
            .login(account, Role::SecurityOfficer, &secret(b"so-123456"), door)
            .unwrap();
        kms.init_pin(&officer, &secret(PIN)).unwrap();
        for name in ["one", "other"] {
            let client = NewClient {
                name: name.to_owned(),
                role: Role::User,
                credential: NewCredential::Certificate {
                    fingerprint: name.to_owned(),
                    subject: format!("CN={name}"),
                    serial: name.to_owned(),
                    expires: Timestamp(i64::MAX / 2),
                },
            };
            kms.add_client(&house.caller(), client).unwrap();
        }
        let processor = Processor::new(house.kms.clone(), limits);
        Self { house, processor }
    }

    fn outcome(&self, client: &str, value: Option<&[u8]>, function: F, input: &[u8]) -> Outcome {
        let origin = Origin::Network([127, 0, 0, 1].into());
        let kms = &self.house.kms;
        let caller = kms.authenticate_certificate(client, origin, Door::Kmip);
        let request = PKCS11Request {
            interface: None,
            function: FunctionNumber::Standard(function),
            correlation_value: value.map(<[u8]>::to_vec),
            input_parameters: (!input.is_empty()).then(|| input.into()),
        };
        let message = RequestMessage::new(Version::V2_1, vec![request.into()]);
        let message = message.encode(Vec::new()).unwrap();
        let peer = Peer::known(caller.unwrap());
        let answer = self.processor.answer(&peer, &message, Vec::new());
        let limits = keybridge_kmip::Limits::default();
        let mut answer = ResponseMessage::decode(&answer, &limits).unwrap();
        answer.items.remove(0).outcome
    }

    #[track_caller]
    fn call(
        &self,
        client: &str,
        value: Option<&[u8]>,
        function: F,
        input: &[u8],
    ) -> PKCS11Response {
        match self.outcome(client, value, function, input) {
            Outcome::Success(Some(ResponsePayload::PKCS_11(answer))) => answer,
            other => panic!("{other:?}"),
        }
    }

    fn code(&self, client: &str, value: &[u8], function: F, input: &[u8]) -> u32 {
        let answer = self.call(client, Some(value), function, input);
        answer.return_code.0
    }

    #[track_caller]
    fn module(&self, client: &str) -> Vec<u8> {
        let answer = self.call(client, None, F::C_Initialize, &[1]);
        assert_eq!(answer.return_code.0, 0);
        answer.correlation_value.expect("a correlation value")
    }

    /// A session of the user, with one session object; what making it answers.
    fn session_object(&self, client: &str, value: &[u8]) -> u32 {
        let slot = [[0; 8], 6u64.to_be_bytes()].concat();
        let opened = self.call(client, Some(value), F::C_OpenSession, &slot);
        let session = opened.output_parameters.expect("a handle").to_vec();
        let pin = [&[0, 0, 0, PIN.len() as u8][..], PIN].concat();
        let login = [&session[..], &1u64.to_be_bytes(), &pin].concat();
        assert_eq!(self.code(client, value, F::C_Login, &login), 0);
        // CKM_AES_KEY_GEN, and CKA_VALUE_LEN alone.
        let mechanism = [&0x1080u64.to_be_bytes()[..], &[0]].concat();
        let length = [&0x161u64.to_be_bytes()[..], &[1, 1], &32u64.to_be_bytes()].concat();
        let template = [&[0, 0, 0, 1][..], &length].concat();
        let input = [session, mechanism, template].concat();
        self.code(client, value, F::C_GenerateKey, &input)
    }
}

#[test]
fn nobody_calls_with_the_value_of_another() {
    let crowd = Crowd::new(ServerLimits::default(), Limits::default());
    let value = crowd.module("one");
    for function in [F::C_GetInfo, F::C_Finalize] {
        assert_eq!(crowd.code("other", &value, function, &[]), NOT_INITIALIZED);
    }
    // Nor with one that is nobody's, or none.
    let mut spoiled = value.clone();
    spoiled[15] ^= 1;
    let wrong = [
        &spoiled[..],
        &value[..15],
        &[&value[..], &[0]].concat(),
        &[],
    ]
    .map(<[u8]>::to_vec);
    for wrong in wrong {
        for function in [F::C_GetInfo, F::C_Finalize] {
            assert_eq!(crowd.code("one", &wrong, function, &[]), NOT_INITIALIZED);
        }
    }
    assert_eq!(crowd.code("one", &value, F::C_GetInfo, &[]), 0);
    assert_eq!(crowd.code("one", &value, F::C_Finalize, &[]), 0);
    assert_eq!(
        crowd.code("one", &value, F::C_GetInfo, &[]),
        NOT_INITIALIZED
    );
}

#[test]
fn there_are_so_many_of_a_client_and_in_all() {
    let limits = ServerLimits {
        pkcs11_per_client: 2,
        pkcs11_modules: 3,
        ..ServerLimits::default()
    };
    let crowd = Crowd::new(limits, Limits::default());
    let refused = |client, name: &str| {
        let outcome = crowd.outcome(client, None, F::C_Initialize, &[1]);
        let Outcome::Failed {
            reason, message, ..
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(reason, ResultReason::ServerLimitExceeded);
        let message = message.expect("a message").to_string();
        assert!(message.contains(name), "{message}");
    };
    let first = crowd.module("one");
    crowd.module("one");
    refused("one", "pkcs11-per-client");
    crowd.module("other");
    refused("other", "pkcs11-modules");
    assert_eq!(crowd.code("one", &first, F::C_Finalize, &[]), 0);
    crowd.module("other");
}

/// With what lives in their sessions.
#[test]
fn they_end_when_nobody_uses_them_or_may() {
    let one_object = Limits {
        session_objects: 1,
        ..Limits::default()
    };
    let crowd = Crowd::new(ServerLimits::default(), one_object.clone());
    let (one, other) = (crowd.module("one"), crowd.module("other"));
    assert_eq!(crowd.session_object("one", &one), 0);
    assert_ne!(
        crowd.session_object("other", &other),
        0,
        "one object in all"
    );
    assert_eq!(crowd.processor.end_unused_modules().unwrap(), 0);
    let kms = &crowd.house.kms;
    kms.revoke_client(&crowd.house.caller(), "one").unwrap();
    assert_eq!(crowd.processor.end_unused_modules().unwrap(), 1);
    assert_eq!(crowd.session_object("other", &crowd.module("other")), 0);
    assert_eq!(crowd.code("other", &other, F::C_GetInfo, &[]), 0);

    let at_once = ServerLimits {
        pkcs11_idle_seconds: 0,
        ..ServerLimits::default()
    };
    let crowd = Crowd::new(at_once, one_object);
    let (one, other) = (crowd.module("one"), crowd.module("other"));
    assert_eq!(crowd.code("one", &one, F::C_GetInfo, &[]), NOT_INITIALIZED);
    assert_eq!(crowd.processor.end_unused_modules().unwrap(), 1);
    assert_eq!(
        crowd.code("other", &other, F::C_GetInfo, &[]),
        NOT_INITIALIZED
    );
}
