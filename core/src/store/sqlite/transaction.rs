//! Writes.

use rusqlite::Params;

use super::failure::{is_taken, store_error};
use super::reader::{Count, Id, SqliteReader};
use super::statement;
use crate::error::{Error, Result};
use crate::id::{AccountId, JournalId, KeyId, ObjectId, PrincipalId};
use crate::model::Fingerprint;
use crate::store::{
    AccountRow, AliasRow, AuditIndex, AuditQuery, AuditRow, Change, ChangeNumber, ImprintRow,
    IntentRow, KeyRow, ObjectQuery, ObjectRow, PrincipalRow, Reader, Transaction,
};

/// How many change numbers are remembered. A process that looks less often drops its caches.
const REMEMBERED_CHANGES: ChangeNumber = 100_000;
/// Old numbers are forgotten when a number is a multiple of this, not at each commit.
const PRUNE_EVERY: ChangeNumber = 1024;

/// One job's part of a transaction.
pub(super) struct SqliteTransaction<'c> {
    reader: SqliteReader<'c>,
    /// The change number before the job.
    base: ChangeNumber,
    /// Whether the job changed anything that caches hold.
    changed: bool,
}

/// Where an object's row is.
enum Place {
    New(i64),
    /// It was there before, in that account.
    Old {
        sequence: i64,
        account: [u8; 16],
    },
}

impl<'c> SqliteTransaction<'c> {
    pub(super) fn new(reader: SqliteReader<'c>, base: ChangeNumber) -> Self {
        Self {
            reader,
            base,
            changed: false,
        }
    }

    /// Ends the job's part; the change number after it.
    pub(super) fn finish(self) -> Result<ChangeNumber> {
        if !self.changed {
            return Ok(self.base);
        }
        let number = self.base + 1;
        if number.is_multiple_of(PRUNE_EVERY)
            && let Some(oldest) = number.checked_sub(REMEMBERED_CHANGES)
        {
            self.execute(statement::PRUNE_CHANGES, [Count(oldest)])?;
        }
        Ok(number)
    }

    fn execute(&self, sql: &str, parameters: impl Params) -> Result<usize> {
        self.try_execute(sql, parameters)
            .map_err(|error| store_error(self.reader.path, &error))
    }

    fn try_execute(&self, sql: &str, parameters: impl Params) -> rusqlite::Result<usize> {
        self.reader
            .connection
            .prepare_cached(sql)?
            .execute(parameters)
    }

    /// Executes; a broken uniqueness rule says that `what` of that name is there already.
    fn execute_unique(
        &self,
        sql: &str,
        parameters: impl Params,
        what: &'static str,
        name: &str,
    ) -> Result<usize> {
        self.try_execute(sql, parameters).map_err(|error| {
            if is_taken(&error) {
                Error::AlreadyExists {
                    what,
                    name: name.to_owned(),
                }
            } else {
                store_error(self.reader.path, &error)
            }
        })
    }

    fn changed(&mut self, change: Change) -> Result<()> {
        let (kind, id) = code_of(change);
        self.changed = true;
        self.execute(
            statement::PUT_CHANGE,
            (Count(self.base + 1), kind, id.as_slice()),
        )?;
        Ok(())
    }

    /// Writes the row itself and keeps the accounts' counts. An update that
    /// changes no column by which objects are found leaves the indexes alone: each is a page to read and to write.
    fn write_object(&self, row: &ObjectRow) -> Result<Place> {
        let place =
            self.reader
                .one(statement::OBJECT_PLACE, [Id(*row.id.as_bytes())], |found| {
                    let same = found.get::<_, Id>(1)?.0 == *row.account.as_bytes()
                        && found.get::<_, u8>(2)? == row.class.code()
                        && found.get::<_, Option<Id>>(3)?.map(|key| key.0)
                            == row.key.map(|key| *key.as_bytes())
                        && found.get_ref(4)?.as_bytes()? == row.label.as_bytes()
                        && found.get_ref(5)?.as_blob()? == row.cka_id
                        && found.get::<_, bool>(6)? == row.private;
                    Ok((found.get::<_, i64>(0)?, found.get::<_, Id>(1)?, same))
                })?;
        let sql = match place {
            None => statement::ADD_OBJECT,
            Some((sequence, Id(account), true)) => {
                self.execute(
                    statement::UPDATE_OBJECT_RECORD,
                    (sequence, &row.record, &row.material, &row.seal),
                )?;
                return Ok(Place::Old { sequence, account });
            }
            Some(_) => statement::UPDATE_OBJECT,
        };
        self.execute(
            sql,
            (
                Id(*row.id.as_bytes()),
                Id(*row.account.as_bytes()),
                row.class.code(),
                row.key.map(|key| Id(*key.as_bytes())),
                &row.label,
                &row.cka_id,
                row.private,
                &row.record,
                &row.material,
                &row.seal,
            ),
        )?;
        match place {
            None => {
                self.execute(
                    statement::COUNT_OBJECT,
                    (Id(*row.account.as_bytes()), 1_i64),
                )?;
                Ok(Place::New(self.reader.connection.last_insert_rowid()))
            }
            Some((sequence, Id(account), _)) if account == *row.account.as_bytes() => {
                Ok(Place::Old { sequence, account })
            }
            Some((sequence, Id(account), _)) => {
                self.execute(statement::COUNT_OBJECT, (Id(account), -1_i64))?;
                self.execute(
                    statement::COUNT_OBJECT,
                    (Id(*row.account.as_bytes()), 1_i64),
                )?;
                Ok(Place::Old { sequence, account })
            }
        }
    }

    /// Writes the names and values by which an object is found.
    fn write_names(&self, row: &ObjectRow, sequence: i64) -> Result<()> {
        let account = Id(*row.account.as_bytes());
        self.execute(statement::DELETE_OBJECT_NAMES, [sequence])?;
        for name in &row.names {
            self.execute_unique(
                statement::PUT_OBJECT_NAME,
                (account, name, sequence),
                "object name",
                name,
            )?;
        }
        self.execute(statement::DELETE_OBJECT_INDEX, [sequence])?;
        for (name, value) in &row.index {
            self.execute(
                statement::PUT_OBJECT_INDEX,
                (account, name, value, sequence),
            )?;
        }
        Ok(())
    }

    /// Whether an object is found by exactly these names and values.
    fn is_found_so(&self, row: &ObjectRow, sequence: i64) -> Result<bool> {
        let (names, index) = self.reader.names_and_index(sequence)?;
        Ok(names == row.names && index == row.index)
    }
}

impl Transaction for SqliteTransaction<'_> {
    fn put_account(&mut self, row: &AccountRow) -> Result<()> {
        self.execute_unique(
            statement::PUT_ACCOUNT,
            (Id(*row.id.as_bytes()), &row.name, &row.record, &row.seal),
            "account",
            &row.name,
        )?;
        self.changed(Change::Account(row.id))
    }

    fn put_principal(&mut self, row: &PrincipalRow) -> Result<()> {
        let id = Id(*row.id.as_bytes());
        self.execute_unique(
            statement::PUT_PRINCIPAL,
            (
                id,
                Id(*row.account.as_bytes()),
                &row.name,
                &row.record,
                &row.seal,
            ),
            "client",
            &row.name,
        )?;
        self.execute(statement::DELETE_FINGERPRINTS, [id])?;
        for fingerprint in &row.fingerprints {
            self.execute_unique(
                statement::PUT_FINGERPRINT,
                (fingerprint, id),
                "client certificate",
                fingerprint,
            )?;
        }
        self.changed(Change::Principal(row.id))
    }

    fn delete_principal(&mut self, id: PrincipalId) -> Result<()> {
        self.execute(statement::DELETE_PRINCIPAL, [Id(*id.as_bytes())])?;
        self.changed(Change::Principal(id))
    }

    fn put_key(&mut self, row: &KeyRow) -> Result<()> {
        let id = Id(*row.id.as_bytes());
        let place = self.reader.one(statement::KEY_PLACE, [id], |found| {
            let same = found.get::<_, Id>(1)?.0 == *row.account.as_bytes()
                && found.get_ref(2)?.as_bytes()? == row.name.as_bytes()
                && found.get::<_, Option<i64>>(3)? == row.deletion;
            Ok((found.get::<_, i64>(0)?, same))
        })?;
        if let Some((sequence, true)) = place {
            self.execute(
                statement::UPDATE_KEY_RECORD,
                (sequence, &row.record, &row.seal),
            )?;
            return self.changed(Change::Key(row.id));
        }
        self.execute(
            statement::PUT_KEY,
            (
                id,
                Id(*row.account.as_bytes()),
                &row.name,
                row.deletion,
                &row.record,
                &row.seal,
            ),
        )?;
        self.changed(Change::Key(row.id))
    }

    fn delete_key(&mut self, id: KeyId) -> Result<()> {
        self.execute(statement::DELETE_KEY, [Id(*id.as_bytes())])?;
        self.changed(Change::Alias)?;
        self.changed(Change::Key(id))
    }

    fn put_alias(&mut self, row: &AliasRow, replace: bool) -> Result<()> {
        let sql = if replace {
            statement::PUT_ALIAS
        } else {
            statement::ADD_ALIAS
        };
        self.execute_unique(
            sql,
            (
                Id(*row.account.as_bytes()),
                &row.name,
                Id(*row.key.as_bytes()),
                &row.seal,
            ),
            "alias",
            &row.name,
        )?;
        self.changed(Change::Alias)
    }

    fn delete_alias(&mut self, account: AccountId, name: &str) -> Result<bool> {
        let removed = self.execute(statement::DELETE_ALIAS, (Id(*account.as_bytes()), name))?;
        if removed > 0 {
            self.changed(Change::Alias)?;
        }
        Ok(removed > 0)
    }

    fn put_object(&mut self, row: &ObjectRow) -> Result<()> {
        match self.write_object(row)? {
            Place::New(sequence) => self.write_names(row, sequence)?,
            Place::Old { sequence, account } => {
                // In another account the same names are other rows.
                if account != *row.account.as_bytes() || !self.is_found_so(row, sequence)? {
                    self.write_names(row, sequence)?;
                }
            }
        }
        self.changed(Change::Object(row.id))
    }

    fn delete_object(&mut self, id: ObjectId) -> Result<()> {
        let place = self
            .reader
            .one(statement::OBJECT_PLACE, [Id(*id.as_bytes())], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Id>(1)?))
            })?;
        if let Some((sequence, account)) = place {
            self.execute(statement::DELETE_OBJECT, [sequence])?;
            self.execute(statement::COUNT_OBJECT, (account, -1_i64))?;
        }
        self.changed(Change::Object(id))
    }

    fn put_imprint(&mut self, row: &ImprintRow) -> Result<()> {
        self.execute(
            statement::PUT_IMPRINT,
            (row.fingerprint.0.as_slice(), &row.record, &row.seal),
        )?;
        Ok(())
    }

    fn put_meta(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.execute(statement::PUT_META, (name, value))?;
        Ok(())
    }

    fn put_intent(&mut self, row: &IntentRow) -> Result<()> {
        self.execute(
            statement::PUT_INTENT,
            (Id(*row.id.as_bytes()), &row.record, &row.seal),
        )?;
        Ok(())
    }

    fn delete_intent(&mut self, id: ObjectId) -> Result<bool> {
        let removed = self.execute(statement::DELETE_INTENT, [Id(*id.as_bytes())])?;
        Ok(removed > 0)
    }

    fn put_journal(&mut self, id: JournalId) -> Result<()> {
        self.execute(statement::PUT_JOURNAL, [Id(*id.as_bytes())])?;
        Ok(())
    }

    fn delete_journal(&mut self, id: JournalId) -> Result<()> {
        self.execute(statement::DELETE_JOURNAL, [Id(*id.as_bytes())])?;
        Ok(())
    }

    fn append_audit(&mut self, row: &AuditRow, index: &AuditIndex) -> Result<()> {
        self.execute(
            statement::PUT_AUDIT,
            (
                Count(row.sequence),
                index.first,
                index.last,
                &row.record,
                row.chain.as_slice(),
            ),
        )?;
        for entity in &index.entities {
            self.execute(
                statement::PUT_AUDIT_ENTITY,
                (Id(*entity), Count(row.sequence)),
            )?;
        }
        Ok(())
    }

    fn touch(&mut self, change: Change) -> Result<()> {
        self.changed(change)
    }
}

fn code_of(change: Change) -> (u8, Vec<u8>) {
    match change {
        Change::Object(id) => (1, id.as_bytes().to_vec()),
        Change::Key(id) => (2, id.as_bytes().to_vec()),
        Change::Account(id) => (3, id.as_bytes().to_vec()),
        Change::Principal(id) => (4, id.as_bytes().to_vec()),
        Change::Alias => (5, Vec::new()),
    }
}

/// The change that stands in the log; none for one that a newer version wrote.
pub(super) fn change_of(kind: u8, id: &[u8]) -> Option<Change> {
    let bytes = || <[u8; 16]>::try_from(id).ok();
    Some(match kind {
        1 => Change::Object(ObjectId::from_bytes(bytes()?)),
        2 => Change::Key(KeyId::from_bytes(bytes()?)),
        3 => Change::Account(AccountId::from_bytes(bytes()?)),
        4 => Change::Principal(PrincipalId::from_bytes(bytes()?)),
        5 => Change::Alias,
        _ => return None,
    })
}

/// Reads of a transaction see what it wrote.
macro_rules! reads {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)+) => {
        impl Reader for SqliteTransaction<'_> {
            fn change_number(&self) -> Result<ChangeNumber> {
                Ok(self.base)
            }
            $(fn $name(&self, $($argument: $kind),*) -> Result<$answer> {
                self.reader.$name($($argument),*)
            })+
        }
    };
}

reads! {
    account(id: AccountId) -> Option<AccountRow>;
    account_by_name(name: &str) -> Option<AccountRow>;
    accounts() -> Vec<AccountRow>;
    principal(id: PrincipalId) -> Option<PrincipalRow>;
    principal_by_name(account: AccountId, name: &str) -> Option<PrincipalRow>;
    principals(account: AccountId) -> Vec<PrincipalRow>;
    principal_by_fingerprint(fingerprint: &str) -> Option<PrincipalRow>;
    key(id: KeyId) -> Option<KeyRow>;
    keys(account: AccountId, name: Option<&str>, offset: usize, limit: usize) -> Vec<KeyRow>;
    keys_due(deletion_at_or_before: i64, limit: usize) -> Vec<KeyRow>;
    alias(account: AccountId, name: &str) -> Option<AliasRow>;
    aliases(account: AccountId, key: Option<KeyId>) -> Vec<AliasRow>;
    object(id: ObjectId) -> Option<ObjectRow>;
    objects(query: &ObjectQuery) -> Vec<ObjectId>;
    object_count(account: AccountId) -> u64;
    imprint(fingerprint: Fingerprint) -> Option<ImprintRow>;
    meta(name: &str) -> Option<Vec<u8>>;
    intent(id: ObjectId) -> Option<IntentRow>;
    intents() -> Vec<IntentRow>;
    journals() -> Vec<JournalId>;
    audit_find(query: &AuditQuery, limit: usize) -> Vec<AuditRow>;
    audit_rows(from: u64, limit: usize) -> Vec<AuditRow>;
    audit_last() -> Option<AuditRow>;
    audit_is_found(sequence: u64, index: &AuditIndex) -> bool;
}
