//! A load generator for KMIP servers, ours or another's: a mix of operations over some connections
//! for some time, and what it took.

mod histogram;
mod idle;
mod mix;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use keybridge_kmip::attributes::UniqueIdentifier;
use keybridge_kmip::client::{ClientError, TlsClient, TlsIdentity, connect};
use keybridge_kmip::message::{Authentication, Credential, Outcome};
use keybridge_kmip::operations::ResponsePayload;
use keybridge_kmip::{SecretText, Version};
use serde::Serialize;

use crate::pki::hex;
use histogram::Histogram;
use idle::Idle;
use mix::Objects;

pub use idle::IdleReport;
pub use mix::{Kind, Mix};

/// Longest wait for a connection, and for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How a client connects.
#[derive(Debug)]
pub struct Target {
    /// Host name or address, which the server's certificate must name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Certificates of the CAs that vouch for the server, PEM.
    pub ca: Vec<u8>,
    /// The client's certificate, PEM.
    pub certificate: Vec<u8>,
    /// Its private key, PEM.
    pub key: zeroize::Zeroizing<Vec<u8>>,
    /// User name and password for the request header.
    pub user: Option<(String, SecretText)>,
    /// The version to speak; none: the newest that both know.
    pub version: Option<Version>,
}

/// What load there shall be.
#[derive(Clone, Debug)]
pub struct Load {
    /// The operations.
    pub mix: Mix,
    /// Connections, a thread each.
    pub connections: usize,
    /// Operations in a message.
    pub batch: usize,
    /// How long it is counted.
    pub duration: Duration,
    /// How long it runs before it is counted.
    pub warm_up: Duration,
    /// Bytes that are encrypted, signed and so on.
    pub size: usize,
    /// Connections that are there beside those that work, and do nothing.
    pub idle: usize,
    /// The server's process, if it is on this machine: its memory is looked at.
    pub server_process: Option<u32>,
}

/// What it took.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The version spoken.
    pub version: String,
    /// Connections.
    pub connections: usize,
    /// Operations in a message.
    pub batch: usize,
    /// Bytes worked on.
    pub size: usize,
    /// Seconds counted.
    pub seconds: f64,
    /// Operations done, in all.
    pub operations: u64,
    /// Operations a second.
    pub per_second: f64,
    /// Operations refused, by the reason.
    pub refused: BTreeMap<String, u64>,
    /// What the idle connections took.
    pub idle: Option<IdleReport>,
    /// By operation. With several operations in a message, each has the message's latency.
    pub by_operation: BTreeMap<String, Row>,
}

/// Numbers of one operation, latencies in microseconds.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Row {
    pub operations: u64,
    pub per_second: f64,
    pub mean_us: u64,
    pub p50_us: u64,
    pub p90_us: u64,
    pub p99_us: u64,
    pub p999_us: u64,
    pub max_us: u64,
}

/// What one connection counted.
#[derive(Default)]
struct Counted {
    latencies: BTreeMap<Kind, Histogram>,
    refused: BTreeMap<String, u64>,
    made: Vec<UniqueIdentifier>,
}

/// What the connections and whoever looks on share.
#[derive(Default)]
struct Shared {
    counting: AtomicBool,
    stop: AtomicBool,
    done: AtomicU64,
}

impl Target {
    fn connect(&self, version: Version) -> Result<TlsClient, ClientError> {
        let identity = TlsIdentity::from_pem(&self.ca, &self.certificate, &self.key)?;
        let mut client = connect(&self.host, self.port, identity, version, TIMEOUT)?;
        client.set_authentication(self.user.as_ref().map(|(name, password)| Authentication {
            credentials: vec![Credential::password(name.clone(), password.clone())],
        }));
        Ok(client)
    }
}

/// Runs the load; `progress` is told, a few times a second, how far it is (0 to 1) and the
/// operations a second so far.
///
/// # Errors
/// When the server cannot be reached, or refuses to make the objects that are needed, or a
/// connection fails on the way.
pub fn run(
    target: &Target,
    load: &Load,
    mut progress: impl FnMut(f64, f64),
) -> Result<Report, ClientError> {
    let mut client = target.connect(target.version.unwrap_or(Version::V1_4))?;
    let version = match target.version {
        Some(version) => version,
        None => client.negotiate()?,
    };
    let mut run = [0; 6];
    rand::fill(&mut run).map_err(|_| ClientError::Io(std::io::Error::other("no random bytes")))?;
    let mut objects = Objects::make(&mut client, &load.mix, &hex(&run), load.size)?;
    let idle = match load.idle {
        0 => None,
        count => Some(Idle::open(target, version, count, load.server_process)?),
    };
    let shared = Shared::default();
    let result = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..load.connections)
            .map(|number| {
                let (objects, shared) = (&objects, &shared);
                scope.spawn(move || {
                    let counted = work(target, version, load, objects, shared, number);
                    // One that fails ends the run: the others' numbers would say something else.
                    if counted.is_err() {
                        shared.stop.store(true, Ordering::Relaxed);
                    }
                    counted
                })
            })
            .collect();
        let elapsed = watch(load, &shared, &mut progress);
        let counted: Vec<_> = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err(ClientError::Mismatch)))
            .collect();
        (elapsed, counted)
    });
    let (elapsed, counted) = result;
    let idle = idle.map(Idle::close);
    objects.destroy(&mut client);
    let mut all = Counted::default();
    let mut failed = None;
    for counted in counted {
        match counted {
            Ok(counted) => all.add(counted),
            Err(error) => failed = Some(error),
        }
    }
    for id in &all.made {
        mix::remove(&mut client, id);
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(Report {
            idle,
            ..report(version, load, elapsed, &all)
        }),
    }
}

/// Lets the load run its time; how long it was counted.
fn watch(load: &Load, shared: &Shared, progress: &mut impl FnMut(f64, f64)) -> Duration {
    const TICK: Duration = Duration::from_millis(200);
    let started = Instant::now();
    let stopped = || shared.stop.load(Ordering::Relaxed);
    while started.elapsed() < load.warm_up && !stopped() {
        std::thread::sleep(TICK.min(load.warm_up.saturating_sub(started.elapsed())));
    }
    shared.counting.store(true, Ordering::Relaxed);
    let counted = Instant::now();
    while counted.elapsed() < load.duration && !stopped() {
        std::thread::sleep(TICK.min(load.duration.saturating_sub(counted.elapsed())));
        let seconds = counted.elapsed().as_secs_f64();
        let done = shared.done.load(Ordering::Relaxed) as f64;
        progress(
            (seconds / load.duration.as_secs_f64()).min(1.0),
            done / seconds,
        );
    }
    shared.stop.store(true, Ordering::Relaxed);
    counted.elapsed()
}

/// One connection's work.
fn work(
    target: &Target,
    version: Version,
    load: &Load,
    objects: &Objects,
    shared: &Shared,
    number: usize,
) -> Result<Counted, ClientError> {
    let mut client = target.connect(version)?;
    let mut counted = Counted::default();
    // Any sequence will do, as long as connections have different ones.
    let mut random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(number as u64 + 1);
    while !shared.stop.load(Ordering::Relaxed) {
        let kinds: Vec<Kind> = (0..load.batch)
            .map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                load.mix.pick(random)
            })
            .collect();
        let payloads = kinds.iter().map(|kind| objects.payload(*kind)).collect();
        let began = Instant::now();
        let items = client.send(payloads)?;
        let latency = began.elapsed();
        let counts = shared.counting.load(Ordering::Relaxed);
        for (kind, item) in kinds.iter().zip(items) {
            match item.outcome {
                Outcome::Success(payload) => {
                    if let Some(ResponsePayload::Create(made)) = payload {
                        counted.made.push(made.unique_identifier);
                    }
                    if counts {
                        counted.latencies.entry(*kind).or_default().add(latency);
                        shared.done.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Outcome::Failed {
                    reason, message, ..
                } => {
                    let words = message.unwrap_or_default();
                    let what = format!("{}: {reason}: {words}", kind.name());
                    *counted.refused.entry(what).or_default() += 1;
                }
                Outcome::Pending { .. } | Outcome::Undone(_) => {
                    return Err(ClientError::NotCompleted);
                }
            }
        }
    }
    Ok(counted)
}

impl Counted {
    fn add(&mut self, other: Self) {
        for (kind, histogram) in &other.latencies {
            self.latencies.entry(*kind).or_default().merge(histogram);
        }
        for (reason, count) in other.refused {
            *self.refused.entry(reason).or_default() += count;
        }
        self.made.extend(other.made);
    }
}

fn report(version: Version, load: &Load, elapsed: Duration, counted: &Counted) -> Report {
    let seconds = elapsed.as_secs_f64();
    let per_second = |count: u64| (count as f64 / seconds * 10.0).round() / 10.0;
    let row = |histogram: &Histogram| Row {
        operations: histogram.count(),
        per_second: per_second(histogram.count()),
        mean_us: histogram.mean(),
        p50_us: histogram.percentile(500),
        p90_us: histogram.percentile(900),
        p99_us: histogram.percentile(990),
        p999_us: histogram.percentile(999),
        max_us: histogram.max(),
    };
    let operations = counted.latencies.values().map(Histogram::count).sum();
    Report {
        version: version.to_string(),
        connections: load.connections,
        batch: load.batch,
        size: load.size,
        seconds: (seconds * 1000.0).round() / 1000.0,
        operations,
        per_second: per_second(operations),
        refused: counted.refused.clone(),
        idle: None,
        by_operation: counted
            .latencies
            .iter()
            .map(|(kind, histogram)| (kind.name(), row(histogram)))
            .collect(),
    }
}
