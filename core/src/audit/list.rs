//! Listing the audit.

use super::Verb;
use super::entry::{Begun, Entry, Folded};
use super::frame::{self, Definitions};
use super::journal::Journal;
use super::record::Record;
use crate::error::Result;
use crate::id::{AccountId, JournalId, KeyId, ObjectId, PrincipalId};
use crate::store::{AuditQuery, Reader};

/// Rows read at once; one of them may hold thousands of uses.
const PAGE: usize = 64;
/// How much later than a row's own time an earlier row may have been recorded: clocks are set, and
/// transactions wait for each other. Nanoseconds.
const CLOCK_SLACK: i64 = 5_000_000_000;

/// Which records to list. Every given field narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// At or after this time, nanoseconds since 1970.
    pub from: Option<i64>,
    /// At or before this time.
    pub to: Option<i64>,
    /// Account.
    pub account: Option<AccountId>,
    /// Who.
    pub principal: Option<PrincipalId>,
    /// On which object.
    pub object: Option<ObjectId>,
    /// On which key.
    pub key: Option<KeyId>,
    /// What.
    pub verb: Option<Verb>,
    /// With which result: 0 for success, else [`crate::Error::audit_code`].
    pub result: Option<u16>,
    /// Only what failed.
    pub failed: bool,
}

impl Filter {
    fn fits(&self, record: &Record) -> bool {
        fn is<T: PartialEq>(wanted: Option<T>, given: Option<T>) -> bool {
            wanted.is_none() || wanted == given
        }
        self.from.is_none_or(|from| record.time >= from)
            && self.to.is_none_or(|to| record.time <= to)
            && is(self.account, record.account)
            && is(self.principal, record.principal)
            && is(self.object, record.object)
            && is(self.key, record.key)
            && is(self.verb, Some(record.verb))
            && is(self.result, Some(record.result))
            && (!self.failed || record.result != 0)
    }

    /// What can be told without spelling a use out.
    fn may_fit(&self, used: &frame::Use) -> bool {
        self.from.is_none_or(|from| used.time >= from)
            && self.to.is_none_or(|to| used.time <= to)
            && self.verb.is_none_or(|verb| verb as u8 == used.verb)
            && self.result.is_none_or(|result| result == used.result)
            && (!self.failed || used.result != 0)
    }

    /// The rows in which such records may be: looked up by the narrowest identifier.
    fn query(&self, before: Option<u64>) -> AuditQuery {
        let object = self.object.map(|id| *id.as_bytes());
        let key = self.key.map(|id| *id.as_bytes());
        let principal = self.principal.map(|id| *id.as_bytes());
        let account = self.account.map(|id| *id.as_bytes());
        AuditQuery {
            from: self.from,
            to: self.to,
            entity: object.or(key).or(principal).or(account),
            before,
        }
    }
}

/// The newest records that fit, newest last. `journals` were read before the reader's state was.
pub(super) fn list(
    reader: &dyn Reader,
    journals: &[(JournalId, Journal)],
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Record>> {
    let mut newest = Newest::new(limit);
    let living = reader.journals()?;
    for (id, journal) in journals {
        // One that was folded since stands in the chain.
        if living.contains(id) {
            newest.add_uses(&journal.uses, &journal.definitions, filter);
        }
    }
    let mut before = None;
    loop {
        let rows = reader.audit_find(&filter.query(before), PAGE)?;
        let Some(last) = rows.last() else { break };
        before = Some(last.sequence);
        let mut reached = i64::MAX;
        // Oldest first, so that records of one instant stay in order.
        for row in rows.iter().rev() {
            match Entry::from_bytes(&row.record) {
                Some(Entry::Record(record)) => {
                    reached = reached.min(record.time);
                    newest.add(*record, filter);
                }
                Some(Entry::Uses(row)) => newest.add_uses(&row.uses, &row.definitions, filter),
                Some(Entry::Begun(Begun { time, .. }) | Entry::Folded(Folded { time, .. })) => {
                    reached = reached.min(time);
                }
                None => {}
            }
        }
        if newest.is_settled(reached) {
            break;
        }
    }
    Ok(newest.finish())
}

/// Keeps the newest records of those it is given.
struct Newest {
    limit: usize,
    /// What is older cannot be among the newest.
    oldest: i64,
    records: Vec<Record>,
}

impl Newest {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            oldest: i64::MIN,
            records: Vec::new(),
        }
    }

    fn add(&mut self, record: Record, filter: &Filter) {
        if record.time < self.oldest || !filter.fits(&record) {
            return;
        }
        self.records.push(record);
        if self.records.len() >= self.limit.saturating_mul(2).max(PAGE) {
            self.shrink();
        }
    }

    fn add_uses(&mut self, uses: &[frame::Use], definitions: &Definitions, filter: &Filter) {
        // Newest first: then most of the others are older than what is kept, and cost nothing.
        for used in uses.iter().rev() {
            if used.time >= self.oldest
                && filter.may_fit(used)
                && let Some(record) = definitions.record(used)
            {
                self.add(record, filter);
            }
        }
    }

    fn shrink(&mut self) {
        // Of one instant, requests are numbered in order.
        self.records
            .sort_by_key(|record| (record.time, record.request));
        let surplus = self.records.len().saturating_sub(self.limit);
        self.records.drain(..surplus);
        if self.records.len() == self.limit
            && let Some(oldest) = self.records.first()
        {
            self.oldest = oldest.time;
        }
    }

    /// Whether rows recorded before `time` cannot matter any more.
    fn is_settled(&mut self, time: i64) -> bool {
        self.shrink();
        self.records.len() >= self.limit
            && self
                .records
                .first()
                .is_none_or(|oldest| oldest.time.saturating_sub(CLOCK_SLACK) > time)
    }

    fn finish(mut self) -> Vec<Record> {
        self.shrink();
        self.records
    }
}
