//! Digests.

use cryptoki_sys::*;
use keybridge_core::ObjectClass;
use keybridge_core::engine::software::digest::Hasher;

use crate::ffi::pointers::Output;
use crate::mechanisms::MechanismCall;
use crate::mechanisms::convert::row_for;
use crate::mechanisms::registry::Family;
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::{Course, Digesting, Session};
use crate::token::error::{Doing, rv};

impl Instance {
    /// `C_DigestInit`; without a mechanism it ends the active digest.
    ///
    /// # Errors
    /// `CKR_OPERATION_ACTIVE`, `CKR_MECHANISM_INVALID`.
    pub fn digest_init(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: Option<&MechanismCall<'_>>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let Some(mechanism) = mechanism else {
                return session.digest.take().map(|_| ()).ok_or(Rv::ARGUMENTS_BAD);
            };
            if session.digest.is_some() {
                return Err(Rv::OPERATION_ACTIVE);
            }
            if slot.token.denies(mechanism.kind) {
                return Err(Rv::MECHANISM_INVALID);
            }
            let Family::Digest(hash) = row_for(mechanism, CKF_DIGEST)?.family else {
                return Err(Rv::MECHANISM_INVALID);
            };
            session.digest = Some(Digesting {
                hasher: Hasher::new(hash),
                course: Course::Open,
            });
            Ok(())
        })
    }

    /// `C_Digest`.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`; `CKR_OPERATION_ACTIVE` for a digest in parts, which it
    /// ends.
    pub fn digest(
        &self,
        session: CK_SESSION_HANDLE,
        data: &[u8],
        output: &mut Output<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, _| {
            let course = active(session)?.course.take_all();
            course.inspect_err(|_| session.digest = None)?;
            finish(session, Some(data), output)
        })
    }

    /// `C_DigestUpdate`.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`; `CKR_OPERATION_ACTIVE` for a digest in one part, which it
    /// ends.
    pub fn digest_update(&self, session: CK_SESSION_HANDLE, part: &[u8]) -> Result<()> {
        self.in_session(session, |session, _| take_part(session, part))
    }

    /// `C_DigestKey`. Only for keys whose value might be read as well: a digest of a short secret
    /// tells the secret.
    ///
    /// # Errors
    /// `CKR_KEY_INDIGESTIBLE`, `CKR_KEY_HANDLE_INVALID`.
    pub fn digest_key(&self, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> Result<()> {
        self.in_session(session, |session, slot| {
            active(session)?;
            let key = self.object(session, key, Rv::KEY_HANDLE_INVALID)?;
            let object = slot
                .token
                .inspect(key)
                .map_err(|error| rv(&error, Doing::Using))?;
            if object.class != ObjectClass::SecretKey {
                return Err(Rv::KEY_INDIGESTIBLE);
            }
            let exported = slot
                .token
                .export(key)
                .map_err(|error| rv(&error, Doing::Using))?;
            take_part(session, exported.value.expose())
        })
    }

    /// Ends the digest of a call whose arguments were wrong.
    pub(crate) fn digest_failed(&self, session: CK_SESSION_HANDLE) {
        // Without such a session there is no digest either.
        let _ = self.sessions.with(session, |session| {
            session.digest = None;
            Ok(())
        });
    }

    /// `C_DigestFinal`.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`, `CKR_BUFFER_TOO_SMALL`.
    pub fn digest_final(&self, session: CK_SESSION_HANDLE, output: &mut Output<'_>) -> Result<()> {
        self.in_session(session, |session, _| {
            let course = active(session)?.course.take_part();
            course.inspect_err(|_| session.digest = None)?;
            finish(session, None, output)
        })
    }
}

fn active(session: &mut Session) -> Result<&mut Digesting> {
    session.digest.as_mut().ok_or(Rv::OPERATION_NOT_INITIALIZED)
}

/// Goes on with a part; ends a digest that goes on in one.
pub(super) fn take_part(session: &mut Session, part: &[u8]) -> Result<()> {
    let digesting = active(session)?;
    if let Err(active) = digesting.course.take_part() {
        session.digest = None;
        return Err(active);
    }
    digesting.hasher.update(part);
    Ok(())
}

/// Ends the digest, unless only its size was asked for or the room is too small.
fn finish(session: &mut Session, data: Option<&[u8]>, output: &mut Output<'_>) -> Result<()> {
    let length = active(session)?.hasher.algorithm().length();
    let Some(room) = output.room(length)? else {
        return Ok(());
    };
    let Some(Digesting { mut hasher, .. }) = session.digest.take() else {
        return Err(Rv::OPERATION_NOT_INITIALIZED);
    };
    if let Some(data) = data {
        hasher.update(data);
    }
    room.copy_from_slice(hasher.finish().as_ref());
    Ok(())
}
