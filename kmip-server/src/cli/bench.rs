//! `keybridge bench …`: load on a server, and what it took.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use keybridge_kmip::client::PORT;
use keybridge_kmip::{SecretText, Version};
use zeroize::Zeroizing;

use super::failure::{Failure, Outcome};
use super::output::{self, Output};
use crate::bench::{self, Load, Mix, Report, Target};

/// Most connections of one run: a thread each.
const CONNECTIONS: u64 = 4096;

/// Most idle connections of one run: more than one address has ports.
const IDLE: u64 = 60_000;

/// `bench …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Load a KMIP server, this one or another, with a mix of operations
    Kmip(Arguments),
}

/// Arguments of `bench kmip`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The server; its certificate must name the host
    #[arg(long, value_name = "HOST[:PORT]", default_value = "127.0.0.1:5696")]
    server: String,
    /// Certificates of the CAs that vouch for the server (PEM)
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// The client's certificate (PEM)
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Its private key (PEM); the certificate's file may hold both
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// User name for the request header
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// Its password, the first line of a file
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Version of KMIP, 1.0 to 2.1; the newest that both know by default
    #[arg(long, value_name = "VERSION", value_parser = version)]
    protocol: Option<Version>,
    /// Operations with weights: get, get-attributes, locate, create, encrypt, decrypt, encrypt-gcm,
    /// sign, sign-rsa, mac, hash, random, query
    #[arg(
        long,
        value_name = "OPERATION=WEIGHT,…",
        default_value = "get=70,encrypt=20,locate=10"
    )]
    mix: Mix,
    /// Connections, each with one request under way
    #[arg(
        long,
        default_value_t = 8,
        value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS)
    )]
    connections: u64,
    /// Operations in one message
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    batch: u64,
    /// Seconds that are counted
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    duration: u64,
    /// Seconds before, that are not
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=3600))]
    warm_up: u64,
    /// Bytes that are encrypted, signed, …
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    size: u64,
    /// Connections beside them that do nothing
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=IDLE))]
    idle: u64,
    /// Process of the server on this machine, to tell the memory that idle connections take
    #[arg(long, value_name = "PID", requires = "idle")]
    server_pid: Option<u32>,
}

fn version(text: &str) -> Result<Version, String> {
    let found = Version::SUPPORTED
        .into_iter()
        .find(|version| version.to_string() == text);
    found.ok_or_else(|| "one of 1.0, 1.1, 1.2, 1.3, 1.4, 2.0, 2.1".into())
}

/// Does a `bench` command.
pub(super) fn run(command: Command, output: Output) -> Outcome {
    let Command::Kmip(arguments) = command;
    crate::files::allow_many();
    let target = target(&arguments)?;
    let load = Load {
        mix: arguments.mix,
        connections: small(arguments.connections),
        batch: small(arguments.batch),
        duration: Duration::from_secs(arguments.duration),
        warm_up: Duration::from_secs(arguments.warm_up),
        size: small(arguments.size),
        idle: small(arguments.idle),
        server_process: arguments.server_pid,
    };
    let is_watched = std::io::stderr().is_terminal() && !output.is_json();
    let report = bench::run(&target, &load, |part, per_second| {
        if is_watched {
            show_progress(part, per_second);
        }
    });
    if is_watched {
        eprint!("\r\x1b[K");
    }
    let report = report.map_err(|error| Failure::Server(error.to_string()))?;
    output.show(&report, for_people)?;
    if report.operations == 0 {
        return Err(Failure::Server("no operation was done".into()));
    }
    Ok(())
}

/// The limits of the arguments are far below.
fn small(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn target(arguments: &Arguments) -> Outcome<Target> {
    let (host, port) = host_and_port(&arguments.server)?;
    let key = arguments.key.as_deref().unwrap_or(&arguments.certificate);
    let user = match (&arguments.user, &arguments.password_file) {
        (Some(name), Some(file)) => {
            let text = Zeroizing::new(String::from_utf8_lossy(&read(file)?).into_owned());
            let line = text.lines().next().unwrap_or_default();
            Some((name.clone(), SecretText::from(line.to_owned())))
        }
        _ => None,
    };
    Ok(Target {
        host,
        port,
        ca: read(&arguments.ca)?.to_vec(),
        certificate: read(&arguments.certificate)?.to_vec(),
        key: read(key)?,
        user,
        version: arguments.protocol,
    })
}

fn read(path: &Path) -> Outcome<Zeroizing<Vec<u8>>> {
    std::fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| Failure::File {
            what: "cannot read",
            path: path.to_owned(),
            error,
        })
}

/// `host`, `host:port`, `[::1]:port`.
fn host_and_port(text: &str) -> Outcome<(String, u16)> {
    let wrong = || Failure::Usage(format!("--server {text:?}: HOST or HOST:PORT"));
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().map_err(|_| wrong())?)
        }
        _ => (text, PORT),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

fn show_progress(part: f64, per_second: f64) {
    const WIDTH: usize = 30;
    let full = (part * WIDTH as f64) as usize;
    let bar: String = (0..WIDTH)
        .map(|at| if at < full { '█' } else { '░' })
        .collect();
    eprint!(
        "\r{bar} {:3.0}%  {per_second:.0} operations/s ",
        part * 100.0
    );
    let _ = std::io::stderr().flush();
}

fn for_people(report: &Report) -> String {
    let milli = |micros: u64| format!("{:.3}", micros as f64 / 1000.0);
    let rows = report.by_operation.iter().map(|(name, row)| {
        vec![
            name.clone(),
            row.operations.to_string(),
            format!("{:.0}", row.per_second),
            milli(row.mean_us),
            milli(row.p50_us),
            milli(row.p90_us),
            milli(row.p99_us),
            milli(row.p999_us),
            milli(row.max_us),
        ]
    });
    let header = [
        "operation",
        "done",
        "per second",
        "mean ms",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
    ];
    let mut text = output::table(&header, rows);
    text.push_str(&format!(
        "\n{} operations in {:.1} s: {:.0} a second (KMIP {}, {} connections, {} in a message, {} bytes)\n",
        report.operations,
        report.seconds,
        report.per_second,
        report.version,
        report.connections,
        report.batch,
        report.size,
    ));
    if let Some(idle) = &report.idle {
        text.push_str(&format!(
            "{} idle connections, opened in {:.1} s; {} answered at the end",
            idle.connections, idle.seconds, idle.served_at_the_end,
        ));
        if let Some(bytes) = idle.server_bytes_each {
            let kibibytes = bytes as f64 / 1024.0;
            text.push_str(&format!("; {kibibytes:.1} KiB of the server's memory each"));
        }
        text.push('\n');
    }
    for (reason, count) in &report.refused {
        text.push_str(&format!("refused {count} times: {reason}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_in_every_usual_way() {
        for (text, host, port) in [
            ("kmip.example", "kmip.example", 5696),
            ("kmip.example:1234", "kmip.example", 1234),
            ("10.0.0.1:1", "10.0.0.1", 1),
            ("[::1]:7", "::1", 7),
            ("::1", "::1", 5696),
        ] {
            assert_eq!(host_and_port(text).unwrap(), (host.to_owned(), port));
        }
        for wrong in ["", ":1", "host:port", "host:99999"] {
            assert!(host_and_port(wrong).is_err(), "{wrong:?}");
        }
    }
}
