//! SQLite's errors in the bridge's words.

use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::error::Error;

/// What a failed call of SQLite means for the store at `path`.
pub(super) fn store_error(path: &Path, error: &rusqlite::Error) -> Error {
    let shown = path.display();
    let rusqlite::Error::SqliteFailure(cause, message) = error else {
        return Error::Store(format!("{shown}: {error}"));
    };
    match cause.code {
        ErrorCode::DiskFull => Error::DiskFull,
        ErrorCode::SystemIoFailure if is_full(path, cause.extended_code) => Error::DiskFull,
        ErrorCode::NotADatabase => Error::Store(format!("{shown} is not a keybridge store")),
        ErrorCode::DatabaseCorrupt => Error::Store(format!(
            "{shown} is damaged ({}); restore it from a backup",
            message.as_deref().unwrap_or("malformed")
        )),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Store(format!(
            "{shown} is locked by another program for more than {} seconds",
            super::BUSY_TIMEOUT.as_secs()
        )),
        ErrorCode::PermissionDenied | ErrorCode::ReadOnly => {
            Error::Store(format!("{shown} cannot be written by this user"))
        }
        ErrorCode::CannotOpen => Error::Store(format!("{shown} cannot be opened: {error}")),
        _ => Error::Store(format!("{shown}: {error}")),
    }
}

/// Whether an I/O error came from a full disk: SQLite reports that as such for its data, but not for
/// the index of its log.
fn is_full(path: &Path, extended: i32) -> bool {
    let allocates = matches!(
        extended,
        ffi::SQLITE_IOERR_SHMSIZE
            | ffi::SQLITE_IOERR_WRITE
            | ffi::SQLITE_IOERR_FSYNC
            | ffi::SQLITE_IOERR_SHMMAP
    );
    allocates
        && rustix::fs::statvfs(path.parent().unwrap_or(path))
            .is_ok_and(|disk| disk.f_bavail == 0 || (disk.f_files > 0 && disk.f_favail == 0))
}

/// Whether the statement broke a uniqueness rule of the schema.
pub(super) fn is_taken(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::SqliteFailure(cause, _)
            if matches!(
                cause.extended_code,
                ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            )
    )
}
