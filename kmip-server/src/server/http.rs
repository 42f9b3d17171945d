//! KMIP over HTTPS: one POST a message, encoded as its Content-Type says (KMIP Profiles 2.1, section
//! 5.3; for 1.x, Additional Message Encodings 1.0, section 2). What is wrong with the message is
//! answered by KMIP in a 200; what is wrong with the HTTP around it, by a status.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use keybridge_kmip::Encoding;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use super::client::Client;
use super::patient::Patient;
use super::stopped;
use crate::processor::Processor;

/// Bytes of a request's head, and so the most that its headers take.
const HEAD_BYTES: usize = 16 * 1024;
/// Headers of a request.
const HEADERS: usize = 64;

/// Serves a client until it or the server has had enough.
pub(super) async fn serve(
    stream: TlsStream<TcpStream>,
    client: Arc<Client>,
    processor: &Processor,
    mut stop: watch::Receiver<bool>,
) {
    let limits = *processor.limits();
    let service = service_fn(|request| {
        let (client, processor) = (Arc::clone(&client), processor.clone());
        async move { Ok::<_, Infallible>(answer(request, &client, &processor).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle())
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(
            TokioIo::new(Patient::new(stream, limits.message())),
            service,
        );
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %client.address, %error, "disconnected");
    }
}

async fn answer(
    request: Request<Incoming>,
    client: &Client,
    processor: &Processor,
) -> Response<Full<Bytes>> {
    if !client.is_good() {
        return refusal(StatusCode::FORBIDDEN, "the client certificate was revoked");
    }
    let encoding = match check(&request, client) {
        Ok(encoding) => encoding,
        Err(refused) => return *refused,
    };
    let limits = processor.limits();
    let body = match timeout(limits.message(), read(request, limits.message_bytes)).await {
        Ok(Ok(body)) => body,
        Ok(Err(refused)) => return *refused,
        Err(_) => {
            return refusal(
                StatusCode::REQUEST_TIMEOUT,
                "server.limits.message-seconds passed",
            );
        }
    };
    // Keys pass through: both bodies are wiped when they are done with.
    let answer = Zeroizing::new(processor.answer_in(encoding, &client.peer, &body));
    let mut response = Response::new(Full::new(Bytes::from_owner(answer)));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(encoding.content_type()),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

type Refused = Box<Response<Full<Bytes>>>;

/// The encoding of a request that is one.
fn check(request: &Request<Incoming>, client: &Client) -> Result<Encoding, Refused> {
    if request.uri().path() != client.path() {
        return Err(Box::new(refusal(
            StatusCode::NOT_FOUND,
            "KMIP is at another path: server.https-path",
        )));
    }
    if request.method() != Method::POST {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "KMIP requests are POSTs");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
        return Err(Box::new(response));
    }
    let Some(kind) = request.headers().get(CONTENT_TYPE) else {
        // A body of no type is octets (RFC 9110, section 8.3).
        return Ok(Encoding::Ttlv);
    };
    kind.to_str()
        .ok()
        .and_then(Encoding::from_content_type)
        .ok_or_else(|| {
            Box::new(refusal(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "application/octet-stream (TTLV), text/xml, application/xml or application/json",
            ))
        })
}

/// The body. Memory is taken as bytes come, never for a length that was only claimed.
async fn read(request: Request<Incoming>, limit: usize) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let too_large = || {
        Box::new(refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "server.limits.message-bytes",
        ))
    };
    let mut incoming = request.into_body();
    if incoming.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut body = Zeroizing::new(Vec::with_capacity(4096));
    while let Some(frame) = incoming.frame().await {
        let frame = frame
            .map_err(|error| Box::new(refusal(StatusCode::BAD_REQUEST, &error.to_string())))?;
        // Trailers say nothing here.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if body.len() + data.len() > limit {
            return Err(too_large());
        }
        append(&mut body, &data);
    }
    Ok(body)
}

/// Appends; when the buffer must move, the old place is wiped.
fn append(body: &mut Zeroizing<Vec<u8>>, data: &[u8]) {
    if body.capacity() - body.len() < data.len() {
        let needed = body.len() + data.len();
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(body.capacity() * 2)));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(data);
}

/// A refusal; the rest of the request is not waited for, so the connection ends.
fn refusal(status: StatusCode, words: &str) -> Response<Full<Bytes>> {
    tracing::info!(%status, words, "an HTTP request was refused");
    let mut response = Response::new(Full::new(Bytes::from(format!("{words}\n"))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
