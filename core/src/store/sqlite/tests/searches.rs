//! The search for objects, against the same search by hand.

use proptest::prelude::*;

use super::{Scratch, add_account, object_row};
use crate::id::{KeyId, ObjectId};
use crate::model::ObjectClass;
use crate::store::{ObjectQuery, ObjectRow, read, write};

fn fits(row: &ObjectRow, query: &ObjectQuery) -> bool {
    query.account == Some(row.account)
        && query.class.is_none_or(|class| class == row.class)
        && query.label.as_ref().is_none_or(|label| *label == row.label)
        && query.cka_id.as_ref().is_none_or(|id| *id == row.cka_id)
        && query.key.is_none_or(|key| Some(key) == row.key)
        && query
            .name
            .as_ref()
            .is_none_or(|name| row.names.contains(name))
        && query.index.iter().all(|entry| row.index.contains(entry))
        && (!query.public_only || !row.private)
}

#[test]
fn every_combination_finds_what_it_should() {
    let scratch = Scratch::new();
    let accounts = [scratch.account, add_account(&scratch.store, "other")];
    let keys = [KeyId::random(), KeyId::random()];
    let mut rows = Vec::new();
    for number in 0..400_usize {
        let mut row = object_row(accounts[number % 2], ["", "a", "b"][number % 3]);
        row.class = [ObjectClass::SecretKey, ObjectClass::PublicKey][number / 2 % 2];
        row.cka_id = vec![u8::try_from(number % 5).unwrap()];
        row.key = keys.get(number % 7).copied();
        row.private = number % 11 != 0;
        if number % 8 == 0 {
            row.names = vec![format!("name {}", number / 8)];
        }
        row.index = vec![("group".into(), vec![u8::try_from(number % 6).unwrap()])];
        if number % 25 == 0 {
            row.index.push(("rare".into(), vec![1]));
        }
        rows.push(row);
    }
    write(&scratch.store, |transaction| {
        rows.iter().try_for_each(|row| transaction.put_object(row))
    })
    .unwrap();

    let pick = |options: usize| 0..=options;
    let strategy = (
        (pick(1), pick(2), pick(3), pick(5)),
        (pick(2), pick(9), pick(6), any::<bool>()),
        (any::<bool>(), 0..30_usize, 0..20_usize),
    );
    proptest!(ProptestConfig::with_cases(300), |(choice in strategy)| {
        let ((account, class, label, cka_id), (key, name, group, rare), rest) = choice;
        let (public_only, limit, offset) = rest;
        let mut query = ObjectQuery {
            account: Some(accounts[account]),
            class: [ObjectClass::SecretKey, ObjectClass::PublicKey].get(class).copied(),
            label: ["", "a", "b"].get(label).map(ToString::to_string),
            cka_id: (cka_id < 5).then(|| vec![u8::try_from(cka_id).unwrap()]),
            key: keys.get(key).copied(),
            name: (name < 9).then(|| format!("name {name}")),
            index: vec![],
            public_only,
            limit: (limit < 25).then_some(limit),
            offset,
        };
        if group < 6 {
            query.index.push(("group".into(), vec![u8::try_from(group).unwrap()]));
        }
        if rare {
            query.index.push(("rare".into(), vec![1]));
        }
        let expected: Vec<ObjectId> = rows
            .iter()
            .filter(|row| fits(row, &query))
            .map(|row| row.id)
            .skip(query.offset)
            .take(query.limit.unwrap_or(usize::MAX))
            .collect();
        let found = read(&scratch.store, |reader| reader.objects(&query)).unwrap();
        prop_assert_eq!(found, expected);
    });
}

#[test]
fn a_search_without_an_account_is_refused() {
    let scratch = Scratch::new();
    let query = ObjectQuery::default();
    assert!(read(&scratch.store, |reader| reader.objects(&query)).is_err());
}
