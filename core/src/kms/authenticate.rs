//! How callers prove who they are: certificates, passwords, and earlier proofs.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::accounts::NOBODY;
use super::{Kms, tokens};
use crate::audit::Verb;
use crate::authorize::{Caller, Door, Origin};
use crate::error::{Error, Result};
use crate::id::{AccountId, PrincipalId};
use crate::model::{Credential, CredentialKind, Principal, Role};
use crate::secret::SecretBytes;
use crate::store::{self, ChangeNumber};
use crate::time::Timestamp;

impl Kms {
    /// Who a client certificate is, by the SHA-256 fingerprint of its DER encoding (lower-case hex) or by a
    /// claim of its subject ([`CredentialKind::Subject`]); the door has checked its signature and validity.
    /// Cheap when cached: servers ask it at every message, so that a revocation holds at the next one.
    ///
    /// # Errors
    /// [`Error::WrongCredential`] for an unknown one, [`Error::CredentialRevoked`].
    pub fn authenticate_certificate(
        &self,
        fingerprint: &str,
        origin: Origin,
        door: Door,
    ) -> Result<Arc<Caller>> {
        self.freshen()?;
        let seen = self.cache.principal_changes();
        let principal = match self.cache.principal(fingerprint) {
            Some(principal) => principal,
            None => self.load_principal(fingerprint)?,
        };
        let matching = principal
            .credentials
            .iter()
            .find(|credential| match &credential.kind {
                CredentialKind::Certificate {
                    fingerprint: own, ..
                }
                | CredentialKind::Subject { identity: own } => own == fingerprint,
                CredentialKind::Password { .. } => false,
            });
        let credential = matching.ok_or(Error::WrongCredential)?;
        if let Some(caller) = self.cache.caller(fingerprint, origin, door)
            && is_good(credential)
        {
            return Ok(caller);
        }
        let caller = caller_of(&principal, credential, (origin, door), seen);
        if !is_good(credential) {
            return self.refuse(&caller, Error::CredentialRevoked(principal.name.clone()));
        }
        self.cache.keep_caller(fingerprint, &caller);
        Ok(caller)
    }

    fn load_principal(&self, fingerprint: &str) -> Result<Arc<Principal>> {
        let (number, row) = store::read(self.store.as_ref(), |reader| {
            Ok((
                reader.change_number()?,
                reader.principal_by_fingerprint(fingerprint)?,
            ))
        })?;
        let principal = Arc::new(self.vault.principal(&row.ok_or(Error::WrongCredential)?)?);
        self.cache.keep_principal(number, fingerprint, &principal);
        Ok(principal)
    }

    /// Who proved itself earlier, if its credential is still good: for tickets that stand for a login.
    ///
    /// # Errors
    /// [`Error::WrongCredential`] when it is gone, [`Error::CredentialRevoked`],
    /// [`Error::CredentialLocked`].
    pub fn still_proven(
        &self,
        earlier: &Caller,
        origin: Origin,
        door: Door,
    ) -> Result<Arc<Caller>> {
        let seen = self.seen_principals()?;
        let row = store::read(self.store.as_ref(), |reader| {
            reader.principal(earlier.principal())
        })?;
        let principal = self.vault.principal(&row.ok_or(Error::WrongCredential)?)?;
        let is_its = |credential: &&Credential| proved(credential, earlier);
        let credential = principal
            .credentials
            .iter()
            .find(is_its)
            .ok_or(Error::WrongCredential)?;
        let caller = caller_of(&principal, credential, (origin, door), seen);
        if !is_good(credential) {
            return self.refuse(&caller, Error::CredentialRevoked(principal.name));
        }
        if credential.failures >= self.settings.limits.pin_tries {
            return self.refuse(&caller, Error::CredentialLocked);
        }
        Ok(caller)
    }

    /// Whether somebody who logged in may still call: at the head of every verb. What any process committed before
    /// holds from here on. Costs two loads while no principal changed, and then one look at his.
    ///
    /// # Errors
    /// [`Error::LoginEnded`] once what proved the caller was revoked, or replaced by somebody else.
    pub(super) fn admit(&self, caller: &Caller) -> Result<ChangeNumber> {
        let number = self.freshen()?;
        let seen = self.cache.principal_changes();
        if !caller.stood_at(seen) {
            if caller.principal() != NOBODY {
                self.check_standing(caller)?;
            }
            caller.note_standing(seen);
        }
        Ok(number)
    }

    fn check_standing(&self, caller: &Caller) -> Result<()> {
        let row = store::read(self.store.as_ref(), |reader| {
            reader.principal(caller.principal())
        })?;
        let principal = self.vault.principal(&row.ok_or(Error::LoginEnded)?)?;
        let stands = |credential: &Credential| proved(credential, caller) && is_good(credential);
        if principal.role == caller.role() && principal.credentials.iter().any(stands) {
            Ok(())
        } else {
            Err(Error::LoginEnded)
        }
    }

    /// Whether a login holds: what proved the caller was neither revoked nor replaced by somebody else.
    ///
    /// # Errors
    /// Store errors.
    pub fn is_login_good(&self, caller: &Caller) -> Result<bool> {
        match self.admit(caller) {
            Ok(_) => Ok(true),
            Err(Error::LoginEnded) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How often principals have changed, asked before one is read.
    fn seen_principals(&self) -> Result<u64> {
        self.freshen()?;
        Ok(self.cache.principal_changes())
    }

    /// Whether a principal has a credential left that is neither revoked nor expired: for what the server keeps for
    /// a client between its requests.
    ///
    /// # Errors
    /// Store errors.
    pub fn may_still_call(&self, principal: PrincipalId) -> Result<bool> {
        let row = store::read(self.store.as_ref(), |reader| reader.principal(principal))?;
        let principal = row.map(|row| self.vault.principal(&row)).transpose()?;
        Ok(principal.is_some_and(|principal| principal.credentials.iter().any(is_good)))
    }

    /// Refuses somebody, and says so in the audit.
    fn refuse(&self, caller: &Caller, error: Error) -> Result<Arc<Caller>> {
        self.record_use(caller, Verb::Login, None, Some(&error), "")?;
        Err(error)
    }

    /// Who a user name and password are. A token's PIN is no password: it is good at the token only.
    ///
    /// Answers and costs are the same for a name that nobody has, a wrong password, and a password that is locked or
    /// revoked (the audit tells which it was), and tries are counted by name and source before anything is hashed.
    ///
    /// # Errors
    /// [`Error::WrongCredential`]; [`Error::Limit`] for too many tries.
    pub fn authenticate_password(
        &self,
        account: AccountId,
        name: &str,
        password: &SecretBytes,
        origin: Origin,
        door: Door,
    ) -> Result<Arc<Caller>> {
        let seen = self.seen_principals()?;
        let principal = self.principal_by_name(account, name)?.filter(|principal| {
            pin_credential(principal).is_some_and(|credential| credential.name != tokens::PIN)
        });
        if let Some(principal) = &principal
            && let Some(caller) = self.known_lately(principal, password, (origin, door), seen)
        {
            return Ok(caller);
        }
        let nobody = || {
            let role = Role::Public;
            Caller::proven(account, NOBODY, role, name, "password", origin, door)
        };
        let paid = match self.tries.pay(origin, account, name) {
            Ok(paid) => paid,
            Err(error) => return self.refuse(&nobody(), error),
        };
        let Some(principal) = principal else {
            return self.refuse_nobody(&Arc::new(nobody()), password);
        };
        let stranger = Stranger::IsToldNothing;
        match self.check_password(&principal, password, (origin, door), stranger) {
            Ok(caller) => {
                paid.give_back();
                if let Some((_, phc)) = good_password(&principal) {
                    self.passwords.remember(password, phc);
                }
                Ok(caller)
            }
            Err(Error::CredentialLocked | Error::CredentialRevoked(_)) => {
                Err(Error::WrongCredential)
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses somebody of an unknown name, with all that a wrong password costs: a turn, a hash, a commit.
    fn refuse_nobody(&self, nobody: &Arc<Caller>, password: &SecretBytes) -> Result<Arc<Caller>> {
        let _turn = self.turnstiles.enter(nobody.account(), nobody.name());
        self.passwords.match_nobody(password)?;
        self.change(nobody, Verb::Login, |change| {
            change.record.result = Error::WrongCredential.audit_code();
            Ok(())
        })?;
        Err(Error::WrongCredential)
    }

    /// Checks a PIN or password. The failure is counted before the answer, so that killing the process
    /// between buys no further tries; and one after the other, so that trying many at once does not either.
    pub(super) fn check_password(
        &self,
        principal: &Principal,
        given: &SecretBytes,
        (origin, door): (Origin, Door),
        stranger: Stranger,
    ) -> Result<Arc<Caller>> {
        let _turn = self.turnstiles.enter(principal.account, &principal.name);
        let seen = self.seen_principals()?;
        // As it is now: others may have tried meanwhile.
        let row = store::read(self.store.as_ref(), |reader| reader.principal(principal.id))?;
        let principal = self.vault.principal(&row.ok_or(Error::WrongCredential)?)?;
        let tries = self.settings.limits.pin_tries;
        let credential = pin_credential(&principal).ok_or(Error::PinNotInitialized)?;
        let caller = caller_of(&principal, credential, (origin, door), seen);
        let CredentialKind::Password { phc } = &credential.kind else {
            return Err(Error::PinNotInitialized);
        };
        let barred = if credential.failures >= tries {
            Some(Error::CredentialLocked)
        } else if credential.revoked.is_some() {
            Some(Error::CredentialRevoked(principal.name.clone()))
        } else {
            None
        };
        let checked = match barred {
            Some(error) => {
                if stranger == Stranger::IsToldNothing {
                    self.passwords.match_nobody(given)?;
                }
                Err(error)
            }
            None if self.passwords.matched_lately(given, phc)
                || self.passwords.matches(given, phc)? =>
            {
                Ok(())
            }
            None => Err(Error::WrongCredential),
        };
        match checked {
            Ok(()) if credential.failures == 0 => {
                self.record_use(&caller, Verb::Login, None, None, "")?;
                Ok(caller)
            }
            Ok(()) => {
                self.change(&caller, Verb::Login, |change| {
                    change.count_failure(principal.id, tries, false)
                })?;
                Ok(caller)
            }
            Err(error) => {
                let count = matches!(error, Error::WrongCredential);
                let counted = self.change(&caller, Verb::Login, |change| {
                    change.record.result = error.audit_code();
                    if count {
                        change.count_failure(principal.id, tries, true)
                    } else {
                        Ok(())
                    }
                });
                counted?;
                Err(error)
            }
        }
    }

    /// Whoever gives a password that was checked lately, without the cost of checking it and without an audit row: a
    /// client of the servers sends it with every message.
    fn known_lately(
        &self,
        principal: &Principal,
        given: &SecretBytes,
        from: (Origin, Door),
        seen: ChangeNumber,
    ) -> Option<Arc<Caller>> {
        let (credential, phc) = good_password(principal)?;
        self.passwords
            .matched_lately(given, phc)
            .then(|| caller_of(principal, credential, from, seen))
    }
}

/// Whether somebody who does not know the password may learn that it is locked or revoked, and so that it is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// A token shows that (`CK_TOKEN_INFO`), and its names are the standard's.
    IsToldThatItIsLocked,
    /// Not from the answer, and not from its time.
    IsToldNothing,
}

/// A password that is neither locked nor revoked, nor was given wrongly since it was right.
fn good_password(principal: &Principal) -> Option<(&Credential, &str)> {
    let credential = pin_credential(principal)?;
    match &credential.kind {
        CredentialKind::Password { phc }
            if credential.failures == 0 && credential.revoked.is_none() =>
        {
            Some((credential, phc))
        }
        _ => None,
    }
}

fn caller_of(
    principal: &Principal,
    credential: &Credential,
    (origin, door): (Origin, Door),
    seen: u64,
) -> Arc<Caller> {
    let caller = Caller::proven(
        principal.account,
        principal.id,
        principal.role,
        principal.name.clone(),
        credential.name.clone(),
        origin,
        door,
    );
    Arc::new(caller.of_generation(credential.generation, seen))
}

/// Whether a caller was proven by this credential, as it is now.
fn proved(credential: &Credential, caller: &Caller) -> bool {
    credential.name == caller.credential() && credential.generation == caller.generation()
}

fn is_good(credential: &Credential) -> bool {
    credential.revoked.is_none() && credential.expires.is_none_or(|at| at > Timestamp::now())
}

/// Lets one through at a time, of those who try the PIN or password of a name in this process, whether or not anybody
/// has it.
#[derive(Default)]
pub(super) struct Turnstiles {
    keys: RandomState,
    turnstiles: [Mutex<()>; 16],
}

impl Turnstiles {
    fn enter(&self, account: AccountId, name: &str) -> MutexGuard<'_, ()> {
        // Who shares a turnstile waits a few milliseconds longer.
        let number = self.keys.hash_one((account, name)) % self.turnstiles.len() as u64;
        // Lossless: the remainder is small.
        let turnstile = &self.turnstiles[number as usize];
        turnstile.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn pin_credential(principal: &Principal) -> Option<&Credential> {
    let is_password =
        |credential: &&Credential| matches!(credential.kind, CredentialKind::Password { .. });
    principal.credentials.iter().find(is_password)
}
