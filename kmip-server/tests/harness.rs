//! A key manager in a temporary folder, and ways to send it KMIP.

use std::sync::Arc;

use keybridge_core::seal::NobodyToAsk;
use keybridge_core::settings::{
    DeletionSettings, HsmSettings, Limits, SealSettings, Settings, StoreSettings,
};
use keybridge_core::{AccountId, Caller, Kms};
use keybridge_kmip::Version;
use keybridge_kmip::enums::ResultReason;
use keybridge_kmip::message::{Outcome, RequestMessage, ResponseMessage};
use keybridge_kmip::operations::{RequestPayload, ResponsePayload};
use keybridge_server::identity::Peer;
use keybridge_server::processor::Processor;
use keybridge_server::settings::{ServerAnswers, ServerLimits};
use tempfile::TempDir;

use crate::reasons;

/// A bridge without a network.
pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) kms: Arc<Kms>,
    pub(crate) account: AccountId,
    pub(crate) processor: Processor,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::answering(ServerAnswers::standard())
    }

    /// A bridge that answers so where the standard leaves it open.
    pub(crate) fn answering(answers: ServerAnswers) -> Self {
        Self::built(answers, Limits::default())
    }

    /// A bridge with limits of the test's own.
    pub(crate) fn limited(limits: Limits) -> Self {
        Self::built(ServerAnswers::standard(), limits)
    }

    fn built(answers: ServerAnswers, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            policy: keybridge_core::policy::PolicySettings::default(),
            store: StoreSettings {
                path: folder.path().join("keybridge.db"),
            },
            seal: SealSettings::Keyfile {
                path: folder.path().join("seal.key"),
            },
            hsm: HsmSettings::default(),
            limits,
            deletion: DeletionSettings::default(),
        };
        let kms = Arc::new(Kms::initialize(&settings, Arc::new(NobodyToAsk)).unwrap());
        let account = kms.create_account("acme").unwrap().id;
        let processor = Processor::answering(Arc::clone(&kms), ServerLimits::default(), answers);
        Self {
            folder,
            kms,
            account,
            processor,
        }
    }

    pub(crate) fn caller(&self) -> Arc<Caller> {
        self.kms.local_administrator(self.account)
    }

    /// The bytes of an answer.
    pub(crate) fn bytes(&self, request: &[u8]) -> Vec<u8> {
        self.processor
            .answer(&Peer::known(self.caller()), request, Vec::new())
    }

    /// The answer to a message.
    pub(crate) fn send(&self, request: &RequestMessage) -> ResponseMessage {
        let request = request.encode(Vec::new()).unwrap();
        let answer = self.bytes(&request);
        let answer = ResponseMessage::decode(&answer, &keybridge_kmip::Limits::default()).unwrap();
        for item in &answer.items {
            if let (Some(operation), Outcome::Failed { reason, .. }) =
                (item.operation, &item.outcome)
            {
                reasons::check(operation, answer.header.protocol_version, *reason);
            }
        }
        answer
    }

    /// The outcome of one operation.
    pub(crate) fn outcome(&self, version: Version, payload: impl Into<RequestPayload>) -> Outcome {
        let mut answer = self.send(&RequestMessage::new(version, vec![payload.into()]));
        assert_eq!(answer.items.len(), 1);
        answer.items.remove(0).outcome
    }

    /// The payload of an operation that succeeds.
    #[track_caller]
    pub(crate) fn ok(
        &self,
        version: Version,
        payload: impl Into<RequestPayload>,
    ) -> ResponsePayload {
        match self.outcome(version, payload) {
            Outcome::Success(Some(payload)) => payload,
            other => panic!("{other:?}"),
        }
    }

    /// The reason of an operation that fails.
    #[track_caller]
    pub(crate) fn refused(
        &self,
        version: Version,
        payload: impl Into<RequestPayload>,
    ) -> ResultReason {
        let payload = payload.into();
        let reason = match self.outcome(version, payload.clone()) {
            Outcome::Failed { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        // What is refused in one version is refused in those around it, for a reason that they have.
        for other in Version::SUPPORTED {
            let request = RequestMessage::new(other, vec![payload.clone()]);
            if other.major == version.major && request.encode(Vec::new()).is_ok() {
                self.send(&request);
            }
        }
        reason
    }
}

/// The payload of a response, or a panic that shows it.
macro_rules! payload {
    ($response:expr, $operation:ident) => {
        match $response {
            keybridge_kmip::operations::ResponsePayload::$operation(payload) => payload,
            other => panic!("{other:?}"),
        }
    };
}
pub(crate) use payload;
