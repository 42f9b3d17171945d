//! Message-based encryption and decryption.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::mechanism;
use super::message_parameters;
use super::pointers::{Ptr, Transfer};
use crate::functions::TagUse;
use crate::module::current;
use crate::rv::{Result, Rv};
use crate::session::message::MessageKind;

macro_rules! processes {
    ($($init:ident $finish:ident $kind:ident;)*) => {$(
        /// The mechanism's parameter is that of the messages, and is looked at with each of them.
        pub(super) fn $init(
            session: CK_SESSION_HANDLE,
            mechanism: Ptr<CK_MECHANISM>,
            key: CK_OBJECT_HANDLE,
        ) -> Result<()> {
            let instance = current()?;
            let mechanism = mechanism::number(mechanism, instance.numbers(session))?;
            instance.messages_begin(session, MessageKind::$kind, mechanism.as_ref(), key)
        }

        pub(super) fn $finish(session: CK_SESSION_HANDLE) -> Result<()> {
            current()?.messages_finish(session, MessageKind::$kind)
        }
    )*};
}

processes! {
    message_encrypt_init message_encrypt_final Encrypt;
    message_decrypt_init message_decrypt_final Decrypt;
}

// The standard's prototypes have this many arguments.
#[allow(clippy::too_many_arguments)]
pub(super) fn encrypt_message(
    session: CK_SESSION_HANDLE,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    aad: Ptr<u8>,
    aad_length: CK_ULONG,
    plaintext: Ptr<u8>,
    plaintext_length: CK_ULONG,
    ciphertext: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    let family = instance.messages_family(session, MessageKind::Encrypt)?;
    let aad = aad.bytes(aad_length)?;
    let plaintext = plaintext.bytes(plaintext_length)?;
    let transfer = Transfer::new(ciphertext, length)?;
    // Without a buffer nothing is made, so there need be no room for a tag either.
    let tag = if ciphertext.is_null() {
        TagUse::Leave
    } else {
        TagUse::Write
    };
    let (message, places) = message_parameters::read(parameter, parameter_length, family, tag)?;
    let mut made = None;
    transfer.run_with_input(plaintext, |plaintext, output| {
        made = Some(instance.encrypt_message(session, &message, aad, plaintext, output)?);
        Ok(())
    })?;
    if let Some(made) = made {
        places.write(&made);
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)]
pub(super) fn decrypt_message(
    session: CK_SESSION_HANDLE,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    aad: Ptr<u8>,
    aad_length: CK_ULONG,
    ciphertext: Ptr<u8>,
    ciphertext_length: CK_ULONG,
    plaintext: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    let family = instance.messages_family(session, MessageKind::Decrypt)?;
    let aad = aad.bytes(aad_length)?;
    let ciphertext = ciphertext.bytes(ciphertext_length)?;
    let transfer = Transfer::new(plaintext, length)?;
    let (message, _) = message_parameters::read(parameter, parameter_length, family, TagUse::Read)?;
    transfer.run_with_input(ciphertext, |ciphertext, output| {
        instance.decrypt_message(session, &message, aad, ciphertext, output)
    })
}

pub(super) fn encrypt_message_begin(
    session: CK_SESSION_HANDLE,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    aad: Ptr<u8>,
    aad_length: CK_ULONG,
) -> Result<()> {
    let kind = MessageKind::Encrypt;
    begin(session, kind, parameter, parameter_length, aad, aad_length)
}

pub(super) fn decrypt_message_begin(
    session: CK_SESSION_HANDLE,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    aad: Ptr<u8>,
    aad_length: CK_ULONG,
) -> Result<()> {
    let kind = MessageKind::Decrypt;
    begin(session, kind, parameter, parameter_length, aad, aad_length)
}

fn begin(
    session: CK_SESSION_HANDLE,
    kind: MessageKind,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    aad: Ptr<u8>,
    aad_length: CK_ULONG,
) -> Result<()> {
    let instance = current()?;
    let family = instance.messages_family(session, kind)?;
    let aad = aad.bytes(aad_length)?;
    let tag = TagUse::Leave;
    let (message, places) = message_parameters::read(parameter, parameter_length, family, tag)?;
    let made = instance.message_begin(session, kind, &message, aad)?;
    places.write(&made);
    Ok(())
}

#[allow(clippy::too_many_arguments)]
pub(super) fn encrypt_message_next(
    session: CK_SESSION_HANDLE,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    part: Ptr<u8>,
    part_length: CK_ULONG,
    output: Ptr<u8>,
    length: Ptr<CK_ULONG>,
    flags: CK_FLAGS,
) -> Result<()> {
    let next = Next {
        session,
        kind: MessageKind::Encrypt,
        parameter: (parameter, parameter_length),
        part: (part, part_length),
        output: (output, length),
        flags,
    };
    next.run()
}

#[allow(clippy::too_many_arguments)]
pub(super) fn decrypt_message_next(
    session: CK_SESSION_HANDLE,
    parameter: Ptr<c_void>,
    parameter_length: CK_ULONG,
    part: Ptr<u8>,
    part_length: CK_ULONG,
    output: Ptr<u8>,
    length: Ptr<CK_ULONG>,
    flags: CK_FLAGS,
) -> Result<()> {
    let next = Next {
        session,
        kind: MessageKind::Decrypt,
        parameter: (parameter, parameter_length),
        part: (part, part_length),
        output: (output, length),
        flags,
    };
    next.run()
}

/// The arguments of `C_EncryptMessageNext` and `C_DecryptMessageNext`.
struct Next {
    session: CK_SESSION_HANDLE,
    kind: MessageKind,
    parameter: (Ptr<c_void>, CK_ULONG),
    part: (Ptr<u8>, CK_ULONG),
    output: (Ptr<u8>, Ptr<CK_ULONG>),
    flags: CK_FLAGS,
}

impl Next {
    fn run(self) -> Result<()> {
        let instance = current()?;
        let Next { session, kind, .. } = self;
        let family = instance.messages_family(session, kind)?;
        // Bad arguments are an outcome too, and end the message.
        let end = |_: &Rv| instance.message_failed(session, kind);
        let ends = match self.flags {
            0 => false,
            CKF_END_OF_MESSAGE => true,
            _ => return Err(Rv::ARGUMENTS_BAD).inspect_err(end),
        };
        let part = self.part.0.bytes(self.part.1).inspect_err(end)?;
        let transfer = Transfer::new(self.output.0, self.output.1).inspect_err(end)?;
        let tag = match kind {
            _ if !ends => TagUse::Leave,
            MessageKind::Decrypt => TagUse::Read,
            _ if self.output.0.is_null() => TagUse::Leave,
            _ => TagUse::Write,
        };
        let (parameter, length) = self.parameter;
        let read = message_parameters::read(parameter, length, family, tag);
        let (message, places) = read.inspect_err(end)?;
        let mut made = None;
        transfer.run_with_input(part, |part, output| {
            let tag = &message.tag;
            made = Some(instance.message_next(session, kind, tag, part, ends, output)?);
            Ok(())
        })?;
        if let Some(made) = made {
            places.write(&made);
        }
        Ok(())
    }
}
