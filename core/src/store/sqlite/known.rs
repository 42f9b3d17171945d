//! Which change number belongs to which mark of the log: a pair read without a lock.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Mutex, PoisonError};

use super::wal_index::WalMark;
use crate::store::ChangeNumber;

/// A sequence lock: readers take a few plain loads, and take nothing when a writer interferes.
#[derive(Default)]
pub(super) struct Known {
    writer: Mutex<()>,
    /// Odd while the words change, even otherwise, 0 before the first time.
    version: AtomicU64,
    words: [AtomicU64; 4],
}

impl Known {
    /// The pair; none if there is none yet or it is just being replaced.
    pub(super) fn get(&self) -> Option<(ChangeNumber, WalMark)> {
        let version = self.version.load(Ordering::Acquire);
        if version == 0 || version & 1 == 1 {
            return None;
        }
        let [number, mark @ ..] = [0, 1, 2, 3].map(|word: usize| {
            // In range: there are four.
            self.words[word].load(Ordering::Relaxed)
        });
        fence(Ordering::Acquire);
        (self.version.load(Ordering::Relaxed) == version).then_some((number, WalMark(mark)))
    }

    /// Replaces the pair.
    pub(super) fn set(&self, number: ChangeNumber, mark: WalMark) {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        let [first, second, third] = mark.0;
        for (word, value) in self.words.iter().zip([number, first, second, third]) {
            word.store(value, Ordering::Relaxed);
        }
        self.version.store(version + 2, Ordering::Release);
    }
}
