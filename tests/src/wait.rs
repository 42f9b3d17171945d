//! Waiting for something to become true, with a deadline instead of a guessed sleep.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

/// How long anything on this machine may take before it counts as hung. Generous: the machine may
/// have two busy cores and a cold disk.
pub const PATIENCE: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(10);

/// Asks `ready` again and again until it gives a value. Panics, naming `what`, when `limit` passes.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(
            start.elapsed() < limit,
            "waited {limit:?} in vain for {what}"
        );
        std::thread::sleep(POLL);
    }
}

/// A TCP port on the loopback interface that nobody listened on a moment ago.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a loopback port");
    listener.local_addr().expect("the port just bound").port()
}
