//! Two operations in one call: what is encrypted is also digested or signed, what is decrypted also
//! digested or verified.

use cryptoki_sys::CK_SESSION_HANDLE;

use super::digests::take_part;
use super::operations::{absorb, conclude_update, update};
use crate::ffi::pointers::Output;
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::{Kind, Session};
use crate::slot::Slot;

/// What the second operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Second {
    Digest,
    Sign,
    Verify,
}

impl Instance {
    /// `C_DigestEncryptUpdate`, `C_SignEncryptUpdate`, `C_DecryptDigestUpdate`,
    /// `C_DecryptVerifyUpdate`: the second operation sees the plaintext, and sees nothing of a call
    /// that produces no output.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED` unless both are active, and those of the two operations.
    pub(crate) fn dual_update(
        &self,
        session: CK_SESSION_HANDLE,
        cipher: Kind,
        second: Second,
        part: &[u8],
        output: &mut Output<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            session.active(cipher)?;
            second.check_active(session)?;
            let result = update(session, slot, cipher, part, output);
            conclude_update(session, cipher, result)?;
            if output.is_size_query() {
                return Ok(());
            }
            match cipher {
                Kind::Encrypt => second.take(session, slot, part),
                _ => second.take(session, slot, output.written()),
            }
        })
    }
}

impl Second {
    fn check_active(self, session: &mut Session) -> Result<()> {
        match self {
            Second::Digest => session.digest.as_ref().map(|_| ()),
            Second::Sign => session.sign.as_ref().map(|_| ()),
            Second::Verify => session.verify.as_ref().map(|_| ()),
        }
        .ok_or(Rv::OPERATION_NOT_INITIALIZED)
    }

    fn take(self, session: &mut Session, slot: &Slot, part: &[u8]) -> Result<()> {
        let kind = match self {
            Second::Sign => Kind::Sign,
            Second::Verify => Kind::Verify,
            Second::Digest => return take_part(session, part),
        };
        let result = absorb(session, slot, kind, part);
        conclude_update(session, kind, result)
    }
}
