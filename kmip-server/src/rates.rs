//! How many batch items a second a principal may send.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use keybridge_core::PrincipalId;
use keybridge_kmip::enums::ResultReason;

use crate::failure::{Failure, Result};

/// Principals remembered; beyond, those that have been quiet are forgotten.
const REMEMBERED: usize = 4096;

/// Counts against a rate. A principal that was quiet may send two seconds' worth at once.
#[derive(Debug)]
pub struct Rates {
    per_second: u32,
    buckets: Mutex<HashMap<PrincipalId, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// What is left to be sent; a large batch may take it below zero.
    left: f64,
    at: Instant,
}

impl Rates {
    /// A limit of so many batch items a second; 0 is none.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self {
            per_second,
            buckets: Mutex::default(),
        }
    }

    /// Counts a message of `items`.
    ///
    /// # Errors
    /// Server Limit Exceeded, naming the setting.
    pub fn count(&self, principal: PrincipalId, items: usize) -> Result<()> {
        if self.per_second == 0 || self.allow(principal, items, Instant::now()) {
            return Ok(());
        }
        Err(Failure::by_version(
            ResultReason::GeneralFailure,
            ResultReason::ServerLimitExceeded,
            format!(
                "limit requests-per-second = {} reached; server.limits.requests-per-second changes it",
                self.per_second
            ),
        ))
    }

    fn allow(&self, principal: PrincipalId, items: usize, now: Instant) -> bool {
        let rate = f64::from(self.per_second);
        let most = rate * 2.0;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED && !buckets.contains_key(&principal) {
            // Whoever could have refilled its bucket by now is as good as new.
            buckets.retain(|_, bucket| {
                bucket.left + now.duration_since(bucket.at).as_secs_f64() * rate < most
            });
        }
        let bucket = buckets.entry(principal).or_insert(Bucket {
            left: most,
            at: now,
        });
        let waited = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + waited * rate).min(most);
        bucket.at = now;
        if bucket.left < 1.0 {
            return false;
        }
        // Lossless: a batch has at most some thousands of items.
        bucket.left -= u32::try_from(items).map_or(f64::MAX, f64::from);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_principal_is_held_to_its_rate_and_others_are_not() {
        let rates = Rates::new(10);
        let (one, other) = (PrincipalId::random(), PrincipalId::random());
        let start = Instant::now();
        let sent = (0..100).filter(|_| rates.allow(one, 1, start)).count();
        assert_eq!(sent, 20, "two seconds' worth");
        assert!(rates.allow(other, 1, start));
        let later = start + Duration::from_secs(1);
        let sent = (0..100).filter(|_| rates.allow(one, 1, later)).count();
        assert_eq!(sent, 10);
        // A large batch is let through, and paid for.
        let later = later + Duration::from_secs(2);
        assert!(rates.allow(one, 50, later));
        assert!(!rates.allow(one, 1, later + Duration::from_secs(2)));
        assert!(rates.allow(one, 1, later + Duration::from_millis(3200)));
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let rates = Rates::new(0);
        for _ in 0..1000 {
            rates.count(PrincipalId::random(), 1).unwrap();
        }
        assert!(rates.buckets.lock().unwrap().is_empty());
    }
}
