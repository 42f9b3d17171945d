//! Timing loops.

use std::time::{Duration, Instant};

/// How long one round lasts; long enough that the clock and the caches do not matter.
const ROUND: Duration = Duration::from_millis(100);
const ROUNDS: usize = 15;

/// Operations a second of two things: the medians of many short rounds, taken in turns, so that
/// whatever else the machine does falls on both.
pub(crate) fn rates(mut one: impl FnMut(), mut other: impl FnMut()) -> (f64, f64) {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ones.push(round(&mut one));
        others.push(round(&mut other));
    }
    (median(ones), median(others))
}

fn round(operation: &mut impl FnMut()) -> f64 {
    let (start, mut count) = (Instant::now(), 0u32);
    while start.elapsed() < ROUND {
        // The clock is read once in eight operations: some take less than reading it.
        for _ in 0..8 {
            operation();
        }
        count += 8;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Microseconds of one call: the median of `times` calls.
pub(crate) fn median_microseconds(times: usize, mut operation: impl FnMut()) -> f64 {
    let all = (0..times)
        .map(|_| {
            let start = Instant::now();
            operation();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    median(all)
}
