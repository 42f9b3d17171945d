//! Files that `init` makes: never over another, readable by the owner only, and gone again when
//! `init` fails.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::cli::failure::{Failure, Outcome};

/// What has been made so far. Dropping it without [`MadeFiles::keep`] removes it all.
#[derive(Debug, Default)]
pub(crate) struct MadeFiles {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    trees: Vec<PathBuf>,
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner only.
    Owner,
    /// Everybody.
    Everybody,
}

impl MadeFiles {
    /// Makes a folder and those above it that are not there. One that is there is left as it is.
    ///
    /// # Errors
    /// [`Failure::File`].
    pub(crate) fn folder(&mut self, path: &Path) -> Outcome {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.folder(parent)?;
        }
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => self.folders.push(path.to_owned()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
            Err(error) => return Err(failed("cannot make the folder", path, error)),
        }
        Ok(())
    }

    /// Writes a new file.
    ///
    /// # Errors
    /// [`Failure::FileExists`], [`Failure::File`].
    pub(crate) fn write(&mut self, path: &Path, content: &[u8], readers: Readers) -> Outcome {
        let mode = match readers {
            Readers::Owner => 0o600,
            Readers::Everybody => 0o644,
        };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)
            .map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => Failure::FileExists(path.to_owned()),
                _ => failed("cannot write", path, error),
            })?;
        self.files.push(path.to_owned());
        file.write_all(content)
            .and_then(|()| file.sync_all())
            .map_err(|error| failed("cannot write", path, error))
    }

    /// Notes a file that somebody else is about to make. It must not be there yet.
    ///
    /// # Errors
    /// [`Failure::FileExists`].
    pub(crate) fn expect(&mut self, path: &Path) -> Outcome {
        refuse_existing(path)?;
        self.files.push(path.to_owned());
        Ok(())
    }

    /// Notes a folder that somebody else is about to make and fill. It must not be there yet.
    ///
    /// # Errors
    /// [`Failure::FileExists`].
    pub(crate) fn expect_folder(&mut self, path: &Path) -> Outcome {
        refuse_existing(path)?;
        self.trees.push(path.to_owned());
        Ok(())
    }

    /// Everything succeeded: the files stay.
    pub(crate) fn keep(mut self) {
        self.files.clear();
        self.folders.clear();
        self.trees.clear();
    }
}

impl Drop for MadeFiles {
    fn drop(&mut self) {
        for file in self.files.iter().rev() {
            let _ = fs::remove_file(file);
        }
        for tree in &self.trees {
            let _ = fs::remove_dir_all(tree);
        }
        // Only folders that are empty again go: somebody may have put something in meanwhile.
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Refuses a path at which there is something, even a dangling link.
///
/// # Errors
/// [`Failure::FileExists`].
pub(crate) fn refuse_existing(path: &Path) -> Outcome {
    match path.symlink_metadata() {
        Ok(_) => Err(Failure::FileExists(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("cannot look at", path, error)),
    }
}

fn failed(what: &'static str, path: &Path, error: std::io::Error) -> Failure {
    Failure::File {
        what,
        path: path.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn unkept_files_go_and_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let bridge = dir.path().join("a/b");
        let mut made = MadeFiles::default();
        made.folder(&bridge).unwrap();
        made.write(&bridge.join("one"), b"1", Readers::Owner)
            .unwrap();
        drop(made);
        assert!(!dir.path().join("a").exists());

        fs::create_dir_all(&bridge).unwrap();
        fs::write(bridge.join("mine"), b"precious").unwrap();
        let mut made = MadeFiles::default();
        made.folder(&bridge).unwrap();
        made.write(&bridge.join("one"), b"1", Readers::Owner)
            .unwrap();
        let refused = made.write(&bridge.join("mine"), b"2", Readers::Owner);
        assert!(matches!(refused, Err(Failure::FileExists(path)) if path.ends_with("mine")));
        drop(made);
        assert_eq!(fs::read(bridge.join("mine")).unwrap(), b"precious");
        assert!(!bridge.join("one").exists());
    }

    #[test]
    fn kept_files_stay_with_their_mode() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        let mut made = MadeFiles::default();
        made.write(&key, b"k", Readers::Owner).unwrap();
        made.keep();
        assert_eq!(
            fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
