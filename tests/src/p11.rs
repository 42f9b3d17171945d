//! A PKCS#11 token as its users see it: a module to load, an environment, a label and PINs.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::command::Command;

/// A token behind a PKCS#11 module: ours, or SoftHSM2's as the control group.
#[derive(Debug, Clone)]
pub struct Token {
    /// The module to load.
    pub module: PathBuf,
    /// The environment in which the module finds the token.
    pub env: Vec<(OsString, OsString)>,
    /// Label of the token.
    pub label: String,
    /// PIN of the security officer.
    pub so_pin: String,
    /// PIN of the user.
    pub pin: String,
}

impl Token {
    /// `program` in the token's environment.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        Command::new(program).envs(&self.env)
    }

    /// `pkcs11-tool` on this token, logged in as its user.
    #[must_use]
    pub fn tool(&self, words: &str) -> Command {
        self.tool_public(&format!("--login --pin {} {words}", self.pin))
    }

    /// `pkcs11-tool` on this token without a login.
    #[must_use]
    pub fn tool_public(&self, words: &str) -> Command {
        self.command("pkcs11-tool")
            .arg("--module")
            .arg(&self.module)
            .args(["--token-label", &self.label])
            .words(words)
    }

    /// `openssl` with its PKCS#11 engine loading this token's module.
    #[must_use]
    pub fn openssl(&self, words: &str) -> Command {
        self.command("openssl")
            .env("PKCS11_MODULE_PATH", &self.module)
            .words(words)
    }

    /// A PKCS#11 URI (RFC 7512) of an object of this token, with the PIN in it.
    #[must_use]
    pub fn uri(&self, object: &str, class: &str) -> String {
        format!(
            "{};pin-value={}",
            self.uri_without_pin(object, class),
            self.pin
        )
    }

    /// A PKCS#11 URI (RFC 7512) of an object of this token.
    #[must_use]
    pub fn uri_without_pin(&self, object: &str, class: &str) -> String {
        format!("pkcs11:token={};object={object};type={class}", self.label)
    }
}
