//! [`Kms`]: one function a verb, for every door.
//!
//! A verb that uses a key goes **authorize → gate → engine → record**; a verb that changes something does the
//! same with its effect and its audit row in one transaction. Doors hold a [`Caller`], made by one of the
//! logins, and pass it to every verb.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::audit::{Audit, Verb};
use crate::authorize::Caller;
use crate::engine::hsm::HsmEngine;
use crate::error::Result;
use crate::id::ObjectId;
use crate::seal::Vault;
use crate::settings::Settings;
use crate::store::Store;

mod abilities;
mod accounts;
mod arrival;
mod authenticate;
mod cache;
mod change;
mod check_value;
mod conventions;
mod copy;
mod create;
mod derive;
mod encapsulation;
mod engines;
mod imprints;
pub(crate) mod intents;
mod keys;
mod load;
mod objects;
mod open;
mod operate;
mod password;
mod policies;
mod record;
mod register;
mod reprovision;
mod request;
mod roles;
mod rotate;
mod rules;
mod sessions;
mod state;
mod stirred;
mod tokens;
mod transport;
mod tries;
mod undo;
mod usage;

pub use abilities::Place;
pub use operate::Operation;
pub use request::{
    Consequence, CreateKey, Created, DecapsulateKey, DeriveKey, DeriveKeys, EncapsulateKey,
    Exported, Find, Imported, NewClient, NewCredential, NewDates, PinState, Register, TokenState,
    UnwrapKey,
};

/// The key manager: a store, its seal, its engines and its audit. Safe to call from many threads.
pub struct Kms {
    settings: Settings,
    store: Arc<dyn Store>,
    vault: Arc<Vault>,
    audit: Audit,
    engines: engines::Engines,
    cache: cache::Cache,
    sessions: sessions::SessionObjects,
    session_imprints: imprints::SessionImprints,
    policies: policies::Policies,
    requests: AtomicU64,
    stirred: stirred::Stirred,
    turnstiles: authenticate::Turnstiles,
    passwords: password::Passwords,
    tries: tries::Tries,
}

impl Kms {
    /// The limits and other settings in force.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The configured HSM pools.
    pub fn pools(&self) -> impl Iterator<Item = &HsmEngine> {
        self.engines.pools.values()
    }

    fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Runs a part of a verb that comes before its transaction; a refusal is recorded, with the object that it
    /// was about.
    fn refusable<T>(
        &self,
        caller: &Caller,
        verb: Verb,
        object: Option<ObjectId>,
        part: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let result = part();
        if let Err(error) = &result {
            match object {
                Some(object) => self.record_use_of(caller, verb, object, Some(error), "")?,
                None => self.record_use(caller, verb, None, Some(error), "")?,
            }
        }
        result
    }
}

#[cfg(test)]
mod tests;
