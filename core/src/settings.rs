//! The configuration file, `keybridge.toml`: the core's sections typed, the doors' sections handed on.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::policy::PolicySettings;

/// The whole file. Unknown sections and unknown keys are errors: a mistyped setting must not be silence.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConfigurationFile {
    /// `[store]`.
    pub store: StoreSettings,
    /// `[seal]`.
    pub seal: SealSettings,
    /// `[hsm]`.
    #[serde(default)]
    pub hsm: HsmSettings,
    /// `[limits]`.
    #[serde(default)]
    pub limits: Limits,
    /// `[deletion]`.
    #[serde(default)]
    pub deletion: DeletionSettings,
    /// `[policy]`.
    #[serde(default)]
    pub policy: PolicySettings,
    /// `[[token]]`: the PKCS#11 module's.
    #[serde(default)]
    pub token: Vec<toml::Table>,
    /// `[server]`: the server's.
    #[serde(default)]
    pub server: Option<toml::Table>,
}

/// What [`crate::Kms::open`] needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `[store]`.
    pub store: StoreSettings,
    /// `[seal]`.
    pub seal: SealSettings,
    /// `[hsm]`.
    pub hsm: HsmSettings,
    /// `[limits]`.
    pub limits: Limits,
    /// `[deletion]`.
    pub deletion: DeletionSettings,
    /// `[policy]`.
    pub policy: PolicySettings,
}

/// `[store]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreSettings {
    /// The SQLite file; relative paths start at the configuration file's folder.
    pub path: PathBuf,
}

/// `[seal]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum SealSettings {
    /// A passphrase, from the environment variable `KEYBRIDGE_PASSPHRASE`, this file, or a prompt.
    Passphrase {
        /// A file that holds it (one line).
        #[serde(rename = "passphrase-file")]
        passphrase_file: Option<PathBuf>,
    },
    /// A file of 32 random bytes.
    Keyfile {
        /// The file.
        path: PathBuf,
    },
    /// A non-extractable AES key in an HSM pool.
    Hsm {
        /// Name of the pool.
        pool: String,
    },
}

/// `[hsm]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HsmSettings {
    /// `[[hsm.pool]]`.
    #[serde(default)]
    pub pool: Vec<PoolSettings>,
}

/// `[[hsm.pool]]`: one HSM now; a vendor's cluster or several members later.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PoolSettings {
    /// Name, as keys and the seal refer to it.
    pub name: String,
    /// `[[hsm.pool.member]]`.
    pub member: Vec<MemberSettings>,
}

/// `[[hsm.pool.member]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MemberSettings {
    /// The vendor's PKCS#11 module.
    pub module: PathBuf,
    /// Token by label …
    pub token_label: Option<String>,
    /// … or by serial number.
    pub token_serial: Option<String>,
    /// File that holds the user PIN (one line); else `KEYBRIDGE_HSM_PIN_<POOL>` or a prompt.
    pub pin_file: Option<PathBuf>,
    /// At most this many sessions; default 16.
    pub sessions: Option<usize>,
}

/// `[limits]`: each has a default; a refusal names the setting.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Wrong PINs or passwords before the credential locks.
    pub pin_tries: u32,
    /// Passwords over the network that one name may have tried in a minute, by all; 0 is no limit. Right ones do not count.
    pub name_tries_per_minute: u32,
    /// Passwords that one source (an IPv4 address, a /64 of IPv6) may try in a minute; 0 is no limit. Right ones do not
    /// count.
    pub source_tries_per_minute: u32,
    /// Shortest PIN, bytes.
    pub pin_min: usize,
    /// Longest PIN, bytes.
    pub pin_max: usize,
    /// Bytes of an object's value.
    pub object_bytes: usize,
    /// Bytes of all attributes of an object.
    pub attribute_bytes: usize,
    /// Objects an account may have.
    pub objects_per_account: u64,
    /// Objects and keys in one answer of a search.
    pub found_objects: usize,
    /// Session objects of one account in one process.
    pub session_objects: usize,
    /// Session objects of all accounts in one process.
    pub session_objects_in_all: usize,
    /// Bytes of random data in one call.
    pub random_bytes: usize,
    /// Objects kept ready in memory.
    pub cached_objects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pin_tries: 10,
            name_tries_per_minute: 20,
            source_tries_per_minute: 120,
            pin_min: 4,
            pin_max: 255,
            object_bytes: 1 << 20,
            attribute_bytes: 1 << 18,
            objects_per_account: 10_000_000,
            found_objects: 10_000_000,
            session_objects: 100_000,
            session_objects_in_all: 400_000,
            random_bytes: 1 << 20,
            cached_objects: 100_000,
        }
    }
}

/// `[deletion]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeletionSettings {
    /// Days between a PKCS#11 or KMS deletion and its execution; 0 destroys at once.
    pub window_days: u32,
}

impl Default for DeletionSettings {
    fn default() -> Self {
        Self { window_days: 7 }
    }
}

impl ConfigurationFile {
    /// Reads a file; relative paths in it become absolute.
    ///
    /// # Errors
    /// [`Error::Configuration`] with the file's name, the line and what is wrong.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::Configuration(format!("cannot read {shown}: {error}")))?;
        let mut file: Self = toml::from_str(&text)
            .map_err(|error| Error::Configuration(format!("{shown}: {error}")))?;
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        file.make_absolute(folder);
        Ok(file)
    }

    fn make_absolute(&mut self, folder: &Path) {
        let absolute = |path: &mut PathBuf| *path = folder.join(&*path);
        absolute(&mut self.store.path);
        match &mut self.seal {
            SealSettings::Passphrase {
                passphrase_file: Some(path),
            }
            | SealSettings::Keyfile { path } => absolute(path),
            SealSettings::Passphrase {
                passphrase_file: None,
            }
            | SealSettings::Hsm { .. } => {}
        }
        for member in self.hsm.pool.iter_mut().flat_map(|pool| &mut pool.member) {
            if let Some(path) = &mut member.pin_file {
                absolute(path);
            }
        }
    }

    /// The core's part.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            store: self.store.clone(),
            seal: self.seal.clone(),
            hsm: self.hsm.clone(),
            limits: self.limits.clone(),
            deletion: self.deletion.clone(),
            policy: self.policy.clone(),
        }
    }
}
