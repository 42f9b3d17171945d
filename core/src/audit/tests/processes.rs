//! Several processes: this test binary runs itself.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{Filter, Scratch, Verb, actor, open, record, requests, sign, target};

const FOLDER: &str = "KEYBRIDGE_TEST_AUDIT";

/// What the other process does. Without the variable (a usual run of the tests) it does nothing.
#[test]
fn child_uses_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let audit = open(folder.into());
    let (actor, target) = (actor("child"), target(9));
    let first = u64::from(std::process::id()) << 32;
    for request in first.. {
        audit.record_use(&sign(&actor, &target, request)).unwrap();
        if request % 5 == 0 {
            audit
                .record(&record(
                    crate::time::nanoseconds_now(),
                    Verb::Create,
                    "child",
                ))
                .unwrap();
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "used {request}").unwrap();
        out.flush().unwrap();
    }
}

fn spawn(scratch: &Scratch) -> (Child, impl Iterator<Item = u64> + use<>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("audit::tests::processes::child_uses_until_killed")
        .env(FOLDER, scratch.folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::<ChildStdout>::new(child.stdout.take().unwrap()).lines();
    let used = lines.filter_map(|line| line.ok()?.split("used ").nth(1)?.trim().parse().ok());
    (child, used)
}

#[test]
fn a_living_process_is_read_in_place() {
    let scratch = Scratch::new();
    let (mut child, mut used) = spawn(&scratch);
    for _ in 0..30 {
        let request = used.next().unwrap();
        let report = scratch.audit.verify().unwrap();
        assert_eq!(report.findings, []);
        let seen = requests(&scratch.audit, &Filter::default());
        assert!(seen.contains(&request));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn kill_9_loses_no_use_that_was_answered() {
    let scratch = Scratch::new();
    let mut answered = Vec::new();
    for round in 1..=6 {
        let (mut child, mut used) = spawn(&scratch);
        answered.extend(used.by_ref().take(round * 7));
        child.kill().unwrap();
        child.wait().unwrap();
        answered.extend(used);
        if round % 2 == 0 {
            scratch.audit.fold().unwrap();
            assert!(scratch.journals().is_empty());
        }
        assert_eq!(scratch.findings(), [] as [&str; 0]);
    }
    let filter = Filter {
        verb: Some(Verb::Sign),
        ..Filter::default()
    };
    let seen = requests(&scratch.audit, &filter);
    assert!(seen.len() >= answered.len());
    for request in answered {
        assert_eq!(seen.iter().filter(|seen| **seen == request).count(), 1);
    }
}

/// What a record costs: `cargo test --release -p keybridge-core -- --ignored --nocapture timing`.
#[test]
#[ignore = "prints a measurement"]
fn timing() {
    let scratch = Scratch::new();
    let (actor, target) = (actor("user"), target(1));
    scratch.audit.record_use(&sign(&actor, &target, 0)).unwrap();
    // The fastest of many short runs: what it costs when nobody else wants the processor.
    let measure = |what: &str, count: u32, job: &mut dyn FnMut(u32)| {
        let runs = (0..count / 500).map(|run| {
            let start = std::time::Instant::now();
            (run * 500..(run + 1) * 500).for_each(&mut *job);
            start.elapsed() / 500
        });
        println!("{what}: {:?}", runs.min());
    };
    for _ in 0..3 {
        scratch.audit.fold().unwrap();
        scratch.audit.record_use(&sign(&actor, &target, 0)).unwrap();
        measure("a use", 40_000, &mut |number| {
            scratch
                .audit
                .record_use(&sign(&actor, &target, number.into()))
                .unwrap();
        });
    }
    let start = std::time::Instant::now();
    for number in 0..400_000 {
        scratch
            .audit
            .record_use(&sign(&actor, &target, number))
            .unwrap();
    }
    println!("a use, with folding: {:?}", start.elapsed() / 400_000);
    measure("the clock alone", 1_000_000, &mut |_| {
        std::hint::black_box(crate::time::nanoseconds_now());
    });
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[1; 32]);
    let mut mac =
        super::super::mac::JournalMac::new(&key, crate::id::JournalId::random(), &[0; 16]);
    measure("tag and head", 1_000_000, &mut |number| {
        let mut frame = [0; 32];
        frame[..4].copy_from_slice(&number.to_le_bytes());
        std::hint::black_box((mac.update(&frame), mac.head()));
    });
    let start = std::time::Instant::now();
    let report = scratch.audit.verify().unwrap();
    println!("verify {} records: {:?}", report.records, start.elapsed());
    let start = std::time::Instant::now();
    scratch.audit.list(&Filter::default(), 100).unwrap();
    println!("list the newest 100: {:?}", start.elapsed());
}
