//! Saved states of operations.
//!
//! What leaves the module is a name: the state itself stays here, as it may come from a key
//! (`C_DigestKey`), and a state that the application could forge would be one more parser. So a
//! state is good in the process that saved it, until the module is finalized or newer states have
//! taken its place, which the standard leaves to the token ("C_SetOperationState": "no guarantee
//! that cryptographic operations state may be carried across …").

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki_sys::*;
use keybridge_core::ObjectId;

use crate::ffi::pointers::Output;
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::{Digesting, Kind, Session};
use crate::slot::Slot;

/// What a name of a state begins with; the version is its last byte.
const MAGIC: &[u8; 8] = b"KBSTATE\x01";

/// Bytes of a name: the beginning and 16 random bytes.
const LENGTH: usize = MAGIC.len() + 16;

/// States that a process keeps; the oldest go first. Programs that save states save one or two.
const MOST: usize = 256;

/// A saved state.
struct Saved {
    name: [u8; LENGTH],
    slot: CK_SLOT_ID,
    state: CK_STATE,
    digest: Digesting,
}

/// The saved states of a process.
#[derive(Default)]
pub(crate) struct SavedStates(Mutex<VecDeque<Saved>>);

impl SavedStates {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Saved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instance {
    /// `C_GetOperationState`: of a digest. An operation with a key is bound to its user's login and
    /// to the key's state at every call, and does not leave its session.
    ///
    /// # Errors
    /// `CKR_STATE_UNSAVEABLE`, `CKR_OPERATION_NOT_INITIALIZED` when there is nothing to save,
    /// `CKR_BUFFER_TOO_SMALL`.
    pub fn operation_state(
        &self,
        session: CK_SESSION_HANDLE,
        output: &mut Output<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let savable = [Kind::Encrypt, Kind::Decrypt, Kind::Sign, Kind::Verify];
            if savable
                .into_iter()
                .any(|kind| session.key_use(kind).is_some())
            {
                return Err(Rv::STATE_UNSAVEABLE);
            }
            let digest = session.digest.clone();
            let digest = digest.ok_or(Rv::OPERATION_NOT_INITIALIZED)?;
            let Some(room) = output.room(LENGTH)? else {
                return Ok(());
            };
            let mut name = [0; LENGTH];
            name[..MAGIC.len()].copy_from_slice(MAGIC);
            name[MAGIC.len()..].copy_from_slice(ObjectId::random().as_bytes());
            room.copy_from_slice(&name);
            let mut states = self.states.lock();
            if states.len() >= MOST {
                states.pop_front();
            }
            states.push_back(Saved {
                name,
                slot: slot.id,
                state: state_of(session, slot),
                digest,
            });
            Ok(())
        })
    }

    /// `C_SetOperationState`. Ends whatever is active in the session.
    ///
    /// # Errors
    /// `CKR_SAVED_STATE_INVALID` for what was not saved by this process, or at another token, or in
    /// another state of the session; `CKR_KEY_NOT_NEEDED`.
    pub fn set_operation_state(
        &self,
        session: CK_SESSION_HANDLE,
        name: &[u8],
        keys: [CK_OBJECT_HANDLE; 2],
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let states = self.states.lock();
            let found = states.iter().find(|saved| saved.name == *name);
            let saved = found.ok_or(Rv::SAVED_STATE_INVALID)?;
            if (saved.slot, saved.state) != (slot.id, state_of(session, slot)) {
                return Err(Rv::SAVED_STATE_INVALID);
            }
            if keys != [CK_INVALID_HANDLE; 2] {
                return Err(Rv::KEY_NOT_NEEDED);
            }
            session.cancel(CK_FLAGS::MAX);
            session.digest = Some(saved.digest.clone());
            Ok(())
        })
    }
}

fn state_of(session: &Session, slot: &Slot) -> CK_STATE {
    slot.session_state(session.is_read_write())
}
