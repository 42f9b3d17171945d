//! The policies of the configuration, found by account.

use std::sync::OnceLock;

use super::Kms;
use crate::error::Result;
use crate::id::AccountId;
use crate::policy::{Policy, PolicySettings};
use crate::store;

pub(super) struct Policies {
    all: Policy,
    named: Vec<Named>,
}

struct Named {
    account: String,
    /// Once there is an account of that name.
    id: OnceLock<AccountId>,
    policy: Policy,
}

impl Kms {
    /// The policy of an account.
    ///
    /// # Errors
    /// Store errors.
    pub fn policy(&self, account: AccountId) -> Result<&Policy> {
        self.policies.of(account, self)
    }
}

impl Policies {
    pub(super) fn new(settings: &PolicySettings) -> Self {
        let named = settings.accounts.iter().map(|(account, policy)| Named {
            account: account.clone(),
            id: OnceLock::new(),
            policy: policy.clone(),
        });
        Self {
            all: settings.all.clone(),
            named: named.collect(),
        }
    }

    /// The policy of an account.
    pub(super) fn of(&self, account: AccountId, kms: &Kms) -> Result<&Policy> {
        for named in &self.named {
            let id = match named.id.get() {
                Some(id) => Some(*id),
                None => {
                    let row = store::read(kms.store.as_ref(), |reader| {
                        reader.account_by_name(&named.account)
                    })?;
                    row.map(|row| *named.id.get_or_init(|| row.id))
                }
            };
            if id == Some(account) {
                return Ok(&named.policy);
            }
        }
        Ok(&self.all)
    }
}
