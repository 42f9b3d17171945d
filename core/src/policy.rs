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
use crate::mechanism::Mechanism;

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
        match NAMES.iter().find(|(_, number)| *number == self.number) {
            Some((name, _)) => f.write_str(name),
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
        let named = NAMES.iter().find(|(name, _)| *name == text);
        let number = named.map(|(_, number)| *number);
        number
            .map(|number| DeniedMechanism { number })
            .ok_or_else(|| {
                E::custom(format!(
                    "{text:?} is no mechanism known here by name; say its number, like 0x1081"
                ))
            })
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> std::result::Result<DeniedMechanism, E> {
        let number = u64::try_from(number)
            .map_err(|_| E::custom(format!("{number} is no number of a mechanism")))?;
        Ok(DeniedMechanism { number })
    }
}

macro_rules! names {
    ($($name:ident)+) => {
        /// Mechanisms by the names of `pkcs11t.h`.
        const NAMES: &[(&str, u64)] = &[$((stringify!($name), cryptoki_sys::$name as u64)),+];
    };
}

names! {
    CKM_RSA_PKCS_KEY_PAIR_GEN CKM_RSA_PKCS CKM_RSA_X_509 CKM_RSA_PKCS_OAEP CKM_RSA_PKCS_PSS
    CKM_SHA1_RSA_PKCS CKM_SHA224_RSA_PKCS CKM_SHA256_RSA_PKCS CKM_SHA384_RSA_PKCS
    CKM_SHA512_RSA_PKCS CKM_SHA3_224_RSA_PKCS CKM_SHA3_256_RSA_PKCS CKM_SHA3_384_RSA_PKCS
    CKM_SHA3_512_RSA_PKCS CKM_SHA1_RSA_PKCS_PSS CKM_SHA224_RSA_PKCS_PSS CKM_SHA256_RSA_PKCS_PSS
    CKM_SHA384_RSA_PKCS_PSS CKM_SHA512_RSA_PKCS_PSS CKM_SHA3_224_RSA_PKCS_PSS
    CKM_SHA3_256_RSA_PKCS_PSS CKM_SHA3_384_RSA_PKCS_PSS CKM_SHA3_512_RSA_PKCS_PSS
    CKM_EC_KEY_PAIR_GEN CKM_EC_EDWARDS_KEY_PAIR_GEN CKM_EC_MONTGOMERY_KEY_PAIR_GEN CKM_ECDSA
    CKM_ECDSA_SHA1 CKM_ECDSA_SHA224 CKM_ECDSA_SHA256 CKM_ECDSA_SHA384 CKM_ECDSA_SHA512
    CKM_ECDSA_SHA3_224 CKM_ECDSA_SHA3_256 CKM_ECDSA_SHA3_384 CKM_ECDSA_SHA3_512 CKM_EDDSA
    CKM_ECDH1_DERIVE CKM_ECDH1_COFACTOR_DERIVE CKM_ECDH_AES_KEY_WRAP CKM_RSA_AES_KEY_WRAP
    CKM_AES_KEY_GEN CKM_AES_ECB CKM_AES_CBC CKM_AES_CBC_PAD CKM_AES_CTR CKM_AES_CTS CKM_AES_GCM
    CKM_AES_CCM CKM_AES_GMAC CKM_AES_CMAC CKM_AES_CMAC_GENERAL CKM_AES_MAC CKM_AES_MAC_GENERAL
    CKM_AES_OFB CKM_AES_CFB8 CKM_AES_CFB128 CKM_AES_XTS CKM_AES_XCBC_MAC CKM_AES_KEY_WRAP
    CKM_AES_KEY_WRAP_PAD CKM_AES_KEY_WRAP_KWP CKM_AES_ECB_ENCRYPT_DATA CKM_AES_CBC_ENCRYPT_DATA
    CKM_GENERIC_SECRET_KEY_GEN CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SHA224_HMAC
    CKM_SHA224_HMAC_GENERAL CKM_SHA256_HMAC CKM_SHA256_HMAC_GENERAL CKM_SHA384_HMAC
    CKM_SHA384_HMAC_GENERAL CKM_SHA512_HMAC CKM_SHA512_HMAC_GENERAL CKM_SHA3_224_HMAC
    CKM_SHA3_256_HMAC CKM_SHA3_384_HMAC CKM_SHA3_512_HMAC CKM_HKDF_DERIVE CKM_HKDF_DATA
    CKM_HKDF_KEY_GEN CKM_SP800_108_COUNTER_KDF CKM_SP800_108_FEEDBACK_KDF
    CKM_SP800_108_DOUBLE_PIPELINE_KDF CKM_PKCS5_PBKD2 CKM_CONCATENATE_BASE_AND_KEY
    CKM_CONCATENATE_BASE_AND_DATA CKM_CONCATENATE_DATA_AND_BASE CKM_XOR_BASE_AND_DATA
    CKM_EXTRACT_KEY_FROM_KEY CKM_CHACHA20 CKM_CHACHA20_POLY1305 CKM_CHACHA20_KEY_GEN
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
    fn a_wrong_setting_is_named_with_its_line() {
        for (text, words) in [
            ("\nrole-look = false", "line 2"),
            ("\n\ndeny-mechanisms = [\"CKM_AES_EBC\"]", "line 3"),
            ("\ndeny-mechanisms = [-1]", "line 2"),
            ("\n[account.a]\nstrong-wrapping = 1", "line 3"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }
}
