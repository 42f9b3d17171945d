//! Where passphrases and PINs come from: a configured file, else an environment variable, else whoever
//! can be asked. One rule for every door.

use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// Bytes of a secret's file: a mistyped path must not read a disk.
const FILE_LIMIT: u64 = 4096;

/// Somebody to ask, if there is anybody: a person at a prompt. Files and the environment have been
/// looked at before.
pub trait SecretSource: Send + Sync {
    /// The secret for `purpose` (`store passphrase`, `PIN of HSM pool "x"`), or none if there is nobody to ask.
    ///
    /// # Errors
    /// [`Error::Configuration`] when asking fails.
    fn secret(&self, purpose: &str) -> Result<Option<SecretBytes>>;
}

/// Nobody: inside somebody else's process there is no prompt.
pub struct NobodyToAsk;

impl SecretSource for NobodyToAsk {
    fn secret(&self, _purpose: &str) -> Result<Option<SecretBytes>> {
        Ok(None)
    }
}

/// The value of an environment variable; none when it is not set or empty.
///
/// # Errors
/// [`Error::Configuration`] when it is not UTF-8.
pub fn from_environment(variable: &str) -> Result<Option<SecretBytes>> {
    match std::env::var(variable) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value.into())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Error::Configuration(format!("{variable} is not UTF-8")))
        }
    }
}

/// The first line of a file.
///
/// # Errors
/// [`Error::Configuration`] when it cannot be read, is empty or too long.
pub fn from_file(path: &Path) -> Result<SecretBytes> {
    let cannot = |reason: &dyn std::fmt::Display| {
        Error::Configuration(format!(
            "cannot read the secret in {}: {reason}",
            path.display()
        ))
    };
    let file = std::fs::File::open(path).map_err(|error| cannot(&error))?;
    // Capacity for all of it at once: a growing vector leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_LIMIT as usize + 1));
    file.take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(cannot(&format_args!("it has more than {FILE_LIMIT} bytes")));
    }
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or(&[]);
    let secret = line.strip_suffix(b"\r").unwrap_or(line);
    if secret.is_empty() {
        return Err(cannot(&"its first line is empty"));
    }
    Ok(SecretBytes::from(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_first_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pin");
        let read = |text: &[u8]| {
            std::fs::write(&path, text).expect("write");
            from_file(&path)
        };
        assert_eq!(read(b"1234\nrest").expect("unix").expose(), b"1234");
        assert_eq!(read(b"1234\r\n").expect("dos").expose(), b"1234");
        assert_eq!(read(b" 12 ").expect("blanks are kept").expose(), b" 12 ");
        assert!(read(b"").is_err());
        assert!(read(b"\n1234").is_err());
        assert!(read(&[b'1'; 5000]).is_err());
        assert!(from_file(&folder.path().join("none")).is_err());
    }
}
