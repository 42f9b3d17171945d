//! Frames: uses of 32 bytes, and definitions of what they refer to, cut into frames.
//!
//! ```text
//! use         0 1   1 verb   2 result (2)   4 actor (4)   8 target (4)   12 mechanism (4)
//!            16 time (8)    24 request (8)
//! definition  0 2   1 what   2 length (2)   4 number (4)  8 first bytes (24)
//! more        0 3   1 next bytes (31)
//! ```
//!
//! Numbers are little-endian. Actors, targets and mechanisms are numbered from 1, each for itself; 0 is
//! none.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::actor::{ActorText, TargetText};
use super::mac::Frame;
use crate::audit::Verb;
use crate::audit::record::Record;

const USE: u8 = 1;
const DEFINITION: u8 = 2;
const MORE: u8 = 3;

/// Bytes of a definition in its first frame, and in each that follows.
const FIRST_BYTES: usize = 24;
const MORE_BYTES: usize = 31;

/// What a definition defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Defined {
    Actor = 1,
    Target = 2,
    Mechanism = 3,
}

/// A use as a journal keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) verb: u8,
    pub(super) result: u16,
    pub(super) actor: u32,
    pub(super) target: u32,
    pub(super) mechanism: u32,
    pub(super) time: i64,
    pub(super) request: u64,
}

impl Use {
    #[inline]
    pub(super) fn to_frame(self) -> Frame {
        let mut frame = [0; 32];
        frame[0] = USE;
        frame[1] = self.verb;
        frame[2..4].copy_from_slice(&self.result.to_le_bytes());
        frame[4..8].copy_from_slice(&self.actor.to_le_bytes());
        frame[8..12].copy_from_slice(&self.target.to_le_bytes());
        frame[12..16].copy_from_slice(&self.mechanism.to_le_bytes());
        frame[16..24].copy_from_slice(&self.time.to_le_bytes());
        frame[24..32].copy_from_slice(&self.request.to_le_bytes());
        frame
    }

    pub(super) fn from_frame(frame: &Frame) -> Option<Self> {
        if frame[0] != USE {
            return None;
        }
        let four = |at: usize| [frame[at], frame[at + 1], frame[at + 2], frame[at + 3]];
        let eight = |at: usize| {
            let ([a, b, c, d], [e, f, g, h]) = (four(at), four(at + 4));
            [a, b, c, d, e, f, g, h]
        };
        Some(Self {
            verb: frame[1],
            result: u16::from_le_bytes([frame[2], frame[3]]),
            actor: u32::from_le_bytes(four(4)),
            target: u32::from_le_bytes(four(8)),
            mechanism: u32::from_le_bytes(four(12)),
            time: i64::from_le_bytes(eight(16)),
            request: u64::from_le_bytes(eight(24)),
        })
    }
}

/// The frames that define something.
pub(super) fn definition(what: Defined, number: u32, text: &impl Serialize) -> Vec<Frame> {
    // These types are plain structures and strings, whose serialization cannot fail.
    let mut bytes = serde_json::to_vec(text).unwrap_or_default();
    bytes.truncate(usize::from(u16::MAX));
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let (first, rest) = bytes.split_at(bytes.len().min(FIRST_BYTES));
    let mut frame = [0; 32];
    frame[0] = DEFINITION;
    frame[1] = what as u8;
    frame[2..4].copy_from_slice(&length.to_le_bytes());
    frame[4..8].copy_from_slice(&number.to_le_bytes());
    frame[8..8 + first.len()].copy_from_slice(first);
    let mut frames = vec![frame];
    for part in rest.chunks(MORE_BYTES) {
        let mut frame = [0; 32];
        frame[0] = MORE;
        frame[1..=part.len()].copy_from_slice(part);
        frames.push(frame);
    }
    frames
}

/// What the numbers of uses mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(super) struct Definitions {
    pub(super) actors: Vec<ActorText>,
    pub(super) targets: Vec<TargetText>,
    pub(super) mechanisms: Vec<String>,
    #[serde(skip)]
    open: Option<Open>,
}

/// A definition of which frames are still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Open {
    what: u8,
    number: u32,
    length: usize,
    bytes: Vec<u8>,
}

impl Definitions {
    /// Takes the next frame of a journal in; the use that it is, if it is one.
    pub(super) fn take(&mut self, frame: &Frame) -> Option<Use> {
        match frame[0] {
            USE => return Use::from_frame(frame),
            DEFINITION => {
                let length = usize::from(u16::from_le_bytes([frame[2], frame[3]]));
                self.open = Some(Open {
                    what: frame[1],
                    number: u32::from_le_bytes([frame[4], frame[5], frame[6], frame[7]]),
                    length,
                    bytes: frame[8..8 + length.min(FIRST_BYTES)].to_vec(),
                });
            }
            MORE => {
                if let Some(open) = &mut self.open {
                    let left = open.length.saturating_sub(open.bytes.len());
                    open.bytes.extend(&frame[1..=left.min(MORE_BYTES)]);
                }
            }
            // Of a later version: its uses cannot be told, but they are proven and counted.
            _ => {}
        }
        if let Some(open) = self.open.take_if(|open| open.bytes.len() == open.length) {
            self.define(&open);
        }
        None
    }

    fn define(&mut self, open: &Open) {
        fn put<T: DeserializeOwned>(list: &mut Vec<T>, open: &Open) {
            if let Ok(value) = serde_json::from_slice(&open.bytes)
                && open.number as usize == list.len() + 1
            {
                list.push(value);
            }
        }
        match open.what {
            what if what == Defined::Actor as u8 => put(&mut self.actors, open),
            what if what == Defined::Target as u8 => put(&mut self.targets, open),
            what if what == Defined::Mechanism as u8 => put(&mut self.mechanisms, open),
            _ => {}
        }
    }

    pub(super) fn actor(&self, used: &Use) -> Option<&ActorText> {
        at(&self.actors, used.actor)
    }

    pub(super) fn target(&self, used: &Use) -> Option<&TargetText> {
        at(&self.targets, used.target)
    }

    pub(super) fn mechanism(&self, used: &Use) -> Option<&String> {
        at(&self.mechanisms, used.mechanism)
    }

    /// The use in words; none if its verb is of a later version.
    pub(super) fn record(&self, used: &Use) -> Option<Record> {
        let actor = self.actor(used);
        let target = self.target(used);
        let text = |field: fn(&ActorText) -> &String| actor.map(field).cloned().unwrap_or_default();
        let name = target.map_or("", |target| &target.name);
        let mechanism = self.mechanism(used).map_or("", String::as_str);
        Some(Record {
            time: used.time,
            request: used.request,
            account: actor.map(|actor| actor.account),
            principal: actor.map(|actor| actor.principal),
            who: text(|actor| &actor.who),
            credential: text(|actor| &actor.credential),
            origin: text(|actor| &actor.origin),
            door: text(|actor| &actor.door),
            verb: Verb::from_code(used.verb)?,
            object: target.and_then(|target| target.object),
            key: target.and_then(|target| target.key),
            version: target.map_or(0, |target| target.version),
            result: used.result,
            detail: match (name, mechanism) {
                ("", only) | (only, "") => only.to_owned(),
                (name, mechanism) => format!("{name}, {mechanism}"),
            },
        })
    }
}

fn at<T>(list: &[T], number: u32) -> Option<&T> {
    list.get((number as usize).checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_use_comes_back_as_it_was(
            (verb, result, actor, target) in any::<(u8, u16, u32, u32)>(),
            (mechanism, time, request) in any::<(u32, i64, u64)>(),
        ) {
            let used = Use { verb, result, actor, target, mechanism, time, request };
            prop_assert_eq!(Use::from_frame(&used.to_frame()), Some(used));
        }

        #[test]
        fn definitions_come_back_as_they_were(words in prop::collection::vec(".{0,300}", 0..6)) {
            let mut definitions = Definitions::default();
            for (number, word) in (1..).zip(&words) {
                for frame in definition(Defined::Mechanism, number, word) {
                    prop_assert_eq!(definitions.take(&frame), None);
                }
            }
            prop_assert_eq!(definitions.mechanisms, words);
        }

        #[test]
        fn no_frames_make_it_panic(frames in prop::collection::vec(any::<[u8; 32]>(), 0..20)) {
            let mut definitions = Definitions::default();
            for mut frame in frames {
                frame[0] %= 5;
                if let Some(used) = definitions.take(&frame) {
                    definitions.record(&used);
                }
            }
        }
    }
}
