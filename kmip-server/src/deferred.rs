//! Requests that are done asynchronously, and Poll, whose answer is that of another operation.

use std::sync::Arc;

use keybridge_core::{Door, Kms};
use keybridge_kmip::Version;
use keybridge_kmip::enums::{AsynchronousIndicator, BatchErrorContinuationOption, Operation};
use keybridge_kmip::message::{Outcome, RequestBatchItem, RequestMessage, ResponseBatchItem};
use keybridge_kmip::operations::{PollRequest, RequestPayload};

use crate::asynchronous::Promise;
use crate::failure::{Failure, Result};
use crate::identity::Requester;
use crate::processor::{Context, Processor, one_item, permitted};

/// A batch that is done later.
struct Deferred {
    processor: Processor,
    requester: Requester,
    version: Version,
    go_on: bool,
    items: Vec<(RequestBatchItem, Promise)>,
}

/// Operations about asynchronous requests, which are answered at once whatever the client says.
const fn is_immediate(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Poll
            | Operation::Cancel
            | Operation::Process
            | Operation::QueryAsynchronousRequests
    )
}

impl Processor {
    /// Whether a request is to be done later: because the client says Mandatory, or, to 1.4, says that it
    /// can take such an answer and asks for nothing that has to be answered at once.
    pub(crate) fn is_deferred(request: &RequestMessage) -> bool {
        let operations = || request.items.iter().map(|item| item.operation);
        let header = &request.header;
        match header.asynchronous_indicator.map(|given| given.0) {
            Some(AsynchronousIndicator::Mandatory) => !operations().all(is_immediate),
            Some(AsynchronousIndicator::Optional) => {
                let undoes = header.batch_error_continuation_option
                    == Some(BatchErrorContinuationOption::Undo);
                header.protocol_version < Version::V2_0
                    && !operations().any(is_immediate)
                    && !(undoes && request.items.len() > 1)
            }
            _ => false,
        }
    }

    /// Takes a request to be done later: a correlation value for each item.
    ///
    /// # Errors
    /// When there are too many, or it can only be done at once.
    pub(crate) fn defer(
        &self,
        requester: Requester,
        request: RequestMessage,
    ) -> Result<Vec<ResponseBatchItem>> {
        let option = request.header.batch_error_continuation_option;
        if option == Some(BatchErrorContinuationOption::Undo) && request.items.len() > 1 {
            return Err(Failure::not_supported(
                "a batch that may be undone is not done asynchronously",
            ));
        }
        let operations: Vec<_> = request.items.iter().map(|item| item.operation).collect();
        if operations.iter().copied().any(is_immediate) {
            return Err(Failure::not_supported(
                "operations about asynchronous requests are answered at once: send them by \
                 themselves",
            ));
        }
        let pending = &self.services().pending;
        let promises = pending.submit(&requester.caller, &operations)?;
        let answers = request.items.iter().zip(&promises).map(|(item, promise)| {
            let outcome = Outcome::Pending {
                correlation_value: promise.value().to_vec(),
            };
            ResponseBatchItem {
                operation: Some(item.operation),
                unique_batch_item_id: item.unique_batch_item_id.clone(),
                outcome,
                message_extension: None,
            }
        });
        let answers = answers.collect();
        let deferred = Deferred {
            processor: self.clone(),
            requester,
            version: request.header.protocol_version,
            go_on: option == Some(BatchErrorContinuationOption::Continue),
            items: request.items.into_iter().zip(promises).collect(),
        };
        let values = deferred.items.iter().map(|(_, promise)| promise.value());
        let (values, waiting) = (values.collect(), deferred.version < Version::V2_0);
        pending.start(values, waiting, Box::new(move || deferred.run()));
        Ok(answers)
    }
}

impl Deferred {
    fn run(self) {
        let Self {
            processor,
            requester,
            version,
            go_on,
            items,
        } = self;
        if let Err(failure) = still_good(processor.kms(), &requester) {
            let outcome = failure.outcome(version);
            for (_, promise) in items {
                promise.keep(outcome.clone());
            }
            return;
        }
        let grant = requester.grant.as_deref();
        let batch = items.iter().map(|(item, _)| item);
        let mut context = processor.context(&requester.caller, grant, version, batch);
        for (item, promise) in items {
            if !promise.begin() {
                continue;
            }
            let outcome = one_item(item, &mut context).outcome;
            let failed = !matches!(outcome, Outcome::Success(_));
            for value in std::mem::take(&mut context.polled) {
                context.services().pending.told(&value);
            }
            promise.keep(outcome);
            if failed && !go_on {
                // The promises of the rest are dropped, and say so.
                return;
            }
        }
    }
}

/// Whether whoever asked may still: its credential may have been revoked while the request waited.
fn still_good(kms: &Arc<Kms>, requester: &Requester) -> Result<()> {
    let caller = &requester.caller;
    if caller.door() == Door::Kmip {
        kms.still_proven(caller, caller.origin(), Door::Kmip)?;
    }
    Ok(())
}

/// The answer to Poll: "identical to the response that would have been sent if the operation had
/// completed synchronously" (2.1 section 6.1.38), or that it is pending.
pub(crate) fn poll(
    request: &PollRequest,
    id: Option<Vec<u8>>,
    context: &mut Context<'_>,
) -> ResponseBatchItem {
    let value = &request.asynchronous_correlation_value;
    let polled = permitted(Operation::Poll, context).and_then(|()| {
        context.blocking(|_, caller| context.services().pending.poll(caller, value))
    });
    let (operation, outcome) = match polled {
        Ok((operation, Some(outcome))) => {
            context.polled.push(value.clone());
            (operation, outcome)
        }
        Ok((_, None)) => {
            let outcome = Outcome::Pending {
                correlation_value: value.clone(),
            };
            (Operation::Poll, outcome)
        }
        Err(failure) => (Operation::Poll, failure.outcome(context.version)),
    };
    ResponseBatchItem {
        operation: Some(operation),
        unique_batch_item_id: id,
        outcome,
        message_extension: None,
    }
}

/// The request of an item that is a Poll.
pub(crate) fn as_poll(item: &RequestBatchItem) -> Option<&PollRequest> {
    match &item.payload {
        Ok(RequestPayload::Poll(request)) => Some(request),
        _ => None,
    }
}
