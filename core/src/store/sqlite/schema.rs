//! The schema: numbered migrations, applied in one transaction when a store is opened.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::failure::store_error;
use crate::error::{Error, Result};

/// `KBRG`: marks the file as a store of this bridge in SQLite's `application_id`.
const APPLICATION_ID: i32 = 0x4b42_5247;

/// The migrations; number `n` (counted from 1) brings a store from version `n - 1` to `n`. Entries are
/// only ever appended.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_imprints.sql"),
    include_str!("migrations/0003_intents.sql"),
];

/// Makes the schema in a new, empty database file.
pub(super) fn create(connection: &mut Connection, path: &Path) -> Result<()> {
    let run = |connection: &mut Connection| -> rusqlite::Result<()> {
        // Before the first page is written: both are properties of the file.
        connection.pragma_update(None, "page_size", 4096)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        migrate(&transaction, 0)?;
        transaction.commit()
    };
    run(connection).map_err(|error| store_error(path, &error))
}

/// Checks that the file is a store, and brings it to this version's schema.
pub(super) fn check(connection: &mut Connection, path: &Path) -> Result<()> {
    let number = |connection: &Connection, pragma: &str| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i32>(0))
            .map_err(|error| store_error(path, &error))
    };
    if number(connection, "application_id")? != APPLICATION_ID {
        return Err(Error::Store(format!(
            "{} is not a keybridge store",
            path.display()
        )));
    }
    match usize::try_from(number(connection, "user_version")?) {
        Ok(version) if version == MIGRATIONS.len() => Ok(()),
        Ok(version) if version < MIGRATIONS.len() => {
            upgrade(connection).map_err(|error| store_error(path, &error))
        }
        _ => Err(Error::Store(format!(
            "{} was written by a newer version of keybridge; use that version",
            path.display()
        ))),
    }
}

fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it while this one waited for its turn.
    let version: usize =
        transaction.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))? as usize;
    migrate(&transaction, version)?;
    transaction.commit()
}

fn migrate(connection: &Connection, from: usize) -> rusqlite::Result<()> {
    for migration in MIGRATIONS.iter().skip(from) {
        connection.execute_batch(migration)?;
    }
    let version = i64::try_from(MIGRATIONS.len().max(from)).unwrap_or(i64::MAX);
    connection.pragma_update(None, "user_version", version)
}
