//! Where passphrases and PINs come from: a configured file, else an environment variable, else whoever
//! can be asked. One rule for every door.

use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
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

/// The first line of a file that nobody else may read.
///
/// # Errors
/// [`Error::SecretFile`] when it cannot be read, is empty or too long, or others may read or write it.
pub fn from_file(path: &Path) -> Result<SecretBytes> {
    let cannot = |reason: &dyn std::fmt::Display| Error::SecretFile {
        path: path.display().to_string(),
        reason: reason.to_string(),
    };
    let file = std::fs::File::open(path).map_err(|error| cannot(&error))?;
    // Of the file that is read, not of what has that name a moment later.
    let metadata = file.metadata().map_err(|error| cannot(&error))?;
    check_private(path, &metadata).map_err(|reason| cannot(&reason))?;
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

/// Refuses a secret's file that others than its owner may read or write, as ssh does with keys. One that is another's (root's)
/// may have a group that reads it: how else would it come to us? So systemd (`LoadCredential=`) and Kubernetes (`fsGroup`)
/// hand out secrets. Pipes and terminals keep nothing.
pub(super) fn check_private(path: &Path, metadata: &Metadata) -> std::result::Result<(), String> {
    let mode = metadata.mode() & 0o7777;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    let (allowed, fit) = if ours { (0o700, "600") } else { (0o740, "440") };
    if !metadata.is_file() || mode & 0o777 & !allowed == 0 {
        return Ok(());
    }
    let others = match mode & 0o007 {
        0 => "its group",
        _ => "everybody on this machine",
    };
    Err(format!(
        "{others} may read or write it (mode {mode:04o}); run: chmod {fit} {path:?}"
    ))
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_may_read_is_refused_by_name_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a pin");
        std::fs::write(&path, "1234").expect("write");
        let read = |mode| {
            set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
            from_file(&path)
        };
        for mode in [0o600, 0o400, 0o700] {
            read(mode).expect("its owner's alone");
        }
        for mode in [0o640, 0o604, 0o660, 0o644, 0o620, 0o602, 0o666] {
            let refused = read(mode).expect_err("others'").to_string();
            assert!(
                refused.contains(&format!("chmod 600 {path:?}")),
                "{refused}"
            );
            assert!(refused.contains(&format!("{mode:04o}")), "{refused}");
        }
        assert!(
            read(0o640)
                .expect_err("group")
                .to_string()
                .contains("its group")
        );
        from_file(Path::new("/dev/null")).expect_err("nothing in it, whatever its mode");
    }

    /// As systemd and Kubernetes hand them out.
    #[test]
    fn a_group_may_read_what_is_not_ours() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pin");
        std::fs::write(&path, "1234").expect("write");
        if std::os::unix::fs::chown(&path, Some(65534), None).is_err() {
            // Only root can make the case.
            return;
        }
        let read = |mode| {
            set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
            from_file(&path)
        };
        for mode in [0o400, 0o440, 0o640] {
            read(mode).expect("handed out");
        }
        for mode in [0o444, 0o644, 0o460] {
            let refused = read(mode).expect_err("others'").to_string();
            assert!(refused.contains("chmod 440"), "{refused}");
        }
    }

    #[test]
    fn a_file_is_its_first_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pin");
        let read = |text: &[u8]| {
            std::fs::write(&path, text).expect("write");
            set_permissions(&path, Permissions::from_mode(0o600)).expect("chmod");
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
