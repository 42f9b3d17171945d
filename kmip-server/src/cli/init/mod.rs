//! `keybridge init`: makes a bridge in a folder. All or nothing: what it made goes when something
//! fails.

mod files;
mod template;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use keybridge_core::kms::{NewClient, NewCredential};
use keybridge_core::model::Role;
use keybridge_core::seal::secrets;
use keybridge_core::settings::Limits;
use keybridge_core::{Door, Error, Kms, SecretBytes};
use serde::Serialize;

use super::context::Configuration;
use super::failure::{Failure, Outcome};
use super::output::Output;
use crate::pki::{Authority, CertificateFacts, Issued, ServerKey};
use crate::secrets::{PASSPHRASE_VARIABLE, Terminal, from_prompt_twice};

pub(super) use files::{MadeFiles, Readers, refuse_existing};
use template::{JOURNALS, KEYFILE, Pool, STORE, Seal, Template};

/// Account that is made when none is named.
const DEFAULT_ACCOUNT: &str = "main";
/// The folder of clients' certificates and keys, beside the configuration.
pub(super) const CLIENTS: &str = "clients";

/// How the root key is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SealKind {
    /// A passphrase: KEYBRIDGE_PASSPHRASE, --passphrase-file or a prompt
    Passphrase,
    /// A file of random bytes
    Keyfile,
    /// A key in the HSM
    Hsm,
}

/// Where keys live that PKCS#11 programs make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TokenProtection {
    /// Sealed in the store
    Software,
    /// In the HSM
    Hsm,
}

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Folder to make the bridge in; made when it is not there
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// What protects the root key
    #[arg(long, value_enum, default_value = "keyfile")]
    seal: SealKind,
    /// File whose first line is the store's passphrase
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Label of the PKCS#11 token; initializes it, with the PINs below
    #[arg(long, value_name = "LABEL")]
    token_label: Option<String>,
    /// PIN of the token's security officer; better --so-pin-file, KEYBRIDGE_SO_PIN or the prompt
    #[arg(long, value_name = "PIN", requires = "token_label", value_parser = parse_pin)]
    so_pin: Option<SecretBytes>,
    /// File whose first line is that PIN
    #[arg(
        long,
        value_name = "FILE",
        requires = "token_label",
        conflicts_with = "so_pin"
    )]
    so_pin_file: Option<PathBuf>,
    /// PIN of the token's user; better --pin-file, KEYBRIDGE_PIN or the prompt
    #[arg(long, value_name = "PIN", requires = "token_label", value_parser = parse_pin)]
    pin: Option<SecretBytes>,
    /// File whose first line is that PIN
    #[arg(
        long,
        value_name = "FILE",
        requires = "token_label",
        conflicts_with = "pin"
    )]
    pin_file: Option<PathBuf>,
    /// PKCS#11 module of an HSM, which becomes the pool `hsm`
    #[arg(long, value_name = "PATH", requires = "hsm_token_label")]
    hsm_module: Option<PathBuf>,
    /// Label of the token in the HSM
    #[arg(long, value_name = "LABEL", requires = "hsm_module")]
    hsm_token_label: Option<String>,
    /// File whose first line is the HSM's user PIN; else KEYBRIDGE_HSM_PIN_HSM or a prompt
    #[arg(long, value_name = "FILE", requires = "hsm_module")]
    hsm_pin_file: Option<PathBuf>,
    /// Where keys live that PKCS#11 programs make
    #[arg(long, value_enum, default_value = "software")]
    token_protection: TokenProtection,
    /// Key of the server's certificate
    #[arg(long, value_enum, default_value = "ecdsa")]
    server_key: ServerKey,
    /// A host name or address for the server's certificate, beside localhost and this machine's
    /// name
    #[arg(long, value_name = "NAME")]
    server_name: Vec<String>,
    /// Address of the KMIP listener
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5696")]
    listen: SocketAddr,
    /// Name of the first client
    #[arg(long, value_name = "NAME", default_value = "admin")]
    client: String,
}

/// A PIN among the arguments is a secret from there on.
fn parse_pin(text: &str) -> Result<SecretBytes, std::convert::Infallible> {
    Ok(SecretBytes::from(text))
}

/// The PINs of the new token.
struct Pins {
    security_officer: SecretBytes,
    user: SecretBytes,
}

/// What was made, for programs.
#[derive(Debug, Serialize)]
struct Made {
    config: PathBuf,
    account: String,
    token_label: Option<String>,
    ca_certificate: PathBuf,
    client: String,
    client_certificate: PathBuf,
    client_key: PathBuf,
    client_pem: PathBuf,
    listen: SocketAddr,
}

/// Makes the bridge.
pub(super) fn run(arguments: Arguments, account: Option<String>, output: Output) -> Outcome {
    check(&arguments)?;
    let account = account.unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned());
    super::client::check_name(&arguments.client)?;
    let dir = std::path::absolute(&arguments.dir).unwrap_or_else(|_| arguments.dir.clone());
    for name in [
        "keybridge.toml",
        STORE,
        KEYFILE,
        "ca.crt",
        "ca.key",
        "server.crt",
        "server.key",
    ] {
        refuse_existing(&dir.join(name))?;
    }
    let pins = pins(&arguments)?;
    check_passphrase(&arguments)?;

    let mut made = MadeFiles::default();
    made.folder(&dir)?;
    made.folder(&dir.join(CLIENTS))?;
    let config = dir.join("keybridge.toml");
    let text = configuration(&arguments, &account)?;
    made.write(&config, text.as_bytes(), Readers::Everybody)?;
    let client = certificates(&arguments, &dir, &mut made)?;
    store(
        &config,
        &arguments,
        &account,
        pins.as_ref(),
        client,
        &mut made,
    )?;
    made.keep();

    let clients = dir.join(CLIENTS);
    let file = |end: &str| clients.join(format!("{}.{end}", arguments.client));
    let summary = Made {
        config,
        account,
        token_label: arguments.token_label,
        ca_certificate: dir.join("ca.crt"),
        client_certificate: file("crt"),
        client_key: file("key"),
        client_pem: file("pem"),
        client: arguments.client,
        listen: arguments.listen,
    };
    output.show(&summary, what_next)
}

fn check(arguments: &Arguments) -> Outcome {
    let needs_hsm =
        arguments.seal == SealKind::Hsm || arguments.token_protection == TokenProtection::Hsm;
    if needs_hsm && arguments.hsm_module.is_none() {
        return Err(Failure::Usage(
            "an HSM is wanted: name it with --hsm-module and --hsm-token-label".into(),
        ));
    }
    if arguments.passphrase_file.is_some() && arguments.seal != SealKind::Passphrase {
        return Err(Failure::Usage(
            "--passphrase-file goes with --seal passphrase".into(),
        ));
    }
    Ok(())
}

fn pins(arguments: &Arguments) -> Outcome<Option<Pins>> {
    if arguments.token_label.is_none() {
        return Ok(None);
    }
    if arguments.so_pin.is_some() || arguments.pin.is_some() {
        eprintln!(
            "warning: a PIN given as an argument stands in the process list and in the shell's \
             history; --so-pin-file and --pin-file, KEYBRIDGE_SO_PIN and KEYBRIDGE_PIN, or the \
             prompt do not"
        );
    }
    let pins = Pins {
        security_officer: pin(
            arguments.so_pin.as_ref(),
            arguments.so_pin_file.as_deref(),
            "KEYBRIDGE_SO_PIN",
            "PIN of the security officer",
        )?,
        user: pin(
            arguments.pin.as_ref(),
            arguments.pin_file.as_deref(),
            "KEYBRIDGE_PIN",
            "PIN of the user",
        )?,
    };
    // Early, while nothing is made; the configuration that is written has these limits.
    let Limits {
        pin_min: min,
        pin_max: max,
        ..
    } = Limits::default();
    let fits = |pin: &SecretBytes| (min..=max).contains(&pin.len());
    if fits(&pins.security_officer) && fits(&pins.user) {
        return Ok(Some(pins));
    }
    Err(Error::PinLength { min, max }.into())
}

fn pin(
    argument: Option<&SecretBytes>,
    file: Option<&Path>,
    variable: &str,
    what: &str,
) -> Outcome<SecretBytes> {
    if let Some(pin) = argument {
        return Ok(pin.clone());
    }
    if let Some(file) = file {
        return Ok(secrets::from_file(file)?);
    }
    if let Some(pin) = secrets::from_environment(variable)? {
        return Ok(pin);
    }
    if std::io::stdin().is_terminal() {
        return Ok(from_prompt_twice(what)?);
    }
    Err(Failure::Usage(format!(
        "no {what}: give a file, {variable}, or run at a terminal"
    )))
}

/// Says early that there will be no passphrase.
fn check_passphrase(arguments: &Arguments) -> Outcome {
    let given = arguments.passphrase_file.is_some()
        || secrets::from_environment(PASSPHRASE_VARIABLE)?.is_some();
    if arguments.seal != SealKind::Passphrase || given || std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "no passphrase: set {PASSPHRASE_VARIABLE}, give --passphrase-file, or run at a terminal"
    )))
}

fn configuration(arguments: &Arguments, account: &str) -> Outcome<String> {
    let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let passphrase_file = arguments.passphrase_file.as_ref().map(absolute);
    let pin_file = arguments.hsm_pin_file.as_ref().map(absolute);
    let pool = arguments
        .hsm_module
        .as_deref()
        .zip(arguments.hsm_token_label.as_deref())
        .map(|(module, token_label)| Pool {
            module,
            token_label,
            pin_file: pin_file.as_deref(),
        });
    let template = Template {
        seal: match arguments.seal {
            SealKind::Passphrase => Seal::Passphrase(passphrase_file.as_deref()),
            SealKind::Keyfile => Seal::Keyfile,
            SealKind::Hsm => Seal::Hsm,
        },
        pool,
        account,
        token_label: arguments.token_label.as_deref(),
        token_in_hsm: arguments.token_protection == TokenProtection::Hsm,
        listen: &arguments.listen.to_string(),
    };
    Ok(template.render())
}

/// The CA, the server's certificate and the first client's.
fn certificates(
    arguments: &Arguments,
    dir: &Path,
    made: &mut MadeFiles,
) -> Outcome<CertificateFacts> {
    let (authority, own) = Authority::create("keybridge CA")?;
    made.write(
        &dir.join("ca.crt"),
        own.certificate.as_bytes(),
        Readers::Everybody,
    )?;
    made.write(&dir.join("ca.key"), own.key.as_bytes(), Readers::Owner)?;
    let server = authority.issue_server(arguments.server_key, &server_names(arguments))?;
    made.write(
        &dir.join("server.crt"),
        server.certificate.as_bytes(),
        Readers::Everybody,
    )?;
    made.write(
        &dir.join("server.key"),
        server.key.as_bytes(),
        Readers::Owner,
    )?;
    let client = authority.issue_client(&arguments.client, crate::pki::CLIENT_DAYS)?;
    write_client(&dir.join(CLIENTS), &arguments.client, &client, made)?;
    Ok(client.facts)
}

/// Writes a client's certificate, key, and both in one file (as pymongocrypt's users need it).
pub(super) fn write_client(
    folder: &Path,
    name: &str,
    client: &Issued,
    made: &mut MadeFiles,
) -> Outcome {
    let file = |end: &str| folder.join(format!("{name}.{end}"));
    made.write(
        &file("crt"),
        client.certificate.as_bytes(),
        Readers::Everybody,
    )?;
    made.write(&file("key"), client.key.as_bytes(), Readers::Owner)?;
    let both = zeroize::Zeroizing::new(format!("{}{}", client.certificate, client.key.as_str()));
    made.write(&file("pem"), both.as_bytes(), Readers::Owner)
}

fn server_names(arguments: &Arguments) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let listen = arguments.listen.ip();
    if !listen.is_unspecified() {
        names.push(listen.to_string());
    }
    // A name that no certificate can hold (an underscore, say) is left out rather than failing.
    if host
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
        && !host.is_empty()
    {
        names.push(host.to_owned());
    }
    names.extend(arguments.server_name.iter().cloned());
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The store with its account, token and first client.
fn store(
    config: &Path,
    arguments: &Arguments,
    account: &str,
    pins: Option<&Pins>,
    client: CertificateFacts,
    made: &mut MadeFiles,
) -> Outcome {
    let configuration = Configuration::find(Some(config))?;
    let settings = configuration.file.settings();
    for file in [
        STORE,
        &format!("{STORE}-wal"),
        &format!("{STORE}-shm"),
        KEYFILE,
    ] {
        made.expect(&configuration.folder().join(file))?;
    }
    made.expect_folder(&configuration.folder().join(JOURNALS))?;
    let kms = Kms::initialize(&settings, Arc::new(Terminal { new_store: true }))?;
    let filled = fill(&kms, arguments, account, pins, client);
    if filled.is_err() {
        kms.abandon();
    }
    filled
}

/// Its account, token and first client.
fn fill(
    kms: &Kms,
    arguments: &Arguments,
    account: &str,
    pins: Option<&Pins>,
    client: CertificateFacts,
) -> Outcome {
    let account = kms.create_account(account)?;
    if let (Some(label), Some(pins)) = (&arguments.token_label, pins) {
        let door = Door::CommandLine;
        kms.init_token(account.id, &pins.security_officer, label, door)?;
        let officer = kms.login(
            account.id,
            Role::SecurityOfficer,
            &pins.security_officer,
            door,
        )?;
        kms.init_pin(&officer, &pins.user)?;
    }
    let administrator = kms.local_administrator(account.id);
    kms.add_client(
        &administrator,
        NewClient {
            name: arguments.client.clone(),
            role: Role::User,
            credential: credential(client),
        },
    )?;
    Ok(())
}

/// A client certificate as a credential.
pub(super) fn credential(facts: CertificateFacts) -> NewCredential {
    NewCredential::Certificate {
        fingerprint: facts.fingerprint,
        subject: facts.subject,
        serial: facts.serial,
        expires: facts.expires,
    }
}

fn what_next(made: &Made) -> String {
    let config = shell_word(&made.config);
    let mut text = format!(
        "The bridge is ready. Next:\n\n  \
         export KEYBRIDGE_CONFIG={config}\n  keybridge serve\n\n\
         In another terminal:\n\n  \
         export KEYBRIDGE_CONFIG={config}\n  \
         keybridge key create my-key --type aes-256\n  \
         keybridge key list\n  keybridge audit list\n"
    );
    if let Some(label) = &made.token_label {
        text.push_str(&format!(
            "  pkcs11-tool --module libkeybridge_pkcs11.so --token-label {label} --login \
             --list-objects\n"
        ));
    }
    text.push_str(&format!(
        "\nKMIP clients connect to {} with\n  certificate  {}\n  private key  {}\n  \
         both in one  {}\n  CA           {}\nAnother client: keybridge client add NAME\n",
        made.listen,
        made.client_certificate.display(),
        made.client_key.display(),
        made.client_pem.display(),
        made.ca_certificate.display(),
    ));
    text
}

/// A path as a shell takes it.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
