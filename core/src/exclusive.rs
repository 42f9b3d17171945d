//! What nobody may wait in: a job that writes to the store, for which every other writer waits.
//!
//! An HSM may hang for seconds, and what it has destroyed no rollback brings back. So no call to one is made
//! inside such a job, and no password is hashed there; builds with debug assertions, which are those of the tests, stop at one that is.

use std::cell::Cell;

thread_local! {
    /// Jobs that this thread is in.
    static JOBS: Cell<u32> = const { Cell::new(0) };
}

/// Marks this thread as inside a job until it is dropped.
pub(crate) struct Job(());

impl Job {
    pub(crate) fn enter() -> Self {
        JOBS.set(JOBS.get() + 1);
        Self(())
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        JOBS.set(JOBS.get().saturating_sub(1));
    }
}

/// Says that this thread is about to wait for another machine, or to compute for long.
pub(crate) fn about_to_wait() {
    debug_assert_eq!(
        JOBS.get(),
        0,
        "inside a write transaction: every other writer would wait for this"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_over_when_it_is_left_by_a_panic_too() {
        let left = std::panic::catch_unwind(|| {
            let _job = Job::enter();
            about_to_wait();
        });
        assert!(left.is_err());
        about_to_wait();
    }
}
