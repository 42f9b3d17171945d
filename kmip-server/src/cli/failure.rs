//! What a command can end with, and its exit code: the one table of `keybridge --help`.

use std::path::PathBuf;
use std::process::ExitCode;

use keybridge_core::Error;

use crate::pki::PkiError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The key manager refused.
    #[error("{0}")]
    Core(#[from] Error),
    /// Certificates.
    #[error("{0}")]
    Pki(#[from] PkiError),
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// A file that would be overwritten.
    #[error("{} exists already; nothing was changed", .0.display())]
    FileExists(PathBuf),
    /// A file that cannot be read or written.
    #[error("{what} {}: {error}", path.display())]
    File {
        /// `cannot write`, …
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's word.
        error: std::io::Error,
    },
    /// A check found something wrong.
    #[error("{0}")]
    Verification(String),
    /// The server cannot start or go on.
    #[error("{0}")]
    Server(String),
}

/// Exit codes of the program, as `keybridge --help` lists them.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong usage
  3  no such key, object, client, account or alias
  4  not permitted, or wrong PIN, passphrase or credential
  5  a verification failed
  6  exists already
  7  the configuration, the store or the HSM cannot be used";

impl Failure {
    /// The exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Core(error) => core_code(error),
            Self::Usage(_) => 2,
            Self::Verification(_) => 5,
            Self::FileExists(_) => 6,
            Self::Pki(_) | Self::File { .. } | Self::Server(_) => 1,
        })
    }

    /// What to do about it, if there is something to say beyond the message.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        let Self::Core(error) = self else {
            return match self {
                Self::FileExists(_) => {
                    Some("choose another folder, or move the file away if you do not need it")
                }
                _ => None,
            };
        };
        Some(match error {
            Error::SealFailed(_) => {
                "check KEYBRIDGE_PASSPHRASE, or the file that [seal] of the configuration names"
            }
            Error::KeyState { .. } | Error::IllegalKeyTransition { .. } => {
                "`keybridge key show` tells more; `key enable` or `key cancel-delete` opens it"
            }
            Error::Configuration(_) => {
                "--config FILE or KEYBRIDGE_CONFIG names the file; `keybridge init` makes one, with every setting explained"
            }
            Error::HsmUnavailable { .. } => {
                "check the module's path, the token's label and the PIN in [[hsm.pool]]"
            }
            Error::Store(_) => "[store] path of the configuration names the file",
            Error::NotFound {
                what: "account", ..
            } => "`keybridge account list` lists the accounts",
            Error::NotFound { what: "key", .. } => "`keybridge key list` lists the keys",
            Error::NotFound { what: "client", .. } => "`keybridge client list` lists the clients",
            _ => return None,
        })
    }
}

fn core_code(error: &Error) -> u8 {
    match error {
        Error::NotFound { .. } => 3,
        Error::Denied(_)
        | Error::LoginRequired
        | Error::LoginEnded
        | Error::WrongCredential
        | Error::CredentialLocked
        | Error::CredentialRevoked(_)
        | Error::PinNotInitialized
        | Error::SealFailed(_) => 4,
        Error::Tampered { .. } | Error::SignatureInvalid => 5,
        Error::AlreadyExists { .. } => 6,
        Error::Configuration(_)
        | Error::SecretFile { .. }
        | Error::Store(_)
        | Error::DiskFull
        | Error::HsmUnavailable { .. } => 7,
        _ => 1,
    }
}

/// Result of a command.
pub(super) type Outcome<T = ()> = Result<T, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented() {
        let failures = [
            Failure::Server(String::new()),
            Failure::Usage(String::new()),
            Failure::Core(Error::NotFound {
                what: "key",
                name: String::new(),
            }),
            Failure::Core(Error::WrongCredential),
            Failure::Verification(String::new()),
            Failure::FileExists(PathBuf::new()),
            Failure::Core(Error::Store(String::new())),
        ];
        for (failure, code) in failures.iter().zip(1_u8..) {
            assert_eq!(failure.exit_code(), ExitCode::from(code));
            assert!(EXIT_CODES.contains(&format!("\n  {code}  ")));
        }
    }
}
