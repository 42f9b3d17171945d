//! Which process this is: a `fork` copies everything but the right to use it.

#![allow(unsafe_code)]

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering};

use memmap2::MmapMut;
use rustix::mm::{Advice, madvise};

/// Tells, without a system call, whether this is still the process that made it.
pub(crate) struct Owner {
    page: MmapMut,
    /// The process, where the kernel cannot wipe pages (before Linux 4.14): then it is asked.
    process: Option<u32>,
}

impl Owner {
    pub(crate) fn this_process() -> io::Result<Self> {
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
    pub(crate) fn is_this_process(&self) -> bool {
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
