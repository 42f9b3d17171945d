//! The message-based functions. The parameter of a message stands where the prototype has it, after its length in
//! this encoding; what comes of it stands before the other outputs.

use cryptoki_sys::*;

use super::codec::{Fault, Reader, Room, Writer};
use super::functions::{Function, Function as F};
use super::mechanisms;
use super::message_parameters::{self, Message, Places};
use crate::ffi::pointers::Output;
use crate::functions::{MadeParameters, TagUse};
use crate::module::Instance;
use crate::rv::{Result as RvResult, Rv};
use crate::session::message::MessageKind;

type Done = Result<(), Fault>;

/// A function of a session.
#[derive(Clone, Copy)]
struct Of<'a> {
    instance: &'a Instance,
    session: CK_SESSION_HANDLE,
    kind: MessageKind,
}

pub(super) fn call(
    instance: &Instance,
    function: Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    use MessageKind as K;
    let session = reader.ulong()?;
    let of = |kind| Of {
        instance,
        session,
        kind,
    };
    match function {
        F::C_MessageEncryptInit => of(K::Encrypt).init(reader),
        F::C_EncryptMessage => of(K::Encrypt).encrypt(reader, writer),
        F::C_EncryptMessageBegin => of(K::Encrypt).begin(reader, writer),
        F::C_EncryptMessageNext => of(K::Encrypt).next(reader, writer),
        F::C_MessageEncryptFinal => of(K::Encrypt).finish(*reader),
        F::C_MessageDecryptInit => of(K::Decrypt).init(reader),
        F::C_DecryptMessage => of(K::Decrypt).decrypt(reader, writer),
        F::C_DecryptMessageBegin => of(K::Decrypt).begin(reader, writer),
        F::C_DecryptMessageNext => of(K::Decrypt).next(reader, writer),
        F::C_MessageDecryptFinal => of(K::Decrypt).finish(*reader),
        F::C_MessageSignInit => of(K::Sign).init(reader),
        F::C_SignMessage => of(K::Sign).sign(reader, writer),
        F::C_SignMessageBegin => of(K::Sign).signature_begin(reader),
        F::C_SignMessageNext => of(K::Sign).sign_next(reader, writer),
        F::C_MessageSignFinal => of(K::Sign).finish(*reader),
        F::C_MessageVerifyInit => of(K::Verify).init(reader),
        F::C_VerifyMessage => of(K::Verify).verify(reader),
        F::C_VerifyMessageBegin => of(K::Verify).signature_begin(reader),
        F::C_VerifyMessageNext => of(K::Verify).verify_next(reader),
        F::C_MessageVerifyFinal => of(K::Verify).finish(*reader),
        _ => Err(Rv::FUNCTION_NOT_SUPPORTED.into()),
    }
}

impl Of<'_> {
    fn init(self, reader: &mut Reader<'_>) -> Done {
        let (mechanism, key) = (mechanisms::read(reader)?, reader.ulong()?);
        reader.end()?;
        let call = match self.kind {
            MessageKind::Encrypt | MessageKind::Decrypt => mechanism.number(),
            MessageKind::Sign | MessageKind::Verify => mechanism.call()?,
        };
        let begun = self
            .instance
            .messages_begin(self.session, self.kind, Some(&call), key);
        Ok(begun?)
    }

    fn finish(self, reader: Reader<'_>) -> Done {
        reader.end()?;
        Ok(self.instance.messages_finish(self.session, self.kind)?)
    }

    fn message(self, parameter: &[u8], tag: TagUse) -> RvResult<Message> {
        let family = self.instance.messages_family(self.session, self.kind)?;
        message_parameters::read(parameter, family, self.kind, tag)
    }

    fn encrypt(self, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
        let (parameter, aad) = (reader.bytes()?, reader.bytes()?);
        let (plaintext, room) = (reader.bytes()?, reader.room()?);
        reader.end()?;
        // Without a buffer nothing is made, so there need be no room for a tag either.
        let tag = if room.is_there {
            TagUse::Write
        } else {
            TagUse::Leave
        };
        let Message { parameters, places } = self.message(parameter, tag)?;
        with_parameter(writer, places, room, |output| {
            self.instance
                .encrypt_message(self.session, &parameters, aad, plaintext, output)
        })
    }

    fn decrypt(self, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
        let (parameter, aad) = (reader.bytes()?, reader.bytes()?);
        let (ciphertext, room) = (reader.bytes()?, reader.room()?);
        reader.end()?;
        let Message { parameters, .. } = self.message(parameter, TagUse::Read)?;
        writer.output(room, |output| {
            self.instance
                .decrypt_message(self.session, &parameters, aad, ciphertext, output)
        })
    }

    fn begin(self, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
        let (parameter, aad) = (reader.bytes()?, reader.bytes()?);
        reader.end()?;
        let Message { parameters, places } = self.message(parameter, TagUse::Leave)?;
        let made = self
            .instance
            .message_begin(self.session, self.kind, &parameters, aad)?;
        if self.kind == MessageKind::Encrypt {
            places.write(Some(&made), writer);
        }
        Ok(())
    }

    fn next(self, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
        let Of {
            instance,
            session,
            kind,
        } = self;
        let (parameter, part, room) = (reader.bytes()?, reader.bytes()?, reader.room()?);
        let flags = reader.ulong()?;
        reader.end()?;
        // Bad arguments are an outcome too, and end the message.
        let end = |_: &Rv| instance.message_failed(session, kind);
        let ends = match flags {
            0 => false,
            CKF_END_OF_MESSAGE => true,
            _ => return Err(Rv::ARGUMENTS_BAD).inspect_err(end)?,
        };
        let tag = match kind {
            _ if !ends => TagUse::Leave,
            MessageKind::Decrypt => TagUse::Read,
            _ if !room.is_there => TagUse::Leave,
            _ => TagUse::Write,
        };
        let Message { parameters, places } = self.message(parameter, tag).inspect_err(end)?;
        let run = |output: &mut Output<'_>| {
            instance.message_next(session, kind, &parameters.tag, part, ends, output)
        };
        if kind == MessageKind::Encrypt {
            with_parameter(writer, places, room, run)
        } else {
            writer.output(room, |output| run(output).map(|_| ()))
        }
    }

    fn sign(self, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
        let (parameter, data, room) = (reader.bytes()?, reader.bytes()?, reader.room()?);
        reader.end()?;
        no_parameter(parameter)?;
        writer.output(room, |output| {
            self.instance.sign_message(self.session, data, output)
        })
    }

    fn signature_begin(self, reader: &mut Reader<'_>) -> Done {
        let parameter = reader.bytes()?;
        reader.end()?;
        no_parameter(parameter)?;
        Ok(self.instance.signature_begin(self.session, self.kind)?)
    }

    /// The room for the signature is there with the last part only, and says that this is the last.
    fn sign_next(self, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
        let (parameter, part) = (reader.bytes()?, reader.bytes()?);
        let room = reader.optional(Reader::room)?;
        reader.end()?;
        let end = |_: &Rv| self.instance.message_failed(self.session, self.kind);
        no_parameter(parameter).inspect_err(end)?;
        match room {
            None => Ok(self.instance.sign_next(self.session, part, None)?),
            Some(room) => writer.output(room, |output| {
                self.instance.sign_next(self.session, part, Some(output))
            }),
        }
    }

    fn verify(self, reader: &mut Reader<'_>) -> Done {
        let (parameter, data, signature) = (reader.bytes()?, reader.bytes()?, reader.bytes()?);
        reader.end()?;
        no_parameter(parameter)?;
        let verified = self.instance.verify_message(self.session, data, signature);
        Ok(verified?)
    }

    fn verify_next(self, reader: &mut Reader<'_>) -> Done {
        let (parameter, part) = (reader.bytes()?, reader.bytes()?);
        let signature = reader.optional(Reader::bytes)?;
        reader.end()?;
        let end = |_: &Rv| self.instance.message_failed(self.session, self.kind);
        no_parameter(parameter).inspect_err(end)?;
        Ok(self.instance.verify_next(self.session, part, signature)?)
    }
}

/// The mechanisms here take no parameter with each message to sign or verify.
fn no_parameter(parameter: &[u8]) -> RvResult<()> {
    if parameter.is_empty() {
        Ok(())
    } else {
        Err(Rv::MECHANISM_PARAM_INVALID)
    }
}

/// Runs a function that writes to its parameter and to a buffer.
pub(super) fn with_parameter(
    writer: &mut Writer,
    places: Places,
    room: Room,
    function: impl FnOnce(&mut Output<'_>) -> RvResult<MadeParameters>,
) -> Done {
    let (mut made, mut buffer) = (None, Writer::default());
    let done = buffer.output(room, |output| {
        made = Some(function(output)?);
        Ok(())
    });
    places.write(made.as_ref(), writer);
    writer.append(buffer);
    done
}
