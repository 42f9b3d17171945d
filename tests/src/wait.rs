//! Waiting for something to become true, with a deadline instead of a guessed sleep.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::atomic::{AtomicU32, Ordering};
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

/// Ports for servers: below those that the system gives to connections going out.
const PORTS: Range<u16> = 12_000..32_000;

/// A TCP port on the loopback interface that nobody listens on, and that no other process of these tests
/// will be given while this one lives.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes start at different places, a prime apart.
    let first = std::process::id().wrapping_mul(7919);
    for _ in PORTS {
        let number = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + (number % PORTS.len() as u32) as u16;
        // A name outside the file system, which goes with the process.
        let name = SocketAddr::from_abstract_name(format!("keybridge-test-port-{port}"))
            .expect("a short name");
        let Ok(claim) = UnixListener::bind_addr(&name) else {
            continue;
        };
        std::mem::forget(claim);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}
