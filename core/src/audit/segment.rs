//! The journal that this process writes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::hmac;

use super::actor::{self, Number};
use super::frame::{self, Defined};
use super::journal::{FILE_BYTES, FRAME_BYTES, FRAMES, FRAMES_START, HEADS, MAGIC};
use super::mac::{Frame, JournalMac, TAG_BYTES};
use super::mapped::{MappedFile, Owner};
use crate::id::JournalId;
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
    /// Which of this process's journals it is.
    journal: u32,
    actors: u32,
    targets: u32,
    mechanisms: Vec<&'static str>,
    /// The last mechanism and its number: most processes use one.
    recent: (&'static str, u32),
}

/// What cannot be numbered yet.
struct Undefined;

impl Segment {
    /// Begins a journal in a new file.
    pub(super) fn create(
        path: &Path,
        id: JournalId,
        key: &hmac::Key,
        boot: &[u8; 16],
    ) -> io::Result<Self> {
        let mut file = MappedFile::create(path, FILE_BYTES)?;
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
            journal: JOURNALS.fetch_add(1, Ordering::Relaxed),
            actors: 0,
            targets: 0,
            mechanisms: Vec::new(),
            recent: ("", 0),
        })
    }

    /// Whether this process began it, rather than its parent.
    #[inline]
    pub(super) fn is_ours(&self) -> bool {
        self.owner.is_this_process()
    }

    /// The file, for reading it back.
    pub(super) fn file(&self) -> &std::fs::File {
        self.file.file()
    }

    /// Appends a use; false if there is no room for it.
    #[inline]
    pub(super) fn append(&mut self, used: &actor::Use<'_>) -> bool {
        let frame = match self.number(used) {
            Ok(used) if self.count < FRAMES => used.to_frame(),
            Ok(_) => return false,
            Err(Undefined) => {
                if !self.define(used) {
                    return false;
                }
                match self.number(used) {
                    Ok(used) => used.to_frame(),
                    Err(Undefined) => return false,
                }
            }
        };
        self.put(&frame);
        true
    }

    /// The use with what it names in numbers.
    #[inline]
    fn number(&self, used: &actor::Use<'_>) -> Result<frame::Use, Undefined> {
        let of = |number: &Number| number.in_journal(self.journal).ok_or(Undefined);
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
        place.map_or(Err(Undefined), |place| {
            number_of(place + 1).ok_or(Undefined)
        })
    }

    /// Defines what the use names and nobody named before; false if there is no room for that and the
    /// use.
    #[cold]
    fn define(&mut self, used: &actor::Use<'_>) -> bool {
        let mut frames = Vec::new();
        let actor = used.actor.number.in_journal(self.journal).is_none();
        if actor {
            frames.extend(frame::definition(
                Defined::Actor,
                self.actors + 1,
                &used.actor.text,
            ));
        }
        let target = used
            .target
            .filter(|target| target.number.in_journal(self.journal).is_none());
        if let Some(target) = target {
            frames.extend(frame::definition(
                Defined::Target,
                self.targets + 1,
                &target.text,
            ));
        }
        let mechanism = used
            .mechanism
            .filter(|_| self.mechanism(used.mechanism).is_err());
        let number = number_of(self.mechanisms.len() + 1).unwrap_or(0);
        if let Some(name) = mechanism {
            frames.extend(frame::definition(Defined::Mechanism, number, &name));
        }
        if self.count + frames.len() as u64 >= FRAMES {
            return false;
        }
        for frame in &frames {
            self.put(frame);
        }
        if actor {
            self.actors += 1;
            used.actor.number.set(self.journal, self.actors);
        }
        if let Some(target) = target {
            self.targets += 1;
            target.number.set(self.journal, self.targets);
        }
        if let Some(name) = mechanism {
            self.mechanisms.push(name);
            self.recent = (name, number);
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

fn number_of(place: usize) -> Option<u32> {
    u32::try_from(place).ok()
}
