//! Asynchronous operations: batch items that are done later, and asked about with their
//! Asynchronous Correlation Value (1.4 sections 4.27, 4.28 and 6.7; 2.1 sections 6.1.5, 6.1.38 to
//! 6.1.41 and 9.2).
//!
//! A client that says Mandatory gets a correlation value for each item; the items of its batch are
//! done in order by one of a few threads. Optional leaves the choice to the server, which answers at
//! once. The Boolean of 1.x is an offer that is taken, as the cases of 1.0 to 1.2 have it (TC-32, TC-101):
//! such an item is done when it is polled, so that it can be canceled until then, or else after a while.
//! Requests and results are kept in memory, for whoever sent them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use keybridge_core::{AccountId, Caller, Error, PrincipalId};
use keybridge_kmip::enums::{CancellationResult, Operation, ProcessingStage, ResultReason};
use keybridge_kmip::message::Outcome;
use keybridge_kmip::operations::query_asynchronous_requests::AsynchronousRequest;
use keybridge_kmip::wire::DateTimeExtended;

use crate::failure::{Failure, Result};

/// Threads that do what is pending: as much at once as a small machine can.
const WORKERS: usize = 2;

/// For so long the items of a 1.x client wait to be polled or canceled before they are done anyway.
const WHILE: Duration = Duration::from_secs(2);

/// So long Poll waits in 1.x for what it has set going.
const POLLED: Duration = Duration::from_secs(1);

/// An Asynchronous Correlation Value.
pub(crate) type Value = [u8; 16];

/// The requests whose results nobody has fetched yet.
pub(crate) struct Pending {
    shared: Arc<Shared>,
    per_client: usize,
    keep: Duration,
}

struct Shared {
    state: Mutex<State>,
    /// Told when an item is done, or asked for.
    done: Condvar,
}

#[derive(Default)]
struct State {
    entries: HashMap<Value, Entry>,
    jobs: VecDeque<Job>,
    workers: usize,
}

/// The items of a request.
struct Job {
    run: Work,
    /// Until then it is done only if one of its items is asked for.
    due: Option<Instant>,
    values: Vec<Value>,
}

/// What is to be done.
type Work = Box<dyn FnOnce() + Send>;

struct Entry {
    owner: Owner,
    operation: Operation,
    submitted: DateTimeExtended,
    stage: Stage,
    /// Whether the client asked for it to be done now.
    processed: bool,
    /// Whether it waits to be polled.
    waits: bool,
}

/// Whose a request is.
type Owner = (AccountId, PrincipalId);

enum Stage {
    Submitted,
    InProcess,
    Done(Box<Outcome>, Instant),
}

/// The outcome of one item is awaited; a worker that ends without one leaves a failure.
pub(crate) struct Promise {
    shared: Arc<Shared>,
    value: Value,
    kept: bool,
}

fn owner(caller: &Caller) -> Owner {
    (caller.account(), caller.principal())
}

impl Pending {
    pub(crate) fn new(per_client: usize, keep_seconds: u32) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                done: Condvar::new(),
            }),
            per_client,
            keep: Duration::from_secs(keep_seconds.into()),
        }
    }

    /// Notes a batch, and gives each of its items a value. The caller then starts the job.
    pub(crate) fn submit(&self, caller: &Caller, operations: &[Operation]) -> Result<Vec<Promise>> {
        let submitted = microseconds();
        let mut state = self.shared.lock();
        state.forget(self.keep);
        let owner = owner(caller);
        let own = state.entries.values().filter(|entry| entry.owner == owner);
        if own.count() + operations.len() > self.per_client {
            return Err(Failure::by_version(
                ResultReason::GeneralFailure,
                ResultReason::ServerLimitExceeded,
                format!(
                    "limit asynchronous-per-client = {} reached; \
                     server.limits.asynchronous-per-client changes it",
                    self.per_client
                ),
            ));
        }
        let mut promises = Vec::with_capacity(operations.len());
        for operation in operations {
            let mut value = [0; 16];
            rand::fill(&mut value)
                .map_err(|_| Error::Internal("the random generator failed".into()))?;
            let entry = Entry {
                owner,
                operation: *operation,
                submitted,
                stage: Stage::Submitted,
                processed: false,
                waits: false,
            };
            state.entries.insert(value, entry);
            promises.push(Promise {
                shared: Arc::clone(&self.shared),
                value,
                kept: false,
            });
        }
        Ok(promises)
    }

    /// Does the items of `values` when a worker has time; in a while, unless they are polled before, if
    /// they are `waiting`.
    pub(crate) fn start(&self, values: Vec<Value>, waiting: bool, run: Work) {
        let mut state = self.shared.lock();
        for value in &values {
            if let Some(entry) = state.entries.get_mut(value) {
                entry.waits = waiting;
            }
        }
        let due = waiting.then(|| Instant::now() + WHILE);
        state.jobs.push_back(Job { run, due, values });
        if state.workers >= WORKERS {
            drop(state);
            self.shared.done.notify_all();
            return;
        }
        let shared = Arc::clone(&self.shared);
        let spawned = std::thread::Builder::new()
            .name("asynchronous".into())
            .spawn(move || shared.work());
        match spawned {
            Ok(_) => state.workers += 1,
            // The promises in the job are broken as it is dropped: whoever polls is told.
            Err(error) => {
                tracing::error!(%error, "no thread for asynchronous operations");
                let dropped = (state.workers == 0).then(|| std::mem::take(&mut state.jobs));
                drop(state);
                drop(dropped);
            }
        }
    }

    /// Poll: the operation and its outcome, which is forgotten once the client was told ([`Self::told`]); without one while it is
    /// pending.
    ///
    /// # Errors
    /// Invalid Asynchronous Correlation Value.
    pub(crate) fn poll(
        &self,
        caller: &Caller,
        value: &[u8],
    ) -> Result<(Operation, Option<Outcome>)> {
        let mut state = self.shared.lock();
        state.forget(self.keep);
        let entry = state.entry(caller, value)?;
        let operation = entry.operation;
        if std::mem::replace(&mut entry.waits, false) {
            self.shared.done.notify_all();
            let pending = |state: &mut State| {
                let entry = state.entry(caller, value);
                entry.is_ok_and(|entry| !matches!(entry.stage, Stage::Done(..)))
            };
            let waited = self
                .shared
                .done
                .wait_timeout_while(state, POLLED, pending)
                .unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
        }
        let entry = state.entry(caller, value)?;
        if !matches!(entry.stage, Stage::Done(..)) {
            return Ok((operation, None));
        }
        let outcome = match &entry.stage {
            Stage::Done(outcome, _) => Some((**outcome).clone()),
            _ => None,
        };
        Ok((operation, outcome))
    }

    /// Forgets an outcome that the client has been told.
    pub(crate) fn told(&self, value: &[u8]) {
        if let Some(key) = key(value) {
            self.shared.lock().entries.remove(&key);
        }
    }

    /// Cancel. What has begun is not stopped.
    pub(crate) fn cancel(&self, caller: &Caller, value: &[u8]) -> CancellationResult {
        let mut state = self.shared.lock();
        let Ok(entry) = state.entry(caller, value) else {
            return CancellationResult::Unavailable;
        };
        match &entry.stage {
            Stage::InProcess => CancellationResult::UnableToCancel,
            Stage::Done(..) => CancellationResult::Completed,
            Stage::Submitted => {
                let canceled = Outcome::failed(
                    ResultReason::OperationCanceledByRequester,
                    "the client canceled it",
                );
                entry.stage = Stage::Done(Box::new(canceled), Instant::now());
                entry.waits = false;
                drop(state);
                self.shared.done.notify_all();
                CancellationResult::Canceled
            }
        }
    }

    /// Process: waits until it is done, so that the next Poll is not answered with pending.
    ///
    /// # Errors
    /// Invalid Asynchronous Correlation Value; Duplicate Process Request.
    pub(crate) fn process(&self, caller: &Caller, value: &[u8]) -> Result<()> {
        let mut state = self.shared.lock();
        let entry = state.entry(caller, value)?;
        if std::mem::replace(&mut entry.processed, true) {
            return Err(Failure::new(
                ResultReason::DuplicateProcessRequest,
                "it was asked to be processed before",
            ));
        }
        loop {
            // Another connection of the client may fetch the result meanwhile: that is done, too.
            match state.entry(caller, value) {
                Ok(entry) if !matches!(entry.stage, Stage::Done(..)) => {}
                _ => return Ok(()),
            }
            let waited = self.shared.done.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The client's requests whose results it has not fetched.
    pub(crate) fn list(
        &self,
        caller: &Caller,
        values: Option<&[Vec<u8>]>,
        operations: Option<&[Operation]>,
    ) -> Vec<AsynchronousRequest> {
        let owner = owner(caller);
        let mut state = self.shared.lock();
        state.forget(self.keep);
        let fits = |value: &Value, entry: &Entry| {
            entry.owner == owner
                && values.is_none_or(|values| values.iter().any(|own| own == value))
                && operations.is_none_or(|operations| operations.contains(&entry.operation))
        };
        let mut found: Vec<_> = state
            .entries
            .iter()
            .filter(|(value, entry)| fits(value, entry))
            .map(|(value, entry)| AsynchronousRequest {
                asynchronous_correlation_value: value.to_vec(),
                operation: entry.operation,
                submission_date: entry.submitted,
                processing_stage: match entry.stage {
                    Stage::Submitted => ProcessingStage::Submitted,
                    Stage::InProcess => ProcessingStage::InProcess,
                    Stage::Done(..) => ProcessingStage::Completed,
                },
            })
            .collect();
        found.sort_by_key(|request| request.submission_date);
        found
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment, so a poisoned lock means nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker's life: jobs until there is none.
    fn work(&self) {
        while let Some(work) = self.next() {
            // A job that panics breaks its promises, and nobody else's.
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                tracing::error!("an asynchronous operation panicked");
            }
        }
    }

    /// The next job that is due or asked for; waits for it while there are others.
    fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            if let Some(at) = state.jobs.iter().position(|job| state.is_due(job, now)) {
                return state.jobs.remove(at).map(|job| job.run);
            }
            let Some(next) = state.jobs.iter().filter_map(|job| job.due).min() else {
                state.workers -= 1;
                return None;
            };
            let wait = next.saturating_duration_since(now);
            let waited = self.done.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn key(value: &[u8]) -> Option<Value> {
    value.try_into().ok()
}

impl State {
    fn entry(&mut self, caller: &Caller, value: &[u8]) -> Result<&mut Entry> {
        let owner = owner(caller);
        key(value)
            .and_then(|key| self.entries.get_mut(&key))
            .filter(|entry| entry.owner == owner)
            .ok_or_else(|| {
                Failure::new(
                    ResultReason::InvalidAsynchronousCorrelationValue,
                    "there is no such request, or its result was fetched",
                )
            })
    }

    /// Whether a job's time has come, one of its items is asked for, or none is left to do.
    fn is_due(&self, job: &Job, now: Instant) -> bool {
        let waits = |value: &Value| self.entries.get(value).is_some_and(|entry| entry.waits);
        job.due.is_none_or(|due| due <= now) || !job.values.iter().all(waits)
    }

    /// Forgets results that nobody fetched in time.
    fn forget(&mut self, keep: Duration) {
        self.entries.retain(|_, entry| match &entry.stage {
            Stage::Done(_, at) => at.elapsed() < keep,
            _ => true,
        });
    }
}

impl Promise {
    /// The value to ask with.
    pub(crate) fn value(&self) -> Value {
        self.value
    }

    /// Begins; false when it was canceled.
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.shared.lock();
        match state.entries.get_mut(&self.value) {
            Some(entry) if matches!(entry.stage, Stage::Submitted) => {
                entry.stage = Stage::InProcess;
                true
            }
            _ => false,
        }
    }

    /// Keeps the promise.
    pub(crate) fn keep(mut self, outcome: Outcome) {
        self.set(outcome);
    }

    fn set(&mut self, outcome: Outcome) {
        self.kept = true;
        let mut state = self.shared.lock();
        if let Some(entry) = state.entries.get_mut(&self.value)
            && !matches!(entry.stage, Stage::Done(..))
        {
            entry.stage = Stage::Done(Box::new(outcome), Instant::now());
        }
        drop(state);
        self.shared.done.notify_all();
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.kept {
            self.set(Outcome::failed(
                ResultReason::GeneralFailure,
                "it was not done: an earlier item of its batch failed, or the server did",
            ));
        }
    }
}

fn microseconds() -> DateTimeExtended {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    DateTimeExtended(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
