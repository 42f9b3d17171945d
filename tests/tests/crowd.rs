//! Thousands of connections to one server, most of which do nothing, or worse.

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};

use keybridge_tests::{Bridge, Command};

/// Idle connections, where the system allows a process so many files.
const IDLE: u64 = 3000;

/// What one may cost: there may be 10,000.
const BYTES_EACH: u64 = 64 * 1024;

/// Half as many as there may be, so that neither side nears its limit.
fn allowed() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("the limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    // The soft limit, then the hard one, to which both programs raise theirs.
    let hard = line.and_then(|line| line.split_whitespace().nth(4)?.parse().ok());
    hard.unwrap_or(u64::MAX) / 2
}

#[test]
fn thousands_of_connections_leave_room_for_work() {
    let bridge = Bridge::serving();
    // Peers that connect and say nothing, and peers that never finish their first message.
    let rude: Vec<TcpStream> = (0..200)
        .map(|number| {
            let mut peer = TcpStream::connect((Ipv4Addr::LOCALHOST, bridge.port)).expect("connect");
            if number % 2 == 0 {
                peer.write_all(&[0x16, 0x03, 0x01, 0x02]).expect("write");
            }
            peer
        })
        .collect();
    let idle = IDLE.min(allowed());
    let files = bridge.client_files();
    let program = keybridge_tests::products::keybridge();
    let report = Command::new(program)
        .words("bench kmip --mix get=1 --duration 2 --connections 2 --json")
        .args(["--server", &format!("127.0.0.1:{}", bridge.port)])
        .args(["--idle", &idle.to_string()])
        .args(["--server-pid", &bridge.server_pid().to_string()])
        .arg("--ca")
        .arg(&files.ca)
        .arg("--certificate")
        .arg(&files.certificate)
        .arg("--key")
        .arg(&files.key)
        .ok()
        .json();
    drop(rude);
    assert_eq!(report["idle"]["connections"], idle, "{report}");
    assert_eq!(report["idle"]["served_at_the_end"], idle, "{report}");
    let each = report["idle"]["server_bytes_each"]
        .as_u64()
        .expect("a number");
    assert!(each < BYTES_EACH, "{report}");
    // Nobody starves: even with all tests at once, a Get is not kept waiting for seconds.
    let slowest = report["by_operation"]["get"]["max_us"]
        .as_u64()
        .expect("a number");
    assert!(slowest < 5_000_000, "{report}");
    assert_eq!(report["refused"], serde_json::json!({}), "{report}");
}
