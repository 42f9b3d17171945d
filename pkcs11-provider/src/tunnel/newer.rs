//! What PKCS#11 3.2 added: encapsulation, signatures that are given first, authenticated wrapping.

use cryptoki_sys::*;

use super::codec::{Fault, Reader, Writer};
use super::functions::{Function, Function as F, last};
use super::message_parameters::Message;
use super::messages::with_parameter;
use super::{mechanisms, templates};
use crate::functions::TagUse;
use crate::module::Instance;
use crate::rv::Rv;
use crate::session::Kind;
use crate::session::message::MessageKind;

type Done = Result<(), Fault>;

pub(super) fn call(
    instance: &Instance,
    function: Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let session = reader.ulong()?;
    match function {
        F::C_EncapsulateKey => encapsulate(instance, session, reader, writer)?,
        F::C_DecapsulateKey => decapsulate(instance, session, reader, writer)?,
        F::C_VerifySignatureInit => {
            let (mechanism, key) = (mechanisms::read(reader)?, reader.ulong()?);
            let signature = reader.bytes()?;
            reader.end()?;
            let call = mechanism.call()?;
            instance.verify_signature_init(session, Some(&call), key, signature)?;
        }
        F::C_VerifySignature => {
            let data = reader.bytes()?;
            reader.end()?;
            instance.verify_signature(session, Some(data))?;
        }
        F::C_VerifySignatureUpdate => {
            let part = reader.bytes()?;
            reader.end()?;
            instance.absorb(session, Kind::VerifySignature, part)?;
        }
        F::C_VerifySignatureFinal => {
            reader.end()?;
            instance.verify_signature(session, None)?;
        }
        F::C_GetSessionValidationFlags => {
            writer.ulong(instance.validation_flags(session, last(reader)?)?)
        }
        F::C_WrapKeyAuthenticated => wrap_authenticated(instance, session, reader, writer)?,
        F::C_UnwrapKeyAuthenticated => unwrap_authenticated(instance, session, reader, writer)?,
        _ => return Err(Rv::FUNCTION_NOT_SUPPORTED.into()),
    }
    Ok(())
}

/// The key's handle is there when the key was made: not when only the ciphertext's length was asked for.
fn encapsulate(
    instance: &Instance,
    session: CK_SESSION_HANDLE,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let (mechanism, public_key) = (mechanisms::read(reader)?, reader.ulong()?);
    let (template, room) = (templates::read(reader)?, reader.room()?);
    reader.end()?;
    let (call, template) = (mechanism.call()?, template.template()?);
    let mut made = None;
    writer.output(room, |output| {
        made = instance.encapsulate_key(session, &call, public_key, &template, output)?;
        Ok(())
    })?;
    if let Some(key) = made {
        writer.ulong(key);
    }
    Ok(())
}

fn decapsulate(
    instance: &Instance,
    session: CK_SESSION_HANDLE,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let (mechanism, private_key) = (mechanisms::read(reader)?, reader.ulong()?);
    let (template, ciphertext) = (templates::read(reader)?, reader.bytes()?);
    reader.end()?;
    let (call, template) = (mechanism.call()?, template.template()?);
    let key = instance.decapsulate_key(session, &call, private_key, &template, ciphertext)?;
    writer.ulong(key);
    Ok(())
}

fn wrap_authenticated(
    instance: &Instance,
    session: CK_SESSION_HANDLE,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let mechanism = mechanisms::read(reader)?;
    let keys = (reader.ulong()?, reader.ulong()?);
    let (aad, room) = (reader.bytes()?, reader.room()?);
    reader.end()?;
    let tag = if room.is_there {
        TagUse::Write
    } else {
        TagUse::Leave
    };
    let (kind, message) = mechanism.authenticated(instance, MessageKind::Encrypt, tag)?;
    let Message { parameters, places } = message;
    with_parameter(writer, places, room, |output| {
        instance.wrap_key_authenticated(session, (kind, &parameters), keys, aad, output)
    })
}

fn unwrap_authenticated(
    instance: &Instance,
    session: CK_SESSION_HANDLE,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let (mechanism, unwrapping) = (mechanisms::read(reader)?, reader.ulong()?);
    let (wrapped, template) = (reader.bytes()?, templates::read(reader)?);
    let aad = reader.bytes()?;
    reader.end()?;
    let (kind, message) = mechanism.authenticated(instance, MessageKind::Decrypt, TagUse::Read)?;
    let (with, template) = ((kind, &message.parameters), template.template()?);
    let key =
        instance.unwrap_key_authenticated(session, with, unwrapping, wrapped, &template, aad)?;
    writer.ulong(key);
    Ok(())
}
