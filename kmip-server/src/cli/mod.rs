//! The command line.
//!
//! Commands open the store themselves, as the local administrator: whoever may open the store's
//! files manages the bridge. Changes hold in running servers and PKCS#11 modules at their next
//! call.

mod account;
mod audit;
mod bench;
mod client;
mod context;
mod failure;
mod init;
mod key;
mod key_type;
mod output;
mod serve;
mod status;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use failure::Outcome;
use output::Output;

pub use context::Configuration;

/// Keys behind PKCS#11, KMIP and HTTPS: one store, one policy, one audit.
#[derive(Debug, Parser)]
#[command(name = "keybridge", version, after_help = failure::EXIT_CODES)]
struct Arguments {
    /// Configuration file [env: KEYBRIDGE_CONFIG; else /etc/keybridge/keybridge.toml, else
    /// ~/.config/keybridge/keybridge.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Account to work on; needed when there are several
    #[arg(long, global = true, value_name = "NAME")]
    account: Option<String>,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a bridge: configuration, store, local CA, certificates
    Init(init::Arguments),
    /// Serve KMIP
    Serve(serve::Arguments),
    /// Tell whether the bridge can work, and what it holds
    Status,
    /// Add, list and revoke clients of the servers
    #[command(subcommand)]
    Client(client::Command),
    /// Make accounts, and protect their keys from deletion
    #[command(subcommand)]
    Account(account::Command),
    /// Make and manage keys
    #[command(subcommand)]
    Key(key::Command),
    /// Read and verify the audit
    #[command(subcommand)]
    Audit(audit::Command),
    /// Measure a server under load
    #[command(subcommand)]
    Bench(bench::Command),
    /// Look at the PKCS#11 tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program: parses the arguments, does the command, reports.
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("keybridge: {failure}");
            if let Some(advice) = failure.advice() {
                eprintln!("  {advice}");
            }
            failure.exit_code()
        }
    }
}

fn run(arguments: Arguments) -> Outcome {
    let Arguments {
        config,
        account,
        json,
        command,
    } = arguments;
    let output = Output::new(json);
    let open = || context::Context::open(config.as_deref(), account.as_deref());
    match command {
        Command::Init(arguments) => init::run(arguments, account, output),
        Command::Serve(arguments) => serve::run(arguments, config.as_deref()),
        Command::Status => status::run(config.as_deref(), output),
        Command::Client(command) => client::run(command, &open()?, output),
        Command::Account(command) => account::run(command, config.as_deref(), output),
        Command::Key(command) => key::run(command, &open()?, output),
        Command::Audit(command) if command.is_of_all_accounts() => {
            let context = context::Context::open_any(config.as_deref(), account.as_deref())?;
            audit::run(command, &context, output)
        }
        Command::Audit(command) => audit::run(command, &open()?, output),
        Command::Bench(command) => bench::run(command, output),
        Command::Token(command) => token::run(&command, config.as_deref(), output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "keybridge", &mut script);
            output::print(&String::from_utf8_lossy(&script))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
