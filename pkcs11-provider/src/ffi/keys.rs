//! Key management.

use cryptoki_sys::*;

use super::derived_keys::AdditionalKeys;
use super::message_parameters::{self, Places};
use super::pointers::{Ptr, Transfer};
use super::tls_keys::TlsKeysPlace;
use super::{attributes, mechanism};
use crate::functions::{MessageParameters, TagUse};
use crate::module::{Instance, current};
use crate::rv::{Result, Rv};

pub(super) fn generate_key(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
    key: Ptr<CK_OBJECT_HANDLE>,
) -> Result<()> {
    let instance = current()?;
    key.expect_writable()?;
    let mechanism = mechanism::read(mechanism, instance.numbers(session))?;
    let template = attributes::read(template, count, instance.numbers(session))?;
    key.write(instance.generate_key(session, &mechanism, &template)?)
}

// The standard's prototype has this many arguments.
#[allow(clippy::too_many_arguments)]
pub(super) fn generate_key_pair(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    public: Ptr<CK_ATTRIBUTE>,
    public_count: CK_ULONG,
    private: Ptr<CK_ATTRIBUTE>,
    private_count: CK_ULONG,
    public_key: Ptr<CK_OBJECT_HANDLE>,
    private_key: Ptr<CK_OBJECT_HANDLE>,
) -> Result<()> {
    let instance = current()?;
    public_key.expect_writable()?;
    private_key.expect_writable()?;
    let mechanism = mechanism::read(mechanism, instance.numbers(session))?;
    let public = attributes::read(public, public_count, instance.numbers(session))?;
    let private = attributes::read(private, private_count, instance.numbers(session))?;
    let (public, private) = instance.generate_key_pair(session, &mechanism, &public, &private)?;
    public_key.write(public)?;
    private_key.write(private)
}

pub(super) fn wrap_key(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    wrapping_key: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
    wrapped: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    let transfer = Transfer::new(wrapped, length)?;
    if let Some(wrapping) =
        message_parameters::read_wrapping(mechanism, false, instance.numbers(session))?
    {
        let mut made = None;
        transfer.run(|output| {
            let mechanism = (wrapping.kind, &wrapping.parameters);
            let (keys, aad) = ((wrapping_key, key), wrapping.aad);
            made = Some(instance.wrap_key_authenticated(session, mechanism, keys, aad, output)?);
            Ok(())
        })?;
        if let Some(made) = made {
            wrapping.places.write(&made);
        }
        return Ok(());
    }
    let mechanism = mechanism::read(mechanism, instance.numbers(session))?;
    transfer.run(|output| instance.wrap_key(session, &mechanism, wrapping_key, key, output))
}

// The standard's prototype has this many arguments.
#[allow(clippy::too_many_arguments)]
pub(super) fn unwrap_key(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    unwrapping_key: CK_OBJECT_HANDLE,
    wrapped: Ptr<u8>,
    length: CK_ULONG,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
    key: Ptr<CK_OBJECT_HANDLE>,
) -> Result<()> {
    let instance = current()?;
    key.expect_writable()?;
    let wrapped = wrapped.bytes(length)?;
    let template = attributes::read(template, count, instance.numbers(session))?;
    if let Some(wrapping) =
        message_parameters::read_wrapping(mechanism, true, instance.numbers(session))?
    {
        let mechanism = (wrapping.kind, &wrapping.parameters);
        let made = instance.unwrap_key_authenticated(
            session,
            mechanism,
            unwrapping_key,
            wrapped,
            &template,
            wrapping.aad,
        );
        return key.write(made?);
    }
    let mechanism = mechanism::read(mechanism, instance.numbers(session))?;
    key.write(instance.unwrap_key(session, &mechanism, unwrapping_key, wrapped, &template)?)
}

pub(super) fn derive_key(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    base_key: CK_OBJECT_HANDLE,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
    key: Ptr<CK_OBJECT_HANDLE>,
) -> Result<()> {
    let instance = current()?;
    let keys = TlsKeysPlace::of(mechanism)?;
    if keys.is_none() {
        key.expect_writable()?;
    }
    let additional = AdditionalKeys::of(mechanism, instance.numbers(session))?;
    let mechanism = mechanism::read(mechanism, instance.numbers(session))?;
    let template = attributes::read(template, count, instance.numbers(session))?;
    if let Some(keys) = keys {
        // "The parameter phKey passed to C_DeriveKey is unnecessary, and should be a NULL_PTR."
        let made = instance.derive_tls_keys(session, &mechanism, base_key, &template)?;
        return keys.write(&made);
    }
    if let Some(additional) = additional {
        let mut templates = vec![template];
        templates.extend_from_slice(&additional.templates);
        let made = instance.derive_keys(session, &mechanism, base_key, &templates);
        let made = made.inspect_err(|failed| additional.blame(failed));
        let made = made.map_err(|failed| failed.rv)?;
        let (first, others) = made.split_first().ok_or(Rv::GENERAL_ERROR)?;
        additional.write(others)?;
        return key.write(*first);
    }
    key.write(instance.derive_key(session, &mechanism, base_key, &template)?)
}

// The standard's prototype has this many arguments.
#[allow(clippy::too_many_arguments)]
pub(super) fn wrap_key_authenticated(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    wrapping_key: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
    aad: Ptr<u8>,
    aad_length: CK_ULONG,
    wrapped: Ptr<u8>,
    length: Ptr<CK_ULONG>,
) -> Result<()> {
    let instance = current()?;
    let transfer = Transfer::new(wrapped, length)?;
    let tag = if wrapped.is_null() {
        TagUse::Leave
    } else {
        TagUse::Write
    };
    let aad = aad.bytes(aad_length)?;
    let (kind, parameters, places) = authenticated(&instance, session, mechanism, tag)?;
    let mut made = None;
    transfer.run(|output| {
        let mechanism = (kind, &parameters);
        let keys = (wrapping_key, key);
        made = Some(instance.wrap_key_authenticated(session, mechanism, keys, aad, output)?);
        Ok(())
    })?;
    if let Some(made) = made {
        places.write(&made);
    }
    Ok(())
}

// The standard's prototype has this many arguments.
#[allow(clippy::too_many_arguments)]
pub(super) fn unwrap_key_authenticated(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    unwrapping_key: CK_OBJECT_HANDLE,
    wrapped: Ptr<u8>,
    length: CK_ULONG,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
    aad: Ptr<u8>,
    aad_length: CK_ULONG,
    key: Ptr<CK_OBJECT_HANDLE>,
) -> Result<()> {
    let instance = current()?;
    key.expect_writable()?;
    let (kind, parameters, _) = authenticated(&instance, session, mechanism, TagUse::Read)?;
    let wrapped = wrapped.bytes(length)?;
    let aad = aad.bytes(aad_length)?;
    let template = attributes::read(template, count, instance.numbers(session))?;
    let mechanism = (kind, &parameters);
    let made = instance.unwrap_key_authenticated(
        session,
        mechanism,
        unwrapping_key,
        wrapped,
        &template,
        aad,
    );
    key.write(made?)
}

/// A mechanism whose parameter is that of a message.
fn authenticated(
    instance: &Instance,
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    tag: TagUse,
) -> Result<(CK_MECHANISM_TYPE, MessageParameters, Places)> {
    let raw = mechanism::raw(mechanism, instance.numbers(session))?;
    let family = instance.authenticated_family(raw.mechanism)?;
    // SAFETY: the parameter of the application's mechanism: NULL, or as long as the length says.
    let parameter = unsafe { Ptr::nested(raw.pParameter) };
    let (parameters, places) =
        message_parameters::read(parameter, raw.ulParameterLen, family, tag)?;
    Ok((raw.mechanism, parameters, places))
}

// The standard's prototype has this many arguments.
#[allow(clippy::too_many_arguments)]
pub(super) fn encapsulate_key(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    public_key: CK_OBJECT_HANDLE,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
    ciphertext: Ptr<u8>,
    length: Ptr<CK_ULONG>,
    key: Ptr<CK_OBJECT_HANDLE>,
) -> Result<()> {
    let instance = current()?;
    let transfer = Transfer::new(ciphertext, length)?;
    // Only the length is asked for: no key is made, so none needs a place.
    if !ciphertext.is_null() {
        key.expect_writable()?;
    }
    let mechanism = mechanism::read(mechanism, instance.numbers(session))?;
    let template = attributes::read(template, count, instance.numbers(session))?;
    transfer.run(|output| {
        let made = instance.encapsulate_key(session, &mechanism, public_key, &template, output)?;
        made.map_or(Ok(()), |made| key.write(made))
    })
}

// The standard's prototype has this many arguments.
#[allow(clippy::too_many_arguments)]
pub(super) fn decapsulate_key(
    session: CK_SESSION_HANDLE,
    mechanism: Ptr<CK_MECHANISM>,
    private_key: CK_OBJECT_HANDLE,
    template: Ptr<CK_ATTRIBUTE>,
    count: CK_ULONG,
    ciphertext: Ptr<u8>,
    length: CK_ULONG,
    key: Ptr<CK_OBJECT_HANDLE>,
) -> Result<()> {
    let instance = current()?;
    key.expect_writable()?;
    let ciphertext = ciphertext.bytes(length)?;
    let mechanism = mechanism::read(mechanism, instance.numbers(session))?;
    let template = attributes::read(template, count, instance.numbers(session))?;
    key.write(instance.decapsulate_key(session, &mechanism, private_key, &template, ciphertext)?)
}
