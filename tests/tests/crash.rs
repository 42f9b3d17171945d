//! `kill -9` at any moment: what was acknowledged is there, and nothing is half made.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use keybridge_tests::{Bridge, Command, Token};

const WRITER: &str = env!("CARGO_BIN_EXE_token-writer");

/// A writer in a process of its own, killed after it has acknowledged a few keys and some more time
/// has passed, another bit of time at each round, so that the kill hits every stage of a write.
#[test]
fn killed_writers_lose_nothing() {
    let bridge = Bridge::new();
    let token = bridge.token();
    let mut acknowledged = Vec::new();
    for round in 0..60 {
        let mut child = writer(&token, &format!("r{round}"));
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        for _ in 0..1 + round % 3 {
            acknowledged.push(lines.next().expect("an acknowledgement").expect("a line"));
        }
        std::thread::sleep(Duration::from_micros(round * 173));
        child.kill().expect("kill the writer");
        // What it managed to say before it died counts too.
        acknowledged.extend(lines.map_while(Result::ok));
        child.wait().expect("reap the writer");
    }
    check(&token, &acknowledged);
    bridge.cli("audit verify").ok();
}

/// Two writers at once on one store, both killed: they do not undo each other's work.
#[test]
fn two_killed_writers_lose_nothing() {
    let bridge = Bridge::new();
    let token = bridge.token();
    let mut acknowledged = Vec::new();
    for round in 0..5 {
        let mut pair = [0, 1].map(|which| writer(&token, &format!("w{which}-r{round}")));
        let mut outputs = pair
            .each_mut()
            .map(|child| BufReader::new(child.stdout.take().expect("a pipe")).lines());
        for lines in &mut outputs {
            acknowledged.push(lines.next().expect("an acknowledgement").expect("a line"));
        }
        for child in &mut pair {
            child.kill().expect("kill a writer");
            child.wait().expect("reap a writer");
        }
        for lines in outputs {
            acknowledged.extend(lines.map_while(Result::ok));
        }
    }
    check(&token, &acknowledged);
    bridge.cli("audit verify").ok();
}

/// The server is killed while clients make keys through it; what it answered is there.
#[test]
fn a_killed_server_loses_nothing() {
    let mut bridge = Bridge::new();
    let mut acknowledged = Vec::new();
    for round in 0..6 {
        bridge.serve();
        let mut client = bridge
            .driver("pykmip_driver.py")
            .args(["--name", &format!("round-{round}"), "create-many"])
            .into_inner()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start a client");
        let mut lines = BufReader::new(client.stdout.take().expect("a pipe")).lines();
        for _ in 0..3 {
            acknowledged.push(lines.next().expect("an acknowledgement").expect("a line"));
        }
        std::thread::sleep(Duration::from_micros(round * 731));
        bridge.kill();
        acknowledged.extend(
            lines
                .map_while(Result::ok)
                .take_while(|line| !line.starts_with('{')),
        );
        client.wait().expect("reap the client");
    }
    bridge.serve();
    let located = bridge.driver("pykmip_driver.py").arg("locate").ok().json();
    let found: Vec<&str> = located["uids"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|uid| uid.as_str())
        .collect();
    for uid in &acknowledged {
        assert!(
            found.contains(&uid.as_str()),
            "acknowledged and lost: {uid}"
        );
    }
    bridge.cli("audit verify").ok();
}

fn writer(token: &Token, name: &str) -> Child {
    token
        .command(WRITER)
        .arg(&token.module)
        .args([&token.label, &token.pin, "write", name])
        .into_inner()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start a writer")
}

#[track_caller]
fn check(token: &Token, acknowledged: &[String]) {
    let check: Command = token
        .command(WRITER)
        .arg(&token.module)
        .args([&token.label, &token.pin, "check"])
        .input(acknowledged.join("\n"));
    check
        .ok()
        .says(&format!("{} acknowledged", acknowledged.len()));
}
