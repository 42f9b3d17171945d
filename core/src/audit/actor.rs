//! What a use names: who did it, and to what. Written into a journal once, then referred to by number.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::audit::Verb;
use crate::authorize::Caller;
use crate::id::{AccountId, KeyId, ObjectId, PrincipalId};
use crate::model::Object;

/// Journals that a process writes at once: threads spread over them, so that two do not hand the same memory
/// back and forth.
pub(super) const LANES: usize = 8;

/// Longest name that goes into a journal, in characters: it is for people.
const NAME_CHARACTERS: usize = 120;

/// Who calls, ready for the journal. Made once a caller, used for all its uses.
#[derive(Debug)]
pub struct Actor {
    pub(super) text: ActorText,
    pub(super) number: Number,
}

/// What an actor is to the audit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct ActorText {
    pub(super) account: AccountId,
    pub(super) principal: PrincipalId,
    pub(super) who: String,
    pub(super) credential: String,
    pub(super) origin: String,
    pub(super) door: String,
}

impl Actor {
    /// The actor that a caller is.
    #[must_use]
    pub fn new(caller: &Caller) -> Self {
        Self {
            text: ActorText {
                account: caller.account(),
                principal: caller.principal(),
                who: shortened(caller.name()),
                credential: shortened(caller.credential()),
                origin: caller.origin().to_string(),
                door: caller.door().to_string(),
            },
            number: Number::default(),
        }
    }
}

/// What is used, ready for the journal. Made once for each object that is kept ready.
#[derive(Debug)]
pub struct Target {
    pub(super) text: TargetText,
    pub(super) number: Number,
}

/// What a target is to the audit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct TargetText {
    pub(super) object: Option<ObjectId>,
    pub(super) key: Option<KeyId>,
    pub(super) version: u32,
    pub(super) name: String,
}

impl Target {
    /// The target that an object is.
    #[must_use]
    pub fn new(object: &Object) -> Self {
        let name = match object.attributes.names.first() {
            Some(name) if object.attributes.label.is_empty() => &name.value,
            _ => &object.attributes.label,
        };
        Self {
            text: TargetText {
                object: Some(object.id),
                key: object.key,
                version: object.version,
                name: shortened(name),
            },
            number: Number::default(),
        }
    }
}

/// One use of a key, or of none (random bytes, a digest).
#[derive(Clone, Copy, Debug)]
pub struct Use<'u> {
    /// Who.
    pub actor: &'u Actor,
    /// On what.
    pub target: Option<&'u Target>,
    /// What.
    pub verb: Verb,
    /// By which mechanism: [`crate::Mechanism::name`].
    pub mechanism: Option<&'static str>,
    /// Request id.
    pub request: u64,
    /// 0 for success, else [`crate::Error::audit_code`].
    pub result: u16,
}

/// The numbers that something has in the journals that this process writes now, one in each lane.
#[derive(Debug, Default)]
pub(super) struct Number([AtomicU64; LANES]);

impl Number {
    /// Its number in that journal; none if it is not defined there yet. Journals count from 1.
    #[inline]
    pub(super) fn in_journal(&self, lane: usize, journal: u32) -> Option<u32> {
        let word = self.0[lane % LANES].load(Ordering::Relaxed);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the two halves of the word"
        )]
        let (of, number) = ((word >> 32) as u32, word as u32);
        (of == journal).then_some(number)
    }

    /// Remembers the number.
    pub(super) fn set(&self, lane: usize, journal: u32, number: u32) {
        self.0[lane % LANES].store(
            u64::from(journal) << 32 | u64::from(number),
            Ordering::Relaxed,
        );
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(NAME_CHARACTERS).collect()
}
