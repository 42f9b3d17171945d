//! Where `CKM_TLS12_KEY_AND_MAC_DERIVE` and its kin leave what they make: four handles and two initialization vectors in
//! a structure that the mechanism's parameter points to (`CK_SSL3_KEY_MAT_OUT`).

use cryptoki_sys::*;

use super::pointers::Ptr;
use crate::functions::TlsKeys;
use crate::rv::{Result, Rv};

/// The structure, and the places that it points to.
pub(super) struct TlsKeysPlace {
    structure: Ptr<CK_SSL3_KEY_MAT_OUT>,
    raw: CK_SSL3_KEY_MAT_OUT,
}

impl TlsKeysPlace {
    /// The place that a mechanism names; none for other mechanisms.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` when it is not there, or lacks room for what is asked for.
    pub(super) fn of(mechanism: Ptr<CK_MECHANISM>) -> Result<Option<Self>> {
        let CK_MECHANISM {
            mechanism: kind,
            pParameter: parameter,
            ulParameterLen: length,
        } = mechanism.read()?;
        let vectors = match kind {
            CKM_TLS12_KEY_AND_MAC_DERIVE => true,
            CKM_TLS12_KEY_SAFE_DERIVE => false,
            _ => return Ok(None),
        };
        if usize::try_from(length) != Ok(size_of::<CK_TLS12_KEY_MAT_PARAMS>()) {
            return Err(Rv::MECHANISM_PARAM_INVALID);
        }
        // SAFETY: the parameter of the application's mechanism: NULL, or as long as the length says.
        let parameter: Ptr<CK_TLS12_KEY_MAT_PARAMS> = unsafe { Ptr::nested(parameter.cast()) };
        let invalid = |_| Rv::MECHANISM_PARAM_INVALID;
        let parameter = parameter.read().map_err(invalid)?;
        // SAFETY: from the application's structure.
        let structure: Ptr<CK_SSL3_KEY_MAT_OUT> =
            unsafe { Ptr::nested(parameter.pReturnedKeyMaterial) };
        let raw = structure.read().map_err(invalid)?;
        if vectors && parameter.ulIVSizeInBits > 0 {
            for place in [raw.pIVClient, raw.pIVServer] {
                // SAFETY: from the application's structure, which says that there is room for a vector.
                let place: Ptr<u8> = unsafe { Ptr::nested(place) };
                place.expect_writable().map_err(invalid)?;
            }
        }
        Ok(Some(TlsKeysPlace { structure, raw }))
    }

    /// Tells what was made.
    ///
    /// # Errors
    /// None: the structure was read before.
    pub(super) fn write(mut self, made: &TlsKeys) -> Result<()> {
        [self.raw.hClientMacSecret, self.raw.hServerMacSecret] = made.mac_keys;
        [self.raw.hClientKey, self.raw.hServerKey] = made.keys;
        let places = [self.raw.pIVClient, self.raw.pIVServer];
        for (place, vector) in places.into_iter().zip(&made.vectors) {
            if !vector.is_empty() {
                // SAFETY: as above, where it was seen not to be NULL.
                let place: Ptr<u8> = unsafe { Ptr::nested(place) };
                place.write_elements(vector);
            }
        }
        self.structure.write(self.raw)
    }
}
