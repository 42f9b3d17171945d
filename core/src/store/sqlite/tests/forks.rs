//! A process that forks with a store open.

#![allow(unsafe_code)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Scratch, SqliteStore, object_row};
use crate::id::{AccountId, ObjectId};
use crate::store::{Store, read, write};

const STORE: &str = "KEYBRIDGE_TEST_FORKING_STORE";
const ACCOUNT: &str = "KEYBRIDGE_TEST_FORKING_ACCOUNT";

fn add(store: &SqliteStore, account: AccountId) {
    let row = object_row(account, "forked");
    write(store, |transaction| transaction.put_object(&row)).unwrap();
    println!("wrote {}", row.id);
}

/// What the other process does. Without the variable (a usual run of the tests) it does nothing.
#[test]
fn parent_forks_and_leaves() {
    let Ok(path) = std::env::var(STORE) else {
        return;
    };
    let account: AccountId = std::env::var(ACCOUNT).unwrap().parse().unwrap();
    let store = SqliteStore::open(Path::new(&path)).unwrap();
    add(&store, account);
    let seen = read(&store, |reader| reader.change_number()).unwrap();
    store.changes_since(seen).unwrap();
    // SAFETY: no other thread of this process holds a lock; the child calls nothing that a child of
    // such a process may not.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child > 0 {
        // SAFETY: leaves without running anything.
        unsafe { libc::_exit(0) };
    }
    assert!(!store.is_current(seen), "inherited");
    assert!(
        read(&store, |reader| reader.accounts()).is_err(),
        "inherited"
    );
    assert!(
        write(&store, |transaction| transaction.put_meta("m", b"")).is_err(),
        "inherited"
    );
    let inherited = Box::leak(Box::new(store));
    let own = SqliteStore::open(Path::new(&path)).unwrap();
    add(&own, account);
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    add(&own, account);
    assert!(!inherited.is_current(seen));
    std::io::stdin().read_line(&mut line).unwrap();
    // SAFETY: as above; nothing is to be said by the test harness.
    unsafe { libc::_exit(0) };
}

#[test]
fn a_child_that_outlives_its_parent_loses_nothing() {
    let scratch = Scratch::new();
    let account = scratch.account;
    let path = scratch.path();
    drop(scratch.store);
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("store::sqlite::tests::forks::parent_forks_and_leaves")
        .env(STORE, &path)
        .env(ACCOUNT, account.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut written = lines.filter_map(|line| {
        line.ok()?
            .split("wrote ")
            .nth(1)?
            .trim()
            .parse::<ObjectId>()
            .ok()
    });
    let mut expected = vec![written.next().unwrap(), written.next().unwrap()];
    process.wait().unwrap();
    // The last to close the store removes its log, unless somebody holds it open.
    let look = |expected: &[ObjectId]| {
        let store = SqliteStore::open(&path).unwrap();
        for id in expected {
            let found = read(&store, |reader| reader.object(*id)).unwrap();
            assert!(found.is_some(), "{id} is lost");
        }
    };
    look(&expected);
    writeln!(stdin).unwrap();
    expected.push(written.next().unwrap());
    look(&expected);
    writeln!(stdin).unwrap();
    assert_eq!(written.next(), None);
    look(&expected);
}

#[test]
fn a_child_forked_in_the_middle_of_a_write_is_refused_a_store() {
    let scratch = Scratch::new();
    let path = scratch.path();
    let refused = write(&scratch.store, |transaction| {
        transaction.put_meta("half", b"done")?;
        // SAFETY: the child only opens a store, which takes no lock that another thread of this process
        // could hold for ever but those that it gives up waiting for.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let refused = SqliteStore::open(&path).is_err();
            // SAFETY: leaves without running anything.
            unsafe { libc::_exit(i32::from(refused)) };
        }
        let mut status = 0;
        // SAFETY: waits for the child just made; `status` is written.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        Ok(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 1)
    });
    assert!(refused.unwrap());
    let half = read(&scratch.store, |reader| reader.meta("half")).unwrap();
    assert_eq!(half.as_deref(), Some(b"done".as_slice()));
}
