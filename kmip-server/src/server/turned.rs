//! A connection whose roles have changed: the server asks (Notify and Put), the client answers.

use keybridge_kmip::Version;
use keybridge_kmip::message::{Outcome, RequestMessage, ResponseMessage};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::client::Client;
use super::connection::{read_head, read_rest};
use super::stopped;
use crate::events::Event;
use crate::processor::Processor;

/// What a client is told by.
pub(super) struct Listener {
    version: Version,
    events: Receiver<Event>,
}

impl Listener {
    /// That of a client that has asked to be told.
    pub(super) fn of(client: &Client, processor: &Processor) -> Option<Self> {
        let version = client.peer.turned_in()?;
        let events = processor.services().events.listen();
        Some(Self { version, events })
    }
}

/// Tells the client what happens to the objects of its account, until it goes or may no more.
pub(super) async fn serve(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    client: &Client,
    processor: &Processor,
    listener: Listener,
    stop: &mut watch::Receiver<bool>,
) {
    let peer = client.address;
    tracing::debug!(%peer, "the client is to be told of changes");
    let Listener {
        version,
        mut events,
    } = listener;
    loop {
        let event = tokio::select! {
            () = stopped(stop) => return,
            // The client has nothing to say now: whatever comes, it is the end.
            _ = read_head(stream) => return,
            event = events.recv() => event,
        };
        let event = match event {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => {
                tracing::warn!(%peer, count, "changes were lost to a slow client");
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        if !client.is_good() {
            return;
        }
        match message(&event, client, processor, version) {
            Ok(Some(message)) => {
                if !deliver(stream, &message, processor).await {
                    tracing::debug!(%peer, "the client does not answer");
                    return;
                }
            }
            Ok(None) => {}
            Err(()) => return,
        }
    }
}

/// The message about an event; none when it is not the client's business.
fn message(
    event: &Event,
    client: &Client,
    processor: &Processor,
    version: Version,
) -> Result<Option<Zeroizing<Vec<u8>>>, ()> {
    let caller = match client.peer.principal(processor.kms()) {
        Ok(Some(caller)) => caller,
        _ => return Err(()),
    };
    if !event.is_for(&caller) {
        return Ok(None);
    }
    let mut context = processor.context(&caller, None, version, std::iter::empty());
    let payload = match event.message(&mut context) {
        Ok(payload) => payload,
        Err(failure) => {
            tracing::debug!(reason = %failure, "a change is not told");
            return Ok(None);
        }
    };
    let bytes = RequestMessage::new(version, vec![payload]).encode(Vec::new());
    Ok(bytes.ok().map(Zeroizing::new))
}

/// Sends a message and awaits its answer, whatever that is.
async fn deliver(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    message: &[u8],
    processor: &Processor,
) -> bool {
    let limits = processor.limits();
    let sent = timeout(limits.message(), async {
        stream.write_all(message).await?;
        stream.flush().await
    });
    if !matches!(sent.await, Ok(Ok(()))) {
        return false;
    }
    let Ok(Ok(Some(head))) = timeout(limits.message(), read_head(stream)).await else {
        return false;
    };
    let mut answer = head.to_vec();
    if read_rest(stream, &mut answer, &limits.wire(), limits.message())
        .await
        .is_err()
    {
        return false;
    }
    let Ok(answer) = ResponseMessage::decode(&answer, &limits.wire()) else {
        return false;
    };
    for item in answer.items {
        if let Outcome::Failed { reason, .. } = item.outcome {
            tracing::info!(%reason, "the client refused what it was told");
        }
    }
    true
}
