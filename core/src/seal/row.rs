//! What a row's seal covers: every column, each with its length before it, so that no two different rows
//! read the same.

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::hmac;

use crate::id::AccountId;
use crate::model::{AttributeValue, Attributes, Fingerprint};
use crate::store::{AccountRow, AliasRow, ImprintRow, IntentRow, KeyRow, ObjectRow, PrincipalRow};

/// Longest value that is indexed as it is; longer ones by their hash.
const INDEXED_BYTES: usize = 64;

/// Adds columns to a keyed hash.
struct Columns(hmac::Context);

impl Columns {
    fn new(key: &hmac::Key, table: &str) -> Self {
        Self(hmac::Context::with_key(key)).add(table.as_bytes())
    }

    fn add(mut self, column: &[u8]) -> Self {
        self.0.update(&(column.len() as u64).to_be_bytes());
        self.0.update(column);
        self
    }

    /// A column that may be NULL: its absence differs from emptiness.
    fn add_optional(self, column: Option<&[u8]>) -> Self {
        match column {
            Some(column) => self.add(&[1]).add(column),
            None => self.add(&[0]),
        }
    }

    fn add_count(self, count: usize) -> Self {
        self.add(&(count as u64).to_be_bytes())
    }

    fn sign(self) -> Vec<u8> {
        self.0.sign().as_ref().to_vec()
    }
}

/// A row that has a seal over all its other columns.
pub(super) trait SealedRow {
    /// For messages: `object`, `key`, …
    const WHAT: &'static str;
    /// The seal that the row should have.
    fn compute(&self, key: &hmac::Key) -> Vec<u8>;
    /// The seal that it has.
    fn seal(&self) -> &[u8];
    /// For messages.
    fn name(&self) -> String;
}

impl SealedRow for ObjectRow {
    const WHAT: &'static str = "object";

    fn compute(&self, key: &hmac::Key) -> Vec<u8> {
        let mut columns = Columns::new(key, Self::WHAT)
            .add(self.id.as_bytes())
            .add(self.account.as_bytes())
            .add(&[self.class.code(), u8::from(self.private)])
            .add_optional(self.key.as_ref().map(|key| key.as_bytes().as_slice()))
            .add(self.label.as_bytes())
            .add(&self.cka_id)
            .add_count(self.names.len());
        for name in &self.names {
            columns = columns.add(name.as_bytes());
        }
        columns = columns.add_count(self.index.len());
        for (attribute, value) in &self.index {
            columns = columns.add(attribute.as_bytes()).add(value);
        }
        columns
            .add(&self.record)
            .add_optional(self.material.as_deref())
            .sign()
    }

    fn seal(&self) -> &[u8] {
        &self.seal
    }

    fn name(&self) -> String {
        self.id.to_string()
    }
}

impl SealedRow for KeyRow {
    const WHAT: &'static str = "key";

    fn compute(&self, key: &hmac::Key) -> Vec<u8> {
        let deletion = self.deletion.map(i64::to_be_bytes);
        Columns::new(key, Self::WHAT)
            .add(self.id.as_bytes())
            .add(self.account.as_bytes())
            .add(self.name.as_bytes())
            .add_optional(deletion.as_ref().map(|bytes| bytes.as_slice()))
            .add(&self.record)
            .sign()
    }

    fn seal(&self) -> &[u8] {
        &self.seal
    }

    fn name(&self) -> String {
        self.id.to_string()
    }
}

impl SealedRow for AccountRow {
    const WHAT: &'static str = "account";

    fn compute(&self, key: &hmac::Key) -> Vec<u8> {
        Columns::new(key, Self::WHAT)
            .add(self.id.as_bytes())
            .add(self.name.as_bytes())
            .add(&self.record)
            .sign()
    }

    fn seal(&self) -> &[u8] {
        &self.seal
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl SealedRow for PrincipalRow {
    const WHAT: &'static str = "client";

    fn compute(&self, key: &hmac::Key) -> Vec<u8> {
        let mut columns = Columns::new(key, Self::WHAT)
            .add(self.id.as_bytes())
            .add(self.account.as_bytes())
            .add(self.name.as_bytes())
            .add_count(self.fingerprints.len());
        for fingerprint in &self.fingerprints {
            columns = columns.add(fingerprint.as_bytes());
        }
        columns.add(&self.record).sign()
    }

    fn seal(&self) -> &[u8] {
        &self.seal
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl SealedRow for AliasRow {
    const WHAT: &'static str = "alias";

    fn compute(&self, key: &hmac::Key) -> Vec<u8> {
        Columns::new(key, Self::WHAT)
            .add(self.account.as_bytes())
            .add(self.name.as_bytes())
            .add(self.key.as_bytes())
            .sign()
    }

    fn seal(&self) -> &[u8] {
        &self.seal
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl SealedRow for ImprintRow {
    const WHAT: &'static str = "imprint";

    fn compute(&self, key: &hmac::Key) -> Vec<u8> {
        Columns::new(key, Self::WHAT)
            .add(&self.fingerprint.0)
            .add(&self.record)
            .sign()
    }

    fn seal(&self) -> &[u8] {
        &self.seal
    }

    fn name(&self) -> String {
        self.fingerprint.to_string()
    }
}

impl SealedRow for IntentRow {
    const WHAT: &'static str = "intent";

    fn compute(&self, key: &hmac::Key) -> Vec<u8> {
        Columns::new(key, Self::WHAT)
            .add(self.id.as_bytes())
            .add(&self.record)
            .sign()
    }

    fn seal(&self) -> &[u8] {
        &self.seal
    }

    fn name(&self) -> String {
        self.id.to_string()
    }
}

/// A keyed hash over the parts, each with its length before it.
pub(super) fn keyed_hash(
    key: &hmac::Key,
    kind: &str,
    account: AccountId,
    parts: &[&[u8]],
) -> Fingerprint {
    let columns = Columns::new(key, kind).add(account.as_bytes());
    let columns = parts
        .iter()
        .fold(columns, |columns, part| columns.add(part));
    let mut hash = [0; 32];
    hash.copy_from_slice(columns.0.sign().as_ref());
    Fingerprint(hash)
}

/// How a value of an attribute stands in the store's index: what a search must ask for.
#[must_use]
pub fn index_entry(attribute: &str, value: &AttributeValue) -> (String, Vec<u8>) {
    let mut bytes = Vec::with_capacity(INDEXED_BYTES);
    let (kind, content): (u8, &[u8]) = match value {
        AttributeValue::Integer(number) => (1, &number.to_be_bytes()),
        AttributeValue::LongInteger(number) => (2, &number.to_be_bytes()),
        AttributeValue::BigInteger(number) => (3, number),
        AttributeValue::Enumeration(number) => (4, &number.to_be_bytes()),
        AttributeValue::Boolean(flag) => (5, &[u8::from(*flag)]),
        AttributeValue::Text(text) => (6, text.as_bytes()),
        AttributeValue::Bytes(all) => (7, all),
        AttributeValue::DateTime(at) => (8, &at.to_be_bytes()),
        AttributeValue::Interval(seconds) => (9, &seconds.to_be_bytes()),
        AttributeValue::DateTimeExtended(at) => (10, &at.to_be_bytes()),
        AttributeValue::Structure(all) => (11, all),
    };
    bytes.push(kind);
    if content.len() <= INDEXED_BYTES {
        bytes.extend_from_slice(content);
    } else {
        bytes.extend_from_slice(digest::digest(&SHA256, content).as_ref());
    }
    (attribute.to_owned(), bytes)
}

/// Every index entry of an object.
pub(super) fn index_of(attributes: &Attributes) -> Vec<(String, Vec<u8>)> {
    let mut index: Vec<_> = attributes
        .custom
        .iter()
        .flat_map(|(name, all)| all.iter().map(move |one| index_entry(name, &one.value)))
        .collect();
    index.sort();
    index.dedup();
    index
}
