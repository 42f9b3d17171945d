//! What is written is what is read, and every look-up has its index.

use super::super::query::statements_of;
use super::super::statement;
use super::{Scratch, add_account, alias_row, key_row, object_row, raw};
use crate::error::Error;
use crate::id::{JournalId, ObjectId, PrincipalId};
use crate::model::ObjectClass;
use crate::store::{
    AuditIndex, AuditQuery, AuditRow, Change, Changes, ObjectQuery, PrincipalRow, Store, read,
    write,
};

#[test]
fn rows_come_back_as_they_were() {
    let scratch = Scratch::new();
    let account = scratch.account;
    let principal = PrincipalRow {
        id: PrincipalId::random(),
        account,
        name: "client".into(),
        fingerprints: vec!["aa".into(), "bb".into()],
        record: b"{1}".to_vec(),
        seal: vec![5; 32],
    };
    let mut key = key_row(account, "signing");
    key.deletion = Some(500);
    let alias = alias_row(&key, "current");
    let mut object = object_row(account, "signing");
    object.key = Some(key.id);
    object.names = vec!["a".into(), "b".into()];
    object.index = vec![
        ("Object Group".into(), vec![1]),
        ("x-color".into(), vec![2]),
    ];
    write(&scratch.store, |transaction| {
        transaction.put_principal(&principal)?;
        transaction.put_key(&key)?;
        transaction.put_alias(&alias, false)?;
        transaction.put_object(&object)?;
        transaction.put_meta("thing", b"value")
    })
    .unwrap();
    read(&scratch.store, |reader| {
        let expected = Some(principal.clone());
        assert_eq!(reader.principal(principal.id)?, expected);
        assert_eq!(reader.principal_by_name(account, "client")?, expected);
        assert_eq!(reader.principal_by_fingerprint("bb")?, expected);
        assert_eq!(
            reader.principals(account)?,
            std::slice::from_ref(&principal)
        );
        assert_eq!(reader.key(key.id)?, Some(key.clone()));
        assert_eq!(reader.keys(account, Some("signing"), 0, 10)?, [key.clone()]);
        assert_eq!(reader.keys(account, None, 0, 10)?, [key.clone()]);
        assert_eq!(reader.keys(account, None, 1, 10)?, []);
        assert_eq!(reader.keys_due(499, 10)?, []);
        assert_eq!(reader.keys_due(500, 10)?, [key.clone()]);
        assert_eq!(reader.alias(account, "current")?, Some(alias.clone()));
        assert_eq!(
            reader.aliases(account, Some(key.id))?,
            std::slice::from_ref(&alias)
        );
        assert_eq!(reader.object(object.id)?, Some(object.clone()));
        assert_eq!(reader.object_count(account)?, 1);
        assert_eq!(reader.meta("thing")?.as_deref(), Some(b"value".as_slice()));
        assert_eq!(
            reader.account_by_name("main")?.map(|row| row.id),
            Some(account)
        );
        assert_eq!(reader.accounts()?.len(), 1);
        Ok(())
    })
    .unwrap();

    object.names = vec!["c".into()];
    object.index.clear();
    object.material = None;
    write(&scratch.store, |transaction| {
        transaction.put_object(&object)?;
        transaction.delete_key(key.id)?;
        transaction.delete_principal(principal.id)
    })
    .unwrap();
    read(&scratch.store, |reader| {
        assert_eq!(reader.object(object.id)?, Some(object.clone()));
        assert_eq!(reader.object_count(account)?, 1);
        assert_eq!(reader.alias(account, "current")?, None);
        assert_eq!(reader.principal_by_fingerprint("aa")?, None);
        Ok(())
    })
    .unwrap();
    write(&scratch.store, |transaction| {
        transaction.delete_object(object.id)
    })
    .unwrap();
    let (found, count) = read(&scratch.store, |reader| {
        Ok((reader.object(object.id)?, reader.object_count(account)?))
    })
    .unwrap();
    assert_eq!((found, count), (None, 0));
}

#[test]
fn names_that_must_be_unique_are() {
    let scratch = Scratch::new();
    let account = scratch.account;
    let other = add_account(&scratch.store, "other");
    let key = key_row(account, "k");
    let mut first = object_row(account, "one");
    first.names = vec!["name".into()];
    let mut second = object_row(account, "two");
    second.names = vec!["name".into()];
    let mut elsewhere = object_row(other, "three");
    elsewhere.names = vec!["name".into()];
    write(&scratch.store, |transaction| {
        transaction.put_key(&key)?;
        transaction.put_alias(&alias_row(&key, "alias"), false)?;
        transaction.put_alias(&alias_row(&key, "alias"), true)?;
        transaction.put_object(&first)?;
        transaction.put_object(&first)?;
        transaction.put_object(&elsewhere)
    })
    .unwrap();
    let taken = write(&scratch.store, |transaction| {
        transaction.put_object(&second)
    });
    assert!(matches!(taken, Err(Error::AlreadyExists { name, .. }) if name == "name"));
    let taken = write(&scratch.store, |transaction| {
        transaction.put_alias(&alias_row(&key, "alias"), false)
    });
    assert!(matches!(
        taken,
        Err(Error::AlreadyExists { what: "alias", .. })
    ));
    let missing = read(&scratch.store, |reader| reader.object(second.id)).unwrap();
    assert_eq!(missing, None);
}

#[test]
fn changes_are_numbered_and_listed() {
    let scratch = Scratch::new();
    let start = read(&scratch.store, |reader| reader.change_number()).unwrap();
    assert!(!scratch.store.is_current(start), "nobody asked yet");
    assert_eq!(
        scratch.store.changes_since(start).unwrap(),
        Changes::Known(start, vec![])
    );
    assert!(scratch.store.is_current(start));
    assert!(!scratch.store.is_current(start + 1));
    assert!(!scratch.store.is_current(start - 1));

    let key = key_row(scratch.account, "k");
    let object = ObjectId::random();
    write(&scratch.store, |transaction| {
        assert_eq!(transaction.change_number()?, start);
        transaction.put_key(&key)?;
        transaction.touch(Change::Object(object))
    })
    .unwrap();
    assert!(!scratch.store.is_current(start));
    let Changes::Known(number, mut changes) = scratch.store.changes_since(start).unwrap() else {
        panic!("forgotten already");
    };
    changes.sort_by_key(|change| matches!(change, Change::Key(_)));
    assert_eq!(number, start + 1);
    assert_eq!(changes, [Change::Object(object), Change::Key(key.id)]);
    assert!(scratch.store.is_current(number));

    // What no cache holds gives no number.
    write(&scratch.store, |transaction| {
        transaction.put_meta("m", b"1")
    })
    .unwrap();
    assert_eq!(
        scratch.store.changes_since(number).unwrap(),
        Changes::Known(number, vec![])
    );
    assert!(scratch.store.is_current(number));
    assert_eq!(
        scratch
            .store
            .changes_since(crate::store::NOTHING_SEEN)
            .unwrap(),
        Changes::Everything(number)
    );

    raw(&scratch.path())
        .execute(
            "DELETE FROM change WHERE number < ?1",
            [i64::try_from(number).unwrap()],
        )
        .unwrap();
    assert_eq!(
        scratch.store.changes_since(start - 1).unwrap(),
        Changes::Everything(number)
    );
    assert_eq!(
        scratch.store.changes_since(number + 7).unwrap(),
        Changes::Everything(number)
    );
}

#[test]
fn audit_rows_are_found_by_time_and_entity() {
    let scratch = Scratch::new();
    let (one, two) = ([1; 16], [2; 16]);
    write(&scratch.store, |transaction| {
        for sequence in 1..=10_u64 {
            let time = i64::try_from(sequence).unwrap() * 100;
            let row = AuditRow {
                sequence,
                record: vec![0],
                chain: [0; 32],
            };
            let index = AuditIndex {
                first: time,
                last: time + 50,
                entities: vec![one, if sequence % 2 == 0 { two } else { [3; 16] }],
            };
            transaction.append_audit(&row, &index)?;
            assert!(transaction.audit_is_found(sequence, &index)?);
        }
        transaction.put_journal(JournalId::from_bytes([5; 16]))?;
        transaction.put_journal(JournalId::from_bytes([6; 16]))?;
        transaction.delete_journal(JournalId::from_bytes([5; 16]))
    })
    .unwrap();
    let find = |query: AuditQuery, limit| {
        read(&scratch.store, |reader| {
            let rows = reader.audit_find(&query, limit)?;
            Ok(rows.iter().map(|row| row.sequence).collect::<Vec<_>>())
        })
        .unwrap()
    };
    let all = AuditQuery::default;
    assert_eq!(find(all(), 3), [10, 9, 8]);
    assert_eq!(
        find(
            AuditQuery {
                before: Some(8),
                ..all()
            },
            2
        ),
        [7, 6]
    );
    assert_eq!(
        find(
            AuditQuery {
                from: Some(940),
                ..all()
            },
            9
        ),
        [10, 9]
    );
    assert_eq!(
        find(
            AuditQuery {
                to: Some(200),
                ..all()
            },
            9
        ),
        [2, 1]
    );
    assert_eq!(
        find(
            AuditQuery {
                from: Some(2000),
                ..all()
            },
            9
        ),
        [] as [u64; 0]
    );
    let of_two = AuditQuery {
        entity: Some(two),
        to: Some(650),
        ..all()
    };
    assert_eq!(find(of_two, 9), [6, 4, 2]);
    read(&scratch.store, |reader| {
        assert_eq!(reader.journals()?, [JournalId::from_bytes([6; 16])]);
        assert_eq!(reader.audit_last()?.map(|row| row.sequence), Some(10));
        assert_eq!(reader.audit_rows(9, 10)?.len(), 2);
        Ok(())
    })
    .unwrap();
}

#[test]
fn no_look_up_reads_a_whole_table() {
    let scratch = Scratch::new();
    let connection = raw(&scratch.path());
    let plan = |sql: &str| -> Vec<String> {
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let parameters = vec![rusqlite::types::Value::Integer(1); statement.parameter_count()];
        statement
            .query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    // The first or last row by its primary key or an index.
    let ends = ["CHANGE_NUMBER", "CHANGE_OLDEST", "AUDIT_LAST"];
    for (name, sql) in statement::ALL {
        for step in plan(sql) {
            assert!(
                !step.starts_with("SCAN") || ends.contains(name),
                "{name}: {step}"
            );
            assert!(!step.contains("TEMP B-TREE"), "{name}: {step}");
        }
    }
    for query in queries() {
        for sql in statements_of(&query) {
            for step in plan(&sql) {
                assert!(!step.starts_with("SCAN"), "{sql}: {step}");
                assert!(!step.contains("TEMP B-TREE"), "{sql}: {step}");
            }
        }
    }
}

/// Every combination of the fields of a query.
fn queries() -> Vec<ObjectQuery> {
    let whole = ObjectQuery {
        account: Some(crate::id::AccountId::random()),
        class: Some(ObjectClass::PrivateKey),
        label: Some("l".into()),
        cka_id: Some(vec![1]),
        key: Some(crate::id::KeyId::random()),
        name: Some("n".into()),
        index: vec![("g".into(), vec![1]), ("h".into(), vec![2])],
        public_only: true,
        limit: Some(3),
        offset: 1,
    };
    (0..128_u8)
        .map(|bits| {
            let mut query = whole.clone();
            let bit = |number: u8| bits >> number & 1 == 1;
            query.class = query.class.filter(|_| bit(0));
            query.label = query.label.filter(|_| bit(1));
            query.cka_id = query.cka_id.filter(|_| bit(2));
            query.key = query.key.filter(|_| bit(3));
            query.name = query.name.filter(|_| bit(4));
            query.index.truncate(if bit(5) { 2 } else { 0 });
            query.public_only = bit(6);
            query
        })
        .collect()
}

/// An update leaves the indexes alone when it changes nothing by which a row is found, and only then.
#[test]
fn an_update_is_found_by_what_it_says() {
    let scratch = Scratch::new();
    let account = scratch.account;
    let mut object = object_row(account, "one");
    object.names = vec!["a".into()];
    object.index = vec![("x".into(), vec![1])];
    let mut key = key_row(account, "k");
    let found = |query: ObjectQuery| {
        let query = ObjectQuery {
            account: Some(account),
            ..query
        };
        read(&scratch.store, |reader| reader.objects(&query))
            .unwrap()
            .len()
    };
    let by_label = |label: &str| {
        found(ObjectQuery {
            label: Some(label.into()),
            ..ObjectQuery::default()
        })
    };
    let by_name = |name: &str| {
        found(ObjectQuery {
            name: Some(name.into()),
            ..ObjectQuery::default()
        })
    };
    let by_index = |value: u8| {
        found(ObjectQuery {
            index: vec![("x".into(), vec![value])],
            ..ObjectQuery::default()
        })
    };
    for step in 0..4 {
        match step {
            1 => {
                object.record = b"changed".to_vec();
                object.material = None;
                key.record = b"changed".to_vec();
            }
            2 => {
                object.label = "two".into();
                key.name = "l".into();
            }
            3 => {
                object.names = vec!["b".into()];
                object.index = vec![("x".into(), vec![2])];
                key.deletion = Some(5);
            }
            _ => {}
        }
        write(&scratch.store, |transaction| {
            transaction.put_key(&key)?;
            transaction.put_object(&object)
        })
        .unwrap();
        let (kept, kept_key, due, named) = read(&scratch.store, |reader| {
            Ok((
                reader.object(object.id)?,
                reader.key(key.id)?,
                reader.keys_due(5, 10)?.len(),
                reader.keys(account, Some(&key.name), 0, 10)?.len(),
            ))
        })
        .unwrap();
        assert_eq!(
            (kept.as_ref(), kept_key.as_ref()),
            (Some(&object), Some(&key))
        );
        assert_eq!((due, named), (usize::from(step == 3), 1));
        assert_eq!(by_label("one") + by_label("two"), 1);
        assert_eq!(by_label(&object.label), 1);
        assert_eq!(by_name("a") + by_name("b"), 1);
        assert_eq!(by_name(&object.names[0]), 1);
        assert_eq!(by_index(1) + by_index(2), 1);
        assert_eq!(by_index(object.index[0].1[0]), 1);
    }
}
