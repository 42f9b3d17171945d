//! The engines of one key manager: software, and the HSM pools of the configuration.

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::engine::hsm::HsmEngine;
use crate::engine::software::SoftwareEngine;
use crate::error::{Error, Result};
use crate::model::{Object, ObjectClass, Protection};

pub(super) struct Engines {
    pub(super) software: SoftwareEngine,
    pub(super) pools: BTreeMap<String, HsmEngine>,
}

impl Engines {
    /// The engine that keeps keys of this protection.
    pub(super) fn by_protection(&self, protection: &Protection) -> Result<&dyn Engine> {
        match protection {
            Protection::Software => Ok(&self.software),
            Protection::Hsm(name) => match self.pools.get(name) {
                Some(pool) => Ok(pool),
                None => Err(Error::Configuration(format!(
                    "there is no [[hsm.pool]] named {name:?}"
                ))),
            },
        }
    }

    /// The engine that uses this object. Public keys need no HSM, wherever their private half is.
    pub(super) fn of(&self, object: &Object) -> Result<&dyn Engine> {
        match object.class {
            ObjectClass::PrivateKey | ObjectClass::SecretKey => {
                self.by_protection(&object.protection)
            }
            _ => Ok(&self.software),
        }
    }
}
