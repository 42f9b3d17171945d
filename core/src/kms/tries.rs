//! How often somebody may try a password over the network: counted before it is hashed, which is slow on purpose and
//! takes memory, and for unknown names as for known ones.
//!
//! A try is paid for in advance and given back when it was right, so clients whose passwords are right are never held up.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::authorize::Origin;
use crate::error::{Error, Result};
use crate::id::AccountId;
use crate::settings::Limits;

/// Counters of a kind. Whoever falls on one that another has used up waits with him, which is rare, and cannot be brought
/// about, since the hash has a random key. In exchange no number of names or addresses takes more memory.
const COUNTERS: usize = 4096;

/// Tries by source and by name.
pub(super) struct Tries {
    began: Instant,
    keys: RandomState,
    sources: Counters,
    names: Counters,
}

impl Tries {
    pub(super) fn new(limits: &Limits) -> Self {
        let counters = |setting, per_minute| Counters {
            setting,
            per_minute,
            empty_at: Mutex::new(vec![Duration::ZERO; COUNTERS].into_boxed_slice()),
        };
        Self {
            began: Instant::now(),
            keys: RandomState::new(),
            sources: counters("source-tries-per-minute", limits.source_tries_per_minute),
            names: counters("name-tries-per-minute", limits.name_tries_per_minute),
        }
    }

    /// Pays for one try.
    ///
    /// # Errors
    /// [`Error::Limit`], whether or not anybody has that name.
    pub(super) fn pay(&self, origin: Origin, account: AccountId, name: &str) -> Result<Paid<'_>> {
        let paid = Paid {
            tries: self,
            source: self.counter(source_of(origin)),
            name: self.counter((account, name)),
        };
        let now = self.began.elapsed();
        self.sources.pay(paid.source, now)?;
        self.names
            .pay(paid.name, now)
            .inspect_err(|_| self.sources.give_back(paid.source))?;
        Ok(paid)
    }

    fn counter(&self, of: impl Hash) -> usize {
        // Lossless: the remainder is small.
        (self.keys.hash_one(of) % COUNTERS as u64) as usize
    }
}

/// Who may have many addresses is one source: of IPv6 the network, which one customer has.
fn source_of(origin: Origin) -> (u32, [u8; 16]) {
    let mut source = [0; 16];
    match origin {
        Origin::Process { uid, .. } => source[..4].copy_from_slice(&uid.to_be_bytes()),
        Origin::Network(IpAddr::V4(address)) => source[..4].copy_from_slice(&address.octets()),
        Origin::Network(IpAddr::V6(address)) => {
            source[..8].copy_from_slice(&address.octets()[..8]);
        }
    }
    let kind = match origin {
        Origin::Process { .. } => 0,
        Origin::Network(IpAddr::V4(_)) => 4,
        Origin::Network(IpAddr::V6(_)) => 6,
    };
    (kind, source)
}

/// A try that is paid for.
#[must_use]
pub(super) struct Paid<'t> {
    tries: &'t Tries,
    source: usize,
    name: usize,
}

impl Paid<'_> {
    /// It was right.
    pub(super) fn give_back(self) {
        self.tries.sources.give_back(self.source);
        self.tries.names.give_back(self.name);
    }
}

/// Counters that hold a minute's tries and run empty in a minute.
struct Counters {
    setting: &'static str,
    /// 0 is no limit.
    per_minute: u32,
    /// When each is empty again, since the beginning; earlier is empty.
    empty_at: Mutex<Box<[Duration]>>,
}

impl Counters {
    fn interval(&self) -> Duration {
        MINUTE / self.per_minute.max(1)
    }

    fn pay(&self, counter: usize, now: Duration) -> Result<()> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let mut all = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        let after = all[counter].max(now) + self.interval();
        if after > now + MINUTE {
            return Err(Error::Limit {
                name: self.setting,
                limit: self.per_minute.into(),
            });
        }
        all[counter] = after;
        Ok(())
    }

    fn give_back(&self, counter: usize) {
        let mut all = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        all[counter] = all[counter].saturating_sub(self.interval());
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(per_minute: u32) -> Counters {
        Counters {
            setting: "x",
            per_minute,
            empty_at: Mutex::new(vec![Duration::ZERO; 2].into_boxed_slice()),
        }
    }

    #[test]
    fn a_minutes_tries_at_once_and_then_at_their_rate() {
        let counters = counters(6);
        let paid = |now| {
            let now = Duration::from_secs(now);
            (0..100).filter(|_| counters.pay(0, now).is_ok()).count()
        };
        assert_eq!(paid(1000), 6);
        assert_eq!(paid(1009), 0);
        assert_eq!(paid(1010), 1);
        assert_eq!(paid(1030), 2);
        assert_eq!(paid(9000), 6);
        assert!(counters.pay(1, Duration::from_secs(9000)).is_ok(), "others");
    }

    #[test]
    fn what_was_right_costs_nothing() {
        let counters = counters(6);
        let now = Duration::from_secs(1000);
        for _ in 0..100 {
            counters.pay(0, now).expect("allowed");
            counters.give_back(0);
        }
    }

    #[test]
    fn zero_is_no_limit() {
        let counters = counters(0);
        for _ in 0..100 {
            counters.pay(0, Duration::ZERO).expect("allowed");
            counters.give_back(0);
        }
    }

    #[test]
    fn a_source_is_a_network_of_ipv6_and_an_address_of_ipv4() {
        let of = |text: &str| source_of(Origin::Network(text.parse().expect("an address")));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
