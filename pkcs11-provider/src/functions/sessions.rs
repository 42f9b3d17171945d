//! Sessions and logins.

use cryptoki_sys::*;
use keybridge_core::{ObjectId, SecretBytes};

use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::{Kind, Session};
use crate::slot::LoginState;
use crate::token::error::{Doing, rv};

/// `CK_SESSION_INFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionInformation {
    /// `slotID`.
    pub slot: CK_SLOT_ID,
    /// `state`.
    pub state: CK_STATE,
    /// `flags`.
    pub flags: CK_FLAGS,
}

/// Who logs in (`CK_USER_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserType {
    /// `CKU_SO`.
    SecurityOfficer,
    /// `CKU_USER`.
    User,
    /// `CKU_CONTEXT_SPECIFIC`: whoever is logged in, once more, for one use of a key.
    ContextSpecific,
}

impl UserType {
    /// From the number.
    ///
    /// # Errors
    /// `CKR_USER_TYPE_INVALID`.
    pub fn from_number(number: CK_USER_TYPE) -> Result<Self> {
        match number {
            CKU_SO => Ok(UserType::SecurityOfficer),
            CKU_USER => Ok(UserType::User),
            CKU_CONTEXT_SPECIFIC => Ok(UserType::ContextSpecific),
            _ => Err(Rv::USER_TYPE_INVALID),
        }
    }
}

impl Instance {
    /// `C_OpenSession`.
    ///
    /// # Errors
    /// As the standard gives them for its flags; `CKR_SESSION_COUNT`, `CKR_TOKEN_NOT_RECOGNIZED`
    /// for a token that is not initialized.
    pub fn open_session(&self, slot: CK_SLOT_ID, flags: CK_FLAGS) -> Result<CK_SESSION_HANDLE> {
        let index = self.slot_index(slot)?;
        let slot = &self.slots[index];
        if flags & CKF_SERIAL_SESSION == 0 {
            return Err(Rv::SESSION_PARALLEL_NOT_SUPPORTED);
        }
        if flags & CKF_ASYNC_SESSION != 0 {
            return Err(Rv::SESSION_ASYNC_NOT_SUPPORTED);
        }
        if !slot.is_initialized()? {
            return Err(Rv::TOKEN_NOT_RECOGNIZED);
        }
        let read_write = flags & CKF_RW_SESSION != 0;
        let mut counts = slot.lock();
        if !read_write && slot.login_state() == LoginState::SecurityOfficer {
            return Err(Rv::SESSION_READ_WRITE_SO_EXISTS);
        }
        let id = slot.token.new_session();
        let open = |handle| Session::new(handle, index, slot.id, read_write, id);
        let handle = self.sessions.insert(open)?;
        *counts.of(read_write) += 1;
        Ok(handle)
    }

    /// `C_CloseSession`.
    ///
    /// # Errors
    /// `CKR_SESSION_HANDLE_INVALID`.
    pub fn close_session(&self, session: CK_SESSION_HANDLE) -> Result<()> {
        let session = self.sessions.remove(session)?;
        let slot = &self.slots[session.slot()];
        self.forget(session.slot(), &slot.end_session(session.id()));
        let mut counts = slot.lock();
        *counts.of(session.is_read_write()) -= 1;
        // "If … it closes the last session …, the login state … returns to public sessions."
        if counts.all() == 0 && slot.login_state() != LoginState::Public {
            self.forget(session.slot(), &slot.logout());
        }
        Ok(())
    }

    /// `C_CloseAllSessions`.
    ///
    /// # Errors
    /// `CKR_SLOT_ID_INVALID`.
    pub fn close_all_sessions(&self, slot: CK_SLOT_ID) -> Result<()> {
        let slot = self.slot(slot)?;
        for session in self.sessions.of_slot(slot.id) {
            // Another thread may close one of them at the same time.
            let _ = self.close_session(session);
        }
        Ok(())
    }

    /// `C_GetSessionInfo`.
    ///
    /// # Errors
    /// `CKR_SESSION_HANDLE_INVALID`.
    pub fn session_information(&self, session: CK_SESSION_HANDLE) -> Result<SessionInformation> {
        self.leave_ended_login(self.slot_of(session)?);
        self.in_session(session, |session, slot| {
            let read_write = session.is_read_write();
            let flags = if read_write { CKF_RW_SESSION } else { 0 };
            Ok(SessionInformation {
                slot: slot.id,
                state: slot.session_state(read_write),
                flags: flags | CKF_SERIAL_SESSION,
            })
        })
    }

    /// `C_Login`.
    ///
    /// # Errors
    /// As the standard gives them.
    pub fn login(&self, session: CK_SESSION_HANDLE, user: UserType, pin: &[u8]) -> Result<()> {
        let pin = SecretBytes::from(pin);
        let wanted = match user {
            UserType::ContextSpecific => return self.login_for_operation(session, &pin),
            UserType::User => LoginState::User,
            UserType::SecurityOfficer => LoginState::SecurityOfficer,
        };
        let index = self.slot_of(session)?;
        self.leave_ended_login(index);
        let slot = &self.slots[index];
        let counts = slot.lock();
        slot.login(&counts, wanted, &pin)
    }

    /// Proves the user again for the operation that waits for it. A PIN that locks here also ends
    /// the login ("Private key objects").
    fn login_for_operation(&self, session: CK_SESSION_HANDLE, pin: &SecretBytes) -> Result<()> {
        let result = self.in_session(session, |session, slot| {
            if let Some(operation) = session.unproven() {
                let proven = slot.token.authenticate(operation, pin);
                return proven.map_err(|error| rv(&error, Doing::Administration));
            }
            Err(Rv::OPERATION_NOT_INITIALIZED)
        });
        if result == Err(Rv::PIN_LOCKED) {
            self.logout(session)?;
        }
        result
    }

    /// `C_Logout`.
    ///
    /// # Errors
    /// `CKR_USER_NOT_LOGGED_IN`.
    pub fn logout(&self, session: CK_SESSION_HANDLE) -> Result<()> {
        let index = self.slot_of(session)?;
        let slot = &self.slots[index];
        let counts = slot.lock();
        if slot.login_state() == LoginState::Public {
            return Err(Rv::USER_NOT_LOGGED_IN);
        }
        self.forget(index, &slot.logout());
        drop(counts);
        self.drop_private_operations(slot);
        Ok(())
    }

    /// Logs out whose PIN somebody else has set meanwhile, or revoked: until then every call of his is refused with
    /// `CKR_USER_NOT_LOGGED_IN`, and whoever hears that shall be able to log in.
    fn leave_ended_login(&self, index: usize) {
        let slot = &self.slots[index];
        if slot.login_state() == LoginState::Public || slot.token.is_login_good() {
            return;
        }
        let counts = slot.lock();
        // Another thread may have logged out, and in again, before this one had the lock.
        if slot.login_state() == LoginState::Public || slot.token.is_login_good() {
            return;
        }
        self.forget(index, &slot.logout());
        drop(counts);
        self.drop_private_operations(slot);
    }

    /// `C_SessionCancel`: ends the operations that the flags name. All can be ended at any time.
    ///
    /// # Errors
    /// `CKR_SESSION_HANDLE_INVALID`.
    pub fn cancel(&self, session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> Result<()> {
        self.in_session(session, |session, _| {
            session.cancel(flags);
            Ok(())
        })
    }

    /// Ends one operation of a session, if there is one.
    pub(crate) fn cancel_kind(&self, session: CK_SESSION_HANDLE, kind: Kind) {
        // Without such a session there is no operation either.
        let _ = self.sessions.with(session, |session| {
            *session.key_use(kind) = None;
            Ok(())
        });
    }

    /// Index of a session's slot, without keeping the session locked.
    fn slot_of(&self, session: CK_SESSION_HANDLE) -> Result<usize> {
        self.sessions.with(session, |session| Ok(session.slot()))
    }

    /// Forgets the handles of objects that are gone.
    fn forget(&self, slot: usize, objects: &[ObjectId]) {
        for object in objects {
            self.handles.forget(slot, *object);
        }
    }
}
