//! The functions by number, with their parameters in the order of the standard's prototypes.

use cryptoki_sys::*;

use super::codec::{Fault, Reader, Room, Writer};
use super::{information, mechanisms, templates};
use crate::functions::{Second, UserType};
use crate::module::Instance;
use crate::rv::Rv;
use crate::session::Kind;

/// Handles that one C_FindObjects gives at most.
const MAX_FOUND: usize = 4096;
/// Bytes that one C_GenerateRandom gives at most.
const MAX_RANDOM: usize = 1 << 20;

/// A function of `CK_FUNCTION_LIST_3_0`, by its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function(u32);

impl Function {
    /// C_Initialize.
    pub const INITIALIZE: Self = Self(1);
    /// C_Finalize.
    pub const FINALIZE: Self = Self(2);
    /// Functions of the list.
    const COUNT: u32 = 92;

    /// The function of that number, if there is one.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1..=Self::COUNT => Some(Self(number)),
            _ => None,
        }
    }
}

type Done = Result<(), Fault>;

pub(super) fn call(
    instance: &Instance,
    Function(number): Function,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    match number {
        3 | 5..=20 | 71 | 72 => administration(instance, number, reader, writer),
        21..=29 => objects(instance, number, reader, writer),
        30..=58 => operations(instance, number, reader, writer),
        59..=65 => keys(instance, number, reader, writer),
        66 | 67 => {
            let session = reader.ulong()?;
            reader.end()?;
            instance.session_information(session)?;
            Err(Rv::FUNCTION_NOT_PARALLEL.into())
        }
        // C_GetFunctionList, C_WaitForSlotEvent and the interfaces are not encapsulated; messages
        // have parameters that the profile gives no encoding.
        _ => Err(Rv::FUNCTION_NOT_SUPPORTED.into()),
    }
}

fn administration(
    instance: &Instance,
    number: u32,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    match number {
        3 => {
            reader.end()?;
            information::library(writer);
        }
        5 => {
            let (_, room) = (reader.flag()?, reader.room()?);
            reader.end()?;
            return writer.list(room, &instance.slot_list());
        }
        6 => {
            let slot = last(reader)?;
            instance.slot_information(slot)?;
            information::slot(slot, writer);
        }
        7 => {
            let token = instance.token_information(last(reader)?)?;
            information::token(&token, writer);
        }
        8 => {
            let (slot, room) = (reader.ulong()?, reader.room()?);
            reader.end()?;
            return writer.list(room, &instance.mechanism_list(slot)?);
        }
        9 => {
            let (slot, kind) = (reader.ulong()?, reader.ulong()?);
            reader.end()?;
            let mechanism = instance.mechanism_information(slot, kind)?;
            writer.ulong(mechanism.min_key_size);
            writer.ulong(mechanism.max_key_size);
            writer.ulong(mechanism.flags);
        }
        10 => {
            let (slot, pin) = (reader.ulong()?, reader.bytes()?);
            let label = reader.take(32)?;
            reader.end()?;
            instance.init_token(slot, pin, label)?;
        }
        11 => {
            let (session, pin) = (reader.ulong()?, reader.bytes()?);
            reader.end()?;
            instance.init_pin(session, pin)?;
        }
        12 => {
            let (session, old, new) = (reader.ulong()?, reader.bytes()?, reader.bytes()?);
            reader.end()?;
            instance.set_pin(session, old, new)?;
        }
        _ => return sessions(instance, number, reader, writer),
    }
    Ok(())
}

fn sessions(
    instance: &Instance,
    number: u32,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    match number {
        13 => {
            // The application's pointer and callback stay with the client.
            let (slot, flags) = (reader.ulong()?, reader.ulong()?);
            reader.end()?;
            writer.ulong(instance.open_session(slot, flags)?);
        }
        14 => instance.close_session(last(reader)?)?,
        15 => instance.close_all_sessions(last(reader)?)?,
        16 => {
            let session = instance.session_information(last(reader)?)?;
            for number in [session.slot, session.state, session.flags, 0] {
                writer.ulong(number);
            }
        }
        17 => {
            let (session, room) = (reader.ulong()?, reader.room()?);
            reader.end()?;
            return writer.output(room, |output| instance.operation_state(session, output));
        }
        18 => {
            let (session, state) = (reader.ulong()?, reader.bytes()?);
            let keys = [reader.ulong()?, reader.ulong()?];
            reader.end()?;
            instance.set_operation_state(session, state, keys)?;
        }
        19 | 71 => {
            let (session, user, pin) = (reader.ulong()?, reader.ulong()?, reader.bytes()?);
            if number == 71 && !reader.bytes()?.is_empty() {
                // Users have no names here but the standard's types.
                return Err(Rv::ARGUMENTS_BAD.into());
            }
            reader.end()?;
            instance.login(session, UserType::from_number(user)?, pin)?;
        }
        20 => instance.logout(last(reader)?)?,
        _ => {
            let (session, flags) = (reader.ulong()?, reader.ulong()?);
            reader.end()?;
            instance.cancel(session, flags)?;
        }
    }
    Ok(())
}

/// The only parameter of a function.
fn last(reader: &mut Reader<'_>) -> Result<CK_ULONG, Fault> {
    let number = reader.ulong()?;
    reader.end()?;
    Ok(number)
}

fn objects(instance: &Instance, number: u32, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
    let session = reader.ulong()?;
    match number {
        21 => {
            let template = templates::read(reader)?;
            reader.end()?;
            writer.ulong(instance.create_object(session, &template.template()?)?);
        }
        22 => {
            let (object, template) = (reader.ulong()?, templates::read(reader)?);
            reader.end()?;
            writer.ulong(instance.copy_object(session, object, &template.template()?)?);
        }
        23 => instance.destroy_object(session, last(reader)?)?,
        24 => writer.ulong(instance.object_size(session, last(reader)?)? as CK_ULONG),
        25 => {
            let (object, asked) = (reader.ulong()?, templates::asked(reader)?);
            reader.end()?;
            let kinds: Vec<_> = asked.iter().map(|asked| asked.kind).collect();
            let answers = instance.attribute_values(session, object, &kinds)?;
            templates::answer(writer, &asked, &answers)?;
        }
        26 => {
            let (object, template) = (reader.ulong()?, templates::read(reader)?);
            reader.end()?;
            instance.set_attribute_values(session, object, &template.template()?)?;
        }
        27 => {
            let template = templates::read(reader)?;
            reader.end()?;
            instance.find_objects_init(session, &template.template()?)?;
        }
        28 => {
            // An array that is always there: its room, and then how many were found.
            let most = reader.count()?;
            reader.end()?;
            let found = instance.find_objects(session, most.min(MAX_FOUND))?;
            writer.count(found.len());
            for object in found {
                writer.ulong(object);
            }
        }
        _ => {
            reader.end()?;
            instance.find_objects_final(session)?;
        }
    }
    Ok(())
}

/// What an operation's function does.
enum Step {
    Init(Kind),
    OnePart(Kind),
    Update(Kind),
    Final(Kind),
    Absorb(Kind),
    Dual(Kind, Second),
}

fn operations(
    instance: &Instance,
    number: u32,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Done {
    let step = match number {
        30 => Step::Init(Kind::Encrypt),
        31 => Step::OnePart(Kind::Encrypt),
        32 => Step::Update(Kind::Encrypt),
        33 => Step::Final(Kind::Encrypt),
        34 => Step::Init(Kind::Decrypt),
        35 => Step::OnePart(Kind::Decrypt),
        36 => Step::Update(Kind::Decrypt),
        37 => Step::Final(Kind::Decrypt),
        43 => Step::Init(Kind::Sign),
        44 => Step::OnePart(Kind::Sign),
        45 => Step::Absorb(Kind::Sign),
        46 => Step::Final(Kind::Sign),
        47 => Step::Init(Kind::SignRecover),
        48 => Step::OnePart(Kind::SignRecover),
        49 => Step::Init(Kind::Verify),
        51 => Step::Absorb(Kind::Verify),
        53 => Step::Init(Kind::VerifyRecover),
        54 => Step::OnePart(Kind::VerifyRecover),
        55 => Step::Dual(Kind::Encrypt, Second::Digest),
        56 => Step::Dual(Kind::Decrypt, Second::Digest),
        57 => Step::Dual(Kind::Encrypt, Second::Sign),
        58 => Step::Dual(Kind::Decrypt, Second::Verify),
        _ => return digests(instance, number, reader, writer),
    };
    let session = reader.ulong()?;
    match step {
        Step::Init(kind) => {
            let (mechanism, key) = (mechanisms::read(reader)?, reader.ulong()?);
            reader.end()?;
            instance.begin(session, kind, Some(&mechanism.call()?), key)?;
        }
        Step::OnePart(kind) => {
            let (input, room) = input_and_room(reader)?;
            writer.output(room, |output| instance.run(session, kind, input, output))?;
        }
        Step::Update(kind) => {
            let (input, room) = input_and_room(reader)?;
            writer.output(room, |output| instance.update(session, kind, input, output))?;
        }
        Step::Dual(kind, second) => {
            let (input, room) = input_and_room(reader)?;
            writer.output(room, |output| {
                instance.dual_update(session, kind, second, input, output)
            })?;
        }
        Step::Final(kind) => {
            let room = reader.room()?;
            reader.end()?;
            writer.output(room, |output| instance.finish(session, kind, output))?;
        }
        Step::Absorb(kind) => {
            let part = reader.bytes()?;
            reader.end()?;
            instance.absorb(session, kind, part)?;
        }
    }
    Ok(())
}

fn input_and_room<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], Room), Fault> {
    let (input, room) = (reader.bytes()?, reader.room()?);
    reader.end()?;
    Ok((input, room))
}

/// Digests, and verifications, which have no output.
fn digests(instance: &Instance, number: u32, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
    let session = reader.ulong()?;
    match number {
        38 => {
            let mechanism = mechanisms::read(reader)?;
            reader.end()?;
            instance.digest_init(session, Some(&mechanism.call()?))?;
        }
        39 => {
            let (data, room) = input_and_room(reader)?;
            writer.output(room, |output| instance.digest(session, data, output))?;
        }
        40 => {
            let part = reader.bytes()?;
            reader.end()?;
            instance.digest_update(session, part)?;
        }
        41 => instance.digest_key(session, last(reader)?)?,
        42 => {
            let room = reader.room()?;
            reader.end()?;
            writer.output(room, |output| instance.digest_final(session, output))?;
        }
        50 => {
            let (data, signature) = (reader.bytes()?, reader.bytes()?);
            reader.end()?;
            instance.verify(session, data, signature)?;
        }
        _ => {
            let signature = reader.bytes()?;
            reader.end()?;
            instance.verify_final(session, signature)?;
        }
    }
    Ok(())
}

fn keys(instance: &Instance, number: u32, reader: &mut Reader<'_>, writer: &mut Writer) -> Done {
    let session = reader.ulong()?;
    if number == 64 {
        let seed = reader.bytes()?;
        reader.end()?;
        return Ok(instance.seed_random(session, seed)?);
    }
    if number == 65 {
        let room = reader.room()?;
        reader.end()?;
        if room.length > MAX_RANDOM {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        let mut random = zeroize::Zeroizing::new(vec![0; room.length]);
        instance.generate_random(session, &mut random)?;
        writer.flag(true);
        writer.count(random.len());
        writer.raw(&random);
        return Ok(());
    }
    let mechanism = mechanisms::read(reader)?;
    match number {
        59 => {
            let template = templates::read(reader)?;
            reader.end()?;
            let key = instance.generate_key(session, &mechanism.call()?, &template.template()?)?;
            writer.ulong(key);
        }
        60 => {
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
        61 => {
            let (wrapping, key, room) = (reader.ulong()?, reader.ulong()?, reader.room()?);
            reader.end()?;
            let call = mechanism.call()?;
            writer.output(room, |output| {
                instance.wrap_key(session, &call, wrapping, key, output)
            })?;
        }
        62 => {
            let (unwrapping, wrapped) = (reader.ulong()?, reader.bytes()?);
            let template = templates::read(reader)?;
            reader.end()?;
            let call = mechanism.call()?;
            let template = template.template()?;
            let key = instance.unwrap_key(session, &call, unwrapping, wrapped, &template)?;
            writer.ulong(key);
        }
        _ => {
            let (base, template) = (reader.ulong()?, templates::read(reader)?);
            reader.end()?;
            let call = mechanism.call()?;
            writer.ulong(instance.derive_key(session, &call, base, &template.template()?)?);
        }
    }
    Ok(())
}
