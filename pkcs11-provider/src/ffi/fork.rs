//! Forks: what they wait for, and how a child notices.
//!
//! A child of `fork()` has a copy of the parent's memory but none of its other threads: what one of
//! them was in the middle of stays half done there, and a lock that it held stays held for ever.
//! The child therefore uses nothing of what the module made before: it sees a module that was
//! never initialized (PKCS#11 usage guide, "Applications and processes": parent and child are not
//! the same application), and what the parent had built is left alone in it, not even freed.
//!
//! What the libraries below us share within a process cannot be left alone: SQLite's and the random
//! generator's locks, those of an HSM's module. So a fork first waits for the calls that are under
//! way in other threads and holds new ones back until it is done. It waits as long as the slowest
//! of them takes, but not for who waits for a slot's event.
//!
//! A thread that ends takes a lock of the random generator too, where nobody can wait for it; a fork
//! in that very moment can still leave the child waiting when it exits.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Once, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How many forks lie between the first process that loaded the module and this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// A thread's calls go through one gate; a fork closes all. Many, so that threads do not pass the
/// same memory back and forth.
static GATES: [Gate; 16] = [const { Gate(RwLock::new(())) }; 16];

/// Alone on its cache lines. It does not know who holds it, so a child may open what its parent
/// closed.
#[repr(align(128))]
struct Gate(RwLock<()>);

type Passing = ManuallyDrop<RwLockReadGuard<'static, ()>>;
type Closed = ManuallyDrop<Vec<RwLockWriteGuard<'static, ()>>>;

/// Without destructors: programs call from their exit handlers, too.
struct Thread {
    /// How many calls the thread is in, one inside the other; forking counts as one.
    depth: Cell<u32>,
    /// One more than its gate; 0 for a thread that had no call yet.
    gate: Cell<usize>,
    passing: Cell<Option<Passing>>,
    /// All gates, while the thread forks.
    closed: Cell<Option<Closed>>,
}

thread_local! {
    static THREAD: Thread = const {
        Thread {
            depth: Cell::new(0),
            gate: Cell::new(0),
            passing: Cell::new(None),
            closed: Cell::new(None),
        }
    };
}

impl Thread {
    /// Counts a call in. True for the outermost.
    fn enter(&self) -> bool {
        self.depth.replace(self.depth.get() + 1) == 0
    }

    fn leave(&self) -> bool {
        self.depth.set(self.depth.get() - 1);
        self.depth.get() == 0
    }

    fn pass(&self) {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        if self.gate.get() == 0 {
            let number = THREADS.fetch_add(1, Ordering::Relaxed) % GATES.len();
            self.gate.set(number + 1);
        }
        let gate = &GATES[self.gate.get() - 1].0;
        let passing = gate.read().unwrap_or_else(PoisonError::into_inner);
        self.passing.set(Some(ManuallyDrop::new(passing)));
    }

    fn passed(&self) {
        drop(self.passing.take().map(ManuallyDrop::into_inner));
    }
}

/// A call that forks wait for, until it is dropped.
pub(super) struct Call {
    /// It stays on its thread.
    _not_send: std::marker::PhantomData<*const ()>,
}

impl Call {
    /// Begins a call; waits while another thread forks.
    pub(super) fn begin() -> Self {
        THREAD.with(|thread| {
            if thread.enter() {
                thread.pass();
            }
        });
        Self {
            _not_send: std::marker::PhantomData,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        THREAD.with(|thread| {
            if thread.leave() {
                thread.passed();
            }
        });
    }
}

/// Whether this thread is in a call.
pub(super) fn in_call() -> bool {
    THREAD.with(|thread| thread.depth.get() > 0)
}

/// Waits for something that may take for ever: forks do not wait for it. `wait` must hold nothing that
/// a child could need.
pub(super) fn away<T>(wait: impl FnOnce() -> T) -> T {
    THREAD.with(Thread::passed);
    let result = wait();
    THREAD.with(Thread::pass);
    result
}

/// The current process's generation. What was made under another one belongs to a parent.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Makes sure that forks are noticed from now on.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handlers do not unwind; the child's opens the gates that its own thread closed
        // and adds to an atomic, which is safe in a child of a process with many threads. libc
        // removes the handlers when this library is unloaded.
        let result = unsafe { libc::pthread_atfork(Some(before), Some(after), Some(in_child)) };
        if result != 0 {
            tracing::error!(target: "keybridge::pkcs11", "forks go unnoticed: error {result}");
        }
    });
}

/// A fork inside a call of the same thread (an HSM's module may start a program) cannot wait for that
/// call. What its child then needs of ours is refused by who owns it.
extern "C" fn before() {
    THREAD.with(|thread| {
        if thread.enter() {
            let close =
                |gate: &'static Gate| gate.0.write().unwrap_or_else(PoisonError::into_inner);
            let closed = GATES.iter().map(close).collect();
            thread.closed.set(Some(ManuallyDrop::new(closed)));
        }
    });
}

extern "C" fn after() {
    THREAD.with(|thread| {
        drop(thread.closed.take().map(ManuallyDrop::into_inner));
        thread.leave();
    });
}

extern "C" fn in_child() {
    after();
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
