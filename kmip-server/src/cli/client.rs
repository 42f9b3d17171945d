//! `keybridge client …`: who may connect to the servers.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use keybridge_core::SecretBytes;
use keybridge_core::kms::{NewClient, NewCredential};
use keybridge_core::model::{CredentialKind, Principal, Role};
use keybridge_core::time::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::context::Context;
use super::failure::{Failure, Outcome};
use super::init::{self, MadeFiles};
use super::output::{self, Output};
use crate::pki::{self, Authority};

/// Longest name of a client: the common name of a certificate has at most 64 characters (RFC 5280,
/// appendix A.1, ub-common-name).
const NAME_LIMIT: usize = 64;

/// `client …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a client: make it a certificate, or take the one it has
    Add {
        /// Its name, unique in the account
        name: String,
        /// What it may do
        #[arg(long, value_enum, default_value = "user")]
        role: ClientRole,
        /// Folder for NAME.crt, NAME.key and NAME.pem; `clients` beside the configuration by
        /// default
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Days that the certificate is good for
        #[arg(long, default_value_t = pki::CLIENT_DAYS, value_parser = days())]
        days: i64,
        /// The client's own certificate (PEM), signed by a CA that `[server] client-ca` names
        #[arg(long, value_name = "FILE", conflicts_with = "out")]
        certificate: Option<PathBuf>,
        /// Whoever shows a certificate that says this (cn=…, uid=…, serial=… or san=…) is the client,
        /// where `[server] identify-by` looks at it
        #[arg(
            long = "match",
            value_name = "CLAIM",
            conflicts_with_all = ["out", "certificate"]
        )]
        claim: Option<String>,
        /// The client proves itself by its name and a password (Username and Password, or Device) on
        /// top of a certificate; the file's first line is the password
        #[arg(
            long,
            value_name = "FILE",
            conflicts_with_all = ["out", "certificate", "claim"]
        )]
        password_file: Option<PathBuf>,
    },
    /// List clients
    List,
    /// Revoke a client's credentials; its next request is refused
    Revoke {
        /// Its name
        name: String,
    },
}

/// Validity of a certificate: up to that of the CA's own.
fn days() -> clap::builder::RangedI64ValueParser {
    clap::value_parser!(i64).range(1..=3650)
}

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ClientRole {
    /// Make and use keys
    User,
    /// Everything, also enabling and disabling keys
    Administrator,
    /// Read the audit, and nothing else
    Auditor,
}

impl From<ClientRole> for Role {
    fn from(role: ClientRole) -> Self {
        match role {
            ClientRole::User => Self::User,
            ClientRole::Administrator => Self::Administrator,
            ClientRole::Auditor => Self::Auditor,
        }
    }
}

#[derive(Debug, Serialize)]
struct ClientView {
    name: String,
    role: String,
    state: &'static str,
    subject: String,
    serial: String,
    fingerprint: String,
    expires: Option<String>,
    created: String,
}

#[derive(Debug, Serialize)]
struct Added {
    name: String,
    fingerprint: String,
    certificate: PathBuf,
    key: Option<PathBuf>,
    pem: Option<PathBuf>,
    ca: PathBuf,
}

/// Does a `client` command.
pub(super) fn run(command: Command, context: &Context, output: Output) -> Outcome {
    let Context { kms, caller, .. } = context;
    match command {
        Command::Add {
            name,
            role,
            certificate: Some(file),
            ..
        } => {
            check_name(&name)?;
            let facts = pki::facts(&pki::read_certificate(&file)?).map_err(|reason| {
                pki::PkiError::Certificate {
                    path: file.clone(),
                    reason,
                }
            })?;
            let added = Added {
                name: name.clone(),
                fingerprint: facts.fingerprint.clone(),
                certificate: file,
                key: None,
                pem: None,
                ca: context.configuration.server()?.client_ca,
            };
            let credential = init::credential(facts);
            kms.add_client(
                caller,
                NewClient {
                    name,
                    role: role.into(),
                    credential,
                },
            )?;
            output.show(&added, for_people)
        }
        Command::Add {
            name,
            role,
            claim: Some(claim),
            ..
        } => {
            let claim = plain(&claim);
            let credential = NewCredential::Subject(claim.clone());
            add_proof(context, name, role, credential, &claim, output)
        }
        Command::Add {
            name,
            role,
            password_file: Some(file),
            ..
        } => {
            let credential = NewCredential::Password(password(&file)?);
            add_proof(context, name, role, credential, "password", output)
        }
        Command::Add {
            name,
            role,
            out,
            days,
            ..
        } => add(context, &name, role.into(), out.as_deref(), days, output),
        Command::List => {
            let clients = kms.clients(caller)?;
            let views: Vec<_> = clients.iter().flat_map(views).collect();
            output.show(&views, |views| list(views))
        }
        Command::Revoke { name } => {
            kms.revoke_client(caller, &name)?;
            let done = serde_json::json!({ "name": name, "state": "revoked" });
            output.show(&done, |_| {
                format!("{name} is revoked; its next request is refused")
            })
        }
    }
}

/// Adds a client that has no certificate of its own here.
fn add_proof(
    context: &Context,
    name: String,
    role: ClientRole,
    credential: NewCredential,
    proof: &str,
    output: Output,
) -> Outcome {
    check_name(&name)?;
    let client = NewClient {
        name: name.clone(),
        role: role.into(),
        credential,
    };
    context.kms.add_client(&context.caller, client)?;
    let done = serde_json::json!({ "name": name, "proof": proof });
    output.show(&done, |_| {
        format!("{name} is added; it is known by its {proof}")
    })
}

/// A claim as it is compared: serial numbers without colons and leading zeros, DNS names in lower
/// case.
fn plain(claim: &str) -> String {
    match claim.split_once('=') {
        Some(("serial", value)) => format!("serial={}", pki::plain_serial(value)),
        Some(("san", value)) if !value.contains(['@', ':', '/']) => {
            format!("san={}", value.to_ascii_lowercase())
        }
        _ => claim.to_owned(),
    }
}

/// Shortest password of a client, in bytes: it is guessed at over the network, ten tries at most.
const PASSWORD_BYTES: usize = 8;

/// The first line of a file.
fn password(file: &Path) -> Outcome<SecretBytes> {
    let text = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|error| Failure::Usage(format!("cannot read {}: {error}", file.display())))?;
    let line = text.lines().next().unwrap_or_default();
    if line.len() < PASSWORD_BYTES {
        return Err(Failure::Usage(format!(
            "a password has at least {PASSWORD_BYTES} bytes"
        )));
    }
    Ok(SecretBytes::from(line))
}

/// Names become file names and subjects of certificates.
pub(super) fn check_name(name: &str) -> Outcome {
    let good = |c: char| c.is_alphanumeric() || "._-@ ".contains(c);
    if name.is_empty()
        || name.chars().count() > NAME_LIMIT
        || name.starts_with(['.', ' '])
        || !name.chars().all(good)
    {
        return Err(Failure::Usage(format!(
            "{name:?} is no name for a client: 1 to {NAME_LIMIT} letters, digits and . _ - @, \
             and no dot first"
        )));
    }
    Ok(())
}

fn add(
    context: &Context,
    name: &str,
    role: Role,
    out: Option<&Path>,
    days: i64,
    output: Output,
) -> Outcome {
    check_name(name)?;
    let server = context.configuration.server()?;
    let key = server.ca_private_key.as_deref().ok_or_else(|| {
        Failure::Usage(
            "[server] names no ca-private-key, so nobody signs here: give --certificate FILE"
                .into(),
        )
    })?;
    let authority = Authority::open(&server.client_ca, key)?;
    let folder = match out {
        Some(folder) => folder.to_owned(),
        None => context.configuration.folder().join(init::CLIENTS),
    };
    let issued = authority.issue_client(name, days)?;
    // The files first: a client that is known but has no files could only be revoked.
    let mut made = MadeFiles::default();
    made.folder(&folder)?;
    init::write_client(&folder, name, &issued, &mut made)?;
    let credential = init::credential(issued.facts.clone());
    context.kms.add_client(
        &context.caller,
        NewClient {
            name: name.to_owned(),
            role,
            credential,
        },
    )?;
    made.keep();
    let file = |end: &str| folder.join(format!("{name}.{end}"));
    let added = Added {
        name: name.to_owned(),
        fingerprint: issued.facts.fingerprint,
        certificate: file("crt"),
        key: Some(file("key")),
        pem: Some(file("pem")),
        ca: server.client_ca,
    };
    output.show(&added, for_people)
}

fn for_people(added: &Added) -> String {
    let show = |path: &Option<PathBuf>| {
        path.as_ref()
            .map(|path| path.display().to_string())
            .unwrap_or_default()
    };
    output::facts(&[
        ("client", added.name.clone()),
        ("certificate", added.certificate.display().to_string()),
        ("private key", show(&added.key)),
        ("both in one", show(&added.pem)),
        ("CA", added.ca.display().to_string()),
        ("fingerprint", added.fingerprint.clone()),
    ])
}

/// Whether a principal is somebody's who connects to a server; the others are the token's SO and
/// user.
pub(super) fn is_client(principal: &Principal) -> bool {
    principal
        .credentials
        .iter()
        .any(|credential| credential.name != "pin")
}

/// One row for each credential of a client. PINs are the token's, not a client's.
fn views(principal: &Principal) -> Vec<ClientView> {
    let now = Timestamp::now();
    let credentials = principal
        .credentials
        .iter()
        .filter(|credential| credential.name != "pin");
    credentials
        .map(|credential| {
            let (subject, fingerprint) = match &credential.kind {
                CredentialKind::Certificate {
                    subject,
                    fingerprint,
                } => (subject.clone(), fingerprint.clone()),
                CredentialKind::Subject { identity } => (identity.clone(), String::new()),
                CredentialKind::Password { .. } => ("password".to_owned(), String::new()),
            };
            ClientView {
                name: principal.name.clone(),
                role: format!("{:?}", principal.role).to_lowercase(),
                state: match (credential.revoked, credential.expires) {
                    (Some(_), _) => "revoked",
                    (None, Some(expires)) if expires <= now => "expired",
                    _ => "good",
                },
                subject,
                serial: credential.name.clone(),
                fingerprint,
                expires: credential.expires.map(output::rfc3339),
                created: output::rfc3339(principal.created),
            }
        })
        .collect()
}

fn list(views: &[ClientView]) -> String {
    let rows = views.iter().map(|client| {
        vec![
            client.name.clone(),
            client.role.clone(),
            client.state.to_owned(),
            client.expires.clone().unwrap_or_default(),
            client.serial.clone(),
        ]
    });
    output::table(&["name", "role", "state", "expires", "serial"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_folder() {
        for good in ["admin", "app-1", "a.b", "Jörg", "a b"] {
            check_name(good).unwrap();
        }
        for bad in ["", ".", "..", "a/b", "../x", "a\0", "a\nb", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
