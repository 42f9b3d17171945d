//! Asking a person for the bridge's secrets. Files and the environment are the core's to look at
//! ([`keybridge_core::seal::secrets`]), the same for every door.

use std::io::IsTerminal;

use keybridge_core::seal::SecretSource;
use keybridge_core::{Error, Result, SecretBytes};

/// The passphrase's environment variable, as the core reads it.
pub const PASSPHRASE_VARIABLE: &str = "KEYBRIDGE_PASSPHRASE";

/// The person at the terminal, if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// The store is about to be made: its passphrase is asked for twice.
    pub new_store: bool,
}

impl SecretSource for Terminal {
    fn secret(&self, purpose: &str) -> Result<Option<SecretBytes>> {
        if !std::io::stdin().is_terminal() {
            return Ok(None);
        }
        // A HSM's PIN exists already, also when the store does not.
        if self.new_store && purpose.contains("passphrase") {
            return from_prompt_twice(purpose).map(Some);
        }
        from_prompt(purpose).map(Some)
    }
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
/// [`Error::Configuration`] when there is no terminal, [`Error::InvalidRequest`] when the two
/// differ.
pub fn from_prompt_twice(what: &str) -> Result<SecretBytes> {
    let first = from_prompt(&format!("new {what}"))?;
    let second = from_prompt(&format!("new {what}, again"))?;
    if first != second {
        return Err(Error::InvalidRequest(format!("the two {what}s differ")));
    }
    Ok(first)
}
