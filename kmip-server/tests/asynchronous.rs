//! Operations that are done later: Poll, Cancel, Process, Query Asynchronous Requests.

use keybridge_kmip::Version;
use keybridge_kmip::attributes::{AttributeValue, UniqueIdentifier};
use keybridge_kmip::enums::{
    AsynchronousIndicator, BatchErrorContinuationOption, CancellationResult,
    CryptographicAlgorithm, CryptographicUsageMask, Operation, ProcessingStage, ResultReason,
};
use keybridge_kmip::message::{Asynchronous, Outcome, RequestMessage, ResponseBatchItem};
use keybridge_kmip::operations::query_asynchronous_requests::{
    AsynchronousCorrelationValues, AsynchronousRequest,
};
use keybridge_kmip::operations::{
    CancelRequest, CreateKeyPairRequest, GetRequest, LocateRequest, Operations, PollRequest,
    ProcessRequest, QueryAsynchronousRequestsRequest, RequestPayload, ResponsePayload,
};
use keybridge_server::pki::ServerKey;
use keybridge_server::settings::ServerLimits;

use crate::harness::{House, payload};
use crate::identity::aes;
use crate::network::{Open, until};

const V1_4: Version = Version::V1_4;
const V2_1: Version = Version::V2_1;

fn deferred(version: Version, payloads: Vec<RequestPayload>) -> RequestMessage {
    let mut request = RequestMessage::new(version, payloads);
    request.header.asynchronous_indicator = Some(Asynchronous(AsynchronousIndicator::Mandatory));
    request
}

fn value(item: &ResponseBatchItem) -> Vec<u8> {
    match &item.outcome {
        Outcome::Pending { correlation_value } => correlation_value.clone(),
        other => panic!("{other:?}"),
    }
}

fn poll(house: &House, value: &[u8]) -> ResponseBatchItem {
    let request = PollRequest {
        asynchronous_correlation_value: value.to_vec(),
    };
    let mut answer = house.send(&RequestMessage::new(V2_1, vec![request.into()]));
    answer.items.remove(0)
}

fn fetched(house: &House, value: &[u8]) -> ResponseBatchItem {
    let mut last = None;
    until("it is done", || {
        let item = poll(house, value);
        let pending = matches!(item.outcome, Outcome::Pending { .. });
        if pending {
            assert_eq!(item.operation, Some(Operation::Poll));
        } else {
            last = Some(item);
        }
        !pending
    });
    last.unwrap()
}

fn reason(item: &ResponseBatchItem) -> ResultReason {
    match &item.outcome {
        Outcome::Failed { reason, .. } => *reason,
        other => panic!("{other:?}"),
    }
}

/// An RSA key pair takes long enough to be in the way of what is behind it.
fn slow() -> RequestPayload {
    let values = [
        AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::RSA),
        AttributeValue::CryptographicLength(4096),
    ];
    let mask = |mask| {
        [AttributeValue::CryptographicUsageMask(mask)]
            .into_iter()
            .collect()
    };
    CreateKeyPairRequest {
        common: Some(values.into_iter().collect()),
        private_key: Some(mask(CryptographicUsageMask::Sign)),
        public_key: Some(mask(CryptographicUsageMask::Verify)),
        ..CreateKeyPairRequest::default()
    }
    .into()
}

#[test]
fn the_answer_to_poll_is_that_of_the_operation() {
    let house = House::new();
    let answer = house.send(&deferred(V2_1, vec![aes().into()]));
    assert_eq!(answer.items[0].operation, Some(Operation::Create));
    let value = value(&answer.items[0]);
    let item = fetched(&house, &value);
    assert_eq!(item.operation, Some(Operation::Create));
    let Outcome::Success(Some(ResponsePayload::Create(created))) = item.outcome else {
        panic!("{item:?}");
    };
    let get = GetRequest {
        unique_identifier: Some(created.unique_identifier),
        ..GetRequest::default()
    };
    house.ok(V2_1, get);
    // It was fetched, so it is gone.
    let again = reason(&poll(&house, &value));
    assert_eq!(again, ResultReason::InvalidAsynchronousCorrelationValue);
    assert_eq!(
        house.refused(
            V1_4,
            PollRequest {
                asynchronous_correlation_value: vec![1, 2, 3]
            }
        ),
        ResultReason::ItemNotFound,
        "as 1.x says it"
    );
}

/// A result for which the client has no room waits for a Poll that has.
#[test]
fn a_result_that_is_too_large_to_tell_is_kept() {
    let house = House::new();
    let answer = house.send(&deferred(V2_1, vec![aes().into()]));
    let value = value(&answer.items[0]);
    let process = ProcessRequest {
        asynchronous_correlation_value: value.clone(),
    };
    house.ok(V2_1, process);
    let poll = PollRequest {
        asynchronous_correlation_value: value.clone(),
    };
    let mut request = RequestMessage::new(V2_1, vec![poll.into()]);
    request.header.maximum_response_size = Some(100);
    let refused = reason(&house.send(&request).items[0]);
    assert_eq!(refused, ResultReason::ResponseTooLarge);
    let item = fetched(&house, &value);
    assert!(
        matches!(item.outcome, Outcome::Success(Some(_))),
        "{item:?}"
    );
}

#[test]
fn a_batch_is_done_in_order_with_one_placeholder() {
    let house = House::new();
    let get = || GetRequest::default().into();
    let bad = GetRequest {
        unique_identifier: Some(UniqueIdentifier::Text("nobody".into())),
        ..GetRequest::default()
    };
    let batch = vec![aes().into(), get(), bad.clone().into(), get()];
    let answer = house.send(&deferred(V2_1, batch.clone()));
    let values: Vec<_> = answer.items.iter().map(value).collect();
    let last = fetched(&house, &values[3]);
    assert_eq!(
        reason(&last),
        ResultReason::GeneralFailure,
        "the batch stopped"
    );
    assert_eq!(
        reason(&fetched(&house, &values[2])),
        ResultReason::ObjectNotFound
    );
    assert!(matches!(
        fetched(&house, &values[1]).outcome,
        Outcome::Success(_)
    ));
    assert!(matches!(
        fetched(&house, &values[0]).outcome,
        Outcome::Success(_)
    ));
    // With Continue the last one is done.
    let mut request = deferred(V2_1, batch.clone());
    let option = &mut request.header.batch_error_continuation_option;
    *option = Some(BatchErrorContinuationOption::Continue);
    let answer = house.send(&request);
    let last = fetched(&house, &value(&answer.items[3]));
    assert!(matches!(last.outcome, Outcome::Success(_)));
    // What may be undone is done at once or not at all.
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Undo);
    let answer = house.send(&request);
    assert_eq!(reason(&answer.items[0]), ResultReason::FeatureNotSupported);
}

#[test]
fn what_has_not_begun_can_be_canceled() {
    let house = House::new();
    let cancel = |value: &[u8]| {
        let request = CancelRequest {
            asynchronous_correlation_value: value.to_vec(),
        };
        payload!(house.ok(V2_1, request), Cancel).cancellation_result
    };
    let answer = house.send(&deferred(V2_1, vec![slow(), aes().into()]));
    let values: Vec<_> = answer.items.iter().map(value).collect();
    assert_eq!(cancel(&values[1]), CancellationResult::Canceled);
    let item = poll(&house, &values[1]);
    assert_eq!(reason(&item), ResultReason::OperationCanceledByRequester);
    fetched(&house, &values[0]);
    assert_eq!(cancel(&values[0]), CancellationResult::Unavailable);
    assert_eq!(cancel(b"nothing"), CancellationResult::Unavailable);
    let Outcome::Success(Some(ResponsePayload::Locate(found))) =
        house.outcome(V2_1, LocateRequest::default())
    else {
        panic!("Locate");
    };
    assert_eq!(found.unique_identifiers.len(), 2, "the pair only");
}

#[test]
fn process_waits_and_the_clients_requests_are_listed() {
    let house = House::new();
    let list = |request: QueryAsynchronousRequestsRequest| {
        payload!(house.ok(V2_1, request), QueryAsynchronousRequests).asynchronous_requests
    };
    assert!(list(QueryAsynchronousRequestsRequest::default()).is_empty());
    let answer = house.send(&deferred(V2_1, vec![slow(), aes().into()]));
    let values: Vec<_> = answer.items.iter().map(value).collect();
    assert_eq!(list(QueryAsynchronousRequestsRequest::default()).len(), 2);
    let process = |value: &[u8]| ProcessRequest {
        asynchronous_correlation_value: value.to_vec(),
    };
    house.ok(V2_1, process(&values[1]));
    assert_eq!(
        house.refused(V2_1, process(&values[1])),
        ResultReason::DuplicateProcessRequest
    );
    let done = list(QueryAsynchronousRequestsRequest {
        asynchronous_correlation_values: Some(AsynchronousCorrelationValues {
            values: vec![values[1].clone()],
        }),
        operations: None,
    });
    assert_eq!(done[0].processing_stage, ProcessingStage::Completed);
    let pairs = list(QueryAsynchronousRequestsRequest {
        asynchronous_correlation_values: None,
        operations: Some(Operations {
            operations: vec![Operation::CreateKeyPair],
        }),
    });
    assert_eq!(pairs[0].asynchronous_correlation_value, values[0]);
    let item = poll(&house, &values[1]);
    assert!(matches!(item.outcome, Outcome::Success(_)), "{item:?}");
    assert_eq!(
        house.refused(V2_1, process(&values[1])),
        ResultReason::InvalidAsynchronousCorrelationValue
    );
}

#[test]
fn optional_is_answered_at_once_and_polls_may_stand_in_a_mandatory_batch() {
    let house = House::new();
    let mut request = RequestMessage::new(V2_1, vec![aes().into()]);
    request.header.asynchronous_indicator = Some(Asynchronous(AsynchronousIndicator::Optional));
    let answer = house.send(&request);
    assert!(matches!(answer.items[0].outcome, Outcome::Success(_)));
    let answer = house.send(&deferred(V2_1, vec![slow()]));
    let poll: RequestPayload = PollRequest {
        asynchronous_correlation_value: value(&answer.items[0]),
    }
    .into();
    let locate: RequestPayload = LocateRequest::default().into();
    let answer = house.send(&deferred(V2_1, vec![poll.clone(), locate.clone()]));
    assert_eq!(reason(&answer.items[0]), ResultReason::FeatureNotSupported);
    // A pending one does not stop what is behind it.
    let answer = house.send(&RequestMessage::new(V2_1, vec![poll, locate]));
    assert_eq!(answer.items.len(), 2);
}

#[test]
fn requests_are_their_clients_own_counted_and_die_with_its_credential() {
    let limits = ServerLimits {
        asynchronous_per_client: 3,
        ..ServerLimits::default()
    };
    let open = Open::new(ServerKey::Ecdsa, limits);
    let (app, other) = (open.known("app"), open.known("other"));
    let (mut own, mut foreign) = (open.speak(&app, V2_1), open.speak(&other, V2_1));
    // Both workers are busy, so what follows waits.
    let busy = foreign
        .exchange(&deferred(V2_1, vec![slow(), slow()]))
        .unwrap();
    assert_eq!(busy.items.len(), 2);
    let answer = own
        .exchange(&deferred(V2_1, vec![slow(), aes().into()]))
        .unwrap();
    let values: Vec<_> = answer.items.iter().map(value).collect();
    let refused = own.exchange(&deferred(V2_1, vec![aes().into(), aes().into()]));
    assert_eq!(
        reason(&refused.unwrap().items[0]),
        ResultReason::ServerLimitExceeded
    );
    let theirs = PollRequest {
        asynchronous_correlation_value: values[0].clone(),
    };
    let error = foreign.call(theirs).unwrap_err().to_string();
    assert!(
        error.contains("InvalidAsynchronousCorrelationValue"),
        "{error}"
    );
}

#[test]
fn a_request_is_named_by_its_client_or_by_the_server() {
    let house = House::new();
    let named = |version, client: Option<&str>| {
        let mut request = RequestMessage::new(version, vec![LocateRequest::default().into()]);
        request.header.client_correlation_value = client.map(str::to_owned);
        let header = house.send(&request).header;
        assert_eq!(
            header.client_correlation_value, None,
            "it stands in requests"
        );
        header.server_correlation_value
    };
    assert_eq!(named(V1_4, None), None);
    assert!(named(V1_4, Some("it knows of such values")).is_some());
    assert_eq!(named(Version::V2_0, None), None);
    assert_eq!(named(V2_1, Some("step 1")), None);
    let first = named(V2_1, None);
    assert!(first.is_some());
    assert_ne!(first, named(V2_1, None));
}

/// The Boolean of 1.x is an offer that is taken (1.2 section 6.7; TC-32 and TC-101): what is asked for is
/// done when it is polled, can be canceled until then, and is done in the end anyway.
#[test]
fn in_1_x_what_is_asked_for_waits_for_its_poll() {
    let house = House::new();
    let ask = || {
        let mut request = RequestMessage::new(V1_4, vec![aes().into()]);
        request.header.asynchronous_indicator = Some(Asynchronous(AsynchronousIndicator::Optional));
        value(&house.send(&request).items[0])
    };
    let polled = |value: &[u8]| {
        let request = PollRequest {
            asynchronous_correlation_value: value.to_vec(),
        };
        let mut answer = house.send(&RequestMessage::new(V1_4, vec![request.into()]));
        answer.items.remove(0)
    };
    let item = polled(&ask());
    assert_eq!(item.operation, Some(Operation::Create));
    assert!(matches!(item.outcome, Outcome::Success(_)), "{item:?}");
    let canceled = ask();
    let request = CancelRequest {
        asynchronous_correlation_value: canceled.clone(),
    };
    let answer = payload!(house.ok(V1_4, request), Cancel);
    assert_eq!(answer.cancellation_result, CancellationResult::Canceled);
    let item = polled(&canceled);
    assert_eq!(reason(&item), ResultReason::OperationCanceledByRequester);
    // Nobody asks for it.
    let forgotten = ask();
    until("it is done all the same", || {
        let list = QueryAsynchronousRequestsRequest::default();
        let list = payload!(house.ok(V2_1, list), QueryAsynchronousRequests);
        let all = &list.asynchronous_requests;
        let done = |one: &AsynchronousRequest| {
            one.asynchronous_correlation_value == forgotten
                && one.processing_stage == ProcessingStage::Completed
        };
        all.iter().any(done)
    });
}
