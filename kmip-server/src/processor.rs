//! From the bytes of a request to the bytes of its answer: versions, credentials, batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keybridge_core::{Caller, Kms};
use keybridge_kmip::enums::{BatchErrorContinuationOption, Operation, ResultReason};
use keybridge_kmip::message::{
    Outcome, RequestBatchItem, RequestFailure, RequestMessage, ResponseBatchItem, ResponseMessage,
};
use keybridge_kmip::wire::DateTime;
use keybridge_kmip::{Encoding, Version};

use crate::asynchronous::Pending;
pub use crate::context::{Context, identifier};
use crate::deferred;
use crate::events::{self, Events};
use crate::failure::{Failure, Result};
use crate::identity::{Identities, Peer, Requester};
use crate::operations;
use crate::rates::Rates;
use crate::references::References;
use crate::settings::{ServerAnswers, ServerLimits};
use crate::streams::Streams;
use crate::tickets::{Grant, Tickets};
use crate::tunnels::{TunnelLimits, Tunnels};

/// Answers requests.
#[derive(Clone)]
pub struct Processor {
    inner: Arc<Inner>,
}

struct Inner {
    kms: Arc<Kms>,
    limits: ServerLimits,
    answers: ServerAnswers,
    services: Services,
}

/// What lasts from request to request.
pub(crate) struct Services {
    pub(crate) events: Events,
    pub(crate) pending: Pending,
    pub(crate) tickets: Tickets,
    pub(crate) streams: Streams,
    pub(crate) tunnels: Tunnels,
    identities: Identities,
    rates: Rates,
    /// Second of the server's start, and requests that it has named since.
    started: i64,
    correlation: AtomicU64,
}

impl Processor {
    /// A processor over a key manager.
    #[must_use]
    pub fn new(kms: Arc<Kms>, limits: ServerLimits) -> Self {
        Self::answering(kms, limits, ServerAnswers::standard())
    }

    /// A processor with answers other than the standard's own.
    #[must_use]
    pub fn answering(kms: Arc<Kms>, limits: ServerLimits, answers: ServerAnswers) -> Self {
        let services = Services {
            events: Events::new(),
            pending: Pending::new(limits.asynchronous_per_client, limits.asynchronous_seconds),
            streams: Streams::default(),
            tickets: Tickets::new(limits.ticket_seconds, limits.tickets_per_client),
            tunnels: Tunnels::new(
                Arc::clone(&kms),
                TunnelLimits {
                    per_client: limits.pkcs11_per_client,
                    in_all: limits.pkcs11_modules,
                    idle: Duration::from_secs(limits.pkcs11_idle_seconds.into()),
                },
            ),
            identities: Identities::new(),
            rates: Rates::new(limits.requests_per_second),
            started: now().0,
            correlation: AtomicU64::new(1),
        };
        Self {
            inner: Arc::new(Inner {
                kms,
                limits,
                answers,
                services,
            }),
        }
    }

    /// Ends the PKCS#11 modules (operation PKCS#11) that nobody used for long, and those of clients that are
    /// revoked or gone; how many they were.
    ///
    /// # Errors
    /// Store errors.
    pub fn end_unused_modules(&self) -> keybridge_core::Result<usize> {
        self.inner.services.tunnels.end_unused()
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &ServerLimits {
        &self.inner.limits
    }

    /// The key manager.
    #[must_use]
    pub fn kms(&self) -> &Arc<Kms> {
        &self.inner.kms
    }

    /// Answers the request in `message`, into `buffer`. Who `peer` is is asked at every message, so
    /// that a revoked certificate is refused at its next one.
    pub fn answer(&self, peer: &Peer, message: &[u8], mut buffer: Vec<u8>) -> Vec<u8> {
        buffer.clear();
        match RequestMessage::decode(message, &self.limits().wire()) {
            Ok(request) => self.answer_request(peer, request, buffer),
            Err(failure) => unreadable(&failure, buffer),
        }
    }

    /// Answers a request that came in `encoding`, in the same.
    pub fn answer_in(&self, encoding: Encoding, peer: &Peer, message: &[u8]) -> Vec<u8> {
        let limits = self.limits().wire();
        let answer = match RequestMessage::decode_from(encoding, message, &limits) {
            Ok(request) => self.answer_request(peer, request, Vec::new()),
            Err(failure) => unreadable(&failure, Vec::new()),
        };
        // The answer is the server's own, and may be larger than what clients may send.
        let unlimited = keybridge_kmip::Limits {
            bytes: usize::MAX,
            items: usize::MAX,
            ..limits
        };
        encoding.from_ttlv(answer, &unlimited).unwrap_or_default()
    }

    fn answer_request(&self, peer: &Peer, request: RequestMessage, buffer: Vec<u8>) -> Vec<u8> {
        let mut response = ResponseMessage::new(request.header.protocol_version, now(), Vec::new());
        let limit = request.header.maximum_response_size;
        let span = self.correlate(&request, &mut response);
        let _entered = span.enter();
        let done = self.items(peer, request);
        response.items = done.items;
        let (answer, is_told) = encode(response, limit, buffer);
        if is_told {
            for value in &done.polled {
                self.inner.services.pending.told(value);
            }
        }
        if let Some(caller) = done.undoable {
            tokio::task::block_in_place(|| self.end(&caller, is_told));
        }
        answer
    }

    /// The end of what can be undone: it is, if the client was not told what was done.
    fn end(&self, caller: &Arc<Caller>, is_told: bool) {
        if is_told {
            if let Err(error) = self.inner.kms.conclude(caller) {
                tracing::error!(%error, "material that was destroyed is left in an HSM");
            }
        } else if let Err(error) = self.inner.kms.undo(caller) {
            tracing::error!(%error, "what the client was not told could not be undone");
        }
    }

    /// Client and server correlation values (1.4 sections 6.18 and 6.19; 2.1 sections 9.9 and 9.10): one
    /// of them stands in the log. The client's is not answered: it is provided in the request. The
    /// server's goes to clients that have not named the request themselves, from 2.1 on. Those of before may
    /// have never heard of it and hang up over it (PyKMIP): they get it if they know of such values, having
    /// sent one.
    fn correlate(&self, request: &RequestMessage, response: &mut ResponseMessage) -> tracing::Span {
        // Debug form: a client must not be able to forge lines of the log.
        let client = request.header.client_correlation_value.as_ref();
        let old = request.header.protocol_version < Version::V2_1;
        match client {
            Some(client) if !old => return tracing::info_span!("request", ?client),
            None if old => return tracing::Span::none(),
            _ => {}
        }
        let number = self.services().correlation.fetch_add(1, Ordering::Relaxed);
        let server = format!("{:x}-{number:x}", self.services().started);
        let span = tracing::info_span!("request", server);
        response.header.server_correlation_value = Some(server);
        span
    }

    /// What lasts from request to request.
    pub(crate) fn services(&self) -> &Services {
        &self.inner.services
    }

    /// What the operations of one request share, at its beginning.
    pub(crate) fn context<'a, 'i>(
        &'a self,
        caller: &'a Arc<Caller>,
        grant: Option<&'a Grant>,
        version: Version,
        items: impl ExactSizeIterator<Item = &'i RequestBatchItem>,
    ) -> Context<'a> {
        let count = items.len();
        Context {
            kms: &self.inner.kms,
            caller,
            services: &self.inner.services,
            grant,
            narrowed: None,
            turned: None,
            link: None,
            version,
            limits: &self.inner.limits,
            answers: self.inner.answers.to(items),
            placeholder: None,
            polled: Vec::new(),
            references: References::of_batch(count),
        }
    }

    fn items(&self, peer: &Peer, request: RequestMessage) -> Done {
        let version = request.header.protocol_version;
        let refuse_all = |failure: Failure| {
            let first = request.items.first();
            Done::of(vec![ResponseBatchItem {
                operation: first.map(|item| item.operation),
                unique_batch_item_id: first.and_then(|item| item.unique_batch_item_id.clone()),
                outcome: failure.outcome(version),
                message_extension: None,
            }])
        };
        if let Err(failure) = self.check_header(&request) {
            return refuse_all(failure);
        }
        let requester = match self.requester(peer, &request) {
            Ok(requester) => requester,
            Err(failure) => {
                tracing::warn!(reason = %failure, "a client was refused");
                return refuse_all(failure);
            }
        };
        if Self::is_deferred(&request) {
            let first = request
                .items
                .first()
                .map(|item| (item.operation, item.unique_batch_item_id.clone()));
            return Done::of(self.defer(requester, request).unwrap_or_else(|failure| {
                let (operation, unique_batch_item_id) = first.unzip();
                vec![ResponseBatchItem {
                    operation,
                    unique_batch_item_id: unique_batch_item_id.flatten(),
                    outcome: failure.outcome(version),
                    message_extension: None,
                }]
            }));
        }
        let option = request.header.batch_error_continuation_option;
        let undoes = option == Some(BatchErrorContinuationOption::Undo) && request.items.len() > 1;
        // An answer that is larger than the client takes is no answer: nothing of it has happened then.
        let is_undoable = undoes || request.header.maximum_response_size.is_some();
        let caller = if is_undoable {
            Arc::new(requester.caller.undoable())
        } else {
            Arc::clone(&requester.caller)
        };
        let mut context = self.context(
            &caller,
            requester.grant.as_deref(),
            version,
            request.items.iter(),
        );
        context.turned = peer.turned().cloned();
        context.link = peer.link_credential();
        let go_on = option == Some(BatchErrorContinuationOption::Continue);
        let mut items = Vec::with_capacity(request.items.len());
        for item in request.items {
            let item = one_item(item, &mut context);
            let failed = matches!(item.outcome, Outcome::Failed { .. });
            items.push(item);
            if failed && !go_on {
                if undoes {
                    undo(&mut items, &context);
                }
                break;
            }
        }
        Done {
            items,
            polled: context.polled,
            undoable: is_undoable.then_some(caller),
        }
    }

    fn check_header(&self, request: &RequestMessage) -> Result<()> {
        if request.items.len() > self.limits().batch_items {
            return Err(Failure::by_version(
                ResultReason::InvalidMessage,
                ResultReason::ServerLimitExceeded,
                format!(
                    "limit batch-items = {} reached; server.limits.batch-items changes it",
                    self.limits().batch_items
                ),
            ));
        }
        // "If the indicator is True … and the receiver does not understand the extension, then the receiver SHALL reject
        // the entire message" (2.1 section 9.13).
        let is_critical = |item: &RequestBatchItem| {
            let mut extensions = item.message_extensions.iter();
            extensions.any(|extension| extension.criticality_indicator)
        };
        if request.items.iter().any(is_critical) {
            return Err(Failure::not_supported(
                "a critical message extension is not understood",
            ));
        }
        Ok(())
    }

    /// Who asks, if they may ask at all, and not too often.
    fn requester(&self, peer: &Peer, request: &RequestMessage) -> Result<Requester> {
        let services = &self.inner.services;
        let requester = services.identities.identify(
            &self.inner.kms,
            &services.tickets,
            peer,
            &request.header,
        )?;
        requester.may_ask(request.items.iter().map(|item| item.operation))?;
        let principal = requester.caller.principal();
        services.rates.count(principal, request.items.len())?;
        Ok(requester)
    }
}

/// What was done for a request, and by which caller, if it can be undone yet.
struct Done {
    items: Vec<ResponseBatchItem>,
    /// Asynchronous operations whose results are among the items.
    polled: Vec<Vec<u8>>,
    undoable: Option<Arc<Caller>>,
}

impl Done {
    /// Nothing that could be undone.
    const fn of(items: Vec<ResponseBatchItem>) -> Self {
        Self {
            items,
            polled: Vec::new(),
            undoable: None,
        }
    }
}

/// The answer to what is no request.
fn unreadable(failure: &RequestFailure, buffer: Vec<u8>) -> Vec<u8> {
    tracing::info!(error = %failure.error, "a request could not be read");
    failure.response(now()).encode(buffer).unwrap_or_default()
}

/// Undoes what the batch did before its last item, which failed.
fn undo(items: &mut [ResponseBatchItem], context: &Context<'_>) {
    if let Err(error) = context.blocking(Kms::undo) {
        // The client is told what is true: these stay done.
        tracing::error!(%error, "a batch could not be undone");
        return;
    }
    if let Some((_, before)) = items.split_last_mut() {
        for item in before {
            // What was answered may still be told; what it was about is no more.
            if let Outcome::Success(payload) = &mut item.outcome {
                item.outcome = Outcome::Undone(payload.take());
            }
        }
    }
}

/// Does one batch item.
pub(crate) fn one_item(item: RequestBatchItem, context: &mut Context<'_>) -> ResponseBatchItem {
    if let Some(request) = deferred::as_poll(&item) {
        let id = item.unique_batch_item_id.clone();
        return deferred::poll(request, id, context);
    }
    let version = context.version;
    let RequestBatchItem {
        operation,
        unique_batch_item_id,
        payload,
        ..
    } = item;
    let outcome = match payload {
        Ok(payload) => {
            let attribute = events::attribute_of(&payload);
            let done =
                permitted(operation, context).and_then(|()| operations::perform(payload, context));
            match done {
                Ok(answer) => {
                    context.references.answered(&answer);
                    context
                        .services
                        .events
                        .tell(context.caller, attribute, &answer);
                    Outcome::Success(Some(answer))
                }
                Err(failure) => failure.outcome(version),
            }
        }
        Err(error) => Outcome::failed(error.reason(version), error.to_string()),
    };
    log(operation, &outcome);
    ResponseBatchItem {
        operation: Some(operation),
        unique_batch_item_id,
        outcome,
        message_extension: None,
    }
}

/// Whether the ticket that the client showed, if it did, grants the operation.
pub(crate) fn permitted(operation: Operation, context: &mut Context<'_>) -> Result<()> {
    context.narrowed = None;
    if let Some(grant) = context.grant
        && grant.check_operation(operation)?
    {
        context.narrowed = Some(operation);
    }
    Ok(())
}

fn log(operation: Operation, outcome: &Outcome) {
    match outcome {
        Outcome::Failed {
            reason, message, ..
        } => {
            let why = message.as_deref().unwrap_or_default();
            tracing::info!(%operation, %reason, why, "refused");
        }
        _ => tracing::debug!(%operation, "done"),
    }
}

/// Writes the answer, or that it is too large for the client (1.4 section 6.3); and says whether it is the answer.
fn encode(mut response: ResponseMessage, limit: Option<i32>, buffer: Vec<u8>) -> (Vec<u8>, bool) {
    let limit = limit
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX);
    if let Ok((bytes, is_whole)) = response.encode_within(buffer, limit) {
        return (bytes, is_whole);
    }
    // The server's own value is not worth a refusal that the client can read.
    if response.header.server_correlation_value.take().is_some()
        && let Ok((bytes, is_whole)) = response.encode_within(Vec::new(), limit)
    {
        return (bytes, is_whole);
    }
    // Even the refusal is larger than the client takes: the shortest one must do.
    let item = ResponseBatchItem {
        operation: None,
        unique_batch_item_id: None,
        outcome: Outcome::Failed {
            reason: ResultReason::ResponseTooLarge,
            message: None,
            payload: None,
        },
        message_extension: None,
    };
    let shortest = ResponseMessage::new(
        response.header.protocol_version,
        response.header.time_stamp,
        vec![item],
    );
    (shortest.encode(Vec::new()).unwrap_or_default(), false)
}

fn now() -> DateTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    DateTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
