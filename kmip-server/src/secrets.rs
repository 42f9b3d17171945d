//! Where the bridge's own secrets come from when its configuration is opened: environment, file, prompt.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use keybridge_core::seal::SecretSource;
use keybridge_core::settings::{SealSettings, Settings};
use keybridge_core::{Error, Result, SecretBytes};
use zeroize::Zeroize;

/// The passphrase's environment variable.
pub const PASSPHRASE_VARIABLE: &str = "KEYBRIDGE_PASSPHRASE";
/// The HSM PIN's environment variable, for every pool without one of its own
/// (`KEYBRIDGE_HSM_PIN_<POOL>`).
pub const HSM_PIN_VARIABLE: &str = "KEYBRIDGE_HSM_PIN";

/// Longest secret taken from a file: a passphrase or a PIN is never near it.
const SECRET_FILE_LIMIT: u64 = 4096;

/// Environment, then configured file, then a prompt when there is a terminal.
#[derive(Debug)]
pub struct Secrets {
    passphrase_file: Option<PathBuf>,
    pin_files: Vec<(String, PathBuf)>,
    prompt: bool,
    new: bool,
}

impl Secrets {
    /// The secrets that `settings` refer to. Prompts when standard input is a terminal.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let passphrase_file = match &settings.seal {
            SealSettings::Passphrase { passphrase_file } => passphrase_file.clone(),
            _ => None,
        };
        let pin_files = settings
            .hsm
            .pool
            .iter()
            .filter_map(|pool| {
                let file = pool
                    .member
                    .iter()
                    .find_map(|member| member.pin_file.clone())?;
                Some((pool.name.clone(), file))
            })
            .collect();
        Self {
            passphrase_file,
            pin_files,
            prompt: std::io::stdin().is_terminal(),
            new: false,
        }
    }

    /// As [`Secrets::of`], for a store that is about to be made: a new passphrase is asked for twice.
    #[must_use]
    pub fn for_new_store(settings: &Settings) -> Self {
        Self {
            new: true,
            ..Self::of(settings)
        }
    }
}

impl SecretSource for Secrets {
    fn secret(&self, purpose: &str) -> Result<Option<SecretBytes>> {
        let pool = quoted(purpose);
        let (variables, file) = match pool {
            Some(pool) => (
                vec![pool_variable(pool), HSM_PIN_VARIABLE.to_owned()],
                self.pin_files
                    .iter()
                    .find(|(name, _)| name == pool)
                    .map(|(_, file)| file),
            ),
            None => (
                vec![PASSPHRASE_VARIABLE.to_owned()],
                self.passphrase_file.as_ref(),
            ),
        };
        if let Some(secret) = variables.iter().find_map(|name| from_environment(name)) {
            return Ok(Some(secret));
        }
        if let Some(file) = file {
            return from_file(file).map(Some);
        }
        match (self.prompt, self.new && pool.is_none()) {
            (true, true) => from_prompt_twice(purpose).map(Some),
            (true, false) => from_prompt(purpose).map(Some),
            (false, _) => Ok(None),
        }
    }
}

/// The part of a purpose in double quotes: the pool's name.
fn quoted(purpose: &str) -> Option<&str> {
    let (_, rest) = purpose.split_once('"')?;
    rest.split_once('"').map(|(name, _)| name)
}

/// The variable of a pool: its name in capitals, everything else than letters and digits as `_`.
fn pool_variable(pool: &str) -> String {
    let name: String = pool
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    format!("{HSM_PIN_VARIABLE}_{name}")
}

/// A secret from an environment variable; none when it is not set or empty.
#[must_use]
pub fn from_environment(name: &str) -> Option<SecretBytes> {
    let value = std::env::var(name).ok()?;
    (!value.is_empty()).then(|| SecretBytes::from(value))
}

/// The first line of a file.
///
/// # Errors
/// [`Error::Configuration`] when it cannot be read, is empty or too long.
pub fn from_file(path: &Path) -> Result<SecretBytes> {
    let failed = |reason: String| {
        Error::Configuration(format!(
            "cannot read the secret in {}: {reason}",
            path.display()
        ))
    };
    let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut bytes = Vec::with_capacity(256);
    file.take(SECRET_FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > SECRET_FILE_LIMIT {
        bytes.zeroize();
        return Err(failed(format!(
            "it has more than {SECRET_FILE_LIMIT} bytes"
        )));
    }
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let secret = SecretBytes::from(line);
    bytes.zeroize();
    if secret.is_empty() {
        return Err(failed("its first line is empty".into()));
    }
    Ok(secret)
}

/// Asks at the terminal, without showing what is typed.
///
/// # Errors
/// [`Error::Configuration`] when there is no terminal.
pub fn from_prompt(what: &str) -> Result<SecretBytes> {
    rpassword::prompt_password(format!("{what}: "))
        .map(SecretBytes::from)
        .map_err(|error| Error::Configuration(format!("cannot ask for the {what}: {error}")))
}

/// Asks twice for a secret that is set now.
///
/// # Errors
/// [`Error::Configuration`] when there is no terminal, [`Error::InvalidRequest`] when the two differ.
pub fn from_prompt_twice(what: &str) -> Result<SecretBytes> {
    let first = from_prompt(&format!("new {what}"))?;
    let second = from_prompt(&format!("new {what}, again"))?;
    if first != second {
        return Err(Error::InvalidRequest(format!("the two {what}s differ")));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_have_variables_of_their_own() {
        assert_eq!(quoted("PIN of HSM pool \"my-hsm\""), Some("my-hsm"));
        assert_eq!(quoted("store passphrase"), None);
        assert_eq!(pool_variable("my-hsm 2"), "KEYBRIDGE_HSM_PIN_MY_HSM_2");
    }

    #[test]
    fn a_secret_file_is_its_first_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pin");
        for (content, secret) in [("1234", "1234"), ("1234\n", "1234"), ("a b\r\nc", "a b")] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(from_file(&file).unwrap().expose(), secret.as_bytes());
        }
        for content in ["", "\nx", &"x".repeat(5000)] {
            std::fs::write(&file, content).unwrap();
            assert!(from_file(&file).is_err());
        }
        assert!(from_file(&dir.path().join("none")).is_err());
    }
}
