//! The store: rows with indexed columns, a record and a seal over both. It knows how to keep and find
//! them in transactions, not what they mean; [`crate::seal::Vault`] turns model values into rows and
//! back, and refuses rows that were changed from outside.
//!
//! Several processes may open one store. Each commit advances the store's *change number*; a process
//! asks [`Store::changes_since`] what changed and drops those entries from its caches, and the cheap
//! [`Store::is_current`] tells it, without touching the database, that nothing has.

use crate::error::Result;
use crate::id::{AccountId, JournalId, KeyId, ObjectId, PrincipalId};
use crate::model::{Fingerprint, ObjectClass};

mod class;
pub mod sqlite;

/// Counts commits that change what caches hold (audit rows and meta values do not count). Larger is
/// later.
pub type ChangeNumber = u64;

/// What [`Store::changes_since`] is asked by whoever has seen nothing: the answer is [`Changes::Everything`].
pub const NOTHING_SEEN: ChangeNumber = ChangeNumber::MAX;

/// A row of an object. The columns are for finding; the record says it all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRow {
    /// Unique Identifier.
    pub id: ObjectId,
    /// Account.
    pub account: AccountId,
    /// Class.
    pub class: ObjectClass,
    /// Key, if it is one.
    pub key: Option<KeyId>,
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_ID`.
    pub cka_id: Vec<u8>,
    /// Values by which Locate finds it: KMIP names, object groups, custom attributes. Each is
    /// (attribute name, canonical value bytes).
    pub index: Vec<(String, Vec<u8>)>,
    /// KMIP Names: unique in the account; a second object with one of them is refused.
    pub names: Vec<String>,
    /// Whether PKCS#11 shows it only after login.
    pub private: bool,
    /// The serialized object (JSON), no secrets.
    pub record: Vec<u8>,
    /// Sealed or public value.
    pub material: Option<Vec<u8>>,
    /// Seal over the row.
    pub seal: Vec<u8>,
}

/// A row of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Identifier.
    pub id: AccountId,
    /// Unique name.
    pub name: String,
    /// The serialized account (JSON), no secrets.
    pub record: Vec<u8>,
    /// Seal over the row.
    pub seal: Vec<u8>,
}

/// A row of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalRow {
    /// Identifier.
    pub id: PrincipalId,
    /// Account.
    pub account: AccountId,
    /// Name, unique in the account.
    pub name: String,
    /// SHA-256 fingerprints (lower-case hex) of its client certificates, and what their subjects may
    /// say instead (`cn=…`, `uid=…`, `serial=…`, `san=…`), sorted; each belongs to one
    /// principal only.
    pub fingerprints: Vec<String>,
    /// The serialized principal (JSON), no secrets.
    pub record: Vec<u8>,
    /// Seal over the row.
    pub seal: Vec<u8>,
}

/// A row of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Identifier.
    pub id: KeyId,
    /// Account.
    pub account: AccountId,
    /// Name; not unique.
    pub name: String,
    /// The second at which its deletion is due, for [`Reader::keys_due`].
    pub deletion: Option<i64>,
    /// The serialized key (JSON), no secrets.
    pub record: Vec<u8>,
    /// Seal over the row.
    pub seal: Vec<u8>,
}

/// A row of an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasRow {
    /// Account.
    pub account: AccountId,
    /// The name, unique in the account.
    pub name: String,
    /// The key it points to.
    pub key: KeyId,
    /// Seal over the row.
    pub seal: Vec<u8>,
}

/// A row of what is remembered of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImprintRow {
    /// The value's fingerprint.
    pub fingerprint: Fingerprint,
    /// The serialized imprint (JSON), no secrets.
    pub record: Vec<u8>,
    /// Seal over the row.
    pub seal: Vec<u8>,
}

/// A row of a key that is about to be made or destroyed in an HSM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentRow {
    /// The identifier of its object.
    pub id: ObjectId,
    /// The serialized intent (JSON).
    pub record: Vec<u8>,
    /// Seal over the row.
    pub seal: Vec<u8>,
}

/// What to look for among objects. Every given field narrows; the store must answer any combination
/// from an index of at least its most selective field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectQuery {
    /// Account; always given by the request path.
    pub account: Option<AccountId>,
    /// Class.
    pub class: Option<ObjectClass>,
    /// `CKA_LABEL`.
    pub label: Option<String>,
    /// `CKA_ID`.
    pub cka_id: Option<Vec<u8>>,
    /// Key.
    pub key: Option<KeyId>,
    /// A KMIP Name.
    pub name: Option<String>,
    /// Indexed attribute values, all of which must be there.
    pub index: Vec<(String, Vec<u8>)>,
    /// Only objects that are seen without login.
    pub public_only: bool,
    /// At most this many, in order of creation.
    pub limit: Option<usize>,
    /// Leave out this many first.
    pub offset: usize,
}

/// What changed in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// An object was written or removed.
    Object(ObjectId),
    /// A key was written or removed.
    Key(KeyId),
    /// An account was written.
    Account(AccountId),
    /// A principal was written or removed.
    Principal(PrincipalId),
    /// An alias was written or removed.
    Alias,
}

/// One row of the audit chain, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Position in the chain, from 1, without gaps.
    pub sequence: u64,
    /// The serialized record.
    pub record: Vec<u8>,
    /// Chain value: keyed hash of the previous row's chain value and this record.
    pub chain: [u8; 32],
}

/// By what an audit row is found. One row may hold many records (a folded journal).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditIndex {
    /// Time of its earliest record, nanoseconds since 1970.
    pub first: i64,
    /// Time of its latest record.
    pub last: i64,
    /// Identifiers of the accounts, principals, objects and keys in it, each once.
    pub entities: Vec<[u8; 16]>,
}

/// Which audit rows to look at. A row is given if any record in it may fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Rows with records at or after this time, nanoseconds since 1970.
    pub from: Option<i64>,
    /// Rows with records at or before this time.
    pub to: Option<i64>,
    /// Rows that name this account, principal, object or key.
    pub entity: Option<[u8; 16]>,
    /// Rows before this position only, to read on backwards.
    pub before: Option<u64>,
}

/// Reads of one consistent state of the store.
pub trait Reader {
    /// The change number of this state. In a transaction: of the state before it; what a transaction
    /// commits gets a larger one.
    ///
    /// # Errors
    /// [`crate::Error::Store`], as all methods here.
    fn change_number(&self) -> Result<ChangeNumber>;
    /// An account by identifier.
    fn account(&self, id: AccountId) -> Result<Option<AccountRow>>;
    /// An account by name.
    fn account_by_name(&self, name: &str) -> Result<Option<AccountRow>>;
    /// All accounts, by name.
    fn accounts(&self) -> Result<Vec<AccountRow>>;
    /// A principal by identifier.
    fn principal(&self, id: PrincipalId) -> Result<Option<PrincipalRow>>;
    /// A principal by name.
    fn principal_by_name(&self, account: AccountId, name: &str) -> Result<Option<PrincipalRow>>;
    /// All principals of an account, by name.
    fn principals(&self, account: AccountId) -> Result<Vec<PrincipalRow>>;
    /// The principal that has a client certificate of this SHA-256 fingerprint (lower-case hex), or
    /// of this claim.
    fn principal_by_fingerprint(&self, fingerprint: &str) -> Result<Option<PrincipalRow>>;
    /// A key by identifier.
    fn key(&self, id: KeyId) -> Result<Option<KeyRow>>;
    /// Keys of an account, by creation; of that name only, if given.
    fn keys(
        &self,
        account: AccountId,
        name: Option<&str>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<KeyRow>>;
    /// Keys of all accounts whose deletion is due at or before that second.
    fn keys_due(&self, deletion_at_or_before: i64, limit: usize) -> Result<Vec<KeyRow>>;
    /// The key an alias points to.
    fn alias(&self, account: AccountId, name: &str) -> Result<Option<AliasRow>>;
    /// Aliases of an account, of one key only if given, by name.
    fn aliases(&self, account: AccountId, key: Option<KeyId>) -> Result<Vec<AliasRow>>;
    /// An object by identifier.
    fn object(&self, id: ObjectId) -> Result<Option<ObjectRow>>;
    /// Identifiers of the objects that fit.
    fn objects(&self, query: &ObjectQuery) -> Result<Vec<ObjectId>>;
    /// How many objects an account has.
    fn object_count(&self, account: AccountId) -> Result<u64>;
    /// What is remembered of a value.
    fn imprint(&self, fingerprint: Fingerprint) -> Result<Option<ImprintRow>>;
    /// A small value of the store itself: the sealed data keys, the audit head, the schema's settings.
    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>>;
    /// What is under way with a key in an HSM.
    fn intent(&self, id: ObjectId) -> Result<Option<IntentRow>>;
    /// Everything that is under way in HSMs, or was cut off.
    fn intents(&self) -> Result<Vec<IntentRow>>;
    /// Journals that are not folded yet.
    fn journals(&self) -> Result<Vec<JournalId>>;
    /// Audit rows that may hold what is asked for, latest first.
    fn audit_find(&self, query: &AuditQuery, limit: usize) -> Result<Vec<AuditRow>>;
    /// Whether [`Reader::audit_find`] finds the row by every part of this index.
    fn audit_is_found(&self, sequence: u64, index: &AuditIndex) -> Result<bool>;
    /// Audit rows from a position on.
    fn audit_rows(&self, from: u64, limit: usize) -> Result<Vec<AuditRow>>;
    /// The last audit row.
    fn audit_last(&self) -> Result<Option<AuditRow>>;
}

/// Writes. All of a transaction's effects appear together or not at all.
pub trait Transaction: Reader {
    /// Writes an account; a name taken by another is [`crate::Error::AlreadyExists`], as below.
    ///
    /// # Errors
    /// [`crate::Error::Store`], [`crate::Error::DiskFull`], as all methods here.
    fn put_account(&mut self, row: &AccountRow) -> Result<()>;
    /// Writes a principal and the fingerprints by which it is found.
    fn put_principal(&mut self, row: &PrincipalRow) -> Result<()>;
    /// Removes a principal.
    fn delete_principal(&mut self, id: PrincipalId) -> Result<()>;
    /// Writes a key.
    fn put_key(&mut self, row: &KeyRow) -> Result<()>;
    /// Removes a key's row, and its aliases.
    fn delete_key(&mut self, id: KeyId) -> Result<()>;
    /// Points an alias to a key; `replace` allows it to be there already.
    fn put_alias(&mut self, row: &AliasRow, replace: bool) -> Result<()>;
    /// Removes an alias; true if it was there.
    fn delete_alias(&mut self, account: AccountId, name: &str) -> Result<bool>;
    /// Writes an object.
    fn put_object(&mut self, row: &ObjectRow) -> Result<()>;
    /// Removes an object's row.
    fn delete_object(&mut self, id: ObjectId) -> Result<()>;
    /// Writes what is remembered of a value. No cache holds it: it is no change that others ask for.
    fn put_imprint(&mut self, row: &ImprintRow) -> Result<()>;
    /// Writes a small value of the store itself.
    fn put_meta(&mut self, name: &str, value: &[u8]) -> Result<()>;
    /// Notes what is about to be done with a key in an HSM, in the place of what was noted before.
    fn put_intent(&mut self, row: &IntentRow) -> Result<()>;
    /// Removes such a note; true if it was there.
    fn delete_intent(&mut self, id: ObjectId) -> Result<bool>;
    /// Notes that a journal was begun.
    fn put_journal(&mut self, id: JournalId) -> Result<()>;
    /// Notes that a journal was folded.
    fn delete_journal(&mut self, id: JournalId) -> Result<()>;
    /// Appends to the audit. The row's `sequence` must be the next one.
    fn append_audit(&mut self, row: &AuditRow, index: &AuditIndex) -> Result<()>;
    /// Says that readers' caches of this entity are stale though its own row was not written (an
    /// object when its key's gate moves).
    fn touch(&mut self, change: Change) -> Result<()>;
}

/// Changes since a change number, or word that they are not known any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// These, up to and including the change number.
    Known(ChangeNumber, Vec<Change>),
    /// Too long ago: drop every cached entry.
    Everything(ChangeNumber),
}

/// A store.
pub trait Store: Send + Sync {
    /// Runs `job` on one consistent state.
    ///
    /// # Errors
    /// Those of `job`, and [`crate::Error::Store`].
    fn read(&self, job: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()>;

    /// Runs `job` in a transaction, which is durable when this returns `Ok`; an error rolls it back.
    /// Callers on other threads and in other processes wait their turn. Commits of concurrent callers may
    /// share one write to the disk, so `job` may run while others' effects are not yet durable, but no call
    /// returns before its own are.
    ///
    /// So a caller may wait for others' jobs: it must not hold a lock that a job takes. And a job must not
    /// write to the same store; it is told so by an error. Nor may it call an HSM, for which everybody would wait.
    ///
    /// # Errors
    /// Those of `job`, [`crate::Error::Store`], [`crate::Error::DiskFull`].
    fn write(&self, job: &mut dyn FnMut(&mut dyn Transaction) -> Result<()>) -> Result<()>;

    /// Whether nothing was committed, by any process, since `seen`: a few nanoseconds, no system call.
    /// False negatives are allowed (a commit is under way), false positives are not.
    fn is_current(&self, seen: ChangeNumber) -> bool;

    /// What was committed after `seen`.
    ///
    /// # Errors
    /// [`crate::Error::Store`].
    fn changes_since(&self, seen: ChangeNumber) -> Result<Changes>;
}

/// [`Store::read`] with a result.
///
/// # Errors
/// Those of `job`, and [`crate::Error::Store`].
pub fn read<T>(store: &dyn Store, job: impl FnOnce(&dyn Reader) -> Result<T>) -> Result<T> {
    let mut job = Some(job);
    let mut result = None;
    store.read(&mut |reader| {
        if let Some(job) = job.take() {
            result = Some(job(reader)?);
        }
        Ok(())
    })?;
    result.ok_or_else(|| crate::Error::Internal("the store did not run the job".into()))
}

/// [`Store::write`] with a result.
///
/// # Errors
/// Those of `job`, [`crate::Error::Store`], [`crate::Error::DiskFull`].
pub fn write<T>(
    store: &dyn Store,
    job: impl FnOnce(&mut dyn Transaction) -> Result<T>,
) -> Result<T> {
    let mut job = Some(job);
    let mut result = None;
    store.write(&mut |transaction| {
        if let Some(job) = job.take() {
            let _job = crate::exclusive::Job::enter();
            result = Some(job(transaction)?);
        }
        Ok(())
    })?;
    result.ok_or_else(|| crate::Error::Internal("the store did not run the job".into()))
}
