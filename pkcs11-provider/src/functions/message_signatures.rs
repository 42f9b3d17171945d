//! Message-based signing and verifying: many messages under one key and mechanism.

use cryptoki_sys::*;
use keybridge_core::Error;

use crate::ffi::pointers::Output;
use crate::module::Instance;
use crate::rv::{Result, Rv};
use crate::session::message::{Message, MessageKind, Messages};
use crate::token::error::{Doing, rv};
use crate::token::{Token, TokenOperation};

fn using(error: Error) -> Rv {
    rv(&error, Doing::Using)
}

fn begin(messages: &Messages, token: &dyn Token) -> Result<TokenOperation> {
    let mechanism = messages.first.mechanism().clone();
    let begun = token.begin_again(&messages.first, mechanism);
    begun.map_err(using)
}

impl Instance {
    /// `C_SignMessage`.
    ///
    /// # Errors
    /// `CKR_OPERATION_…`, `CKR_BUFFER_TOO_SMALL`, and those of the mechanism.
    pub(crate) fn sign_message(
        &self,
        session: CK_SESSION_HANDLE,
        data: &[u8],
        output: &mut Output<'_>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let messages = session.active_messages(MessageKind::Sign)?;
            messages.between()?;
            let most = messages.first.output_length(data.len()).map_err(using)?;
            let Some(room) = output.room(most)? else {
                return Ok(());
            };
            let mut operation = begin(messages, &*slot.token)?;
            let written = slot.token.run(&mut operation, data, room);
            output.wrote(written.map_err(using)?);
            Ok(())
        })
    }

    /// `C_VerifyMessage`.
    ///
    /// # Errors
    /// `CKR_SIGNATURE_INVALID`, `CKR_SIGNATURE_LEN_RANGE`, and as [`Instance::sign_message`].
    pub(crate) fn verify_message(
        &self,
        session: CK_SESSION_HANDLE,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let messages = session.active_messages(MessageKind::Verify)?;
            messages.between()?;
            let mut operation = begin(messages, &*slot.token)?;
            let verified = slot.token.verify(&mut operation, data, signature);
            verified.map_err(using)
        })
    }

    /// `C_SignMessageBegin`, `C_VerifyMessageBegin`.
    ///
    /// # Errors
    /// `CKR_OPERATION_…`; `CKR_FUNCTION_FAILED` for a mechanism that has one part only.
    pub(crate) fn signature_begin(
        &self,
        session: CK_SESSION_HANDLE,
        kind: MessageKind,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let messages = session.active_messages(kind)?;
            messages.between()?;
            let mut operation = begin(messages, &*slot.token)?;
            operation.update_length(0).map_err(|error| match error {
                Error::MechanismUnsupported { .. } => Rv::FUNCTION_FAILED,
                error => using(error),
            })?;
            messages.message = Some(Message {
                operation,
                taken: 0,
                given: 0,
                tag_length: 0,
            });
            Ok(())
        })
    }

    /// `C_SignMessageNext`: with an output, it is the last part.
    ///
    /// # Errors
    /// As [`Instance::sign_message`].
    pub(crate) fn sign_next(
        &self,
        session: CK_SESSION_HANDLE,
        part: &[u8],
        output: Option<&mut Output<'_>>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let messages = session.active_messages(MessageKind::Sign)?;
            let message = messages.within()?;
            let ends = output.is_some();
            let size_query = output.as_ref().is_some_and(|output| output.is_size_query());
            let result = sign_part(message, part, output, &*slot.token);
            let keeps = match result {
                Ok(()) => !ends || size_query,
                Err(rv) => rv == Rv::BUFFER_TOO_SMALL,
            };
            if !keeps {
                messages.message = None;
            }
            result
        })
    }

    /// `C_VerifyMessageNext`: with a signature, it is the last part.
    ///
    /// # Errors
    /// As [`Instance::verify_message`].
    pub(crate) fn verify_next(
        &self,
        session: CK_SESSION_HANDLE,
        part: &[u8],
        signature: Option<&[u8]>,
    ) -> Result<()> {
        self.in_session(session, |session, slot| {
            let messages = session.active_messages(MessageKind::Verify)?;
            let operation = &mut messages.within()?.operation;
            let taken = slot.token.update(operation, part, &mut []);
            let result = match (taken, signature) {
                (Ok(_), None) => return Ok(()),
                (Ok(_), Some(signature)) => slot.token.finish_verify(operation, signature),
                (Err(error), _) => Err(error),
            };
            messages.message = None;
            result.map_err(using)
        })
    }
}

fn sign_part(
    message: &mut Message,
    part: &[u8],
    output: Option<&mut Output<'_>>,
    token: &dyn Token,
) -> Result<()> {
    let operation = &mut message.operation;
    let Some(output) = output else {
        let taken = token.update(operation, part, &mut []);
        return taken.map(|_| ()).map_err(using);
    };
    // A signature's length does not depend on its data, so there is room or not before the part is
    // taken, which could not be taken back.
    let length = operation.finish_length().map_err(using)?;
    let Some(room) = output.room(length)? else {
        return Ok(());
    };
    token.update(operation, part, &mut []).map_err(using)?;
    let written = token.finish(operation, room).map_err(using)?;
    output.wrote(written);
    Ok(())
}
