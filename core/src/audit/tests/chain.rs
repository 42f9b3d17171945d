//! The chain, and hands that meddle with it.

use super::{Filter, Scratch, Verb, record};
use crate::error::Error;
use crate::store::write;

fn with_rows(count: i64) -> Scratch {
    let scratch = Scratch::new();
    write(&*scratch.store, |transaction| {
        (1..=count).try_for_each(|time| {
            let record = record(time, Verb::Create, &format!("row {time}"));
            scratch.audit.record_in(transaction, &record)
        })
    })
    .unwrap();
    assert_eq!(scratch.findings(), [] as [&str; 0]);
    scratch
}

#[test]
fn rows_are_listed_newest_last_and_filtered() {
    let scratch = with_rows(10);
    scratch
        .audit
        .record(&record(11, Verb::Destroy, "other"))
        .unwrap();
    let details = |filter: &Filter, limit| {
        let records = scratch.audit.list(filter, limit).unwrap();
        records
            .into_iter()
            .map(|record| record.detail)
            .collect::<Vec<_>>()
    };
    assert_eq!(details(&Filter::default(), 3), ["row 9", "row 10", "other"]);
    let filter = Filter {
        from: Some(4),
        to: Some(6),
        ..Filter::default()
    };
    assert_eq!(details(&filter, 100), ["row 4", "row 5", "row 6"]);
    let filter = Filter {
        verb: Some(Verb::Destroy),
        key: Some(crate::id::KeyId::from_bytes([3; 16])),
        ..Filter::default()
    };
    assert_eq!(details(&filter, 100), ["other"]);
    let filter = Filter {
        account: Some(crate::id::AccountId::random()),
        ..Filter::default()
    };
    assert!(details(&filter, 100).is_empty());
    let filter = Filter {
        failed: true,
        ..Filter::default()
    };
    assert!(details(&filter, 100).is_empty());
    let report = scratch.audit.verify().unwrap();
    assert_eq!((report.rows, report.records), (11, 11));
}

#[test]
fn every_meddling_is_found_where_it_happened() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "UPDATE audit SET record = CAST(replace(record, 'row 5', 'row 6') AS BLOB) WHERE sequence = 5",
            "row 5: the row was changed",
            "a record",
        ),
        (
            "DELETE FROM audit_entity WHERE sequence = 4; DELETE FROM audit WHERE sequence = 4",
            "row 4: rows 4 to 4 were removed",
            "a row in the middle",
        ),
        (
            "DELETE FROM audit_entity WHERE sequence <= 2; DELETE FROM audit WHERE sequence <= 2",
            "row 1: rows 1 to 2 were removed",
            "rows at the start",
        ),
        (
            "DELETE FROM audit_entity WHERE sequence > 8; DELETE FROM audit WHERE sequence > 8",
            "the end of the chain: rows 9 to 10 were removed",
            "rows at the end",
        ),
        (
            "UPDATE audit SET record = (SELECT record FROM audit AS o WHERE o.sequence = 3)
             WHERE sequence = 7",
            "row 7: the row was changed, or moved",
            "a row put elsewhere",
        ),
        (
            "DELETE FROM meta WHERE name = 'audit.head'",
            "the end of the chain: the head was changed",
            "the head",
        ),
        (
            "DELETE FROM audit_entity WHERE sequence = 6",
            "row 6: the index",
            "the index, to hide a row from a search",
        ),
        (
            "UPDATE audit SET first = 99, last = 99 WHERE sequence = 6",
            "row 6: the index",
            "a time, to hide a row from a search",
        ),
        (
            "INSERT INTO audit SELECT 11, first, last, record, chain FROM audit WHERE sequence = 10",
            "row 11: the row was changed",
            "a row added",
        ),
    ];
    for (sql, finding, what) in cases {
        let scratch = with_rows(10);
        scratch
            .raw()
            .execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}"))
            .unwrap();
        let found = scratch.findings();
        assert!(found[0].starts_with(finding), "{what}: {found:?}");
    }
}

#[test]
fn exchanged_rows_are_found() {
    let scratch = with_rows(10);
    scratch
        .raw()
        .execute_batch(
            "PRAGMA foreign_keys = OFF;
             UPDATE audit SET sequence = 100 WHERE sequence = 3;
             UPDATE audit SET sequence = 3 WHERE sequence = 4;
             UPDATE audit SET sequence = 4 WHERE sequence = 100;",
        )
        .unwrap();
    assert!(scratch.findings()[0].starts_with("row 3: "));
}

#[test]
fn nothing_is_appended_to_a_chain_whose_end_was_changed() {
    let scratch = with_rows(2);
    scratch
        .raw()
        .execute(
            "UPDATE meta SET value = zeroblob(72) WHERE name = 'audit.head'",
            [],
        )
        .unwrap();
    let refused = scratch.audit.record(&record(3, Verb::Create, ""));
    assert!(matches!(
        refused,
        Err(Error::Tampered { what: "audit", .. })
    ));
}

#[test]
fn another_key_proves_nothing() {
    let scratch = with_rows(2);
    let audit = super::Audit::open(scratch.store.clone(), &[8; 32], scratch.folder.path());
    assert!(!audit.verify().unwrap().is_intact());
}

#[test]
fn a_chain_is_begun_once() {
    let scratch = with_rows(1);
    let again = write(&*scratch.store, |transaction| {
        scratch.audit.initialize_in(transaction)
    });
    assert!(matches!(again, Err(Error::AlreadyExists { .. })));
}
