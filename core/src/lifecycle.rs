//! The two state machines, kept apart: an object's lifecycle (KMIP 2.1 section 4.57 State, mostly one-way) and a key's
//! gate (the cloud KMS's KeyState, reversible). A use is allowed when both allow it.

use crate::error::{Error, Result};
use crate::mechanism::Purpose;
use crate::model::{Dates, GivenDates, KeyState, Object, ObjectState};
use crate::time::Timestamp;

/// What the lifecycle does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Activate, or the Activation Date passes.
    Activate,
    /// Revoke for a reason other than compromise, or the Deactivation Date passes.
    Deactivate,
    /// Revoke because of compromise.
    Compromise,
    /// Destroy.
    Destroy,
}

/// The state after a step: KMIP 2.1 section 4.57, figure "Cryptographic Object States and Transitions".
///
/// # Errors
/// [`Error::IllegalTransition`] for every pair that the figure has no arrow for.
pub const fn after(state: ObjectState, step: Step) -> Result<ObjectState> {
    use ObjectState::{
        Active, Compromised, Deactivated, Destroyed, DestroyedCompromised, PreActive,
    };
    Ok(match (state, step) {
        (PreActive, Step::Activate) => Active,
        (Active, Step::Deactivate) => Deactivated,
        (PreActive | Active | Deactivated, Step::Compromise) => Compromised,
        (PreActive | Deactivated, Step::Destroy) => Destroyed,
        (Compromised, Step::Destroy) | (Destroyed, Step::Compromise) => DestroyedCompromised,
        (from, step) => {
            let to = match step {
                Step::Activate => Active,
                Step::Deactivate => Deactivated,
                Step::Compromise => Compromised,
                Step::Destroy => Destroyed,
            };
            return Err(Error::IllegalTransition { from, to });
        }
    })
}

/// The state now: dates move it by themselves, whether or not anybody wrote that down.
#[must_use]
pub fn effective_state(state: ObjectState, dates: &Dates, now: Timestamp) -> ObjectState {
    let passed = |date: Option<Timestamp>| date.is_some_and(|date| date <= now);
    match state {
        ObjectState::PreActive if passed(dates.activation) => {
            effective_state(ObjectState::Active, dates, now)
        }
        ObjectState::Active if passed(dates.deactivation) => ObjectState::Deactivated,
        state => state,
    }
}

/// Whether a purpose protects something new, as opposed to processing what was protected before.
#[must_use]
pub const fn protects(purpose: Purpose) -> bool {
    matches!(
        purpose,
        Purpose::Encrypt
            | Purpose::Sign
            | Purpose::SignRecover
            | Purpose::MacGenerate
            | Purpose::Wrap
            | Purpose::Derive
            | Purpose::Encapsulate
    )
}

/// Whether the object's state and dates allow `purpose` now.
///
/// # Errors
/// [`Error::ObjectState`], [`Error::OutsideDates`].
pub fn check_use(object: &Object, purpose: Purpose, now: Timestamp) -> Result<()> {
    let state = effective_state(object.state, &object.dates, now);
    let allowed = match state {
        ObjectState::Active => true,
        ObjectState::Deactivated | ObjectState::Compromised => !protects(purpose),
        ObjectState::PreActive | ObjectState::Destroyed | ObjectState::DestroyedCompromised => {
            false
        }
    };
    if !allowed {
        return Err(Error::ObjectState { state });
    }
    if protects(purpose) {
        if object.dates.protect_stop.is_some_and(|stop| stop <= now) {
            return Err(Error::OutsideDates("Protect Stop Date"));
        }
    } else if object.dates.process_start.is_some_and(|start| start > now) {
        return Err(Error::OutsideDates("Process Start Date"));
    }
    Ok(())
}

/// Whether dates that somebody gives can all be kept: the Process Start Date "SHALL NOT precede" the Activation Date, the
/// Protect Stop Date "SHALL NOT be later than" the Deactivation Date (KMIP 2.1 sections 4.40 and 4.41).
///
/// # Errors
/// [`Error::InvalidAttribute`].
pub fn check_date_order(dates: &GivenDates) -> Result<()> {
    let pairs = [
        (
            (dates.activation, "Activation Date"),
            (dates.deactivation, "Deactivation Date"),
        ),
        (
            (dates.activation, "Activation Date"),
            (dates.process_start, "Process Start Date"),
        ),
        (
            (dates.protect_stop, "Protect Stop Date"),
            (dates.deactivation, "Deactivation Date"),
        ),
    ];
    for ((first, its_name), (second, name)) in pairs {
        if let (Some(first), Some(second)) = (first, second)
            && first > second
        {
            let reason = format!("it lies before the {its_name}");
            return Err(Error::invalid_attribute(name, reason));
        }
    }
    Ok(())
}

/// Whether the key's gate is open.
///
/// # Errors
/// [`Error::KeyState`].
pub const fn check_gate(state: KeyState) -> Result<()> {
    match state {
        KeyState::Enabled => Ok(()),
        state => Err(Error::KeyState { state }),
    }
}

/// What is done to a key's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateStep {
    /// Enable.
    Enable,
    /// Disable.
    Disable,
    /// Schedule deletion.
    ScheduleDeletion,
    /// Cancel a scheduled deletion; `has_material` tells where it goes back to.
    CancelDeletion {
        /// Whether the key has material.
        has_material: bool,
    },
    /// Import material.
    Import,
}

/// The gate after a step; the table of the cloud KMS's states.
///
/// # Errors
/// [`Error::IllegalKeyTransition`].
pub const fn gate_after(state: KeyState, step: GateStep) -> Result<KeyState> {
    use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport};
    Ok(match (state, step) {
        (Enabled | Disabled, GateStep::Enable) => Enabled,
        (Enabled | Disabled, GateStep::Disable) => Disabled,
        (Enabled | Disabled | PendingImport, GateStep::ScheduleDeletion) => PendingDeletion,
        (PendingDeletion, GateStep::CancelDeletion { has_material: true }) => Disabled,
        (
            PendingDeletion,
            GateStep::CancelDeletion {
                has_material: false,
            },
        ) => PendingImport,
        (PendingImport, GateStep::Import) => Enabled,
        (Enabled, GateStep::Import) => Enabled,
        (Disabled, GateStep::Import) => Disabled,
        (from, step) => {
            let verb = match step {
                GateStep::Enable => "enabled",
                GateStep::Disable => "disabled",
                GateStep::ScheduleDeletion => "scheduled for deletion",
                GateStep::CancelDeletion { .. } => "saved from deletion",
                GateStep::Import => "imported",
            };
            return Err(Error::IllegalKeyTransition { from, verb });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ObjectState::{
        Active, Compromised, Deactivated, Destroyed, DestroyedCompromised, PreActive,
    };

    const STATES: [ObjectState; 6] = [
        PreActive,
        Active,
        Deactivated,
        Compromised,
        Destroyed,
        DestroyedCompromised,
    ];
    const STEPS: [Step; 4] = [
        Step::Activate,
        Step::Deactivate,
        Step::Compromise,
        Step::Destroy,
    ];

    /// Every pair, legal or not, as the figure has it.
    #[test]
    fn every_object_transition() {
        let legal = [
            (PreActive, Step::Activate, Active),
            (PreActive, Step::Compromise, Compromised),
            (PreActive, Step::Destroy, Destroyed),
            (Active, Step::Deactivate, Deactivated),
            (Active, Step::Compromise, Compromised),
            (Deactivated, Step::Compromise, Compromised),
            (Deactivated, Step::Destroy, Destroyed),
            (Compromised, Step::Destroy, DestroyedCompromised),
            (Destroyed, Step::Compromise, DestroyedCompromised),
        ];
        for state in STATES {
            for step in STEPS {
                let expected = legal
                    .iter()
                    .find(|(from, by, _)| (*from, *by) == (state, step));
                match (after(state, step), expected) {
                    (Ok(to), Some((_, _, wanted))) => assert_eq!(to, *wanted, "{state:?} {step:?}"),
                    (Err(Error::IllegalTransition { from, .. }), None) => assert_eq!(from, state),
                    (got, _) => panic!("{state:?} {step:?} gave {got:?}"),
                }
            }
        }
    }

    /// Every pair of the gate, as the cloud KMS's table has it.
    #[test]
    fn every_gate_transition() {
        use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport};
        let with = GateStep::CancelDeletion { has_material: true };
        let without = GateStep::CancelDeletion {
            has_material: false,
        };
        let steps = [
            GateStep::Enable,
            GateStep::Disable,
            GateStep::ScheduleDeletion,
            with,
            without,
            GateStep::Import,
        ];
        let table: [(KeyState, [Option<KeyState>; 6]); 4] = [
            (
                Enabled,
                [
                    Some(Enabled),
                    Some(Disabled),
                    Some(PendingDeletion),
                    None,
                    None,
                    Some(Enabled),
                ],
            ),
            (
                Disabled,
                [
                    Some(Enabled),
                    Some(Disabled),
                    Some(PendingDeletion),
                    None,
                    None,
                    Some(Disabled),
                ],
            ),
            (
                PendingDeletion,
                [None, None, None, Some(Disabled), Some(PendingImport), None],
            ),
            (
                PendingImport,
                [None, None, Some(PendingDeletion), None, None, Some(Enabled)],
            ),
        ];
        for (state, row) in table {
            for (step, wanted) in steps.into_iter().zip(row) {
                assert_eq!(gate_after(state, step).ok(), wanted, "{state:?} {step:?}");
            }
        }
    }

    #[test]
    fn dates_move_the_state_by_themselves() {
        let dates = Dates {
            activation: Some(Timestamp(100)),
            deactivation: Some(Timestamp(200)),
            ..Dates::default()
        };
        assert_eq!(effective_state(PreActive, &dates, Timestamp(99)), PreActive);
        assert_eq!(effective_state(PreActive, &dates, Timestamp(100)), Active);
        assert_eq!(
            effective_state(PreActive, &dates, Timestamp(200)),
            Deactivated
        );
        assert_eq!(effective_state(Active, &dates, Timestamp(200)), Deactivated);
        assert_eq!(
            effective_state(Compromised, &dates, Timestamp(300)),
            Compromised
        );
        assert_eq!(
            effective_state(Destroyed, &dates, Timestamp(300)),
            Destroyed
        );
    }
}
