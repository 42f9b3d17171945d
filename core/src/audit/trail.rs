//! [`Audit`]: the one thing that the verbs call.

use std::cell::Cell;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::process::geteuid;

use super::actor::{LANES, Use};
use super::chain::Chain;
use super::entry::{Begun, Entry, Folded, rows};
use super::journal::{self, Journal};
use super::list::{Filter, list};
use super::mac::derive;
use super::record::Record;
use super::report::{Place, Report};
use super::segment::{Segment, Spare};
use crate::error::{Error, Result};
use crate::id::JournalId;
use crate::store::{Store, Transaction, read, write};
use crate::time::nanoseconds_now;

/// Full journals of this process that may wait to be folded (because the disk is full, say) before
/// further uses are refused.
const MOST_RETIRED: usize = 2 * LANES;
/// Folded journals whose files are kept for the next: lanes that are full at the same time find one each.
const MOST_SPARES: usize = 2;

/// How the names of journals' files end.
const EXTENSION: &str = ".journal";

/// The audit of one store, as one process keeps it.
///
/// Its functions, but for [`Audit::record_in`] and [`Audit::initialize_in`], call the store and so must
/// not be called inside one of its jobs.
pub struct Audit {
    store: Arc<dyn Store>,
    chain: Chain,
    journals: hmac::Key,
    folder: PathBuf,
    boot: [u8; 16],
    process: u32,
    lanes: [Lane; LANES],
    retired: Mutex<Vec<Segment>>,
    spares: Mutex<Vec<Spare>>,
}

/// The journal that some of the threads write, alone on its cache lines.
#[derive(Default)]
#[repr(align(128))]
struct Lane(Mutex<Option<Segment>>);

/// This thread's lane.
#[inline]
fn lane() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static LANE: Cell<usize> = const { Cell::new(LANES) };
    }
    LANE.with(|lane| {
        if lane.get() == LANES {
            lane.set(THREADS.fetch_add(1, Ordering::Relaxed) % LANES);
        }
        lane.get()
    })
}

impl Audit {
    /// The audit of a store. `key` is the audit's own, derived by the vault; `folder` is where journals
    /// are, made when the first is begun.
    #[must_use]
    pub fn open(store: Arc<dyn Store>, key: &[u8; 32], folder: &Path) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        Self {
            store,
            chain: Chain::new(&key),
            journals: hmac::Key::new(hmac::HMAC_SHA256, &*derive(&key, &[b"journals"])),
            folder: folder.to_owned(),
            boot: boot(),
            process: std::process::id(),
            lanes: Default::default(),
            retired: Mutex::new(Vec::new()),
            spares: Mutex::new(Vec::new()),
        }
    }

    /// Begins the chain, in the transaction that makes a new store.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if there is one, [`Error::Store`].
    pub fn initialize_in(&self, transaction: &mut dyn Transaction) -> Result<()> {
        self.chain.initialize(transaction)
    }

    /// Records a change, in the transaction that makes it.
    ///
    /// # Errors
    /// [`Error::Tampered`] if the chain's end was changed by hand, [`Error::Store`], [`Error::DiskFull`].
    pub fn record_in(&self, transaction: &mut dyn Transaction, record: &Record) -> Result<()> {
        self.chain
            .append(transaction, &Entry::Record(Box::new(record.clone())))
    }

    /// Records what changes nothing else, durably: a failed login, a refused change.
    ///
    /// # Errors
    /// As [`Audit::record_in`].
    pub fn record(&self, record: &Record) -> Result<()> {
        write(&*self.store, |transaction| {
            self.record_in(transaction, record)
        })
    }

    /// Records a use of a key, in about a tenth of a microsecond. It survives the process's death (not
    /// the machine's) from the moment this returns.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::DiskFull`] when a journal must be begun or folded and cannot;
    /// [`Error::Internal`] in a child that inherited the audit by `fork`. The use must then be refused.
    #[inline]
    pub fn record_use(&self, used: &Use<'_>) -> Result<()> {
        let lane = lane();
        let mut current = lock(&self.lanes[lane].0);
        if let Some(segment) = &mut *current
            && segment.is_ours()
            && segment.append(used)
        {
            return Ok(());
        }
        self.record_in_next(lane, current, used)
    }

    /// Begins the first or next journal with this use, and folds the full one.
    #[cold]
    fn record_in_next(
        &self,
        lane: usize,
        mut current: MutexGuard<'_, Option<Segment>>,
        used: &Use<'_>,
    ) -> Result<()> {
        if self.process != std::process::id() {
            return Err(Error::Internal(
                "the audit was inherited from another process; open it anew".into(),
            ));
        }
        if lock(&self.retired).len() >= MOST_RETIRED {
            self.fold_retired()?;
        }
        let mut next = self.begin(lane)?;
        let appended = next.append(used);
        let full = current.replace(next);
        drop(current);
        let is_first = full.is_none();
        lock(&self.retired).extend(full);
        if !appended {
            return Err(Error::Internal("an audit record is too large".into()));
        }
        // The use is recorded. What cannot be folded now is folded later, or refuses a later use.
        let folded = self.fold_retired().and_then(|()| self.fold_dead());
        let folded = folded.and_then(|()| match is_first {
            true => self.remove_dead_spares(),
            false => Ok(()),
        });
        if let Err(error) = folded {
            tracing::warn!(%error, "journals of the audit cannot be folded yet");
        }
        Ok(())
    }

    /// Makes and registers a journal of this process.
    fn begin(&self, lane: usize) -> Result<Segment> {
        self.make_folder().map_err(|error| self.failure(&error))?;
        let id = JournalId::random();
        let path = self.path(id);
        let spare = lock(&self.spares).pop();
        // The file is made inside the transaction: whoever finds the journal registered finds its file,
        // and its lock.
        let begun = write(&*self.store, |transaction| {
            let segment = Segment::begin(&path, spare, id, &self.journals, &self.boot, lane)
                .and_then(|segment| {
                    hand_over(segment.file(), Some(&self.folder))?;
                    Ok(segment)
                })
                .map_err(|error| self.failure(&error))?;
            transaction.put_journal(id)?;
            let begun = Begun {
                journal: id,
                time: nanoseconds_now(),
                process: self.process,
            };
            self.chain.append(transaction, &Entry::Begun(begun))?;
            Ok(segment)
        });
        if begun.is_err() {
            // Best effort: a file that is not registered means nothing.
            let _ = std::fs::remove_file(&path);
        }
        begun
    }

    fn make_folder(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&self.folder, flags, Mode::empty())?;
        hand_over(folder, self.folder.parent())
    }

    /// Folds this process's journal and those of processes that are gone into the chain. To be called
    /// when the key manager is closed; whatever is not folded then is folded by others.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::DiskFull`]; the journals stay as they are.
    pub fn fold(&self) -> Result<()> {
        if self.process != std::process::id() {
            return Ok(());
        }
        for lane in &self.lanes {
            let current = lock(&lane.0).take();
            lock(&self.retired).extend(current);
        }
        self.fold_retired()?;
        for spare in lock(&self.spares).drain(..) {
            remove(spare.path());
        }
        self.fold_dead()?;
        self.remove_dead_spares()
    }

    fn fold_retired(&self) -> Result<()> {
        let mut retired = lock(&self.retired);
        while let Some(segment) = retired.last() {
            self.fold_journal(segment.id, segment.written())?;
            let spare = retired.pop().map(Segment::into_spare);
            let mut spares = lock(&self.spares);
            spares.extend(spare);
            if spares.len() > MOST_SPARES {
                remove(spares.swap_remove(0).path());
            }
        }
        Ok(())
    }

    /// Folds journals whose process is gone: nobody holds their lock.
    fn fold_dead(&self) -> Result<()> {
        for id in read(&*self.store, |reader| reader.journals())? {
            let path = self.path(id);
            let file = match OpenOptions::new().read(true).write(true).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.fold_journal(id, &missing())?;
                    continue;
                }
                Err(error) => return Err(self.failure(&error)),
            };
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
                self.fold_journal(id, &self.read(id, &file)?)?;
                remove(&path);
            }
        }
        Ok(())
    }

    /// Removes files that processes that are gone kept for their next journals: no journals, and nobody holds
    /// their lock. Journals are made within write transactions, so within one of our own no file is a journal
    /// that is just being made.
    fn remove_dead_spares(&self) -> Result<()> {
        let registered = read(&*self.store, |reader| reader.journals())?;
        let own: Vec<_> = lock(&self.spares).iter().map(|spare| spare.id).collect();
        let known = |id: &JournalId| registered.contains(id) || own.contains(id);
        let files = self.files().map_err(|error| self.failure(&error))?;
        if files.iter().all(known) {
            return Ok(());
        }
        write(&*self.store, |transaction| {
            let registered = transaction.journals()?;
            let files = self.files().map_err(|error| self.failure(&error))?;
            for id in files.iter().filter(|id| !registered.contains(id)) {
                let path = self.path(*id);
                let held = |file: File| flock(file, FlockOperation::NonBlockingLockShared).is_err();
                if !File::open(&path).is_ok_and(held) {
                    remove(&path);
                }
            }
            Ok(())
        })
    }

    /// What journals there are files for, registered or not.
    fn files(&self) -> io::Result<Vec<JournalId>> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(EXTENSION));
            files.extend(stem.and_then(|stem| stem.parse::<JournalId>().ok()));
        }
        Ok(files)
    }

    /// Writes a journal's uses into the chain. The caller holds its lock, or there is no file.
    fn fold_journal(&self, id: JournalId, journal: &Journal) -> Result<()> {
        write(&*self.store, |transaction| {
            // Another process may have been first.
            if !transaction.journals()?.contains(&id) {
                return Ok(());
            }
            for row in rows(&journal.uses, &journal.definitions) {
                self.chain.append(transaction, &row)?;
            }
            let folded = Folded {
                journal: id,
                time: nanoseconds_now(),
                uses: journal.uses.len() as u64,
                damage: journal.damage.clone(),
            };
            self.chain.append(transaction, &Entry::Folded(folded))?;
            transaction.delete_journal(id)
        })
    }

    /// The records that fit, newest last, of the chain and of all processes' journals; at most `limit`,
    /// the newest.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn list(&self, filter: &Filter, limit: usize) -> Result<Vec<Record>> {
        // Journals first: one that is folded while it is read stands in the chain when that is read.
        let mut journals = Vec::new();
        for id in read(&*self.store, |reader| reader.journals())? {
            if let Some(journal) = self.read_living(id)? {
                journals.push((id, journal));
            }
        }
        read(&*self.store, |reader| {
            list(reader, &journals, filter, limit)
        })
    }

    /// Proves the whole audit: the chain, and all processes' journals.
    ///
    /// # Errors
    /// [`Error::Store`] if it cannot be read. What is wrong with it is in the report.
    pub fn verify(&self) -> Result<Report> {
        let mut report = Report::default();
        let (begun, registered) = read(&*self.store, |reader| {
            Ok((self.chain.verify(reader, &mut report)?, reader.journals()?))
        })?;
        for id in &begun {
            if !registered.contains(id) {
                report.find(
                    Place::Journal(*id),
                    "it was unregistered without being folded",
                );
            }
        }
        for id in registered {
            if !begun.contains(&id) {
                report.find(
                    Place::Journal(id),
                    "it is registered, but no row says it was begun",
                );
            }
            let journal = match self.read_living(id)? {
                Some(journal) => journal,
                None if self.is_registered(id)? => missing(),
                None => continue,
            };
            report.journals += 1;
            report.records += journal.uses.len() as u64;
            if let Some(damage) = journal.damage {
                report.find(Place::Journal(id), damage);
            }
        }
        Ok(report)
    }

    fn is_registered(&self, id: JournalId) -> Result<bool> {
        read(&*self.store, |reader| Ok(reader.journals()?.contains(&id)))
    }

    /// A journal in place; none if there is no file, or it was folded while it was read (then its file may
    /// be another journal's by now).
    fn read_living(&self, id: JournalId) -> Result<Option<Journal>> {
        let journal = match File::open(self.path(id)) {
            Ok(file) => self.read(id, &file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failure(&error)),
        };
        let folded = journal.damage.is_some() && !self.is_registered(id)?;
        Ok((!folded).then_some(journal))
    }

    fn read(&self, id: JournalId, file: &File) -> Result<Journal> {
        journal::read(file, id, &self.journals, &self.boot).map_err(|error| self.failure(&error))
    }

    fn path(&self, id: JournalId) -> PathBuf {
        self.folder.join(format!("{id}{EXTENSION}"))
    }

    fn failure(&self, error: &io::Error) -> Error {
        if error.kind() == io::ErrorKind::StorageFull {
            return Error::DiskFull;
        }
        Error::Store(format!("journals in {}: {error}", self.folder.display()))
    }
}

/// Removes a file that is no journal any more, and so only takes room.
fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "a folded journal cannot be removed");
        }
        _ => {}
    }
}

fn missing() -> Journal {
    Journal {
        damage: Some("its file was removed".into()),
        ..Journal::default()
    }
}

/// What root makes in a folder belongs to whom the folder belongs, as SQLite does with its files: else
/// root's one look at a store would lock its own user out. Goes by the open file, so that a link put in its
/// place meanwhile is not followed.
fn hand_over(made: impl AsFd, folder: Option<&Path>) -> io::Result<()> {
    let Some(folder) = folder.filter(|_| geteuid().is_root()) else {
        return Ok(());
    };
    let owner = std::fs::metadata(folder)?;
    fchown(made, Some(owner.uid()), Some(owner.gid()))
}

/// Which start of the machine this is; zeros where the kernel does not tell.
fn boot() -> [u8; 16] {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .and_then(|text| uuid::Uuid::parse_str(text.trim()).ok())
        .map_or([0; 16], uuid::Uuid::into_bytes)
}

/// Nothing is half done while one of these is held that a panic could leave so.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
