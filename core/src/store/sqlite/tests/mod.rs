//! Tests of the store.

use std::path::{Path, PathBuf};

use super::SqliteStore;
use crate::id::{AccountId, KeyId, ObjectId};
use crate::model::ObjectClass;
use crate::store::{AccountRow, AliasRow, KeyRow, ObjectRow, Store, write};

mod concurrency;
mod files;
mod forks;
mod processes;
mod rows;
mod searches;

/// A store in a folder that goes with it.
struct Scratch {
    store: SqliteStore,
    account: AccountId,
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(&folder.path().join("store.db")).unwrap();
        let account = add_account(&store, "main");
        Self {
            store,
            account,
            folder,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// The same store, opened once more.
    fn second(&self) -> SqliteStore {
        SqliteStore::open(&self.path()).unwrap()
    }
}

fn raw(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

fn add_account(store: &dyn Store, name: &str) -> AccountId {
    let row = AccountRow {
        id: AccountId::random(),
        name: name.into(),
        record: b"{}".to_vec(),
        seal: vec![1; 32],
    };
    write(store, |transaction| transaction.put_account(&row)).unwrap();
    row.id
}

fn key_row(account: AccountId, name: &str) -> KeyRow {
    KeyRow {
        id: KeyId::random(),
        account,
        name: name.into(),
        deletion: None,
        record: b"{}".to_vec(),
        seal: vec![2; 32],
    }
}

fn alias_row(key: &KeyRow, name: &str) -> AliasRow {
    AliasRow {
        account: key.account,
        name: name.into(),
        key: key.id,
        seal: vec![3; 32],
    }
}

fn object_row(account: AccountId, label: &str) -> ObjectRow {
    ObjectRow {
        id: ObjectId::random(),
        account,
        class: ObjectClass::SecretKey,
        key: None,
        label: label.into(),
        cka_id: vec![7],
        index: vec![],
        names: vec![],
        private: true,
        record: vec![b'{'; 1200],
        material: Some(vec![9; 60]),
        seal: vec![4; 32],
    }
}
