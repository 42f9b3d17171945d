//! The chain: each row carries a keyed hash of the row before and itself; the head says where it ends.
//!
//! Without the audit's key nobody can write a row that fits, so a row that was changed, moved, removed
//! or slipped in is found, and the head, which is keyed too, finds rows that were cut off the end. Who can
//! put the whole database back to an earlier copy of itself is beyond what a database can tell.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;

use super::entry::Entry;
use super::mac::{derive, equal, keyed_hash};
use super::report::{Place, Report};
use crate::error::{Error, Result};
use crate::id::JournalId;
use crate::store::{AuditIndex, AuditRow, Reader, Transaction};

/// Where the head is kept.
const HEAD: &str = "audit.head";
/// Rows read at once while verifying.
const PAGE: usize = 256;

/// The keys of the chain.
pub(super) struct Chain {
    rows: hmac::Key,
    heads: hmac::Key,
}

/// Where the chain ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    sequence: u64,
    chain: [u8; 32],
}

impl Chain {
    pub(super) fn new(key: &hmac::Key) -> Self {
        let derived =
            |purpose: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, &*derive(key, &[b"chain", purpose]));
        Self {
            rows: derived(b"rows"),
            heads: derived(b"heads"),
        }
    }

    /// Begins the chain of a new store.
    pub(super) fn initialize(&self, transaction: &mut dyn Transaction) -> Result<()> {
        if transaction.meta(HEAD)?.is_some() {
            return Err(Error::AlreadyExists {
                what: "audit",
                name: "chain".into(),
            });
        }
        self.put_head(transaction, &Head::default())
    }

    /// Appends a row.
    pub(super) fn append(&self, transaction: &mut dyn Transaction, entry: &Entry) -> Result<()> {
        let head = self.head(transaction.meta(HEAD)?)?;
        let sequence = head.sequence + 1;
        let record = entry.to_bytes();
        let index = entry.index();
        let chain = self.link(&head.chain, sequence, &index, &record);
        let row = AuditRow {
            sequence,
            record,
            chain,
        };
        transaction.append_audit(&row, &index)?;
        self.put_head(transaction, &Head { sequence, chain })
    }

    /// Walks the whole chain. The report gets what is wrong; the answer is the journals that were
    /// begun and not folded.
    pub(super) fn verify(
        &self,
        reader: &dyn Reader,
        report: &mut Report,
    ) -> Result<BTreeSet<JournalId>> {
        let mut journals = BTreeSet::new();
        let mut last = Head::default();
        loop {
            let rows = reader.audit_rows(last.sequence + 1, PAGE)?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                self.verify_row(reader, &row, &last, report, &mut journals)?;
                last = Head {
                    sequence: row.sequence,
                    chain: row.chain,
                };
            }
        }
        report.head = last.chain;
        match self.head(reader.meta(HEAD)?) {
            Err(_) => report.find(Place::End, "the head was changed or removed"),
            Ok(head) if head.sequence > last.sequence => report.find(
                Place::End,
                format!(
                    "rows {} to {} were removed",
                    last.sequence + 1,
                    head.sequence
                ),
            ),
            Ok(head) if head != last => {
                report.find(Place::End, "the head does not fit the last row")
            }
            Ok(_) => {}
        }
        Ok(journals)
    }

    fn verify_row(
        &self,
        reader: &dyn Reader,
        row: &AuditRow,
        last: &Head,
        report: &mut Report,
        journals: &mut BTreeSet<JournalId>,
    ) -> Result<()> {
        report.rows += 1;
        let place = Place::Row(row.sequence);
        if row.sequence != last.sequence + 1 {
            let (from, to) = (last.sequence + 1, row.sequence - 1);
            report.find(
                Place::Row(from),
                format!("rows {from} to {to} were removed"),
            );
            // What it was chained to is gone, so the row itself cannot be proven.
        }
        let entry = Entry::from_bytes(&row.record);
        let Some(entry) = entry else {
            report.find(
                place,
                "the row was changed: it is no record of this version",
            );
            return Ok(());
        };
        let index = entry.index();
        let chain = self.link(&last.chain, row.sequence, &index, &row.record);
        if row.sequence == last.sequence + 1 && !equal(&chain, &row.chain) {
            report.find(place, "the row was changed, or moved here from elsewhere");
        } else if !reader.audit_is_found(row.sequence, &index)? {
            report.find(place, "the index by which the row is found was changed");
        }
        match entry {
            Entry::Record(_) => report.records += 1,
            Entry::Uses(uses) => report.records += uses.uses.len() as u64,
            Entry::Begun(begun) => {
                journals.insert(begun.journal);
            }
            Entry::Folded(folded) => {
                journals.remove(&folded.journal);
                if let Some(damage) = folded.damage {
                    report.find(Place::Journal(folded.journal), damage);
                }
            }
        }
        Ok(())
    }

    fn link(&self, last: &[u8; 32], sequence: u64, index: &AuditIndex, record: &[u8]) -> [u8; 32] {
        let tag = keyed_hash(
            &self.rows,
            &[
                last,
                &sequence.to_be_bytes(),
                &index.first.to_be_bytes(),
                &index.last.to_be_bytes(),
                record,
            ],
        );
        let mut chain = [0; 32];
        chain.copy_from_slice(tag.as_ref());
        chain
    }

    fn head(&self, stored: Option<Vec<u8>>) -> Result<Head> {
        let tampered = || Error::Tampered {
            what: "audit",
            id: "head".into(),
        };
        let stored = stored.ok_or_else(tampered)?;
        let (content, tag) = stored.split_at_checked(40).ok_or_else(tampered)?;
        if !equal(keyed_hash(&self.heads, &[content]).as_ref(), tag) {
            return Err(tampered());
        }
        let (sequence, chain) = content.split_first_chunk::<8>().ok_or_else(tampered)?;
        Ok(Head {
            sequence: u64::from_be_bytes(*sequence),
            chain: chain.try_into().map_err(|_| tampered())?,
        })
    }

    fn put_head(&self, transaction: &mut dyn Transaction, head: &Head) -> Result<()> {
        let mut stored = head.sequence.to_be_bytes().to_vec();
        stored.extend(head.chain);
        let tag = keyed_hash(&self.heads, &[&stored]);
        stored.extend(tag.as_ref());
        transaction.put_meta(HEAD, &stored)
    }
}
