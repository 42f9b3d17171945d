//! The journal that this process writes.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::hmac;

use super::actor::{self, ActorText, Number, TargetText};
use super::frame::{self, Defined};
use super::journal::{FILE_BYTES, FRAME_BYTES, FRAMES, FRAMES_START, HEADS, Journal, MAGIC};
use super::mac::{Frame, JournalMac, TAG_BYTES};
use super::mapped::MappedFile;
use crate::id::JournalId;
use crate::process::Owner;
use crate::time::nanoseconds_now;

/// Counts the journals of this process, so that an actor knows for which its number is.
static JOURNALS: AtomicU32 = AtomicU32::new(1);

/// A journal being written.
pub(super) struct Segment {
    pub(super) id: JournalId,
    pub(super) path: PathBuf,
    owner: Owner,
    file: MappedFile,
    mac: JournalMac,
    /// Frames written.
    count: u64,
    /// What the frames say: this process folds its journal without reading and proving it.
    written: Journal,
    /// Which of this process's journals it is, and in which lane.
    journal: u32,
    lane: usize,
    /// What was defined in it, for callers and objects that come in several copies.
    actors: HashMap<ActorText, u32>,
    targets: HashMap<TargetText, u32>,
    mechanisms: Vec<&'static str>,
    /// The last mechanism and its number: most processes use one.
    recent: (&'static str, u32),
}

/// File and memory of a journal that is folded, for the next one: asking the system for both anew takes
/// longer than filling them. The file stays locked.
pub(super) struct Spare {
    pub(super) id: JournalId,
    path: PathBuf,
    file: MappedFile,
    uses: Vec<frame::Use>,
}

impl Spare {
    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// What cannot be numbered yet.
struct Undefined;

impl Segment {
    /// Begins a journal in a file of that name: a new one, or the spare one renamed. Frames that stand in
    /// it are of another journal, and so do not fit this one's key.
    pub(super) fn begin(
        path: &Path,
        spare: Option<Spare>,
        id: JournalId,
        key: &hmac::Key,
        boot: &[u8; 16],
        lane: usize,
    ) -> io::Result<Self> {
        let (mut file, mut uses) = match spare {
            Some(spare) => {
                std::fs::rename(&spare.path, path)?;
                (spare.file, spare.uses)
            }
            None => (MappedFile::create(path, FILE_BYTES)?, Vec::new()),
        };
        uses.clear();
        uses.reserve(usize::try_from(FRAMES).unwrap_or(0));
        let mac = JournalMac::new(key, id, boot);
        file.put(8, id.as_bytes());
        file.put(24, boot);
        file.put(HEADS[0], &mac.head());
        file.put(HEADS[0] + TAG_BYTES, &0_u64.to_le_bytes());
        file.put(HEADS[1], &mac.blank());
        file.put(HEADS[1] + TAG_BYTES, &u64::MAX.to_le_bytes());
        file.put(0, MAGIC);
        Ok(Self {
            id,
            path: path.to_owned(),
            owner: Owner::this_process()?,
            file,
            mac,
            count: 0,
            written: Journal {
                uses,
                ..Journal::default()
            },
            journal: JOURNALS.fetch_add(1, Ordering::Relaxed),
            lane,
            actors: HashMap::new(),
            targets: HashMap::new(),
            mechanisms: Vec::new(),
            recent: ("", 0),
        })
    }

    /// Whether this process began it, rather than its parent.
    #[inline]
    pub(super) fn is_ours(&self) -> bool {
        self.owner.is_this_process()
    }

    /// The file: to hand it to its owner.
    pub(super) fn file(&self) -> &std::fs::File {
        self.file.file()
    }

    /// What was written, as it was written: nobody's hand on the file changes it.
    pub(super) fn written(&self) -> &Journal {
        &self.written
    }

    /// What is left of a journal that is folded.
    pub(super) fn into_spare(self) -> Spare {
        Spare {
            id: self.id,
            path: self.path,
            file: self.file,
            uses: self.written.uses,
        }
    }

    /// Appends a use; false if there is no room for it.
    #[inline]
    pub(super) fn append(&mut self, used: &actor::Use<'_>) -> bool {
        let used = match self.number(used) {
            Ok(used) if self.count < FRAMES => used,
            Ok(_) => return false,
            Err(Undefined) => {
                if !self.define(used) {
                    return false;
                }
                match self.number(used) {
                    Ok(used) => used,
                    Err(Undefined) => return false,
                }
            }
        };
        self.put(&used.to_frame());
        self.written.uses.push(used);
        true
    }

    /// The use with what it names in numbers.
    #[inline]
    fn number(&self, used: &actor::Use<'_>) -> Result<frame::Use, Undefined> {
        let of = |number: &Number| number.in_journal(self.lane, self.journal).ok_or(Undefined);
        Ok(frame::Use {
            verb: used.verb as u8,
            result: used.result,
            actor: of(&used.actor.number)?,
            target: used.target.map_or(Ok(0), |target| of(&target.number))?,
            mechanism: self.mechanism(used.mechanism)?,
            time: nanoseconds_now(),
            request: used.request,
        })
    }

    #[inline]
    fn mechanism(&self, name: Option<&'static str>) -> Result<u32, Undefined> {
        let Some(name) = name else { return Ok(0) };
        if std::ptr::eq(name, self.recent.0) {
            return Ok(self.recent.1);
        }
        let place = self.mechanisms.iter().position(|known| *known == name);
        place.map(next_number).ok_or(Undefined)
    }

    /// Defines what the use names and nobody named before; false if there is no room for that and the
    /// use.
    #[cold]
    fn define(&mut self, used: &actor::Use<'_>) -> bool {
        let mut frames = Vec::new();
        let actor = self.actors.get(&used.actor.text).copied();
        let actor_number = actor.unwrap_or(next_number(self.actors.len()));
        if actor.is_none() {
            let text = &used.actor.text;
            frames.extend(frame::definition(Defined::Actor, actor_number, text));
        }
        let target = used.target.map(|target| {
            let number = self.targets.get(&target.text).copied();
            if number.is_none() {
                let number = next_number(self.targets.len());
                frames.extend(frame::definition(Defined::Target, number, &target.text));
            }
            (target, number)
        });
        let mechanism = used
            .mechanism
            .filter(|_| self.mechanism(used.mechanism).is_err());
        let mechanism_number = next_number(self.mechanisms.len());
        if let Some(name) = mechanism {
            frames.extend(frame::definition(
                Defined::Mechanism,
                mechanism_number,
                &name,
            ));
        }
        if self.count + frames.len() as u64 >= FRAMES {
            return false;
        }
        for frame in &frames {
            self.put(frame);
            self.written.definitions.take(frame);
        }
        if actor.is_none() {
            self.actors.insert(used.actor.text.clone(), actor_number);
        }
        used.actor.number.set(self.lane, self.journal, actor_number);
        if let Some((target, known)) = target {
            let number = known.unwrap_or(next_number(self.targets.len()));
            if known.is_none() {
                self.targets.insert(target.text.clone(), number);
            }
            target.number.set(self.lane, self.journal, number);
        }
        if let Some(name) = mechanism {
            self.mechanisms.push(name);
            self.recent = (name, mechanism_number);
        }
        true
    }

    /// Writes one frame, in the order that [`super::journal`] explains.
    #[inline]
    fn put(&mut self, frame: &Frame) {
        let tag = self.mac.update(frame);
        // A journal's file fits in memory, so its offsets do.
        let place = FRAMES_START + self.count as usize * FRAME_BYTES;
        self.file.put(place, frame);
        self.file.put(place + frame.len(), &tag);
        MappedFile::order();
        self.count += 1;
        let head = HEADS[usize::from(self.count % 2 == 1)];
        self.file.put(head, &self.mac.head());
        MappedFile::order();
        self.file.put(head + TAG_BYTES, &self.count.to_le_bytes());
    }
}

/// The number of what comes after so many: they count from 1, and a journal has room for far fewer
/// than there are numbers.
fn next_number(defined: usize) -> u32 {
    u32::try_from(defined + 1).unwrap_or(0)
}
