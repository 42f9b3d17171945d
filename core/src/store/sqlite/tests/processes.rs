//! Several processes at one store: this test binary runs itself.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{Scratch, SqliteStore, alias_row, key_row, object_row};
use crate::id::{AccountId, ObjectId};
use crate::store::{Changes, Store, read, write};

const STORE: &str = "KEYBRIDGE_TEST_STORE";
const ACCOUNT: &str = "KEYBRIDGE_TEST_ACCOUNT";

/// What the other process does. Without the variable (a usual run of the tests) it does nothing.
#[test]
fn child_writes_until_killed() {
    let Ok(path) = std::env::var(STORE) else {
        return;
    };
    let account: AccountId = std::env::var(ACCOUNT).unwrap().parse().unwrap();
    let store = SqliteStore::open(Path::new(&path)).unwrap();
    loop {
        let mut row = object_row(account, "written by the child");
        row.names = vec![row.id.to_string()];
        let mut key = key_row(account, "child");
        key.record = row.id.as_bytes().to_vec();
        write(&store, |transaction| {
            transaction.put_key(&key)?;
            row.key = Some(key.id);
            transaction.put_object(&row)?;
            transaction.put_alias(&alias_row(&key, &row.id.to_string()), false)
        })
        .unwrap();
        println!("wrote {}", row.id);
    }
}

fn spawn(scratch: &Scratch) -> (Child, impl Iterator<Item = ObjectId> + use<>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("store::sqlite::tests::processes::child_writes_until_killed")
        .env(STORE, scratch.path())
        .env(ACCOUNT, scratch.account.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::<ChildStdout>::new(child.stdout.take().unwrap()).lines();
    let written = lines.filter_map(|line| {
        let line = line.ok()?;
        line.split("wrote ").nth(1)?.parse().ok()
    });
    (child, written)
}

#[test]
fn what_another_process_commits_is_seen_at_once() {
    let scratch = Scratch::new();
    let start = read(&scratch.store, |reader| reader.change_number()).unwrap();
    scratch.store.changes_since(start).unwrap();
    assert!(scratch.store.is_current(start));
    let (mut child, mut written) = spawn(&scratch);
    let mut seen = start;
    for _ in 0..20 {
        let id = written.next().unwrap();
        if !scratch.store.is_current(seen) {
            let Changes::Known(number, changes) = scratch.store.changes_since(seen).unwrap() else {
                panic!("forgotten");
            };
            assert!(number > seen && !changes.is_empty());
            seen = number;
        }
        let found = read(&scratch.store, |reader| reader.object(id)).unwrap();
        assert!(found.is_some());
    }
    assert!(seen > start);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn kill_9_loses_no_acknowledged_write_and_leaves_none_half_done() {
    let scratch = Scratch::new();
    let mut acknowledged = Vec::new();
    for round in 1..=5 {
        let (mut child, mut written) = spawn(&scratch);
        acknowledged.extend(written.by_ref().take(round * 3));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(written);
    }
    let account = scratch.account;
    drop(scratch.store);
    let store = SqliteStore::open(&scratch.folder.path().join("store.db")).unwrap();
    read(&store, |reader| {
        for id in &acknowledged {
            assert!(reader.object(*id)?.is_some(), "{id} is lost");
        }
        let keys = reader.keys(account, None, 0, usize::MAX)?;
        assert!(keys.len() >= acknowledged.len());
        assert_eq!(reader.object_count(account)?, keys.len() as u64);
        for key in keys {
            let id = ObjectId::from_bytes(key.record.try_into().unwrap());
            let object = reader.object(id)?.expect("half a key");
            assert_eq!(object.names, [id.to_string()]);
            assert!(reader.alias(account, &id.to_string())?.is_some());
        }
        Ok(())
    })
    .unwrap();
}

/// How long a look-up takes: `cargo test --release -p keybridge-core -- --ignored --nocapture timing`.
#[test]
#[ignore = "prints a measurement"]
fn timing() {
    let scratch = Scratch::new();
    let rows: Vec<_> = (0..10_000)
        .map(|n| object_row(scratch.account, &n.to_string()))
        .collect();
    write(&scratch.store, |transaction| {
        rows.iter().try_for_each(|row| transaction.put_object(row))
    })
    .unwrap();
    // The fastest of many short runs: what it costs when nobody else wants the processor.
    let measure = |what: &str, count: usize, job: &dyn Fn(usize)| {
        let runs = (0..count / 100).map(|run| {
            let start = std::time::Instant::now();
            (run * 100..(run + 1) * 100).for_each(job);
            start.elapsed() / 100
        });
        println!("{what}: {:?}", runs.min());
    };
    measure("nothing at all", 100_000, &|_| {
        read(&scratch.store, |_| Ok(())).unwrap();
    });
    measure("a value of the store itself", 100_000, &|_| {
        read(&scratch.store, |reader| reader.meta("none")).unwrap();
    });
    measure("ten of them", 10_000, &|_| {
        read(&scratch.store, |reader| {
            (0..10).try_for_each(|_| reader.meta("none").map(drop))
        })
        .unwrap();
    });
    measure("ten times the same object by id", 10_000, &|_| {
        read(&scratch.store, |reader| {
            (0..10).try_for_each(|_| reader.object(rows[0].id).map(drop))
        })
        .unwrap();
    });
    measure("object by id", 100_000, &|n| {
        let id = rows[n * 7919 % rows.len()].id;
        read(&scratch.store, |reader| reader.object(id))
            .unwrap()
            .unwrap();
    });
    let query = |n: usize| crate::store::ObjectQuery {
        account: Some(scratch.account),
        label: Some(rows[n * 7919 % rows.len()].label.clone()),
        ..Default::default()
    };
    measure("objects by label", 100_000, &|n| {
        let query = query(n);
        assert_eq!(
            read(&scratch.store, |reader| reader.objects(&query))
                .unwrap()
                .len(),
            1
        );
    });
    let number = read(&scratch.store, |reader| reader.change_number()).unwrap();
    scratch.store.changes_since(number).unwrap();
    measure("is_current", 10_000_000, &|_| {
        assert!(scratch.store.is_current(number))
    });
    measure("one write", 500, &|n| {
        write(&scratch.store, |transaction| {
            transaction.put_object(&rows[n])
        })
        .unwrap();
    });
    let start = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for row in &rows[..250] {
                    write(&scratch.store, |transaction| transaction.put_object(row)).unwrap();
                }
            });
        }
    });
    println!("8 threads: {:?} a write", start.elapsed() / 2000);
}
