//! Slots and tokens.

use cryptoki_sys::*;
use keybridge_core::SecretBytes;
use keybridge_core::kms::{PinState, TokenState};
use keybridge_core::model::Role;

use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::slot::LoginState;
use crate::token::error::{Doing, rv};

/// `CK_TOKEN_INFO` without its padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInformation {
    /// `label`.
    pub label: String,
    /// `serialNumber`.
    pub serial: String,
    /// `flags`.
    pub flags: CK_FLAGS,
    /// Sessions of this process.
    pub sessions: usize,
    /// Those of them that are read/write.
    pub read_write_sessions: usize,
    /// `ulMinPinLen`.
    pub pin_min: usize,
    /// `ulMaxPinLen`.
    pub pin_max: usize,
}

/// Length of a token's label, in bytes (`CK_TOKEN_INFO.label`).
const LABEL_LENGTH: usize = 32;

impl Instance {
    /// `C_GetSlotList`. Every slot has its token.
    #[must_use]
    pub fn slot_list(&self) -> Vec<CK_SLOT_ID> {
        self.slots.iter().map(|slot| slot.id).collect()
    }

    /// `C_GetSlotInfo`: fails for a slot that there is not; there is nothing else to say about one.
    ///
    /// # Errors
    /// `CKR_SLOT_ID_INVALID`.
    pub fn slot_information(&self, slot: CK_SLOT_ID) -> Result<()> {
        self.slot(slot).map(|_| ())
    }

    /// `C_GetTokenInfo`.
    ///
    /// # Errors
    /// `CKR_SLOT_ID_INVALID`, `CKR_DEVICE_ERROR` when the store cannot be read.
    pub fn token_information(&self, slot: CK_SLOT_ID) -> Result<TokenInformation> {
        let slot = self.slot(slot)?;
        let state = slot
            .token
            .state()
            .map_err(|error| rv(&error, Doing::Administration))?;
        let counts = *slot.lock();
        Ok(TokenInformation {
            flags: token_flags(&state),
            label: state.token.label,
            serial: state.token.serial,
            sessions: counts.all(),
            read_write_sessions: counts.read_write,
            pin_min: state.pin_min,
            pin_max: state.pin_max,
        })
    }

    /// `C_InitToken`. `label` is 32 bytes, padded with blanks. Of programs that give a C string instead (PyKCS11), it is
    /// what stands before the zero.
    ///
    /// # Errors
    /// `CKR_SESSION_EXISTS`, `CKR_PIN_INCORRECT`, `CKR_PIN_LOCKED`, `CKR_ARGUMENTS_BAD` for a label
    /// that is no text.
    pub fn init_token(&self, slot: CK_SLOT_ID, so_pin: &[u8], label: &[u8]) -> Result<()> {
        let slot = self.slot(slot)?;
        let label = label.get(..LABEL_LENGTH).unwrap_or(label);
        let label = label.split(|byte| *byte == 0).next().unwrap_or(label);
        let label = std::str::from_utf8(label).map_err(|_| Rv::ARGUMENTS_BAD)?;
        let counts = slot.lock();
        if counts.all() > 0 {
            return Err(Rv::SESSION_EXISTS);
        }
        slot.token
            .init_token(&SecretBytes::from(so_pin), label.trim_end())
            .map_err(|error| rv(&error, Doing::Administration))
    }

    /// `C_InitPIN`.
    ///
    /// # Errors
    /// `CKR_USER_NOT_LOGGED_IN` unless the SO is, `CKR_PIN_LEN_RANGE`.
    pub fn init_pin(&self, session: CK_SESSION_HANDLE, pin: &[u8]) -> Result<()> {
        self.in_session(session, |_, slot| {
            if slot.login_state() != LoginState::SecurityOfficer {
                return Err(Rv::USER_NOT_LOGGED_IN);
            }
            let pin = SecretBytes::from(pin);
            slot.token
                .init_pin(&pin)
                .map_err(|error| rv(&error, Doing::Administration))
        })
    }

    /// `C_SetPIN`: of the SO if the SO is logged in, else of the user.
    ///
    /// # Errors
    /// `CKR_SESSION_READ_ONLY`, `CKR_PIN_INCORRECT`, `CKR_PIN_LOCKED`, `CKR_PIN_LEN_RANGE`.
    pub fn set_pin(&self, session: CK_SESSION_HANDLE, old: &[u8], new: &[u8]) -> Result<()> {
        self.in_session(session, |session, slot| {
            if !session.is_read_write() {
                return Err(Rv::SESSION_READ_ONLY);
            }
            let role = match slot.login_state() {
                LoginState::SecurityOfficer => Role::SecurityOfficer,
                _ => Role::User,
            };
            let (old, new) = (SecretBytes::from(old), SecretBytes::from(new));
            let set = slot.token.set_pin(role, &old, &new);
            set.map_err(|error| rv(&error, Doing::Administration))
        })
    }

    /// `C_WaitForSlotEvent`: nothing ever happens to a slot, so this answers `CKR_NO_EVENT`, or
    /// waits until the module is finalized.
    ///
    /// # Errors
    /// Always.
    pub fn wait_for_slot_event(&self, block: bool) -> Result<CK_SLOT_ID> {
        if !block {
            return Err(Rv::NO_EVENT);
        }
        self.wait_for_end();
        Err(Rv::CRYPTOKI_NOT_INITIALIZED)
    }
}

fn token_flags(state: &TokenState) -> CK_FLAGS {
    // A saved state is that of a digest: restoring it needs no keys.
    let mut flags =
        CKF_RNG | CKF_LOGIN_REQUIRED | CKF_RESTORE_KEY_NOT_NEEDED | CKF_DUAL_CRYPTO_OPERATIONS;
    if state.token.initialized {
        flags |= CKF_TOKEN_INITIALIZED;
    }
    if state.user_pin.set {
        flags |= CKF_USER_PIN_INITIALIZED;
    }
    let user = (
        CKF_USER_PIN_COUNT_LOW,
        CKF_USER_PIN_FINAL_TRY,
        CKF_USER_PIN_LOCKED,
    );
    let so = (
        CKF_SO_PIN_COUNT_LOW,
        CKF_SO_PIN_FINAL_TRY,
        CKF_SO_PIN_LOCKED,
    );
    flags | pin_flags(state.user_pin, user) | pin_flags(state.so_pin, so)
}

/// What `CK_TOKEN_INFO` says about wrong tries of a PIN.
fn pin_flags(pin: PinState, (low, last, locked): (CK_FLAGS, CK_FLAGS, CK_FLAGS)) -> CK_FLAGS {
    if !pin.set || pin.failures == 0 {
        0
    } else if pin.is_locked() {
        locked
    } else if pin.failures + 1 == pin.tries {
        low | last
    } else {
        low
    }
}
