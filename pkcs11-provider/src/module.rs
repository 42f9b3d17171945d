//! The module of a process: initialized or not, with its slots, sessions and handles.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use arc_swap::{ArcSwapOption, Guard};
use cryptoki_sys::*;
use keybridge_core::ObjectId;

use crate::attributes::builtin::Builtin;
use crate::attributes::view::View;
use crate::config::{self, ConfiguredToken};
use crate::ffi::fork;
use crate::functions::SavedStates;
use crate::handles::{Handles, Meaning};
use crate::log;
use crate::mechanisms::numbers::{self, Numbers};
use crate::rv::{Result, Rv};
use crate::session::table::{MAX_SESSIONS, SessionTable};
use crate::session::{LastKey, Session};
use crate::slot::Slot;
use crate::token::error::{Doing, rv};

pub use crate::attributes::view::Answer;

/// The module of this process, if it is initialized. What stands here may be a parent's, after a
/// fork: see [`current`].
static CURRENT: ArcSwapOption<Instance> = ArcSwapOption::const_empty();

/// What `C_Initialize` was told about threads (`CK_C_INITIALIZE_ARGS`).
#[derive(Clone, Copy, Debug, Default)]
pub struct InitializeArguments {
    /// How many of the four mutex functions were given.
    pub mutex_functions: usize,
    /// `CKF_…`.
    pub flags: CK_FLAGS,
    /// Whether `pReserved` was not NULL.
    pub reserved: bool,
}

/// `C_Initialize`. Reads the configuration; opens no store, no HSM and no connection.
///
/// The operating system's locks are used in every case. An application that gives mutex functions
/// of its own without `CKF_OS_LOCKING_OK` asks for those instead; its threads are the operating
/// system's all the same, so it gets the exclusion it needs.
///
/// # Errors
/// `CKR_CRYPTOKI_ALREADY_INITIALIZED`, `CKR_ARGUMENTS_BAD`, `CKR_GENERAL_ERROR` for a configuration
/// that cannot be used.
pub fn initialize(arguments: &InitializeArguments) -> Result<()> {
    initialize_with(arguments, config::tokens)
}

/// The slots that a configuration file makes, each with the name of its account. Opens no store.
///
/// # Errors
/// [`keybridge_core::Error::Configuration`], as [`initialize`] would meet it.
pub fn configured(file: &Path) -> keybridge_core::Result<Vec<(u32, String)>> {
    let tokens = config::read(file)?.into_iter();
    Ok(tokens.map(|token| (token.slot, token.account)).collect())
}

/// [`initialize`] with a configuration file of the caller's choice: for programs of ours that have
/// one already, and do not come through C.
///
/// # Errors
/// As [`initialize`].
pub fn initialize_from(file: &Path) -> Result<()> {
    initialize_with(&InitializeArguments::default(), || config::read(file))
}

fn initialize_with(
    arguments: &InitializeArguments,
    tokens: impl FnOnce() -> keybridge_core::Result<Vec<ConfiguredToken>>,
) -> Result<()> {
    if arguments.reserved || !matches!(arguments.mutex_functions, 0 | 4) {
        return Err(Rv::ARGUMENTS_BAD);
    }
    fork::watch();
    log::start();
    let before = CURRENT.load_full();
    if before
        .as_ref()
        .is_some_and(|instance| instance.is_of_this_process())
    {
        return Err(Rv::CRYPTOKI_ALREADY_INITIALIZED);
    }
    let tokens = tokens().map_err(|error| {
        tracing::error!(target: "keybridge::pkcs11", "{error}");
        Rv::GENERAL_ERROR
    })?;
    let instance = Arc::new(Instance::new(tokens));
    let found = CURRENT.compare_and_swap(&before, Some(instance));
    if !same(&found, &before) {
        return Err(Rv::CRYPTOKI_ALREADY_INITIALIZED);
    }
    // A parent's module must never be dropped here: its locks may be held by threads that this
    // process does not have, and its store's connection is the parent's.
    std::mem::forget(before);
    Ok(())
}

/// `C_Finalize`. Calls that other threads are in finish undisturbed; what they use goes when the
/// last of them returns.
///
/// # Errors
/// `CKR_CRYPTOKI_NOT_INITIALIZED`.
pub fn finalize() -> Result<()> {
    let before = CURRENT.load_full();
    let Some(instance) = before
        .as_ref()
        .filter(|instance| instance.is_of_this_process())
    else {
        return Err(Rv::CRYPTOKI_NOT_INITIALIZED);
    };
    let found = CURRENT.compare_and_swap(&before, None);
    if !same(&found, &before) {
        return Err(Rv::CRYPTOKI_NOT_INITIALIZED);
    }
    instance.end();
    Ok(())
}

/// The module of this process.
///
/// # Errors
/// `CKR_CRYPTOKI_NOT_INITIALIZED`.
pub fn current() -> Result<impl std::ops::Deref<Target = Instance>> {
    let guard = CURRENT.load();
    if guard
        .as_ref()
        .is_some_and(|instance| instance.is_of_this_process())
    {
        Ok(Current(guard))
    } else {
        Err(Rv::CRYPTOKI_NOT_INITIALIZED)
    }
}

struct Current(Guard<Option<Arc<Instance>>>);

impl std::ops::Deref for Current {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        match &*self.0 {
            Some(instance) => instance,
            None => unreachable!("made by `current`, which looked"),
        }
    }
}

fn same(one: &Option<Arc<Instance>>, other: &Option<Arc<Instance>>) -> bool {
    one.as_ref().map(Arc::as_ptr) == other.as_ref().map(Arc::as_ptr)
}

/// An initialized module. Its methods are the functions of PKCS#11 in terms of Rust; the exported
/// ones are these with pointers.
pub struct Instance {
    generation: u32,
    /// No token has numbers of a vendor, so nobody needs to look.
    only_own_numbers: bool,
    pub(crate) slots: Box<[Slot]>,
    pub(crate) sessions: SessionTable,
    pub(crate) handles: Handles,
    pub(crate) states: SavedStates,
    ended: Mutex<bool>,
    wake: Condvar,
}

impl Instance {
    pub(crate) fn new(tokens: Vec<ConfiguredToken>) -> Self {
        let slots = tokens
            .into_iter()
            .map(|token| Slot::new(token.slot.into(), token.token));
        let slots: Box<[Slot]> = slots.collect();
        Instance {
            generation: fork::generation(),
            only_own_numbers: slots.iter().all(|slot| slot.token.numbers().are_own()),
            slots,
            sessions: SessionTable::new(MAX_SESSIONS),
            handles: Handles::new(),
            states: SavedStates::default(),
            ended: Mutex::new(false),
            wake: Condvar::new(),
        }
    }

    fn is_of_this_process(&self) -> bool {
        self.generation == fork::generation()
    }

    /// Wakes who waits in [`Instance::wait_for_end`].
    fn end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_all();
    }

    /// Waits until the module is finalized: nothing else ever happens to a slot here.
    pub(crate) fn wait_for_end(&self) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended {
            ended = self
                .wake
                .wait(ended)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Index of a slot.
    ///
    /// # Errors
    /// `CKR_SLOT_ID_INVALID`.
    pub(crate) fn slot_index(&self, id: CK_SLOT_ID) -> Result<usize> {
        self.slots
            .iter()
            .position(|slot| slot.id == id)
            .ok_or(Rv::SLOT_ID_INVALID)
    }

    /// A slot.
    ///
    /// # Errors
    /// `CKR_SLOT_ID_INVALID`.
    pub(crate) fn slot(&self, id: CK_SLOT_ID) -> Result<&Slot> {
        self.slot_index(id).map(|index| &self.slots[index])
    }

    /// The numbers by which a session's application knows mechanisms. For a session that is none, ours:
    /// whatever is asked in it will be refused.
    pub(crate) fn numbers(&self, session: CK_SESSION_HANDLE) -> &Numbers {
        if self.only_own_numbers {
            return &numbers::OWN;
        }
        let slot = self.sessions.with(session, |session| Ok(session.slot()));
        slot.map_or(&numbers::OWN, |slot| self.slots[slot].token.numbers())
    }

    /// Runs `function` on a session and its slot.
    ///
    /// # Errors
    /// `CKR_SESSION_HANDLE_INVALID`, and those of `function`.
    pub(crate) fn in_session<T>(
        &self,
        handle: CK_SESSION_HANDLE,
        function: impl FnOnce(&mut Session, &Slot) -> Result<T>,
    ) -> Result<T> {
        self.sessions.with(handle, |session| {
            let slot = &self.slots[session.slot()];
            function(session, slot)
        })
    }

    /// The object that a handle stands for in a session.
    ///
    /// # Errors
    /// `invalid`, which depends on what the handle was given as.
    pub(crate) fn object(
        &self,
        session: &Session,
        handle: CK_OBJECT_HANDLE,
        invalid: Rv,
    ) -> Result<ObjectId> {
        let meaning = self
            .handles
            .get(handle)
            .filter(|found| found.slot == session.slot());
        let Meaning { object, epoch, .. } = meaning.ok_or(invalid)?;
        let slot = &self.slots[session.slot()];
        if epoch != slot.epoch() && Builtin::of(object).is_none() {
            // Given before a logout: good for public objects only.
            let object = slot.token.inspect(object);
            let object = object.map_err(|error| match rv(&error, Doing::Object) {
                Rv::OBJECT_HANDLE_INVALID => invalid,
                other => other,
            })?;
            if object.attributes.private {
                return Err(invalid);
            }
        }
        Ok(object)
    }

    /// The key that a handle stands for; quick for the key that this session used last.
    ///
    /// # Errors
    /// `CKR_KEY_HANDLE_INVALID`.
    pub(crate) fn key(&self, session: &mut Session, handle: CK_OBJECT_HANDLE) -> Result<ObjectId> {
        let epoch = self.slots[session.slot()].epoch();
        if let Some(last) = session.last_key
            && (last.handle, last.epoch) == (handle, epoch)
        {
            return Ok(last.object);
        }
        let object = self.object(session, handle, Rv::KEY_HANDLE_INVALID)?;
        session.last_key = Some(LastKey {
            handle,
            epoch,
            object,
        });
        Ok(object)
    }

    /// The handle of an object of a session's slot.
    pub(crate) fn handle(&self, session: &Session, object: ObjectId) -> CK_OBJECT_HANDLE {
        let slot = session.slot();
        self.handles.give(Meaning {
            slot,
            object,
            epoch: self.slots[slot].epoch(),
        })
    }

    /// Runs `function` on an object as PKCS#11 shows it.
    pub(crate) fn view<T>(
        &self,
        slot: &Slot,
        object: ObjectId,
        function: impl FnOnce(&View<'_>) -> Result<T>,
    ) -> Result<T> {
        let object = slot
            .token
            .inspect(object)
            .map_err(|error| rv(&error, Doing::Object))?;
        let view = View::new(&*slot.token, &object).ok_or(Rv::OBJECT_HANDLE_INVALID)?;
        function(&view)
    }

    /// Ends the operations of a slot's sessions that hold private keys.
    pub(crate) fn drop_private_operations(&self, slot: &Slot) {
        for handle in self.sessions.of_slot(slot.id) {
            // A session closed meanwhile has no operations.
            let _ = self.sessions.with(handle, |session| {
                session.drop_private_operations();
                Ok(())
            });
        }
    }

    /// Whether a session may change what is stored.
    ///
    /// # Errors
    /// `CKR_SESSION_READ_ONLY`.
    pub(crate) fn check_writable(session: &Session, stored: bool) -> Result<()> {
        if stored && !session.is_read_write() {
            Err(Rv::SESSION_READ_ONLY)
        } else {
            Ok(())
        }
    }
}
