//! Usage Limits: how much a key may protect in its life (KMIP 1.4 section 3.21; 2.1 section 7.40).

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageUnit {
    /// Bytes that were protected.
    Byte,
    /// Objects: each use is one.
    Object,
}

impl UsageUnit {
    /// The unit in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Byte => "bytes",
            Self::Object => "uses",
        }
    }
}

/// How much a key may protect. Processing what was protected is never counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLimits {
    /// Units in the whole life of the key.
    pub total: u64,
    /// Units left.
    pub left: u64,
    /// What is counted.
    pub unit: UsageUnit,
}

impl UsageLimits {
    /// Limits of a key that has not been used yet.
    #[must_use]
    pub const fn new(total: u64, unit: UsageUnit) -> Self {
        Self {
            total,
            left: total,
            unit,
        }
    }

    /// Whether anything was taken: the total is fixed from then on.
    #[must_use]
    pub const fn is_begun(&self) -> bool {
        self.left != self.total
    }

    /// Takes `units`, or nothing.
    ///
    /// # Errors
    /// [`Error::UsageLimit`].
    pub fn take(&mut self, units: u64) -> Result<()> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.exceeded()),
        }
    }

    /// The error for what is not left any more.
    #[must_use]
    pub const fn exceeded(&self) -> Error {
        Error::UsageLimit {
            left: self.left,
            unit: self.unit.words(),
        }
    }
}
