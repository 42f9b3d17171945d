//! PINs and passwords: Argon2id, in the PHC string format.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{hmac, rand};

use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// Memory in KiB, passes and lanes: the second choice of RFC 9106 would cost 64 MiB inside every
/// application's process; these are OWASP's recommended minimum, about 15 ms.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

fn hasher() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None)
        .map_err(|error| Error::Internal(format!("Argon2 parameters: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of a password under a fresh salt.
pub(super) fn hash(password: &SecretBytes) -> Result<String> {
    let hash = hasher()?.hash_password(password.expose());
    hash.map(|hash| hash.to_string())
        .map_err(|error| Error::Internal(format!("Argon2: {error}")))
}

/// Whether a password is the one of a PHC string.
pub(super) fn matches(password: &SecretBytes, phc: &str) -> Result<bool> {
    let hash = PasswordHash::new(phc).map_err(|error| {
        Error::Internal(format!("a stored password hash does not parse: {error}"))
    })?;
    Ok(hasher()?.verify_password(password.expose(), &hash).is_ok())
}

/// Passwords that matched lately, as MACs under a key of this process: clients of the servers send
/// theirs with every message, and Argon2id is slow on purpose. A changed password has another PHC
/// string, and so another MAC.
struct Matched {
    key: hmac::Key,
    macs: Mutex<HashSet<[u8; 32]>>,
}

/// Passwords remembered; beyond, all are forgotten.
const REMEMBERED: usize = 1024;

static MATCHED: LazyLock<Option<Matched>> = LazyLock::new(|| {
    let mut key = [0; 32];
    // Without a random key nothing is remembered.
    rand::fill(&mut key).ok()?;
    Some(Matched {
        key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        macs: Mutex::default(),
    })
});

impl Matched {
    fn mac(&self, password: &SecretBytes, phc: &str) -> Option<[u8; 32]> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&(phc.len() as u64).to_be_bytes());
        context.update(phc.as_bytes());
        context.update(password.expose());
        context.sign().as_ref().try_into().ok()
    }
}

/// Whether this very password matched this PHC string lately.
pub(super) fn matched_lately(password: &SecretBytes, phc: &str) -> bool {
    let Some(matched) = MATCHED.as_ref() else {
        return false;
    };
    matched.mac(password, phc).is_some_and(|mac| {
        let macs = matched.macs.lock().unwrap_or_else(PoisonError::into_inner);
        macs.contains(&mac)
    })
}

/// Remembers that it matched.
pub(super) fn remember(password: &SecretBytes, phc: &str) {
    if let Some(matched) = MATCHED.as_ref()
        && let Some(mac) = matched.mac(password, phc)
    {
        let mut macs = matched.macs.lock().unwrap_or_else(PoisonError::into_inner);
        if macs.len() >= REMEMBERED {
            macs.clear();
        }
        macs.insert(mac);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_remembered_with_its_hash_only() {
        let phc = hash(&"correct".into()).expect("hash");
        assert!(!matched_lately(&"correct".into(), &phc));
        remember(&"correct".into(), &phc);
        assert!(matched_lately(&"correct".into(), &phc));
        assert!(!matched_lately(&"other".into(), &phc));
        let changed = hash(&"correct".into()).expect("hash");
        assert!(!matched_lately(&"correct".into(), &changed), "another salt");
    }

    #[test]
    fn only_the_same_password_matches() {
        let phc = hash(&"correct".into()).expect("hash");
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(matches(&"correct".into(), &phc).expect("well-formed"));
        assert!(!matches(&"Correct".into(), &phc).expect("well-formed"));
        assert!(matches(&"correct".into(), "nonsense").is_err());
    }
}
