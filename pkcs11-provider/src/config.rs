//! The configuration: which file, which tokens.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keybridge_core::seal::NobodyToAsk;
use keybridge_core::settings::ConfigurationFile;
use keybridge_core::{Error, Protection, Result};
use serde::Deserialize;

use crate::mechanisms::numbers::Numbers;
use crate::token::embedded::{Embedded, LazyStore};
use crate::token::{EdwardsPoint, Token};

/// The variable that names the configuration file.
const VARIABLE: &str = "KEYBRIDGE_CONFIG";

/// Where the file is looked for when the variable is not set; the second is below the home folder.
const SYSTEM_FILE: &str = "/etc/keybridge/keybridge.toml";
const HOME_FILE: &str = ".config/keybridge/keybridge.toml";

/// `[[token]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TokenSection {
    /// Where the keys are; only `embedded` so far.
    #[serde(default)]
    mode: Mode,
    /// The account of the store that this token shows.
    account: String,
    /// What an uninitialized token is called; `C_InitToken` gives it its own label.
    label: Option<String>,
    /// The slot it is in; the sections are counted when it is not given.
    slot: Option<u32>,
    /// Where keys that are made through this token live: `software` (default) or `hsm:POOL`.
    protection: Option<String>,
    /// How `CKA_EC_POINT` of Ed25519 and X25519 keys is told.
    #[serde(default)]
    edwards_point: EdwardsPoint,
    /// `[token.numbers]`: what the standard has no numbers for, by the numbers of a vendor.
    #[serde(default)]
    numbers: BTreeMap<String, i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    Embedded,
}

/// A token and the slot it is in.
pub(crate) struct ConfiguredToken {
    pub(crate) slot: u32,
    pub(crate) account: String,
    pub(crate) token: Box<dyn Token>,
}

/// The tokens of this process: those of the file that the environment names, or of the first
/// default file that there is. No file at all is no token and no error: the module is loaded into
/// processes that never heard of it.
///
/// # Errors
/// [`Error::Configuration`] for a file that is there and cannot be used.
pub(crate) fn tokens() -> Result<Vec<ConfiguredToken>> {
    match file() {
        Some(path) => read(&path),
        None => Ok(Vec::new()),
    }
}

fn file() -> Option<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).filter(|name| !name.is_empty()) {
        return Some(named.into());
    }
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(HOME_FILE));
    [Some(PathBuf::from(SYSTEM_FILE)), home]
        .into_iter()
        .flatten()
        .find(|path| path.exists())
}

/// The tokens of a configuration file.
///
/// # Errors
/// [`Error::Configuration`].
pub(crate) fn read(path: &Path) -> Result<Vec<ConfiguredToken>> {
    let file = ConfigurationFile::read(path)?;
    let store = Arc::new(LazyStore::new(file.settings(), Arc::new(NobodyToAsk)));
    let mut tokens: Vec<ConfiguredToken> = Vec::new();
    for (index, table) in file.token.iter().enumerate() {
        let wrong = |what: &dyn std::fmt::Display| {
            Error::Configuration(format!(
                "{}: [[token]] {}: {what}",
                path.display(),
                index + 1
            ))
        };
        let section: TokenSection = table.clone().try_into().map_err(|error| wrong(&error))?;
        let Mode::Embedded = section.mode;
        let slot = section
            .slot
            .unwrap_or(u32::try_from(index).unwrap_or(u32::MAX));
        if tokens.iter().any(|token| token.slot == slot) {
            return Err(wrong(&format_args!("slot {slot} is taken")));
        }
        let protection = match section.protection.as_deref() {
            None | Some("software") => Protection::Software,
            Some(text) => match text.strip_prefix("hsm:") {
                Some(pool) if file.hsm.pool.iter().any(|known| known.name == pool) => {
                    Protection::Hsm(pool.to_owned())
                }
                _ => return Err(wrong(&format_args!("no protection {text:?}"))),
            },
        };
        let numbers = Numbers::new(&section.numbers)
            .map_err(|what| wrong(&format_args!("numbers: {what}")))?;
        let label = section.label.unwrap_or_default();
        let token = Embedded::new(
            Arc::clone(&store),
            section.account.clone(),
            label,
            protection,
            section.edwards_point,
            numbers,
        );
        tokens.push(ConfiguredToken {
            slot,
            account: section.account,
            token: Box::new(token),
        });
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(tokens: &str) -> Result<Vec<u32>> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keybridge.toml");
        let common = "[store]\npath = 'store.db'\n[seal]\nkind = 'keyfile'\npath = 'key'\n\
            [[hsm.pool]]\nname = 'one'\nmember = []\n";
        std::fs::write(&path, format!("{common}{tokens}")).expect("written");
        Ok(read(&path)?.iter().map(|token| token.slot).collect())
    }

    #[test]
    fn tokens_count_their_slots() {
        let text = "[[token]]\naccount = 'a'\n[[token]]\naccount = 'b'\nprotection = 'hsm:one'\n";
        assert_eq!(read_text(text).expect("valid"), [0, 1]);
        assert_eq!(
            read_text("[[token]]\naccount = 'a'\nslot = 7\n").expect("valid"),
            [7]
        );
        assert_eq!(read_text("").expect("valid"), [0; 0]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, word) in [
            ("[[token]]\n", "account"),
            ("[[token]]\naccount = 'a'\ncolour = 'red'\n", "colour"),
            ("[[token]]\naccount = 'a'\nmode = 'psychic'\n", "psychic"),
            (
                "[[token]]\naccount = 'a'\nprotection = 'hsm:two'\n",
                "hsm:two",
            ),
            (
                "[[token]]\naccount = 'a'\nslot = 1\n[[token]]\naccount = 'b'\n",
                "taken",
            ),
            (
                "[[token]]\naccount = 'a'\n[token.numbers]\nCKM_SM4_ECB = 0x80000102\n",
                "[[token]] 1: numbers: CKM_SM4_ECB is called CKM_KB_SM4_ECB here",
            ),
        ] {
            let error = read_text(text).expect_err(text).to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
