//! What `audit verify` says.

use std::fmt;

use crate::id::JournalId;

/// The outcome of verifying the audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows of the chain.
    pub rows: u64,
    /// Records in them, and in journals that are not folded yet.
    pub records: u64,
    /// Chain value of the last row. Kept elsewhere together with [`Report::rows`], it shows later whether
    /// the store was put back to an earlier state.
    pub head: [u8; 32],
    /// Journals that are not folded yet.
    pub journals: u64,
    /// What is wrong, in order of place; the first [`Report::MOST`] of it.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Findings that are kept.
    pub const MOST: usize = 100;

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(&mut self, place: Place, what: impl Into<String>) {
        if self.findings.len() < Self::MOST {
            self.findings.push(Finding {
                place,
                what: what.into(),
            });
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// A place in the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A row of the chain, counted from 1.
    Row(u64),
    /// The end of the chain.
    End,
    /// A journal.
    Journal(JournalId),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(row) => write!(f, "row {row}"),
            Self::End => f.write_str("the end of the chain"),
            Self::Journal(journal) => write!(f, "journal {journal}"),
        }
    }
}
