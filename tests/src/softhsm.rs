//! SoftHSM2 as the HSM of the tests: a token in a folder of its own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::command::Command;
use crate::p11::Token;

/// Where Debian puts the module.
pub const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A SoftHSM2 token store with one token in it. Gone when dropped.
#[derive(Debug)]
pub struct SoftHsm {
    dir: TempDir,
    /// Label of the token.
    pub label: String,
}

impl SoftHsm {
    /// PIN of the security officer.
    pub const SO_PIN: &'static str = "87654321";
    /// PIN of the user.
    pub const PIN: &'static str = "123456";

    /// A fresh token store with one initialized token.
    #[must_use]
    #[track_caller]
    pub fn new(label: &str) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let tokens = dir.path().join("tokens");
        fs::create_dir(&tokens).expect("make the token folder");
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(dir.path().join("softhsm2.conf"), conf).expect("write softhsm2.conf");
        let hsm = Self {
            dir,
            label: label.to_owned(),
        };
        Command::new("softhsm2-util")
            .envs(&hsm.env())
            .words("--init-token --free --label")
            .arg(label)
            .args(["--so-pin", Self::SO_PIN, "--pin", Self::PIN])
            .ok();
        hsm
    }

    /// The file that `SOFTHSM2_CONF` names.
    #[must_use]
    pub fn conf(&self) -> PathBuf {
        self.dir.path().join("softhsm2.conf")
    }

    /// The folder that holds the tokens; moving it away makes the HSM unreachable.
    #[must_use]
    pub fn tokens(&self) -> PathBuf {
        self.dir.path().join("tokens")
    }

    /// The folder of this HSM, for scratch files that should go with it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The environment in which the module finds this token.
    #[must_use]
    pub fn env(&self) -> Vec<(OsString, OsString)> {
        vec![("SOFTHSM2_CONF".into(), self.conf().into())]
    }

    /// This token as PKCS#11 programs see it.
    #[must_use]
    pub fn token(&self) -> Token {
        Token {
            module: MODULE.into(),
            env: self.env(),
            label: self.label.clone(),
            so_pin: Self::SO_PIN.to_owned(),
            pin: Self::PIN.to_owned(),
        }
    }
}
