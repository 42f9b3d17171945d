//! What a row of the chain says.
//!
//! A first byte tells the kind: a record of a change (JSON), uses folded from a journal (JSON with what
//! their numbers mean, then the uses packed), or that a journal was begun or folded (JSON).

use serde::{Deserialize, Serialize};

use super::frame::{Definitions, Use};
use super::packed;
use crate::audit::record::Record;
use crate::id::JournalId;
use crate::store::AuditIndex;

/// Uses in one row at most: a few rows a journal, and not much to read for one of them.
const USES_IN_ROW: usize = 2048;

/// A row's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Record(Box<Record>),
    Uses(Uses),
    Begun(Begun),
    Folded(Folded),
}

/// Some uses of one journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) definitions: Definitions,
    pub(super) uses: Vec<Use>,
}

/// A journal was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) journal: JournalId,
    pub(super) time: i64,
    pub(super) process: u32,
}

/// A journal was folded: its uses stand in the rows before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Folded {
    pub(super) journal: JournalId,
    pub(super) time: i64,
    pub(super) uses: u64,
    pub(super) damage: Option<String>,
}

impl Entry {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Record(record) => with_json(b'R', record),
            Self::Begun(begun) => with_json(b'B', begun),
            Self::Folded(folded) => with_json(b'F', folded),
            Self::Uses(uses) => {
                let json = with_json(b'U', &uses.definitions);
                let length = u32::try_from(json.len() - 1).unwrap_or(u32::MAX);
                let mut bytes = vec![json[0]];
                bytes.extend(length.to_le_bytes());
                bytes.extend(&json[1..]);
                packed::pack(&uses.uses, &mut bytes);
                bytes
            }
        }
    }

    /// The content of those bytes; none if they are not of this version.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        Some(match kind {
            b'R' => Self::Record(Box::new(serde_json::from_slice(rest).ok()?)),
            b'B' => Self::Begun(serde_json::from_slice(rest).ok()?),
            b'F' => Self::Folded(serde_json::from_slice(rest).ok()?),
            b'U' => {
                let (length, rest) = rest.split_first_chunk::<4>()?;
                let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
                let (json, uses) = rest.split_at_checked(length)?;
                Self::Uses(Uses {
                    definitions: serde_json::from_slice(json).ok()?,
                    uses: packed::unpack(uses)?,
                })
            }
            _ => return None,
        })
    }

    /// By what the row is found.
    pub(super) fn index(&self) -> AuditIndex {
        match self {
            Self::Record(record) => of_record(record),
            Self::Begun(Begun { time, .. }) | Self::Folded(Folded { time, .. }) => AuditIndex {
                first: *time,
                last: *time,
                entities: Vec::new(),
            },
            Self::Uses(uses) => of_uses(uses),
        }
    }
}

fn of_record(record: &Record) -> AuditIndex {
    let mut entities = Vec::with_capacity(4);
    entities.extend(record.account.map(|id| *id.as_bytes()));
    entities.extend(record.principal.map(|id| *id.as_bytes()));
    entities.extend(record.object.map(|id| *id.as_bytes()));
    entities.extend(record.key.map(|id| *id.as_bytes()));
    AuditIndex {
        first: record.time,
        last: record.time,
        entities,
    }
}

fn of_uses(uses: &Uses) -> AuditIndex {
    let actors = uses.definitions.actors.iter();
    let targets = uses.definitions.targets.iter();
    let mut entities: Vec<[u8; 16]> = actors
        .flat_map(|actor| [*actor.account.as_bytes(), *actor.principal.as_bytes()])
        .chain(targets.flat_map(|target| {
            let object = target.object.map(|id| *id.as_bytes());
            object
                .into_iter()
                .chain(target.key.map(|id| *id.as_bytes()))
        }))
        .collect();
    entities.sort_unstable();
    entities.dedup();
    let times = || uses.uses.iter().map(|used| used.time);
    AuditIndex {
        first: times().min().unwrap_or_default(),
        last: times().max().unwrap_or_default(),
        entities,
    }
}

/// Cuts a journal's uses into rows, each with just the definitions that it needs.
pub(super) fn rows(uses: &[Use], definitions: &Definitions) -> Vec<Entry> {
    uses.chunks(USES_IN_ROW)
        .map(|part| Entry::Uses(row(part, definitions)))
        .collect()
}

fn row(part: &[Use], all: &Definitions) -> Uses {
    let mut definitions = Definitions::default();
    let (mut actors, mut targets, mut mechanisms) = Default::default();
    let uses = part
        .iter()
        .map(|used| Use {
            actor: renumber(
                used.actor,
                &all.actors,
                &mut definitions.actors,
                &mut actors,
            ),
            target: renumber(
                used.target,
                &all.targets,
                &mut definitions.targets,
                &mut targets,
            ),
            mechanism: renumber(
                used.mechanism,
                &all.mechanisms,
                &mut definitions.mechanisms,
                &mut mechanisms,
            ),
            ..*used
        })
        .collect();
    Uses { definitions, uses }
}

/// The number in the row's own list of what has `number` in the journal. `known` holds those that were
/// given already, by number in the journal; 0 for none.
#[inline]
fn renumber<T: Clone>(number: u32, all: &[T], list: &mut Vec<T>, known: &mut Vec<u32>) -> u32 {
    match known.get(number as usize) {
        Some(&own) if own != 0 => own,
        _ => take_over(number, all, list, known),
    }
}

#[cold]
fn take_over<T: Clone>(number: u32, all: &[T], list: &mut Vec<T>, known: &mut Vec<u32>) -> u32 {
    let number = number as usize;
    let Some(value) = number.checked_sub(1).and_then(|place| all.get(place)) else {
        return 0;
    };
    list.push(value.clone());
    let own = u32::try_from(list.len()).unwrap_or(0);
    if known.len() <= number {
        known.resize(number + 1, 0);
    }
    known[number] = own;
    own
}

fn with_json(kind: u8, value: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![kind];
    // Writing plain structures to memory cannot fail; were it to, the row would be refused on reading.
    let _ = serde_json::to_writer(&mut bytes, value);
    bytes
}
