//! Timing loops.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::operations::Job;

/// How long one round lasts; long enough that the clock and the caches do not matter.
const ROUND: Duration = Duration::from_millis(100);
const ROUNDS: usize = 15;

/// Operations a second of several things: the medians of many short rounds, taken in turns, so that
/// whatever else the machine does falls on all of them.
pub(crate) fn rates<const N: usize>(mut rounds: [&mut dyn FnMut() -> f64; N]) -> [f64; N] {
    let mut rates = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (round, rates) in rounds.iter_mut().zip(&mut rates) {
            rates.push(round());
        }
    }
    rates.map(median)
}

/// Operations a second in one round of one thread.
pub(crate) fn round(operation: &mut dyn FnMut()) -> f64 {
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

/// Operations a second in one round of several threads together, each with the job that `make` makes of
/// its seat.
pub(crate) fn round_of_threads<S: Send>(
    seats: &mut [S],
    make: impl for<'a> Fn(&'a S) -> Job<'a> + Sync,
) -> f64 {
    let barrier = Barrier::new(seats.len());
    let (barrier, make) = (&barrier, &make);
    std::thread::scope(|scope| {
        let threads: Vec<_> = seats
            .iter_mut()
            .map(|seat| {
                scope.spawn(move || {
                    let mut job = make(seat);
                    barrier.wait();
                    round(&mut job)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a round"))
            .sum()
    })
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
