//! GCM with a vector that the token makes (`C_EncryptInit`).
//!
//! `CK_GCM_PARAMS` has no field that asks for one. It is asked for by a length of 0 with a place: a
//! `pIv` that is not NULL and an `ulIvBits` that says how much room there is (96 bits or more). The
//! vector is written there, and its length into the structure, before `C_EncryptInit` returns.

use cryptoki_sys::*;

use super::mechanism::raw;
use super::pointers::Ptr;
use crate::mechanisms::numbers::Numbers;
use crate::mechanisms::registry::{self, Family};
use crate::mechanisms::{MechanismCall, Parameters};
use crate::rv::{Result, Rv};

/// Bytes of a vector that the token makes (SP 800-38D, section 8.2.2).
pub(super) const LENGTH: usize = 12;

/// A vector that is asked for.
pub(super) struct Wanted {
    kind: CK_MECHANISM_TYPE,
    structure: Ptr<CK_GCM_PARAMS>,
    raw: CK_GCM_PARAMS,
}

impl Wanted {
    /// Whether a mechanism asks for a vector.
    ///
    /// # Errors
    /// None but those of the pointers.
    pub(super) fn by(mechanism: Ptr<CK_MECHANISM>, numbers: &Numbers) -> Result<Option<Self>> {
        if mechanism.is_null() {
            return Ok(None);
        }
        let CK_MECHANISM {
            mechanism: kind,
            pParameter: parameter,
            ulParameterLen: length,
        } = raw(mechanism, numbers)?;
        let is_gcm = registry::find(kind).is_some_and(|row| row.family == Family::Gcm);
        if !is_gcm || usize::try_from(length) != Ok(size_of::<CK_GCM_PARAMS>()) {
            return Ok(None);
        }
        // SAFETY: the parameter of the application's mechanism: NULL, or as long as the length says.
        let structure: Ptr<CK_GCM_PARAMS> = unsafe { Ptr::nested(parameter.cast()) };
        let raw = structure.read().map_err(|_| Rv::MECHANISM_PARAM_INVALID)?;
        let room = raw.ulIvBits >= LENGTH as CK_ULONG * 8;
        let wanted = raw.ulIvLen == 0 && !raw.pIv.is_null() && room;
        Ok(wanted.then_some(Wanted {
            kind,
            structure,
            raw,
        }))
    }

    /// The mechanism with a vector.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(super) fn call<'call>(&self, iv: &'call [u8; LENGTH]) -> Result<MechanismCall<'call>> {
        // SAFETY: from the application's structure, together with its length.
        let aad: Ptr<u8> = unsafe { Ptr::nested(self.raw.pAAD) };
        let aad = aad.bytes(self.raw.ulAADLen);
        Ok(MechanismCall {
            kind: self.kind,
            parameters: Parameters::Gcm {
                iv,
                aad: aad.map_err(|_| Rv::MECHANISM_PARAM_INVALID)?,
                tag_bits: self.raw.ulTagBits,
            },
        })
    }

    /// Tells the application its vector.
    ///
    /// # Errors
    /// None: the structure was read before.
    pub(super) fn tell(mut self, iv: &[u8; LENGTH]) -> Result<()> {
        // SAFETY: from the application's structure, which says that there is room for it.
        let place: Ptr<u8> = unsafe { Ptr::nested(self.raw.pIv) };
        place.write_elements(iv);
        self.raw.ulIvLen = LENGTH as CK_ULONG;
        self.structure.write(self.raw)
    }
}
