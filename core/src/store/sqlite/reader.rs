//! Reads.

use std::path::Path;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::failure::store_error;
use super::{query, statement};
use crate::error::Result;
use crate::id::{AccountId, JournalId, KeyId, ObjectId, PrincipalId};
use crate::model::{Fingerprint, ObjectClass};
use crate::store::{
    AccountRow, AliasRow, AuditIndex, AuditQuery, AuditRow, ChangeNumber, ImprintRow, IntentRow,
    KeyRow, ObjectQuery, ObjectRow, PrincipalRow, Reader,
};

/// KMIP Names, and (attribute name, value).
type NamesAndIndex = (Vec<String>, Vec<(String, Vec<u8>)>);

/// Reads on one connection, inside a transaction that somebody else opened.
pub(super) struct SqliteReader<'c> {
    pub(super) connection: &'c Connection,
    pub(super) path: &'c Path,
}

impl SqliteReader<'_> {
    /// The names and values by which an object is found, sorted.
    pub(super) fn names_and_index(&self, sequence: i64) -> Result<NamesAndIndex> {
        let names = self.many(statement::OBJECT_NAMES, [sequence], |row| row.get(0))?;
        let index = self.many(statement::OBJECT_INDEX, [sequence], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok((names, index))
    }

    /// Runs a statement of [`statement`] that answers one row or none.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        take: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let run = || {
            self.connection
                .prepare_cached(sql)?
                .query_row(parameters, take)
                .optional()
        };
        run().map_err(|error| store_error(self.path, &error))
    }

    /// Runs a statement that answers any number of rows.
    pub(super) fn many<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        take: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let run = || {
            self.connection
                .prepare_cached(sql)?
                .query_map(parameters, take)?
                .collect::<rusqlite::Result<_>>()
        };
        run().map_err(|error| store_error(self.path, &error))
    }

    fn with_fingerprints(&self, row: Option<PrincipalRow>) -> Result<Option<PrincipalRow>> {
        let Some(mut row) = row else { return Ok(None) };
        row.fingerprints = self.many(statement::FINGERPRINTS, [Id(*row.id.as_bytes())], |row| {
            row.get(0)
        })?;
        Ok(Some(row))
    }
}

impl Reader for SqliteReader<'_> {
    fn change_number(&self) -> Result<ChangeNumber> {
        let number = self.one(statement::CHANGE_NUMBER, [], |row| {
            row.get::<_, Option<Count>>(0)
        })?;
        Ok(number.flatten().unwrap_or_default().0)
    }

    fn account(&self, id: AccountId) -> Result<Option<AccountRow>> {
        self.one(statement::ACCOUNT, [Id(*id.as_bytes())], account)
    }

    fn account_by_name(&self, name: &str) -> Result<Option<AccountRow>> {
        self.one(statement::ACCOUNT_BY_NAME, [name], account)
    }

    fn accounts(&self) -> Result<Vec<AccountRow>> {
        self.many(statement::ACCOUNTS, [], account)
    }

    fn principal(&self, id: PrincipalId) -> Result<Option<PrincipalRow>> {
        self.with_fingerprints(self.one(statement::PRINCIPAL, [Id(*id.as_bytes())], principal)?)
    }

    fn principal_by_name(&self, account: AccountId, name: &str) -> Result<Option<PrincipalRow>> {
        self.with_fingerprints(self.one(
            statement::PRINCIPAL_BY_NAME,
            (Id(*account.as_bytes()), name),
            principal,
        )?)
    }

    fn principals(&self, account: AccountId) -> Result<Vec<PrincipalRow>> {
        self.many(statement::PRINCIPALS, [Id(*account.as_bytes())], principal)?
            .into_iter()
            .filter_map(|row| self.with_fingerprints(Some(row)).transpose())
            .collect()
    }

    fn principal_by_fingerprint(&self, fingerprint: &str) -> Result<Option<PrincipalRow>> {
        self.with_fingerprints(self.one(
            statement::PRINCIPAL_BY_FINGERPRINT,
            [fingerprint],
            principal,
        )?)
    }

    fn key(&self, id: KeyId) -> Result<Option<KeyRow>> {
        self.one(statement::KEY, [Id(*id.as_bytes())], key)
    }

    fn keys(
        &self,
        account: AccountId,
        name: Option<&str>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<KeyRow>> {
        let account = Id(*account.as_bytes());
        let (offset, limit) = (Count::of(offset), Count::of(limit));
        match name {
            Some(name) => self.many(statement::KEYS_NAMED, (account, name, limit, offset), key),
            None => self.many(statement::KEYS, (account, limit, offset), key),
        }
    }

    fn keys_due(&self, deletion_at_or_before: i64, limit: usize) -> Result<Vec<KeyRow>> {
        self.many(
            statement::KEYS_DUE,
            (deletion_at_or_before, Count::of(limit)),
            key,
        )
    }

    fn alias(&self, account: AccountId, name: &str) -> Result<Option<AliasRow>> {
        self.one(statement::ALIAS, (Id(*account.as_bytes()), name), alias)
    }

    fn aliases(&self, account: AccountId, key: Option<KeyId>) -> Result<Vec<AliasRow>> {
        let account = Id(*account.as_bytes());
        match key {
            Some(key) => self.many(
                statement::ALIASES_OF_KEY,
                (Id(*key.as_bytes()), account),
                alias,
            ),
            None => self.many(statement::ALIASES, [account], alias),
        }
    }

    fn object(&self, id: ObjectId) -> Result<Option<ObjectRow>> {
        let found = self.one(statement::OBJECT, [Id(*id.as_bytes())], |row| {
            Ok((row.get::<_, i64>(0)?, object(row)?))
        })?;
        let Some((sequence, mut object)) = found else {
            return Ok(None);
        };
        (object.names, object.index) = self.names_and_index(sequence)?;
        Ok(Some(object))
    }

    fn objects(&self, query: &ObjectQuery) -> Result<Vec<ObjectId>> {
        query::objects(self, query)
    }

    fn object_count(&self, account: AccountId) -> Result<u64> {
        let count = self.one(statement::OBJECT_COUNT, [Id(*account.as_bytes())], |row| {
            row.get::<_, Count>(0)
        })?;
        Ok(count.unwrap_or_default().0)
    }

    fn imprint(&self, fingerprint: Fingerprint) -> Result<Option<ImprintRow>> {
        self.one(statement::IMPRINT, [fingerprint.0.as_slice()], |row| {
            Ok(ImprintRow {
                fingerprint: Fingerprint(row.get(0)?),
                record: row.get(1)?,
                seal: row.get(2)?,
            })
        })
    }

    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.one(statement::META, [name], |row| row.get(0))
    }

    fn intent(&self, id: ObjectId) -> Result<Option<IntentRow>> {
        self.one(statement::INTENT, [Id(*id.as_bytes())], intent)
    }

    fn intents(&self) -> Result<Vec<IntentRow>> {
        self.many(statement::INTENTS, [], intent)
    }

    fn journals(&self) -> Result<Vec<JournalId>> {
        self.many(statement::JOURNALS, [], |row| {
            Ok(JournalId::from_bytes(row.get::<_, Id>(0)?.0))
        })
    }

    fn audit_find(&self, query: &AuditQuery, limit: usize) -> Result<Vec<AuditRow>> {
        let before = Count(query.before.unwrap_or(u64::MAX));
        let from = query.from.unwrap_or(i64::MIN);
        let to = query.to.unwrap_or(i64::MAX);
        let limit = Count::of(limit);
        if let Some(entity) = query.entity {
            let parameters = (Id(entity), before, from, to, limit);
            return self.many(statement::AUDIT_OF_ENTITY, parameters, audit);
        }
        // Times grow with the position but for a set clock, so the start is looked up once.
        let first = match query.from {
            None => Some(Count(0)),
            Some(from) => self
                .one(statement::AUDIT_FIRST_SINCE, [from], |row| row.get(0))?
                .flatten(),
        };
        match first {
            None => Ok(Vec::new()),
            Some(first) => self.many(
                statement::AUDIT_FIND,
                (first, before, from, to, limit),
                audit,
            ),
        }
    }

    fn audit_rows(&self, from: u64, limit: usize) -> Result<Vec<AuditRow>> {
        self.many(
            statement::AUDIT_ROWS,
            (Count(from), Count::of(limit)),
            audit,
        )
    }

    fn audit_last(&self) -> Result<Option<AuditRow>> {
        self.one(statement::AUDIT_LAST, [], audit)
    }

    fn audit_is_found(&self, sequence: u64, index: &AuditIndex) -> Result<bool> {
        let times = self.one(statement::AUDIT_TIMES, [Count(sequence)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        if times != Some((index.first, index.last)) {
            return Ok(false);
        }
        for entity in &index.entities {
            let there = self.one(
                statement::AUDIT_ENTITY_IS,
                (Id(*entity), Count(sequence)),
                |_| Ok(()),
            )?;
            if there.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// An identifier as SQLite keeps it: 16 bytes.
#[derive(Clone, Copy)]
pub(super) struct Id(pub(super) [u8; 16]);

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(Self)
    }
}

/// A count as SQLite keeps it: 63 bits. What is larger is held at the end of the range, and nothing
/// ever counts so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Count(pub(super) u64);

impl Count {
    pub(super) fn of(count: usize) -> Self {
        Self(count as u64)
    }
}

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = i64::column_result(value)?;
        u64::try_from(number)
            .map(Self)
            .map_err(|_| FromSqlError::OutOfRange(number))
    }
}

fn account(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        id: AccountId::from_bytes(row.get::<_, Id>(0)?.0),
        name: row.get(1)?,
        record: row.get(2)?,
        seal: row.get(3)?,
    })
}

fn principal(row: &Row<'_>) -> rusqlite::Result<PrincipalRow> {
    Ok(PrincipalRow {
        id: PrincipalId::from_bytes(row.get::<_, Id>(0)?.0),
        account: AccountId::from_bytes(row.get::<_, Id>(1)?.0),
        name: row.get(2)?,
        fingerprints: Vec::new(),
        record: row.get(3)?,
        seal: row.get(4)?,
    })
}

fn key(row: &Row<'_>) -> rusqlite::Result<KeyRow> {
    Ok(KeyRow {
        id: KeyId::from_bytes(row.get::<_, Id>(0)?.0),
        account: AccountId::from_bytes(row.get::<_, Id>(1)?.0),
        name: row.get(2)?,
        deletion: row.get(3)?,
        record: row.get(4)?,
        seal: row.get(5)?,
    })
}

fn alias(row: &Row<'_>) -> rusqlite::Result<AliasRow> {
    Ok(AliasRow {
        account: AccountId::from_bytes(row.get::<_, Id>(0)?.0),
        name: row.get(1)?,
        key: KeyId::from_bytes(row.get::<_, Id>(2)?.0),
        seal: row.get(3)?,
    })
}

/// Columns 1 to 10 of [`statement::OBJECT`]; names and index stand in tables of their own.
fn object(row: &Row<'_>) -> rusqlite::Result<ObjectRow> {
    let class = row.get::<_, u8>(3)?;
    Ok(ObjectRow {
        id: ObjectId::from_bytes(row.get::<_, Id>(1)?.0),
        account: AccountId::from_bytes(row.get::<_, Id>(2)?.0),
        class: ObjectClass::from_code(class)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(3, class.into()))?,
        key: row
            .get::<_, Option<Id>>(4)?
            .map(|id| KeyId::from_bytes(id.0)),
        label: row.get(5)?,
        cka_id: row.get(6)?,
        index: Vec::new(),
        names: Vec::new(),
        private: row.get(7)?,
        record: row.get(8)?,
        material: row.get(9)?,
        seal: row.get(10)?,
    })
}

fn intent(row: &Row<'_>) -> rusqlite::Result<IntentRow> {
    Ok(IntentRow {
        id: ObjectId::from_bytes(row.get::<_, Id>(0)?.0),
        record: row.get(1)?,
        seal: row.get(2)?,
    })
}

fn audit(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        sequence: row.get::<_, Count>(0)?.0,
        record: row.get(1)?,
        chain: row.get(2)?,
    })
}
