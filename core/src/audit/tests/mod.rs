//! Tests of the audit.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Actor, Audit, Filter, Record, Target, Use, Verb};
use crate::authorize::{Caller, Door, Origin};
use crate::id::{AccountId, KeyId, ObjectId, PrincipalId};
use crate::model::Role;
use crate::store::sqlite::SqliteStore;
use crate::store::write;

mod chain;
mod journals;
mod processes;

const KEY: [u8; 32] = [7; 32];

/// A store with an audit, in a folder that goes with it.
struct Scratch {
    audit: Audit,
    store: Arc<SqliteStore>,
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::create(&folder.path().join("store.db")).unwrap());
        let audit = Audit::open(store.clone(), &KEY, &folder.path().join("audit"));
        write(&*store, |transaction| audit.initialize_in(transaction)).unwrap();
        Self {
            audit,
            store,
            folder,
        }
    }

    /// The same audit, as another process opens it.
    fn second(&self) -> Audit {
        open(self.folder.path().to_owned())
    }

    fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("store.db")).unwrap()
    }

    /// Files of journals.
    fn journals(&self) -> Vec<PathBuf> {
        let Ok(files) = std::fs::read_dir(self.folder.path().join("audit")) else {
            return Vec::new();
        };
        files.map(|file| file.unwrap().path()).collect()
    }

    /// What `verify` finds, in words.
    fn findings(&self) -> Vec<String> {
        findings(&self.second())
    }
}

fn open(folder: PathBuf) -> Audit {
    let store = Arc::new(SqliteStore::open(&folder.join("store.db")).unwrap());
    Audit::open(store, &KEY, &folder.join("audit"))
}

fn findings(audit: &Audit) -> Vec<String> {
    let report = audit.verify().unwrap();
    report.findings.iter().map(ToString::to_string).collect()
}

fn record(time: i64, verb: Verb, detail: &str) -> Record {
    Record {
        time,
        request: 5,
        account: Some(AccountId::from_bytes([1; 16])),
        principal: Some(PrincipalId::from_bytes([2; 16])),
        who: "somebody".into(),
        credential: "pin".into(),
        origin: "process 1 of user 0".into(),
        door: "pkcs11".into(),
        verb,
        object: None,
        key: Some(KeyId::from_bytes([3; 16])),
        version: 1,
        result: 0,
        detail: detail.into(),
    }
}

fn actor(name: &str) -> Actor {
    Actor::new(&Caller::proven(
        AccountId::from_bytes([1; 16]),
        PrincipalId::from_bytes([2; 16]),
        Role::User,
        name,
        "pin",
        Origin::Process { pid: 9, uid: 8 },
        Door::Pkcs11,
    ))
}

fn target(number: u8) -> Target {
    Target {
        text: super::actor::TargetText {
            object: Some(ObjectId::from_bytes([number; 16])),
            key: Some(KeyId::from_bytes([3; 16])),
            version: 4,
            name: format!("key {number}"),
        },
        number: super::actor::Number::default(),
    }
}

fn sign<'u>(actor: &'u Actor, target: &'u Target, request: u64) -> Use<'u> {
    Use {
        actor,
        target: Some(target),
        verb: Verb::Sign,
        mechanism: Some("ECDSA"),
        request,
        result: 0,
    }
}

fn requests(audit: &Audit, filter: &Filter) -> Vec<u64> {
    let records = audit.list(filter, usize::MAX).unwrap();
    records.iter().map(|record| record.request).collect()
}
