//! Latencies, counted in buckets that are at most 1.6% wide: small, quick to merge, and exact enough
//! for percentiles.

use std::time::Duration;

/// Buckets for each power of two.
const STEPS: u64 = 64;
/// Bits of a bucket's place within its power of two.
const BITS: u32 = STEPS.ilog2();

/// A histogram of durations in microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum: u64,
    max: u64,
}

impl Histogram {
    pub(super) fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let bucket = bucket(micros);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.count += 1;
        self.sum = self.sum.saturating_add(micros);
        self.max = self.max.max(micros);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, other) in self.counts.iter_mut().zip(&other.counts) {
            *own += other;
        }
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) const fn max(&self) -> u64 {
        self.max
    }

    /// The mean, in microseconds; 0 of nothing.
    pub(super) const fn mean(&self) -> u64 {
        match self.sum.checked_div(self.count) {
            Some(mean) => mean,
            None => 0,
        }
    }

    /// The latency, in microseconds, that `per_mille` of a thousand do not exceed.
    pub(super) fn percentile(&self, per_mille: u64) -> u64 {
        let wanted = (self.count * per_mille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(bucket as u64).min(self.max);
            }
        }
        self.max
    }
}

/// The bucket of a value: exact below 128, then 64 for each power of two.
fn bucket(value: u64) -> usize {
    if value < 2 * STEPS {
        return value as usize;
    }
    let shift = value.ilog2() - BITS;
    ((u64::from(shift) + 1) * STEPS + (value >> shift) - STEPS) as usize
}

/// The largest value of a bucket.
fn upper(bucket: u64) -> u64 {
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let first = (bucket % STEPS + STEPS) << shift;
    first + (1 << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_they_say() {
        for value in (0..5000).chain([1 << 20, (1 << 20) + 1, u64::from(u32::MAX), 1 << 40]) {
            let own = bucket(value);
            assert!(upper(own as u64) >= value, "{value}");
            assert!(own == 0 || upper(own as u64 - 1) < value, "{value}");
            assert!(upper(own as u64) - value <= value / STEPS, "{value}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let mut one = Histogram::default();
        let mut other = Histogram::default();
        for micros in 1..=1000 {
            let half = if micros % 2 == 0 {
                &mut one
            } else {
                &mut other
            };
            half.add(Duration::from_micros(micros));
        }
        one.merge(&other);
        assert_eq!((one.count(), one.max(), one.mean()), (1000, 1000, 500));
        for (per_mille, exact) in [(500, 500), (900, 900), (990, 990), (999, 999)] {
            let found = one.percentile(per_mille);
            assert!(found >= exact && found <= exact + exact / 32, "{found}");
        }
        assert_eq!(Histogram::default().percentile(500), 0);
    }
}
