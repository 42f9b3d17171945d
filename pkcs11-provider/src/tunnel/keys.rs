//! Key management, and random numbers.

use cryptoki_sys::*;
use zeroize::Zeroizing;

use super::codec::{Fault, Reader, Writer};
use super::functions::{Function, Function as F};
use super::messages::with_parameter;
use super::{mechanisms, templates};
use crate::functions::TlsKeys;
use crate::module::Instance;
use crate::rv::Rv;

/// Bytes that one C_GenerateRandom gives at most.
const MAX_RANDOM: usize = 1 << 20;

type Done = Result<(), Fault>;

pub(super) fn call(
    instance: &Instance,
    function: Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let session = reader.ulong()?;
    if matches!(function, F::C_SeedRandom | F::C_GenerateRandom) {
        return random(instance, session, function, reader, writer);
    }
    let mechanism = mechanisms::read(reader)?;
    match function {
        F::C_GenerateKey => {
            let template = templates::read(reader)?;
            reader.end()?;
            let key = instance.generate_key(session, &mechanism.call()?, &template.template()?)?;
            writer.ulong(key);
        }
        F::C_GenerateKeyPair => {
            let (public, private) = (templates::read(reader)?, templates::read(reader)?);
            reader.end()?;
            let (public, private) = instance.generate_key_pair(
                session,
                &mechanism.call()?,
                &public.template()?,
                &private.template()?,
            )?;
            writer.ulong(public);
            writer.ulong(private);
        }
        F::C_WrapKey => {
            let (wrapping, key, room) = (reader.ulong()?, reader.ulong()?, reader.room()?);
            reader.end()?;
            if let Some(with) = mechanism.wrapping(false)? {
                let (mechanism, keys) = ((with.kind, &with.parameters), (wrapping, key));
                return with_parameter(writer, with.places, room, |output| {
                    instance.wrap_key_authenticated(session, mechanism, keys, with.aad, output)
                });
            }
            let call = mechanism.call()?;
            writer.output(room, |output| {
                instance.wrap_key(session, &call, wrapping, key, output)
            })?;
        }
        F::C_UnwrapKey => {
            let (unwrapping, wrapped) = (reader.ulong()?, reader.bytes()?);
            let template = templates::read(reader)?;
            reader.end()?;
            let template = template.template()?;
            let key = if let Some(with) = mechanism.wrapping(true)? {
                let (mechanism, aad) = ((with.kind, &with.parameters), with.aad);
                instance.unwrap_key_authenticated(
                    session, mechanism, unwrapping, wrapped, &template, aad,
                )?
            } else {
                let call = mechanism.call()?;
                instance.unwrap_key(session, &call, unwrapping, wrapped, &template)?
            };
            writer.ulong(key);
        }
        F::C_DeriveKey => {
            let (base, template) = (reader.ulong()?, templates::read(reader)?);
            reader.end()?;
            let (call, template) = (mechanism.call()?, template.template()?);
            if mechanism.makes_tls_keys() {
                let made = instance.derive_tls_keys(session, &call, base, &template)?;
                tls_keys(&made, writer);
                return Ok(());
            }
            let additional = mechanism.additional_keys()?;
            if additional.is_empty() {
                writer.ulong(instance.derive_key(session, &call, base, &template)?);
                return Ok(());
            }
            let mut all = vec![template];
            for given in &additional {
                all.push(given.template()?);
            }
            let made = instance.derive_keys(session, &call, base, &all);
            let made = made.map_err(|failed| failed.rv)?;
            // Those in the mechanism's parameter come before the function's own.
            for key in made.iter().skip(1).chain(made.first()) {
                writer.ulong(*key);
            }
        }
        _ => return Err(Rv::FUNCTION_NOT_SUPPORTED.into()),
    }
    Ok(())
}

/// `CK_SSL3_KEY_MAT_OUT`: four handles and two vectors.
fn tls_keys(made: &TlsKeys, writer: &mut Writer) {
    for key in made.mac_keys.into_iter().chain(made.keys) {
        writer.ulong(key);
    }
    for vector in &made.vectors {
        writer.made(Some(vector), vector.len());
    }
}

fn random(
    instance: &Instance,
    session: CK_SESSION_HANDLE,
    function: Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    if function == F::C_SeedRandom {
        let seed = reader.bytes()?;
        reader.end()?;
        return Ok(instance.seed_random(session, seed)?);
    }
    let room = reader.room()?;
    reader.end()?;
    if room.length > MAX_RANDOM || (!room.is_there && room.length > 0) {
        return Err(Rv::ARGUMENTS_BAD.into());
    }
    let mut random = Zeroizing::new(vec![0; room.length]);
    instance.generate_random(session, &mut random)?;
    writer.made(Some(&random), room.length);
    Ok(())
}
