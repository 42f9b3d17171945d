//! An account as a PKCS#11 token: initialization, PINs, login.

use std::sync::Arc;

use super::Kms;
use super::accounts::NOBODY;
use super::authenticate::{Stranger, pin_credential};
use super::change::Change;
use super::request::{PinState, TokenState};
use crate::audit::Verb;
use crate::authorize::{Caller, Door, Origin};
use crate::error::{Error, Result};
use crate::id::{AccountId, PrincipalId};
use crate::lifecycle::{self, GateStep};
use crate::model::{Account, Credential, CredentialKind, Principal, Role, Token};
use crate::secret::SecretBytes;
use crate::store::ObjectQuery;

/// Names of the principals that PKCS#11 logs in as.
const SECURITY_OFFICER: &str = "so";
const USER: &str = "user";

/// Name of the credential that a token's PIN is.
pub(super) const PIN: &str = "pin";

/// Bytes of `CK_TOKEN_INFO.label`.
const TOKEN_LABEL_BYTES: usize = 32;

impl Kms {
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

    /// The token of an account that is still to be made: uninitialized, without a serial number.
    #[must_use]
    pub fn unmade_token(&self) -> TokenState {
        let limits = &self.settings.limits;
        let pin = PinState {
            set: false,
            failures: 0,
            tries: limits.pin_tries,
        };
        TokenState {
            token: Token::default(),
            so_pin: pin,
            user_pin: pin,
            pin_min: limits.pin_min,
            pin_max: limits.pin_max,
        }
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
        let phc = first.then(|| self.passwords.hash(so_pin)).transpose()?;
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
                change.set_password(
                    account.id,
                    SECURITY_OFFICER,
                    Role::SecurityOfficer,
                    phc,
                    SetBy::Another,
                )?;
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

    /// `C_InitPIN`: the security officer sets the user's PIN and clears its lock. Logins by the old PIN end, in every
    /// process.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::PinLength`].
    pub fn init_pin(&self, caller: &Arc<Caller>, pin: &SecretBytes) -> Result<()> {
        self.check_pin_length(pin)?;
        let phc = self.refusable(caller, Verb::InitPin, None, || {
            if !matches!(caller.role(), Role::SecurityOfficer | Role::Administrator) {
                return Err(Error::Denied(
                    "only the security officer sets the user's PIN".into(),
                ));
            }
            self.passwords.hash(pin)
        })?;
        self.change(caller, Verb::InitPin, |change| {
            let account = change.caller.account();
            change.set_password(account, USER, Role::User, phc, SetBy::Another)
        })
    }

    /// `C_SetPIN`: changes the PIN of `role` (SO or user), proven by the old one. His logins go on.
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
        let phc = self.passwords.hash(new)?;
        self.change(&caller, Verb::SetPin, |change| {
            change.set_password(account, change.caller.name(), role, phc, SetBy::Holder)
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
        let from = (Origin::this_process(), door);
        self.check_password(&principal, pin, from, Stranger::IsToldThatItIsLocked)
    }
}

/// Who sets a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetBy {
    /// Whoever it proves, and who proved the old one: his logins go on.
    Holder,
    /// Somebody else: logins by the old one end.
    Another,
}

impl Change<'_> {
    /// Sets the PIN of a principal, making the principal if it is not there.
    fn set_password(
        &mut self,
        account: AccountId,
        name: &str,
        role: Role,
        phc: String,
        by: SetBy,
    ) -> Result<()> {
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
        let generation = match (pin_credential(&principal), by) {
            (None, _) => 0,
            (Some(old), SetBy::Holder) => old.generation,
            (Some(old), SetBy::Another) => old.generation.wrapping_add(1),
        };
        principal
            .credentials
            .retain(|credential| !matches!(credential.kind, CredentialKind::Password { .. }));
        principal.credentials.push(Credential {
            name: PIN.into(),
            kind: CredentialKind::Password { phc },
            expires: None,
            revoked: None,
            failures: 0,
            generation,
        });
        self.put_principal(&principal)
    }

    /// Forgets the user's PIN and schedules every key of a token.
    fn reset_token(&mut self, account: &Account) -> Result<()> {
        self.refuse_if_protected()?;
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
