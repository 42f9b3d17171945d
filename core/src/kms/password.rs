//! PINs and passwords: Argon2id, in the PHC string format.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{hmac, rand};

use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// Memory in KiB, passes and lanes: the second choice of RFC 9106 would cost 64 MiB inside every
/// application's process; these are OWASP's recommended minimum, about 15 ms.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Hashes at a time, so 76 MiB at most; whoever comes later waits.
const AT_A_TIME: usize = 4;

/// Passwords remembered; beyond, all are forgotten.
const REMEMBERED: usize = 1024;

/// The hashing of one key manager.
#[derive(Default)]
pub(super) struct Passwords {
    /// Hashes that are being made.
    running: Mutex<usize>,
    ended: Condvar,
    matched: OnceLock<Option<Matched>>,
    nobodys: OnceLock<String>,
}

impl Passwords {
    /// The PHC string of a password under a fresh salt.
    pub(super) fn hash(&self, password: &SecretBytes) -> Result<String> {
        let _turn = self.turn();
        let hash = hasher()?.hash_password(password.expose());
        hash.map(|hash| hash.to_string())
            .map_err(|error| Error::Internal(format!("Argon2: {error}")))
    }

    /// Whether a password is the one of a PHC string.
    pub(super) fn matches(&self, password: &SecretBytes, phc: &str) -> Result<bool> {
        let hash = PasswordHash::new(phc).map_err(|error| {
            Error::Internal(format!("a stored password hash does not parse: {error}"))
        })?;
        let _turn = self.turn();
        Ok(hasher()?.verify_password(password.expose(), &hash).is_ok())
    }

    /// Takes as long as [`Passwords::matches`], for a password that cannot be right.
    pub(super) fn match_nobody(&self, password: &SecretBytes) -> Result<()> {
        let nobodys = match self.nobodys.get() {
            Some(phc) => phc,
            None => {
                let phc = self.hash(&SecretBytes::default())?;
                self.nobodys.get_or_init(|| phc)
            }
        };
        self.matches(password, nobodys).map(drop)
    }

    /// Waits until one of [`AT_A_TIME`] is free.
    fn turn(&self) -> Turn<'_> {
        crate::exclusive::about_to_wait();
        let mut running = lock(&self.running);
        while *running >= AT_A_TIME {
            running = self
                .ended
                .wait(running)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        Turn(self)
    }

    /// Whether this very password matched this PHC string lately.
    pub(super) fn matched_lately(&self, password: &SecretBytes, phc: &str) -> bool {
        let Some(matched) = self.matched() else {
            return false;
        };
        matched
            .mac(password, phc)
            .is_some_and(|mac| lock(&matched.macs).contains(&mac))
    }

    /// Remembers that it matched.
    pub(super) fn remember(&self, password: &SecretBytes, phc: &str) {
        if let Some(matched) = self.matched()
            && let Some(mac) = matched.mac(password, phc)
        {
            let mut macs = lock(&matched.macs);
            if macs.len() >= REMEMBERED {
                macs.clear();
            }
            macs.insert(mac);
        }
    }

    fn matched(&self) -> Option<&Matched> {
        self.matched.get_or_init(Matched::new).as_ref()
    }
}

fn hasher() -> Result<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None)
        .map_err(|error| Error::Internal(format!("Argon2 parameters: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// One of the hashes that are being made.
struct Turn<'p>(&'p Passwords);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.running) -= 1;
        self.0.ended.notify_one();
    }
}

/// Passwords that matched lately, as MACs under a key of this process: clients of the servers send
/// theirs with every message, and Argon2id is slow on purpose. A changed password has another PHC
/// string, and so another MAC.
struct Matched {
    key: hmac::Key,
    macs: Mutex<HashSet<[u8; 32]>>,
}

impl Matched {
    /// None without a random key: then nothing is remembered.
    fn new() -> Option<Self> {
        let mut key = [0; 32];
        rand::fill(&mut key).ok()?;
        Some(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            macs: Mutex::default(),
        })
    }

    fn mac(&self, password: &SecretBytes, phc: &str) -> Option<[u8; 32]> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&(phc.len() as u64).to_be_bytes());
        context.update(phc.as_bytes());
        context.update(password.expose());
        context.sign().as_ref().try_into().ok()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_remembered_with_its_hash_only() {
        let passwords = Passwords::default();
        let phc = passwords.hash(&"correct".into()).expect("hash");
        assert!(!passwords.matched_lately(&"correct".into(), &phc));
        passwords.remember(&"correct".into(), &phc);
        assert!(passwords.matched_lately(&"correct".into(), &phc));
        assert!(!passwords.matched_lately(&"other".into(), &phc));
        let changed = passwords.hash(&"correct".into()).expect("hash");
        assert!(
            !passwords.matched_lately(&"correct".into(), &changed),
            "another salt"
        );
    }

    #[test]
    fn only_the_same_password_matches() {
        let passwords = Passwords::default();
        let phc = passwords.hash(&"correct".into()).expect("hash");
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        let matches = |password: &str, phc| passwords.matches(&password.into(), phc);
        assert!(matches("correct", &phc).expect("well-formed"));
        assert!(!matches("Correct", &phc).expect("well-formed"));
        assert!(matches("correct", "nonsense").is_err());
        passwords.match_nobody(&"any".into()).expect("hash");
    }

    #[test]
    fn so_many_hash_at_a_time() {
        let passwords = Passwords::default();
        let turns: Vec<_> = (0..AT_A_TIME).map(|_| passwords.turn()).collect();
        std::thread::scope(|scope| {
            let (sender, receiver) = std::sync::mpsc::channel();
            let passwords = &passwords;
            scope.spawn(move || {
                let _turn = passwords.turn();
                sender.send(()).expect("heard");
            });
            let early = receiver.recv_timeout(std::time::Duration::from_millis(50));
            assert!(early.is_err(), "one too many");
            drop(turns);
            receiver.recv().expect("its turn");
        });
        assert_eq!(*lock(&passwords.running), 0);
    }
}
