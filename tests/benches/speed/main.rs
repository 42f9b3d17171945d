//! `cargo bench -p keybridge-tests`: how fast the bridge is beside what it is made of, and beside
//! SoftHSM2, on this machine, in this run. Prints ratios; judges nothing.
//!
//! A PKCS#11 module takes its configuration from its process's environment, so every module is
//! measured in a process of its own: this program, started again.

mod clock;
mod direct;
mod kmip;
mod module;
mod operations;

use keybridge_tests::{Bridge, Command, SoftHsm, Token};
use operations::{OPERATIONS, Operation};
use serde_json::Value;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, rest @ ..] = args.as_slice() {
        match mode.as_str() {
            module::MODE => return module::measure(rest),
            kmip::echo::MODE => return kmip::echo::serve(rest),
            _ => {}
        }
    }
    let wanted = |part: &str| args.iter().any(|arg| arg == part);
    // Cargo adds an argument of its own.
    let all = !PARTS.iter().any(|part| wanted(part));
    println!("{}", machine());
    if all || wanted("module") {
        modules();
    }
    if all || wanted("memory") {
        memory();
    }
    if all || wanted("kmip") {
        kmip::measure();
    }
    if wanted("million") {
        kmip::by_objects(&[100, 10_000, 1_000_000]);
    } else if all {
        kmip::by_objects(&[100, 10_000]);
    }
}

/// What can be measured alone: `cargo bench -p keybridge-tests -- kmip`. A million objects are made only
/// when asked for.
const PARTS: [&str; 4] = ["module", "memory", "kmip", "million"];

/// Keys in our token, and in SoftHSM2's: making 10,000 there takes longer than the rest of this program.
const KEYS: [usize; 3] = [10, 1_000, 100_000];
const SOFTHSM_KEYS: [usize; 2] = [10, 1_000];

/// The PKCS#11 module, the primitive alone, and SoftHSM2.
fn modules() {
    let (bridge, hsm) = (Bridge::new(), SoftHsm::new("bench"));
    let ours = in_own_process(&bridge.token(), &KEYS);
    let theirs = in_own_process(&hsm.token(), &SOFTHSM_KEYS);

    println!("\nPKCS#11 module, operations a second; with several threads, times one thread");
    println!(
        "{:<26}{:>11}{:>11}{:>7}{:>7}{:>7}{:>12}{:>7}{:>7}{:>7}",
        "",
        "direct",
        "keybridge",
        "ratio",
        "2 thr.",
        "8 thr.",
        "SoftHSM2",
        "ratio",
        "2 thr.",
        "8 thr."
    );
    for Operation { name, .. } in OPERATIONS {
        print!(
            "{name:<26}{:>11.0}",
            number(&ours, &format!("{name}, direct"))
        );
        for (values, width) in [(&ours, 11), (&theirs, 12)] {
            // Each beside the direct calls that were made in turns with its own.
            let (rate, direct) = (
                number(values, name),
                number(values, &format!("{name}, direct")),
            );
            print!("{rate:>width$.0}{:>7.2}", rate / direct);
            for threads in module::THREADS {
                let times = number(values, &module::with(name, threads, "threads"));
                print!("{times:>7.2}");
            }
        }
        println!();
    }

    println!("\nPKCS#11 module, microseconds by number of keys in the token");
    print!("{:<30}", "");
    for (count, who) in KEYS
        .iter()
        .map(|count| (count, "keybridge"))
        .chain(SOFTHSM_KEYS.iter().map(|count| (count, "SoftHSM2")))
    {
        print!("{:>18}", format!("{who} {count}"));
    }
    println!();
    for name in module::BY_KEYS {
        print!("{name:<30}");
        let of =
            |values: &Value, count: &usize| number(values, &module::with(name, *count, "keys"));
        let times = KEYS.iter().map(|count| of(&ours, count));
        for time in times.chain(SOFTHSM_KEYS.iter().map(|count| of(&theirs, count))) {
            print!("{time:>18.1}");
        }
        println!();
    }
}

/// What a process has in memory while it does a million operations of all kinds.
fn memory() {
    let bridge = Bridge::new();
    let token = bridge.token();
    let values = Command::new(env!("CARGO_BIN_EXE_token-soak"))
        .envs(&token.env)
        .arg(&token.module)
        .args([&token.label, &token.pin, "1000000"])
        .limit(std::time::Duration::from_secs(1800))
        .ok()
        .json();
    println!(
        "\nPKCS#11 module, a million operations of all kinds in one process: resident kilobytes"
    );
    let quarters = &values["quarters_kilobytes"];
    let warm = &values["warm_kilobytes"];
    println!("warm {warm}, at each quarter of the rest {quarters}");
}

fn in_own_process(token: &Token, counts: &[usize]) -> Value {
    Command::new(std::env::current_exe().expect("this program"))
        .envs(&token.env)
        .arg(module::MODE)
        .arg(&token.module)
        .args([&token.label, &token.pin])
        .args(counts.iter().map(usize::to_string))
        .limit(std::time::Duration::from_secs(1800))
        .ok()
        .json()
}

fn number(values: &Value, name: &str) -> f64 {
    values[name].as_f64().unwrap_or(f64::NAN)
}

/// The machine, for the record.
fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")?
                .split_once(": ")
                .map(|(_, name)| name.to_owned())
        })
        .unwrap_or_else(|| "unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{model}, {cores} cores; Linux {}",
        read("/proc/sys/kernel/osrelease").trim()
    )
}
