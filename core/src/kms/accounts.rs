//! Accounts, clients, and how callers prove who they are.

use std::sync::Arc;

use aws_lc_rs::rand;

use super::Kms;
use super::change::Change;
use super::request::{NewClient, NewCredential};
use crate::audit::Verb;
use crate::authorize::{Caller, Door, Origin, authorize};
use crate::error::{Error, Result};
use crate::id::{AccountId, PrincipalId};
use crate::model::{Account, Conventions, Credential, CredentialKind, Principal, Role, Token};
use crate::store;
use crate::time::Timestamp;

/// The principal of callers who have proven nothing, and of the machine's own administrator.
pub(super) const NOBODY: PrincipalId = PrincipalId::from_bytes([0; 16]);

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
            conventions: Conventions::default(),
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

    pub(super) fn principal_by_name(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<Option<Principal>> {
        let row = store::read(self.store.as_ref(), |reader| {
            reader.principal_by_name(account, name)
        })?;
        row.map(|row| self.vault.principal(&row)).transpose()
    }

    /// Adds a client: a principal with a credential.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::Denied`].
    pub fn add_client(&self, caller: &Arc<Caller>, client: NewClient) -> Result<Principal> {
        let credential = self.refusable(caller, Verb::AddClient, None, || {
            authorize(caller, Verb::AddClient, None)?;
            self.credential_of(client.credential)
        })?;
        self.change(caller, Verb::AddClient, |change| {
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
}

impl Kms {
    /// A credential as it is kept. Not inside a transaction: a password is hashed.
    pub(super) fn credential_of(&self, new: NewCredential) -> Result<Credential> {
        let (name, kind, expires) = match new {
            NewCredential::Certificate {
                fingerprint,
                subject,
                serial,
                expires,
            } => {
                let kind = CredentialKind::Certificate {
                    fingerprint,
                    subject,
                };
                (serial, kind, Some(expires))
            }
            NewCredential::Subject(identity) => {
                let kind = CredentialKind::Subject {
                    identity: identity.clone(),
                };
                (claim(&identity)?, kind, None)
            }
            NewCredential::Password(password) => {
                let phc = self.passwords.hash(&password)?;
                ("password".into(), CredentialKind::Password { phc }, None)
            }
        };
        Ok(Credential {
            name,
            kind,
            expires,
            revoked: None,
            failures: 0,
            generation: 0,
        })
    }
}

/// The credential's name for the audit: the claim itself, if it is one.
fn claim(identity: &str) -> Result<String> {
    let good = identity.split_once('=').is_some_and(|(kind, value)| {
        ["cn", "uid", "serial", "san"].contains(&kind) && !value.is_empty()
    }) && identity.len() <= 256
        && !identity.chars().any(char::is_control);
    if good {
        Ok(identity.to_owned())
    } else {
        Err(Error::InvalidRequest(
            "a certificate is known by cn=…, uid=…, serial=… or san=…, of at most 256 bytes".into(),
        ))
    }
}

/// 16 hexadecimal digits, `CK_TOKEN_INFO.serialNumber`.
fn serial_number() -> Result<String> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| Error::Internal("the random generator failed".into()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02X}")).collect())
}

impl Change<'_> {
    pub(super) fn put_principal(&mut self, principal: &Principal) -> Result<()> {
        self.transaction
            .put_principal(&self.kms.vault.principal_row(principal)?)
    }

    /// Counts a wrong PIN, or forgets the wrong ones after a good one.
    pub(super) fn count_failure(
        &mut self,
        id: PrincipalId,
        tries: u32,
        failed: bool,
    ) -> Result<()> {
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
}
