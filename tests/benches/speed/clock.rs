//! Timing loops.

use std::time::{Duration, Instant};

/// How long one round lasts; long enough that the clock and the caches do not matter.
const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 5;

/// Operations a second: the median of several rounds, after one that is thrown away.
pub(crate) fn rate(mut operation: impl FnMut()) -> f64 {
    let mut rates: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            let (start, mut count) = (Instant::now(), 0u32);
            while start.elapsed() < ROUND {
                // The clock is read once in eight operations: some take less than reading it.
                for _ in 0..8 {
                    operation();
                }
                count += 8;
            }
            f64::from(count) / start.elapsed().as_secs_f64()
        })
        .skip(1)
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Microseconds of one call: the median of `times` calls.
pub(crate) fn median_microseconds(times: usize, mut operation: impl FnMut()) -> f64 {
    let mut all: Vec<f64> = (0..times)
        .map(|_| {
            let start = Instant::now();
            operation();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
