//! A PKCS#11 module loaded into this process, logged in.

use std::path::Path;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::Error;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

/// A loaded, initialized module and the slot of one token.
#[derive(Debug)]
pub struct Loaded {
    context: Pkcs11,
    slot: Slot,
}

impl Loaded {
    /// Loads the module and finds the token by its label. The module reads its configuration from
    /// the environment of this process.
    ///
    /// # Errors
    /// What the module says; [`Error::NotSupported`] when no token has this label.
    pub fn open(module: &Path, label: &str) -> Result<Self, Error> {
        let context = Pkcs11::new(module)?;
        context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
        for slot in context.get_slots_with_token()? {
            if context.get_token_info(slot)?.label() == label {
                return Ok(Self { context, slot });
            }
        }
        Err(Error::NotSupported)
    }

    /// A read-write session; the first one logs the user in.
    ///
    /// # Errors
    /// What the module says.
    pub fn session(&self, pin: &str) -> Result<Session, Error> {
        let session = self.context.open_rw_session(self.slot)?;
        match session.login(UserType::User, Some(&AuthPin::new(pin.into()))) {
            Ok(()) => Ok(session),
            Err(Error::Pkcs11(cryptoki::error::RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => Err(error),
        }
    }

    /// Ends the use of the module (C_Finalize). Sessions end with it.
    ///
    /// # Errors
    /// What the module says.
    pub fn close(self) -> Result<(), Error> {
        self.context.finalize()
    }
}
