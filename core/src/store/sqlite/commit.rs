//! The writer: one connection, and commits that concurrent callers share.
//!
//! A commit waits for the disk; the work before it does not. So a caller whose job is done does not
//! commit while others wait for their turn: it leaves the transaction open to them, and the last one (or
//! the [`BATCH`]th) commits for all. Each job runs in a savepoint of its own and is rolled back alone;
//! later jobs of a batch see the earlier ones' writes, as they would had those been committed; and no
//! caller gets its `Ok` before the commit, so nobody outside learns of a write that could still be lost.
//! If the commit fails, it fails for everybody in the batch.
//!
//! An open transaction is always somebody's: it is left open only while a caller is counted in
//! `queued`, and whoever is counted there takes a turn, whose end either commits or finds another.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::failure::store_error;
use super::reader::SqliteReader;
use super::transaction::SqliteTransaction;
use crate::error::{Error, Result};
use crate::store::{ChangeNumber, Reader, Transaction};

/// Jobs in one commit: enough to spread the disk's latency, few enough that the first does not wait
/// long and other processes get their turn.
const BATCH: usize = 64;

/// A job as [`crate::store::Store::write`] gets it.
type Job<'j> = &'j mut dyn FnMut(&mut dyn Transaction) -> Result<()>;

/// The writing side of a store.
pub(super) struct Writer {
    path: PathBuf,
    /// Callers that wait for a turn.
    queued: AtomicUsize,
    turn: Mutex<Turn>,
}

/// What the caller whose turn it is works with.
struct Turn {
    connection: Connection,
    batch: Option<Batch>,
}

/// The open transaction.
struct Batch {
    outcome: Arc<Outcome>,
    jobs: usize,
    /// The change number that the last job reached.
    number: ChangeNumber,
}

/// How a batch ended, told to all who are in it.
#[derive(Default)]
struct Outcome {
    result: Mutex<Option<std::result::Result<(), Failure>>>,
    done: Condvar,
}

/// A failed commit: errors are not `Clone`, and this one is told to many.
#[derive(Clone)]
enum Failure {
    DiskFull,
    Store(String),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::DiskFull => Self::DiskFull,
            Failure::Store(message) => Self::Store(message),
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error {
            Error::DiskFull => Self::DiskFull,
            Error::Store(message) => Self::Store(message.clone()),
            other => Self::Store(other.to_string()),
        }
    }
}

impl Writer {
    pub(super) fn new(path: &Path, connection: Connection) -> Self {
        Self {
            path: path.to_owned(),
            queued: AtomicUsize::new(0),
            turn: Mutex::new(Turn {
                connection,
                batch: None,
            }),
        }
    }

    /// Runs the job in a transaction; `Ok` when it is on the disk.
    pub(super) fn write(&self, job: Job<'_>) -> Result<()> {
        self.queued.fetch_add(1, Ordering::SeqCst);
        let mut turn = lock(&self.turn);
        self.queued.fetch_sub(1, Ordering::SeqCst);

        let outcome = turn.begin(&self.path)?;
        let ran = catch_unwind(AssertUnwindSafe(|| turn.run(&self.path, job)));
        self.end_turn(turn, ran.as_ref().ok().and_then(|ran| ran.as_ref().err()));
        match ran {
            Err(panic) => resume_unwind(panic),
            Ok(Err(error)) => Err(error),
            Ok(Ok(())) => outcome.wait(),
        }
    }

    /// Commits, unless somebody waits who can.
    fn end_turn(&self, mut turn: MutexGuard<'_, Turn>, error: Option<&Error>) {
        // On some errors (a full disk, no memory) SQLite rolls back everything, not the savepoint alone.
        if turn.connection.is_autocommit() {
            let failure = error.map_or_else(
                || Failure::Store("the transaction was rolled back".into()),
                Failure::from,
            );
            turn.end_batch(Err(failure));
            return;
        }
        let jobs = turn.batch.as_ref().map_or(0, |batch| batch.jobs);
        if self.queued.load(Ordering::SeqCst) > 0 && jobs < BATCH {
            return;
        }
        let committed = turn.commit(&self.path);
        turn.end_batch(committed);
    }

    /// Closes the connection in a child that got a copy by `fork`. False if a thread that does not exist
    /// here was using it.
    pub(super) fn abandon(&self) -> bool {
        let Ok(mut turn) = self.turn.try_lock() else {
            return false;
        };
        if !turn.connection.is_autocommit() {
            return false;
        }
        turn.replace().is_some_and(|connection| {
            drop(connection);
            true
        })
    }

    /// Gives the connection up without closing it, for the same reason.
    pub(super) fn forget(&mut self) {
        let turn = self.turn.get_mut().unwrap_or_else(PoisonError::into_inner);
        std::mem::forget(turn.replace());
    }

    /// Runs `task` with the connection, outside of any batch.
    #[cfg(test)]
    pub(super) fn with_connection<T>(&self, task: impl FnOnce(&Connection) -> T) -> T {
        task(&lock(&self.turn).connection)
    }
}

impl Turn {
    /// Takes the connection out. What takes its place has no tables, so using it is an error.
    fn replace(&mut self) -> Option<Connection> {
        let nothing = Connection::open_in_memory().ok()?;
        Some(std::mem::replace(&mut self.connection, nothing))
    }

    /// Opens a transaction, if none was left open to this caller.
    fn begin(&mut self, path: &Path) -> Result<Arc<Outcome>> {
        if let Some(batch) = &self.batch {
            return Ok(Arc::clone(&batch.outcome));
        }
        self.execute(path, "BEGIN IMMEDIATE")?;
        let reader = SqliteReader {
            connection: &self.connection,
            path,
        };
        let number = match reader.change_number() {
            Ok(number) => number,
            Err(error) => {
                // Nothing was written; if even this fails, the next BEGIN says so.
                let _ = self.execute(path, "ROLLBACK");
                return Err(error);
            }
        };
        let outcome = Arc::<Outcome>::default();
        self.batch = Some(Batch {
            outcome: Arc::clone(&outcome),
            jobs: 0,
            number,
        });
        Ok(outcome)
    }

    /// Runs one job in its savepoint.
    fn run(&mut self, path: &Path, job: Job<'_>) -> Result<()> {
        self.execute(path, "SAVEPOINT job")?;
        let base = self.batch.as_ref().map_or(0, |batch| batch.number);
        let savepoint = Savepoint(&self.connection);
        let reader = SqliteReader {
            connection: &self.connection,
            path,
        };
        let mut transaction = SqliteTransaction::new(reader, base);
        job(&mut transaction)?;
        let number = transaction.finish()?;
        savepoint.release(path)?;
        if let Some(batch) = &mut self.batch {
            batch.number = number;
            batch.jobs += 1;
        }
        Ok(())
    }

    fn commit(&mut self, path: &Path) -> std::result::Result<(), Failure> {
        self.execute(path, "COMMIT").map_err(|error| {
            if !self.connection.is_autocommit() {
                // If even this fails, the next BEGIN says so.
                let _ = self.execute(path, "ROLLBACK");
            }
            Failure::from(&error)
        })
    }

    fn end_batch(&mut self, result: std::result::Result<(), Failure>) {
        if let Some(batch) = self.batch.take() {
            *lock(&batch.outcome.result) = Some(result);
            batch.outcome.done.notify_all();
        }
    }

    fn execute(&self, path: &Path, sql: &str) -> Result<()> {
        execute(&self.connection, sql).map_err(|error| store_error(path, &error))
    }
}

impl Outcome {
    fn wait(&self) -> Result<()> {
        let mut result = lock(&self.result);
        loop {
            if let Some(result) = &*result {
                return result.clone().map_err(Error::from);
            }
            result = self
                .done
                .wait(result)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Rolls the job back when it is dropped, by an error or a panic.
struct Savepoint<'c>(&'c Connection);

impl Savepoint<'_> {
    fn release(self, path: &Path) -> Result<()> {
        execute(self.0, "RELEASE job").map_err(|error| store_error(path, &error))?;
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        // Fails when SQLite rolled back the whole transaction, which `end_turn` finds out.
        let _ = execute(self.0, "ROLLBACK TO job").and_then(|()| execute(self.0, "RELEASE job"));
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// A panic of a job leaves nothing half done here: the savepoint is rolled back first.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
