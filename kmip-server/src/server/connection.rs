//! One connection: reads a message, answers it, until the client has had enough.

use std::time::Duration;

use keybridge_kmip::Limits;
use keybridge_kmip::frame::read_length;
use keybridge_kmip::ttlv::HEAD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::client::Client;
use super::{stopped, turned};
use crate::processor::Processor;

/// Bytes that a connection keeps for its messages between them; what a large message needed is
/// given back. There may be thousands of connections that wait.
const KEPT_BUFFER: usize = 4096;

/// Serves a client that has completed its handshake.
pub(super) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    client: &Client,
    processor: &Processor,
    mut stop: watch::Receiver<bool>,
) {
    let peer = client.address;
    tracing::debug!(%peer, "connected");
    let limits = *processor.limits();
    let (mut request, mut answer) = (Vec::with_capacity(4096), Vec::with_capacity(4096));
    loop {
        let first = tokio::select! {
            () = stopped(&mut stop) => break,
            first = timeout(limits.idle(), read_head(&mut stream)) => first,
        };
        let head = match first {
            Ok(Ok(Some(head))) => head,
            // The client is done, or has gone.
            Ok(Ok(None)) => break,
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "disconnected");
                return;
            }
            Err(_) => {
                tracing::debug!(%peer, "closed: nothing for server.limits.idle-seconds");
                break;
            }
        };
        request.clear();
        request.extend_from_slice(&head);
        match read_rest(&mut stream, &mut request, &limits.wire(), limits.message()).await {
            Ok(()) => {}
            Err(Refused::NoMessage(reason)) => {
                // What follows cannot be told from the rest of this message: answer, and close.
                tracing::info!(%peer, reason, "no KMIP message");
                let answer = processor.answer(&client.peer, &request, answer);
                let _ = timeout(limits.message(), stream.write_all(&answer)).await;
                break;
            }
            Err(Refused::Lost(reason)) => {
                tracing::info!(%peer, reason, "disconnected within a message");
                return;
            }
        }
        if !client.is_good() {
            break;
        }
        answer = processor.answer(&client.peer, &request, answer);
        // Before the answer, so that the client misses nothing that it knows to come after.
        let listener = turned::Listener::of(client, processor);
        let written = timeout(limits.message(), async {
            stream.write_all(&answer).await?;
            stream.flush().await
        });
        if !matches!(written.await, Ok(Ok(()))) {
            tracing::debug!(%peer, "the client did not take its answer");
            return;
        }
        forget(&mut request);
        forget(&mut answer);
        if let Some(listener) = listener {
            turned::serve(&mut stream, client, processor, listener, &mut stop).await;
            break;
        }
    }
    let _ = timeout(limits.handshake(), stream.shutdown()).await;
}

/// Overwrites what passed through a buffer (keys do), and gives a large one back.
fn forget(buffer: &mut Vec<u8>) {
    use zeroize::Zeroize;
    buffer.as_mut_slice().zeroize();
    buffer.clear();
    buffer.shrink_to(KEPT_BUFFER);
}

/// The first eight bytes of a message; none when the client closed between messages.
pub(super) async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<Option<[u8; HEAD]>> {
    let mut head = [0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        match stream.read(&mut head[filled..]).await {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            // Clients that close without saying so are common, and between messages no harm.
            Err(error) if filled == 0 && error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Some(head))
}

/// Why a message did not come.
pub(super) enum Refused {
    /// The head is that of no message, or of one that is too large.
    NoMessage(String),
    /// The connection failed, or was too slow.
    Lost(String),
}

/// Reads the message whose head stands in `request`. Memory is taken as bytes come, never for a
/// length that was only claimed.
pub(super) async fn read_rest(
    stream: &mut (impl AsyncRead + Unpin),
    request: &mut Vec<u8>,
    limits: &Limits,
    patience: Duration,
) -> Result<(), Refused> {
    let head: [u8; HEAD] = request
        .as_slice()
        .try_into()
        .map_err(|_| Refused::NoMessage("its head is incomplete".into()))?;
    let length =
        read_length(&head, limits).map_err(|error| Refused::NoMessage(error.to_string()))?;
    let rest = (length - HEAD) as u64;
    let mut body = stream.take(rest);
    let read = timeout(patience, body.read_to_end(request)).await;
    match read {
        Ok(Ok(count)) if count as u64 == rest => Ok(()),
        Ok(Ok(_)) => Err(Refused::Lost("the connection ended".into())),
        Ok(Err(error)) => Err(Refused::Lost(error.to_string())),
        Err(_) => Err(Refused::Lost("server.limits.message-seconds passed".into())),
    }
}
