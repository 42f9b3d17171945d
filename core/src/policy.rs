//! `[policy]`: what an operator demands beyond the rules that always hold, and which of those two that cost some
//! application its way are relaxed for it.
//!
//! ```toml
//! [policy]
//! deny-mechanisms = ["CKM_AES_ECB", "CKM_RSA_PKCS"]
//! authenticated-wrapping = true
//!
//! [policy.account.legacy]
//! role-lock = false
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::algorithm::KeySpec;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, names};

/// `[policy]` of the configuration: the policy of every account, and what is different for some.
#[derive(Clone, Debug, Default)]
pub struct PolicySettings {
    /// For accounts that nothing else is said about.
    pub all: Policy,
    /// `[policy.account.<name>]`.
    pub accounts: BTreeMap<String, Policy>,
}

/// The policy of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `role-lock`: a key that wraps is not used on data, and the other way round. Default true.
    pub role_lock: bool,
    /// `sticky-sensitivity`: a value that was sensitive is sensitive again when it comes back. Default true.
    pub sticky_sensitivity: bool,
    /// `authenticated-wrapping`: keys are wrapped only by mechanisms that find a changed wrapped key.
    pub authenticated_wrapping: bool,
    /// `strong-wrapping`: a wrapping key is at least as strong as what it wraps (SP 800-57 part 1, table 2).
    pub strong_wrapping: bool,
    /// `minimum-strength`: bits of security that a key made or brought in must have; 0 for any.
    pub minimum_strength: u32,
    /// `deny-mechanisms`: PKCS#11 mechanisms, by name or number, that no key is used or made with.
    pub deny_mechanisms: Vec<DeniedMechanism>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            role_lock: true,
            sticky_sensitivity: true,
            authenticated_wrapping: false,
            strong_wrapping: false,
            minimum_strength: 0,
            deny_mechanisms: Vec::new(),
        }
    }
}

impl Policy {
    /// Refuses a mechanism that is denied.
    ///
    /// # Errors
    /// [`Error::MechanismNotAllowed`].
    pub fn check_mechanism(&self, mechanism: &Mechanism, spec: Option<KeySpec>) -> Result<()> {
        if self.deny_mechanisms.is_empty() {
            return Ok(());
        }
        let numbers = mechanism.pkcs11_numbers(spec);
        if numbers.iter().any(|number| self.denies(*number)) {
            return Err(Error::MechanismNotAllowed(mechanism.name()));
        }
        Ok(())
    }

    /// Whether a PKCS#11 mechanism is denied.
    #[must_use]
    pub fn denies(&self, number: u64) -> bool {
        self.deny_mechanisms
            .iter()
            .any(|denied| denied.number == number)
    }

    /// Refuses a mechanism whose key generation is denied, and kinds of key that are too weak.
    pub(crate) fn check_kind(&self, spec: KeySpec, made_by: Option<u64>) -> Result<()> {
        if made_by.is_some_and(|number| self.denies(number)) {
            return Err(Error::PolicyForbids(
                "the policy denies the mechanism that makes this key",
            ));
        }
        if spec.strength_bits() < self.minimum_strength {
            return Err(Error::PolicyForbids(
                "the key is weaker than policy.minimum-strength",
            ));
        }
        Ok(())
    }

    /// Refuses a way of wrapping that is not good enough.
    pub(crate) fn check_wrapping(
        &self,
        mechanism: &Mechanism,
        wrapping: Option<KeySpec>,
        target: Option<KeySpec>,
    ) -> Result<()> {
        if self.authenticated_wrapping && !mechanism.authenticates() {
            return Err(Error::PolicyForbids(
                "policy.authenticated-wrapping demands a mechanism that finds a changed wrapped key",
            ));
        }
        if let (true, Some(wrapping), Some(target)) = (self.strong_wrapping, wrapping, target)
            && wrapping.strength_bits() < target.strength_bits()
        {
            return Err(Error::PolicyForbids(
                "policy.strong-wrapping demands a wrapping key at least as strong as its target",
            ));
        }
        Ok(())
    }

    /// The rules that it relaxes, by the names of their settings.
    #[must_use]
    pub fn relaxed(&self) -> Vec<&'static str> {
        let rules = [
            ("role-lock", self.role_lock),
            ("sticky-sensitivity", self.sticky_sensitivity),
        ];
        let off = rules.iter().filter(|(_, on)| !on);
        off.map(|(name, _)| *name).collect()
    }

    /// What it demands beyond the defaults, in the words of its settings.
    #[must_use]
    pub fn demands(&self) -> Vec<String> {
        let mut demands = Vec::new();
        if self.authenticated_wrapping {
            demands.push("authenticated-wrapping".to_owned());
        }
        if self.strong_wrapping {
            demands.push("strong-wrapping".to_owned());
        }
        if self.minimum_strength > 0 {
            demands.push(format!("minimum-strength = {}", self.minimum_strength));
        }
        let denied = self.deny_mechanisms.iter();
        demands.extend(denied.map(|mechanism| format!("no {mechanism}")));
        demands
    }
}

/// `[policy]` as it is written.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[derive(Default)]
struct Written {
    role_lock: Option<bool>,
    sticky_sensitivity: Option<bool>,
    authenticated_wrapping: Option<bool>,
    strong_wrapping: Option<bool>,
    minimum_strength: Option<u32>,
    deny_mechanisms: Option<Vec<DeniedMechanism>>,
    account: BTreeMap<String, WrittenAccount>,
}

/// `[policy.account.<name>]` as it is written: what it does not say is as for all accounts.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[derive(Default)]
struct WrittenAccount {
    role_lock: Option<bool>,
    sticky_sensitivity: Option<bool>,
    authenticated_wrapping: Option<bool>,
    strong_wrapping: Option<bool>,
    minimum_strength: Option<u32>,
    deny_mechanisms: Option<Vec<DeniedMechanism>>,
}

impl WrittenAccount {
    fn over(self, base: &Policy) -> Policy {
        let deny = self.deny_mechanisms;
        Policy {
            role_lock: self.role_lock.unwrap_or(base.role_lock),
            sticky_sensitivity: self.sticky_sensitivity.unwrap_or(base.sticky_sensitivity),
            authenticated_wrapping: self
                .authenticated_wrapping
                .unwrap_or(base.authenticated_wrapping),
            strong_wrapping: self.strong_wrapping.unwrap_or(base.strong_wrapping),
            minimum_strength: self.minimum_strength.unwrap_or(base.minimum_strength),
            deny_mechanisms: deny.unwrap_or_else(|| base.deny_mechanisms.clone()),
        }
    }
}

impl<'de> Deserialize<'de> for PolicySettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let all = WrittenAccount {
            role_lock: written.role_lock,
            sticky_sensitivity: written.sticky_sensitivity,
            authenticated_wrapping: written.authenticated_wrapping,
            strong_wrapping: written.strong_wrapping,
            minimum_strength: written.minimum_strength,
            deny_mechanisms: written.deny_mechanisms,
        }
        .over(&Policy::default());
        let accounts = written
            .account
            .into_iter()
            .map(|(name, account)| (name, account.over(&all)));
        Ok(Self {
            accounts: accounts.collect(),
            all,
        })
    }
}

/// A PKCS#11 mechanism that is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeniedMechanism {
    number: u64,
}

impl fmt::Display for DeniedMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match names::name_of(self.number) {
            Some(name) => f.write_str(name),
            None => write!(f, "mechanism {:#x}", self.number),
        }
    }
}

impl<'de> Deserialize<'de> for DeniedMechanism {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(ByNameOrNumber)
    }
}

struct ByNameOrNumber;

impl Visitor<'_> for ByNameOrNumber {
    type Value = DeniedMechanism;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a PKCS#11 mechanism: its name, like \"CKM_AES_ECB\", or its number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<DeniedMechanism, E> {
        names::number_of(text)
            .map(|number| DeniedMechanism { number })
            .ok_or_else(|| {
                E::custom(format!(
                    "{text:?} is no mechanism known here by name; say its number, like 0x1081"
                ))
            })
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> std::result::Result<DeniedMechanism, E> {
        // A number that a token shows for SM4 (`[token.numbers]`) is not that mechanism's in the core: what
        // would deny nothing must not look as if it did.
        u64::try_from(number)
            .ok()
            .filter(|number| names::name_of(*number).is_some())
            .map(|number| DeniedMechanism { number })
            .ok_or_else(|| {
                E::custom(format!(
                    "{number:#x} is no mechanism of the standard; say the name of a mechanism of ours, \
                     like \"CKM_KB_SM4_ECB\""
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> std::result::Result<PolicySettings, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn silence_is_the_careful_policy() {
        let settings = read("").unwrap();
        assert_eq!(settings.all, Policy::default());
        assert!(settings.all.relaxed().is_empty() && settings.all.demands().is_empty());
    }

    #[test]
    fn an_account_differs_where_it_says_so() {
        let settings = read(
            "deny-mechanisms = [\"CKM_AES_ECB\", 0x1]\nauthenticated-wrapping = true\n\
             [account.legacy]\nrole-lock = false\ndeny-mechanisms = []\n",
        )
        .unwrap();
        let legacy = &settings.accounts["legacy"];
        assert!(!legacy.role_lock && legacy.authenticated_wrapping);
        assert_eq!(legacy.relaxed(), ["role-lock"]);
        assert!(legacy.deny_mechanisms.is_empty());
        assert_eq!(
            settings.all.demands(),
            [
                "authenticated-wrapping",
                "no CKM_AES_ECB",
                "no CKM_RSA_PKCS"
            ]
        );
        let ecb = settings.all.check_mechanism(&Mechanism::Ecb, None);
        assert!(matches!(ecb, Err(Error::MechanismNotAllowed("ECB"))));
        assert!(legacy.check_mechanism(&Mechanism::Ecb, None).is_ok());
    }

    #[test]
    fn mechanisms_of_vendors_are_denied_by_name() {
        let settings = read("deny-mechanisms = [\"CKM_KB_SM4_ECB\", 0xcb420002]").unwrap();
        assert_eq!(
            settings.all.demands(),
            ["no CKM_KB_SM4_ECB", "no CKM_KB_SM3_HMAC"]
        );
        let denied = |mechanism: &Mechanism, spec| {
            settings.all.check_mechanism(mechanism, Some(spec)).is_err()
        };
        assert!(denied(&Mechanism::Ecb, KeySpec::Sm4));
        assert!(!denied(&Mechanism::Ecb, KeySpec::Aes { bits: 128 }));
        let hash = crate::HashAlgorithm::Sm3;
        let hmac = Mechanism::Hmac {
            hash,
            tag_length: 8,
        };
        assert!(denied(&hmac, KeySpec::Hmac { hash, bits: 256 }));
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_line() {
        for (text, words) in [
            ("\nrole-look = false", "line 2"),
            ("\n\ndeny-mechanisms = [\"CKM_AES_EBC\"]", "line 3"),
            ("\ndeny-mechanisms = [-1]", "line 2"),
            ("\ndeny-mechanisms = [0x80000105]", "CKM_KB_SM4_ECB"),
            ("\n[account.a]\nstrong-wrapping = 1", "line 3"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }
}
