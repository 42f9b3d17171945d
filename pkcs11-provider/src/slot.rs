//! A slot: its token, and who of this process is logged in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki_sys::*;
use keybridge_core::ObjectId;
use keybridge_core::model::{Role, SessionId};

use crate::rv::{Result, Rv};
use crate::token::Token;
use crate::token::error::{Doing, rv};

/// Who is logged in, in all sessions that this process has with the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginState {
    Public,
    User,
    SecurityOfficer,
}

/// A slot with its token. Tokens do not come and go: what is configured is there.
pub(crate) struct Slot {
    /// `CK_SLOT_ID`.
    pub(crate) id: CK_SLOT_ID,
    pub(crate) token: Box<dyn Token>,
    /// Guards logins and the counts. Never taken while a session is locked: a login looks at every
    /// session.
    login: Mutex<Counts>,
    state: AtomicU8,
    epoch: AtomicU64,
    initialized: AtomicBool,
    /// The objects that end with a session, and whether they are private.
    session_objects: Mutex<HashMap<SessionId, HashMap<ObjectId, bool>>>,
}

/// Sessions that this process has with the token.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) read_only: usize,
    pub(crate) read_write: usize,
}

impl Counts {
    pub(crate) fn of(&mut self, read_write: bool) -> &mut usize {
        if read_write {
            &mut self.read_write
        } else {
            &mut self.read_only
        }
    }

    pub(crate) fn all(self) -> usize {
        self.read_only + self.read_write
    }
}

impl Slot {
    pub(crate) fn new(id: CK_SLOT_ID, token: Box<dyn Token>) -> Self {
        Slot {
            id,
            token,
            login: Mutex::default(),
            state: AtomicU8::new(LoginState::Public as u8),
            epoch: AtomicU64::new(0),
            initialized: AtomicBool::new(false),
            session_objects: Mutex::default(),
        }
    }

    /// Locks logins, and opening and closing of sessions.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Counts> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is logged in.
    pub(crate) fn login_state(&self) -> LoginState {
        match self.state.load(Ordering::Acquire) {
            state if state == LoginState::User as u8 => LoginState::User,
            state if state == LoginState::SecurityOfficer as u8 => LoginState::SecurityOfficer,
            _ => LoginState::Public,
        }
    }

    /// Counts the logins that have ended.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Which login it is: while this stays the same, so does who calls the token.
    pub(crate) fn current_login(&self) -> (u64, LoginState) {
        (self.epoch(), self.login_state())
    }

    /// Whether the token is initialized; a token that is does not become uninitialized again.
    ///
    /// # Errors
    /// When the token cannot tell.
    pub(crate) fn is_initialized(&self) -> Result<bool> {
        if self.initialized.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let state = self
            .token
            .state()
            .map_err(|error| rv(&error, Doing::Administration))?;
        self.initialized
            .store(state.token.initialized, Ordering::Relaxed);
        Ok(state.token.initialized)
    }

    /// `C_Login` for the user or the SO. The caller holds the lock.
    pub(crate) fn login(
        &self,
        counts: &Counts,
        wanted: LoginState,
        pin: &keybridge_core::SecretBytes,
    ) -> Result<()> {
        match self.login_state() {
            LoginState::Public => {}
            state if state == wanted => return Err(Rv::USER_ALREADY_LOGGED_IN),
            _ => return Err(Rv::USER_ANOTHER_ALREADY_LOGGED_IN),
        }
        let role = match wanted {
            LoginState::SecurityOfficer if counts.read_only > 0 => {
                return Err(Rv::SESSION_READ_ONLY_EXISTS);
            }
            LoginState::SecurityOfficer => Role::SecurityOfficer,
            _ => Role::User,
        };
        self.token
            .login(role, pin)
            .map_err(|error| rv(&error, Doing::Administration))?;
        self.state.store(wanted as u8, Ordering::Release);
        Ok(())
    }

    /// Becomes public again, and destroys private session objects ("C_Logout"), which it gives for
    /// their handles to be forgotten. The caller holds the lock. Ending the operations of sessions
    /// is the caller's.
    pub(crate) fn logout(&self) -> Vec<ObjectId> {
        let destroyed = self.take_private_objects();
        for object in &destroyed {
            // Gone already, perhaps; in any case invisible once the user is logged out.
            let _ = self.token.delete(*object);
        }
        self.token.logout();
        self.state
            .store(LoginState::Public as u8, Ordering::Release);
        self.epoch.fetch_add(1, Ordering::AcqRel);
        destroyed
    }

    /// Remembers an object that ends with a session.
    pub(crate) fn remember(&self, session: SessionId, object: ObjectId, private: bool) {
        self.objects()
            .entry(session)
            .or_default()
            .insert(object, private);
    }

    /// Forgets an object that was destroyed.
    pub(crate) fn forget(&self, object: ObjectId) {
        for objects in self.objects().values_mut() {
            objects.remove(&object);
        }
    }

    /// Destroys a session's objects, and gives them for their handles to be forgotten.
    pub(crate) fn end_session(&self, session: SessionId) -> Vec<ObjectId> {
        let objects = self.objects().remove(&session);
        self.token.end_session(session);
        objects.into_iter().flat_map(HashMap::into_keys).collect()
    }

    fn take_private_objects(&self) -> Vec<ObjectId> {
        let mut sessions = self.objects();
        let objects = sessions.values_mut();
        objects
            .flat_map(|objects| objects.extract_if(|_, private| *private))
            .map(|(object, _)| object)
            .collect()
    }

    fn objects(&self) -> MutexGuard<'_, HashMap<SessionId, HashMap<ObjectId, bool>>> {
        self.session_objects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// `CK_SESSION_INFO.state` of a session.
    pub(crate) fn session_state(&self, read_write: bool) -> CK_STATE {
        match (self.login_state(), read_write) {
            (LoginState::Public, false) => CKS_RO_PUBLIC_SESSION,
            (LoginState::Public, true) => CKS_RW_PUBLIC_SESSION,
            (LoginState::User, false) => CKS_RO_USER_FUNCTIONS,
            (LoginState::User, true) => CKS_RW_USER_FUNCTIONS,
            (LoginState::SecurityOfficer, _) => CKS_RW_SO_FUNCTIONS,
        }
    }
}
