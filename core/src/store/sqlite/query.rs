//! The search for objects: any combination of fields, read from the index of the most selective one.

use std::fmt::Write as _;

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::reader::{Id, SqliteReader};
use crate::error::{Error, Result};
use crate::id::{AccountId, ObjectId};
use crate::store::ObjectQuery;

/// How far hits are counted when several fields compete to be the one that is looked up.
const PROBE_LIMIT: i64 = 256;

/// One field of a query.
struct Condition {
    /// Where hits are looked up: the tables, with the index that must serve.
    from: &'static str,
    /// What a hit fulfils there, and the condition when another field is looked up.
    lookup: &'static str,
    otherwise: &'static str,
    /// The hit's place in the order of creation, as the looked-up table has it.
    order: &'static str,
    /// What the question marks of either stand for.
    values: Vec<Value>,
    /// Smaller is tried first; equal ones are counted.
    rank: u8,
}

/// Unique in the account, so nothing can be more selective.
const RANK_UNIQUE: u8 = 0;
/// Usually few hits, but nobody promises.
const RANK_VALUE: u8 = 1;
/// Large parts of an account.
const RANK_BROAD: u8 = 2;

/// Identifiers of the objects that fit, in order of creation.
pub(super) fn objects(reader: &SqliteReader<'_>, query: &ObjectQuery) -> Result<Vec<ObjectId>> {
    let Some(account) = query.account else {
        return Err(Error::Internal("a search names no account".into()));
    };
    let mut conditions = conditions(account, query);
    let first = most_selective(reader, &conditions)?;
    let driver = conditions.swap_remove(first);
    let (sql, values) = statement(&driver, &conditions, query);
    reader.many(&sql, params_from_iter(values), |row| {
        Ok(ObjectId::from_bytes(row.get::<_, Id>(0)?.0))
    })
}

fn conditions(account: AccountId, query: &ObjectQuery) -> Vec<Condition> {
    let owner = || Value::Blob(account.as_bytes().to_vec());
    let mut conditions = Vec::with_capacity(4);
    if let Some(name) = &query.name {
        conditions.push(Condition {
            from: "object_name AS n CROSS JOIN object AS o ON o.sequence = n.object",
            lookup: "n.account = ? AND n.name = ?",
            otherwise: "o.sequence = (SELECT object FROM object_name WHERE account = ? AND name = ?)",
            order: "n.object",
            values: vec![owner(), Value::Text(name.clone())],
            rank: RANK_UNIQUE,
        });
    }
    for (name, value) in &query.index {
        conditions.push(Condition {
            from: "object_index AS x CROSS JOIN object AS o ON o.sequence = x.object",
            lookup: "x.account = ? AND x.name = ? AND x.value = ?",
            otherwise: "EXISTS (SELECT 1 FROM object_index AS y WHERE y.account = ? \
                        AND y.name = ? AND y.value = ? AND y.object = o.sequence)",
            order: "x.object",
            values: vec![
                owner(),
                Value::Text(name.clone()),
                Value::Blob(value.clone()),
            ],
            rank: RANK_VALUE,
        });
    }
    let mut column = |from, lookup, value, rank| {
        conditions.push(Condition {
            from,
            lookup,
            otherwise: lookup,
            order: "o.sequence",
            values: vec![owner(), value],
            rank,
        });
    };
    if let Some(key) = query.key {
        column(
            "object AS o INDEXED BY object_key",
            "o.account = ? AND o.key = ?",
            Value::Blob(key.as_bytes().to_vec()),
            RANK_VALUE,
        );
    }
    if let Some(cka_id) = &query.cka_id {
        column(
            "object AS o INDEXED BY object_cka_id",
            "o.account = ? AND o.cka_id = ?",
            Value::Blob(cka_id.clone()),
            RANK_VALUE,
        );
    }
    if let Some(label) = &query.label {
        column(
            "object AS o INDEXED BY object_label",
            "o.account = ? AND o.label = ?",
            Value::Text(label.clone()),
            RANK_VALUE,
        );
    }
    if let Some(class) = query.class {
        column(
            "object AS o INDEXED BY object_class",
            "o.account = ? AND o.class = ?",
            Value::Integer(class.code().into()),
            RANK_BROAD,
        );
    }
    if conditions.is_empty() {
        conditions.push(Condition {
            from: "object AS o INDEXED BY object_account",
            lookup: "o.account = ?",
            otherwise: "o.account = ?",
            order: "o.sequence",
            values: vec![owner()],
            rank: RANK_BROAD,
        });
    }
    conditions
}

/// The condition to look up. Where the ranks leave several, their hits are counted, a little way.
fn most_selective(reader: &SqliteReader<'_>, conditions: &[Condition]) -> Result<usize> {
    let best = conditions.iter().map(|condition| condition.rank).min();
    let mut candidates = conditions
        .iter()
        .enumerate()
        .filter(|(_, condition)| Some(condition.rank) == best)
        .peekable();
    let Some((first, _)) = candidates.next() else {
        return Ok(0);
    };
    if candidates.peek().is_none() {
        return Ok(first);
    }
    let mut found = (i64::MAX, first);
    for (position, condition) in conditions.iter().enumerate() {
        if Some(condition.rank) != best {
            continue;
        }
        let hits = count(reader, condition)?;
        if hits < found.0 {
            found = (hits, position);
        }
    }
    Ok(found.1)
}

/// Hits of one condition, at most [`PROBE_LIMIT`].
fn count(reader: &SqliteReader<'_>, condition: &Condition) -> Result<i64> {
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT {PROBE_LIMIT})",
        condition.from, condition.lookup
    );
    let values = params_from_iter(condition.values.iter());
    Ok(reader
        .one(&sql, values, |row| row.get(0))?
        .unwrap_or_default())
}

fn statement(
    driver: &Condition,
    others: &[Condition],
    query: &ObjectQuery,
) -> (String, Vec<Value>) {
    let mut sql = format!("SELECT o.id FROM {} WHERE {}", driver.from, driver.lookup);
    let mut values = driver.values.clone();
    for condition in others {
        // Writing to a string cannot fail.
        let _ = write!(sql, " AND {}", condition.otherwise);
        values.extend(condition.values.iter().cloned());
    }
    if query.public_only {
        sql.push_str(" AND o.private = 0");
    }
    // Writing to a string cannot fail.
    let _ = write!(sql, " ORDER BY {} LIMIT ? OFFSET ?", driver.order);
    let number = |count: usize| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    values.push(query.limit.map_or(Value::Integer(-1), number));
    values.push(number(query.offset));
    (sql, values)
}

/// The statement for a query whose first condition is looked up, for the test of plans.
#[cfg(test)]
pub(super) fn statements_of(query: &ObjectQuery) -> Vec<String> {
    let account = query.account.unwrap_or_else(AccountId::random);
    let count = conditions(account, query).len();
    (0..count)
        .map(|first| {
            let mut conditions = conditions(account, query);
            let driver = conditions.swap_remove(first);
            statement(&driver, &conditions, query).0
        })
        .collect()
}
