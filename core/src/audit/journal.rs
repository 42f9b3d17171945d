//! The journal of uses: the format of its file, and reading it back with suspicion.
//!
//! A journal belongs to one process and is written by nobody else. It starts with a page that names it,
//! followed by *frames* of 32 bytes, each with its tag ([`super::mac`]). A frame is a *use* (when, by
//! whom, what, on which object, with what result) or part of a *definition*: who and what are written out
//! once, as JSON, and uses refer to them by number.
//!
//! ```text
//! page   0  magic (8)    8  identifier (16)   24  boot (16)
//!       64  head (16)   80  count (8)        128  head (16)   144  count (8)
//! frame  4096 + 48 n:  frame (32), tag (16)
//! ```
//!
//! Appending writes the frame, then the head, then the count, both into that one of the two places
//! (count modulo 2) that is not the current one. So in a file that nobody touched, the place of the
//! larger count fits its frames, and the other holds the count and head of one frame less; or, if the
//! process was killed between the last two steps, the head of one frame more, which then is there. Whoever
//! wants to take the last frame away would need a head that was overwritten.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use aws_lc_rs::hmac;

use super::frame::{Definitions, Use};
use super::mac::{Frame, JournalMac, TAG_BYTES, Tag, equal};
use crate::id::JournalId;

/// First bytes of a journal.
pub(super) const MAGIC: &[u8; 8] = b"KBJOURN2";
/// Where frames start.
pub(super) const FRAMES_START: usize = 4096;
/// Bytes of a frame with its tag.
pub(super) const FRAME_BYTES: usize = 32 + TAG_BYTES;
/// Where the two heads stand: apart, so that writing one never disturbs the other.
pub(super) const HEADS: [usize; 2] = [64, 128];
/// Where the second ends.
const HEADS_END: usize = HEADS[1] + TAG_BYTES + 8;
/// Frames in one journal: 2 MiB, about forty thousand uses. Then the next is begun.
pub(super) const FRAMES: u64 = 43_600;
/// Bytes of a journal's file.
pub(super) const FILE_BYTES: u64 = FRAMES_START as u64 + FRAMES * FRAME_BYTES as u64;

/// Bytes read at once.
const READ_BYTES: usize = FRAME_BYTES * 1365;
/// How often reading starts over when a living owner appends in between.
const TRIES: u32 = 20;

/// What a journal says.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The uses that are proven, oldest first.
    pub(super) uses: Vec<Use>,
    /// What their numbers mean.
    pub(super) definitions: Definitions,
    /// What is wrong with it, if anything; the uses before that stand above.
    pub(super) damage: Option<String>,
}

/// Reads a journal and proves it. `boot` is this machine's, to tell a stopped machine from a hand.
///
/// # Errors
/// Of reading the file. What is wrong with its content is said in [`Journal::damage`].
pub(super) fn read(
    file: &File,
    id: JournalId,
    key: &hmac::Key,
    boot: &[u8; 16],
) -> io::Result<Journal> {
    let mut page = [0; HEADS[0]];
    if read_up_to(file, &mut page, 0)? < page.len() {
        return Ok(damaged("its file was cut"));
    }
    let made_under = array(&page, 24);
    if page[..8] != *MAGIC || page[8..24] != *id.as_bytes() {
        return Ok(damaged("its first page was changed"));
    }
    let mut journal = Journal::default();
    for _ in 0..TRIES {
        let ended;
        (journal, ended) = read_once(file, JournalMac::new(key, id, &made_under))?;
        // A living owner may have replaced a head while it was read, so that needs another look. What
        // is wrong with a frame stays wrong.
        if !matches!(ended, Ended::NoHead) {
            break;
        }
    }
    if let Some(damage) = &mut journal.damage
        && made_under != *boot
    {
        damage.push_str("; the machine was stopped since, which may be why");
    }
    Ok(journal)
}

enum Ended {
    Proven,
    BadFrame,
    NoHead,
}

/// One of the two places that say how far the journal goes.
struct Place {
    count: u64,
    head: Tag,
}

fn read_once(file: &File, mut mac: JournalMac) -> io::Result<(Journal, Ended)> {
    let mut bytes = [0; HEADS_END - HEADS[0]];
    read_up_to(file, &mut bytes, HEADS[0] as u64)?;
    let [even, odd] = HEADS.map(|place| Place {
        head: array(&bytes, place - HEADS[0]),
        count: u64::from_le_bytes(array(&bytes, place - HEADS[0] + TAG_BYTES)),
    });
    // The count before the first frame is "one less than none", which is no count.
    let (newer, older) = if odd.count <= FRAMES && (even.count > FRAMES || odd.count > even.count) {
        (odd, even)
    } else {
        (even, odd)
    };
    let count = newer.count.min(FRAMES);
    let mut journal = Journal::default();
    let mut before = mac.blank();
    let mut frames = Frames::new(file);
    for number in 0..count {
        before = mac.head();
        let (frame, tag) = frames.next()?;
        if !equal(&mac.update(&frame), &tag) {
            journal.damage = Some(format!("its frame {number} was changed, moved or removed"));
            return Ok((journal, Ended::BadFrame));
        }
        journal.take(&frame);
    }
    if newer.count > FRAMES || !equal(&newer.head, &mac.head()) {
        journal.damage = Some("its end was removed or changed".into());
        return Ok((journal, Ended::NoHead));
    }
    if older.count == count.wrapping_sub(1) && equal(&older.head, &before) {
        return Ok((journal, Ended::Proven));
    }
    if older.count == count.wrapping_sub(1) && count < FRAMES {
        let (frame, tag) = frames.next()?;
        if equal(&mac.update(&frame), &tag) {
            let after = mac.head();
            if equal(&older.head, &after) {
                journal.take(&frame);
                return Ok((journal, Ended::Proven));
            }
            // Killed between the two words of the head: then each is of one or the other.
            if half_fits(&older.head, &before, &after, 0)
                && half_fits(&older.head, &before, &after, 8)
            {
                return Ok((journal, Ended::Proven));
            }
        }
    }
    journal.damage = Some("its last frame was removed or changed".into());
    Ok((journal, Ended::NoHead))
}

fn half_fits(head: &Tag, before: &Tag, after: &Tag, at: usize) -> bool {
    let half = |tag: &Tag| array::<8>(tag, at);
    equal(&half(head), &half(before)) || equal(&half(head), &half(after))
}

impl Journal {
    fn take(&mut self, frame: &Frame) {
        if let Some(used) = self.definitions.take(frame) {
            self.uses.push(used);
        }
    }
}

fn damaged(damage: &str) -> Journal {
    Journal {
        damage: Some(damage.into()),
        ..Journal::default()
    }
}

/// Reads frames one after the other, in large pieces. A file that ends too soon is as if zeros followed.
struct Frames<'f> {
    file: &'f File,
    next_piece: u64,
    piece: Vec<u8>,
    at: usize,
}

impl<'f> Frames<'f> {
    fn new(file: &'f File) -> Self {
        Self {
            file,
            next_piece: FRAMES_START as u64,
            piece: Vec::new(),
            at: 0,
        }
    }

    fn next(&mut self) -> io::Result<(Frame, Tag)> {
        if self.at == self.piece.len() {
            self.piece.clear();
            self.piece.resize(READ_BYTES, 0);
            read_up_to(self.file, &mut self.piece, self.next_piece)?;
            self.next_piece += READ_BYTES as u64;
            self.at = 0;
        }
        let frame = array(&self.piece, self.at);
        let tag = array(&self.piece, self.at + size_of::<Frame>());
        self.at += FRAME_BYTES;
        Ok((frame, tag))
    }
}

/// Reads until the buffer is full or the file ends; how many bytes.
fn read_up_to(file: &File, buffer: &mut [u8], start: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], start + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The bytes at a place; zeros past the end.
fn array<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
    bytes
        .get(start..start + N)
        .and_then(|part| part.try_into().ok())
        .unwrap_or([0; N])
}
