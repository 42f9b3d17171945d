//! What an account has agreed on for its new objects: constraints, which the core holds every door to, and
//! defaults, which belong to one door's requests.

use serde::{Deserialize, Serialize};

use super::{Demand, Object};

/// What an account has agreed on for its new objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Conventions {
    /// What new objects must be (KMIP 2.1 section 7.7).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// `constraints` as KMIP's client said them, for those who ask: Constraints in the TTLV of KMIP 2.1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub said_constraints: Vec<u8>,
    /// What KMIP's requests leave out: Defaults Information in the TTLV of KMIP 2.1 (section 7.11). Only that door
    /// knows what a request of its own has left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub defaults: Vec<u8>,
}

impl Conventions {
    /// Whether nothing was agreed on.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.constraints.is_empty() && self.said_constraints.is_empty() && self.defaults.is_empty()
    }
}

/// What new objects of some kind must be (KMIP 2.1 section 7.6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    /// Objects that are all of this are meant; none: every object.
    pub given: Vec<Demand>,
    /// What they must all be.
    pub demanded: Vec<Demand>,
}

impl Constraint {
    /// The first demand that an object does not meet.
    #[must_use]
    pub fn violated_by(&self, object: &Object) -> Option<&Demand> {
        if !self.given.iter().all(|demand| demand.is_met_by(object)) {
            return None;
        }
        self.demanded
            .iter()
            .find(|demand| !demand.is_met_by(object))
    }
}
