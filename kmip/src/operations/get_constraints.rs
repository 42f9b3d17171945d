//! Get Constraints, from 2.1 (2.1 section 6.1.22).

use super::query::{ObjectGroups, ObjectTypes};
use crate::attributes::TemplateAttribute;
use crate::wire::structure;

structure! {
    /// Constraint (2.1 section 7.6).
    #[derive(Default)]
    Constraint {
        /// For objects of these types.
        object_types: optional ObjectTypes = ObjectTypes,
        /// For objects of these groups.
        object_groups: optional ObjectGroups = ObjectGroups,
        /// The attributes they must have.
        attributes: optional TemplateAttribute = Attributes,
    }
}

structure! {
    /// Constraints (2.1 section 7.7).
    #[derive(Default)]
    Constraints {
        /// The constraints.
        constraints: repeated Constraint = Constraint,
    }
}

structure! {
    /// Request of Get Constraints.
    #[derive(Default)]
    GetConstraintsRequest {
    }
}

structure! {
    /// Response of Get Constraints.
    GetConstraintsResponse {
        /// The constraints.
        constraints: required Constraints = Constraints,
    }
}
