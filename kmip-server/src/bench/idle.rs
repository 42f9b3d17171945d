//! Connections that do nothing while others work: what they cost the server, and whether they are still
//! served at the end.

use std::time::Instant;

use keybridge_kmip::Version;
use keybridge_kmip::client::{ClientError, TlsClient};
use keybridge_kmip::enums::QueryFunction;
use keybridge_kmip::operations::QueryRequest;
use serde::Serialize;

use super::Target;

/// Threads that open connections: a handshake waits for the server more than it computes.
const OPENERS: usize = 8;

/// What idle connections took.
#[derive(Clone, Debug, Serialize)]
pub struct IdleReport {
    /// How many there were.
    pub connections: usize,
    /// Seconds to open them, with a request and its answer on each.
    pub seconds: f64,
    /// Bytes of memory that the server's process grew by for each, if it is known (resident set, so what
    /// the server kept free before is not in it).
    pub server_bytes_each: Option<u64>,
    /// Those that answered once more at the end.
    pub served_at_the_end: usize,
}

/// Open connections.
pub(super) struct Idle {
    clients: Vec<TlsClient>,
    report: IdleReport,
}

impl Idle {
    /// Opens them. `server` is the server's process, if it is on this machine.
    pub(super) fn open(
        target: &Target,
        version: Version,
        count: usize,
        server: Option<u32>,
    ) -> Result<Self, ClientError> {
        let before = server.and_then(resident);
        let began = Instant::now();
        let opened: Vec<Result<Vec<TlsClient>, ClientError>> = std::thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS)
                .map(|opener| {
                    let own = (count + opener) / OPENERS;
                    scope.spawn(move || (0..own).map(|_| one(target, version)).collect())
                })
                .collect();
            openers
                .into_iter()
                .map(|opener| opener.join().unwrap_or(Err(ClientError::Mismatch)))
                .collect()
        });
        let mut clients = Vec::with_capacity(count);
        for some in opened {
            clients.append(&mut some?);
        }
        let seconds = began.elapsed().as_secs_f64();
        let after = server.and_then(resident);
        let grown = before
            .zip(after)
            .map(|(before, after)| after.saturating_sub(before) / count.max(1) as u64);
        let report = IdleReport {
            connections: clients.len(),
            seconds: (seconds * 1000.0).round() / 1000.0,
            server_bytes_each: grown,
            served_at_the_end: 0,
        };
        Ok(Self { clients, report })
    }

    /// Asks each once more, and closes them.
    pub(super) fn close(mut self) -> IdleReport {
        let served = self
            .clients
            .iter_mut()
            .filter_map(|client| ask(client).ok());
        self.report.served_at_the_end = served.count();
        self.report
    }
}

fn one(target: &Target, version: Version) -> Result<TlsClient, ClientError> {
    let mut client = target.connect(version)?;
    ask(&mut client)?;
    Ok(client)
}

/// A request that every version has and every client may make.
fn ask(client: &mut TlsClient) -> Result<(), ClientError> {
    let query = QueryRequest {
        query_functions: vec![QueryFunction::QueryServerInformation],
        ..QueryRequest::default()
    };
    client.call(query).map(|_| ())
}

/// Bytes of memory that a process has in use.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}
