//! The tunnel: functions of this module called with encoded parameters instead of through C, for
//! KMIP's PKCS#11 operation (KMIP 2.1 section 6.1.37; KMIP Profiles 2.1, PKCS#11 encoding).
//!
//! A [`Tunnel`] is what a process that has called `C_Initialize` is to the C functions: one slot with
//! the token of one account, sessions, handles. It opens no store: the server has one.

mod codec;
mod functions;
mod information;
mod keys;
mod mechanisms;
mod message_parameters;
mod messages;
mod newer;
mod parameters;
mod templates;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cryptoki_sys::{CK_RV, CK_SLOT_ID, CKR_OK};
use keybridge_core::{Kms, Protection};
use zeroize::Zeroizing;

use crate::config::ConfiguredToken;
use crate::module::Instance;
use crate::rv::Rv;
use crate::token::embedded::Embedded;
use codec::{Fault, Reader, Writer};

pub use functions::{Function, NOT_CARRIED};

/// The one slot.
const SLOT: u32 = 0;

/// The version of the encoding, which `C_Initialize` names.
const ENCODING: u8 = 1;

/// The interface whose functions there are.
pub const INTERFACE: &str = "PKCS 11";

/// The parameters of a call are not encoded as the profile says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecError;

/// What a function answered.
pub struct Reply {
    /// Its return value.
    pub rv: CK_RV,
    /// Its output parameters.
    pub output: Zeroizing<Vec<u8>>,
}

impl Reply {
    /// A return value without output.
    #[must_use]
    pub fn of(rv: Rv) -> Self {
        Self {
            rv: rv.code(),
            output: Zeroizing::default(),
        }
    }
}

/// An initialized module for one client.
pub struct Tunnel {
    instance: Instance,
}

impl Tunnel {
    /// `C_Initialize`: a module with the token of an account. `input` is its input parameters: the
    /// version of the encoding.
    ///
    /// # Errors
    /// [`CodecError`] for another version.
    pub fn initialize(kms: Arc<Kms>, account: &str, input: &[u8]) -> Result<Self, CodecError> {
        if input != [ENCODING] {
            return Err(CodecError);
        }
        let token = Embedded::over(kms, account.to_owned(), Protection::Software);
        let tokens = vec![ConfiguredToken {
            slot: SLOT,
            account: account.to_owned(),
            token: Box::new(token),
        }];
        Ok(Self {
            instance: Instance::new(tokens),
        })
    }

    /// Calls a function other than `C_Initialize` and `C_Finalize`.
    ///
    /// # Errors
    /// [`CodecError`]; what the function itself says is in its reply.
    pub fn call(&self, function: Function, input: &[u8]) -> Result<Reply, CodecError> {
        let mut writer = Writer::default();
        let done = functions::call(
            &self.instance,
            function,
            &mut Reader::new(input),
            &mut writer,
        );
        let rv = match done {
            Ok(()) => CKR_OK,
            Err(Fault::Malformed) => return Err(CodecError),
            Err(Fault::Rv(rv)) => {
                let still_tells = [
                    Rv::BUFFER_TOO_SMALL,
                    Rv::ATTRIBUTE_SENSITIVE,
                    Rv::ATTRIBUTE_TYPE_INVALID,
                ];
                if !still_tells.contains(&rv) {
                    writer.clear();
                }
                rv.code()
            }
        };
        Ok(Reply {
            rv,
            output: writer.into_bytes(),
        })
    }
}

impl Drop for Tunnel {
    /// `C_Finalize`: sessions end, and the objects that live in them.
    fn drop(&mut self) {
        // The slot is there, so there is nothing that could fail.
        let _ = self.instance.close_all_sessions(CK_SLOT_ID::from(SLOT));
    }
}
