//! The memory of a journal: a file mapped for writing, and a mark that a `fork` wipes.
//!
//! The only place of the audit with `unsafe`. What is written to a shared mapping belongs to the kernel
//! from the next instruction on: it survives `kill -9`, and needs no system call.

#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering, fence};

use memmap2::{MmapMut, MmapOptions};
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use rustix::io::Errno;
use rustix::mm::{Advice, madvise};

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

    /// The file, for reading it back.
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

/// Tells, without a system call, whether this is still the process that made it.
pub(super) struct Owner {
    page: MmapMut,
    /// The process, where the kernel cannot wipe pages (before Linux 4.14): then it is asked.
    process: Option<u32>,
}

impl Owner {
    pub(super) fn this_process() -> io::Result<Self> {
        let mut page = MmapMut::map_anon(1)?;
        let start = NonNull::from(&mut page[..]).cast();
        // SAFETY: the whole of a private anonymous mapping that is ours; wiping it in a child changes
        // nothing in this process.
        let wiped = unsafe { madvise(start.as_ptr(), page.len(), Advice::LinuxWipeOnFork) };
        page[0] = 1;
        Ok(Self {
            page,
            process: wiped.is_err().then(std::process::id),
        })
    }

    /// False in a child that got a copy by `fork`.
    #[inline]
    pub(super) fn is_this_process(&self) -> bool {
        match self.process {
            Some(process) => process == std::process::id(),
            None => {
                let byte = self.page.as_ptr().cast_mut().cast::<AtomicU8>();
                // SAFETY: one byte of a live mapping, read as an atomic because a `fork` changes it
                // behind the compiler's back; nothing writes it after `this_process`.
                let byte = unsafe { &*byte };
                byte.load(Ordering::Relaxed) == 1
            }
        }
    }
}
