//! The `keybridge` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    keybridge_server::cli::main()
}
