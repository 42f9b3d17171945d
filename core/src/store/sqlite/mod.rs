//! The embedded store: SQLite, in WAL mode, every commit synced to the disk.
//!
//! Reads go through a few connections, one a thread as far as they reach; writes through one
//! ([`commit`]). Other processes may have the same file open; SQLite's locks keep order among them, and
//! [`wal_index`] tells in nanoseconds whether any of them committed.
//!
//! Jobs given to [`Store::read`] and [`Store::write`] should not call the store again: they hold what the
//! inner call may wait for.

use std::cell::{Cell, RefCell};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, access};

use self::commit::Writer;
use self::failure::store_error;
use self::known::Known;
use self::reader::{Count, SqliteReader};
use self::wal_index::WalIndex;
use crate::error::{Error, Result};
use crate::process::Owner;
use crate::store::{Change, ChangeNumber, Changes, Reader, Store, Transaction};

mod commit;
mod failure;
mod inherited;
mod known;
mod query;
mod reader;
mod schema;
mod statement;
#[cfg(test)]
mod tests;
mod transaction;
mod wal_index;

/// How long a call waits for other programs that write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Read connections: as many as there are processors, within these.
const READERS: std::ops::RangeInclusive<usize> = 2..=16;
/// Pages that a connection may keep in memory, in KiB: some ten thousand objects. Taken as they are read.
const CACHE_KIB: i64 = 16 * 1024;
/// Statements kept prepared on each connection: the fixed ones, and the usual searches.
const PREPARED: usize = 96;

/// A store in an SQLite file.
///
/// A copy that a `fork` left in a child is of no use there: reads and writes are refused. The child opens
/// the store anew.
pub struct SqliteStore {
    parts: Arc<Parts>,
}

/// The connections, shared with the list of [`inherited`] stores.
struct Parts {
    path: PathBuf,
    owner: Owner,
    writer: Writer,
    readers: Vec<Mutex<Option<Connection>>>,
    wal_index: Option<WalIndex>,
    known: Known,
}

impl SqliteStore {
    /// Makes a new store. Its folder is made too if it is not there (only its owner may enter it), and
    /// the file is its owner's alone.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if there is such a file, [`Error::Store`], [`Error::DiskFull`].
    pub fn create(path: &Path) -> Result<Self> {
        let describe = |error: &std::io::Error| cannot("create", path, error);
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|error| describe(&error))?;
        }
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        match created {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(Error::AlreadyExists {
                    what: "store",
                    name: path.display().to_string(),
                });
            }
            Err(error) => return Err(describe(&error)),
        }
        let made = connect(path)
            .and_then(|mut connection| schema::create(&mut connection, path))
            .and_then(|()| Self::open(path));
        if made.is_err() {
            for suffix in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                // Best effort: the error that matters is the one returned.
                let _ = std::fs::remove_file(name);
            }
        }
        made
    }

    /// Opens a store, and brings its schema to this version's.
    ///
    /// # Errors
    /// [`Error::Store`] saying what is wrong with the file; it is not changed.
    pub fn open(path: &Path) -> Result<Self> {
        match std::fs::metadata(path) {
            Ok(file) if file.is_file() => {}
            Ok(_) => {
                return Err(Error::Store(format!("{} is not a file", path.display())));
            }
            Err(error) => return Err(cannot("open", path, &error)),
        }
        // SQLite says "unable to open database file" for everything; this says why. Asking is all: closing a
        // file of our own would drop the locks of every connection of this process to it.
        access(path, Access::READ_OK | Access::WRITE_OK)
            .map_err(|error| cannot("open", path, &error.into()))?;
        inherited::close()?;
        let owner = Owner::this_process().map_err(|error| cannot("open", path, &error))?;
        let mut connection = connect(path)?;
        schema::check(&mut connection, path)?;
        let watch = connect(path)?;
        SqliteReader {
            connection: &watch,
            path,
        }
        .change_number()?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let readers = processors.clamp(*READERS.start(), *READERS.end());
        let parts = Arc::new(Parts {
            path: path.to_owned(),
            owner,
            writer: Writer::new(path, connection),
            readers: (0..readers).map(|_| Mutex::new(None)).collect(),
            wal_index: WalIndex::open(watch),
            known: Known::default(),
        });
        inherited::note(&parts);
        Ok(Self { parts })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.parts.path
    }
}

impl Parts {
    /// A read connection: this thread's usual one, or any that is free.
    fn reader(&self) -> MutexGuard<'_, Option<Connection>> {
        let usual = usual_reader() % self.readers.len();
        let (before, from) = self.readers.split_at(usual);
        for slot in from.iter().chain(before) {
            match slot.try_lock() {
                Ok(connection) => return connection,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        self.readers[usual]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn read_with<T>(&self, job: impl FnOnce(&SqliteReader<'_>) -> Result<T>) -> Result<T> {
        self.check_owner()?;
        let mut slot = self.reader();
        let connection = match &mut *slot {
            Some(connection) => connection,
            empty => empty.insert(connect(&self.path)?),
        };
        let snapshot =
            Snapshot::begin(connection).map_err(|error| store_error(&self.path, &error))?;
        job(&SqliteReader {
            connection: snapshot.0,
            path: &self.path,
        })
    }
}

impl Parts {
    fn check_owner(&self) -> Result<()> {
        if self.owner.is_this_process() {
            return Ok(());
        }
        Err(Error::Internal(
            "the store was inherited from another process; open it anew".into(),
        ))
    }

    /// Closes the connections in a child that got them by `fork`. False if one of them was in use, by a
    /// thread that does not exist here: it must not be touched then, for closing it would roll back in
    /// memory that is shared with the parent.
    fn abandon(&self) -> bool {
        let mut closed = self.wal_index.as_ref().is_none_or(WalIndex::abandon);
        for slot in &self.readers {
            closed &= match slot.try_lock() {
                Ok(mut slot) if slot.as_ref().is_none_or(Connection::is_autocommit) => {
                    drop(slot.take());
                    true
                }
                _ => false,
            };
        }
        closed & self.writer.abandon()
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if self.owner.is_this_process() || self.abandon() {
            return;
        }
        for slot in &mut self.readers {
            let slot = slot.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(slot.take());
        }
        self.writer.forget();
    }
}

impl Store for SqliteStore {
    fn read(&self, job: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        self.parts.read_with(|reader| job(reader))
    }

    fn write(&self, job: &mut dyn FnMut(&mut dyn Transaction) -> Result<()>) -> Result<()> {
        self.parts.check_owner()?;
        let _writing = Writing::begin(&self.parts)?;
        self.parts.writer.write(job)
    }

    fn is_current(&self, seen: ChangeNumber) -> bool {
        match (&self.parts.wal_index, self.parts.known.get()) {
            (Some(wal_index), Some((number, mark))) => {
                number == seen && wal_index.mark() == Some(mark)
            }
            _ => false,
        }
    }

    fn changes_since(&self, seen: ChangeNumber) -> Result<Changes> {
        // Before the snapshot: what is committed in between makes the mark old, never the number.
        let mark = self.parts.wal_index.as_ref().and_then(WalIndex::mark);
        let changes = self.parts.read_with(|reader| changes(reader, seen))?;
        let (Changes::Known(number, _) | Changes::Everything(number)) = &changes;
        if let Some(mark) = mark {
            self.parts.known.set(*number, mark);
        }
        Ok(changes)
    }
}

fn changes(reader: &SqliteReader<'_>, seen: ChangeNumber) -> Result<Changes> {
    let number = reader.change_number()?;
    if number == seen {
        return Ok(Changes::Known(number, Vec::new()));
    }
    if seen > number {
        return Ok(Changes::Everything(number));
    }
    let oldest = reader.one(statement::CHANGE_OLDEST, [], |row| {
        row.get::<_, Option<Count>>(0)
    })?;
    // Numbers in the log have no gaps, so it is complete if it reaches back to the one after `seen`.
    if oldest.flatten().is_none_or(|oldest| oldest.0 > seen + 1) {
        return Ok(Changes::Everything(number));
    }
    let changes: Vec<Option<Change>> =
        reader.many(statement::CHANGES_SINCE, [Count(seen)], |row| {
            let id = row.get_ref(1)?.as_blob()?;
            Ok(transaction::change_of(row.get(0)?, id))
        })?;
    let known: Option<Vec<Change>> = changes.into_iter().collect();
    Ok(match known {
        Some(changes) => Changes::Known(number, changes),
        None => Changes::Everything(number),
    })
}

thread_local! {
    /// Addresses of the stores that this thread writes to just now.
    static WRITING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Notes that this thread writes to a store, until it is dropped.
struct Writing(usize);

impl Writing {
    /// Refuses a write inside a write of the same store, which would wait for itself.
    fn begin(store: &Arc<Parts>) -> Result<Self> {
        let store = Arc::as_ptr(store).addr();
        WRITING.with_borrow_mut(|writing| {
            if writing.contains(&store) {
                return Err(Error::Internal(
                    "a write inside a write of the store".into(),
                ));
            }
            writing.push(store);
            Ok(Self(store))
        })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // A thread that ends writes nothing any more.
        let _ = WRITING.try_with(|writing| {
            writing.borrow_mut().retain(|store| *store != self.0);
        });
    }
}

/// A read transaction, ended when it is dropped.
struct Snapshot<'c>(&'c Connection);

impl<'c> Snapshot<'c> {
    fn begin(connection: &'c Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(connection))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if let Ok(mut end) = self.0.prepare_cached("COMMIT") {
            // Ending a transaction that only read has nothing to lose.
            let _ = end.execute([]);
        }
    }
}

/// Opens a connection with the store's settings.
fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        // Plans do not depend on bound values. Else SQLite plans a statement anew whenever it is bound
        // anew, which makes a prepared look-up five times as slow.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // Removed rows are overwritten: sealed material that was destroyed leaves the file.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        Ok(connection)
    };
    open().map_err(|error| store_error(path, &error))
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull => Error::DiskFull,
        std::io::ErrorKind::NotFound => Error::Store(format!("there is no {}", path.display())),
        _ => Error::Store(format!("cannot {verb} {}: {error}", path.display())),
    }
}

/// A small number for each thread, so that threads spread over the read connections.
fn usual_reader() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
    }
    THREAD.try_with(Cell::get).unwrap_or_default()
}
