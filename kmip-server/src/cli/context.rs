//! What a command works on: the configuration, the opened store, the account.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keybridge_core::settings::ConfigurationFile;
use keybridge_core::{Caller, Error, Kms};

use super::failure::{Failure, Outcome};
use crate::secrets::Terminal;
use crate::settings::ServerSettings;

/// The configuration's environment variable; the PKCS#11 module reads the same.
pub(super) const CONFIG_VARIABLE: &str = "KEYBRIDGE_CONFIG";

/// The configuration file and where it stands.
pub struct Configuration {
    /// Its path.
    pub path: PathBuf,
    /// What is in it.
    pub file: ConfigurationFile,
}

impl Configuration {
    /// Reads the file that `given` names, else the one that `KEYBRIDGE_CONFIG` names, else
    /// `/etc/keybridge/keybridge.toml`, else `~/.config/keybridge/keybridge.toml`.
    ///
    /// # Errors
    /// [`Error::Configuration`], also when none of them exists.
    pub fn find(given: Option<&Path>) -> Outcome<Self> {
        let path = match given {
            Some(path) => path.to_owned(),
            None => search()?,
        };
        let path = std::path::absolute(&path).unwrap_or(path);
        let file = ConfigurationFile::read(&path)?;
        Ok(Self { path, file })
    }

    /// The folder that relative paths start at.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new("."))
    }

    /// `[server]`.
    ///
    /// # Errors
    /// [`Error::Configuration`].
    pub fn server(&self) -> Outcome<ServerSettings> {
        Ok(ServerSettings::of(&self.file, self.folder())?)
    }

    /// Opens the store.
    ///
    /// # Errors
    /// Those of [`Kms::open`].
    pub fn open(&self) -> Outcome<Kms> {
        let settings = self.file.settings();
        Ok(Kms::open(&settings, Arc::new(Terminal::default()))?)
    }
}

fn search() -> Outcome<PathBuf> {
    if let Some(path) = std::env::var_os(CONFIG_VARIABLE).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let mut places = vec![PathBuf::from("/etc/keybridge/keybridge.toml")];
    if let Some(home) = std::env::var_os("HOME") {
        places.push(Path::new(&home).join(".config/keybridge/keybridge.toml"));
    }
    if let Some(found) = places.iter().find(|path| path.exists()) {
        return Ok(found.clone());
    }
    let shown: Vec<_> = places
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Err(Failure::Core(Error::Configuration(format!(
        "no configuration file: {CONFIG_VARIABLE} is not set, and there is none of {}",
        shown.join(", ")
    ))))
}

/// An opened store, seen by the local administrator of one account.
pub(super) struct Context {
    /// The key manager.
    pub kms: Kms,
    /// The administrator.
    pub caller: Arc<Caller>,
    /// The configuration.
    pub configuration: Configuration,
}

impl Context {
    /// Opens the store and chooses the account: the one named, else the only one there is.
    ///
    /// # Errors
    /// Those of [`Configuration::find`] and [`Kms::open`]; [`Failure::Usage`] when the account is
    /// not clear.
    pub(super) fn open(config: Option<&Path>, account: Option<&str>) -> Outcome<Self> {
        let configuration = Configuration::find(config)?;
        let kms = configuration.open()?;
        let account = match account {
            Some(name) => kms.account(name)?,
            None => only_account(&kms)?,
        };
        Ok(Self::of(configuration, kms, &account))
    }

    /// As [`Context::open`], for a command that does the same in every account.
    ///
    /// # Errors
    /// As [`Context::open`].
    pub(super) fn open_any(config: Option<&Path>, account: Option<&str>) -> Outcome<Self> {
        if account.is_some() {
            return Self::open(config, account);
        }
        let configuration = Configuration::find(config)?;
        let kms = configuration.open()?;
        let first = kms.accounts()?.into_iter().next();
        let first = first.ok_or_else(|| Failure::Usage("the store has no account".into()))?;
        Ok(Self::of(configuration, kms, &first))
    }

    fn of(
        configuration: Configuration,
        kms: Kms,
        account: &keybridge_core::model::Account,
    ) -> Self {
        Self {
            caller: kms.local_administrator(account.id),
            kms,
            configuration,
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // What is not folded now, the next process folds.
        if let Err(error) = self.kms.fold_audit() {
            eprintln!("warning: the audit's journal could not be folded: {error}");
        }
    }
}

fn only_account(kms: &Kms) -> Outcome<keybridge_core::model::Account> {
    let mut accounts = kms.accounts()?;
    match (accounts.pop(), accounts.is_empty()) {
        (Some(account), true) => Ok(account),
        (None, _) => Err(Failure::Usage("the store has no account".into())),
        (Some(last), false) => {
            let mut names: Vec<_> = accounts
                .iter()
                .map(|account| account.name.as_str())
                .collect();
            names.push(&last.name);
            Err(Failure::Usage(format!(
                "there are several accounts; choose with --account: {}",
                names.join(", ")
            )))
        }
    }
}
