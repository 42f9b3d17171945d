//! Operations with a key, in one part and in many. They end as the standard says: a successful size
//! query or `CKR_BUFFER_TOO_SMALL` keeps an operation, every other outcome of a one-part or final
//! call ends it, and so does every failed update.

use cryptoki_sys::*;
use keybridge_core::Purpose;
use zeroize::Zeroizing;

use crate::ffi::pointers::Output;
use crate::mechanisms::MechanismCall;
use crate::mechanisms::convert::{check_key, row_for, signing_purpose, to_core};
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::{Course, KeyUse, Kind, Session};
use crate::slot::Slot;
use crate::token::error::{Doing, rv};

impl Kind {
    const fn doing(self) -> Doing {
        match self {
            Kind::Decrypt => Doing::Decrypting,
            _ => Doing::Using,
        }
    }
}

impl Instance {
    /// `C_EncryptInit`, `C_DecryptInit`, `C_SignInit`, `C_VerifyInit`, `C_SignRecoverInit`,
    /// `C_VerifyRecoverInit`; without a mechanism they end the active operation.
    ///
    /// # Errors
    /// `CKR_OPERATION_ACTIVE`, `CKR_MECHANISM_…`, `CKR_KEY_…`.
    pub(crate) fn begin(
        &self,
        session: CK_SESSION_HANDLE,
        kind: Kind,
        mechanism: Option<&MechanismCall<'_>>,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let Some(call) = mechanism else {
                return session
                    .key_use(kind)
                    .take()
                    .map(|_| ())
                    .ok_or(Rv::ARGUMENTS_BAD);
            };
            if session.key_use(kind).is_some() {
                return Err(Rv::OPERATION_ACTIVE);
            }
            let row = row_for(call, kind.flag())?;
            let purpose = match kind {
                Kind::Encrypt => Purpose::Encrypt,
                Kind::Decrypt => Purpose::Decrypt,
                Kind::Sign => signing_purpose(row, false),
                Kind::Verify | Kind::VerifySignature => signing_purpose(row, true),
                Kind::SignRecover => Purpose::SignRecover,
                Kind::VerifyRecover => Purpose::VerifyRecover,
            };
            let mechanism = match kind {
                Kind::Verify | Kind::VerifySignature => {
                    let verifying = call.for_verifying();
                    to_core(row, verifying.as_ref().unwrap_or(call), None)?
                }
                _ => to_core(row, call, None)?,
            };
            let object = self.key(session, key)?;
            // Before the operation begins: whoever logs in meanwhile begins anew.
            let login = slot.current_login();
            let failed = |error| rv(&error, kind.doing());
            let using = if let Some(mut using) = session.take_spent(purpose, object, login) {
                let renewed = slot.token.renew(&mut using.operation, mechanism);
                renewed.map_err(failed)?;
                using.course = Course::Open;
                using
            } else {
                let begun = slot.token.begin(object, purpose, mechanism);
                Box::new(KeyUse {
                    operation: begun.map_err(failed)?,
                    course: Course::Open,
                    login,
                })
            };
            check_key(row, using.operation.object().spec)?;
            *session.key_use(kind) = Some(using);
            Ok(())
        })
    }

    /// `C_Encrypt`, `C_Decrypt`, `C_Sign`, `C_SignRecover`, `C_VerifyRecover`.
    ///
    /// # Errors
    /// `CKR_OPERATION_NOT_INITIALIZED`, `CKR_BUFFER_TOO_SMALL`, and those of the mechanism.
    pub(crate) fn run(
        &self,
        session: CK_SESSION_HANDLE,
        kind: Kind,
        input: &[u8],
        output: &mut Output<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let result = run(session, slot, kind, input, output);
            conclude(session, kind, output, result)
        })
    }

    /// `C_EncryptUpdate`, `C_DecryptUpdate`.
    ///
    /// # Errors
    /// As [`Instance::run`].
    pub(crate) fn update(
        &self,
        session: CK_SESSION_HANDLE,
        kind: Kind,
        part: &[u8],
        output: &mut Output<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let result = update(session, slot, kind, part, output);
            conclude_update(session, kind, result)
        })
    }

    /// `C_EncryptFinal`, `C_DecryptFinal`, `C_SignFinal`.
    ///
    /// # Errors
    /// As [`Instance::run`].
    pub(crate) fn finish(
        &self,
        session: CK_SESSION_HANDLE,
        kind: Kind,
        output: &mut Output<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let result = finish(session, slot, kind, output);
            conclude(session, kind, output, result)
        })
    }

    /// `C_SignUpdate`, `C_VerifyUpdate`.
    ///
    /// # Errors
    /// As [`Instance::run`].
    pub(crate) fn absorb(&self, session: CK_SESSION_HANDLE, kind: Kind, part: &[u8]) -> Result<()> {
        self.in_session(session, |session, slot| {
            let result = absorb(session, slot, kind, part);
            conclude_update(session, kind, result)
        })
    }

    /// `C_Verify`, which ends the operation whatever comes of it.
    ///
    /// # Errors
    /// `CKR_SIGNATURE_INVALID`, `CKR_SIGNATURE_LEN_RANGE`, and as [`Instance::run`].
    pub fn verify(&self, session: CK_SESSION_HANDLE, data: &[u8], signature: &[u8]) -> Result<()> {
        self.in_session(session, |session, slot| {
            let mut using = session.verify.take().ok_or(Rv::OPERATION_NOT_INITIALIZED)?;
            using.course.take_all()?;
            let verified = slot.token.verify(&mut using.operation, data, signature);
            verified.map_err(|error| rv(&error, Doing::Using))
        })
    }

    /// `C_VerifyFinal`, which ends the operation whatever comes of it.
    ///
    /// # Errors
    /// As [`Instance::verify`].
    pub fn verify_final(&self, session: CK_SESSION_HANDLE, signature: &[u8]) -> Result<()> {
        self.in_session(session, |session, slot| {
            let mut using = session.verify.take().ok_or(Rv::OPERATION_NOT_INITIALIZED)?;
            let verified = slot.token.finish_verify(&mut using.operation, signature);
            verified.map_err(|error| in_parts_error(&error, Kind::Verify))
        })
    }
}

/// Ends the operation after a one-part or final call, unless the call was a size query or found the
/// room too small.
fn conclude(
    session: &mut Session,
    kind: Kind,
    output: &Output<'_>,
    result: Result<()>,
) -> Result<()> {
    match result {
        Ok(()) if output.is_size_query() => {}
        Ok(()) => session.spend(kind),
        Err(Rv::BUFFER_TOO_SMALL) => {}
        Err(_) => *session.key_use(kind) = None,
    }
    result
}

/// Ends the operation after an update that failed.
pub(super) fn conclude_update(session: &mut Session, kind: Kind, result: Result<()>) -> Result<()> {
    if !matches!(result, Ok(()) | Err(Rv::BUFFER_TOO_SMALL)) {
        *session.key_use(kind) = None;
    }
    result
}

fn run(
    session: &mut Session,
    slot: &Slot,
    kind: Kind,
    input: &[u8],
    output: &mut Output<'_>,
) -> Result<()> {
    let using = session.active(kind)?;
    using.course.take_all()?;
    let most = using.operation.output_length(input.len());
    let most = most.map_err(|error| rv(&error, kind.doing()))?;
    let token = &*slot.token;
    write(output, most, kind, |buffer| {
        token.run(&mut using.operation, input, buffer)
    })
}

pub(super) fn update(
    session: &mut Session,
    slot: &Slot,
    kind: Kind,
    part: &[u8],
    output: &mut Output<'_>,
) -> Result<()> {
    let using = session.active(kind)?;
    let most = using.operation.update_length(part.len());
    let most = most.map_err(|error| in_parts_error(&error, kind))?;
    if output.is_size_query() && !part.is_empty() {
        // Never 0: who makes a buffer of no bytes then gives NULL again, and the part would be lost without a word.
        output.room(most.max(1))?;
        return Ok(());
    }
    // Exactly as much as may come: an update cannot be taken back once it is found not to fit.
    let Some(buffer) = output.room(most)? else {
        return Ok(());
    };
    using.course.take_part()?;
    let written = slot.token.update(&mut using.operation, part, buffer);
    output.wrote(written.map_err(|error| in_parts_error(&error, kind))?);
    Ok(())
}

fn finish(session: &mut Session, slot: &Slot, kind: Kind, output: &mut Output<'_>) -> Result<()> {
    let using = session.active(kind)?;
    using.course.take_part()?;
    let most = using.operation.finish_length();
    let most = most.map_err(|error| in_parts_error(&error, kind))?;
    let Some(buffer) = output.room(most)? else {
        return Ok(());
    };
    let written = slot.token.finish(&mut using.operation, buffer);
    output.wrote(written.map_err(|error| in_parts_error(&error, kind))?);
    Ok(())
}

pub(super) fn absorb(session: &mut Session, slot: &Slot, kind: Kind, part: &[u8]) -> Result<()> {
    let using = session.active(kind)?;
    using.course.take_part()?;
    let taken = slot.token.update(&mut using.operation, part, &mut []);
    taken
        .map(|_| ())
        .map_err(|error| in_parts_error(&error, kind))
}

/// Gives `produce` a buffer for as much as it may write: the application's own if that is large
/// enough. Where it is not, the result may still fit (how long a decrypted text is shows only at
/// its end), so it is made aside, and `CKR_BUFFER_TOO_SMALL` says its true length.
fn write(
    output: &mut Output<'_>,
    most: usize,
    kind: Kind,
    produce: impl FnOnce(&mut [u8]) -> keybridge_core::Result<usize>,
) -> Result<()> {
    let exact = !matches!(kind, Kind::Decrypt | Kind::VerifyRecover);
    if exact || output.is_size_query() || output.capacity() >= most {
        let Some(buffer) = output.room(most)? else {
            return Ok(());
        };
        let written = produce(buffer).map_err(|error| rv(&error, kind.doing()))?;
        output.wrote(written);
        return Ok(());
    }
    let mut aside = Zeroizing::new(vec![0; most]);
    let written = produce(&mut aside).map_err(|error| rv(&error, kind.doing()))?;
    let made = aside.get(..written).ok_or(Rv::GENERAL_ERROR)?;
    if let Some(buffer) = output.room(written)? {
        buffer.copy_from_slice(made);
    }
    Ok(())
}

/// Errors of operations in parts. A mechanism that has one part only has no operation in parts.
fn in_parts_error(error: &keybridge_core::Error, kind: Kind) -> Rv {
    match error {
        keybridge_core::Error::MechanismUnsupported { .. } => {
            rv(error, kind.doing());
            Rv::OPERATION_NOT_INITIALIZED
        }
        _ => rv(error, kind.doing()),
    }
}
