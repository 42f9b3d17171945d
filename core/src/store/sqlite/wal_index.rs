//! Whether anything was committed, in a few nanoseconds: the header of SQLite's WAL index.
//!
//! In WAL mode every process that has the store open maps one shared-memory file (`…-shm`) whose first
//! bytes are the header of the WAL index (<https://sqlite.org/walformat.html>, section 2.1). It is what
//! SQLite itself goes by: a commit is visible to a reader exactly from the moment its header stands
//! there, and a reader's snapshot is the header it found. So this module only *looks*: there is no
//! protocol of our own that a killed process could leave half done, and no file of our own that could be
//! deleted, be out of step, or meet a full disk.
//!
//! A [`WalMark`] is the part of the header that names the committed content of the log: the number of
//! its last valid frame, the running checksum over all frames, and the log's salts. Each commit appends
//! frames, which advances the first and changes the second; a log that starts over has new salts (one
//! counts, one is random). If a mark is equal to one taken earlier, nothing became visible in
//! between. It may differ though nothing was committed (the log started over): that costs a question to
//! the database, nothing else.
//!
//! The words are read one by one, so a mark taken while SQLite writes a header may mix old and new. It
//! equals an older mark only if every word does, and frame number and salts together never return.
//!
//! This is SQLite's format 3007000, in use since 2010; the bundled SQLite is a fixed version, and any
//! other number here makes [`WalIndex::mark`] answer nothing, which makes every look-up ask the
//! database.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rusqlite::{Connection, ffi};

use crate::process::Owner;

/// `WALINDEX_MAX_VERSION` of SQLite.
const VERSION: u32 = 3_007_000;
/// Bytes of the region that holds the header (`WALINDEX_PGSZ`).
const REGION_BYTES: c_int = 32_768;

/// The header of the WAL index, as far as it is looked at. All in native byte order.
#[repr(C)]
struct Header {
    version: AtomicU32,
    _unused: AtomicU32,
    /// Counter, flags and page size.
    _other: AtomicU64,
    /// `mxFrame` and `nPage`.
    frames_and_pages: AtomicU64,
    /// `aFrameCksum`.
    checksum: AtomicU64,
    /// `aSalt`.
    salts: AtomicU64,
}

/// Names the committed content of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WalMark(pub(super) [u64; 3]);

/// The mapped header, and the connection that keeps it mapped.
pub(super) struct WalIndex {
    header: NonNull<Header>,
    /// SQLite unmaps the region when the last connection of this process is closed; this one is used
    /// for nothing else and lives as long as the pointer. Only a child that got a copy by `fork` closes
    /// it sooner ([`WalIndex::abandon`]), and there the pointer is never followed.
    connection: Mutex<Option<Connection>>,
    owner: Owner,
}

// SAFETY: the header is only read, through atomics; the connection is never used after `open`, only
// dropped, and SQLite (compiled thread-safe) lets any one thread do that.
unsafe impl Send for WalIndex {}
// SAFETY: as above; shared references give access to the atomics only.
unsafe impl Sync for WalIndex {}

impl WalIndex {
    /// Finds the header. The connection must have read from the database in WAL mode. None when SQLite
    /// does not hand the region out.
    pub(super) fn open(connection: Connection) -> Option<Self> {
        let header = map_header(&connection)?;
        Some(Self {
            header,
            connection: Mutex::new(Some(connection)),
            owner: Owner::this_process().ok()?,
        })
    }

    /// Closes the connection in a child that got a copy by `fork`; false if it cannot be.
    pub(super) fn abandon(&self) -> bool {
        if self.owner.is_this_process() {
            return false;
        }
        match self.connection.try_lock() {
            Ok(mut connection) => {
                drop(connection.take());
                true
            }
            Err(_) => false,
        }
    }

    /// The mark of now; none if the header is not of the known format, or a parent process's.
    pub(super) fn mark(&self) -> Option<WalMark> {
        if !self.owner.is_this_process() {
            return None;
        }
        // SAFETY: the pointer is to at least 32 KiB of readable shared memory, aligned to a page, mapped
        // as long as `connection` is open, which it is in the process that opened it; others write it while it is read, which atomics allow.
        let header = unsafe { self.header.as_ref() };
        if header.version.load(Ordering::Acquire) != VERSION {
            return None;
        }
        Some(WalMark([
            header.frames_and_pages.load(Ordering::Acquire),
            header.checksum.load(Ordering::Acquire),
            header.salts.load(Ordering::Acquire),
        ]))
    }
}

/// Asks SQLite's file layer for region 0 of the connection's WAL index.
fn map_header(connection: &Connection) -> Option<NonNull<Header>> {
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: only used for the call below, while `connection` is borrowed.
    let handle = unsafe { connection.handle() };
    // SAFETY: SQLITE_FCNTL_FILE_POINTER stores a pointer to the connection's open file in the given
    // variable; the handle is valid.
    let found = unsafe {
        ffi::sqlite3_file_control(
            handle,
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_FILE_POINTER,
            ptr::from_mut(&mut file).cast::<c_void>(),
        )
    };
    if found != ffi::SQLITE_OK {
        return None;
    }
    let file = NonNull::new(file)?;
    // SAFETY: SQLite's file object, alive as long as the connection.
    let methods = unsafe { file.as_ref() }.pMethods;
    let methods = NonNull::new(methods.cast_mut())?;
    // SAFETY: the static method table of the file's VFS.
    let methods = unsafe { methods.as_ref() };
    if methods.iVersion < 2 {
        return None;
    }
    let map = methods.xShmMap?;
    let mut region: *mut c_void = ptr::null_mut();
    // SAFETY: the method of this very file, called as SQLite calls it: region 0, without extending the
    // file. No other thread uses the connection; SQLite locks what connections share.
    let mapped = unsafe {
        map(
            file.as_ptr(),
            0,
            REGION_BYTES,
            0,
            ptr::from_mut(&mut region).cast(),
        )
    };
    if mapped != ffi::SQLITE_OK {
        return None;
    }
    NonNull::new(region.cast::<Header>())
}
