//! Where the PIN of a pool comes from, and that a wrong one is tried once.

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::module::lock;
use crate::error::{Error, Result};
use crate::seal::SecretSource;
use crate::secret::SecretBytes;

/// Bytes of a PIN file that are read: PKCS#11 tokens have PINs of at most 255 bytes, and a mistyped path must
/// not read a disk.
const PIN_FILE_LIMIT: u64 = 1024;

/// The PIN of one pool.
pub(super) struct PinSource {
    pool: String,
    secrets: Arc<dyn SecretSource>,
    /// What the person at the prompt said; asked once, because a login that is lost at night must come back
    /// without him.
    prompted: Mutex<Option<SecretBytes>>,
}

impl PinSource {
    pub(super) fn new(pool: &str, secrets: Arc<dyn SecretSource>) -> Self {
        Self {
            pool: pool.to_owned(),
            secrets,
            prompted: Mutex::default(),
        }
    }

    /// The PIN: from `file` if there is one, else the environment, else whoever answers for the door. None
    /// if there is no way to get it. Files are read anew each time, so that a corrected PIN file helps
    /// without a restart.
    pub(super) fn get(&self, file: Option<&Path>) -> Result<Option<SecretBytes>> {
        if let Some(path) = file {
            return read_file(path).map(Some);
        }
        if let Some(value) = std::env::var_os(variable(&self.pool)) {
            return match value.into_string() {
                Ok(text) => Ok(Some(SecretBytes::from(text))),
                Err(_) => Err(Error::Configuration(format!(
                    "{} is not UTF-8",
                    variable(&self.pool)
                ))),
            };
        }
        let mut prompted = lock(&self.prompted);
        if prompted.is_none() {
            let purpose = format!("PIN of HSM pool {:?}", self.pool);
            *prompted = self.secrets.secret(&purpose)?;
        }
        Ok(prompted.clone())
    }
}

/// `KEYBRIDGE_HSM_PIN_<POOL>`: upper case, `-` as `_`.
pub(super) fn variable(pool: &str) -> String {
    format!(
        "KEYBRIDGE_HSM_PIN_{}",
        pool.to_ascii_uppercase().replace('-', "_")
    )
}

fn read_file(path: &Path) -> Result<SecretBytes> {
    let cannot = |reason: &dyn std::fmt::Display| {
        Error::Configuration(format!("cannot read PIN file {}: {reason}", path.display()))
    };
    let file = std::fs::File::open(path).map_err(|error| cannot(&error))?;
    // Capacity for all of it at once: a growing vector leaves copies behind.
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(PIN_FILE_LIMIT as usize + 1));
    file.take(PIN_FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > PIN_FILE_LIMIT {
        return Err(cannot(&format_args!("more than {PIN_FILE_LIMIT} bytes")));
    }
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or(&[]);
    let pin = line.strip_suffix(b"\r").unwrap_or(line);
    if pin.is_empty() {
        return Err(cannot(&"it is empty"));
    }
    Ok(SecretBytes::from(pin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_upper_case_without_dashes() {
        assert_eq!(variable("hsm-east-1"), "KEYBRIDGE_HSM_PIN_HSM_EAST_1");
    }

    #[test]
    fn a_pin_file_is_its_first_line() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("pin");
        for text in ["1234", "1234\n", "1234\r\n", "1234\nsecond line\n"] {
            std::fs::write(&path, text).expect("write");
            assert_eq!(read_file(&path).expect("read").expose(), b"1234");
        }
        for bad in ["", "\n", &"x".repeat(2000)] {
            std::fs::write(&path, bad).expect("write");
            assert!(matches!(read_file(&path), Err(Error::Configuration(_))));
        }
        assert!(matches!(
            read_file(&folder.path().join("missing")),
            Err(Error::Configuration(_))
        ));
    }
}
