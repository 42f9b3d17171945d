//! `keybridge status`: whether the bridge can work, and what it holds.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use keybridge_core::settings::SealSettings;
use keybridge_core::time::Timestamp;
use serde::Serialize;

use super::context::Configuration;
use super::failure::Outcome;
use super::output::{self, Output};
use crate::listener::{LEGACY_WARNING, Listener, Transport};
use crate::pki;
use crate::settings::ServerSettings;

/// How long a listener has to accept.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize)]
struct Status {
    version: &'static str,
    config: PathBuf,
    store: PathBuf,
    seal: String,
    accounts: Vec<AccountStatus>,
    listeners: Vec<ListenerStatus>,
    certificate_expires: Option<String>,
    certificate_expired: bool,
    /// What the PKCS#11 module shows, by `[[token]]`.
    slots: Vec<SlotStatus>,
    /// Keys that processes may have left in HSMs when they died, and that could not be removed yet.
    hsm_leftovers: usize,
}

#[derive(Debug, Serialize)]
struct AccountStatus {
    name: String,
    token_label: String,
    clients: usize,
    keys: usize,
    /// Rules that the configuration relaxes for it.
    relaxed: Vec<&'static str>,
    /// What the configuration demands beyond the rules.
    demands: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SlotStatus {
    slot: u32,
    account: String,
    /// Whether the store has that account: else the slot has a token that is not initialized.
    account_exists: bool,
}

#[derive(Debug, Serialize)]
struct ListenerStatus {
    address: SocketAddr,
    transport: Transport,
    listening: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

impl ListenerStatus {
    fn of(listener: &Listener) -> Self {
        let Listener {
            address, transport, ..
        } = *listener;
        Self {
            address,
            transport,
            listening: TcpStream::connect_timeout(&address, CONNECT_TIMEOUT).is_ok(),
            warning: (transport == Transport::LegacyTls).then_some(LEGACY_WARNING),
        }
    }

    fn for_people(&self) -> String {
        let word = if self.listening {
            "listening"
        } else {
            "not listening"
        };
        match self.transport {
            Transport::Tls => format!("{} ({word})", self.address),
            Transport::Https => format!("{} (HTTPS, {word})", self.address),
            Transport::LegacyTls => format!("{} (legacy TLS, {word})", self.address),
        }
    }
}

/// Keys counted one by one up to here; more are "at least".
const KEY_COUNT_LIMIT: usize = 100_000;

/// Opens the store, which proves configuration, seal and HSM, and reports.
pub(super) fn run(config: Option<&Path>, output: Output) -> Outcome {
    let configuration = Configuration::find(config)?;
    let tokens = keybridge_pkcs11::module::configured(&configuration.path)?;
    let kms = configuration.open()?;
    let mut accounts = Vec::new();
    for account in kms.accounts()? {
        let caller = kms.local_administrator(account.id);
        accounts.push(AccountStatus {
            clients: kms
                .clients(&caller)?
                .iter()
                .filter(|client| super::client::is_client(client))
                .count(),
            keys: kms.keys(&caller, 0, KEY_COUNT_LIMIT)?.len(),
            relaxed: kms.policy(account.id)?.relaxed(),
            demands: kms.policy(account.id)?.demands(),
            token_label: account.token.label,
            name: account.name,
        });
    }
    let slots = tokens.into_iter().map(|(slot, account)| SlotStatus {
        slot,
        account_exists: accounts.iter().any(|known| known.name == account),
        account,
    });
    let slots = slots.collect();
    // A bridge of PKCS#11 alone has no server.
    let server = match configuration.file.server {
        Some(_) => Some(configuration.server()?),
        None => None,
    };
    let listeners = server.iter().flat_map(ServerSettings::listeners);
    let listeners = listeners.map(|listener| ListenerStatus::of(&listener));
    let expires = server
        .as_ref()
        .and_then(|server| certificate_end(&server.certificate));
    if let Err(error) = kms.remove_leftovers() {
        tracing::warn!(%error, "what is left over in an HSM could not be removed");
    }
    let status = Status {
        hsm_leftovers: kms.leftovers()?,
        version: env!("CARGO_PKG_VERSION"),
        store: configuration.file.store.path.clone(),
        seal: match &configuration.file.seal {
            SealSettings::Passphrase { .. } => "passphrase".into(),
            SealSettings::Keyfile { .. } => "keyfile".into(),
            SealSettings::Hsm { pool } => format!("hsm:{pool}"),
        },
        accounts,
        slots,
        listeners: listeners.collect(),
        certificate_expired: expires.is_some_and(|end| end < Timestamp::now()),
        certificate_expires: expires.map(output::rfc3339),
        config: configuration.path,
    };
    output.show(&status, for_people)
}

fn certificate_end(path: &Path) -> Option<Timestamp> {
    let der = pki::read_certificate(path).ok()?;
    pki::facts(&der).ok().map(|facts| facts.expires)
}

fn for_people(status: &Status) -> String {
    let listeners: Vec<_> = status
        .listeners
        .iter()
        .map(ListenerStatus::for_people)
        .collect();
    let mut text = output::facts(&[
        ("keybridge", status.version.to_owned()),
        ("configuration", status.config.display().to_string()),
        ("store", status.store.display().to_string()),
        ("seal", format!("{} (opens)", status.seal)),
        ("KMIP", listeners.join(", ")),
        (
            "certificate until",
            match &status.certificate_expires {
                Some(end) if status.certificate_expired => {
                    format!("{end}: EXPIRED, clients refuse it")
                }
                end => end.clone().unwrap_or_default(),
            },
        ),
    ]);
    text.push('\n');
    let rows = status.accounts.iter().map(|account| {
        vec![
            account.name.clone(),
            account.token_label.clone(),
            account.clients.to_string(),
            account.keys.to_string(),
        ]
    });
    text.push_str(&output::table(
        &["account", "token", "clients", "keys"],
        rows,
    ));
    if status.hsm_leftovers > 0 {
        text.push_str(&format!(
            "\n{} keys are left over in HSMs (destroyed while theirs was away, or of processes that died)",
            status.hsm_leftovers
        ));
    }
    for listener in &status.listeners {
        if let Some(warning) = listener.warning {
            text.push_str(&format!("\n{}: {warning}", listener.address));
        }
    }
    for slot in status.slots.iter().filter(|slot| !slot.account_exists) {
        text.push_str(&format!(
            "\n[[token]] in slot {}: there is no account {:?} yet; C_InitToken or \
             `keybridge account create` makes it",
            slot.slot, slot.account
        ));
    }
    for account in &status.accounts {
        text.push_str(&policy_of(account));
    }
    text
}

/// What is said of an account's policy, where it is not the default.
fn policy_of(account: &AccountStatus) -> String {
    let mut text = String::new();
    if !account.relaxed.is_empty() {
        let rules = account.relaxed.join(", ");
        text.push_str(&format!("\n{}: RELAXED by [policy]: {rules}", account.name));
    }
    if !account.demands.is_empty() {
        let demands = account.demands.join(", ");
        text.push_str(&format!(
            "\n{}: demanded by [policy]: {demands}",
            account.name
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listener on OpenSSL for old devices is warned of, in both forms.
    #[test]
    fn legacy_tls_is_warned_of() {
        let listener = |transport| {
            ListenerStatus::of(&Listener {
                address: SocketAddr::from(([127, 0, 0, 1], 1)),
                transport,
                path: String::new(),
                identify_by: Vec::new(),
                client_ca: PathBuf::new(),
                client_crl: Vec::new(),
                require_crl: false,
                check_client_usage: false,
                account: None,
                attestation: Default::default(),
            })
        };
        let status = Status {
            version: "0",
            config: PathBuf::new(),
            store: PathBuf::new(),
            seal: String::new(),
            accounts: Vec::new(),
            listeners: vec![listener(Transport::Tls), listener(Transport::LegacyTls)],
            certificate_expires: None,
            certificate_expired: false,
            slots: Vec::new(),
            hsm_leftovers: 0,
        };
        let json = serde_json::to_value(&status).unwrap();
        assert!(json["listeners"][0].get("warning").is_none());
        assert_eq!(json["listeners"][1]["warning"], LEGACY_WARNING);
        let shown = for_people(&status);
        assert!(
            shown.contains("127.0.0.1:1 (legacy TLS, not listening)"),
            "{shown}"
        );
        let warning = format!("127.0.0.1:1: {LEGACY_WARNING}");
        assert_eq!(shown.matches(&warning).count(), 1, "{shown}");
    }
}
