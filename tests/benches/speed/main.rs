//! `cargo bench -p keybridge-tests`: how fast the bridge is beside what it is made of, and beside
//! SoftHSM2, on this machine, in this run. Prints ratios; judges nothing.
//!
//! A PKCS#11 module takes its configuration from its process's environment, so every module is
//! measured in a process of its own: this program, started again.

mod clock;
mod direct;
mod kmip;
mod module;

use keybridge_tests::{Bridge, Command, SoftHsm, Token};
use serde_json::Value;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, rest @ ..] = args.as_slice()
        && mode == module::MODE
    {
        module::measure(rest);
        return;
    }
    println!("{}", machine());
    modules();
    kmip::measure();
}

/// The PKCS#11 module, the primitive alone, and SoftHSM2.
fn modules() {
    let (bridge, hsm) = (Bridge::new(), SoftHsm::new("bench"));
    let ours = in_own_process(&bridge.token(), 10_000);
    // Making 10,000 keys in SoftHSM2 takes longer than the rest of this program.
    let theirs = in_own_process(&hsm.token(), 1_000);

    println!("\nPKCS#11 module, operations a second (one thread)");
    println!(
        "{:<28}{:>12}{:>12}{:>8}{:>12}{:>8}",
        "", "direct", "keybridge", "ratio", "SoftHSM2", "ratio"
    );
    for name in ["RSA-2048 sign", "P-256 sign", "AES-256-GCM 1 KiB"] {
        let direct = format!("{name}, direct");
        let (base, own, other) = (
            number(&ours, &direct),
            number(&ours, name),
            number(&theirs, name),
        );
        // Each beside the direct calls that were made in turns with its own.
        let (ratio, other_ratio) = (own / base, other / number(&theirs, &direct));
        println!("{name:<28}{base:>12.0}{own:>12.0}{ratio:>8.2}{other:>12.0}{other_ratio:>8.2}");
    }

    println!("\nPKCS#11 module, microseconds by number of keys");
    println!(
        "{:<28}{:>12}{:>12}{:>8}{:>22}{:>8}",
        "", "10 keys", "10,000", "times", "SoftHSM2 10 / 1,000", "times"
    );
    for name in ["C_FindObjects by label", "C_Initialize"] {
        let (few, many) = (number(&ours, name), number(&ours, &format!("{name}, many")));
        let (few2, many2) = (
            number(&theirs, name),
            number(&theirs, &format!("{name}, many")),
        );
        println!(
            "{name:<28}{few:>12.1}{many:>12.1}{:>8.2}{:>22}{:>8.1}",
            many / few,
            format!("{few2:.1} / {many2:.1}"),
            many2 / few2
        );
    }
}

fn in_own_process(token: &Token, many: usize) -> Value {
    Command::new(std::env::current_exe().expect("this program"))
        .envs(&token.env)
        .arg(module::MODE)
        .arg(&token.module)
        .args([&token.label, &token.pin, &many.to_string()])
        .limit(std::time::Duration::from_secs(900))
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
