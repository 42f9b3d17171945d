//! What a token says of itself, read from modules too that tell the time as the standard does not.

// A call that the binding has, without its reading of the clock.
#![allow(unsafe_code)]

use std::path::Path;
use std::ptr::null_mut;

use cryptoki::error::Error as TokenError;
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki_sys::{CK_SLOT_ID, CK_TOKEN_INFO, CKF_CLOCK_ON_TOKEN, CKR_OK};

use super::module::Module;

/// `C_GetTokenInfo`. The binding reads the token's clock, which nobody here asks for, and gives up on one that is
/// not "YYYYMMDDhhmmssxx" (openCryptoki 3.8 tells a time of day): then everything else is read.
pub(super) fn token_info(module: &Module, slot: Slot) -> Result<TokenInfo, TokenError> {
    match module.pkcs11().get_token_info(slot) {
        Err(error @ (TokenError::ParseInt(_) | TokenError::Utf8(_))) => {
            let raw = raw_token_info(module.path(), slot);
            raw.and_then(without_clock).ok_or(error)
        }
        other => other,
    }
}

/// The structure as the module fills it; none if it does not.
fn raw_token_info(module: &Path, slot: Slot) -> Option<CK_TOKEN_INFO> {
    // SAFETY: this module is loaded and stays so (`Module::open`); loading it again gives the same library and runs
    // nothing of it.
    let library = unsafe { cryptoki_sys::Pkcs11::new(module) }.ok()?;
    let mut functions = null_mut();
    // SAFETY: a place for a pointer.
    let listed = unsafe { library.C_GetFunctionList(&mut functions) };
    if listed != CKR_OK || functions.is_null() {
        return None;
    }
    // SAFETY: the list is the module's own, and there as long as the module.
    let get = unsafe { (*functions).C_GetTokenInfo }?;
    let mut info = CK_TOKEN_INFO::default();
    let slot = CK_SLOT_ID::from(slot);
    // SAFETY: a place for the structure; the module is initialized.
    let answer = unsafe { get(slot, &mut info) };
    (answer == CKR_OK).then_some(info)
}

fn without_clock(mut info: CK_TOKEN_INFO) -> Option<TokenInfo> {
    info.flags &= !CKF_CLOCK_ON_TOKEN;
    TokenInfo::try_from(info).ok()
}

#[cfg(test)]
mod tests {
    use cryptoki_sys::{CKF_LOGIN_REQUIRED, CKF_TOKEN_INITIALIZED};

    use super::*;

    #[test]
    fn a_clock_that_nobody_reads_hides_nothing_else() {
        let mut info = CK_TOKEN_INFO {
            flags: CKF_CLOCK_ON_TOKEN | CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED,
            utcTime: *b"        11:47:10",
            label: [b' '; 32],
            ..CK_TOKEN_INFO::default()
        };
        info.label[..5].copy_from_slice(b"vault");
        let strict = TokenInfo::try_from(info);
        assert!(matches!(strict, Err(TokenError::ParseInt(_))));
        let read = without_clock(info).expect("read");
        assert_eq!(read.label(), "vault");
        assert!(read.token_initialized() && read.login_required());
        assert!(!read.clock_on_token());
    }
}
