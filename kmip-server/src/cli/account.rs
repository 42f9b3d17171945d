//! `keybridge account …`: who owns keys.

use std::path::Path;

use serde::Serialize;

use super::context::Configuration;
use super::failure::Outcome;
use super::output::{self, Output};

/// `account …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an account: a namespace of KMIP clients, a PKCS#11 token that is not initialized yet
    Create {
        /// Its name
        name: String,
    },
    /// List the accounts
    List,
    /// Let nothing destroy material at once: deletions are scheduled, the token is not initialized
    /// anew
    Protect {
        /// The account's name
        name: String,
    },
    /// Let material be destroyed at once again
    Unprotect {
        /// The account's name
        name: String,
    },
}

#[derive(Debug, Serialize)]
struct AccountView {
    name: String,
    id: String,
    token_label: String,
    deletion_protection: bool,
    created: String,
}

/// Does an `account` command.
pub(super) fn run(command: Command, config: Option<&Path>, output: Output) -> Outcome {
    let kms = Configuration::find(config)?.open()?;
    let shown = match command {
        Command::Create { name } => vec![kms.create_account(&name)?],
        Command::List => kms.accounts()?,
        Command::Protect { name } => vec![protect(&kms, &name, true)?],
        Command::Unprotect { name } => vec![protect(&kms, &name, false)?],
    };
    let views: Vec<_> = shown.into_iter().map(view).collect();
    output.show(&views, |views| {
        let rows = views.iter().map(|account| {
            vec![
                account.name.clone(),
                account.token_label.clone(),
                if account.deletion_protection {
                    "on"
                } else {
                    "off"
                }
                .to_owned(),
                account.created.clone(),
                account.id.clone(),
            ]
        });
        let header = [
            "account",
            "token",
            "deletion protection",
            "created",
            "identifier",
        ];
        output::table(&header, rows)
    })
}

fn protect(
    kms: &keybridge_core::Kms,
    name: &str,
    on: bool,
) -> Outcome<keybridge_core::model::Account> {
    let administrator = kms.local_administrator(kms.account(name)?.id);
    kms.protect_account(&administrator, on)?;
    Ok(kms.account(name)?)
}

fn view(account: keybridge_core::model::Account) -> AccountView {
    AccountView {
        name: account.name,
        id: account.id.to_string(),
        token_label: account.token.label,
        deletion_protection: account.deletion_protection,
        created: output::time(account.created),
    }
}
