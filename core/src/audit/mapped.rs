//! The memory of a journal: a file mapped for writing.
//!
//! The only place of the audit with `unsafe`. What is written to a shared mapping belongs to the kernel
//! from the next instruction on: it survives `kill -9`, and needs no system call.

#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{Ordering, fence};

use memmap2::{MmapMut, MmapOptions};
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use rustix::io::Errno;

/// A file of fixed size, mapped for writing, and locked for as long as this lives: whoever finds it
/// unlocked knows that its owner is gone.
pub(super) struct MappedFile {
    map: MmapMut,
    /// Holds the lock.
    file: File,
}

impl MappedFile {
    /// Makes the file, which must not be there.
    ///
    /// Every block is allocated before the file is mapped. Else a full disk would show itself by a
    /// `SIGBUS` at some write, instead of an error here.
    pub(super) fn create(path: &Path, bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => fill(&file, bytes)?,
            allocated => allocated?,
        }
        // SAFETY: the mapping is of a file that this process made and locked, in a folder that only its
        // user may enter, and that nothing of the bridge shortens. Others only read it, by `read`.
        let map = unsafe { MmapOptions::new().map_mut(&file)? };
        Ok(Self { map, file })
    }

    /// The file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Puts bytes at a place; out of range (a fault of the caller) does nothing.
    #[inline]
    pub(super) fn put(&mut self, offset: usize, bytes: &[u8]) {
        if let Some(place) = self.map.get_mut(offset..offset + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    /// What was put before stands before what is put after, for a process that reads the file.
    #[inline]
    pub(super) fn order() {
        fence(Ordering::Release);
    }
}

fn fill(file: &File, bytes: u64) -> io::Result<()> {
    let zeros = [0; 65_536];
    let mut left = bytes;
    let mut file = file;
    while left > 0 {
        let part = usize::try_from(left).map_or(zeros.len(), |left| left.min(zeros.len()));
        file.write_all(&zeros[..part])?;
        left -= part as u64;
    }
    Ok(())
}
