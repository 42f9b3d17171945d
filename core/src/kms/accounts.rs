//! Accounts, tokens, PINs, clients and logins.

use std::sync::Arc;

use aws_lc_rs::rand;

use super::change::Change;
use super::request::{NewClient, NewCredential, PinState, TokenState};
use super::{Kms, password};
use crate::audit::Verb;
use crate::authorize::{Caller, Door, Origin, authorize};
use crate::error::{Error, Result};
use crate::id::{AccountId, PrincipalId};
use crate::lifecycle::{self, GateStep};
use crate::model::{Account, Credential, CredentialKind, Principal, Role, Token};
use crate::secret::SecretBytes;
use crate::store::{self, ObjectQuery};
use crate::time::Timestamp;

/// Names of the principals that PKCS#11 logs in as.
const SECURITY_OFFICER: &str = "so";
const USER: &str = "user";

/// Bytes of `CK_TOKEN_INFO.label`.
const TOKEN_LABEL_BYTES: usize = 32;

/// The principal of callers who have proven nothing, and of the machine's own administrator.
const NOBODY: PrincipalId = PrincipalId::from_bytes([0; 16]);

impl Kms {
    /// The administrator on the bridge's own machine, who may open the store's files: the command line.
    #[must_use]
    pub fn local_administrator(&self, account: AccountId) -> Arc<Caller> {
        let origin = Origin::this_process();
        let name = match origin {
            Origin::Process { uid, .. } => format!("uid {uid}"),
            Origin::Network(_) => "administrator".into(),
        };
        let role = Role::Administrator;
        Arc::new(Caller::proven(
            account,
            NOBODY,
            role,
            name,
            "local",
            origin,
            Door::CommandLine,
        ))
    }

    /// The public caller of an account: a PKCS#11 session without login.
    #[must_use]
    pub fn public_caller(&self, account: AccountId, door: Door) -> Arc<Caller> {
        let origin = Origin::this_process();
        Arc::new(Caller::proven(
            account,
            NOBODY,
            Role::Public,
            "public",
            "none",
            origin,
            door,
        ))
    }

    /// Makes an account.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::InvalidRequest`] for a name of more than 64 bytes.
    pub fn create_account(&self, name: &str) -> Result<Account> {
        if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
            return Err(Error::InvalidRequest(
                "an account's name has 1 to 64 printable bytes".into(),
            ));
        }
        let id = AccountId::random();
        let account = Account {
            id,
            name: name.to_owned(),
            token: Token {
                label: String::new(),
                serial: serial_number()?,
                initialized: false,
            },
            deletion_protection: false,
            created: Timestamp::now(),
        };
        self.change(
            &self.local_administrator(id),
            Verb::CreateAccount,
            |change| {
                change.record.detail = format!("{name:?}");
                if change.transaction.account_by_name(name)?.is_some() {
                    return Err(Error::AlreadyExists {
                        what: "account",
                        name: name.to_owned(),
                    });
                }
                change
                    .transaction
                    .put_account(&change.kms.vault.account_row(&account)?)
            },
        )?;
        Ok(account)
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// Store errors.
    pub fn accounts(&self) -> Result<Vec<Account>> {
        let rows = store::read(self.store.as_ref(), |reader| reader.accounts())?;
        rows.iter().map(|row| self.vault.account(row)).collect()
    }

    /// An account by its name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn account(&self, name: &str) -> Result<Account> {
        let row = store::read(self.store.as_ref(), |reader| reader.account_by_name(name))?;
        let row = row.ok_or_else(|| Error::NotFound {
            what: "account",
            name: name.to_owned(),
        })?;
        self.vault.account(&row)
    }

    pub(super) fn account_by_id(&self, id: AccountId) -> Result<Account> {
        let row = store::read(self.store.as_ref(), |reader| reader.account(id))?;
        let row = row.ok_or_else(|| Error::NotFound {
            what: "account",
            name: id.to_string(),
        })?;
        self.vault.account(&row)
    }

    /// Label, serial number and PIN states of the account as a token.
    ///
    /// # Errors
    /// [`Error::NotFound`], store errors.
    pub fn token(&self, account: AccountId) -> Result<TokenState> {
        let limits = &self.settings.limits;
        let state_of = |principal: Option<Principal>| {
            let pin = principal.as_ref().and_then(pin_credential);
            PinState {
                set: pin.is_some(),
                failures: pin.map_or(0, |pin| pin.failures),
                tries: limits.pin_tries,
            }
        };
        Ok(TokenState {
            token: self.account_by_id(account)?.token,
            so_pin: state_of(self.principal_by_name(account, SECURITY_OFFICER)?),
            user_pin: state_of(self.principal_by_name(account, USER)?),
            pin_min: limits.pin_min,
            pin_max: limits.pin_max,
        })
    }

    fn principal_by_name(&self, account: AccountId, name: &str) -> Result<Option<Principal>> {
        let row = store::read(self.store.as_ref(), |reader| {
            reader.principal_by_name(account, name)
        })?;
        row.map(|row| self.vault.principal(&row)).transpose()
    }

    /// `C_InitToken`: on an uninitialized token sets label and SO PIN; on an initialized one checks the SO
    /// PIN, sets the label, forgets the user PIN and schedules every key for deletion (PKCS#11 3.2 section 5.5.8 has them
    /// destroyed; here that can be regretted).
    ///
    /// # Errors
    /// [`Error::WrongCredential`], [`Error::CredentialLocked`], [`Error::PinLength`], [`Error::Denied`] when the account's
    /// deletion protection is on.
    pub fn init_token(
        &self,
        account: AccountId,
        so_pin: &SecretBytes,
        label: &str,
        door: Door,
    ) -> Result<()> {
        let token = self.token(account)?;
        self.check_pin_length(so_pin)?;
        if label.len() > TOKEN_LABEL_BYTES {
            return Err(Error::InvalidRequest(format!(
                "a token's label has at most {TOKEN_LABEL_BYTES} bytes"
            )));
        }
        let first = !token.token.initialized;
        if !first {
            self.check_pin(account, SECURITY_OFFICER, so_pin, door)?;
        }
        let phc = first.then(|| password::hash(so_pin)).transpose()?;
        let origin = Origin::this_process();
        let caller = Caller::proven(
            account,
            NOBODY,
            Role::Administrator,
            SECURITY_OFFICER,
            if first { "none" } else { "pin" },
            origin,
            door,
        );
        self.change(&Arc::new(caller), Verb::InitToken, |change| {
            change.record.detail = format!("{label:?}");
            let row = change.transaction.account(account)?;
            let row = row.ok_or_else(|| Error::NotFound {
                what: "account",
                name: account.to_string(),
            })?;
            let mut account = change.kms.vault.account(&row)?;
            if first == account.token.initialized {
                return Err(Error::InvalidRequest(
                    "the token was initialized by somebody else meanwhile".into(),
                ));
            }
            if let Some(phc) = phc {
                change.set_password(account.id, SECURITY_OFFICER, Role::SecurityOfficer, phc)?;
            } else {
                change.reset_token(&account)?;
            }
            label.clone_into(&mut account.token.label);
            account.token.initialized = true;
            change
                .transaction
                .put_account(&change.kms.vault.account_row(&account)?)
        })
    }

    /// `C_InitPIN`: the security officer sets the user's PIN and clears its lock.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::PinLength`].
    pub fn init_pin(&self, caller: &Arc<Caller>, pin: &SecretBytes) -> Result<()> {
        self.check_pin_length(pin)?;
        let phc = password::hash(pin)?;
        self.change(caller, Verb::InitPin, |change| {
            if !matches!(
                change.caller.role(),
                Role::SecurityOfficer | Role::Administrator
            ) {
                return Err(Error::Denied(
                    "only the security officer sets the user's PIN".into(),
                ));
            }
            change.set_password(change.caller.account(), USER, Role::User, phc)
        })
    }

    /// `C_SetPIN`: changes the PIN of `role` (SO or user), proven by the old one.
    ///
    /// # Errors
    /// As [`Kms::login`], and [`Error::PinLength`].
    pub fn set_pin(
        &self,
        account: AccountId,
        role: Role,
        old: &SecretBytes,
        new: &SecretBytes,
        door: Door,
    ) -> Result<()> {
        self.check_pin_length(new)?;
        let caller = self.login(account, role, old, door)?;
        let phc = password::hash(new)?;
        self.change(&caller, Verb::SetPin, |change| {
            change.set_password(account, change.caller.name(), role, phc)
        })
    }

    /// `C_Login`: checks the PIN of the security officer or the user.
    ///
    /// # Errors
    /// [`Error::WrongCredential`], [`Error::CredentialLocked`], [`Error::PinNotInitialized`],
    /// [`Error::TokenNotInitialized`].
    pub fn login(
        &self,
        account: AccountId,
        role: Role,
        pin: &SecretBytes,
        door: Door,
    ) -> Result<Arc<Caller>> {
        let name = match role {
            Role::SecurityOfficer => SECURITY_OFFICER,
            Role::User => USER,
            _ => {
                return Err(Error::InvalidRequest(
                    "a token has a security officer and a user".into(),
                ));
            }
        };
        self.check_pin(account, name, pin, door)
    }

    fn check_pin_length(&self, pin: &SecretBytes) -> Result<()> {
        let (min, max) = (self.settings.limits.pin_min, self.settings.limits.pin_max);
        if (min..=max).contains(&pin.len()) {
            Ok(())
        } else {
            Err(Error::PinLength { min, max })
        }
    }

    fn check_pin(
        &self,
        account: AccountId,
        name: &str,
        pin: &SecretBytes,
        door: Door,
    ) -> Result<Arc<Caller>> {
        let Some(principal) = self.principal_by_name(account, name)? else {
            let initialized = self.account_by_id(account)?.token.initialized;
            return Err(if initialized {
                Error::PinNotInitialized
            } else {
                Error::TokenNotInitialized
            });
        };
        self.check_password(&principal, pin, Origin::this_process(), door)
    }

    /// Checks a PIN or password. The failure is counted before the answer, so that killing the process
    /// between buys no further tries.
    fn check_password(
        &self,
        principal: &Principal,
        given: &SecretBytes,
        origin: Origin,
        door: Door,
    ) -> Result<Arc<Caller>> {
        let tries = self.settings.limits.pin_tries;
        let credential = pin_credential(principal).ok_or(Error::PinNotInitialized)?;
        let caller = Arc::new(Caller::proven(
            principal.account,
            principal.id,
            principal.role,
            principal.name.clone(),
            credential.name.clone(),
            origin,
            door,
        ));
        let CredentialKind::Password { phc } = &credential.kind else {
            return Err(Error::PinNotInitialized);
        };
        let checked = if credential.failures >= tries {
            Err(Error::CredentialLocked)
        } else if credential.revoked.is_some() {
            Err(Error::CredentialRevoked(principal.name.clone()))
        } else if password::matches(given, phc)? {
            Ok(())
        } else {
            Err(Error::WrongCredential)
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

    /// Adds a client: a principal with a credential.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::Denied`].
    pub fn add_client(&self, caller: &Arc<Caller>, client: NewClient) -> Result<Principal> {
        let credential = match client.credential {
            NewCredential::Certificate {
                fingerprint,
                subject,
                serial,
                expires,
            } => Credential {
                name: serial,
                kind: CredentialKind::Certificate {
                    fingerprint,
                    subject,
                },
                expires: Some(expires),
                revoked: None,
                failures: 0,
            },
            NewCredential::Password(password) => Credential {
                name: "password".into(),
                kind: CredentialKind::Password {
                    phc: password::hash(&password)?,
                },
                expires: None,
                revoked: None,
                failures: 0,
            },
        };
        self.change(caller, Verb::AddClient, |change| {
            change.authorize()?;
            let account = change.caller.account();
            change.record.detail = format!("{:?} as {:?}", client.name, client.role);
            if change
                .transaction
                .principal_by_name(account, &client.name)?
                .is_some()
            {
                return Err(Error::AlreadyExists {
                    what: "client",
                    name: client.name,
                });
            }
            let principal = Principal {
                id: PrincipalId::random(),
                account,
                name: client.name,
                role: client.role,
                credentials: vec![credential],
                created: change.now,
            };
            change.put_principal(&principal)?;
            Ok(principal)
        })
    }

    /// The account's principals.
    ///
    /// # Errors
    /// [`Error::Denied`], store errors.
    pub fn clients(&self, caller: &Arc<Caller>) -> Result<Vec<Principal>> {
        authorize(caller, Verb::AddClient, None)?;
        let rows = store::read(self.store.as_ref(), |reader| {
            reader.principals(caller.account())
        })?;
        rows.iter().map(|row| self.vault.principal(row)).collect()
    }

    /// Revokes every credential of a client; its next call is refused.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn revoke_client(&self, caller: &Arc<Caller>, name: &str) -> Result<()> {
        self.change(caller, Verb::RevokeClient, |change| {
            change.authorize()?;
            change.record.detail = format!("{name:?}");
            let not_found = || Error::NotFound {
                what: "client",
                name: name.to_owned(),
            };
            let row = change
                .transaction
                .principal_by_name(change.caller.account(), name)?;
            let mut principal = change.kms.vault.principal(&row.ok_or_else(not_found)?)?;
            let mut revoked = false;
            for credential in &mut principal.credentials {
                if credential.revoked.is_none() {
                    credential.revoked = Some(change.now);
                    revoked = true;
                }
            }
            if !revoked {
                return Err(Error::InvalidRequest(format!(
                    "client {name:?} is revoked already"
                )));
            }
            change.put_principal(&principal)
        })
    }

    /// Who a client certificate is, by the SHA-256 fingerprint of its DER encoding (lower-case hex). Cheap when
    /// cached: servers ask it at every message, so that a revocation holds at the next one.
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
        let principal = match self.cache.principal(fingerprint) {
            Some(principal) => principal,
            None => self.load_principal(fingerprint)?,
        };
        let matching = principal.credentials.iter().find(|credential| {
            matches!(&credential.kind, CredentialKind::Certificate { fingerprint: own, .. } if own == fingerprint)
        });
        let credential = matching.ok_or(Error::WrongCredential)?;
        let expired = credential.expires.is_some_and(|at| at <= Timestamp::now());
        if credential.revoked.is_some() || expired {
            return Err(Error::CredentialRevoked(principal.name.clone()));
        }
        if let Some(caller) = self.cache.caller(fingerprint, origin, door) {
            return Ok(caller);
        }
        let caller = Arc::new(Caller::proven(
            principal.account,
            principal.id,
            principal.role,
            principal.name.clone(),
            credential.name.clone(),
            origin,
            door,
        ));
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

    /// Who a user name and password are.
    ///
    /// # Errors
    /// [`Error::WrongCredential`], also for an unknown name; [`Error::CredentialLocked`].
    pub fn authenticate_password(
        &self,
        account: AccountId,
        name: &str,
        password: &SecretBytes,
        origin: Origin,
        door: Door,
    ) -> Result<Arc<Caller>> {
        match self.principal_by_name(account, name)? {
            Some(principal) if pin_credential(&principal).is_some() => {
                self.check_password(&principal, password, origin, door)
            }
            _ => {
                // An unknown name takes as long as a wrong password.
                password::hash(password)?;
                Err(Error::WrongCredential)
            }
        }
    }
}

fn pin_credential(principal: &Principal) -> Option<&Credential> {
    let is_password =
        |credential: &&Credential| matches!(credential.kind, CredentialKind::Password { .. });
    principal.credentials.iter().find(is_password)
}

/// 16 hexadecimal digits, `CK_TOKEN_INFO.serialNumber`.
fn serial_number() -> Result<String> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| Error::Internal("the random generator failed".into()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02X}")).collect())
}

impl Change<'_> {
    fn put_principal(&mut self, principal: &Principal) -> Result<()> {
        self.transaction
            .put_principal(&self.kms.vault.principal_row(principal)?)
    }

    /// Sets the PIN of a principal, making the principal if it is not there.
    fn set_password(
        &mut self,
        account: AccountId,
        name: &str,
        role: Role,
        phc: String,
    ) -> Result<()> {
        let kind = CredentialKind::Password { phc };
        let fresh = Credential {
            name: "pin".into(),
            kind,
            expires: None,
            revoked: None,
            failures: 0,
        };
        let mut principal = match self.transaction.principal_by_name(account, name)? {
            Some(row) => self.kms.vault.principal(&row)?,
            None => Principal {
                id: PrincipalId::random(),
                account,
                name: name.to_owned(),
                role,
                credentials: Vec::new(),
                created: self.now,
            },
        };
        principal
            .credentials
            .retain(|credential| !matches!(credential.kind, CredentialKind::Password { .. }));
        principal.credentials.push(fresh);
        self.put_principal(&principal)
    }

    /// Counts a wrong PIN, or forgets the wrong ones after a good one.
    fn count_failure(&mut self, id: PrincipalId, tries: u32, failed: bool) -> Result<()> {
        let Some(row) = self.transaction.principal(id)? else {
            return Ok(());
        };
        let mut principal = self.kms.vault.principal(&row)?;
        for credential in &mut principal.credentials {
            if matches!(credential.kind, CredentialKind::Password { .. }) {
                credential.failures = if failed {
                    credential.failures.saturating_add(1).min(tries)
                } else {
                    0
                };
            }
        }
        self.put_principal(&principal)
    }

    /// Forgets the user's PIN and schedules every key of a token.
    fn reset_token(&mut self, account: &Account) -> Result<()> {
        if account.deletion_protection {
            return Err(Error::Denied(
                "the account's deletion protection is on".into(),
            ));
        }
        if let Some(row) = self.transaction.principal_by_name(account.id, USER)? {
            self.transaction.delete_principal(row.id)?;
        }
        let days = self.kms.settings.deletion.window_days;
        let at = self.now.plus_seconds(i64::from(days) * super::state::DAY);
        let query = ObjectQuery {
            account: Some(account.id),
            ..Default::default()
        };
        for id in self.transaction.objects(&query)? {
            let mut object = self.object_unchecked(id)?;
            match object.key {
                Some(_) => {
                    object.deletion = Some(at);
                    self.put_object(&mut object)?;
                }
                None => self.transaction.delete_object(id)?,
            }
        }
        let keys = self.transaction.keys(account.id, None, 0, usize::MAX)?;
        for row in keys {
            let mut key = self.kms.vault.key(&row)?;
            if let Ok(state) = lifecycle::gate_after(key.state, GateStep::ScheduleDeletion) {
                key.state = state;
                key.deletion = Some(at);
                self.put_key(&key)?;
            }
        }
        Ok(())
    }
}
