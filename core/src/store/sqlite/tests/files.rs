//! The file: its rights, and what is said about files that are no stores.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{Scratch, SqliteStore, add_account, object_row, raw};
use crate::error::Error;
use crate::store::{read, write};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn refusal(result: crate::Result<SqliteStore>) -> String {
    match result {
        Err(error) => error.to_string(),
        Ok(_) => panic!("opened"),
    }
}

#[test]
fn a_new_store_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("store.db");
    let store = SqliteStore::create(&path).unwrap();
    add_account(&store, "main");
    assert_eq!(mode(&folder.path().join("new")), 0o700);
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
}

#[test]
fn a_store_is_never_overwritten() {
    let scratch = Scratch::new();
    assert!(matches!(
        SqliteStore::create(&scratch.path()),
        Err(Error::AlreadyExists { what: "store", .. })
    ));
    let account = scratch.account;
    let found = read(&scratch.store, |reader| reader.account(account)).unwrap();
    assert!(found.is_some());
}

#[test]
fn what_is_no_store_is_refused_by_name_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thing");
    assert!(refusal(SqliteStore::open(&path)).contains("there is no"));

    fs::write(
        &path,
        "a text that is long enough to be taken for a file with a header",
    )
    .unwrap();
    let message = refusal(SqliteStore::open(&path));
    assert!(message.contains("is not a keybridge store"), "{message}");
    assert!(message.contains("thing"), "{message}");
    assert!(fs::read_to_string(&path).unwrap().starts_with("a text"));

    fs::remove_file(&path).unwrap();
    raw(&path).execute_batch("CREATE TABLE other (x)").unwrap();
    let message = refusal(SqliteStore::open(&path));
    assert!(message.contains("is not a keybridge store"), "{message}");

    assert!(refusal(SqliteStore::open(folder.path())).contains("is not a file"));
}

#[test]
fn a_newer_store_is_refused() {
    let scratch = Scratch::new();
    raw(&scratch.path())
        .pragma_update(None, "user_version", 9999)
        .unwrap();
    let message = refusal(SqliteStore::open(&scratch.path()));
    assert!(message.contains("newer version"), "{message}");
}

#[test]
fn a_damaged_store_is_said_to_be_damaged() {
    let scratch = Scratch::new();
    let path = scratch.path();
    drop(scratch.store);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let store = SqliteStore::open(&path);
    let message = match store {
        Err(error) => error.to_string(),
        Ok(store) => read(&store, |reader| reader.accounts())
            .unwrap_err()
            .to_string(),
    };
    assert!(message.contains("is damaged"), "{message}");
}

#[test]
fn a_full_disk_changes_nothing() {
    let scratch = Scratch::new();
    let pages: i64 = raw(&scratch.path())
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let limit = |pages: i64| {
        let writer = &scratch.store.parts.writer;
        writer.with_connection(|connection| {
            connection
                .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                .unwrap();
        });
    };
    limit(pages + 2);
    let big = || {
        let mut row = object_row(scratch.account, "big");
        row.record = vec![b'x'; 100_000];
        row
    };
    let before = read(&scratch.store, |reader| reader.change_number()).unwrap();
    let refused = write(&scratch.store, |transaction| {
        transaction.put_object(&object_row(scratch.account, "small"))?;
        transaction.put_object(&big())
    });
    assert!(matches!(refused, Err(Error::DiskFull)), "{refused:?}");
    let (number, count) = read(&scratch.store, |reader| {
        Ok((
            reader.change_number()?,
            reader.object_count(scratch.account)?,
        ))
    })
    .unwrap();
    assert_eq!((number, count), (before, 0));

    limit(1_000_000);
    write(&scratch.store, |transaction| transaction.put_object(&big())).unwrap();
}
