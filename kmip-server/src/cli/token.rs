//! `keybridge token …`: accounts as PKCS#11 sees them.

use std::path::Path;

use keybridge_core::kms::PinState;
use serde::Serialize;

use super::context::Configuration;
use super::failure::Outcome;
use super::output::{self, Output};

/// `token …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the tokens
    List,
}

#[derive(Debug, Serialize)]
struct TokenView {
    account: String,
    label: String,
    serial: String,
    initialized: bool,
    so_pin: &'static str,
    user_pin: &'static str,
}

/// Does a `token` command.
pub(super) fn run(command: &Command, config: Option<&Path>, output: Output) -> Outcome {
    let Command::List = command;
    let kms = Configuration::find(config)?.open()?;
    let mut views = Vec::new();
    for account in kms.accounts()? {
        let state = kms.token(account.id)?;
        views.push(TokenView {
            account: account.name,
            label: state.token.label,
            serial: state.token.serial,
            initialized: state.token.initialized,
            so_pin: pin(state.so_pin),
            user_pin: pin(state.user_pin),
        });
    }
    output.show(&views, |views| {
        let rows = views.iter().map(|token| {
            vec![
                token.account.clone(),
                token.label.clone(),
                token.serial.clone(),
                if token.initialized { "yes" } else { "no" }.to_owned(),
                token.so_pin.to_owned(),
                token.user_pin.to_owned(),
            ]
        });
        output::table(
            &[
                "account",
                "label",
                "serial",
                "initialized",
                "SO PIN",
                "user PIN",
            ],
            rows,
        )
    })
}

fn pin(state: PinState) -> &'static str {
    match state {
        PinState { set: false, .. } => "not set",
        state if state.is_locked() => "locked",
        PinState { failures: 0, .. } => "set",
        _ => "set, wrong tries",
    }
}
